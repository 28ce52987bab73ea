//! What TLS must not be talked into: answers from before it, and a certificate that is no good.

use nightdesk::deliver::mail::{Mailer, Security, Settings};
use nightdesk::model::Effect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that gives each of these answers once it has heard something, and then only listens.
async fn answering(answers: Vec<&'static str>) -> Mailer {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
        }
        while stream.read(&mut [0; 1_024]).await.is_ok_and(|n| n > 0) {}
    });
    Mailer::new(Settings { security: Security::StartTls, login: Some(login()), ..settings(port) })
}

#[tokio::test]
async fn nothing_that_was_said_before_tls_counts_after_it() {
    let injected = "220 go ahead\r\n250-mail.test\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 ok\r\n";
    let mailer = answering(vec!["220 mail.test\r\n", "250-mail.test\r\n250 STARTTLS\r\n", injected]).await;
    assert_eq!(class(&mailer.perform(&mail()).await), ("auth", false));
}

#[tokio::test]
async fn without_starttls_nothing_is_said() {
    let mailer = answering(vec!["220 mail.test\r\n", "250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n"]).await;
    let report = mailer.perform(&mail()).await;
    assert_eq!(class(&report), ("auth", false));
    assert!(report.trace.response.unwrap().contains("doesn't offer STARTTLS"));
    for (answer, want) in [("454 4.7.0 later\r\n", "transient"), ("501 no\r\n", "auth")] {
        let answers = vec!["220 mail.test\r\n", "250-mail.test\r\n250 STARTTLS\r\n", answer, "221 bye\r\n"];
        assert_eq!(class(&answering(answers).await.perform(&mail()).await), (want, false), "{answer}");
    }
}
