//! `nightdesk secrets`: the credentials that systemd hands to the desk: set one, list them, remove one.
//!
//! A value is read from standard input, never from an argument, and never printed. systemd reads the files when the desk
//! starts, so a new value takes a restart, which drains; a desk that couldn't start again is left running. `folder` is
//! the files, `input` the value. Rules: systemd.exec(5), `LoadCredential=`; systemd-creds(1).

mod folder;
mod input;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::desk::{Desk, confirmed, print_json};
use super::systemd::{DESK, Systemctl};
use super::table::{Fit, Screen};
use super::{CliError, DEFAULT_CONFIG};
use crate::config::{Config, is_credential_name};
use folder::{Folder, Kind};

/// What uses a secret gives way.
const FIT: Fit = Fit { widest: 40, dispensable: &[] };

/// Keep the secrets that systemd hands to the desk.
#[derive(Debug, Subcommand)]
pub(super) enum SecretsCommand {
    /// Write a secret, read from standard input, and restart the desk with it
    Set(Set),
    /// List secrets: their kind, what uses them, which are missing; never their values
    List(List),
    /// Remove a secret
    Remove(Remove),
}

/// Arguments of `secrets set`.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Its name, as in { credential = "NAME" }
    #[arg(value_parser = name_of)]
    name: String,
    /// Encrypt it with a key of this machine (systemd-creds): a copy of /etc is worth nothing, the whole card still is
    #[arg(long)]
    sealed: bool,
    /// Don't restart the desk: it takes the secret at its next start
    #[arg(long)]
    no_restart: bool,
}

/// Arguments of `secrets list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `secrets remove`.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Its name
    #[arg(value_parser = name_of)]
    name: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

fn name_of(text: &str) -> Result<String, &'static str> {
    let good = is_credential_name(text);
    good.then(|| text.to_owned()).ok_or("letters, digits, -, _ and dots, as in { credential = \"NAME\" }")
}

impl SecretsCommand {
    pub(super) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Set(args) => args.run(config, out).await,
            Self::List(args) => args.run(config, out),
            Self::Remove(args) => args.run(config, out),
        }
    }
}

/// The keys of the configuration that name each credential; nothing if it can't be read.
fn uses(config: &Path) -> BTreeMap<String, Vec<String>> {
    Config::load(config).map(|config| config.credentials()).unwrap_or_default()
}

impl Set {
    async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let (kind, other) = if self.sealed { (Kind::Sealed, Kind::File) } else { (Kind::File, Kind::Sealed) };
        let folder = Folder::beside(config, kind);
        folder.may_write()?; // before somebody pastes a secret in vain
        let secret = input::secret(&self.name).await?;
        let mut line = secret.expose_secret().to_owned();
        line.push('\n');
        let content = if self.sealed { input::seal(&kind.credential(&self.name), &line)? } else { line.into_bytes() };
        let path = folder.put(&self.name, &content)?;
        // Of two systemd would hand over both, and it wouldn't be plain which one counts.
        Folder::beside(config, other).remove(&self.name)?;
        writeln!(out, "{} is written", path.display())?;
        if !uses(config).contains_key(&self.name) {
            writeln!(out, "nothing in {} names it yet: {{ credential = \"{}\" }}", config.display(), self.name)?;
        }
        self.restart(config, &Systemctl::default(), out)
    }

    /// Only the desk of the system has a unit.
    fn restart(&self, config: &Path, systemctl: &Systemctl, out: &mut dyn Write) -> Result<(), CliError> {
        let state = match systemctl.show(&["ActiveState"], DESK).first() {
            Some(unit) if config == Path::new(DEFAULT_CONFIG) => unit.get("ActiveState").to_owned(),
            Some(_) | None => String::new(),
        };
        if self.no_restart || !matches!(state.as_str(), "active" | "activating" | "reloading") {
            writeln!(out, "the desk takes it at its next start")?;
            return Ok(());
        }
        if let Err(error) = Desk::load(config.to_owned()).and_then(|desk| desk.secrets().map(drop)) {
            writeln!(out, "the desk is not restarted, because it couldn't start: {error}")?;
            writeln!(out, "when that is mended: systemctl restart nightdesk")?;
            return Ok(());
        }
        writeln!(out, "restarting the desk: what is in flight ends first")?;
        out.flush()?;
        if systemctl.try_restart(DESK)? { Ok(writeln!(out, "it runs with it")?) } else { Err(CliError::NotBack) }
    }
}

/// A secret in the list.
struct Listed {
    name: String,
    /// `None`: it is missing.
    kind: Option<Kind>,
    used_by: Vec<String>,
}

impl List {
    fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let all = listed(config)?;
        if self.json {
            let of =
                |one: &Listed| json!({ "name": one.name, "kind": one.kind.map(Kind::name), "used_by": one.used_by });
            return print_json(out, &all.iter().map(of).collect::<Vec<Value>>());
        }
        if all.is_empty() {
            writeln!(out, "there are no secrets, and the configuration names none")?;
            return Ok(());
        }
        let row = |one: &Listed| {
            let used = if one.used_by.is_empty() { "nothing".to_owned() } else { one.used_by.join(", ") };
            vec![one.name.clone(), one.kind.map_or("MISSING", Kind::name).to_owned(), used]
        };
        let screen = Screen::of_stdout(jiff::tz::TimeZone::UTC);
        write!(out, "{}", screen.table(&["NAME", "KIND", "USED BY"], &FIT, all.iter().map(row)))?;
        if all.iter().any(|one| one.kind.is_none()) {
            writeln!(out, "\nSet one that is missing: nightdesk secrets set NAME")?;
        }
        Ok(())
    }
}

fn listed(config: &Path) -> Result<Vec<Listed>, CliError> {
    let mut uses = uses(config);
    let (files, sealed) = (Folder::beside(config, Kind::File).names()?, Folder::beside(config, Kind::Sealed).names()?);
    let names: BTreeSet<String> = files.iter().chain(&sealed).chain(uses.keys()).cloned().collect();
    let of = |name: String| {
        // A file counts before a sealed one; see `config`.
        let kind =
            if files.contains(&name) { Some(Kind::File) } else { sealed.contains(&name).then_some(Kind::Sealed) };
        let used_by = uses.remove(&name).unwrap_or_default();
        Listed { name, kind, used_by }
    };
    Ok(names.into_iter().map(of).collect())
}

impl Remove {
    fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let folders = [Kind::File, Kind::Sealed].map(|kind| Folder::beside(config, kind));
        let mut there: Vec<&Folder> = Vec::new();
        for folder in &folders {
            if folder.names()?.contains(&self.name) {
                there.push(folder);
            }
        }
        if there.is_empty() {
            return Err(CliError::NoSecret(self.name.clone()));
        }
        let used = uses(config).remove(&self.name).unwrap_or_default();
        let warning = match used.as_slice() {
            [] => String::new(),
            keys => format!("{} still names it: without it the desk can't start. ", keys.join(", ")),
        };
        if !confirmed(&format!("{warning}Remove the secret {}?", self.name), self.yes)? {
            return Ok(());
        }
        let removed: Vec<PathBuf> =
            there.into_iter().map(|folder| folder.remove(&self.name)).collect::<Result<_, _>>()?;
        for path in removed {
            writeln!(out, "{} is removed", path.display())?;
        }
        writeln!(out, "{warning}A desk that runs holds it until its next start.")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::systemd::tests::saying;
    use super::*;

    #[test]
    fn the_systems_desk_is_restarted_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let set = |no_restart| Set { name: "x".to_owned(), sealed: false, no_restart };
        let other = folder.path().join("nightdesk.toml");
        for (name, no_restart, config, active, said) in [
            ("another configuration", false, other.as_path(), "active", "at its next start"),
            ("not wanted", true, Path::new(DEFAULT_CONFIG), "active", "at its next start"),
            ("it doesn't run", false, Path::new(DEFAULT_CONFIG), "inactive", "at its next start"),
        ] {
            let systemctl = saying(folder.path(), &format!("ActiveState={active}\n"), 0);
            let mut out = Vec::new();
            set(no_restart).restart(config, &systemctl, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains(said), "{name}: {out}");
            let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
            assert!(!asked.contains("try-restart"), "{name}: {asked}");
        }
    }

    #[test]
    fn names_are_those_of_the_configuration() {
        for (text, good) in [("hubspot-token", true), ("a.b_c", true), ("", false), (".x", false), ("a/b", false)] {
            assert_eq!(name_of(text).is_ok(), good, "{text}");
        }
    }
}
