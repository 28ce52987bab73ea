//! Why a command could not do with a modem what it was asked to, and the exit code of each.

use std::path::PathBuf;

use super::super::table::line;
use crate::model::{Fate, ModemState};
use crate::service::exit;

/// Nobody can tell whether a text left (`EX_PROTOCOL` of sysexits.h: the other side did not keep to the rules).
const NO_VERDICT: u8 = 76;

/// Why a modem's command failed.
#[derive(Debug, thiserror::Error)]
pub enum ModemError {
    /// No such modem.
    #[error("there is no [modem.{0}] in the configuration")]
    Unknown(String),
    /// None is configured.
    #[error("no modem is configured; name its port with --port: `nightdesk modem list` shows those there are")]
    NoneConfigured,
    /// Several are configured.
    #[error("say which modem: there are {}", .0.join(", "))]
    Which(Vec<String>),
    /// There is nothing behind the path.
    #[error("{} isn't there; `nightdesk modem list` shows the ports there are", .0.display())]
    NoPort(PathBuf),
    /// The path leads to something else.
    #[error("{} is no serial port", .0.display())]
    NotAPort(PathBuf),
    /// Another program has the port open.
    #[error("{} is held by {} (pid {pid}) and was not touched", port.display(), line(name))]
    Held {
        /// The port.
        port: PathBuf,
        /// The program.
        name: String,
        /// Its process.
        pid: u32,
    },
    /// The kernel writes its messages to the port.
    #[error("{} is the console of this box and was not touched", .0.display())]
    Console(PathBuf),
    /// It can't send now.
    #[error("{name} is {}{}", state.name(), because(reason.as_ref(), cure.as_ref()))]
    NotReady {
        /// The modem.
        name: String,
        /// What it is doing instead.
        state: ModemState,
        /// Why.
        reason: Option<String>,
        /// What to do about it.
        cure: Option<String>,
    },
    /// It was not sent.
    #[error("the text was not sent{}", because(Some(reason), cure.as_ref()))]
    NotSent {
        /// Why.
        reason: String,
        /// What to do about it.
        cure: Option<String>,
        /// The same text to the same number will never be taken.
        for_good: bool,
    },
    /// It may have been sent.
    #[error("nobody can tell whether the text was sent: {}; look at the phone before it is sent again", line(reason))]
    NoVerdict {
        /// Why.
        reason: String,
    },
    /// It was sent, and will not arrive.
    #[error("the network took the text, but reports that the phone did not get it ({})", .0.name())]
    NotDelivered(Fate),
    /// It was not reset.
    #[error("{name} was not started anew: {}", line(reason))]
    NotReset {
        /// The modem.
        name: String,
        /// Why.
        reason: String,
    },
    /// The modem's task ended while it was needed: a fault of the program.
    #[error("the modem's task ended by itself")]
    TaskEnded,
}

impl ModemError {
    /// What the program ends with.
    pub(in crate::cli) const fn exit_code(&self) -> u8 {
        match self {
            Self::Which(_) => exit::USAGE,
            Self::NotSent { for_good: true, .. } => exit::DATA,
            Self::Unknown(_) | Self::NoneConfigured | Self::NoPort(_) | Self::NotAPort(_) => exit::NO_INPUT,
            Self::Held { .. }
            | Self::Console(_)
            | Self::NotReady { .. }
            | Self::NotSent { for_good: false, .. }
            | Self::NotDelivered(_)
            | Self::NotReset { .. } => exit::UNAVAILABLE,
            Self::TaskEnded => exit::SOFTWARE,
            Self::NoVerdict { .. } => NO_VERDICT,
        }
    }
}

fn because(reason: Option<&String>, cure: Option<&String>) -> String {
    let told = |before: &str, words: Option<&String>| {
        words.map_or_else(String::new, |words| format!("{before}{}", line(words)))
    };
    format!("{}{}", told(": ", reason), told(". What to do: ", cure))
}
