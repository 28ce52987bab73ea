//! A real mail server behind STARTTLS and a login takes our mails, and Python's `email` package reads them: headers, names,
//! parts and envelope are what was meant.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nightdesk::deliver::mail::{Forward, Mailer, Security, Settings};
use nightdesk::model::{Done, Effect, MailTask, Outcome, Task};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::support::tls::Authority;

/// The server, and the mails it says it has.
struct Real {
    child: Child,
    said: mpsc::UnboundedReceiver<String>,
    folder: TempDir,
    port: u16,
}

impl Real {
    async fn start() -> Self {
        Self::with(30, "starttls").await
    }

    /// Its certificate is good for so many days, and this is how TLS begins.
    async fn with(days: i64, kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let authority = Authority::new("Tests of mail");
        let identity = authority.issue(days);
        for (name, text) in [("ca.pem", authority.pem()), ("cert.pem", identity.certificate), ("key.pem", identity.key)]
        {
            std::fs::write(at(name), text).unwrap();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mail/server.py");
        // Debian's own, where python3-aiosmtpd is.
        let mut child = Command::new("/usr/bin/python3")
            .args([script.as_ref(), at("cert.pem").as_os_str(), at("key.pem").as_os_str(), kind.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 and python3-aiosmtpd of Debian are needed");
        let (heard, mut said) = mpsc::unbounded_channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It ends with the server's output.
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| heard.send(line)));
        let port = said.recv().await.expect("apt-get install python3-aiosmtpd").parse().unwrap();
        Self { child, said, folder, port }
    }

    fn settings(&self) -> Settings {
        Settings {
            security: Security::StartTls,
            login: Some(login()),
            ca_file: Some(self.folder.path().join("ca.pem")),
            ..settings(self.port)
        }
    }

    async fn mail(&mut self) -> Value {
        serde_json::from_str(&self.said.recv().await.unwrap()).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn header<'m>(mail: &'m Value, name: &str) -> Vec<&'m str> {
    let all = mail["headers"].as_array().unwrap().iter();
    all.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap()).collect()
}

/// A part as it is read.
fn part(mail: &Value, at: usize) -> (&str, String) {
    let part = &mail["parts"][at];
    assert_eq!((&part["charset"], &part["encoding"]), (&json!("utf-8"), &json!("quoted-printable")));
    (part["type"].as_str().unwrap(), part["text"].as_str().unwrap().replace("\r\n", "\n").trim_end().to_owned())
}

#[tokio::test]
async fn a_follow_up_arrives_as_it_was_meant() {
    let mut real = Real::start().await;
    let mailer = Mailer::new(real.settings());
    let work = mail();
    let report = mailer.perform(&work).await;
    let Outcome::Done(Done::Mailed(id)) = &report.outcome else { panic!("{:?}", report.outcome) };
    let (got, want) = (real.mail().await, task());
    assert_eq!((&got["peer"], &got["tls"]), (&json!("desk"), &json!(true)));
    assert_eq!((&got["from"], &got["to"]), (&json!("bounces@example.com"), &json!(["ada@example.org"])));
    assert_eq!(got["defects"], json!([]));
    assert_eq!(got["recipients"], json!([["Ada Łucja", "ada@example.org"]]));
    assert_eq!(got["sender"], json!([["Acme Sales", "sales@example.com"]]));
    for (name, value) in [
        ("Subject", want.subject.as_str()),
        ("Message-ID", id),
        ("Reply-To", "Dana Søe <dana@example.com>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("List-Unsubscribe", &format!("<{}>", want.unsubscribe.unwrap())),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("MIME-Version", "1.0"),
    ] {
        assert_eq!(header(&got, name), [value], "{name}");
    }
    assert_eq!(header(&got, "Date").len(), 1);
    assert!(id.starts_with("<nd-") && id.ends_with("@example.com>"), "{id}");
    assert_eq!(got["type"], "multipart/alternative");
    assert_eq!(part(&got, 0), ("text/plain", want.text.trim_end().to_owned()));
    assert_eq!(part(&got, 1), ("text/html", want.html.trim_end().to_owned()));
    assert_eq!(got["parts"].as_array().unwrap().len(), 2);
    let raw = got["raw"].as_str().unwrap();
    assert!(raw.is_ascii() && raw.ends_with("--\r\n") && !raw.ends_with("\r\n\r\n"), "nothing is added at its end");
    let trace = report.trace;
    assert_eq!((trace.status, trace.response.as_deref()), (Some(250), Some("250 2.0.0 taken")));
    assert!(trace.request.unwrap().contains(id) && got["options"] == json!([]));
    // Again, on the connection that is open: the same bytes.
    assert_eq!(class(&mailer.perform(&work).await), ("done", false));
    assert_eq!(real.mail().await["raw"], got["raw"]);
}

#[tokio::test]
async fn a_case_is_forwarded() {
    let mut real = Real::start().await;
    let forward = Forward::new(Mailer::new(real.settings()), boxed(None, "support@example.com"));
    let report = forward.perform(&ticket()).await;
    assert_eq!(report.outcome, Outcome::Done(Done::Ticket("forwarded to support@example.com".to_owned())));
    let got = real.mail().await;
    assert_eq!((&got["to"], &got["defects"]), (&json!(["support@example.com"]), &json!([])));
    assert_eq!(header(&got, "Subject"), ["Ada kann sich nicht anmelden – dringend"]);
    assert_eq!(header(&got, "Reply-To"), ["ada@xn--bcher-kva.example"]);
    assert_eq!((header(&got, "Auto-Submitted"), header(&got, "List-Unsubscribe")), (vec!["auto-generated"], vec![]));
    let want = "\"Ich komme nicht hinein.\n.\nQUIT\"\n\nvia website\n\n\
        Customer: Ada, ada@bücher.example\nPriority: high\nTags: nd1, login";
    assert_eq!(part(&got, 0), ("text/plain", want.to_owned()));
}

#[tokio::test]
async fn an_address_beyond_ascii_is_written_to_if_the_server_can() {
    let mut real = Real::start().await;
    let work = vendors::work(Task::Mail(MailTask { to: "zoë@bücher.example".to_owned(), ..task() }));
    assert_eq!(class(&Mailer::new(real.settings()).perform(&work).await), ("done", false));
    let got = real.mail().await;
    assert_eq!(got["to"], json!(["zoë@xn--bcher-kva.example"]));
    assert_eq!(got["options"], json!(["SMTPUTF8", "BODY=8BITMIME"]));
    assert_eq!(got["recipients"], json!([["Ada Łucja", "zoë@xn--bcher-kva.example"]]));
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_before_there_is_a_mail() {
    let real = Real::start().await;
    assert_eq!(Mailer::new(real.settings()).verify().await, vec![]);
    let mut wrong = login();
    wrong.password = "hunter3".into();
    let nobody = real.folder.path().join("none.pem");
    for (name, settings, want) in [
        ("password", Settings { login: Some(wrong), ..real.settings() }, "signing in: 535"),
        ("nobody signs in", Settings { login: None, ..real.settings() }, ""),
        ("authority", Settings { ca_file: None, ..real.settings() }, "no TLS: invalid peer certificate"),
        ("no file", Settings { ca_file: Some(nobody), ..real.settings() }, "can't be read"),
        (
            "no certificate",
            Settings { ca_file: Some(real.folder.path().join("key.pem")), ..real.settings() },
            "holds no certificate",
        ),
        ("TLS from the start", Settings { security: Security::Tls, ..real.settings() }, "no TLS"),
        ("sender", Settings { from: boxed(None, "sales"), ..real.settings() }, "no mail address"),
    ] {
        let failures = Mailer::new(settings).verify().await;
        let fits = failures.len() == 1 && failures[0].reason.contains(want) && failures[0].cure.is_some();
        assert!(fits || (want.is_empty() && failures.is_empty()), "{name}: {failures:?}");
        assert!(!format!("{failures:?}").contains("hunter"), "{name}");
    }
    // Without a login or TLS the server refuses the sender itself.
    let unsigned = Mailer::new(Settings { login: None, ..real.settings() }).perform(&mail()).await;
    assert_eq!(class(&unsigned), ("auth", false), "{:?}", unsigned.outcome);
    let plain = Settings { security: Security::None, login: None, ..real.settings() };
    assert_eq!(class(&Mailer::new(plain).perform(&mail()).await), ("auth", false));
}

#[tokio::test]
async fn a_certificate_out_of_its_time_may_be_our_clock() {
    let real = Real::with(-1, "starttls").await;
    let report = Mailer::new(real.settings()).perform(&mail()).await;
    assert_eq!(class(&report), ("transient", false));
    let Outcome::Failed(failure) = report.outcome else { panic!() };
    assert!(failure.cure.unwrap().contains("clock"), "{}", failure.reason);
}

#[tokio::test]
async fn tls_from_the_first_byte_is_spoken_too() {
    let mut real = Real::with(30, "implicit").await;
    let mailer = Mailer::new(Settings { security: Security::Tls, ..real.settings() });
    assert_eq!(mailer.verify().await, vec![]);
    assert_eq!(class(&mailer.perform(&mail()).await), ("done", false));
    let got = real.mail().await;
    assert_eq!((&got["peer"], &got["to"]), (&json!("desk"), &json!(["ada@example.org"])));
}
