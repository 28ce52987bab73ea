//! How texts go out: the order of channels, and Twilio.

use std::time::Duration;

use super::read::did_you_mean;
use super::typed::{BaseUrl, Text, template_trouble, trimmed};
use super::{Problems, SecretRef, raw};
use crate::model::{Channel, Lane};

/// The channel name of the account at Twilio.
pub(super) const TWILIO: &str = "twilio";

/// A healthy modem takes 3 to 8 s.
const SMS_FAILOVER_AFTER: Duration = Duration::from_secs(30);
/// What a healthy modem takes for one part.
const SMS_PART: Duration = Duration::from_secs(6);
/// An alert that is an hour old is no alert.
const SMS_GIVE_UP_AFTER: Duration = Duration::from_hours(1);
/// Most networks report within 5 s if they report at all.
const SMS_REPORT_WAIT: Duration = Duration::from_secs(10);
/// 459 plain characters or 201 others: enough to judge a lead by.
const SMS_MAX_PARTS: u8 = 3;
/// Nobody reads a sixth text while the fifth lead is on the phone.
const DIGEST_AFTER: u32 = 5;
/// About as long as two leads keep a person busy.
const DIGEST_WITHIN: Duration = Duration::from_mins(10);
/// Leads that come in a burst come within this; for one that doesn't it is no long wait.
const DIGEST_GATHER: Duration = Duration::from_secs(30);
/// Longer texts are held back by networks, and no phone shows them whole.
const PARTS: std::ops::RangeInclusive<u8> = 1..=9;

/// The documented address.
const TWILIO_BASE_URL: &str = "https://api.twilio.com";
/// Twilio's own default, ten hours, would deliver an alert to a sleeping person next morning.
const TWILIO_VALIDITY: Duration = Duration::from_mins(10);
/// What Twilio takes.
const TWILIO_VALIDITIES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(10);
/// Twilio answers in under a second; this leaves time for a look-up within the failover clock.
const TWILIO_TIMEOUT: Duration = Duration::from_secs(10);

/// How texts go out.
#[derive(Debug, Clone, PartialEq)]
pub struct Sms {
    /// The channels in the order they are tried.
    pub channels: Vec<Channel>,
    /// The next channel takes over after this.
    pub failover_after: Duration,
    /// A text is worth sending no longer than this.
    pub give_up_after: Duration,
    /// How long a status report may settle an unknown send.
    pub report_wait: Duration,
    /// A text is cut to this many parts.
    pub max_parts: u8,
    /// After so many urgent texts to a person.
    pub digest_after: u32,
    /// Within this time, more of them become one.
    pub digest_within: Duration,
    /// Which waits so long for more.
    pub digest_gather: Duration,
    /// The text, if not the built-in one.
    pub template: Option<String>,
    /// Characters that would double what a text costs are written with plain ones.
    pub translit: bool,
}

/// The account at Twilio.
#[derive(Debug, Clone, PartialEq)]
pub struct Twilio {
    /// Where its API lives.
    pub base_url: BaseUrl,
    /// The account (`AC…`).
    pub account_sid: String,
    /// Who signs in: the account, or an API key (`SK…`).
    pub user: String,
    /// The auth token, or the API key's secret.
    pub token: SecretRef,
    /// What Twilio signs its webhooks with, where that isn't the token.
    pub webhook_token: Option<SecretRef>,
    /// Who the text is from.
    pub sender: Sender,
    /// One call may take this long.
    pub timeout: Duration,
    /// Twilio keeps trying this long.
    pub validity: Duration,
}

/// Who a text is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number or an alphanumeric sender.
    From(String),
    /// A messaging service (`MG…`).
    MessagingService(String),
}

impl Sms {
    /// `modems` are the names of the modems there are.
    pub(super) fn of(raw: raw::Sms, modems: &[&str], has_twilio: bool, problems: &mut Problems) -> Self {
        let known: Vec<&str> = modems.iter().copied().chain(has_twilio.then_some(TWILIO)).collect();
        let names = raw.channels.unwrap_or_else(|| known.iter().map(|name| (*name).to_owned()).collect());
        check_channels("sms.channels", &names, &known, problems);
        let sms = Self {
            channels: names.iter().map(|name| Channel::new(Lane::Sms, name)).collect(),
            failover_after: Text::or(raw.failover_after, SMS_FAILOVER_AFTER),
            give_up_after: Text::or(raw.give_up_after, SMS_GIVE_UP_AFTER),
            report_wait: Text::or(raw.report_wait, SMS_REPORT_WAIT),
            max_parts: raw.max_parts.unwrap_or(SMS_MAX_PARTS),
            digest_after: raw.digest_after.unwrap_or(DIGEST_AFTER),
            digest_within: Text::or(raw.digest_within, DIGEST_WITHIN),
            digest_gather: Text::or(raw.digest_gather, DIGEST_GATHER),
            template: trimmed(raw.template),
            translit: raw.translit != Some(raw::Translit::Off),
        };
        sms.check(problems);
        sms.check_clock(modems, problems);
        sms
    }

    /// The next channel should not take over while a modem is still sending the parts of a text.
    fn check_clock(&self, modems: &[&str], problems: &mut Problems) {
        let by_modem = |channel: &Channel| modems.iter().any(|name| *channel == Channel::new(Lane::Sms, name));
        let needs = SMS_PART.saturating_mul(u32::from(self.max_parts));
        if self.channels.len() > 1 && self.channels.iter().any(by_modem) && self.failover_after < needs {
            let (parts, needs) = (self.max_parts, needs.as_secs());
            let words =
                format!("a modem needs some {needs} s for max-parts = {parts}: the next channel would send too");
            problems.warn("sms.failover-after", words);
        }
    }

    fn check(&self, problems: &mut Problems) {
        if !PARTS.contains(&self.max_parts) {
            problems.error("sms.max-parts", "from 1 to 9");
        }
        if self.give_up_after < self.failover_after {
            problems.error("sms.give-up-after", "shorter than sms.failover-after: no second channel would be tried");
        }
        if self.digest_after == 0 {
            problems.error("sms.digest-after", "at least 1");
        }
        if let Some(words) = self.template.as_deref().and_then(template_trouble) {
            problems.error("sms.template", words);
        }
    }
}

/// Each name in the list at `path` is one of the channels that there are, and stands there once.
pub(super) fn check_channels(path: &str, names: &[String], known: &[&str], problems: &mut Problems) {
    for (nth, name) in names.iter().enumerate() {
        let path = format!("{path}[{nth}]");
        if !known.contains(&name.as_str()) {
            let table = if name == TWILIO { "[twilio]".to_owned() } else { format!("[modem.{name}]") };
            problems.error(path, format!("there is no {table}{}", did_you_mean(name, known)));
        } else if names.iter().take(nth).any(|earlier| earlier == name) {
            problems.error(path, "named twice");
        }
    }
}

impl Twilio {
    pub(super) fn of(raw: raw::Twilio, problems: &mut Problems) -> Option<Self> {
        let base_url = Text::or(raw.base_url, BaseUrl::known(TWILIO_BASE_URL));
        base_url.check("twilio.base-url".to_owned(), "texts and the token", problems);
        let account = problems.required(trimmed(raw.account_sid), "twilio.account-sid", "the account, AC…");
        let user = trimmed(raw.user);
        for (key, sid, prefixes) in [("account-sid", &account, &["AC"] as &[_]), ("user", &user, &["SK", "AC"])] {
            if sid.as_ref().is_some_and(|sid| !is_sid(sid, prefixes)) {
                let words = format!("{} and letters or digits", prefixes.join(" or "));
                problems.error(format!("twilio.{key}"), words);
            }
        }
        let wants = "{ credential = \"name\" } or { file = \"/path\" }";
        let token = problems.required(raw.token, "twilio.token", wants);
        let sender = Sender::of(trimmed(raw.from), trimmed(raw.messaging_service), problems);
        let validity = Text::or(raw.validity, TWILIO_VALIDITY);
        if !TWILIO_VALIDITIES.contains(&validity) {
            problems.error("twilio.validity", "from 1s to 10h");
        }
        let account_sid = account?;
        Some(Self {
            base_url,
            user: user.unwrap_or_else(|| account_sid.clone()),
            account_sid,
            token: token?,
            webhook_token: raw.webhook_token,
            sender: sender?,
            timeout: Text::or(raw.timeout, TWILIO_TIMEOUT),
            validity,
        })
    }

    /// What Twilio's webhooks are signed with: the auth token of the account itself. No API key's secret will do.
    #[must_use]
    pub fn signing(&self) -> Option<&SecretRef> {
        self.webhook_token.as_ref().or_else(|| (self.user == self.account_sid).then_some(&self.token))
    }
}

/// It stands in the path of an address, so nothing but letters and digits.
fn is_sid(text: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| text.starts_with(prefix)) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Sender {
    fn of(from: Option<String>, service: Option<String>, problems: &mut Problems) -> Option<Self> {
        match (from, service) {
            (Some(from), None) => Some(Self::From(from)),
            (None, Some(service)) => {
                if !is_sid(&service, &["MG"]) {
                    problems.error("twilio.messaging-service", "MG and letters or digits");
                }
                Some(Self::MessagingService(service))
            }
            (None, None) => {
                problems.error("twilio.from", "missing: the number texts come from, or messaging-service = \"MG…\"");
                None
            }
            (Some(_), Some(_)) => {
                problems.error("twilio.from", "either from or messaging-service, not both");
                None
            }
        }
    }
}
