//! What must hold of any body: nothing panics, and each thing that it tells of is a lead, or says why it is none.
//!
//! Input: a byte that chooses the kind of source, one that chooses the content type, then the body. Shared by the fuzz
//! target and by the crate's tests, which replay its seeds.

use nightdesk::intake::{Auth, Fields, Settings, Shape, reparse};
use nightdesk::model::{Channel, Lane, Timestamp};
use nightdesk::store::{Arrival, Gate};

const TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/xml; charset=UTF-8",
];
/// A reason is read by a person.
const MOST_REASON_BYTES: usize = 4_000;

pub(super) fn check(bytes: &[u8]) {
    let [kind, content_type, body @ ..] = bytes else { return };
    let pointers = Fields { message: vec!["/message".to_owned(), "/0/message".to_owned()], ..Fields::default() };
    let shapes = [
        Shape::Json(Fields::default()),
        Shape::Json(pointers),
        Shape::Form(Fields::default()),
        Shape::HubspotWorkflow,
        Shape::HubspotApp { message_property: "message".to_owned() },
        Shape::HubspotForm(Fields::default()),
        Shape::SalesforceOutbound(Fields::default()),
        Shape::SalesforceJson(Fields::default()),
        Shape::Pipedrive(Fields::default()),
    ];
    let source = Settings {
        name: "x".to_owned(),
        shape: shapes[usize::from(*kind) % shapes.len()].clone(),
        auth: Auth::None,
        crm: Some(Channel::new(Lane::Crm, "hubspot")),
        account: None,
        max_per_minute: 1,
        max_in_flight: 1,
    };
    let content_type = TYPES[usize::from(*content_type) % TYPES.len()];
    let arrival = Arrival {
        received_at: Timestamp::from_millis(0),
        source: "x".to_owned(),
        method: "POST".to_owned(),
        target: "/hooks/x".to_owned(),
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.to_vec(),
    };
    let gates = reparse(&source, &arrival);
    assert!(!gates.is_empty());
    for gate in gates {
        match gate {
            Gate::Passed(new) => assert!(!new.message.trim().is_empty() || new.is_reachable()),
            Gate::Pointed(to) => assert!(!to.read.record.id.is_empty()),
            Gate::Ignored { reason } | Gate::Failed { reason } => {
                assert!(!reason.is_empty() && reason.len() < MOST_REASON_BYTES, "{reason}");
            }
            Gate::Crashed { reason } => panic!("{reason}"),
        }
    }
}
