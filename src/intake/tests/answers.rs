//! What a sender is told, and what the database says then.

use serde_json::json;

use super::*;
use crate::store::DeadLetterFilter;

#[tokio::test]
async fn the_payloads_of_the_vendors() {
    let desk = Desk::open().await;
    let payload =
        |name: &str| std::fs::read(format!("{}/tests/golden/payloads/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let bearer = format!("Bearer {SHARED_SECRET}");
    let bearer = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut leads = Vec::new();
    for (file, want) in [
        (
            "e01-hubspot-workflow.json",
            ("Anna Berg", "anna@example.com", Some("501"), "Hi! Could you send me your price list?"),
        ),
        (
            "e02-hubspot-workflow-html.json",
            (
                "Carl Diaz",
                "carl@example.com",
                Some("502"),
                "<p>We must replace our scanner <b>this week</b>.<br>Please call&nbsp;me.</p>",
            ),
        ),
        ("e05-hubspot-flat.json", ("Gus Hill", "gus@example.com", None, "Can I get a demo tomorrow?")),
        (
            "e09-generic-json.json",
            ("Mona Nyberg", "mona@example.com", None, "I forgot my password &amp; cannot get in"),
        ),
    ] {
        let (status, body) = match file {
            "e09-generic-json.json" => desk.post("/hooks/form", &bearer, payload(file)).await,
            _ => desk.signed("/hooks/hubspot", &payload(file), HUBSPOT_SECRET).await,
        };
        assert_eq!(status, 202, "{file}: {body}");
        let id = body["lead_id"].as_str().unwrap();
        let lead = desk.reader().find_lead(id).unwrap().unwrap();
        let record = lead.record.as_ref().map(|record| record.id.as_str());
        let got = (lead.name.as_deref().unwrap(), lead.email.as_deref().unwrap(), record, lead.raw_message.as_str());
        assert_eq!(got, want, "{file}");
        leads.push((file, lead));
    }
    let phones: Vec<_> = leads.iter().map(|(_, lead)| lead.phone_text.as_deref()).collect();
    assert_eq!(phones, [Some("+46 8 123 456 78"), Some("(303) 555-0142"), None, Some("720-555-0107")]);

    let (status, _) = desk.signed("/hooks/hubspot", &payload("e04-hubspot-bad-signature.json"), "another").await;
    assert_eq!(status, 401);
    let (status, _) = desk.post("/hooks/form", &bearer, payload("e10-generic-bad-json.json")).await;
    assert_eq!(status, 400);
    let reader = desk.reader();
    assert_eq!(reader.counts().unwrap().leads, 4);
    let quarantine = reader.quarantine().unwrap();
    assert_eq!(quarantine.len(), 1);
    assert_eq!(quarantine[0].source, "hubspot");
    let letters = reader.dead_letters(&DeadLetterFilter::default()).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].stage.as_str(), letters[0].payload.as_str()), ("gate", "{\"name\": \"Oops\", \"email\": "));
    desk.close().await;
}

#[tokio::test]
async fn refusals_leave_no_lead() {
    let desk = Desk::open().await;
    let hi = br#"{"message":"Hi"}"#.as_slice();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    for (name, method, path, headers, status) in [
        ("no such source", "POST", "/hooks/nobody", &[][..], 404),
        ("no source", "POST", "/hooks/", &[], 404),
        ("elsewhere", "POST", "/", &[], 404),
        ("a rest", "POST", "/hooks/open/more", &[], 404),
        ("a slash", "POST", "/hooks/open/", &[], 404),
        ("an escape", "POST", "/hooks/%6fpen", &[], 404),
        ("GET", "GET", "/hooks/open", &[], 405),
        ("PUT", "PUT", "/hooks/open", &[], 405),
        ("OPTIONS", "OPTIONS", "/hooks/open", &[], 405),
        ("GET of nothing", "GET", "/hooks/nobody", &[], 404),
        ("a form", "POST", "/hooks/open", &form, 415),
        ("no secret", "POST", "/hooks/form", &[], 401),
        ("another secret", "POST", "/hooks/form", &[("Authorization", "Bearer x")], 401),
        ("no signature", "POST", "/hooks/hubspot", &[], 401),
    ] {
        let answer = desk.raw(request(method, path, headers, hi)).await;
        let (got, body) = split(&answer);
        assert_eq!(got, status, "{name}");
        assert_eq!(body["status"], status, "{name}");
        let head = answer.to_ascii_lowercase();
        assert_eq!(head.contains("allow: post"), status == 405, "{name}");
        assert!(head.contains("application/problem+json"), "{name}");
    }
    let reader = desk.reader();
    assert_eq!(reader.counts().unwrap().leads, 0);
    assert_eq!(reader.quarantine().unwrap().len(), 3);
    desk.close().await;
}

#[tokio::test]
async fn bodies_that_hold_no_lead_are_kept_with_their_reason() {
    let desk = Desk::open().await;
    let deep = [b"[".repeat(129), b"]".repeat(129)].concat();
    for (name, body, status, reason) in [
        ("cut off", b"{\"message\": ".to_vec(), 400, "not JSON"),
        ("nothing", b"".to_vec(), 400, "not JSON"),
        ("garbage after it", br#"{"message":"Hi"} x"#.to_vec(), 400, "not JSON"),
        ("two documents", br#"{"message":"Hi"}{"message":"Hi"}"#.to_vec(), 400, "not JSON"),
        ("too deep", deep, 400, ""),
        ("a NUL", b"{\"message\":\"H\0i\"}".to_vec(), 400, "not JSON"),
        ("no message", br#"{"text":"Hi","email":"a@b.co"}"#.to_vec(), 200, "the keys /email, /text"),
        ("an empty message", br#"{"message":" \n\t"}"#.to_vec(), 200, "the message is empty"),
        ("nothing to see", "{\"message\":\"\u{200b}\u{feff}\"}".into(), 200, "the message is empty"),
        ("a number", br#"{"message":5}"#.to_vec(), 200, "no text"),
        ("an array", br"[]".to_vec(), 200, "an empty list"),
    ] {
        let (got, answer) = desk.open_post(&body).await;
        assert_eq!(got, status, "{name}");
        let reader = desk.reader();
        let letters = reader.dead_letters(&DeadLetterFilter::default()).unwrap();
        let letter = letters.last().unwrap();
        assert_eq!((letter.stage.as_str(), letter.class.as_str()), ("gate", "permanent"), "{name}");
        assert!(letter.reason.contains(reason), "{name}: {}", letter.reason);
        let inbox = letter.inbox_id.unwrap();
        if status == 200 {
            assert_eq!(answer, json!({ "inbox_id": inbox }), "{name}");
        }
        let stored = desk.writer.run(crate::store::Command::Outcome, move |tx| tx.inbox_request(inbox)).await;
        assert_eq!(stored.unwrap().unwrap().arrival.body, body, "{name}");
    }
    let alerts = desk.reader().alerts().unwrap();
    assert_eq!((alerts.len(), alerts[0].key.as_str(), alerts[0].count), (1, "gate:open", 11));
    desk.close().await;
}

#[tokio::test]
async fn the_same_again_is_no_second_lead() {
    let desk = Desk::open().await;
    let first = desk.open_post(r#"{"message":"Hi","record":1,"event":"e1"}"#).await;
    assert_eq!(first.0, 202);
    let duplicate = (200, json!({ "duplicate_of": first.1["lead_id"] }));
    for (name, body, same) in [
        ("the same bytes", r#"{"message":"Hi","record":1,"event":"e1"}"#, true),
        ("the same event", r#"{"message":"Bye","record":2,"event":"e1"}"#, true),
        ("the same words for the same record", r#"{"message":" Hi ","record":"1","event":"e2"}"#, true),
        ("other words", r#"{"message":"Hi there","record":1}"#, false),
        ("another record", r#"{"message":"Hi","record":2}"#, false),
        ("another sender", r#"{"message":"Hi","record":1,"email":"a@b.co"}"#, false),
        ("the last of equal keys wins", r#"{"message":"x","message":"Hi","record":1}"#, true),
        ("a byte order mark", "\u{feff}{\"message\":\"Hi\",\"record\":1}", true),
    ] {
        let got = desk.open_post(body).await;
        if same {
            assert_eq!(got, duplicate, "{name}");
        } else {
            assert_eq!(got.0, 202, "{name}");
        }
    }
    desk.close().await;
}

/// Only the words are the same, and nothing we read says who wrote them: the rest of the body does.
#[tokio::test]
async fn two_people_with_the_same_words_are_two_leads() {
    let desk = Desk::open().await;
    let anna = desk.open_post(r#"{"message":"Please call me","name":"Anna"}"#).await;
    let bob = desk.open_post(r#"{"message":"Please call me","name":"Bob"}"#).await;
    let form = desk.open_post(r#"{"message":"Please call me","mobile":"0555 1"}"#).await;
    assert_eq!((anna.0, bob.0, form.0), (202, 202, 202));
    let again = desk.open_post(r#"{"message":"Please call me","name":"Bob"}"#).await;
    assert_eq!(again, (200, json!({ "duplicate_of": bob.1["lead_id"] })), "a sender's retry");
    assert_eq!(desk.reader().counts().unwrap().leads, 3);
    desk.close().await;
}

#[tokio::test]
async fn sixty_four_at_once_make_one_lead_and_a_bad_one_fails_alone() {
    let desk = Arc::new(Desk::open().await);
    let posts = (0..64).map(|_| {
        let desk = Arc::clone(&desk);
        tokio::spawn(async move { desk.open_post(r#"{"message":"Call me","record":7}"#).await.0 })
    });
    let others = (0..64).map(|nth| {
        let desk = Arc::clone(&desk);
        let body = if nth == 31 { "{".to_owned() } else { format!(r#"{{"message":"I am {nth}","record":{nth}}}"#) };
        tokio::spawn(async move { desk.open_post(body).await.0 })
    });
    let (posts, others): (Vec<_>, Vec<_>) = (posts.collect(), others.collect());
    let mut told = Vec::new();
    for post in posts {
        told.push(post.await.unwrap());
    }
    assert_eq!(told.iter().filter(|status| **status == 202).count(), 1);
    assert_eq!(told.iter().filter(|status| **status == 200).count(), 63);
    for (nth, post) in others.into_iter().enumerate() {
        assert_eq!(post.await.unwrap(), if nth == 31 { 400 } else { 202 }, "{nth}");
    }
    assert_eq!(desk.reader().counts().unwrap().leads, 64);
    Arc::into_inner(desk).unwrap().close().await;
}

#[tokio::test]
async fn no_room_is_503_and_a_refusal_stays_a_refusal() {
    let desk = Desk::with(limits(), u64::MAX).await;
    let answer = desk.raw(request("POST", "/hooks/open", &[], br#"{"message":"Hi"}"#)).await;
    assert_eq!(split(&answer).0, 503);
    assert!(answer.to_ascii_lowercase().contains("retry-after: 30\r\n"), "{answer}");
    assert_eq!(desk.post("/hooks/form", &[], "{}").await.0, 401);
    assert_eq!(desk.reader().counts().unwrap().leads, 0);
    desk.close().await;
}

#[tokio::test]
async fn no_secret_is_stored() {
    let desk = Desk::open().await;
    let bearer = format!("Bearer {SHARED_SECRET}");
    let headers = [("Authorization", bearer.as_str()), ("Cookie", SHARED_SECRET), ("X-Kept", "yes")];
    assert_eq!(desk.post("/hooks/form", &headers, r#"{"message":"Hi"}"#).await.0, 202);
    assert_eq!(desk.post("/hooks/form", &headers[1..], r#"{"message":"Hi"}"#).await.0, 401);
    let mislaid = [("X-Webhook-Secret", SHARED_SECRET)];
    assert_eq!(desk.post("/hooks/form", &mislaid, r#"{"message":"Hi"}"#).await.0, 401);
    let mistyped = [("Autorisation", bearer.as_str())];
    assert_eq!(desk.post("/hooks/form", &mistyped, r#"{"message":"Hi"}"#).await.0, 401);
    let target = format!("/hooks/form?key={SHARED_SECRET}");
    assert_eq!(desk.post(&target, &[], r#"{"message":"Hi"}"#).await.0, 401);
    assert_eq!(desk.post(&target, &headers, r#"{"message":"Hi again"}"#).await.0, 202);
    let folder = desk.folder.path().to_owned();
    let mut seen_kept = false;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(SHARED_SECRET.len()).any(|window| window == SHARED_SECRET.as_bytes()));
        seen_kept |= bytes.windows(6).any(|window| window == b"x-kept");
    }
    assert!(seen_kept, "the test looks where headers are");
    desk.close().await;
}

#[tokio::test]
async fn a_mended_mapping_makes_a_lead_of_what_was_kept() {
    let desk = Desk::open().await;
    assert_eq!(desk.open_post(r#"{"text":"Hi"}"#).await.0, 200);
    let letters = desk.reader().dead_letters(&DeadLetterFilter::default()).unwrap();
    let inbox = letters[0].inbox_id.unwrap();
    let stored = desk.writer.run(crate::store::Command::Outcome, move |tx| tx.inbox_request(inbox)).await;
    let stored = stored.unwrap().unwrap();
    let mended = Fields { message: vec!["/text".to_owned()], ..pointers() };
    let gate =
        |fields: Fields| reparse(&source("open", Shape::Json(fields), Auth::None), &stored.arrival).pop().unwrap();
    assert!(matches!(gate(pointers()), crate::store::Gate::Failed { .. }));
    assert!(matches!(gate(mended), crate::store::Gate::Passed(new) if new.message == "Hi"));
    desk.close().await;
}
