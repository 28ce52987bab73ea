//! Whether the modem is on a network, and how well it hears it (3GPP TS 27.007, clauses 7.2 and 8.5; TS 27.007, 10.1.22).
//!
//! Asked after initialising, every minute, and whenever the modem says that something changed. The same question tells
//! whether the modem still answers at all. Modems on LTE alone answer only the second form of it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::init::Answer;
use super::line::Line;
use crate::model::{Failure, Fault};

const WITHIN: Duration = Duration::from_secs(2);

/// What a look at the network found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Network {
    /// Texts can go out.
    Registered {
        /// How, in words.
        words: &'static str,
        /// How strong the signal is.
        signal_dbm: Option<i16>,
    },
    /// Texts can't go out now.
    Unregistered(Failure),
    /// The modem doesn't answer.
    Silent,
}

/// Asks the modem.
///
/// # Errors
/// The port is gone.
pub(super) async fn look<P: AsyncRead + AsyncWrite + Unpin>(line: &mut Line<P>) -> io::Result<Network> {
    let mut seen = None;
    for (command, prefix) in [("AT+CREG?", "+CREG:"), ("AT+CEREG?", "+CEREG:")] {
        let answer = line.command(command, prefix, WITHIN).await?;
        if answer.end.is_none() {
            return Ok(Network::Silent);
        }
        let state = registration(&answer, prefix);
        if let Some(words) = state.and_then(registered) {
            let answer = line.command("AT+CSQ", "+CSQ:", WITHIN).await?;
            return Ok(Network::Registered { words, signal_dbm: signal(&answer) });
        }
        seen = seen.or(state);
    }
    Ok(Network::Unregistered(unregistered(seen)))
}

/// The state in `+CREG: 0,1`. The unsolicited form `+CREG: 1` has one field, or a quoted area as its second.
fn registration(answer: &Answer, prefix: &str) -> Option<u8> {
    let second = |line: &String| super::at::fields(line, prefix)?.get(1)?.parse().ok();
    answer.info.iter().find_map(second)
}

/// Home, roaming, and the two "only for texts" of LTE.
const fn registered(state: u8) -> Option<&'static str> {
    match state {
        1 => Some("home network"),
        5 => Some("roaming"),
        6 => Some("home network, texts only"),
        7 => Some("roaming, texts only"),
        _ => None,
    }
}

fn unregistered(state: Option<u8>) -> Failure {
    let (words, cure) = match state {
        Some(0) => ("is not on a network and not looking for one", "check the SIM and the antenna"),
        Some(2) => ("is looking for a network", "check antenna and reception if it lasts"),
        Some(3) => ("is refused by the network", "ask the operator whether the SIM is active and paid for"),
        Some(8) => ("may only make emergency calls", "ask the operator whether the SIM is active and paid for"),
        _ => ("is not on a network", "check the SIM, antenna and reception"),
    };
    Failure::new(Fault::Transient, format!("the modem {words}")).cure(cure)
}

/// `+CSQ: 21,99`: steps of 2 dBm from -113; 99 is unknown.
fn signal(answer: &Answer) -> Option<i16> {
    let steps: i16 = answer.fields("+CSQ:")?.first()?.parse().ok()?;
    (0..=31).contains(&steps).then(|| steps.saturating_mul(2).saturating_sub(113))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(info: &[&str]) -> Answer {
        Answer { info: info.iter().map(ToString::to_string).collect(), end: None }
    }

    #[test]
    fn answers_and_news_are_told_apart() {
        for (info, want) in [
            (&["+CREG: 0,1"][..], Some(1)),
            (&["+CREG: 2,5,\"00C3\",\"7A31\""], Some(5)),
            (&["+CREG: 1", "+CREG: 1,2"], Some(2)),
            (&["+CREG: 1,\"00C3\",\"7A31\"", "+CREG: 1,5"], Some(5)),
            (&["+CREG: 1"], None),
            (&[], None),
        ] {
            assert_eq!(registration(&answer(info), "+CREG:"), want, "{info:?}");
        }
    }

    #[test]
    fn signal_in_dbm() {
        for (info, want) in
            [("+CSQ: 21,99", Some(-71)), ("+CSQ: 0,0", Some(-113)), ("+CSQ: 99,99", None), ("+CSQ: x", None)]
        {
            assert_eq!(signal(&answer(&[info])), want, "{info}");
        }
    }
}
