//! What Zendesk refuses, and what a key of a request does.

use super::super::tests::{Asked, ask};
use super::*;

const PATH: &str = "/api/v2/tickets.json";

fn authorization(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

async fn open() -> Sim<Zendesk> {
    let account =
        Zendesk::new("agent@example.com", "t").user("known@example.com", "Known").suspended("bad@example.com");
    Sim::spawn(account).await.unwrap()
}

async fn call(sim: &Sim<Zendesk>, method: &str, path: &str, key: &str, body: &Value) -> Asked {
    let user = authorization("agent@example.com/token:t");
    let mut headers = vec![("authorization", user.as_str()), ("content-type", "application/json")];
    headers.extend((!key.is_empty()).then_some(("idempotency-key", key)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    ask(&sim.base_url(), method, path, &headers, &body).await
}

fn ticket(key: &str, value: Value) -> Value {
    let mut ticket = json!({ "subject": "s", "comment": { "body": "b", "public": false } });
    if value.is_null() {
        ticket.as_object_mut().unwrap().remove(key);
    } else {
        ticket[key] = value;
    }
    json!({ "ticket": ticket })
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let long = "x".repeat(65_536);
    for (name, body) in [
        ("no ticket", json!({})),
        ("a key beside the ticket", json!({ "ticket": { "comment": { "body": "b" } }, "x": 1 })),
        ("no subject", ticket("subject", Value::Null)),
        ("a subject that is a number", ticket("subject", json!(7))),
        ("no comment", ticket("comment", Value::Null)),
        ("no words", ticket("comment", json!({ "public": true }))),
        ("blank words", ticket("comment", json!({ "body": " \n" }))),
        ("too many words", ticket("comment", json!({ "body": long }))),
        ("a capital", ticket("comment", json!({ "Body": "b" }))),
        ("public by word", ticket("comment", json!({ "body": "b", "public": "no" }))),
        ("an unknown key", ticket("queue", json!("x"))),
        ("another priority", ticket("priority", json!("Highest"))),
        ("another type", ticket("type", json!("ticket"))),
        ("a tag with a space", ticket("tags", json!(["two words"]))),
        ("tags as a text", ticket("tags", json!("a b"))),
        ("an external id that is a number", ticket("external_id", json!(7))),
        ("a requester without a name", ticket("requester", json!({ "email": "new@example.com" }))),
        ("a requester without an address", ticket("requester", json!({ "name": "Ada" }))),
    ] {
        let sim = open().await;
        let got = call(&sim, "POST", PATH, "", &body).await;
        assert!(got.status >= 400 && sim.tickets().is_empty(), "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
    let sim = open().await;
    for (name, method, path, key) in [
        ("a long key", "POST", PATH, "k".repeat(256)),
        ("nowhere", "GET", "/api/v2/ticket.json", String::new()),
        ("an unknown filter", "GET", "/api/v2/tickets.json?external=1", String::new()),
    ] {
        let before = sim.violations().len();
        assert!(call(&sim, method, path, &key, &ticket("tags", json!([]))).await.status >= 400, "{name}");
        assert_eq!(sim.violations().len(), before + 1, "{name}");
    }
}

#[tokio::test]
async fn who_one_is() {
    let sim = open().await;
    for (name, given, status, mistakes) in [
        ("nobody", None, 401, 1),
        ("a password", Some(authorization("agent@example.com:t")), 401, 1),
        ("a bearer", Some("Bearer t".to_owned()), 401, 1),
        ("another token", Some(authorization("agent@example.com/token:x")), 401, 0),
        ("the token", Some(authorization("agent@example.com/token:t")), 200, 0),
    ] {
        let before = sim.violations().len();
        let headers: Vec<(&str, &str)> = given.iter().map(|given| ("authorization", given.as_str())).collect();
        assert_eq!(ask(&sim.base_url(), "GET", PATH, &headers, "").await.status, status, "{name}");
        assert_eq!(sim.violations().len(), before + mistakes, "{name}");
        let me = ask(&sim.base_url(), "GET", "/api/v2/users/me.json", &headers, "").await;
        assert_eq!((me.status, me.json()["user"]["id"].is_null()), (200, status == 401), "{name}");
    }
}

#[tokio::test]
async fn a_bad_address_is_not_the_clients_mistake() {
    let sim = open().await;
    for (email, status) in [
        ("new@example.com", 201),
        ("known@example.com", 201),
        ("bad@example.com", 422),
        ("no address", 422),
        ("a@b", 422),
        ("a@b@c.de", 422),
    ] {
        let got = call(&sim, "POST", PATH, "", &ticket("requester", json!({ "name": "N", "email": email }))).await;
        assert_eq!(got.status, status, "{email}");
        assert_eq!(got.json()["details"]["requester"].is_array(), status == 422, "{email}");
    }
    let by_address = ticket("requester", json!({ "email": "known@example.com" }));
    assert_eq!(call(&sim, "POST", PATH, "", &by_address).await.status, 201, "whom it knows needs no name");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_is_one_ticket_until_it_is_forgotten() {
    let sim = open().await;
    let (body, other) = (ticket("external_id", json!("nd1")), ticket("external_id", json!("nd2")));
    let lookup =
        |got: &Asked| got.head.lines().find_map(|line| line.strip_prefix("x-idempotency-lookup: ").map(str::to_owned));
    let first = call(&sim, "POST", PATH, "k", &body).await;
    assert_eq!((first.status, lookup(&first).as_deref()), (201, Some("miss")));
    assert!(first.head.contains("location: /api/v2/tickets/1.json"));
    let again = call(&sim, "POST", PATH, "k", &body).await;
    assert_eq!((again.status, lookup(&again).as_deref(), again.body), (201, Some("hit"), first.body));
    let clash = call(&sim, "POST", PATH, "k", &other).await;
    assert_eq!((clash.status, clash.json()["error"].as_str()), (400, Some("IdempotentRequestError")));
    assert_eq!((sim.tickets().len(), sim.violations().len()), (1, 1));
    sim.forget_keys();
    assert_eq!(call(&sim, "POST", PATH, "k", &body).await.json()["ticket"]["id"], 2);
    let list = call(&sim, "GET", &format!("{PATH}?external_id=nd1"), "", &Value::Null).await.json();
    assert_eq!(list["tickets"].as_array().unwrap().len(), 2, "an external id is not unique");
}
