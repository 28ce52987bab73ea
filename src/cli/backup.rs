//! `nightdesk backup`: one consistent copy of the live database, and room for it among the older ones.
//!
//! `nightdesk-backup.timer` and people call it; the desk may run or not. Where the data folder's owner may write, it acts
//! as that owner, also when root asks: root must not follow names that the owner may put there.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use rustix::process::geteuid;
use serde_json::json;

use super::CliError;
use super::desk::{Desk, print_json};
use super::table::amount;
use crate::model::Timestamp;
use crate::store::BackupSettings;

/// Below the data folder, unless --to says otherwise.
const FOLDER: &str = "backups";

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Where to, if not backups/ in the data folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Keep so many there, the new one among them; older ones go
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl BackupArgs {
    pub(super) fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let data = &desk.config.storage.data_dir;
        become_owner(data, self.to.as_deref())?;
        let folder = self.to.clone().unwrap_or_else(|| data.join(FOLDER));
        let settings =
            BackupSettings { keep: self.keep.into(), reserve_bytes: desk.config.storage.low_water_mark_bytes };
        let made = desk.reader()?.back_up(&folder, settings, Timestamp::now())?;
        if self.json {
            return print_json(out, &json!({ "path": made.path, "bytes": made.bytes, "removed": made.removed }));
        }
        writeln!(out, "{} is written ({})", made.path.display(), amount(made.bytes))?;
        for old in &made.removed {
            writeln!(out, "{} is removed", old.display())?;
        }
        Ok(())
    }
}

/// Starts this command anew as the owner of the data folder, if that is another than root who asks, and the copy goes
/// where that one may write: into the data folder, or `to` a folder of its own.
fn become_owner(data: &Path, to: Option<&Path>) -> Result<(), CliError> {
    let owner = match fs::metadata(data) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CliError::NoDatabase(data.to_owned())),
        Err(source) => return Err(CliError::Unreadable { path: data.to_owned(), source }),
    };
    let is_owners = |to: &Path| {
        let there = std::path::absolute(to).ok()?;
        Some(there.ancestors().find_map(|above| fs::metadata(above).ok())?.uid() == owner.uid())
    };
    if !geteuid().is_root() || owner.uid() == 0 || to.is_some_and(|to| is_owners(to) == Some(false)) {
        return Ok(());
    }
    let mut command = Command::new("/proc/self/exe");
    Err(command.args(std::env::args_os().skip(1)).uid(owner.uid()).gid(owner.gid()).exec().into())
}
