//! How phones are rung, for the steps of the chain that ask for it.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::sms::{TWILIO, check_channels};
use super::typed::Text;
use super::{Problems, Sender, Sms, Twilio, raw};
use crate::model::{Channel, Lane, Phone};

const PATH: &str = "oncall.ring.channels";
/// A few rings wake; before most voicemails pick up.
const LASTS: Duration = Duration::from_secs(20);
/// Shorter, and the phone hardly rings; longer, and a voicemail has it.
const LASTS_RANGE: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_mins(1);
/// Two leads at once that go through a chain of three.
const PER_HOUR: u32 = 6;
/// A bad night, and no more than a plan takes.
const PER_DAY: u32 = 20;

/// How phones are rung.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// The channels for texts that also call, in the order they are tried.
    pub channels: Vec<Channel>,
    /// How long a phone rings.
    pub lasts: Duration,
    /// Calls in an hour, over all channels.
    pub per_hour: u32,
    /// Calls in 24 hours, over all channels.
    pub per_day: u32,
}

impl Ring {
    /// `modems` are the names of the modems there are.
    pub(super) fn of(
        raw: raw::Ring,
        sms: &Sms,
        modems: &[&str],
        twilio: Option<&Twilio>,
        problems: &mut Problems,
    ) -> Self {
        let calls = twilio.is_some_and(|twilio| can_call(&twilio.sender));
        let able: Vec<Channel> = modems.iter().copied().chain(calls.then_some(TWILIO)).map(channel).collect();
        let channels = match raw.channels {
            Some(names) => {
                check(&names, modems, twilio, problems);
                names.iter().map(|name| channel(name)).collect()
            }
            None => sms.channels.iter().filter(|known| able.contains(known)).cloned().collect(),
        };
        let lasts = Text::or(raw.lasts, LASTS);
        if !LASTS_RANGE.contains(&lasts) {
            problems.error("oncall.ring.lasts", "from 5s to 60s");
        }
        let (per_hour, per_day) = (raw.per_hour.unwrap_or(PER_HOUR), raw.per_day.unwrap_or(PER_DAY));
        if per_hour == 0 || per_day < per_hour {
            problems.error("oncall.ring.per-hour", "at least 1, and no more than per-day");
        }
        Self { channels, lasts, per_hour, per_day }
    }
}

fn channel(name: &str) -> Channel {
    Channel::new(Lane::Sms, name)
}

/// A name or a messaging service can text, but not call.
fn can_call(sender: &Sender) -> bool {
    matches!(sender, Sender::From(from) if from.parse::<Phone>().is_ok())
}

fn check(names: &[String], modems: &[&str], twilio: Option<&Twilio>, problems: &mut Problems) {
    let known: Vec<&str> = modems.iter().copied().chain(twilio.map(|_| TWILIO)).collect();
    check_channels(PATH, names, &known, problems);
    let cannot = twilio.is_some_and(|twilio| !can_call(&twilio.sender));
    for (nth, _) in names.iter().enumerate().filter(|(_, name)| cannot && *name == TWILIO) {
        let words = "Twilio can only call from a telephone number: set twilio.from to one in E.164";
        problems.error(format!("{PATH}[{nth}]"), words);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const MODEM: &str = "[modem.modem0]\nport = \"/dev/x\"\n";

    fn twilio(sender: &str) -> String {
        format!("[twilio]\naccount-sid = \"AC1\"\ntoken = {{ file = \"/t\" }}\n{sender}\n")
    }

    fn names(config: &Config) -> Vec<&str> {
        config.ring.channels.iter().map(Channel::as_str).collect()
    }

    #[test]
    fn what_can_call_rings() {
        for (name, text, want) in [
            ("nothing", String::new(), &[][..]),
            ("a modem", MODEM.to_owned(), &["sms:modem0"]),
            ("a number", format!("{MODEM}{}", twilio("from = \"+15550002000\"")), &["sms:modem0", "sms:twilio"]),
            ("a name", format!("{MODEM}{}", twilio("from = \"NIGHTDESK\"")), &["sms:modem0"]),
            ("a service", twilio("messaging-service = \"MG1\""), &[]),
            (
                "the order of texts",
                format!("[sms]\nchannels = [\"twilio\", \"modem0\"]\n{MODEM}{}", twilio("from = \"+15550002000\"")),
                &["sms:twilio", "sms:modem0"],
            ),
            (
                "its own order",
                format!(
                    "[oncall.ring]\nchannels = [\"twilio\"]\n[oncall]\nname = \"D\"\nphone = \"+15551234567\"\n{MODEM}{}",
                    twilio("from = \"+15550002000\"")
                ),
                &["sms:twilio"],
            ),
        ] {
            let config = Config::parse(&text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
            assert_eq!(names(&config), want, "{name}");
            let ring = &config.ring;
            assert_eq!((ring.lasts.as_secs(), ring.per_hour, ring.per_day), (20, 6, 20), "{name}");
        }
    }

    #[test]
    fn what_cannot_ring_is_told() {
        let on_call = "[oncall]\nname = \"D\"\nphone = \"+15551234567\"\n";
        let no_number = "oncall.ring.channels[0]: Twilio can only call from a telephone number";
        let to_twilio = "channels = [\"twilio\"]";
        for (ring, rest, want) in [
            ("lasts = \"4s\"", String::new(), "oncall.ring.lasts: from 5s to 60s"),
            ("lasts = \"61s\"", String::new(), "oncall.ring.lasts: from 5s to 60s"),
            ("per-hour = 0", String::new(), "oncall.ring.per-hour: at least 1"),
            ("per-hour = 9\nper-day = 8", String::new(), "oncall.ring.per-hour: at least 1"),
            (
                "channels = [\"modem1\"]",
                MODEM.to_owned(),
                "oncall.ring.channels[0]: there is no [modem.modem1]; did you",
            ),
            ("channels = [\"modem0\", \"modem0\"]", MODEM.to_owned(), "oncall.ring.channels[1]: named twice"),
            (to_twilio, String::new(), "oncall.ring.channels[0]: there is no [twilio]"),
            (to_twilio, twilio("messaging-service = \"MG1\""), no_number),
            (to_twilio, twilio("from = \"NIGHTDESK\""), no_number),
        ] {
            let text = format!("{on_call}[oncall.ring]\n{ring}\n{rest}");
            let problems = Config::parse(&text).unwrap_err();
            let told: Vec<String> = problems.errors.iter().map(ToString::to_string).collect();
            assert!(told.len() == 1 && told[0].contains(want), "{ring}: {told:?}");
        }
    }
}
