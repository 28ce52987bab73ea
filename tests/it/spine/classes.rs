//! One lead of each class, and leads that come again.

use std::process::Command;

use serde_json::json;

use super::{CURIOUS, SPAM, SUPPORT, URGENT};
use crate::support::{Office, Post};

/// Contact, message, class, whether a person is woken, whether a note is written.
const LEADS: [(&str, &str, &str, bool, bool); 4] = [
    ("501", URGENT, "URGENT_BUYER", true, true),
    ("502", CURIOUS, "TIRE_KICKER", false, true),
    ("503", SUPPORT, "SUPPORT_REQUEST", false, true),
    ("504", SPAM, "SPAM", false, false),
];

#[tokio::test]
async fn each_class_sets_off_its_own_and_nothing_else() {
    let office = Office::open().await;
    for (contact, message, ..) in LEADS {
        office.hubspot.set_contact(contact, &[]);
        let (status, answer) = office.post(&Post::hubspot(contact, message)).await;
        assert_eq!((status, answer["lead_id"].is_string()), (202, true), "{answer}");
    }
    office.until_settled(4).await;

    phone_and_crm(&office);
    database(&office);
    assert_eq!(office.twilio.requests().len(), 0, "the modem worked");
    assert_eq!(office.violations(), Vec::<String>::new());
}

fn phone_and_crm(office: &Office) {
    let sent = office.modem.sent();
    let [sms] = &sent[..] else { panic!("one text: {sent:?}") };
    assert_eq!((sms.to.as_str(), sms.is_whole(), sms.report_requested), ("+15551230001", true, true));
    for part in ["URGENT", "+46812345678", "Anna Berg", "via crm", "50 units by tomorrow"] {
        assert!(sms.text.contains(part), "{part} in {}", sms.text);
    }
    for (contact, message, class, urgent, note) in LEADS {
        assert_eq!(office.hubspot.property(contact, "auto_classification").as_deref(), Some(class));
        let flagged = urgent.then_some("true");
        assert_eq!(office.hubspot.property(contact, "high_priority").as_deref(), flagged, "{class}");
        let notes = office.hubspot.notes_of(contact);
        assert_eq!(notes.len(), usize::from(note), "{class}");
        for note in notes {
            let told = if urgent { "SMS to Dana sent (modem)" } else { "no message was sent" };
            assert!(note.body.contains(class) && note.body.contains(told), "{}", note.body);
            assert!(!note.body.contains(message), "the lead's words are not ours: {}", note.body);
        }
    }
    let about_spam: Vec<_> = office.hubspot.requests().into_iter().filter(|seen| seen.path.ends_with("/504")).collect();
    assert_eq!(about_spam.iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(), ["PATCH"]);
}

fn database(office: &Office) {
    let leads = office.lines("SELECT class, classified_by, state, name, email, phone FROM v_leads ORDER BY number");
    let jobs = "SELECT l.label, group_concat(j.kind || ' ' || j.channel || ' ' || j.state, '; ') FROM
        (SELECT * FROM jobs ORDER BY kind) j JOIN leads l ON l.id = j.lead_id GROUP BY l.number ORDER BY l.number";
    let jobs = office.lines(jobs);
    for (lead, jobs, (contact, _, class, urgent, note)) in
        leads.iter().zip(&jobs).zip(LEADS).map(|((a, b), c)| (a, b, c))
    {
        let email = format!("anna{contact}@example.com");
        assert_eq!(lead[..], [class, "llm", "settled", "Anna Berg", &email, "+46 8 123 456 78"], "{class}");
        let mut want = vec!["classify llm:openai done", "classify_deadline desk cancelled"];
        want.extend(note.then_some("crm_note crm:hubspot done"));
        want.push("crm_update crm:hubspot done");
        want.extend(urgent.then_some("sms sms:modem0 done"));
        want.extend(urgent.then_some("sms_failover desk cancelled"));
        assert_eq!(jobs[..], [class.to_owned(), want.join("; ")]);
    }
    let calls = office.lines(
        "SELECT label, model, answer, request_id LIKE 'req_sim%', cost_micros > 0, prompt LIKE '%' || l.message || '%',
                instructions LIKE '%tents and floors%', error
           FROM (SELECT c.*, d.message, d.number FROM v_llm_calls c JOIN leads d ON d.id = c.lead_id) l ORDER BY number",
    );
    for (call, (_, _, class, ..)) in calls.iter().zip(LEADS) {
        let answer = json!({ "classification": class }).to_string();
        assert_eq!(call[..], [class, "gpt-test", &answer, "1", "1", "1", "1", "-"]);
    }
    let text = office.lines("SELECT channel, who, number, repeat, parts, reference FROM sms_messages");
    assert_eq!(text, [["sms:modem0", "Dana", "+15551230001", "0", "1", "1"].map(str::to_owned)]);
    assert_eq!(office.column("SELECT count(*) FROM attempts WHERE ended_at IS NULL OR outcome <> 'done'"), ["0"]);
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
    assert_eq!(office.column("SELECT key FROM alerts WHERE cleared_at IS NULL"), Vec::<String>::new());
}

/// What comes again makes nothing happen twice, and says whose duplicate it is.
#[tokio::test]
async fn what_comes_again_is_known() {
    let mut office = Office::open().await;
    office.hubspot.set_contact("501", &[]);
    let contact = Post::hubspot("501", URGENT);
    let form = json!({ "message": "How much is the big tent?", "email": "a@example.com", "event": "ev-1" });
    let same_event = json!({ "message": "Other words", "email": "a@example.com", "event": "ev-1" });
    let same_words = json!({ "message": " How much  is the big tent?\n", "email": "a@Example.com ", "event": "ev-2" });
    let other_person = json!({ "message": "How much is the big tent?", "email": "b@example.com" });
    let lead = |(status, answer): (u16, serde_json::Value), key: &str| {
        (status, answer[key].as_str().unwrap_or_else(|| panic!("{key} in {answer}")).to_owned())
    };

    let (_, first) = lead(office.post(&contact).await, "lead_id");
    assert_eq!(lead(office.post(&contact).await, "duplicate_of"), (200, first.clone()), "the same bytes");
    let resigned = Post::hubspot("501", URGENT);
    assert_eq!(lead(office.post(&resigned).await, "duplicate_of"), (200, first.clone()), "signed again");
    assert_eq!(office.post(&Post::hubspot("501", "And 20 more units, we need them today")).await.0, 202, "new words");
    let (status, second) = lead(office.post(&Post::website(&form)).await, "lead_id");
    assert_eq!(status, 202);
    assert_eq!(lead(office.post(&Post::website(&same_event)).await, "duplicate_of"), (200, second.clone()));
    assert_eq!(lead(office.post(&Post::website(&same_words)).await, "duplicate_of"), (200, second.clone()));
    assert_eq!(office.post(&Post::website(&other_person)).await.0, 202);
    office.until_settled(4).await;

    // Eleven minutes later, and a day later.
    for (minutes, want) in [(11, "repeat_of"), (24 * 60, "lead_id")] {
        assert!(office.terminate().await.success());
        earlier(&office, minutes);
        office.start().await;
        let (status, known) = lead(office.post(&Post::website(&same_words)).await, want);
        assert_eq!((status, known == second), if want == "lead_id" { (202, false) } else { (200, true) }, "{minutes}");
        assert_eq!(lead(office.post(&contact).await, "duplicate_of"), (200, first.clone()));
    }
    office.until_settled(5).await;
    let verdicts = office.lines("SELECT verdict, count(*) FROM inbox GROUP BY verdict ORDER BY verdict");
    assert_eq!(verdicts, [["accepted", "5"], ["duplicate", "6"], ["repeat", "1"]].map(|row| row.map(str::to_owned)));
    assert_eq!(office.column("SELECT repeats FROM v_leads ORDER BY number"), ["4", "0", "3", "0", "0"]);
    assert_eq!(office.modem.sent().len(), 2, "one for each of the two urgent leads");
    assert_eq!(office.hubspot.notes_of("501").len(), 2);
    assert_eq!(office.violations(), Vec::<String>::new());
}

/// Moves everything that came into the past, while no desk runs.
fn earlier(office: &Office, minutes: u32) {
    let shift =
        format!("UPDATE inbox SET received_at = strftime('%Y-%m-%dT%H:%M:%fZ', received_at, '-{minutes} minutes')");
    let done = Command::new("sqlite3")
        .args(["-bail", "-cmd", ".timeout 5000"])
        .arg(office.database())
        .arg(shift)
        .status()
        .unwrap();
    assert!(done.success());
}
