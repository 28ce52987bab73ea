//! The way to a modem: through the desk that runs, or on the port itself. The commands don't care which.

use super::super::CliError;
use super::super::desk::Desk;
use super::ModemError;
use super::session::Session;
use crate::control::{self, ControlError, Request, Response, Sent, new_text, send_within};
use crate::model::{Fate, Fault, ModemInfo, Phone, TextKey, Timestamp};

/// A way to one modem.
pub(super) enum Reach {
    /// The desk owns it.
    Desk(Box<Through>),
    /// We do, until this command ends.
    Port(Box<Session>),
}

/// A modem of the running desk.
pub(super) struct Through {
    pub(super) desk: Desk,
    pub(super) name: String,
}

impl Reach {
    /// The modem's name, or its port where it has none.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Desk(through) => through.name.clone(),
            Self::Port(session) => session.handle.info().name,
        }
    }

    /// How the modem is; on a port of our own, once it has settled.
    pub(super) async fn settled(&self) -> Result<ModemInfo, CliError> {
        match self {
            Self::Desk(through) => through.info().await,
            Self::Port(session) => Ok(session.settled().await?),
        }
    }

    /// How the modem is right now.
    pub(super) async fn info(&self) -> Result<ModemInfo, CliError> {
        match self {
            Self::Desk(through) => through.info().await,
            Self::Port(session) => Ok(session.info()?),
        }
    }

    /// Sends a text.
    pub(super) async fn send(&self, to: &Phone, text: &str) -> Result<Sent, CliError> {
        match self {
            Self::Desk(through) => through.send(to, text).await,
            Self::Port(session) => {
                let (key, within) = (new_text(Timestamp::now()), send_within(text));
                Ok(Sent::of(key, session.handle.send_text(key, to.clone(), text.to_owned(), within).await))
            }
        }
    }

    /// What the network reports of a text.
    pub(super) async fn fate(&self, text: TextKey) -> Result<Option<Fate>, CliError> {
        match self {
            Self::Desk(through) => through.fate(text).await,
            Self::Port(session) => Ok(session.handle.fate_of(text)),
        }
    }

    /// Has the modem start anew, by command.
    pub(super) async fn reset(&self) -> Result<(), CliError> {
        match self {
            Self::Desk(through) => through.reset().await,
            Self::Port(session) => Ok(session.reset().await?),
        }
    }

    /// Leaves the modem to whoever comes next.
    pub(super) async fn close(self) {
        match self {
            Self::Desk(_) => {}
            Self::Port(session) => session.close().await,
        }
    }
}

impl Through {
    async fn ask(&self, request: &Request) -> Result<Response, ControlError> {
        control::ask(&self.desk.config.storage.control_socket, request).await
    }

    /// Whether the desk runs.
    pub(super) async fn runs(&self) -> Result<bool, CliError> {
        match self.ask(&Request::ModemInfo { modem: self.name.clone() }).await {
            Ok(_) => Ok(true),
            Err(ControlError::NotRunning(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn info(&self) -> Result<ModemInfo, CliError> {
        match self.ask(&Request::ModemInfo { modem: self.name.clone() }).await? {
            Response::Modem(info) => Ok(*info),
            other => Err(odd(other)),
        }
    }

    /// Once the request is written, only an answer tells whether the text left.
    async fn send(&self, to: &Phone, text: &str) -> Result<Sent, CliError> {
        let request = Request::ModemSend { modem: self.name.clone(), to: to.clone(), text: text.to_owned() };
        match self.ask(&request).await {
            Ok(Response::Text(sent)) => Ok(sent),
            Ok(other) => Err(odd(other)),
            Err(error @ (ControlError::Broken(_) | ControlError::Silent | ControlError::Alien(_))) => {
                Ok(Sent::Failed { fault: Fault::Unknown, reason: error.to_string(), cure: None })
            }
            Err(error @ (ControlError::NotRunning(_) | ControlError::NotAllowed(_))) => Err(error.into()),
        }
    }

    async fn fate(&self, text: TextKey) -> Result<Option<Fate>, CliError> {
        match self.ask(&Request::ModemFate { modem: self.name.clone(), text }).await? {
            Response::Fate { fate } => Ok(fate),
            other => Err(odd(other)),
        }
    }

    async fn reset(&self) -> Result<(), CliError> {
        match self.ask(&Request::ModemReset { modem: self.name.clone() }).await? {
            Response::Done { .. } => Ok(()),
            Response::Refused { reason } => Err(ModemError::NotReset { name: self.name.clone(), reason }.into()),
            other => Err(odd(other)),
        }
    }
}

/// What an answer means that is not the one to our question.
fn odd(answer: Response) -> CliError {
    match answer {
        Response::Refused { reason } => CliError::Refused { reason },
        Response::Status(_)
        | Response::Done { .. }
        | Response::Replayed { .. }
        | Response::Modem(_)
        | Response::Tested { .. }
        | Response::Looks { .. }
        | Response::Suppression { .. }
        | Response::Text(_)
        | Response::Fate { .. } => CliError::OddAnswer,
    }
}
