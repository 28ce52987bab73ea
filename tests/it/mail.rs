//! Mail, from the job to what a mail server has: against a real server, and against the simulated one for everything that
//! goes wrong on the way.

mod real;
mod stages;
mod tls;

use std::time::Duration;

use nightdesk::deliver::mail::{Login, Mailbox, Mailer, Security, Settings};
use nightdesk::demo::sim::Smtp;
use nightdesk::demo::sim::smtp::Offer;
use nightdesk::model::{Done, MailTask, Outcome, Report, Task, TicketTask, Work};

use crate::vendors;

/// Long enough for a busy machine, short enough to sit through a server that hangs.
const TIMEOUT: Duration = Duration::from_millis(1_500);

fn boxed(name: Option<&str>, address: &str) -> Mailbox {
    Mailbox { name: name.map(str::to_owned), address: address.to_owned() }
}

/// A server on this machine, without TLS and login.
fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        login: None,
        ca_file: None,
        ehlo_name: "desk.test".to_owned(),
        timeout: TIMEOUT,
        from: boxed(Some("Acme Sales"), "sales@example.com"),
        reply_to: Some(boxed(Some("Dana Søe"), "dana@example.com")),
        bounce_to: Some("bounces@example.com".to_owned()),
    }
}

fn login() -> Login {
    Login { user: "desk".to_owned(), password: "hunter2".into() }
}

async fn simulated(offer: Offer) -> (Smtp, Mailer) {
    let smtp = Smtp::spawn(offer).await.unwrap();
    let mailer = Mailer::new(settings(smtp.address().port()));
    (smtp, mailer)
}

fn task() -> MailTask {
    MailTask {
        to: "ada@example.org".to_owned(),
        name: Some("Ada Łucja".to_owned()),
        subject: "Über 50 Stück: your question of today, and what we can do about it in the next two weeks".to_owned(),
        text: format!("Hello Ada,\n\n.hidden\n..\n.\nGrüße 📬 {}\n", "a long line ".repeat(100)),
        html: format!("<p>Hello Ada,</p>\n<p title=\"=_x\">Grüße 📬 {}</p>\n", "<b>long</b>".repeat(100)),
        unsubscribe: Some(format!("https://leads.example.com/u/{}", "0123456789abcdef".repeat(6))),
        repeat: false,
    }
}

fn mail() -> Work {
    vendors::work(Task::Mail(task()))
}

fn ticket() -> Work {
    vendors::work(Task::Ticket(TicketTask {
        subject: "Ada kann sich nicht anmelden – dringend".to_owned(),
        paragraphs: vec!["\"Ich komme nicht hinein.\r\n.\r\nQUIT\"".to_owned(), "via website".to_owned()],
        name: Some("Ada".to_owned()),
        email: Some("ada@bücher.example".to_owned()),
        priority: Some("high".to_owned()),
        tags: vec!["nd1".to_owned(), "login".to_owned()],
        repeat: false,
    }))
}

/// The class of an outcome, and whether the address is dead.
fn class(report: &Report) -> (&'static str, bool) {
    match &report.outcome {
        Outcome::Done(Done::Mailed(_) | Done::Ticket(_)) => ("done", false),
        Outcome::Done(other) => panic!("{other:?}"),
        Outcome::Failed(failure) => (failure.fault.name(), failure.final_everywhere),
        Outcome::Absent => ("absent", false),
        Outcome::Unsure => ("unsure", false),
    }
}
