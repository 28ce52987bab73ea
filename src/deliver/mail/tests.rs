//! The bytes of mails, and what every refusal means: pure. Whole conversations are in `tests/it/mail`.

use proptest::prelude::*;

use super::fault::{Cause, Reply, Stage, Trouble};
use super::letter::{follow_up, forwarded, trouble_with};
use super::*;
use crate::model::{Channel, Job, JobId, LeadId, MailTask, Priority, RowId, TicketTask};

fn settings() -> Settings {
    Settings {
        host: "mail.example.com".to_owned(),
        port: 587,
        security: Security::StartTls,
        login: Some(Login { user: "desk".to_owned(), password: "hunter2".into() }),
        ca_file: None,
        ehlo_name: "desk.example.com".to_owned(),
        timeout: Duration::from_secs(30),
        from: boxed(Some("Acme Sales"), "sales@example.com"),
        reply_to: Some(boxed(Some("Dana"), "dana@example.com")),
        bounce_to: Some("bounces@example.com".to_owned()),
    }
}

fn boxed(name: Option<&str>, address: &str) -> Mailbox {
    Mailbox { name: name.map(str::to_owned), address: address.to_owned() }
}

fn task() -> MailTask {
    MailTask {
        to: "ada@example.org".to_owned(),
        name: Some("Ada".to_owned()),
        subject: "Your question".to_owned(),
        text: "Hello Ada,\n\n.a line that begins with a dot\nGrüße\n".to_owned(),
        html: "<p>Hello Ada,</p>\n<p>Grüße</p>\n".to_owned(),
        unsubscribe: Some("https://leads.example.com/u/0123".to_owned()),
        repeat: false,
    }
}

fn ticket() -> TicketTask {
    TicketTask {
        subject: "Ada can't log in".to_owned(),
        paragraphs: vec!["\"I can't log in.\"".to_owned(), "via website\nat 22:04".to_owned()],
        name: Some("Ada".to_owned()),
        email: Some("ada@example.org".to_owned()),
        priority: Some("high".to_owned()),
        tags: vec!["nd1".to_owned()],
        repeat: false,
    }
}

fn job(task: Task) -> Job {
    let at = "2026-11-23T02:00:00.500Z".parse().unwrap();
    Job {
        id: JobId::fresh(at),
        lead: "01934f3c-0000-7000-8000-000000000001".parse::<LeadId>().unwrap(),
        channel: Channel::new(task.lane(), "smtp"),
        task,
        priority: Priority::Normal,
        due_at: at,
        deadline_at: at,
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at: at,
    }
}

fn written(settings: &Settings, task: &MailTask) -> Result<Letter, Failure> {
    follow_up(settings, task, &job(Task::Mail(task.clone())))
}

fn text_of(letter: &Letter) -> String {
    String::from_utf8(letter.bytes.clone()).unwrap()
}

fn golden(name: &str, letter: &Letter) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let got = text_of(letter);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    assert_eq!(got, std::fs::read_to_string(&path).unwrap_or_default(), "{name}: run with UPDATE_GOLDEN=1");
}

#[test]
fn a_mail_is_these_bytes() {
    golden("mail-follow-up.eml", &written(&settings(), &task()).unwrap());
    let support = boxed(Some("Support"), "support@example.com");
    let ticket = ticket();
    golden("mail-forward.eml", &forwarded(&settings(), &support, &ticket, &job(Task::Ticket(ticket.clone()))).unwrap());
}

#[test]
fn a_mail_is_the_same_at_every_try() {
    let first = written(&settings(), &task()).unwrap();
    let again = Job { tries: 3, id: JobId::fresh(Timestamp::now()), ..job(Task::Mail(task())) };
    assert_eq!(follow_up(&settings(), &task(), &again).unwrap(), first);
    let requeued = Job { generation: 2, ..job(Task::Mail(task())) };
    assert_ne!(follow_up(&settings(), &task(), &requeued).unwrap().id, first.id);
}

#[test]
fn the_envelope_has_one_recipient_and_a_place_for_bounces() {
    let letter = written(&settings(), &task()).unwrap();
    assert_eq!(
        (letter.from.to_string(), letter.to.to_string()),
        ("bounces@example.com".into(), "ada@example.org".into())
    );
    let letter = written(&Settings { bounce_to: None, ..settings() }, &task()).unwrap();
    assert_eq!(letter.from.to_string(), "sales@example.com");
}

#[test]
fn what_breaks_a_header_is_refused() {
    let evil = "x\r\nBcc: all@example.com";
    for (name, settings, task) in [
        ("address", settings(), MailTask { to: "ada@example.org\r\nBcc: a@b.c".to_owned(), ..task() }),
        ("address, LF", settings(), MailTask { to: "ada\n@example.org".to_owned(), ..task() }),
        ("two addresses", settings(), MailTask { to: "a@example.org, b@example.org".to_owned(), ..task() }),
        ("another command", settings(), MailTask { to: "a@example.org> SIZE=1".to_owned(), ..task() }),
        ("quoted space", settings(), MailTask { to: "\"a b\"@example.org".to_owned(), ..task() }),
        ("quoted bracket", settings(), MailTask { to: "\"a> NOTIFY=NEVER\"@example.org".to_owned(), ..task() }),
        ("no address", settings(), MailTask { to: "ada".to_owned(), ..task() }),
        ("empty", settings(), MailTask { to: String::new(), ..task() }),
        ("name", settings(), MailTask { name: Some(evil.to_owned()), ..task() }),
        ("name, NUL", settings(), MailTask { name: Some("A\0".to_owned()), ..task() }),
        ("name, NEL", settings(), MailTask { name: Some("A\u{85}B".to_owned()), ..task() }),
        ("a novel of a name", settings(), MailTask { name: Some("A".repeat(201)), ..task() }),
        ("subject", settings(), MailTask { subject: evil.to_owned(), ..task() }),
        ("subject, CR", settings(), MailTask { subject: "a\rb".to_owned(), ..task() }),
        ("subject, LS", settings(), MailTask { subject: "a\u{2028}b".to_owned(), ..task() }),
        ("subject without an end", settings(), MailTask { subject: "a".repeat(1_000), ..task() }),
        ("link", settings(), MailTask { unsubscribe: Some(format!("https://{evil}")), ..task() }),
        ("link, bracket", settings(), MailTask { unsubscribe: Some("https://a>, <mailto:b".to_owned()), ..task() }),
        ("link, scheme", settings(), MailTask { unsubscribe: Some("mailto:a@example.com".to_owned()), ..task() }),
        (
            "link, endless",
            settings(),
            MailTask { unsubscribe: Some(format!("https://{}", "a".repeat(1_000))), ..task() },
        ),
        ("sender", Settings { from: boxed(Some(evil), "sales@example.com"), ..settings() }, task()),
        ("reply-to", Settings { reply_to: Some(boxed(None, evil)), ..settings() }, task()),
        ("bounces", Settings { bounce_to: Some(evil.to_owned()), ..settings() }, task()),
    ] {
        let failure = written(&settings, &task).expect_err(name);
        assert_eq!((failure.fault, failure.final_everywhere), (Fault::Permanent, false), "{name}");
        assert!(!failure.reason.contains(char::is_control), "{name}: {}", failure.reason);
    }
}

#[test]
fn letters_beyond_ascii_travel_as_ascii_where_they_can() {
    let from = boxed(Some("Ærø Søns"), "salg@ærø.example");
    let to = "ada@bücher.example".to_owned();
    let task =
        MailTask { to, name: Some("Zoë".to_owned()), subject: "Über „50 Stück“ 📬".to_owned(), ..task() };
    let letter = written(&Settings { from, bounce_to: None, ..settings() }, &task).unwrap();
    assert!(letter.bytes.is_ascii() && !letter.needs_utf8());
    assert_eq!((letter.from.domain(), letter.to.domain()), ("xn--r-3fa9c.example", "xn--bcher-kva.example"));
    assert!(letter.id.ends_with("@xn--r-3fa9c.example>"), "{}", letter.id);
    let letter = written(&settings(), &MailTask { to: "zoë@example.org".to_owned(), ..task }).unwrap();
    assert!(letter.needs_utf8() && text_of(&letter).contains("<zoë@example.org>"));
}

#[test]
fn one_click_needs_https() {
    let plain = MailTask { unsubscribe: Some("http://127.0.0.1:8080/u/1".to_owned()), ..task() };
    let text = text_of(&written(&settings(), &plain).unwrap());
    assert!(
        text.contains("List-Unsubscribe: <http://127.0.0.1:8080/u/1>\r\n") && !text.contains("List-Unsubscribe-Post")
    );
    let none = text_of(&written(&settings(), &MailTask { unsubscribe: None, ..task() }).unwrap());
    assert!(!none.contains("List-Unsubscribe"));
}

#[test]
fn a_case_is_answered_to_the_customer_if_that_is_possible() {
    let support = boxed(None, "support@example.com");
    for (email, want) in [
        (Some("ada@example.org"), true),
        (Some("ada@bücher.example"), true),
        (Some("zoë@example.org"), false),
        (Some("ada"), false),
        (Some("ada@example.org\r\nBcc: b@example.org"), false),
        (None, false),
    ] {
        let ticket = TicketTask { email: email.map(str::to_owned), ..ticket() };
        let letter = forwarded(&settings(), &support, &ticket, &job(Task::Ticket(ticket.clone()))).unwrap();
        let text = text_of(&letter);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(names(head).contains(&"Reply-To"), want, "{email:?}");
        assert!(!names(head).contains(&"Bcc") && !head.contains("List-Unsubscribe"), "{head}");
        assert!(head.contains("\r\nAuto-Submitted: auto-generated\r\n"));
    }
}

#[test]
fn a_clock_that_is_far_off_is_no_panic() {
    for ms in [i64::MIN, -1, 0, 253_402_300_800_000, i64::MAX] {
        let job = Job { created_at: Timestamp::from_millis(ms), ..job(Task::Mail(task())) };
        assert!(follow_up(&settings(), &task(), &job).is_ok(), "{ms}");
    }
}

#[test]
fn addresses_that_no_mail_can_have_are_told_of() {
    assert!(trouble_with(&settings()).is_empty());
    let wrong = Settings {
        from: boxed(None, "x"),
        reply_to: Some(boxed(None, "y")),
        bounce_to: Some(String::new()),
        ..settings()
    };
    assert_eq!(trouble_with(&wrong).len(), 3);
}

/// Header names of a mail, or of a part.
fn names(head: &str) -> Vec<&str> {
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split_once(": ").unwrap().0).collect()
}

proptest! {
    #[test]
    fn nobody_writes_a_header(
        to in "\\PC{0,12}@[a-zü.]{1,9}|[a-z\r\n<>\"@. ]{1,20}", name in any::<Option<String>>(), subject in any::<String>(),
        url in "https://\\PC{0,30}", text in any::<String>(), html in any::<String>(),
    ) {
        let task = MailTask { to, name, subject, text, html, unsubscribe: Some(url), repeat: false  };
        let Ok(letter) = written(&settings(), &task) else { return Ok(()) };
        let bytes = text_of(&letter);
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        prop_assert_eq!(names(head), [
            "Date", "Message-ID", "From", "To", "Auto-Submitted", "X-Auto-Response-Suppress", "Reply-To",
            "List-Unsubscribe", "List-Unsubscribe-Post", "Subject", "MIME-Version", "Content-Type",
        ]);
        prop_assert!(bytes.replace("\r\n", "").find(['\r', '\n', '\0']).is_none());
        prop_assert!(body.is_ascii() && (head.is_ascii() || letter.needs_utf8()));
        prop_assert_eq!(body.matches("\r\n--").count(), 2, "a boundary in a part");
    }
}

fn refused(stage: Stage, code: u16, said: &str) -> Trouble {
    Trouble::new(stage, Cause::Refused(Reply { code, said: said.to_owned() }))
}

#[test]
fn every_refusal_has_its_class() {
    use Stage::{Data, Hello, Login, Recipient, Sender, StartTls, Text, Verdict};
    for (stage, code, said, want, bounce) in [
        (Hello, 421, "too busy", "transient", false),
        (Hello, 554, "5.7.1 your address is on a list", "auth", false),
        (Hello, 502, "EHLO?", "auth", false),
        (StartTls, 454, "TLS not available", "transient", false),
        (StartTls, 501, "no", "auth", false),
        (Login, 454, "4.7.0 later", "transient", false),
        (Login, 535, "5.7.8 wrong", "auth", false),
        (Login, 504, "unknown mechanism", "auth", false),
        (Sender, 451, "4.7.1 greylisted", "transient", false),
        (Sender, 530, "5.7.0 sign in first", "auth", false),
        (Sender, 550, "5.7.60 may not send as this", "auth", false),
        (Sender, 553, "5.7.1 not owned by user", "auth", false),
        (Recipient, 421, "closing", "transient", false),
        (Recipient, 450, "4.2.0 greylisted", "transient", false),
        (Recipient, 452, "4.2.2 mailbox full", "transient", false),
        (Recipient, 550, "5.1.1 no such user", "permanent", true),
        (Recipient, 550, "5.1.10 recipient not found", "permanent", true),
        (Recipient, 556, "5.1.10 null MX", "permanent", true),
        (Recipient, 550, "5.2.1 disabled", "permanent", true),
        (Recipient, 551, "5.1.6 moved", "permanent", true),
        (Recipient, 553, "5.1.3 bad syntax", "permanent", true),
        (Recipient, 550, "No such user here", "permanent", true),
        (Recipient, 553, "mailbox name not allowed", "permanent", true),
        (Recipient, 550, "5.1.8 sender's domain not found", "auth", false),
        (Recipient, 550, "blocked: your address is on a list", "permanent", false),
        (Recipient, 550, "message rejected", "permanent", false),
        (Recipient, 550, "Mailbox quota exceeded", "permanent", false),
        (Recipient, 552, "5.2.2 mailbox full", "permanent", false),
        (Recipient, 552, "exceeded storage allocation", "permanent", false),
        (Recipient, 554, "5.7.1 looks like spam", "permanent", false),
        (Recipient, 554, "5.1.1 no such user", "permanent", false),
        (Recipient, 550, "5.4.1 access denied", "permanent", false),
        (Recipient, 550, "relay not permitted", "auth", false),
        (Recipient, 554, "5.7.1 <ada@example.org>: Relay access denied", "auth", false),
        (Recipient, 550, "5.7.1 authentication required", "auth", false),
        (Recipient, 530, "5.7.0 must sign in", "auth", false),
        (Data, 451, "later", "transient", false),
        (Data, 554, "no valid recipients", "permanent", false),
        (Text, 554, "5.3.4 too big", "permanent", false),
        (Verdict, 451, "4.3.0 try again", "transient", false),
        (Verdict, 421, "closing", "transient", false),
        (Verdict, 550, "5.1.1 no such user", "permanent", false),
        (Verdict, 552, "5.3.4 too big", "permanent", false),
        (Verdict, 554, "5.7.1 spam", "permanent", false),
    ] {
        let failure = refused(stage, code, said).failure("mail.example.com");
        assert_eq!((failure.fault.name(), failure.final_everywhere), (want, bounce), "{stage:?} {code} {said}");
        assert_eq!(failure.cure.is_some(), want != "transient", "{stage:?} {code} {said}");
        assert!(failure.reason.contains(&format!("{code} {said}")), "{}", failure.reason);
    }
}

#[test]
fn what_is_no_refusal_has_its_class_too() {
    use Stage::{Data, Hello, Login, Recipient, Sender, StartTls, Text, Verdict};
    for stage in [Hello, StartTls, Login, Sender, Recipient, Data, Text, Verdict] {
        let lost = if stage == Verdict { "unknown" } else { "transient" };
        for (cause, want) in [
            (Cause::silence(), lost),
            (Cause::Lost("reset".to_owned()), lost),
            (Cause::Tls { said: "expired".to_owned(), dated: true }, lost),
            (
                Cause::Tls { said: "unknown issuer".to_owned(), dated: false },
                if stage == Verdict { "unknown" } else { "auth" },
            ),
            (Cause::Lacks("STARTTLS"), "auth"),
            (Cause::Unready("no file".to_owned()), "auth"),
            (Cause::AsciiOnly, "permanent"),
        ] {
            let failure = Trouble::new(stage, cause.clone()).failure("mail.example.com");
            assert_eq!((failure.fault.name(), failure.final_everywhere), (want, false), "{stage:?} {cause:?}");
        }
    }
    let odd = Reply { code: 250, said: "ok".to_owned() }.expect(Stage::Data, 354..355).unwrap_err();
    assert_eq!(odd.failure("h").fault, Fault::Transient);
    let odd = Reply { code: 354, said: "go on".to_owned() }.expect(Stage::Verdict, 200..300).unwrap_err();
    assert_eq!(odd.failure("h").fault, Fault::Unknown);
}

#[test]
fn a_password_is_never_shown() {
    let mailer = Mailer::new(settings());
    for said in ["535 hunter2 is wrong", "535 aHVudGVyMg== is wrong", "535 AGRlc2sAaHVudGVyMg== is wrong"] {
        assert_eq!(mailer.0.shown(said), "535 *** is wrong");
    }
    assert!(!format!("{mailer:?}").contains("hunter2"));
}
