//! How each kind of sender takes an answer: what it repeats, in which unit it waits, which words it wants.
//!
//! `request` passes its answer through here last. What should come again is answered so that the sender does send it
//! again; what shouldn't, so that it doesn't. HubSpot's app webhooks repeat any 4xx or 5xx up to ten times, its workflow
//! action gives up at a 4xx and repeats a 5xx for three days, Salesforce repeats whatever lacks its acknowledgement.

use super::answer::Answer;
use super::source::Shape;

/// The answer as this sender should hear it.
pub(super) fn fitting(answer: Answer, shape: &Shape) -> Answer {
    match answer {
        Answer::Stored(received) => match shape.acknowledgement() {
            Some((content_type, body)) => Answer::Acknowledged { content_type, body },
            None => Answer::Stored(received),
        },
        // It is kept, and would be the same the next time.
        Answer::Unreadable(received) if shape.repeats_refusals() => Answer::Stored(received),
        // Nothing of it is here: it must come again.
        Answer::TooSlow | Answer::Incomplete if shape.gives_up_at_refusals() => Answer::Unavailable,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Fields;
    use crate::model::{InboxId, RowId, Timestamp};
    use crate::store::Received;

    #[test]
    fn each_sender_hears_what_it_understands() {
        let kept = || vec![Received::GateFailed(InboxId::new(Timestamp::from_millis(0), [7; 10]))];
        let app = Shape::HubspotApp { message_property: "message".to_owned() };
        let (soap, json) = (Shape::SalesforceOutbound(Fields::default()), Shape::Json(Fields::default()));
        for (name, shape, answer, want) in [
            ("app, unreadable", &app, Answer::Unreadable(kept()), 200),
            ("app, refused", &app, Answer::Unauthorized, 401),
            ("app, slow", &app, Answer::TooSlow, 408),
            ("workflow, unreadable", &Shape::HubspotWorkflow, Answer::Unreadable(kept()), 400),
            ("workflow, slow", &Shape::HubspotWorkflow, Answer::TooSlow, 503),
            ("workflow, cut off", &Shape::HubspotWorkflow, Answer::Incomplete, 503),
            ("workflow, large", &Shape::HubspotWorkflow, Answer::TooLarge, 413),
            ("SOAP, unreadable", &soap, Answer::Unreadable(kept()), 400),
            ("SOAP, stored", &soap, Answer::Stored(kept()), 200),
            ("anybody, unreadable", &json, Answer::Unreadable(kept()), 400),
            ("anybody, slow", &json, Answer::TooSlow, 408),
        ] {
            assert_eq!(fitting(answer, shape).status().as_u16(), want, "{name}");
        }
        let acknowledged = fitting(Answer::Stored(kept()), &soap).response();
        assert_eq!(acknowledged.headers()["content-type"], "text/xml; charset=UTF-8");
    }
}
