//! The note as a salesperson reads it: one lead and what became of its actions, and the lines that tell it.

use super::*;
use crate::model::{AttemptId, Channel, CrmNote, CrmRecord, Label, Lane, LeadCode, LeadId, RowId, SmsTask};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn lead(label: Option<Label>, by: Option<ClassifiedBy>, provisional: bool) -> Lead {
    let received_at = at("2026-11-23T21:03:50Z");
    Lead {
        code: LeadCode::of(1),
        record: Some(record()),
        name: Some("<b>Ada</b>".to_owned()),
        raw_message: "<script>alert(1)</script>".to_owned(),
        message: Some("50 units".to_owned()),
        label,
        classified_by: by,
        provisional_at: provisional.then_some(received_at),
        dropped: false,
        ..Lead::none(LeadId::new(received_at, [1; 10]), "web".to_owned(), received_at)
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
        delivered_at: None,
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
        is_test: false,
    };
    action(Task::Sms(sms), channel, state, ended, reason)
}

fn update(priority: bool, state: JobState, ended: &str, reason: &str) -> Action {
    let update = CrmUpdate {
        record: record(),
        label: Some(Label::UrgentBuyer),
        priority: priority.then_some(true),
        owner: None,
    };
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

fn owned(state: JobState, reason: &str) -> Action {
    let update = CrmUpdate { record: record(), label: None, priority: None, owner: Some("7".to_owned()) };
    action(Task::CrmUpdate(update), "crm:hubspot", state, "23T21:06:00", reason)
}

fn task() -> CrmTask {
    let words = "nobody has claimed this lead (K7): please take it now".to_owned();
    CrmTask { record: record(), subject: "Urgent lead nobody has claimed: Anna Berg".to_owned(), words }
}

/// The phone had it at this second of the minute after the lead came in.
fn delivered(text: Action, second: u32) -> Action {
    Action { delivered_at: Some(at(&format!("2026-11-23T21:04:{second:02}Z"))), ..text }
}

fn to(who: &str, text: Action) -> Action {
    let Task::Sms(sms) = text.task else { panic!("a text") };
    Action { task: Task::Sms(SmsTask { who: who.to_owned(), ..sms }), ..text }
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
    let told = |line: &'static str| vec![HEADLINE, "22:04 SMS to Dana sent (modem) 20 s after it came in.", line];
    let modem = |state, how| vec![sent(), ring("ring:modem0", state, how)];
    let silent = vec![HEADLINE, "22:04 SMS to Dana sent (modem) 20 s after it came in."];
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
            vec![HEADLINE, "22:04 SMS to Dana sent (modem) 20 s after it came in.", "22:04 flagged top priority."],
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
                "22:04 SMS to Dana sent (twilio) 51 s after it came in.",
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
                "22:04 SMS to Dana sent (modem) 20 s after it came in.",
            ],
        ),
        (
            "no model could be paid for",
            Lead {
                unasked_why: Some("the day's money for models is spent: 2.00 of 2.00".to_owned()),
                ..lead(None, None, true)
            },
            vec![sent()],
            vec![
                "nightdesk: not classified.",
                "No model was asked, as the day's money for models is spent: 2.00 of 2.00: the text to Dana was about an \
                 unclassified lead.",
                "22:04 SMS to Dana sent (modem) 20 s after it came in.",
            ],
        ),
        (
            "the model answered late",
            lead(Some(Label::UrgentBuyer), Some(ClassifiedBy::Llm), true),
            vec![sent(), flagged()],
            vec![
                HEADLINE,
                "No model answered in time: the text to Dana was about an unclassified lead; the class came later.",
                "22:04 SMS to Dana sent (modem) 20 s after it came in.",
                "22:04 flagged top priority.",
            ],
        ),
    ]);
}

#[test]
fn a_note_tells_when_a_text_arrived() {
    check(vec![
        (
            "delivered",
            urgent(),
            vec![delivered(sent(), 16)],
            vec![HEADLINE, "22:04 SMS to Dana sent (modem) 20 s after it came in, delivered after 26 s."],
        ),
        (
            "a repeat, delivered",
            urgent(),
            vec![delivered(text(1, true, "sms:twilio", JobState::Done, EVENING, ""), 59)],
            vec![
                HEADLINE,
                "22:04 SMS to Dana sent as a repeat (twilio), delivered after 1 min: the first text may have arrived too.",
            ],
        ),
        (
            "given up too early",
            urgent(),
            vec![delivered(text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "no answer"), 30)],
            vec![HEADLINE, "22:04 SMS to Dana given up (modem), but it has arrived, delivered after 40 s."],
        ),
    ]);
}

#[test]
fn a_note_tells_of_the_owner_and_the_task() {
    let ended = |state, reason| action(Task::CrmTask(task()), "crm:hubspot", state, "23T21:15:00", reason);
    check(vec![
        (
            "written",
            urgent(),
            vec![owned(JobState::Done, ""), ended(JobState::Done, "80001")],
            vec![
                HEADLINE,
                "22:06 whoever claimed it is the record's owner.",
                "22:15 nobody had claimed the lead: a task was written.",
            ],
        ),
        (
            "refused",
            urgent(),
            vec![owned(JobState::Dead, "HubSpot 400: no"), ended(JobState::Dead, "HubSpot 404: gone")],
            vec![
                HEADLINE,
                "22:06 the record's owner could not be set: HubSpot 400: no.",
                "22:15 nobody had claimed the lead, and no task could be written: HubSpot 404: gone.",
            ],
        ),
        ("claimed in time", urgent(), vec![ended(JobState::Cancelled, "the lead was claimed")], vec![HEADLINE]),
    ]);
}

#[test]
fn a_second_note_tells_of_texts_and_claim() {
    let berlin = TimeZone::fixed(jiff::tz::offset(1));
    let news = |after_texts| CrmNews {
        at: at("2026-11-23T21:06:10Z"),
        words: "claimed by Dana, 2 min after it came in".to_owned(),
        after_texts,
    };
    let waiting = text(1, false, "sms:twilio", JobState::Ready, "", "");
    let gone = text(0, false, "sms:modem0", JobState::Cancelled, EVENING, "no port");
    for (name, told, actions, want) in [
        ("of a claim alone", false, vec![sent()], "22:06 claimed by Dana, 2 min after it came in"),
        (
            "delivered",
            true,
            vec![delivered(sent(), 10)],
            "22:04 SMS to Dana, delivered after 20 s; 22:06 claimed by Dana, 2 min after it came in",
        ),
        (
            "two were called",
            true,
            vec![gone, sent(), to("Lee", text(0, false, "sms:modem0", JobState::Done, "23T21:05:50", "")), waiting],
            "22:04 SMS to Dana, sent after 20 s; 22:05 SMS to Lee, sent after 2 min; 22:06 claimed by Dana, 2 min after it came in",
        ),
    ] {
        assert_eq!(news_lines(&urgent(), &news(told), &actions, &berlin), [format!("nightdesk: {want}.")], "{name}");
    }
    let crowd = news_lines(&urgent(), &news(true), &vec![sent(); 40], &berlin);
    assert_eq!(crowd.concat().matches("SMS to Dana").count(), MAX_TEXTS_OF_NEWS);
}

#[test]
fn a_task_tells_who_was_called_and_since_when_the_prospect_waits() {
    let berlin = TimeZone::fixed(jiff::tz::offset(1));
    let called = [
        delivered(sent(), 16),
        to("Lee", text(0, false, "sms:modem0", JobState::Dead, "23T21:08:00", "no port")),
        flagged(),
    ];
    let want = [
        "nightdesk: nobody has claimed this lead (K7): please take it now.",
        "The prospect waits since 22:03.",
        "22:04 SMS to Dana sent (modem) 20 s after it came in, delivered after 26 s.",
        "22:08 SMS to Lee could not be sent (modem): no port.",
    ];
    assert_eq!(task_lines(&urgent(), &task(), &called, &berlin), want);
    assert_eq!(task_lines(&urgent(), &task(), &[], &berlin), want[..2]);
    assert_eq!(headline_of(&task()), "Urgent lead nobody has claimed: Anna Berg");
    let odd = CrmTask { subject: format!("<b>\r\n{}", "ü".repeat(500)), ..task() };
    assert_eq!(headline_of(&odd), format!(" b   {}", "ü".repeat(195)));
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

#[test]
fn plain_text_ends_with_the_marker_however_long_it_is() {
    let lines = ["nightdesk: SPAM.".to_owned(), "22:04 a <b>\u{1}\n&.".to_owned()];
    assert_eq!(plain(&lines, "nd1", 1_000), "nightdesk: SPAM.\n22:04 a <b>  &.\nnightdesk:nd1");
    let (long, exact) = ([String::from("ü").repeat(100)], [String::from("ü").repeat(50)]);
    let cut = plain(&long, "nd1", 64);
    assert_eq!((cut.chars().count(), cut.as_str()), (64, format!("{}…\nnightdesk:nd1", "ü".repeat(49)).as_str()));
    assert_eq!(plain(&exact, "nd1", 64), format!("{}\nnightdesk:nd1", "ü".repeat(50)));
    assert!(carries(&cut, "nd1"));
}
