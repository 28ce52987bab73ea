//! Requests as senders make them: a HubSpot workflow that signs (v3), a website with a bearer token.
//!
//! The signature is made here from HubSpot's page, not with the desk's own code.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{HUBSPOT_SECRET, PUBLIC_URL, WEBSITE_SECRET};

/// A request to be posted.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Post {
    /// A request without any proof.
    pub(crate) fn plain(target: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { method: "POST".to_owned(), target: target.to_owned(), headers, body: body.into() }
    }

    /// A contact as a HubSpot workflow sends it, signed now.
    pub(crate) fn hubspot(contact: &str, message: &str) -> Self {
        let body = json!({
            "vid": contact.parse::<u64>().unwrap(), "portal-id": 62515, "is-contact": true,
            "properties": {
                "firstname": {"value": "Anna"}, "lastname": {"value": "Berg"},
                "email": {"value": format!("anna{contact}@example.com")}, "phone": {"value": "+46 8 123 456 78"},
                "message": {"value": message},
            },
        });
        Self::plain("/hooks/crm", body.to_string()).signed()
    }

    /// A lead from the website, with its token.
    pub(crate) fn website(body: &Value) -> Self {
        Self::plain("/hooks/website", body.to_string()).header("Authorization", &format!("Bearer {WEBSITE_SECRET}"))
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed as HubSpot does, now.
    pub(crate) fn signed(self) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.signed_at(&now.to_string())
    }

    /// Signed as HubSpot does (v3), with this timestamp.
    pub(crate) fn signed_at(self, timestamp: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(HUBSPOT_SECRET.as_bytes()).unwrap();
        mac.update(format!("{}{PUBLIC_URL}{}", self.method, self.target).as_bytes());
        mac.update(&self.body);
        mac.update(timestamp.as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        self.header("X-HubSpot-Signature-v3", &signature).header("X-HubSpot-Request-Timestamp", timestamp)
    }

    /// As bytes on the wire, on a connection that closes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let Self { method, target, body, .. } = self;
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }
}
