//! `nightdesk modem reset`: the modem is told to start anew, as soon as no text is under way.
//!
//! Its power stays on; for a modem that hears no command any more there is `modem power-cycle`.

use std::io::Write;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::super::CliError;
use super::super::desk::print_json;
use super::target::Target;

/// Arguments of `modem reset`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Reset {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Reset {
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let reach = self.target.reach(config).await?;
        let done = reach.reset().await;
        let name = reach.name();
        reach.close().await;
        done?;
        if self.json {
            return print_json(out, &json!({ "modem": name, "reset": true }));
        }
        writeln!(out, "{name} starts anew, which takes half a minute or so; follow it: nightdesk modem watch")?;
        Ok(())
    }
}
