//! What Jira refuses, and what its search finds.

use super::super::tests::{Asked, ask};
use super::*;

async fn open() -> Sim<Jira> {
    Sim::spawn(Jira::new("desk@example.com", "t").project("SUP", &["Task", "Support"])).await.unwrap()
}

async fn call(sim: &Sim<Jira>, method: &str, path: &str, body: &Value) -> Asked {
    let user = format!("Basic {}", STANDARD.encode("desk@example.com:t"));
    let headers = [("authorization", user.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    ask(&sim.base_url(), method, path, &headers, &body).await
}

fn paragraph(content: &Value) -> Value {
    json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": content }] })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn issue(key: &str, value: Value) -> Value {
    let mut fields = json!({
        "project": { "key": "SUP" }, "issuetype": { "name": "Task" }, "summary": "s",
        "description": paragraph(&json!([text("d")])), "labels": ["nightdesk-1"],
    });
    if value.is_null() {
        fields.as_object_mut().unwrap().remove(key);
    } else {
        fields[key] = value;
    }
    json!({ "fields": fields, "properties": [{ "key": "nightdesk", "value": { "job": "1" } }] })
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let described = |document: Value| issue("description", document);
    let long = "x".repeat(32_768);
    for (name, body) in [
        ("no fields", json!({})),
        ("an unknown key", json!({ "fields": {}, "field": 1 })),
        ("an unknown field", issue("reporter", json!("x"))),
        ("no project", issue("project", Value::Null)),
        ("a project by its bare key", issue("project", json!("SUP"))),
        ("no type", issue("issuetype", json!({}))),
        ("no summary", issue("summary", Value::Null)),
        ("a blank summary", issue("summary", json!(" "))),
        ("a summary of two lines", issue("summary", json!("a\nb"))),
        ("a long summary", issue("summary", json!("x".repeat(256)))),
        ("a label with a space", issue("labels", json!(["two words"]))),
        ("an empty label", issue("labels", json!([""]))),
        ("labels as a text", issue("labels", json!("a"))),
        ("a priority by its bare name", issue("priority", json!("High"))),
        ("a plain text", described(json!("words"))),
        ("a document of no version", described(json!({ "type": "doc", "content": [] }))),
        ("a document without content", described(json!({ "type": "doc", "version": 1 }))),
        ("a text in the document", described(json!({ "type": "doc", "version": 1, "content": [text("x")] }))),
        ("an empty text", described(paragraph(&json!([text("")])))),
        ("a line feed in a text", described(paragraph(&json!([text("a\nb")])))),
        ("a node that there isn't", described(paragraph(&json!([{ "type": "br" }])))),
        ("a key that there isn't", described(paragraph(&json!([{ "type": "text", "text": "x", "bold": true }])))),
        (
            "a mark that there isn't",
            described(paragraph(&json!([{ "type": "text", "text": "x", "marks": [{ "type": "b" }] }]))),
        ),
        ("too long", described(paragraph(&json!([text(&long)])))),
    ] {
        let sim = open().await;
        let got = call(&sim, "POST", "/rest/api/3/issue", &body).await;
        assert_eq!((got.status, sim.issues().len()), (400, 0), "{name}: {}", got.body);
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_search_is_asked_where_and_how_it_is_now() {
    for (name, method, path, body, status) in [
        ("the old search", "POST", "/rest/api/3/search", json!({ "jql": "project = SUP" }), 410),
        ("the old search by query", "GET", "/rest/api/3/search?jql=x", Value::Null, 410),
        ("version 2", "POST", "/rest/api/2/issue", issue("summary", json!("s")), 404),
        ("no fields asked for", "POST", "/rest/api/3/search/jql", json!({ "jql": "project = SUP" }), 400),
        ("no query", "POST", "/rest/api/3/search/jql", json!({ "fields": ["summary"] }), 400),
    ] {
        let sim = open().await;
        assert_eq!(call(&sim, method, path, &body).await.status, status, "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_too_long_burns_a_number() {
    let sim = open().await;
    let long = issue("description", paragraph(&json!([text(&"x".repeat(32_768))])));
    let got = call(&sim, "POST", "/rest/api/3/issue", &long).await;
    assert_eq!(got.json()["errorMessages"][0], "CONTENT_LIMIT_EXCEEDED");
    assert_eq!(call(&sim, "POST", "/rest/api/3/issue", &issue("x", Value::Null)).await.json()["key"], "SUP-2");
}

#[tokio::test]
async fn a_site_may_refuse_a_good_request() {
    let sim = open().await;
    for (name, body, status) in [
        ("good", issue("x", Value::Null), 201),
        ("a type by its id", issue("issuetype", json!({ "id": "10002" })), 201),
        ("a priority", issue("priority", json!({ "name": "High" })), 201),
        ("no such type", issue("issuetype", json!({ "name": "Bug" })), 400),
        ("no such priority", issue("priority", json!({ "name": "urgent" })), 400),
        ("no such project", issue("project", json!({ "key": "NOPE" })), 404),
    ] {
        assert_eq!(call(&sim, "POST", "/rest/api/3/issue", &body).await.status, status, "{name}");
    }
    assert_eq!(sim.issues().iter().map(|issue| issue.kind.as_str()).collect::<Vec<_>>(), ["Task", "Support", "Task"]);
    let kept = &sim.issues()[0];
    assert_eq!((kept.text.as_str(), kept.properties["nightdesk"]["job"].as_str()), ("d", Some("1")));
    sim.hide_project("SUP");
    assert_eq!(call(&sim, "GET", "/rest/api/3/project/SUP", &Value::Null).await.status, 404);
    for (name, pair, mistakes) in [("another token", "desk@example.com:x", 0), ("no pair", "desk", 1)] {
        let given = format!("Basic {}", STANDARD.encode(pair));
        let headers = [("authorization", given.as_str())];
        assert_eq!(ask(&sim.base_url(), "GET", "/rest/api/3/myself", &headers, "").await.status, 401, "{name}");
        assert_eq!(sim.violations().len(), mistakes, "{name}");
    }
}

#[tokio::test]
async fn a_query_finds_what_the_index_has() {
    let sim = open().await;
    call(&sim, "POST", "/rest/api/3/issue", &issue("labels", json!(["nightdesk-1", "x"]))).await;
    let find = async |jql: &str| {
        let body = json!({ "jql": jql, "fields": ["summary"], "maxResults": 2 });
        let got = call(&sim, "POST", "/rest/api/3/search/jql", &body).await;
        (got.status, got.json()["issues"].as_array().map(Vec::len))
    };
    for (name, jql, want) in [
        ("by label", "labels = \"nightdesk-1\"", (200, Some(1))),
        ("by both", "project = \"SUP\" AND labels = \"nightdesk-1\"", (200, Some(1))),
        ("bare words", "project = SUP and labels = nightdesk-1", (200, Some(1))),
        ("another label", "project = SUP AND labels = nightdesk-2", (200, Some(0))),
        ("no such project", "project = \"NO\"", (400, None)),
    ] {
        assert_eq!(find(jql).await, want, "{name}");
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
    sim.set_index_lag(Duration::from_hours(1));
    assert_eq!(find("project = SUP").await, (200, Some(0)));
    for jql in
        ["project", "project = ", "project = \"SUP", "project = \"SUP\" labels = x", "text ~ \"x\"", "summary = x"]
    {
        let before = sim.violations().len();
        assert_eq!(find(jql).await, (400, None), "{jql}");
        assert_eq!(sim.violations().len(), before + 1, "{jql}");
    }
}
