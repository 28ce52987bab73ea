//! Leads as a quiet night brings them: the four classes in equal parts, each message its own, from a website that knows
//! the CRM's record and a telephone number.

use serde_json::json;

use crate::support::{Office, Post};

const MESSAGES: [&str; 4] = [
    "We need a quote for 50 tents by tomorrow, the budget is approved and we can pay a deposit today.",
    "Just curious: how does your floor compare to plain boards, in general? No plans yet.",
    "My order arrived with a broken pole and I can't log in to my account to ask for a replacement.",
    "Boost your ranking! We offer guest posts and backlinks, unsubscribe any time.",
];

/// The `n`th lead: the class changes with every lead. Its record is made known to HubSpot.
pub(crate) fn lead(office: &Office, n: usize) -> Post {
    let record = (n + 1_000).to_string();
    office.hubspot.set_contact(&record, &[]);
    Post::website(&json!({
        "contact": record, "name": "Anna Berg", "email": format!("anna{n}@example.com"), "phone": "+46 8 123 456 78",
        "message": format!("{} Reference {n}.", MESSAGES[n % MESSAGES.len()]),
    }))
}

/// An urgent one.
pub(crate) fn urgent(office: &Office, n: usize) -> Post {
    lead(office, n * MESSAGES.len())
}
