//! What Twilio posts by itself: what became of a message, to the address that was given with it, and replies.
//!
//! The parameters are those of Twilio's pages "Twilio's request to your incoming message webhook" and "Track the message
//! status of outbound messages". The signature is written from "Webhooks security", not with the desk's own code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::super::http::Sim;
use super::{Message, Twilio};

/// A request of Twilio's, ready to be posted: a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The address it is for.
    pub url: String,
    /// The body.
    pub form: String,
    /// `X-Twilio-Signature`.
    pub signature: String,
}

impl Posting {
    fn new(token: &str, url: &str, pairs: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self { url: url.to_owned(), form, signature: signature(token, url, pairs) }
    }
}

/// The address, then each parameter by name with its value behind it.
fn signature(token: &str, url: &str, pairs: &[(&str, &str)]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Sim<Twilio> {
    /// What Twilio posts when `message` comes to `status`; `None`, if nobody asked for that.
    #[must_use]
    pub fn callback(&self, message: &Message, status: &str, code: Option<u32>) -> Option<Posting> {
        let site = self.site();
        let (url, code) = (message.callback.as_deref()?, code.map(|code| code.to_string()));
        let mut pairs = vec![
            ("SmsSid", message.sid.as_str()),
            ("SmsStatus", status),
            ("MessageStatus", status),
            ("To", &message.to),
            ("MessageSid", &message.sid),
            ("AccountSid", &site.account),
            ("ApiVersion", "2010-04-01"),
        ];
        pairs.extend(message.from.as_deref().map(|from| ("From", from)));
        pairs.extend(message.service.as_deref().map(|service| ("MessagingServiceSid", service)));
        pairs.extend(code.as_deref().map(|code| ("ErrorCode", code)));
        Some(Posting::new(&site.token, url, &pairs))
    }

    /// What Twilio posts to the number's address when somebody sends it a text: the `nth` of its life.
    #[must_use]
    pub fn reply(&self, url: &str, nth: u32, from: &str, to: &str, body: &str) -> Posting {
        let site = self.site();
        // Its own ids begin elsewhere.
        let sid = format!("SM{:032x}", u128::from(nth) | (1 << 124));
        let pairs = [
            ("ToCountry", "US"),
            ("SmsMessageSid", sid.as_str()),
            ("NumMedia", "0"),
            ("SmsSid", &sid),
            ("SmsStatus", "received"),
            ("Body", body),
            ("To", to),
            ("NumSegments", "1"),
            ("MessageSid", &sid),
            ("AccountSid", &site.account),
            ("From", from),
            ("ApiVersion", "2010-04-01"),
        ];
        Posting::new(&site.token, url, &pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Twilio's own client.
    #[test]
    fn signs_as_twilio_does() {
        let url = "https://leads.example.com/twilio/status";
        let sid = ("MessageSid", "SM0123456789abcdef0123456789abcdef");
        for (name, url, pairs, want) in [
            (
                "delivered",
                url.to_owned(),
                vec![
                    sid,
                    ("MessageStatus", "delivered"),
                    ("To", "+15551230001"),
                    ("From", "+15557122661"),
                    ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
                    ("ApiVersion", "2010-04-01"),
                ],
                "k09MMIb/SCJi0aL/Y6jg2o9d/xU=",
            ),
            (
                "a query",
                format!("{url}?lead=42&k=a%20b"),
                vec![sid, ("MessageStatus", "undelivered"), ("ErrorCode", "30003")],
                "+B5/QdT0v2G9tSOzK9dIVtCNXF0=",
            ),
            (
                "a port",
                url.replace(".com", ".com:8443"),
                vec![("MessageStatus", "sent")],
                "+KbafS6dAA+b3a60O4TlNR4nq90=",
            ),
        ] {
            assert_eq!(signature("12345678901234567890123456789012", &url, &pairs), want, "{name}");
        }
    }
}
