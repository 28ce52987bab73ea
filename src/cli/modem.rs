//! `nightdesk modem`: which modems there are, how each is, and doing something with one; and the PDUs of texts.
//!
//! A modem has one owner. While the desk runs it is the desk, which is asked through its socket; otherwise the command
//! opens the port itself (`reach`). A port that somebody else has open is not touched.

mod codec;
mod doctor;
mod error;
mod info;
mod list;
mod power;
mod reach;
mod reset;
mod send;
mod session;
mod target;
mod watch;
mod words;

use std::io::Write;
use std::path::Path;

use clap::Subcommand;

use super::CliError;
pub(super) use error::ModemError;
pub(super) use send::span;
pub(super) use words::{parts, reports};

/// Find modems, see how one is, send a text by hand.
#[derive(Debug, Subcommand)]
pub(super) enum ModemCommand {
    /// List the serial ports that may have a modem, and what answers there.
    List(list::List),
    /// Show everything that is known of a modem.
    Info(info::Info),
    /// Send a text through a modem, as it is typed.
    Send(send::Send),
    /// Follow what a modem does, until Ctrl-C.
    Watch(watch::Watch),
    /// Find what keeps a modem from sending, each with its cure.
    Doctor(doctor::Doctor),
    /// Have a modem start anew, by command.
    Reset(reset::Reset),
    /// Have a modem that hangs switched off and on again.
    PowerCycle(power::PowerCycle),
    /// Show the PDUs of a text, as the modem gets them.
    Encode(codec::Encode),
    /// Read a PDU: a text that came in, one that went out, or a status report.
    Decode(codec::Decode),
}

impl ModemCommand {
    pub(super) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(config, out).await,
            Self::Info(args) => args.run(config, out).await,
            Self::Send(args) => args.run(config, out).await,
            Self::Watch(args) => args.run(config, out).await,
            Self::Doctor(args) => args.run(config, out).await,
            Self::Reset(args) => args.run(config, out).await,
            Self::PowerCycle(args) => args.run(config, out).await,
            Self::Encode(args) => args.run(out),
            Self::Decode(args) => args.run(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Identity, ModemInfo, ModemState, Spent, Tally};

    /// A modem that is well.
    pub(super) fn a_modem() -> ModemInfo {
        ModemInfo {
            name: "modem0".into(),
            port: Some("/dev/nightdesk-modem".into()),
            state: ModemState::Ready,
            since: "2026-11-23T02:00:00.000Z".parse().unwrap(),
            reason: None,
            cure: None,
            next: None,
            identity: Identity {
                make: Some("Quectel".into()),
                model: Some("EC25".into()),
                firmware: Some("EC25EFAR06A03M4G".into()),
                imei: Some("867698041234567".into()),
                iccid: Some("89490200001234567890".into()),
            },
            operator: Some("Telekom.de".into()),
            registration: Some("registered at home".into()),
            signal_dbm: Some(-71),
            centre: Some("+491710760000".into()),
            storage: Some((3, 50)),
            reports: Some(true),
            report_seen: true,
            spent: Spent { hour: 3, day: 12, per_hour: 20, per_day: 100 },
            opened: 1,
            texts: Tally { sent: 5, failed: 0, unknown: 1 },
        }
    }
}
