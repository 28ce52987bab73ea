//! What the desks of these tests are told.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Channel, Ladder, Lane, LeadId, NewLead, Timestamp};
use crate::outbox::{BreakerSettings, CanarySettings, Limits, Models, ReconcileSettings, Settings, Waits, asked_on};
use crate::route;
use crate::store::{Arrival, Gate, Opening, Received, Store};

/// The failover clock.
pub(in crate::outbox) const CLOCK: Duration = Duration::from_secs(30);

pub(in crate::outbox) fn settings(channels: &[&str]) -> Settings {
    let texts: Vec<Channel> = channels.iter().map(|name| Channel::new(Lane::Sms, name)).collect();
    let mut workers: BTreeMap<Channel, usize> = texts.iter().map(|name| (name.clone(), 1)).collect();
    workers.insert(Channel::desk(), 1);
    workers.insert(asked_on(&Channel::new(Lane::Sms, "twilio")), 1);
    let second = Duration::from_secs(1);
    Settings {
        channels: workers,
        paces: BTreeMap::new(),
        limits: Limits {
            llm: second,
            sms: Duration::from_mins(1),
            mail: second,
            ticket: second,
            crm: second,
            look_up: second,
        },
        models: Models::default(),
        waits: Waits {
            ladder: Ladder { base: second, cap: Duration::from_mins(5) },
            look_up_after: Duration::from_secs(10),
        },
        breaker: BreakerSettings { opens_after: 5, pause: Duration::from_secs(30) },
        route: route::Settings { sms_channels: texts, failover_after: CLOCK, ..route::tests::settings() },
        opening: opening(),
        read_again_after: second,
        polls: BTreeMap::from([(Channel::new(Lane::Sms, "twilio"), Duration::from_mins(10))]),
        caps: BTreeMap::new(),
        canary: CanarySettings::default(),
        reconcile: ReconcileSettings::default(),
    }
}

pub(in crate::outbox) fn opening() -> Opening {
    let day = Duration::from_hours(24);
    Opening { classify_on: None, deadline_after: day, give_up_after: day, read_give_up_after: day }
}

/// A lead that comes in with nothing but its message; leads with one `key` are the same.
pub(in crate::outbox) fn lead(store: &mut Store, key: &str, now: Timestamp) -> LeadId {
    lead_of(store, key, None, now)
}

/// The same of somebody who has this record in the CRM.
pub(in crate::outbox) fn lead_of(store: &mut Store, key: &str, record: Option<&str>, now: Timestamp) -> LeadId {
    let new = NewLead {
        crm: record.map(|_| Channel::new(Lane::Crm, "hubspot")),
        record_id: record.map(str::to_owned),
        name: None,
        email: None,
        phone_text: None,
        message: "50 units".into(),
        event_key: None,
        content_key: key.into(),
    };
    taken_in(store, new, &opening(), now)
}

/// A lead that is taken in.
pub(in crate::outbox) fn taken_in(store: &mut Store, new: NewLead, opening: &Opening, now: Timestamp) -> LeadId {
    let arrival = Arrival {
        received_at: now,
        source: "s".into(),
        method: "POST".into(),
        target: "/".into(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let received = store.transact(|tx| tx.receive(&arrival, &Gate::Passed(new), opening)).unwrap();
    let Received::Accepted(lead) = received else { panic!("{received:?}") };
    lead
}
