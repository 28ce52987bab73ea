//! `nightdesk check`: everything that keeps the desk from running as meant, all of it at once.
//!
//! Errors end with 78, warnings don't. `--static` is the unit's `ExecStartPre`: the file, its secrets, its template, its modems' ports;
//! it contacts nobody. Without it the data folder and the listeners are looked at too, and `--online` asks the vendors.
//! Nothing is changed but by `--create-properties`.

mod number;
mod oncall;
mod online;
mod place;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, print_json};
use super::table::line;
use crate::app;
use crate::config::{Config, Problem, Problems, SecretError, Secrets};
use crate::route::SmsTemplate;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Depth {
    /// Only the file, its secrets and ports; no folder, no listener, no vendor
    #[arg(long = "static")]
    fixed: bool,
    /// Also ask each model, CRM and SMS vendor whether it takes us
    #[arg(long)]
    online: bool,
    /// Create the CRM properties that we write, then ask the CRM whether it takes us
    #[arg(long)]
    create_properties: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    depth: Depth,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    path: PathBuf,
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// What a vendor has against us: no error of the file.
    refusals: Vec<Problem>,
    /// What was asked and is well.
    well: Vec<String>,
}

impl Check {
    pub(super) async fn run(&self, path: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let (mut found, desk, secrets) = Findings::of_file(path)?;
        if let Some(desk) = &desk {
            self.look(desk, secrets.as_ref(), &mut found).await?;
        }
        if self.json {
            print_json(out, &found.json())?;
        } else {
            write!(out, "{found}")?;
        }
        match (found.errors.is_empty(), found.refusals.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(CliError::VendorRefuses),
            (false, _) => Err(CliError::Unfit),
        }
    }

    async fn look(&self, desk: &Desk, secrets: Option<&Secrets>, found: &mut Findings) -> Result<(), CliError> {
        if let Some(secrets) = secrets {
            found.tell_sealed(&desk.config, secrets);
        }
        place::ports(&desk.config, found);
        if self.depth.fixed {
            return Ok(());
        }
        place::storage(&desk.config, found);
        oncall::gaps(desk, found)?;
        place::listeners(desk, found).await?;
        let Some(secrets) = secrets else { return Ok(()) };
        if self.depth.create_properties {
            online::create_properties(&desk.config, secrets, found).await?;
        }
        if self.depth.online {
            online::models(&desk.config, secrets, found).await?;
            online::twilio(&desk.config, secrets, found).await?;
            online::follow_ups(&desk.config, secrets, found).await?;
        }
        if self.depth.online || self.depth.create_properties {
            online::crms(&desk.config, secrets, found).await?;
        }
        Ok(())
    }
}

impl Findings {
    /// The file with its secrets, its template and its certificate; the desk and the secrets as far as they can be had.
    pub(super) fn of_file(path: &Path) -> Result<(Self, Option<Desk>, Option<Secrets>), CliError> {
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        let desk = match Desk::load(path.to_owned()) {
            Ok(desk) => desk,
            Err(CliError::Config { problems, .. }) => {
                found.take(problems);
                return Ok((found, None, None));
            }
            Err(error) => return Err(error),
        };
        found.warnings.clone_from(&desk.config.warnings);
        number::country(&desk.config, &mut found);
        number::on_call(&desk.config, &mut found);
        let secrets = match desk.secrets() {
            Ok(secrets) => Some(secrets),
            Err(CliError::Config { problems, .. }) => {
                found.take(problems);
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(template) = &desk.config.sms.template
            && let Err(error) = SmsTemplate::new(template)
        {
            found.error("sms.template", error.to_string());
        }
        for (path, words) in app::broken_requests(&desk.config).into_iter().chain(app::broken_mails(&desk.config)) {
            found.error(path, words);
        }
        for (path, words) in app::unaffordable(&desk.config) {
            found.error(path, words);
        }
        if let Some(secrets) = &secrets {
            place::tls(&desk.config, secrets, &mut found);
        }
        Ok((found, Some(desk), secrets))
    }

    fn tell_sealed(&mut self, config: &Config, secrets: &Secrets) {
        for (path, at) in config.secret_refs() {
            if let Err(SecretError::Sealed(_)) = secrets.get(at) {
                self.warn(path, "it is sealed: only the desk itself can look at it");
            }
        }
    }

    fn take(&mut self, problems: Problems) {
        self.errors.extend(problems.errors);
        self.warnings.extend(problems.warnings);
    }

    fn error(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.errors.push(Problem { line: None, path: path.into(), words: words.into() });
    }

    fn warn(&mut self, path: impl Into<String>, words: impl Into<String>) {
        self.warnings.push(Problem { line: None, path: path.into(), words: words.into() });
    }

    fn json(&self) -> Value {
        let list = |problems: &[Problem]| -> Vec<Value> {
            let one = |problem: &Problem| json!({ "line": problem.line, "path": problem.path, "words": problem.words });
            problems.iter().map(one).collect()
        };
        json!({
            "config": self.path,
            "errors": list(&self.errors),
            "warnings": list(&self.warnings),
            "refusals": list(&self.refusals),
            "well": self.well,
        })
    }
}

impl fmt::Display for Findings {
    /// One line each, worst first, and a last line that sums up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("error", &self.errors), ("refused", &self.refusals), ("warning", &self.warnings)];
        for (kind, problems) in kinds {
            for problem in problems {
                writeln!(f, "{kind}: {}", line(&problem.to_string()))?;
            }
        }
        for well in &self.well {
            writeln!(f, "well: {}", line(well))?;
        }
        let (errors, warnings) = (self.errors.len().saturating_add(self.refusals.len()), self.warnings.len());
        match (errors, warnings) {
            (0, 0) => writeln!(f, "{} is good", self.path.display()),
            (0, _) => writeln!(f, "{} is good, with {}", self.path.display(), counted(warnings, "warning")),
            (_, 0) => writeln!(f, "{} has {}", self.path.display(), counted(errors, "error")),
            (_, _) => {
                let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
                writeln!(f, "{} has {errors} and {warnings}", self.path.display())
            }
        }
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
