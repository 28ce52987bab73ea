//! `nightdesk run`: the daemon, in the foreground, until it is asked to stop.

use super::CliError;
use super::desk::Desk;
use crate::app;
use crate::config::Secrets;
use crate::journal;

/// Runs the desk.
pub(super) async fn run(desk: &Desk) -> Result<(), CliError> {
    journal::init(&app::journal(&desk.config))?;
    for warning in &desk.config.warnings {
        tracing::warn!("configuration: {warning}");
    }
    // Only what systemd hands out counts: a daemon doesn't look for secrets by itself.
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let secrets = Secrets::load(&desk.config, credentials.as_deref().map(std::path::Path::new))
        .map_err(|problems| CliError::Config { path: desk.path.clone(), problems })?;
    Ok(app::run(&desk.config, &secrets).await?)
}
