//! `nightdesk version`: which nightdesk this is.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::CliError;
use super::desk::print_json;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Arguments of `version`.
#[derive(Debug, Args)]
pub(super) struct VersionArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl VersionArgs {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.json {
            return print_json(out, &json!({ "version": VERSION }));
        }
        Ok(writeln!(out, "nightdesk {VERSION}")?)
    }
}
