//! What a client may do wrong, and that each of it is noticed; what goes wrong on purpose; what a mail says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const GOOD: &str = "Date: Mon, 23 Nov 2026 02:00:00 +0000\r\nFrom: Acme <sales@example.com>\r\nTo: ada@example.org\r\n\
    Message-ID: <nd-1@example.com>\r\nSubject: Hello\r\nAuto-Submitted: auto-generated\r\n\r\nHello\r\n";
const ENVELOPE: &str = "EHLO desk\r\n|MAIL FROM:<sales@example.com>\r\n|RCPT TO:<ada@example.org>\r\n|DATA\r\n|";

/// Says each piece once the last one is answered, and hears the end of it.
async fn talk(smtp: &Smtp, pieces: &str) -> String {
    let mut stream = TcpStream::connect(smtp.address()).await.unwrap();
    let mut heard = String::new();
    let mut buffer = [0; 4_096];
    for piece in pieces.split('|').map(Some).chain([None]) {
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        match piece {
            Some(piece) if length > 0 => stream.write_all(piece.as_bytes()).await.unwrap(),
            _ => break,
        }
    }
    heard
}

fn mail(text: &str) -> String {
    format!("{ENVELOPE}{text}.\r\n")
}

#[tokio::test]
async fn a_good_mail_is_kept() {
    let smtp = Smtp::spawn(Offer::default()).await.unwrap();
    let heard = talk(
        &smtp,
        &format!("{}|NOOP\r\n|QUIT\r\n", mail(&GOOD.replace("\r\n\r\nHello\r\n", "\r\n\r\nHello\r\n..dot\r\n"))),
    )
    .await;
    assert!(heard.ends_with("250 2.0.0 queued as SIM1\r\n250 2.0.0 still here\r\n221 2.0.0 bye\r\n"), "{heard}");
    assert_eq!(smtp.violations(), Vec::<String>::new());
    let mails = smtp.mails();
    assert_eq!(
        (mails.len(), mails[0].from.as_str(), mails[0].to.as_str()),
        (1, "sales@example.com", "ada@example.org")
    );
    assert!(mails[0].raw.ends_with("\r\n\r\nHello\r\n.dot\r\n"), "{}", mails[0].raw);
}

#[tokio::test]
async fn mistakes_are_noticed() {
    let with = |from: &str, to: &str| mail(&GOOD.replace(from, to));
    for (name, said, want) in [
        ("no name", "EHLO \r\n|QUIT\r\n".to_owned(), "EHLO without a name"),
        ("no such command", "HALLO\r\n|QUIT\r\n".to_owned(), "no such command"),
        ("bare LF", "EHLO desk\n|QUIT\r\n".to_owned(), "CR LF"),
        ("MAIL first", "MAIL FROM:<a@b.c>\r\n|QUIT\r\n".to_owned(), "MAIL out of order"),
        (
            "MAIL twice",
            "EHLO d\r\n|MAIL FROM:<a@b.c>\r\n|MAIL FROM:<a@b.c>\r\n|QUIT\r\n".to_owned(),
            "MAIL out of order",
        ),
        ("no brackets", "EHLO d\r\n|MAIL FROM:a@b.c\r\n|QUIT\r\n".to_owned(), "can't be read"),
        ("unknown parameter", "EHLO d\r\n|MAIL FROM:<a@b.c> SIZE=1\r\n|QUIT\r\n".to_owned(), "not offered"),
        ("not offered", "EHLO d\r\n|MAIL FROM:<a@b.c> SMTPUTF8\r\n|QUIT\r\n".to_owned(), "not offered"),
        ("beyond ASCII", "EHLO d\r\n|MAIL FROM:<ä@b.c>\r\n|QUIT\r\n".to_owned(), "without SMTPUTF8"),
        ("RCPT first", "EHLO d\r\n|RCPT TO:<a@b.c>\r\n|QUIT\r\n".to_owned(), "RCPT before MAIL"),
        ("DATA first", "EHLO d\r\n|MAIL FROM:<a@b.c>\r\n|DATA\r\n|QUIT\r\n".to_owned(), "DATA before RCPT"),
        ("two", ENVELOPE.replace("DATA", "RCPT TO:<b@example.org>") + "QUIT\r\n", "more than one recipient"),
        ("AUTH unasked", "EHLO d\r\n|AUTH PLAIN AGEAYg==\r\n|QUIT\r\n".to_owned(), "not offered"),
        ("ahead", "EHLO d\r\nNOOP\r\n|QUIT\r\n".to_owned(), "before it is answered"),
        ("LF alone", with("\r\n\r\nHello", "\r\n\r\nHel\nlo"), "bare LF"),
        ("CR alone", with("\r\n\r\nHello", "\r\n\r\nHel\rlo"), "bare CR"),
        ("NUL", with("\r\n\r\nHello", "\r\n\r\nHel\0lo"), "NUL"),
        ("dot", with("\r\n\r\nHello", "\r\n\r\n.Hello"), "not doubled"),
        ("long line", with("\r\n\r\nHello", &format!("\r\n\r\n{}", "x".repeat(999))), "a line of 999 bytes"),
        ("8 bit", with("\r\n\r\nHello", "\r\n\r\nHellö"), "BODY=8BITMIME"),
        ("raw header", with("Subject: Hello", "Subject: Hellö"), "header beyond ASCII"),
        ("no header", with("Subject: Hello", "Subject Hello"), "no header"),
        ("no date", with("Date: ", "X-Date: "), "no date"),
        ("odd date", with("Mon, 23", "Someday, 23"), "a date that is none"),
        ("no id", with("Message-ID: ", "X-ID: "), "no message-id"),
        ("odd id", with("<nd-1@example.com>", "nd-1"), "a message-id that is none"),
        ("no sender", with("From: ", "X-From: "), "no from"),
        ("two subjects", with("Subject: Hello", "Subject: Hello\r\nSubject: Hello"), "subject more than once"),
        ("copies", with("Subject:", "Bcc: b@example.org\r\nSubject:"), "copies"),
        ("two in the header", with("To: ada@example.org", "To: ada@example.org, b@example.org"), "to more than one"),
        ("no robot", with("Auto-Submitted: auto-generated\r\n", ""), "a machine"),
        ("odd link", with("Subject:", "List-Unsubscribe: https://a\r\nSubject:"), "no link"),
        (
            "one click",
            with("Subject:", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nSubject:"),
            "without https",
        ),
        ("no version", with("Subject:", "Content-Type: text/plain\r\nSubject:"), "without mime-version"),
        (
            "no end",
            with("Subject:", "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\nSubject:"),
            "parts without an end",
        ),
    ] {
        let smtp = Smtp::spawn(Offer::default()).await.unwrap();
        talk(&smtp, &said).await;
        let found = smtp.violations();
        assert!(found.iter().any(|mistake| mistake.contains(want)), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn a_login_is_asked_for() {
    let login = Some(("desk".to_owned(), "hunter2".to_owned()));
    let smtp = Smtp::spawn(Offer { login, ..Offer::default() }).await.unwrap();
    for (said, want) in [
        ("AUTH PLAIN AGRlc2sAaHVudGVyMg==\r\n", "235"),
        ("AUTH LOGIN\r\n|ZGVzaw==\r\n|aHVudGVyMg==\r\n", "235"),
        ("AUTH PLAIN AGRlc2sAbm8=\r\n", "535"),
        ("MAIL FROM:<a@b.c>\r\n", "530"),
    ] {
        let heard = talk(&smtp, &format!("EHLO d\r\n|{said}|QUIT\r\n")).await;
        assert!(heard.contains(&format!("\r\n{want} ")), "{said}: {heard}");
    }
    assert_eq!(smtp.violations(), ["MAIL without a login"]);
}

#[tokio::test]
async fn it_goes_wrong_where_it_is_told_to() {
    let steps =
        [Step::Greeting, Step::Hello, Step::Sender, Step::Recipient, Step::Data, Step::Text, Step::Dot, Step::Kept];
    for step in steps {
        for mishap in [Mishap::Says(451, "later"), Mishap::Close, Mishap::Reset] {
            let smtp = Smtp::spawn(Offer::default()).await.unwrap();
            smtp.script(step, mishap.clone());
            let heard = talk(&smtp, &mail(GOOD)).await;
            assert_eq!(
                heard.contains("451 later"),
                mishap == Mishap::Says(451, "later"),
                "{step:?} {mishap:?} {heard}"
            );
            assert_eq!(smtp.mails().len(), usize::from(step == Step::Kept), "{step:?} {mishap:?}");
            assert_eq!(smtp.connections(), 1);
        }
    }
    let smtp = Smtp::spawn(Offer::default()).await.unwrap();
    smtp.misbehave(Step::Greeting, Mishap::Says(554, "no"));
    assert!(talk(&smtp, "QUIT\r\n").await.starts_with("554") && talk(&smtp, "QUIT\r\n").await.starts_with("554"));
    smtp.heal();
    assert!(talk(&smtp, "QUIT\r\n").await.starts_with("220"));
}

#[tokio::test]
async fn a_mail_is_held() {
    let smtp = Smtp::spawn(Offer::default()).await.unwrap();
    let mut held = smtp.hold(Step::Kept);
    let said = mail(GOOD);
    let test = async {
        assert!(held.reached().await);
        assert_eq!(smtp.mails().len(), 1);
        held.release();
    };
    let (heard, ()) = tokio::join!(talk(&smtp, &said), test);
    assert!(heard.ends_with("SIM1\r\n"), "{heard}");
}

#[test]
fn what_a_mail_says_is_read() {
    let raw = "Subject: =?utf-8?b?w5xiZXI=?=\r\n =?utf-8?q?_50_St=C3=BCck?= now\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=\r\n=C3=9Fe\r\n--b1\r\nContent-Type: text/html\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPHA+\r\n--b1--\r\n";
    let mail = Mail::new(String::new(), String::new(), raw.to_owned());
    assert_eq!(mail.header("SUBJECT").as_deref(), Some("Über 50 Stück now"));
    assert_eq!((mail.text().as_deref(), mail.html().as_deref()), (Some("Grüße"), Some("<p>")));
}
