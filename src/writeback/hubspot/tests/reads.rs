//! Reading a contact: what is asked for, and what each answer comes to.

use super::*;
use crate::model::{Contact, CrmRead, NewLead};

/// The contact, judged by nobody.
pub(super) fn as_it_stands(contact: Contact) -> NewLead {
    let Contact { message, name, email, phone } = contact;
    NewLead {
        crm: None,
        record_id: None,
        name,
        email,
        phone_text: phone,
        message: message.unwrap_or_default(),
        event_key: None,
        content_key: String::new(),
    }
}

fn read_task() -> Task {
    Task::CrmRead(CrmRead { record: record(), account: None, again: false, expects_message: true })
}

async fn read(answer: String) -> (Report, String) {
    let (url, mut heard) = peer(vec![answer]).await;
    let report = hubspot(url).perform(&work(read_task(), false)).await;
    (report, heard.recv().await.unwrap())
}

#[tokio::test]
async fn each_field_is_asked_for_by_its_name_and_taken_as_it_stands() {
    let full = json!({
        "firstname": "Eva", "lastname": "Falk", "email": "eva@example.com", "phone": null, "mobilephone": "+46 8 1234",
        "message": " The export button is broken ", "hs_object_id": "101",
    });
    let bare = json!({ "firstname": null, "lastname": "Falk", "message": "" });
    let contact = |name: &str, email: Option<&str>, phone: Option<&str>, message: &str| NewLead {
        name: Some(name.to_owned()),
        email: email.map(str::to_owned),
        phone_text: phone.map(str::to_owned),
        message: message.to_owned(),
        ..as_it_stands(Contact::default())
    };
    for (name, properties, want) in [
        ("full", full, contact("Eva Falk", Some("eva@example.com"), Some("+46 8 1234"), "The export button is broken")),
        ("bare", bare, contact("Falk", None, None, "")),
        ("empty", json!({}), as_it_stands(Contact::default())),
    ] {
        let (report, asked) = read(json_http(200, &json!({ "id": "101", "properties": properties }))).await;
        assert_eq!(report.outcome, Outcome::Done(Done::Read(Box::new(want))), "{name}");
        let line =
            "GET /crm/v3/objects/contacts/101?properties=firstname,lastname,phone,mobilephone,email,message HTTP/1.1";
        assert_eq!(asked.lines().next(), Some(line), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_contact_is_tried_again_or_gone() {
    for (name, answer, want) in [
        ("deleted", json_http(404, &json!({ "status": "error", "category": "OBJECT_NOT_FOUND" })), "permanent"),
        ("a proxy's 404", http(404, "<html>"), "permanent"),
        ("HTML with 200", http(200, "<html>"), "transient"),
        ("no properties", json_http(200, &json!({ "id": "101" })), "transient"),
        ("unavailable", http(503, ""), "transient"),
        ("slow down", http(429, "{}"), "throttled"),
        ("token refused", http(401, "{}"), "auth"),
    ] {
        assert_eq!(class(&read(answer).await.0.outcome), want, "{name}");
    }
}
