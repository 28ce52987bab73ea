//! Each CRM's contract, written out: every request the program can send, field by field, and what every answer ends in.
//!
//! The contract stands in these files as literals, read from the vendors' pages and specifications, and is compared with
//! what the simulators saw on the wire. No constant of the program is used.

mod hubspot;
mod salesforce;

use nightdesk::demo::sim::Seen;
use serde_json::{Value, json};

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
