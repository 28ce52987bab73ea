//! Why a command failed, and the exit code that says so to scripts.
//!
//! One enum for all commands; `main` prints it with its sources and ends with [`CliError::exit_code`]. The codes are
//! those of `sysexits.h`, listed for the operator by `--help` ([`EXIT_CODES`]).

use std::io;
use std::path::PathBuf;

use super::modem::ModemError;
use crate::app::AppError;
use crate::config::Problems;
use crate::control::ControlError;
use crate::demo::DemoError;
use crate::journal::JournalError;
use crate::model::Channel;
use crate::service::exit;
use crate::store::StoreError;

/// Something could not be read or written (`EX_IOERR` of sysexits.h).
const IO: u8 = 74;

/// The part of `--help` that scripts are written by.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
   0  done; for `run`: asked to stop and drained
  64  the command line makes no sense
  65  what was given can't be read or used
  66  what was asked for isn't there
  69  the desk, or something it depends on, doesn't answer or refuses
  70  a fault of the program itself
  74  something can't be read or written, or there is no room for it
  75  not now: another desk holds the data folder, a lead is still being worked on, a backup is being made
  76  nobody can tell whether the text was sent
  77  the operating system doesn't allow it
  78  the configuration has problems; all of them are printed";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration, or a secret it names, is not as it must be.
    #[error("{} can't be used:\n{problems}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        problems: Problems,
    },
    /// `check` found errors and has printed them.
    #[error("the desk can't run like this")]
    Unfit,
    /// `doctor` found problems and has printed them.
    #[error("something on this box needs a person")]
    Ailing,
    /// `check` asked a vendor who doesn't take us, and has printed why.
    #[error("a vendor doesn't take us as we are configured")]
    VendorRefuses,
    /// The desk can't be started, or its files can't be opened.
    #[error(transparent)]
    App(#[from] AppError),
    /// The log can't be set up.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// There is no database yet.
    #[error("there is no database in {}: the desk never ran, or --config names another one", .0.display())]
    NoDatabase(PathBuf),
    /// The system keeps us out.
    #[error("{} can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Only root may.
    #[error("{} belongs to root: run it again with sudo", .0.display())]
    NeedsRoot(PathBuf),
    /// The file system takes no changes.
    #[error(
        "{} is on a read-only file system: `mount -o remount,rw /` before, `mount -o remount,ro /` afterwards", .0.display()
    )]
    ReadOnly(PathBuf),
    /// The system keeps us from writing.
    #[error("{} can't be written", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No such secret.
    #[error("there is no secret {0}; `nightdesk secrets list` shows those there are")]
    NoSecret(String),
    /// The secret could not be encrypted; nothing was changed.
    #[error("the secret can't be sealed, and nothing was changed: {words}")]
    NotSealed {
        /// What `systemd-creds` said.
        words: String,
    },
    /// The desk was restarted and didn't come back.
    #[error("the secret is written, but the desk did not come back: `systemctl status nightdesk` tells more")]
    NotBack,
    /// The database is in trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The desk can't be asked.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The desk doesn't run, and what there is to see without it was shown.
    #[error("the desk does not run")]
    NotRunning,
    /// Not the answer to our question.
    #[error("the desk gave an answer to something else; is it of another version?")]
    OddAnswer,
    /// The desk won't.
    #[error("the desk refuses: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// A CRM could not be looked into.
    #[error("{channel} could not be looked into: {why}")]
    NotReconciled {
        /// The CRM.
        channel: Channel,
        /// Why.
        why: String,
    },
    /// Some were done, some were not.
    #[error("{} not done:\n{}", failures.len(), failures.join("\n"))]
    NotDone {
        /// Which, and why.
        failures: Vec<String>,
    },
    /// The lead is being worked on.
    #[error("a job of this lead is still open; try again when it has ended (`nightdesk leads show {lead}`)")]
    Busy {
        /// The lead.
        lead: String,
    },
    /// No such lead.
    #[error("there is no lead {name:?}: give its code, its id, or at least the first 8 characters of that")]
    NoLead {
        /// As it was named.
        name: String,
    },
    /// No such dead letter.
    #[error("there is no dead letter {id}")]
    NoLetter {
        /// As it was named.
        id: i64,
    },
    /// The filter matches nothing.
    #[error("nothing that is open matches")]
    NothingMatches,
    /// The configuration names nobody.
    #[error("nobody is on call: fill in [oncall]")]
    NobodyOnCall,
    /// The configuration names no model.
    #[error("no model is asked: fill in [[llm]]")]
    NoModel,
    /// The configuration has no mail.
    #[error(
        "mail has no key yet: make one with `openssl rand -hex 32 | sudo nightdesk secrets set mail-key`, and write \
         key = {{ credential = \"mail-key\" }} under [mail]"
    )]
    NoMail,
    /// No follow-up is configured.
    #[error("no follow-up mail is sent: `nightdesk check` tells what is missing")]
    NoFollowUp,
    /// No mail server is configured.
    #[error("there is no mail server: fill in [mail] and [mail.smtp]")]
    NoMailServer,
    /// The mail server didn't take a test.
    #[error("the mail was not sent: {why}{cure}")]
    NotMailed {
        /// Its words.
        why: String,
        /// What to do.
        cure: String,
    },
    /// Nothing keeps mail from an address.
    #[error("this address may get mail already")]
    NotSuppressed,
    /// The phone of somebody on call was tested.
    #[error("{who}'s phone was not reached: {why}")]
    NotReached {
        /// Whose, by name.
        who: String,
        /// Why not, or not yet.
        why: String,
    },
    /// No such source.
    #[error("there is no [sources.{name}] in the configuration; there {known}")]
    NoSource {
        /// As it was named.
        name: String,
        /// Those there are, in words.
        known: String,
    },
    /// The modem, or what was asked of it.
    #[error(transparent)]
    Modem(#[from] ModemError),
    /// Root's unit doesn't watch for the request.
    #[error(
        "nothing watches for it: write how {0} is switched into /etc/nightdesk/modem-power/{0}, then \
         `sudo systemctl enable --now nightdesk-modem-power@{0}.path`"
    )]
    NobodySwitches(String),
    /// There is no desk that could ask.
    #[error("the desk does not run; without it: sudo systemctl start nightdesk-modem-power@{0}.service")]
    SwitchByHand(String),
    /// The source's webhooks only point to records.
    #[error("webhooks of {0} only point to records: name a real one with --record ID")]
    NeedsRecord(String),
    /// The source knows its sender by a certificate, whose key only the sender has.
    #[error("this source wants a client certificate, and send-test has none; post with curl --cert instead")]
    NoCertificate,
    /// Many would be changed, and there is nobody to ask.
    #[error("{question} Say --yes: there is no terminal to ask on")]
    Unasked {
        /// What would have been asked.
        question: String,
    },
    /// The test lead didn't get through.
    #[error("the desk answered {status}: {words}")]
    TestRefused {
        /// The HTTP status.
        status: u16,
        /// What it means here.
        words: &'static str,
    },
    /// The intake doesn't answer.
    #[error("{address} doesn't answer ({reason})")]
    Silent {
        /// Where it should have been.
        address: String,
        /// What happened instead.
        reason: String,
    },
    /// An argument that isn't one.
    #[error("{message}")]
    Argument {
        /// One line that says why.
        message: String,
    },
    /// Data that can't be read.
    #[error("{message}")]
    Data {
        /// One line that says why.
        message: String,
    },
    /// The demo could not be given.
    #[error("the demo broke off")]
    Demo(#[from] DemoError),
    /// The demo was given, and what was wrong was told.
    #[error("the demo did not go as it should")]
    DemoFailed,
    /// The answer can't be written.
    #[error("can't write the answer")]
    Output(#[from] io::Error),
}

impl CliError {
    /// What follows when `path` can't be written.
    pub(super) fn of_writing(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NeedsRoot(path),
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::Unwritable { path, source },
        }
    }

    /// What the program ends with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. } | Self::Unfit | Self::NoMail | Self::Log(JournalError::Level(_)) => exit::CONFIG,
            Self::Log(JournalError::Twice) | Self::OddAnswer | Self::DemoFailed => exit::SOFTWARE,
            Self::ReadOnly(_) => IO,
            Self::App(error) => error.exit_code(),
            Self::Demo(error) => of_demo(error),
            Self::Modem(error) => error.exit_code(),
            Self::Unreadable { source, .. } | Self::Unwritable { source, .. } => of_io(source),
            Self::Store(error) => of_store(error),
            Self::NeedsRoot(_) | Self::Control(ControlError::NotAllowed(_)) => exit::NO_PERMISSION,
            Self::VendorRefuses
            | Self::Ailing
            | Self::NotRunning
            | Self::NotReached { .. }
            | Self::NotMailed { .. }
            | Self::NotReconciled { .. }
            | Self::SwitchByHand(_)
            | Self::NobodySwitches(_)
            | Self::NotBack
            | Self::NotSealed { .. }
            | Self::TestRefused { .. }
            | Self::Silent { .. }
            | Self::Control(_) => exit::UNAVAILABLE,
            Self::Refused { .. } | Self::NotDone { .. } | Self::Data { .. } => exit::DATA,
            Self::Busy { .. } => exit::TEMP_FAIL,
            Self::NoDatabase(_)
            | Self::NoLead { .. }
            | Self::NoLetter { .. }
            | Self::NoSecret(_)
            | Self::NothingMatches
            | Self::NobodyOnCall
            | Self::NotSuppressed
            | Self::NoModel
            | Self::NoFollowUp
            | Self::NoMailServer
            | Self::NoSource { .. }
            | Self::NeedsRecord(_)
            | Self::NoCertificate => exit::NO_INPUT,
            Self::Unasked { .. } | Self::Argument { .. } => exit::USAGE,
            Self::Output(error) => of_output(error),
        }
    }

    /// Whoever read our answer had seen enough (`… | head`): nothing to complain about.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.exit_code() == exit::OK
    }
}

fn of_demo(error: &DemoError) -> u8 {
    match error {
        DemoError::Folder(error) | DemoError::World(error) => of_io(error),
        DemoError::Config(_) => exit::SOFTWARE,
        DemoError::App(error) => error.exit_code(),
        DemoError::Store(error) => of_store(error),
        DemoError::Control(_) => exit::UNAVAILABLE,
        DemoError::Out(error) => of_output(error),
    }
}

/// Whoever read along and had seen enough is no error.
fn of_output(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe { exit::OK } else { IO }
}

fn of_io(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::PermissionDenied { exit::NO_PERMISSION } else { IO }
}

fn of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Locked(_) | StoreError::BackupRuns(_) => exit::TEMP_FAIL,
        StoreError::Folder { source, .. } => of_io(source),
        StoreError::TooNew { .. } => exit::CONFIG,
        StoreError::Alien { .. } | StoreError::Orphaned(_) => exit::DATA,
        StoreError::Sqlite(_)
        | StoreError::Commit(_)
        | StoreError::Full
        | StoreError::NoRoom { .. }
        | StoreError::Damaged { .. } => IO,
        StoreError::Panicked | StoreError::Stopped => exit::SOFTWARE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_help() {
        let locked = StoreError::Locked("/x".into());
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for (error, want) in [
            (CliError::Argument { message: String::new() }, 64),
            (CliError::Data { message: String::new() }, 65),
            (CliError::NoLetter { id: 1 }, 66),
            (CliError::NotRunning, 69),
            (CliError::Control(ControlError::Silent), 69),
            (CliError::OddAnswer, 70),
            (CliError::DemoFailed, 70),
            (CliError::Demo(DemoError::Control(ControlError::Silent)), 69),
            (CliError::Output(io::Error::from(io::ErrorKind::StorageFull)), 74),
            (CliError::Store(locked), 75),
            (CliError::Store(StoreError::BackupRuns("/x".into())), 75),
            (CliError::Store(StoreError::NoRoom { folder: "/x".into(), needed: 2, free: 1 }), 74),
            (CliError::Busy { lead: "K7".into() }, 75),
            (CliError::Modem(ModemError::NoVerdict { reason: String::new() }), 76),
            (CliError::Control(ControlError::NotAllowed("/x".into())), 77),
            (CliError::of_writing("/x".into(), denied()), 77),
            (CliError::of_writing("/x".into(), io::Error::from(io::ErrorKind::ReadOnlyFilesystem)), 74),
            (CliError::Unreadable { path: "/x".into(), source: denied() }, 77),
            (CliError::Store(StoreError::Folder { path: "/x".into(), source: denied() }), 77),
            (CliError::Config { path: "/x".into(), problems: Problems::default() }, 78),
            (CliError::NoMail, 78),
        ] {
            assert_eq!(error.exit_code(), want, "{error}");
            assert!(EXIT_CODES.contains(&format!("  {want}  ")), "{want}");
        }
        let closed = CliError::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(closed.is_quiet() && closed.exit_code() == 0);
    }
}
