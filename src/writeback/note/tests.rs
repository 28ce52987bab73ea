//! The note as a salesperson reads it: one lead and what became of its actions, and the lines that tell it.

use super::*;
use crate::model::{AttemptId, Channel, CrmNote, CrmRecord, Label, Lane, LeadCode, LeadId, RowId};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn lead(label: Option<Label>, by: Option<ClassifiedBy>, provisional: bool) -> Lead {
    let received_at = at("2026-11-23T21:03:50Z");
    Lead {
        id: LeadId::new(received_at, [1; 10]),
        code: LeadCode::of(1),
        source: "web".to_owned(),
        received_at,
        record: Some(record()),
        name: Some("<b>Ada</b>".to_owned()),
        email: None,
        phone_text: None,
        phone: None,
        raw_message: "<script>alert(1)</script>".to_owned(),
        message: Some("50 units".to_owned()),
        label,
        classified_by: by,
        provisional_at: provisional.then_some(received_at),
        routed_at: None,
        settled_at: None,
        dropped: false,
    }
}

fn record() -> CrmRecord {
    CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "101".to_owned() }
}

fn urgent() -> Lead {
    lead(Some(Label::UrgentBuyer), Some(ClassifiedBy::Llm), false)
}

fn action(task: Task, channel: &str, state: JobState, ended: &str, reason: &str) -> Action {
    Action {
        task,
        channel: Channel::stored(channel.to_owned()),
        state,
        ended_at: (!ended.is_empty()).then(|| at(&format!("2026-11-{ended}Z"))),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        attempt: AttemptId(1),
    }
}

fn text(leg: u32, repeat: bool, channel: &str, state: JobState, ended: &str, reason: &str) -> Action {
    let to = "+15551230001".parse().unwrap();
    let sms = SmsTask {
        to,
        who: "Dana".to_owned(),
        text: "K7 …".to_owned(),
        repeat,
        leg,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
    };
    action(Task::Sms(sms), channel, state, ended, reason)
}

fn update(priority: bool, state: JobState, ended: &str, reason: &str) -> Action {
    let update = CrmUpdate { record: record(), label: Some(Label::UrgentBuyer), priority: priority.then_some(true) };
    action(Task::CrmUpdate(update), "crm:hubspot", state, ended, reason)
}

/// An action that ended in Berlin's evening of the day the lead came in.
const EVENING: &str = "23T21:04:10";
const HEADLINE: &str = "nightdesk: URGENT_BUYER (read by the language model).";
const ALARM: &str = "Nobody is known to have been reached by SMS: please take this lead now.";

/// A name, the lead, what became of its actions, and the note.
type Row = (&'static str, Lead, Vec<Action>, Vec<&'static str>);

fn check(rows: Vec<Row>) {
    let berlin = TimeZone::fixed(jiff::tz::offset(1));
    for (name, lead, actions, want) in rows {
        assert_eq!(lines(&lead, &actions, &berlin), want, "{name}");
    }
}

fn sent() -> Action {
    text(0, false, "sms:modem0", JobState::Done, EVENING, "")
}

fn flagged() -> Action {
    update(true, JobState::Done, EVENING, "")
}

#[test]
fn a_note_tells_whose_phone_rang() {
    let ring = |channel: &str, state, how: &str| {
        let task = crate::model::RingTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".to_owned(),
            round: 1,
            step: 0,
            words: "answer the text".to_owned(),
            lasts_s: 20,
            refused: Vec::new(),
        };
        action(Task::Ring(task), channel, state, "23T21:07:30", how)
    };
    let told = |line: &'static str| vec![HEADLINE, "22:04 SMS to Dana sent (modem).", line];
    let modem = |state, how| vec![sent(), ring("ring:modem0", state, how)];
    let silent = vec![HEADLINE, "22:04 SMS to Dana sent (modem)."];
    check(vec![
        ("no answer", urgent(), modem(JobState::Done, "rang 20 s"), told("22:07 rang Dana for 20 s (modem).")),
        ("busy", urgent(), modem(JobState::Done, "busy"), told("22:07 rang Dana (modem): busy.")),
        (
            "by Twilio",
            urgent(),
            vec![sent(), ring("ring:twilio", JobState::Done, "called, CA1")],
            told("22:07 called Dana (twilio)."),
        ),
        ("called off", urgent(), modem(JobState::Cancelled, "the lead was claimed"), silent.clone()),
        ("still to come", urgent(), modem(JobState::Ready, ""), silent),
    ]);
}

#[test]
fn a_note_tells_what_became_of_the_texts() {
    check(vec![
        (
            "as it should be",
            urgent(),
            vec![sent(), flagged()],
            vec![HEADLINE, "22:04 SMS to Dana sent (modem).", "22:04 flagged top priority."],
        ),
        (
            "the next channel took over",
            urgent(),
            vec![
                text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "The modem\nis not there."),
                text(1, false, "sms:twilio", JobState::Done, "23T21:04:41", ""),
                flagged(),
            ],
            vec![
                HEADLINE,
                "22:04 SMS to Dana not sent (modem): The modem is not there; the next channel took over.",
                "22:04 SMS to Dana sent (twilio).",
                "22:04 flagged top priority.",
            ],
        ),
        (
            "a repeat after an unknown outcome",
            urgent(),
            vec![
                text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "no answer after the text was handed over"),
                text(1, true, "sms:twilio", JobState::Done, "23T21:05:00", ""),
            ],
            vec![
                HEADLINE,
                "22:04 SMS to Dana may have been sent, nobody can tell (modem): no answer after the text was handed over.",
                "22:05 SMS to Dana sent as a repeat (twilio): the first text may have arrived too.",
            ],
        ),
        (
            "nobody was reached",
            urgent(),
            vec![
                text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "SIM locked"),
                text(1, false, "sms:twilio", JobState::Dead, "23T21:04:20", "Twilio 401: refused"),
                update(true, JobState::Dead, "23T21:04:20", "HubSpot 404: gone"),
            ],
            vec![
                HEADLINE,
                "22:04 SMS to Dana not sent (modem): SIM locked; the next channel took over.",
                "22:04 SMS to Dana could not be sent (twilio): Twilio 401: refused.",
                "22:04 could not be flagged top priority: HubSpot 404: gone.",
                ALARM,
            ],
        ),
        (
            "ten minutes later it is still being tried",
            urgent(),
            vec![
                text(0, false, "sms:modem0", JobState::Unknown, "", ""),
                text(1, false, "sms:twilio", JobState::Ready, "", "Twilio 429: too many"),
                update(true, JobState::Ready, "", "HubSpot 503: down"),
            ],
            vec![
                HEADLINE,
                "SMS to Dana may have been sent (modem), it is being looked up.",
                "SMS to Dana not sent yet (twilio), it is still being tried: Twilio 429: too many.",
                "CRM update not done yet, it is still being tried: HubSpot 503: down.",
            ],
        ),
        (
            "a text that became moot",
            urgent(),
            vec![text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "")],
            vec![HEADLINE, "22:04 SMS to Dana cancelled (modem).", ALARM],
        ),
    ]);
}

#[test]
fn a_note_tells_the_class_and_what_the_record_says() {
    check(vec![
        (
            "another class",
            lead(Some(Label::TireKicker), Some(ClassifiedBy::LlmFallback), false),
            vec![update(false, JobState::Done, EVENING, "")],
            vec![
                "nightdesk: TIRE_KICKER (read by the fallback language model).",
                "22:04 CRM field updated; no message was sent.",
            ],
        ),
        (
            "a field that could not be updated",
            lead(Some(Label::SupportRequest), Some(ClassifiedBy::Person), false),
            vec![update(false, JobState::Dead, "24T05:10:00", "HubSpot 400: INVALID_OPTION")],
            vec![
                "nightdesk: SUPPORT_REQUEST (set by a person).",
                "24 Nov 06:10 CRM field could not be updated: HubSpot 400: INVALID_OPTION; no message was sent.",
            ],
        ),
        (
            "no model answered",
            lead(None, None, true),
            vec![sent()],
            vec![
                "nightdesk: not classified.",
                "No model answered in time: the text to Dana was about an unclassified lead.",
                "22:04 SMS to Dana sent (modem).",
            ],
        ),
        (
            "the model answered late",
            lead(Some(Label::UrgentBuyer), Some(ClassifiedBy::Llm), true),
            vec![sent(), flagged()],
            vec![
                HEADLINE,
                "No model answered in time: the text to Dana was about an unclassified lead; the class came later.",
                "22:04 SMS to Dana sent (modem).",
                "22:04 flagged top priority.",
            ],
        ),
    ]);
}

#[test]
fn the_note_and_the_timers_are_not_told_of() {
    let zone = TimeZone::UTC;
    let itself =
        action(Task::CrmNote(CrmNote { record: record(), news: None }), "crm:hubspot", JobState::Leased, "", "");
    assert_eq!(lines(&urgent(), &[itself], &zone).len(), 1);
}

#[test]
fn many_legs_are_folded() {
    let legs: Vec<Action> =
        (0..40).map(|leg| text(leg, false, "sms:modem0", JobState::Cancelled, EVENING, "no port")).collect();
    let lines = lines(&urgent(), &legs, &TimeZone::UTC);
    assert_eq!(lines.len(), 1 + MAX_ACTION_LINES + 1, "{lines:#?}");
    assert!(lines.contains(&"(29 more of the same.)".to_owned()), "{lines:#?}");
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let legs = [text(0, false, "sms:modem0", JobState::Dead, EVENING, &"ü".repeat(5_000))];
    let line = lines(&urgent(), &legs, &TimeZone::UTC).remove(1);
    assert!(line.ends_with("üü…."), "{line}");
    assert!(line.chars().count() < 300);
}

#[test]
fn nothing_is_markup_but_our_line_breaks() {
    let actions =
        [text(0, false, "sms:modem0", JobState::Dead, EVENING, "said <script>alert(\"1\" & '2')</script>\u{7}")];
    let body = html(&lines(&urgent(), &actions, &TimeZone::UTC), "nd1crmnote1");
    assert!(body.contains("said &lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"), "{body}");
    assert!(!body.replace("<br>", "").contains(['<', '>']), "{body}");
    assert!(body.ends_with("<br>nightdesk:nd1crmnote1"), "{body}");
}

#[test]
fn a_marker_is_that_of_one_key_only() {
    for (name, body, want) in [
        ("ours", "x<br>nightdesk:nd1crmnote1", true),
        ("ours, as HubSpot may give it back", "<p>x<br/>nightdesk:nd1crmnote1</p>", true),
        ("a later generation", "x<br>nightdesk:nd1crmnote12", false),
        ("both", "nightdesk:nd1crmnote12 nightdesk:nd1crmnote1.", true),
        ("the key alone", "nd1crmnote1", false),
        ("nothing", "", false),
    ] {
        assert_eq!(carries(body, "nd1crmnote1"), want, "{name}");
    }
}
