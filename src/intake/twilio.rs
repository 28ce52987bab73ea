//! What Twilio tells us by itself: replies to our texts at `/hooks/twilio/sms`, and what became of texts at
//! `/hooks/twilio/status`.
//!
//! `request` brings a form here once its signature is proven. It is no lead: it becomes a fact, which `app` keeps and acts
//! on in one transaction, and only then is Twilio answered. Twilio posts again what wasn't answered, with the same id.
//! Sources: twilio.com/docs/messaging/guides/webhook-request, and …/guides/track-outbound-message-status.

use std::sync::Arc;

use secrecy::SecretString;
use tracing::warn;

use super::answer::Answer;
use super::{Auth, Fields, Settings, Shape};
use crate::model::{Fact, InboundSms, Ledger, Phone, Timestamp, Told};
use crate::store::Arrival;

/// Its name in the address, and that of its channel.
pub(super) const NAME: &str = "twilio";
/// As many as a source may post: each text has three or four reports.
const MAX_PER_MINUTE: u32 = 600;
/// The same.
const MAX_IN_FLIGHT: usize = 32;
/// No id of Twilio's is longer (they have 34).
const MAX_ID: usize = 64;
/// No reply: the person on call is texted by the outbox alone. Twilio takes it for an acknowledgement of a status, too.
const SILENCE: Answer = Answer::Acknowledged {
    content_type: "text/xml; charset=UTF-8",
    body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>",
};

/// Twilio's way in: how it proves itself, and who keeps what it tells.
pub struct TwilioHooks {
    pub(super) ledger: Arc<dyn Ledger>,
    secret: SecretString,
    public_url: String,
}

impl TwilioHooks {
    /// Hooks whose requests are signed with `secret` for addresses that begin with `public_url`.
    #[must_use]
    pub fn new(secret: SecretString, public_url: String, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, secret, public_url }
    }

    /// Twilio as the sources are: one more sender.
    pub(super) fn as_source(&self) -> Settings {
        Settings {
            name: NAME.to_owned(),
            shape: Shape::Form(Fields::default()),
            auth: Auth::Twilio { secrets: vec![self.secret.clone()], public_url: self.public_url.clone() },
            crm: None,
            account: None,
            max_per_minute: MAX_PER_MINUTE,
            max_in_flight: MAX_IN_FLIGHT,
        }
    }
}

/// What is told at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// Texts that people send to our number.
    Sms,
    /// What became of a text of ours.
    Status,
}

impl Hook {
    /// The hook that follows Twilio's name in the address.
    pub(super) fn at(rest: Option<&str>) -> Option<Self> {
        match rest {
            Some("sms") => Some(Self::Sms),
            Some("status") => Some(Self::Status),
            Some(_) | None => None,
        }
    }

    /// What a form tells here; `None` if it isn't what Twilio posts here.
    fn fact(self, form: &[u8], at: Timestamp) -> Option<Fact> {
        let value = |wanted: &str| {
            let mut found = form_urlencoded::parse(form).filter(|(name, _)| name == wanted);
            // In a database, a NUL would be the end of a text.
            found.next().map(|(_, value)| value.replace('\0', "\u{fffd}"))
        };
        let id = |name: &str| value(name).filter(|id| is_id(id));
        let pdu = id("MessageSid")?;
        Some(match self {
            Self::Sms => {
                let number = value("From").filter(|number| !number.trim().is_empty())?;
                let answerable = number.parse::<Phone>().is_ok();
                // A picture comes without words.
                let text = Ok(value("Body").unwrap_or_default());
                Fact::Inbound(InboundSms {
                    at,
                    number,
                    answerable,
                    sent_at: None,
                    text,
                    class: None,
                    concat: None,
                    pdu,
                })
            }
            Self::Status => Fact::Told(Told {
                reference: pdu,
                status: id("MessageStatus")?,
                code: value("ErrorCode").and_then(|code| code.parse().ok()),
            }),
        })
    }
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Keeps what a proven request tells, and answers once it is on disk.
pub(super) async fn hear(ledger: &dyn Ledger, hook: Hook, arrival: &Arrival) -> Answer {
    let Some(fact) = hook.fact(&arrival.body, arrival.received_at) else {
        warn!(?hook, "Twilio posted something else than it does here");
        return Answer::Unreadable(Vec::new());
    };
    match ledger.keep(NAME, fact).await {
        Ok(()) => SILENCE,
        Err(error) => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            warn!(?hook, %error, why, "a webhook of Twilio's could not be kept; it is asked to come again");
            Answer::Unavailable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "SM0123456789abcdef0123456789abcdef";

    #[test]
    fn addresses() {
        for (rest, want) in [
            (Some("sms"), Some(Hook::Sms)),
            (Some("status"), Some(Hook::Status)),
            (Some("sms/"), None),
            (Some("SMS"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(Hook::at(rest), want, "{rest:?}");
        }
    }

    #[test]
    fn replies() {
        let at = Timestamp::from_millis(7);
        let text = |number: &str, answerable, text: &str| {
            let (number, text, pdu) = (number.to_owned(), Ok(text.to_owned()), SID.to_owned());
            Some(Fact::Inbound(InboundSms {
                at,
                number,
                answerable,
                sent_at: None,
                text,
                class: None,
                concat: None,
                pdu,
            }))
        };
        let dana = "+15551230001";
        for (name, form, want) in [
            ("a claim", format!("MessageSid={SID}&From=%2B15551230001&Body=K7"), text(dana, true, "K7")),
            (
                "any words",
                format!("Body=Gr%C3%BC%C3%9Fe+%26+1%2B1&From=%2B15551230001&MessageSid={SID}"),
                text(dana, true, "Grüße & 1+1"),
            ),
            ("a picture", format!("MessageSid={SID}&From=%2B15551230001&NumMedia=1"), text(dana, true, "")),
            ("a short code", format!("MessageSid={SID}&From=32665&Body=hi"), text("32665", false, "hi")),
            ("a name", format!("MessageSid={SID}&From=Bank&Body=hi"), text("Bank", false, "hi")),
            ("a NUL", format!("MessageSid={SID}&From=Bank&Body=a%00b"), text("Bank", false, "a\u{fffd}b")),
            (
                "bytes that are no UTF-8",
                format!("MessageSid={SID}&From=Bank&Body=a%FF"),
                text("Bank", false, "a\u{fffd}"),
            ),
            ("named twice", format!("MessageSid={SID}&From=Bank&Body=a&Body=b"), text("Bank", false, "a")),
            ("no id", "From=%2B15551230001&Body=K7".to_owned(), None),
            ("an empty id", "MessageSid=&From=%2B15551230001&Body=K7".to_owned(), None),
            ("an id of other things", "MessageSid=SM/../1&From=Bank&Body=K7".to_owned(), None),
            ("an endless id", format!("MessageSid={}&From=Bank&Body=K7", "S".repeat(65)), None),
            ("from nobody", format!("MessageSid={SID}&Body=K7"), None),
            ("other letters", format!("messagesid={SID}&From=Bank&Body=K7"), None),
            ("nothing", String::new(), None),
        ] {
            assert_eq!(Hook::Sms.fact(form.as_bytes(), at), want, "{name}");
        }
    }

    #[test]
    fn statuses() {
        let told =
            |status: &str, code| Some(Fact::Told(Told { reference: SID.to_owned(), status: status.to_owned(), code }));
        for (name, form, want) in [
            ("delivered", format!("MessageSid={SID}&MessageStatus=delivered"), told("delivered", None)),
            (
                "lost",
                format!("MessageSid={SID}&MessageStatus=undelivered&ErrorCode=30003"),
                told("undelivered", Some(30003)),
            ),
            ("no code", format!("MessageSid={SID}&MessageStatus=failed&ErrorCode="), told("failed", None)),
            ("a code in words", format!("MessageSid={SID}&MessageStatus=failed&ErrorCode=x"), told("failed", None)),
            (
                "a new word",
                format!("MessageSid={SID}&MessageStatus=partially_delivered"),
                told("partially_delivered", None),
            ),
            ("no status", format!("MessageSid={SID}"), None),
            ("no text", "MessageStatus=delivered".to_owned(), None),
        ] {
            assert_eq!(Hook::Status.fact(form.as_bytes(), Timestamp::from_millis(7)), want, "{name}");
        }
    }
}
