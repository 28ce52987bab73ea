//! The senders: HubSpot, as its workflow action "send a webhook" posts a contact, freshly signed; and Salesforce, whose
//! outbound messages carry no signature, so that their address holds a secret.
//!
//! Signature v3 of HubSpot's documentation: base64 of HMAC-SHA256, keyed with the app's client secret, of method, public
//! address, body and time in milliseconds. Written apart from the room that verifies it, which it would otherwise
//! only agree with.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::folder::PUBLIC_URL;
use crate::model::Timestamp;
use crate::wire::{Answer, Body, Call, Wire, WireError};

/// HubSpot waits half a minute; here nobody answers that slowly.
const WITHIN: Duration = Duration::from_secs(5);
/// Where HubSpot posts to.
pub(super) const PATH: &str = "/hooks/hubspot";

/// Posts `payload` to the desk behind the tunnel that ends at `desk`.
pub(super) async fn hubspot(wire: &Wire, desk: SocketAddr, secret: &str, payload: &Value) -> Result<Answer, WireError> {
    let time = Timestamp::now().as_millis().to_string();
    let signature = signature(secret, &format!("POST{PUBLIC_URL}{PATH}{payload}{time}"));
    let call = Call::post(format!("http://{desk}{PATH}"))
        .header("x-hubspot-signature-v3", signature)
        .header("x-hubspot-request-timestamp", time)
        .json(payload);
    wire.send(&call, WITHIN).await
}

/// Posts an outbound message to the desk.
pub(super) async fn salesforce(
    wire: &Wire,
    desk: SocketAddr,
    secret: &str,
    message: String,
) -> Result<Answer, WireError> {
    let body = Body { content_type: "text/xml; charset=UTF-8", text: message };
    wire.send(&Call::post(format!("http://{desk}/hooks/salesforce/{secret}")).body(body), WITHIN).await
}

fn signature(secret: &str, signed: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_hubspot_does() {
        let body = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
        let signed = format!("POSThttps://leads.example.com/hooks/hubspot{body}1712345678901");
        let want = "rhxNyby7k+fr2AUFraYdeQhVFT0ufWX+3L5MNIeEDeU=";
        assert_eq!(signature("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", &signed), want);
    }
}
