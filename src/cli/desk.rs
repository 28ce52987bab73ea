//! How a command reaches a desk: its configuration, its secrets, its database, its socket.
//!
//! Reading is done from the database, which works whether the desk runs or not. Whatever changes something is asked of
//! the running desk over its socket, and only when none runs done on the files themselves.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CliError;
use super::table::Screen;
use crate::app::Offline;
use crate::config::{Config, Secrets, Source};
use crate::control::{self, ControlError, Operator, Request, Response};
use crate::model::Lead;
use crate::store::{DATABASE, Reader};

/// Said when something was queued in the files of a desk that doesn't run.
pub(super) const WHEN_IT_RUNS: &str = "the desk does not run: what is queued happens when it does";

/// What a request came to.
pub(super) struct Answered {
    pub(super) response: Response,
    /// A running desk did it.
    pub(super) running: bool,
}

/// A desk as its configuration describes it.
pub(super) struct Desk {
    pub(super) path: PathBuf,
    pub(super) config: Config,
}

impl Desk {
    /// The desk that the file at `path` describes.
    pub(super) fn load(path: PathBuf) -> Result<Self, CliError> {
        match Config::load(&path) {
            Ok(config) => Ok(Self { path, config }),
            Err(problems) => Err(CliError::Config { path, problems }),
        }
    }

    /// Its secrets. Outside of its unit systemd hands out no credentials; then the folder they come from is read, which
    /// lies beside the configuration and takes root.
    pub(super) fn secrets(&self) -> Result<Secrets, CliError> {
        let folder = credentials(&self.path);
        let secrets = Secrets::load(&self.config, folder.as_deref());
        secrets.map_err(|problems| CliError::Config { path: self.path.clone(), problems })
    }

    /// A look at its database.
    pub(super) fn reader(&self) -> Result<Reader, CliError> {
        let folder = &self.config.storage.data_dir;
        let path = folder.join(DATABASE);
        // SQLite only says that it can't open a file; an operator needs to know why.
        match File::open(&path) {
            Ok(_) => Ok(Reader::open(folder)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(CliError::NoDatabase(folder.clone())),
            Err(source) => Err(CliError::Unreadable { path, source }),
        }
    }

    /// Asks the running desk; `None` when none runs.
    pub(super) async fn ask_if_running(&self, request: &Request) -> Result<Option<Response>, CliError> {
        match control::ask(&self.config.storage.control_socket, request).await {
            Ok(response) => Ok(Some(response)),
            Err(ControlError::NotRunning(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Has `request` done: by the running desk, or on the files themselves when none runs.
    pub(super) async fn ask(&self, request: Request) -> Result<Answered, CliError> {
        if let Some(response) = self.ask_if_running(&request).await? {
            return Ok(Answered { response, running: true });
        }
        let response = Offline::open(&self.config, &self.secrets()?)?.answer(request).await;
        Ok(Answered { response, running: false })
    }

    /// How its things are shown.
    pub(super) fn screen(&self) -> Screen {
        Screen::of_stdout(self.config.business.time_zone.clone())
    }
}

/// Where credentials are: where systemd says, else beside the configuration, if this user may look there.
fn credentials(config: &Path) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        return Some(folder.into());
    }
    let folder = config.parent()?.join("credentials");
    folder.read_dir().is_ok().then_some(folder)
}

/// The source that a person names.
pub(super) fn source_of<'d>(desk: &'d Desk, name: &str) -> Result<&'d Source, CliError> {
    let sources = &desk.config.sources;
    sources.get(name).ok_or_else(|| {
        let names: Vec<&str> = sources.keys().map(String::as_str).collect();
        let known = match names.as_slice() {
            [] => "are no sources at all".to_owned(),
            [one] => format!("is {one}"),
            many => format!("are {}", many.join(", ")),
        };
        CliError::NoSource { name: name.to_owned(), known }
    })
}

/// The lead that a person means by `name`.
pub(super) fn lead_of(reader: &Reader, name: &str) -> Result<Lead, CliError> {
    reader.find_lead(name)?.ok_or_else(|| CliError::NoLead { name: name.to_owned() })
}

/// Whether to go on: the operator said so already, or says so now.
/// Asked on standard error, because standard output may be somebody's JSON.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<bool, CliError> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::Unasked { question: question.to_owned() });
    }
    let mut screen = io::stderr();
    write!(screen, "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let agreed = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if !agreed {
        writeln!(screen, "nothing was changed")?;
    }
    Ok(agreed)
}

/// One line of JSON.
pub(super) fn print_json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    Ok(writeln!(out, "{text}")?)
}

/// What a request to change something came to, printed. `done` completes "so many dead letters …".
pub(super) fn print_done(out: &mut dyn Write, answers: Vec<Answered>, done: &str, json: bool) -> Result<(), CliError> {
    let (mut total, mut failures, mut running) = (0_u32, Vec::new(), true);
    for answer in answers {
        running &= answer.running;
        match answer.response {
            Response::Done { count, failures: more } => {
                total = total.saturating_add(count);
                failures.extend(more);
            }
            Response::Refused { reason } => return Err(CliError::Refused { reason }),
            Response::Status(_)
            | Response::Replayed { .. }
            | Response::Modem(_)
            | Response::Tested { .. }
            | Response::Looks { .. }
            | Response::Suppression { .. }
            | Response::Text(_)
            | Response::Fate { .. } => return Err(CliError::OddAnswer),
        }
    }
    if json {
        print_json(out, &serde_json::json!({ "done": total, "failures": failures }))?;
    } else {
        writeln!(out, "{total} {done}")?;
        if total > 0 && !running {
            writeln!(out, "{WHEN_IT_RUNS}")?;
        }
    }
    match (total, failures.is_empty()) {
        (0, true) => Err(CliError::NothingMatches),
        (_, true) => Ok(()),
        (_, false) => Err(CliError::NotDone { failures }),
    }
}
