//! Salesforce's outbound messages: only the exact acknowledgement ends them, whatever their prefixes, and no session id of
//! theirs is ever kept.
//!
//! Source: Salesforce, "SOAP API Developer Guide", Outbound Messages.

use super::{Case, ORGANIZATION, XML, case, each_becomes, golden, office, typed};
use crate::support::{Post, WEBSITE_SECRET, exchange};

/// What Salesforce takes for success, to the letter.
const ACK: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"#;
/// A token that lives while the message is delivered.
const SESSION: &str = "00DAA0000000001!AQ.live-session-of-this-test";

/// A message with these notifications, as Salesforce frames it; `s` and `o` are the prefixes of its namespaces.
fn message(session: &str, notifications: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body><o:notifications xmlns:o="http://soap.sforce.com/2005/09/outbound"><o:OrganizationId>{ORGANIZATION}</o:OrganizationId>{session}{notifications}</o:notifications></s:Body></s:Envelope>"#
    )
}

fn notification(number: usize, fields: &str) -> String {
    format!(
        r#"<o:Notification><o:Id>04l{number:015}</o:Id><o:sObject xsi:type="q:Lead" xmlns:q="urn:sobject.partner.soap.sforce.com"><q:Id>00Q{number:015}</q:Id>{fields}</o:sObject></o:Notification>"#
    )
}

fn asks(number: usize) -> String {
    notification(
        number,
        &format!(
            "<q:Email>n{number}@example.com</q:Email><q:Description>What do {number} tables cost?</q:Description>"
        ),
    )
}

fn accepted(number: usize) -> String {
    format!("accepted|-|n{number}@example.com|-|What do {number} tables cost?|00Q{number:015}")
}

fn post(body: impl Into<Vec<u8>>) -> Post {
    typed("/hooks/soap", XML, body).header("SOAPAction", "\"\"")
}

fn behind_a_secret(body: impl Into<Vec<u8>>) -> Post {
    Post { target: format!("/hooks/path/{WEBSITE_SECRET}"), ..post(body) }
}

#[tokio::test]
async fn notifications_by_any_prefix() {
    let office = office("").await;
    let nil = r#"<q:FirstName>Lou</q:FirstName><q:Phone xsi:nil="true"/><q:Email xsi:nil="true"></q:Email><q:Description><![CDATA[Is 3 < 4 tents & a floor?]]></q:Description>"#;
    let hundred: String = (100..200).map(asks).collect();
    let again: String = [100, 150].map(asks).concat() + &asks(200);
    let known = ["duplicate", "duplicate"].map(str::to_owned).into_iter().chain([accepted(200)]);
    let foreign = message("", &asks(5)).replace(ORGANIZATION, "00DAA0000000002EAA");
    let instruction = message("", &asks(6)).replace("<s:Body>", "<?run x?><s:Body>");
    let entity = message("", &notification(7, "<q:Description>&all;</q:Description>"))
        .replace("<s:Envelope", "<!DOCTYPE s [<!ENTITY all SYSTEM \"file:///etc/passwd\">]><s:Envelope");
    let soap_1_2 = typed("/hooks/soap", "application/soap+xml", message("", &asks(8)));
    let cases = vec![
        case(
            "nil and CDATA",
            post(message("", &notification(1, nil))),
            200,
            &["accepted|Lou|-|-|Is 3 < 4 tents & a floor?|00Q000000000000001"],
        ),
        Case { rows: (100..200).map(accepted).collect(), ..case("a hundred", post(message("", &hundred)), 200, &[]) },
        Case { rows: known.collect(), ..case("some of them again", post(message("", &again)), 200, &[]) },
        case(
            "no description",
            post(message("", &notification(4, "<q:Email>a@example.com</q:Email>"))),
            200,
            &["gate_failed"],
        ),
        case("another organization", post(foreign), 401, &[]),
        case("an instruction", post(instruction), 401, &[]),
        case("a document type", post(entity.as_str()), 401, &[]),
        case("a document type, behind a secret", behind_a_secret(entity), 400, &["gate_failed"]),
        case("cut off, behind a secret", behind_a_secret("<s:Envelope>"), 400, &["gate_failed"]),
        Case { rows: vec![accepted(8)], ..case("another type", soap_1_2, 200, &[]) },
        case("JSON", Post::plain("/hooks/soap", "{}"), 415, &[]),
    ];
    each_becomes(&office, cases).await;
}

/// A message that comes again is taken again, in the same words; anything else and Salesforce repeats it for a day.
#[tokio::test]
async fn the_acknowledgement_is_exact_every_time() {
    let office = office("").await;
    let request = post(golden("e06-salesforce-outbound.xml"));
    for name in ["first", "again", "and again"] {
        let (status, head, body) = exchange(office.intake.unwrap(), &request.bytes()).await.unwrap();
        assert_eq!((status, std::str::from_utf8(&body).unwrap()), (200, ACK), "{name}");
        assert!(head.to_lowercase().contains("content-type: text/xml"), "{name}: {head}");
    }
    let broken = behind_a_secret(message("", ""));
    let (status, _, body) = exchange(office.intake.unwrap(), &broken.bytes()).await.unwrap();
    assert_eq!((status, String::from_utf8_lossy(&body).contains("true</Ack>")), (400, false));
    assert_eq!(
        office.column("SELECT verdict FROM inbox ORDER BY rowid"),
        ["accepted", "duplicate", "duplicate", "gate_failed"]
    );
    assert_eq!(office.column("SELECT count(*) FROM leads"), ["1"]);
}

/// Taken, refused, cut off or in another shape: the session's id is in no file of the desk.
#[tokio::test]
async fn no_session_id_is_kept() {
    let mut office = office("[log]\nlevel = \"debug\"\nformat = \"json\"").await;
    let session = format!("<o:SessionId>{SESSION}</o:SessionId>");
    let whole = message(&session, &asks(1));
    let cdata = message(&format!("<o:SessionId><![CDATA[{SESSION}]]></o:SessionId>"), &asks(2));
    let wide: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let half = whole.split_once("live").unwrap().0;
    for (name, post, want) in [
        ("taken", post(whole.as_str()), 200),
        ("as CDATA", post(cdata), 200),
        ("of another organization", post(whole.replace(ORGANIZATION, "00DAA0000000002EAA")), 401),
        ("cut off within it", behind_a_secret(half), 400),
        ("UTF-16", behind_a_secret(wide), 400),
    ] {
        let (status, answer) = office.post(&post).await;
        assert_eq!(status, want, "{name}: {answer}");
    }
    office.until_settled(2).await;
    office.terminate().await;
    let files = std::fs::read_dir(office.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let needle = SESSION.split_at(18).0.as_bytes();
    for file in files.chain([office.log_path()]) {
        let bytes = std::fs::read(&file).unwrap();
        for needle in [needle.to_vec(), needle.iter().flat_map(|byte| [*byte, 0]).collect()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", file.display());
        }
    }
}
