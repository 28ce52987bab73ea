//! The webhooks that a write sets off, in both shapes: a workflow that posts the whole contact, and an app's subscription that
//! tells of each property that changed. Signed with v3 of HubSpot's signatures.
//!
//! A note or a task changes its contact, too: the time of its last activity.
//! Sources: <https://developers.hubspot.com/docs/api/webhooks>, <https://developers.hubspot.com/docs/api/webhooks/validating-requests>.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::super::echo::Echo;
use super::super::http::Sim;
use super::HubSpot;

/// The account, as its webhooks name it.
const PORTAL: u64 = 62_515;
/// What a note or a task changes of its contact.
pub(super) const LAST_ACTIVITY: &str = "notes_last_updated";

/// Whom a write is told.
#[derive(Debug)]
pub(super) struct Webhook {
    shape: Shape,
    echo: Echo,
    /// The address as the customer entered it, which is what is signed.
    address: String,
    secret: String,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Workflow,
    App,
}

impl HubSpot {
    /// Tells that these properties of a contact changed.
    pub(super) fn tell(&self, id: &str, changes: &BTreeMap<String, String>) {
        for webhook in &self.webhooks {
            let body = match webhook.shape {
                Shape::Workflow => self.record(id),
                Shape::App => events(id, changes),
            };
            webhook.post(&body);
        }
    }

    /// The contact as the legacy API shows it, which is what workflows send.
    fn record(&self, id: &str) -> Value {
        let properties = self.contacts.get(id).map(|contact| &contact.properties).into_iter().flatten();
        let values: BTreeMap<&String, Value> =
            properties.map(|(name, value)| (name, json!({ "value": value }))).collect();
        json!({ "vid": id.parse::<u64>().unwrap_or_default(), "portal-id": PORTAL, "is-contact": true, "properties": values })
    }
}

impl Webhook {
    fn post(&self, body: &Value) {
        let (body, time) = (body.to_string(), Timestamp::now().as_millisecond().to_string());
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()) else { return };
        mac.update(format!("POST{}{body}{time}", self.address).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let headers = vec![("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", time)];
        self.echo.send(headers, body);
    }
}

fn events(id: &str, changes: &BTreeMap<String, String>) -> Value {
    let event = |(name, value): (&String, &String)| {
        json!({
            "eventId": fastrand::u32(..), "subscriptionId": 12_345, "portalId": PORTAL, "appId": 54_321,
            "occurredAt": Timestamp::now().as_millisecond(), "subscriptionType": "contact.propertyChange",
            "attemptNumber": 0, "objectId": id.parse::<u64>().unwrap_or_default(), "propertyName": name,
            "propertyValue": value, "changeSource": "INTEGRATION",
        })
    };
    changes.iter().map(event).collect()
}

impl Sim<HubSpot> {
    /// From now on, each write to a contact is told as a workflow would. `address` is what is signed.
    pub fn echo_workflow(&self, echo: &Echo, address: &str, secret: &str) {
        self.echo(Shape::Workflow, echo, address, secret);
    }

    /// The same as an app's subscription to every property would.
    pub fn echo_app(&self, echo: &Echo, address: &str, secret: &str) {
        self.echo(Shape::App, echo, address, secret);
    }

    fn echo(&self, shape: Shape, echo: &Echo, address: &str, secret: &str) {
        let (address, secret) = (address.to_owned(), secret.to_owned());
        self.site().webhooks.push(Webhook { shape, echo: echo.clone(), address, secret });
    }
}
