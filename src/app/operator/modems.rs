//! What the command line may ask of a modem that the running desk owns.
//!
//! Called by the operator of a running desk only: without one, a command opens the port itself. Nothing in here touches
//! the database; a text sent by hand is a job of no table.

use crate::control::{self, Response, Sent};
use crate::deliver::modem::ModemHandle;
use crate::model::{Channel, Lane, ModemInfo, Phone, TextKey, Timestamp};

/// The desk's modems, by their channels.
pub(super) struct Modems(pub(super) Vec<(Channel, ModemHandle)>);

impl Modems {
    /// The modem behind a channel.
    pub(super) fn of(&self, channel: &Channel) -> Option<&ModemHandle> {
        self.0.iter().find(|(known, _)| known == channel).map(|(_, handle)| handle)
    }

    /// Everything that is known of each.
    pub(super) fn infos(&self) -> Vec<ModemInfo> {
        self.0.iter().map(|(_, handle)| handle.info()).collect()
    }

    pub(super) fn info(&self, name: &str) -> Response {
        or_refused(self.named(name).map(|handle| Response::Modem(Box::new(handle.info()))))
    }

    pub(super) fn fate(&self, name: &str, text: TextKey) -> Response {
        or_refused(self.named(name).map(|handle| Response::Fate { fate: handle.fate_of(text) }))
    }

    pub(super) async fn reset(&self, name: &str) -> Response {
        let done = match self.named(name) {
            Ok(handle) => handle.reset().await,
            Err(reason) => Err(reason),
        };
        or_refused(done.map(|()| Response::Done { count: 1, failures: Vec::new() }))
    }

    /// Sends a text that is about no lead. Whoever asked may have hung up before there is an answer: it is logged, too.
    pub(super) async fn send(&self, name: &str, to: Phone, text: String) -> Response {
        let handle = match self.named(name) {
            Ok(handle) => handle,
            Err(reason) => return Response::Refused { reason },
        };
        let (key, within) = (control::new_text(Timestamp::now()), control::send_within(&text));
        let sent = Sent::of(key, handle.send_text(key, to, text, within).await);
        tracing::info!(modem = name, ?sent, "a text was sent by hand");
        Response::Text(sent)
    }

    fn named(&self, name: &str) -> Result<&ModemHandle, String> {
        let found = self.of(&Channel::new(Lane::Sms, name));
        found.ok_or_else(|| format!("there is no [modem.{name}] in the configuration the desk runs with"))
    }
}

fn or_refused(answer: Result<Response, String>) -> Response {
    answer.unwrap_or_else(|reason| Response::Refused { reason })
}
