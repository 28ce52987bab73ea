//! Every stage of a conversation and everything that can go wrong there ends in its class; what was handed over twice is
//! the same mail. The simulated server is the oracle.

use nightdesk::deliver::mail::{Forward, Mailer, Settings};
use nightdesk::demo::sim::smtp::{Mishap, Step};
use nightdesk::model::{Effect, MailTask, Task, Timestamp};
use tokio::task::JoinSet;

use super::*;

const STEPS: [Step; 8] =
    [Step::Greeting, Step::Hello, Step::Login, Step::Sender, Step::Recipient, Step::Data, Step::Dot, Step::Kept];

/// A server that wants a login, and who has it.
async fn secured() -> (Smtp, Mailer) {
    let smtp = Smtp::spawn(Offer { login: Some(("desk".into(), "hunter2".into())), ..Offer::default() }).await.unwrap();
    let mailer = Mailer::new(Settings { login: Some(login()), ..settings(smtp.address().port()) });
    (smtp, mailer)
}

/// What becomes of one mail with this mishap, and how often the server has it.
async fn tried(step: Step, mishap: Mishap) -> ((&'static str, bool), usize) {
    let (smtp, mailer) = secured().await;
    smtp.script(step, mishap.clone());
    let work = Work { hard_deadline: Timestamp::now().after(TIMEOUT * 2), ..mail() };
    let report = mailer.perform(&work).await;
    assert_eq!(smtp.violations(), Vec::<String>::new(), "{step:?} {mishap:?}");
    let Outcome::Failed(failure) = &report.outcome else { panic!("{step:?} {mishap:?}: {:?}", report.outcome) };
    assert!(failure.reason.starts_with("mail server 127.0.0.1: "), "{failure:?}");
    let said = if let Mishap::Says(code, _) = mishap { Some(code) } else { None };
    assert_eq!(report.trace.status, said, "{step:?} {mishap:?}");
    assert!(!format!("{report:?}").contains("hunter2"));
    (class(&report), smtp.mails().len())
}

/// All at once: those that hang take their time.
async fn table(rows: Vec<(Step, Mishap, (&'static str, bool))>) {
    let mut tries = JoinSet::new();
    for (step, mishap, want) in rows {
        tries.spawn(async move {
            let (got, kept) = tried(step, mishap.clone()).await;
            assert_eq!((got, kept), (want, usize::from(step == Step::Kept)), "{step:?} {mishap:?}");
        });
    }
    while let Some(ended) = tries.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn without_an_answer_only_a_mail_that_may_have_left_is_unknown() {
    let mut rows = Vec::new();
    for step in STEPS {
        let class = if matches!(step, Step::Dot | Step::Kept) { "unknown" } else { "transient" };
        for mishap in [Mishap::Close, Mishap::Reset, Mishap::Hang, Mishap::Drip, Mishap::Garbage] {
            rows.push((step, mishap, (class, false)));
        }
    }
    table(rows).await;
}

#[tokio::test]
async fn what_a_server_says_decides() {
    let mut rows = Vec::new();
    for step in STEPS {
        for mishap in [Mishap::Says(451, "4.3.0 later"), Mishap::Says(421, "4.3.2 closing")] {
            rows.push((step, mishap, ("transient", false)));
        }
    }
    for (step, code, words, want) in [
        (Step::Greeting, 554, "no mail service here", ("auth", false)),
        (Step::Hello, 550, "who are you?", ("auth", false)),
        (Step::Login, 535, "5.7.8 hunter2 is wrong", ("auth", false)),
        (Step::Sender, 553, "5.7.1 not yours", ("auth", false)),
        (Step::Recipient, 550, "5.1.1 no such user", ("permanent", true)),
        (Step::Recipient, 550, "no such user", ("permanent", true)),
        (Step::Recipient, 554, "5.7.1 looks like spam", ("permanent", false)),
        (Step::Recipient, 552, "5.2.2 mailbox full", ("permanent", false)),
        (Step::Recipient, 554, "5.7.1 relay access denied", ("auth", false)),
        (Step::Data, 554, "5.5.1 no valid recipients", ("permanent", false)),
        (Step::Dot, 554, "5.7.1 looks like spam", ("permanent", false)),
        (Step::Dot, 552, "5.3.4 too big", ("permanent", false)),
        (Step::Data, 250, "what?", ("transient", false)),
        (Step::Dot, 354, "what?", ("unknown", false)),
    ] {
        if code < 400 {
            let (smtp, mailer) = secured().await;
            smtp.script(step, Mishap::Says(code, words));
            assert_eq!(class(&mailer.perform(&mail()).await), want, "{step:?} {code}");
        } else {
            rows.push((step, Mishap::Says(code, words), want));
        }
    }
    table(rows).await;
}

#[tokio::test]
async fn a_text_that_was_cut_off_before_its_dot_has_not_arrived() {
    // More than the buffers between us and the server hold.
    let long = MailTask { text: "0123456789 ".repeat(1_200_000), ..task() };
    for mishap in [Mishap::Reset, Mishap::Hang, Mishap::Says(421, "4.3.2 closing")] {
        let (smtp, mailer) = simulated(Offer::default()).await;
        smtp.script(Step::Text, mishap.clone());
        let report = mailer.perform(&vendors::work(Task::Mail(long.clone()))).await;
        assert_eq!(class(&report), ("transient", false), "{mishap:?}: {:?}", report.outcome);
        assert!(smtp.mails().is_empty());
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_mail() {
    for (step, kept) in [(Step::Dot, 1), (Step::Kept, 2)] {
        let (smtp, mailer) = simulated(Offer::default()).await;
        smtp.script(step, Mishap::Close);
        let work = mail();
        assert_eq!(class(&mailer.perform(&work).await), ("unknown", false));
        let asked = mailer.perform(&vendors::looked_up(&work)).await;
        assert_eq!((class(&asked), smtp.connections()), (("unsure", false), 1), "nobody can be asked");
        let again = mailer.perform(&work).await;
        let mails = smtp.mails();
        assert_eq!(mails.len(), kept);
        assert!(mails.iter().all(|mail| (&mail.to, &mail.raw) == (&mails[0].to, &mails[0].raw)));
        let id = mails[0].header("Message-ID").unwrap();
        assert_eq!(again.outcome, Outcome::Done(Done::Mailed(id)));
        assert_eq!(smtp.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_the_simulator_reads_is_what_was_written() {
    let (smtp, mailer) = simulated(Offer::default()).await;
    assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
    let forward = Forward::new(mailer, boxed(Some("Support"), "support@example.com"));
    assert_eq!(class(&forward.perform(&ticket()).await), ("done", false));
    let (got, want) = (smtp.mails(), task());
    assert_eq!(got[0].header("subject"), Some(want.subject));
    assert_eq!(got[0].text().unwrap().trim_end(), want.text.trim_end());
    assert_eq!(got[0].html().unwrap().trim_end(), want.html.trim_end());
    assert_eq!(got[1].header("to").as_deref(), Some("Support <support@example.com>"));
    assert_eq!((smtp.violations(), smtp.connections()), (vec![], 1));
}

#[tokio::test]
async fn a_connection_is_used_again_while_it_is_good() {
    let (smtp, mailer) = simulated(Offer::default()).await;
    for (trouble, connections) in [(None, 1), (None, 1), (Some(Mishap::Close), 2), (Some(Mishap::Says(421, "bye")), 3)]
    {
        if let Some(mishap) = trouble {
            smtp.script(Step::Noop, mishap);
        }
        assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
        assert_eq!(smtp.connections(), connections);
    }
    let mut left = smtp.hold(Step::Quit);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert!(left.reached().await, "nobody waits for another mail for ever");
    assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
    assert_eq!(smtp.connections(), 4, "one that was idle for a minute is not used");
    smtp.script(Step::Recipient, Mishap::Says(550, "5.1.1 no such user"));
    assert_eq!(class(&mailer.perform(&mail()).await), ("permanent", true));
    assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
    assert_eq!((smtp.mails().len(), smtp.violations()), (6, vec![]));
}

#[tokio::test]
async fn mails_go_side_by_side() {
    let (smtp, mailer) = simulated(Offer::default()).await;
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let mailer = mailer.clone();
        tries.spawn(async move { class(&mailer.perform(&mail()).await) });
    }
    assert!(tries.join_all().await.iter().all(|class| *class == ("done", false)));
    assert_eq!((smtp.mails().len(), smtp.violations()), (8, vec![]));
}

#[tokio::test]
async fn nothing_is_sent_that_must_not_be() {
    let (smtp, mailer) = simulated(Offer::default()).await;
    let beyond = vendors::work(Task::Mail(MailTask { to: "zoë@example.org".to_owned(), ..task() }));
    let header = vendors::work(Task::Mail(MailTask { subject: "a\r\nBcc: b@example.org".to_owned(), ..task() }));
    let late = Work { hard_deadline: Timestamp::now(), ..mail() };
    for (name, work, want) in [
        ("beyond ASCII", beyond, "permanent"),
        ("a header of its own", header, "permanent"),
        ("no time left", late, "transient"),
        ("another's job", vendors::work(vendors::note()), "permanent"),
    ] {
        assert_eq!(class(&mailer.perform(&work).await), (want, false), "{name}");
    }
    let far = Settings { host: "192.0.2.1".to_owned(), ..settings(smtp.address().port()) };
    assert_eq!(class(&Mailer::new(far).perform(&mail()).await), ("auth", false), "no plain text leaves this machine");
    let asked = Settings { login: Some(login()), ..settings(smtp.address().port()) };
    assert_eq!(class(&Mailer::new(asked).perform(&mail()).await), ("auth", false), "no login is offered");
    smtp.down();
    assert_eq!(class(&mailer.perform(&mail()).await), ("transient", false));
    assert_eq!((smtp.mails(), smtp.violations()), (vec![], vec![]));
    smtp.up().await.unwrap();
    assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
}
