//! Texts that came in, and reports that were stored: reading them, keeping them, and only then deleting them.
//!
//! 3GPP TS 27.005, clauses 3.4 and 3.5. What a modem stores is announced (`+CMTI`, `+CDSI`), and looked for at the start
//! and every few minutes as well, because announcements are lost in brown-outs. What can't be read is kept as it is.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

use super::at::{self, Final};
use super::keeper::Keeper;
use super::line::Line;
use super::overheard::Place;
use super::pdu::{self, Pdu, StatusReport};
use crate::model::{InboundSms, Timestamp};

/// One message of a memory.
const ONE_WITHIN: Duration = Duration::from_secs(5);
/// All of them: a SIM is slow, and some sticks stall for minutes.
const ALL_WITHIN: Duration = Duration::from_secs(30);
/// No such message: it is gone, or lies in another memory than the modem says.
const NO_SUCH: Final = Final::Cms(321);

/// What a stored or announced PDU is.
#[derive(Debug)]
pub(super) enum Read {
    /// What became of a text.
    Report(StatusReport),
    /// A text for us; also what nobody can read.
    Text(InboundSms),
    /// A text that somebody stored for sending.
    Own,
}

/// Reads a PDU of a memory.
pub(super) fn read(hex: &str, now: Timestamp) -> Read {
    match pdu::decode(hex) {
        Ok(Pdu::Report(report)) => Read::Report(report),
        Ok(Pdu::Submit(_)) => Read::Own,
        Ok(Pdu::Deliver(text)) => Read::Text(InboundSms {
            at: now,
            answerable: !text.is_name && is_answerable(&text.number),
            number: text.number,
            sent_at: text.timestamp.as_ref().map(pdu::ServiceTime::timestamp),
            text: Ok(text.body.text),
            class: text.body.class,
            concat: text.body.concat.map(|concat| (concat.reference, concat.total, concat.part)),
            pdu: hex.to_owned(),
        }),
        Err(error) => Read::Text(InboundSms {
            at: now,
            number: String::new(),
            answerable: false,
            sent_at: None,
            text: Err(error.to_string()),
            class: None,
            concat: None,
            pdu: hex.to_owned(),
        }),
    }
}

/// A number of a telephone, and not a short code or a name.
fn is_answerable(number: &str) -> bool {
    let digits = number.trim_start_matches('+');
    digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Reads one message that was announced. `home` is the memory that texts are read from otherwise. False: the modem would
/// not say now what lies there.
pub(super) async fn fetch<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    keeper: &mut Keeper,
    place: &Place,
    home: Option<&str>,
) -> io::Result<bool> {
    let away = !home.is_some_and(|home| home.starts_with(&format!("\"{}\"", place.memory)));
    if away {
        line.command(&format!("AT+CPMS=\"{}\"", place.memory), "+CPMS:", ONE_WITHIN).await?;
    }
    let answer = line.command(&format!("AT+CMGR={}", place.index), "+CMGR:", ONE_WITHIN).await?;
    let is_told = answer.end == Some(Final::Ok) || answer.end == Some(NO_SUCH);
    if let [_, hex] = answer.info.as_slice() {
        take(line, keeper, place.index, hex).await?;
    } else if answer.end == Some(NO_SUCH) && away {
        sweep(line, keeper).await?;
    }
    if let Some(home) = home.filter(|_| away) {
        line.command(&format!("AT+CPMS={home}"), "+CPMS:", ONE_WITHIN).await?;
    }
    Ok(is_told)
}

/// Reads what lies in other memories than the one that is read from: stored reports, and texts that went astray. Takes
/// away from `others` those that the modem doesn't have.
pub(super) async fn sweep_others<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    keeper: &mut Keeper,
    others: &mut Vec<&'static str>,
    home: &str,
) -> io::Result<()> {
    let mut known = Vec::new();
    for memory in others.iter().copied().filter(|memory| !home.starts_with(&format!("\"{memory}\""))) {
        let answer = line.command(&format!("AT+CPMS=\"{memory}\""), "+CPMS:", ONE_WITHIN).await?;
        if answer.end.is_none() || line.overheard.has_restarted() {
            return Ok(()); // what it has is asked again after the dialogue
        }
        if answer.end != Some(Final::Ok) {
            continue;
        }
        known.push(memory);
        let used = answer.fields("+CPMS:").and_then(|fields| fields.first()?.parse::<u16>().ok());
        if used != Some(0) {
            sweep(line, keeper).await?;
        }
    }
    if !known.is_empty() {
        line.command(&format!("AT+CPMS={home}"), "+CPMS:", ONE_WITHIN).await?;
    }
    *others = known;
    Ok(())
}

/// Reads everything the present memory holds. False: the modem did not get to the end of it in time.
pub(super) async fn sweep<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    keeper: &mut Keeper,
) -> io::Result<bool> {
    let answer = line.command("AT+CMGL=4", "+CMGL:", ALL_WITHIN).await?;
    for message in answer.info.chunks(2) {
        let [head, hex] = message else { continue };
        let index = at::fields(head, "+CMGL:").and_then(|fields| fields.first()?.parse().ok());
        if let Some(index) = index {
            take(line, keeper, index, hex).await?;
        } else {
            debug!(head, "unreadable header of a stored text");
        }
    }
    Ok(answer.end.is_some())
}

/// Keeps a message, then deletes it. One that can't be kept stays where it is: it is found again.
async fn take<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    keeper: &mut Keeper,
    index: u16,
    hex: &str,
) -> io::Result<()> {
    if matches!(read(hex, Timestamp::now()), Read::Own) {
        debug!(index, "left a text alone that somebody stored for sending");
        return Ok(());
    }
    line.overheard.note_pdu(hex);
    if !keeper.flush().await {
        warn!(index, "a text that came in can't be kept, so it stays in the modem");
        return Ok(());
    }
    line.command(&format!("AT+CMGD={index}"), "", ONE_WITHIN).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_memory() {
        for (name, hex, want) in [
            ("text", "00040B915155210310F7000862112281419500020041", "text +15551230017 true"),
            ("from a name", "000407D0CDB2DB0500006211228141950001C1", "text true false"),
            ("from a name of digits", "000414D02B9A0D1793CD6835DB0D00006211228141950002CB1B", "text +4681234567 false"),
            ("report", "0006070B915155210310F76211228141950A6211228151700A00", "report 7"),
            ("own", "0031000B915155210310F700000B01C1", "own"),
            ("unreadable", "0004", "unreadable"),
        ] {
            let got = match read(hex, Timestamp::from_millis(0)) {
                Read::Report(report) => format!("report {}", report.reference),
                Read::Own => "own".to_owned(),
                Read::Text(InboundSms { text: Err(_), .. }) => "unreadable".to_owned(),
                Read::Text(text) if name == "from a name" => {
                    format!("text {} {}", !text.number.is_empty(), text.answerable)
                }
                Read::Text(text) => format!("text {} {}", text.number, text.answerable),
            };
            assert_eq!(got, want, "{name}");
        }
    }
}
