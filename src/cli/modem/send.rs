//! `nightdesk modem send`: a text that a person types, through one modem and no other way.
//!
//! It is sent as it is typed, once. The network's reference says that it took the text; whether the phone has it, only a
//! delivery report says, and many networks send none: their absence is no failure.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::CliError;
use super::super::desk::print_json;
use super::ModemError;
use super::info::is_ready;
use super::reach::Reach;
use super::target::Target;
use crate::control::Sent;
use crate::model::{Fate, Fault, Layout, Phone, PhoneError, TextKey};

/// Parts that are sent by hand at most: half of what an hour allows, so that a file that was pasted by mistake doesn't
/// use up the day.
const MOST_PARTS: usize = 10;
/// Whoever waits longer forgets that he does.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Between two looks for a delivery report.
const LOOK: Duration = Duration::from_millis(500);

/// Arguments of `modem send`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when the network took the text, with 65 when it will never take it, with 69 when the modem can't send now or
the network reports that the phone did not get it, with 76 when nobody can tell whether it was sent.")]
pub(in crate::cli) struct Send {
    #[command(flatten)]
    target: Target,
    /// To whom: + and 7 to 15 digits, such as +15551234567
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    to: Phone,
    /// How long to wait for a delivery report
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span)]
    wait: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The text, sent as it is typed
    #[arg(last = true, required = true)]
    text: String,
}

/// What is known of a delivery report.
enum Reported {
    /// It came.
    Yes(Fate),
    /// It didn't.
    No,
    /// It never will: this modem gives none.
    Never,
}

impl Send {
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        check(&self.text)?;
        let reach = self.target.reach(config).await?;
        let done = self.send(&reach, out).await;
        reach.close().await;
        done
    }

    async fn send(&self, reach: &Reach, out: &mut dyn Write) -> Result<(), CliError> {
        let info = reach.settled().await?;
        let name = info.name.clone();
        is_ready(info)?;
        let sent = reach.send(&self.to, &self.text).await?;
        let (text, reference, parts, delivered) = match &sent {
            Sent::Taken { text, reference, parts, delivered } => (*text, reference, *parts, *delivered),
            Sent::Failed { fault, reason, cure } => {
                if self.json {
                    print_json(out, &sent)?;
                }
                return Err(not_sent(*fault, reason.clone(), cure.clone()).into());
            }
        };
        if !self.json {
            let parts = if parts == 1 { "1 part".to_owned() } else { format!("{parts} parts") };
            writeln!(out, "sent to {} by {name}: {parts}, reference {reference}", self.to)?;
            out.flush()?;
        }
        let reported = if delivered { Reported::Yes(Fate::Delivered) } else { self.report(reach, text).await };
        if self.json {
            print_json(out, &self.taken(&name, reference, parts, &reported))?;
        } else {
            writeln!(out, "{}", self.words(&reported))?;
        }
        match reported {
            Reported::Yes(fate) if fate.has_failed() => Err(ModemError::NotDelivered(fate).into()),
            Reported::Yes(_) | Reported::No | Reported::Never => Ok(()),
        }
    }

    /// Waits for the last word of the network. The text is gone in any case: what keeps us from hearing is no failure.
    async fn report(&self, reach: &Reach, text: TextKey) -> Reported {
        if reach.info().await.is_ok_and(|info| info.reports == Some(false)) {
            return Reported::Never;
        }
        let start = Instant::now();
        loop {
            let fate = reach.fate(text).await.unwrap_or(None);
            if let Some(fate) = fate.filter(|fate| fate.has_arrived() || fate.has_failed()) {
                return Reported::Yes(fate);
            }
            let left = self.wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return fate.map_or(Reported::No, Reported::Yes);
            }
            sleep(LOOK.min(left)).await;
        }
    }

    fn taken(&self, modem: &str, reference: &str, parts: u32, reported: &Reported) -> Value {
        let (fate, reports) = match reported {
            Reported::Yes(fate) => (Some(fate.name()), true),
            Reported::No => (None, true),
            Reported::Never => (None, false),
        };
        json!({
            "outcome": "taken", "modem": modem, "to": self.to, "reference": reference, "parts": parts,
            "fate": fate, "reports": reports,
        })
    }

    fn words(&self, reported: &Reported) -> String {
        match reported {
            Reported::Yes(Fate::Delivered) => "delivered: the phone has it".to_owned(),
            Reported::Yes(Fate::Forwarded) => "handed on; whether the phone has it can't be confirmed".to_owned(),
            Reported::Yes(Fate::StillTrying) => "not delivered yet: the network goes on trying".to_owned(),
            Reported::Yes(fate @ (Fate::FailedForGood | Fate::GaveUp | Fate::FailedUnknown)) => {
                format!("not delivered: {}", fate.name())
            }
            Reported::No if self.wait.is_zero() => "a delivery report was not waited for".to_owned(),
            Reported::No => {
                format!("no delivery report within {:?}; many networks send none", self.wait)
            }
            Reported::Never => "this modem gives no delivery reports".to_owned(),
        }
    }
}

fn not_sent(fault: Fault, reason: String, cure: Option<String>) -> ModemError {
    match fault {
        Fault::Unknown => ModemError::NoVerdict { reason },
        Fault::Permanent => ModemError::NotSent { reason, cure, for_good: true },
        Fault::Transient | Fault::Throttled { .. } | Fault::Auth | Fault::Crash => {
            ModemError::NotSent { reason, cure, for_good: false }
        }
    }
}

/// What a phone can show, and no more of it than a person types.
fn check(text: &str) -> Result<(), CliError> {
    let refused = |message: String| Err(CliError::Data { message });
    if text.is_empty() {
        return refused("the text is empty".to_owned());
    }
    let foreign = text.chars().zip(1_u32..).find(|(c, _)| c.is_control() && *c != '\n');
    if let Some((c, at)) = foreign {
        let c = c.escape_default();
        return refused(format!("character {at} of the text is a control character ({c}), which no phone shows"));
    }
    match Layout::of(text).parts.len() {
        0..=MOST_PARTS => Ok(()),
        parts => refused(format!("the text takes {parts} parts, each billed as a text; by hand at most {MOST_PARTS}")),
    }
}

fn number(text: &str) -> Result<Phone, String> {
    text.parse().map_err(|error: PhoneError| error.to_string())
}

/// A time such as `30s` or `2m`; `0s` doesn't wait.
pub(in crate::cli) fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    span.filter(|span| *span <= LONGEST_WAIT).ok_or_else(|| "a time of at most an hour, such as 30s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_phone_shows_is_sent_and_not_much_of_it() {
        for (name, text, want) in [
            ("plain", "URGENT, call Dana".to_owned(), Ok(())),
            ("two lines, not in GSM", "Grüße\n👩\u{200d}💻 “x”".to_owned(), Ok(())),
            ("ten parts", "x".repeat(1530), Ok(())),
            ("eleven parts", "x".repeat(1531), Err("the text takes 11 parts")),
            ("300 parts", "x".repeat(153 * 300), Err("the text takes 300 parts")),
            ("empty", String::new(), Err("the text is empty")),
            ("an escape", "ok\u{1b}[2J".to_owned(), Err("character 3 of the text is a control character (\\u{1b})")),
            ("the end of a PDU", "x\u{1a}AT+CFUN=1,1\r".to_owned(), Err("character 2 of")),
            ("a carriage return", "a\rb".to_owned(), Err("character 2 of the text is a control character (\\r)")),
            ("a C1 control", "\u{9b}31m".to_owned(), Err("character 1 of")),
        ] {
            match (check(&text), want) {
                (Ok(()), Ok(())) => {}
                (Err(error), Err(words)) => {
                    assert!(error.to_string().starts_with(words), "{name}: {error}");
                    assert_eq!(error.exit_code(), 65, "{name}");
                }
                (got, _) => panic!("{name}: {got:?}"),
            }
        }
    }

    #[test]
    fn waits_are_bounded() {
        for (text, want) in [("30s", Some(30)), ("2m", Some(120)), ("0s", Some(0)), ("1h", Some(3600))] {
            assert_eq!(span(text).ok().map(|span| span.as_secs()), want, "{text}");
        }
        for text in ["", "30", "-1s", "61m", "soon", "1d"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn how_it_ended_is_in_the_exit_code() {
        let until = "2026-11-23T02:00:00.000Z".parse().unwrap();
        for (fault, code) in [
            (Fault::Permanent, 65),
            (Fault::Transient, 69),
            (Fault::Throttled { until }, 69),
            (Fault::Auth, 69),
            (Fault::Crash, 69),
            (Fault::Unknown, 76),
        ] {
            let error = not_sent(fault, "\u{1b}[2Jwhy".into(), Some("cure".into()));
            assert_eq!(error.exit_code(), code, "{fault:?}");
            assert!(!error.to_string().contains('\u{1b}'), "{error}");
        }
        assert_eq!(ModemError::NotDelivered(Fate::GaveUp).exit_code(), 69);
    }
}
