//! Each vendor's contract, written out: every request the program can send, field by field, and what every answer ends in.
//!
//! The contract stands in these files as literals, read from the vendors' pages and specifications, and is compared with
//! what the simulators saw on the wire. No constant of the program is used.

mod http;
mod hubspot;
mod jira;
mod llm;
mod pipedrive;
mod salesforce;
mod ticket;
mod zendesk;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use nightdesk::app;
use nightdesk::config::{Config, Secrets};
use nightdesk::demo::sim::Seen;
use nightdesk::writeback::Crm;
use serde_json::{Value, json};

/// The writer of `[crm.own]` in this configuration, in which `SECRET` stands for where its secret is.
fn own_crm(text: &str, secret: &str) -> Arc<dyn Crm> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, secret).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = text.replace("SECRET", &format!("{{ file = \"{}\" }}", file.display()));
    let config = Config::parse(&text).map_err(|problems| problems.to_string()).unwrap();
    let secrets = Secrets::load(&config, None).unwrap();
    app::crms(&config, &secrets).unwrap().remove("own").unwrap()
}

/// A request as it came: all that a vendor looks at.
fn wire(seen: &Seen) -> Value {
    let mut headers: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    headers.sort_unstable();
    let query: Vec<String> = seen.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let body = if seen.body.is_empty() { Value::Null } else { serde_json::from_str(&seen.body).unwrap() };
    json!({ "method": seen.method, "path": seen.path, "query": query.join("&"), "headers": headers, "body": body })
}

/// The same as a contract has it. What carries a body says of what kind it is.
fn contract(method: &str, path: &str, query: &str, auth: &str, body: &Value) -> Value {
    let mut headers = vec!["accept", auth, "host", "user-agent"];
    if !body.is_null() {
        headers.extend(["content-length", "content-type"]);
    }
    headers.sort_unstable();
    json!({ "method": method, "path": path, "query": query, "headers": headers, "body": body })
}

/// Puts `with` where the value at `pointer` stands, once `is_right` has judged that.
fn settled(mut request: Value, pointer: &str, with: &str, is_right: impl Fn(&str) -> bool) -> Value {
    let value = request.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    assert!(is_right(value.as_str().unwrap()), "{pointer}: {value}");
    *value = with.into();
    request
}
