//! Leads that come in as fast as they are taken, until the line breaks.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::world::World;

/// One in ten wants to buy.
const URGENT: &str = "I need a quote for 50 units by tomorrow";
const CURIOUS: &str = "How does your product compare to others?";

/// What a burst came to.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Every lead that got 202.
    pub(crate) leads: Vec<String>,
    /// The contacts among them whose text must reach a phone.
    pub(crate) urgent: Vec<u32>,
}

/// Four senders at a time, each contact once, until `stop`.
pub(crate) async fn burst(world: &World, next: &AtomicU32, stop: &AtomicBool) -> Acknowledged {
    let sender = || async {
        let mut got = Acknowledged::default();
        while !stop.load(Ordering::Relaxed) {
            let contact = next.fetch_add(1, Ordering::Relaxed);
            let urgent = contact.is_multiple_of(10);
            let message = format!("{} ({contact})", if urgent { URGENT } else { CURIOUS });
            let Some(lead) = world.post(contact, &message).await else { continue };
            got.leads.push(lead);
            if urgent {
                got.urgent.push(contact);
            }
        }
        got
    };
    let (a, b, c, d) = tokio::join!(sender(), sender(), sender(), sender());
    let mut all = Acknowledged::default();
    for mut got in [a, b, c, d] {
        all.leads.append(&mut got.leads);
        all.urgent.append(&mut got.urgent);
    }
    all
}
