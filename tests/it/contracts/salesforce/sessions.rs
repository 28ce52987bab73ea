//! The session: both ways to one, what ends it, who asks for another, and that nothing of it is told.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nightdesk::demo::sim::{Fault, Match, Moment};
use nightdesk::model::{Left, Report};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::*;

const KEY: &str = include_str!("../../../golden/rsa.pem");
const LOGIN: &str = "https://login.salesforce.com";

fn tokens_asked(sim: &Sim<sim::Salesforce>) -> usize {
    sim.requests().iter().filter(|seen| seen.path.starts_with("/services/oauth2/")).count()
}

/// Nothing that proves us is in what is kept of an exchange.
fn tells_nothing(sim: &Sim<sim::Salesforce>, report: &Report) {
    let told = format!("{report:?}");
    let key = KEY.lines().nth(1).unwrap();
    for secret in sim.tokens().iter().map(String::as_str).chain([SECRET, "consumer-secret", "eyJ", key]) {
        assert!(!told.contains(secret), "{secret} is told: {told}");
    }
}

fn signed(sim: &Sim<sim::Salesforce>, key: &Path) -> Salesforce {
    let (username, audience) = ("desk@acme.example".to_owned(), LOGIN.to_owned());
    let sign_in = SignIn::Jwt { username, key: key.to_owned(), audience };
    Salesforce::new(Settings { sign_in, ..settings(sim.base_url()) }, Wire::new())
}

fn signed_org() -> sim::Salesforce {
    let key = any_supported_type(&PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap()).unwrap();
    org().signed_by(&key.public_key().unwrap(), "desk@acme.example", LOGIN)
}

#[tokio::test]
async fn one_session_serves_until_it_is_over() {
    let (sim, writer) = desk(org()).await;
    for _ in 0..3 {
        tells_nothing(&sim, &writer.perform(&work(update(LEAD))).await);
    }
    assert_eq!((tokens_asked(&sim), asked(&sim).len()), (1, 3));
    sim.expire_sessions();
    let report = writer.perform(&work(note(LEAD))).await;
    assert_eq!(class(&report.outcome), "done", "a session that is over was never looked into");
    tells_nothing(&sim, &report);
    assert_eq!((tokens_asked(&sim), sim.tasks_of(LEAD).len()), (2, 1));
    assert_eq!(
        (report.quota.requests, report.quota.day),
        (2, Some(Left { left: 14_996, of: 15_000 })),
        "tokens don't count"
    );
    assert_eq!(report.trace.vendor_id.as_deref(), Some("api-usage=4/15000"));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_that_is_over_at_once_is_a_matter_for_a_person() {
    let (sim, writer) = desk(org()).await;
    done(&writer, &work(update(LEAD))).await;
    sim.script([Fault::status(401).on(Match::to("PATCH", "/sobjects/")).forever()]);
    let report = writer.perform(&work(update(LEAD))).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!((failure.fault.name(), tokens_asked(&sim)), ("auth", 2), "renewed once");
    assert!(failure.cure.is_some());
    tells_nothing(&sim, &report);
    // Another 401 is no session that is over.
    let (sim, writer) = desk(org()).await;
    let other = json!([{ "message": "x", "errorCode": "INVALID_AUTH_HEADER" }]);
    sim.script([Fault::status_with(401, other)].map(|fault| fault.on(Match::to("PATCH", "/sobjects/"))));
    assert_eq!(class(&writer.perform(&work(update(LEAD))).await.outcome), "auth");
    assert_eq!(tokens_asked(&sim), 1);
}

#[tokio::test]
async fn however_many_find_it_over_one_asks_for_another() {
    let (sim, writer) = desk(org()).await;
    done(&writer, &work(update(LEAD))).await;
    sim.expire_sessions();
    let mut held = sim.hold(Moment::Arrived, Match::to("POST", "/oauth2/token"));
    let many = (0..8).map(|_| {
        let writer = writer.clone();
        tokio::spawn(async move { class(&writer.perform(&work(update(LEAD))).await.outcome) })
    });
    let many: Vec<_> = many.collect();
    held.reached().await.unwrap();
    held.release();
    for one in many {
        assert_eq!(one.await.unwrap(), "done");
    }
    assert_eq!((tokens_asked(&sim), sim.violations()), (2, vec![]));
}

#[tokio::test]
async fn a_signature_does_as_well_as_a_secret() {
    let sim = Sim::spawn(signed_org()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let mut file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path).unwrap();
    file.write_all(KEY.as_bytes()).unwrap();
    let writer = signed(&sim, &path);
    let report = writer.perform(&work(update(LEAD))).await;
    assert_eq!(class(&report.outcome), "done", "{report:?}");
    tells_nothing(&sim, &report);
    let first = &sim.requests()[0];
    let pairs: Vec<(String, String)> = form_urlencoded::parse(first.body.as_bytes()).into_owned().collect();
    let [(grant, bearer), (assertion, _)] = &pairs[..] else { panic!("{pairs:?}") };
    assert_eq!((grant.as_str(), bearer.as_str()), ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert_eq!(assertion, "assertion");
    // The key is read when it is needed: it may be replaced, or gone.
    std::fs::remove_file(&path).unwrap();
    done(&writer, &work(update(LEAD))).await;
    sim.expire_sessions();
    let report = writer.perform(&work(update(LEAD))).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!((failure.fault.name(), tokens_asked(&sim)), ("auth", 1), "{failure:?}");
    std::fs::write(&path, KEY).unwrap();
    done(&writer, &work(update(LEAD))).await;
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_token_endpoint_says_has_its_class() {
    let error = |error: &str| json!({ "error": error, "error_description": "words" });
    let at = || Match::to("POST", "/oauth2/token");
    for (name, fault, want) in [
        ("grant", Fault::status_with(400, error("invalid_grant")), "auth"),
        ("client", Fault::status_with(400, error("invalid_client")), "auth"),
        ("client id", Fault::status_with(400, error("invalid_client_id")), "auth"),
        ("unauthorised", Fault::status_with(401, error("invalid_client")), "auth"),
        ("inactive org", Fault::status_with(403, error("inactive_org")), "auth"),
        ("asked to ask again", Fault::status_with(400, error("unknown_error")), "transient"),
        ("no such place", Fault::status_with(404, json!({})), "auth"),
        ("elsewhere", Fault::redirect("https://example.com/"), "auth"),
        ("too many", Fault::throttled(Some("7")), "throttled"),
        ("down", Fault::status(503), "transient"),
        ("hang", Fault::hang(), "transient"),
        ("reset", Fault::reset(), "transient"),
        ("half an answer", Fault::close_in_answer().applied(), "transient"),
        ("garbage", Fault::garbage(), "transient"),
        ("HTML", Fault::html(), "transient"),
        ("half of the JSON", Fault::half_json().applied(), "transient"),
        ("without end", Fault::huge(8 << 20), "transient"),
        ("no token", Fault::status_with(200, json!({ "instance_url": "https://a.my.salesforce.com" })), "transient"),
    ] {
        for made in [update(LEAD), note(LEAD)] {
            let (sim, writer) = desk(org()).await;
            sim.script([fault.clone().on(at())]);
            let report = writer.perform(&work(made.clone())).await;
            assert_eq!(class(&report.outcome), want, "{name}: {:?}", report.outcome);
            assert_eq!(asked(&sim).len(), 0, "{name}: nothing was written");
            tells_nothing(&sim, &report);
            assert!(
                report.trace.request.as_ref().is_some_and(|line| line.starts_with("POST http")),
                "{name}: {report:?}"
            );
            assert_eq!(class(&writer.perform(&work(made)).await.outcome), "done", "{name}: it is asked for anew");
        }
    }
}

#[tokio::test]
async fn a_revoked_app_or_a_wrong_secret_waits_for_a_person() {
    let (sim, writer) = desk(org()).await;
    done(&writer, &work(update(LEAD))).await;
    sim.revoke(true);
    let report = writer.perform(&work(update(LEAD))).await;
    assert_eq!(class(&report.outcome), "auth");
    tells_nothing(&sim, &report);
    sim.revoke(false);
    done(&writer, &work(update(LEAD))).await;

    let wrong = Settings { sign_in: SignIn::Secret("hunter2".into()), ..settings(sim.base_url()) };
    let report = Salesforce::new(wrong, Wire::new()).perform(&work(update(LEAD))).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failure.fault.name(), "auth");
    assert!(failure.cure.as_deref().unwrap().contains("consumer key and secret"), "{failure:?}");
    assert!(!format!("{report:?}").contains("hunter2"));
}

/// A proxy that quotes what it was sent doesn't put it into our log.
#[tokio::test]
async fn what_is_quoted_back_is_not_told() {
    let (sim, writer) = desk(org()).await;
    let quoted = json!({ "error": "invalid_client", "error_description": format!("secret {SECRET} is wrong") });
    sim.script([Fault::status_with(400, quoted)]);
    let report = writer.perform(&work(update(LEAD))).await;
    tells_nothing(&sim, &report);
    assert!(format!("{report:?}").contains("secret *** is wrong"), "{report:?}");
}

#[tokio::test]
async fn a_token_is_taken_to_no_stranger() {
    let stranger = Sim::spawn(org()).await.unwrap();
    for instance in
        ["https://acme.my.salesforce.com.evil.example", &stranger.base_url().replace("127.0.0.1", "127.0.0.2")]
    {
        let (sim, writer) = desk(org().at_instance(instance)).await;
        let report = writer.perform(&work(update(LEAD))).await;
        let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
        assert_eq!(failure.fault.name(), "auth", "{failure:?}");
        assert!(failure.reason.contains("none of its domains"), "{failure:?}");
        tells_nothing(&sim, &report);
    }
    assert_eq!(stranger.requests().len(), 0);
    // An org may say that it is on another host of its own.
    let (elsewhere, _) = desk(org()).await;
    let (sim, writer) = desk(org().at_instance(&elsewhere.base_url())).await;
    assert_eq!(class(&writer.perform(&work(update(LEAD))).await.outcome), "auth", "where nobody knows the session");
    assert_eq!((asked(&sim).len(), asked(&elsewhere).len()), (0, 2));
}
