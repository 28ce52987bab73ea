//! A CRM that the operator describes: which request is sent for what, and how it proves that it worked.
//!
//! Addresses and bodies are templates; here only their form is judged, `writeback` renders them. The host is written out, so
//! that no lead can choose where another's data goes.

use serde_json::Value;

use super::trimmed;
use crate::config::typed::{BaseUrl, Typed, template_trouble};
use crate::config::{Problems, SecretRef, raw};

/// Where a token usually goes (RFC 6750), and what precedes it.
const HEADER: &str = "Authorization";
const PREFIX: &str = "Bearer ";
/// Headers that are ours to set, or the secret's.
const RESERVED: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"];

/// A CRM that takes JSON over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// How we prove who we are, if at all.
    pub auth: Option<HttpAuth>,
    /// Writes class, priority and owner.
    pub update: HttpRequest,
    /// Writes a note; without it nothing tells there what was done.
    pub note: Option<HttpRequest>,
    /// Writes a task; without it a task is written as a note.
    pub task: Option<HttpRequest>,
    /// What `check --online` reads: any 2xx is well.
    pub probe: Option<String>,
}

/// A secret in a header.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAuth {
    /// The header.
    pub header: String,
    /// What precedes the secret there.
    pub prefix: String,
    /// The secret.
    pub secret: SecretRef,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// How.
    pub method: HttpMethod,
    /// Where to: a template whose host is written out.
    pub url: String,
    /// Sent along: names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent: a template of JSON.
    pub body: String,
    /// What a good answer looks like.
    pub success: HttpSuccess,
    /// Where a good answer has the id of what was made: a JSON pointer.
    pub id: Option<String>,
    /// The header that takes our key, so that the CRM itself drops a repetition.
    pub idempotency_header: Option<String>,
}

/// The methods that write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// May make something new each time.
    Post,
    /// The same however often.
    Put,
    /// The same however often, as values are absolute.
    Patch,
}

/// What tells that it worked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HttpSuccess {
    /// These statuses; none: any 2xx.
    pub status: Vec<u16>,
    /// What stands at a JSON pointer of the body must be this.
    pub holds: Option<(String, Value)>,
}

type At<'a> = &'a dyn Fn(&str) -> String;

impl Http {
    pub(super) fn of(raw: &mut raw::Crm, at: At<'_>, problems: &mut Problems) -> Option<Self> {
        let raw::CrmRequests { update, note, task } = raw.requests.take().unwrap_or_default();
        if task.is_some() && note.is_none() {
            problems.error(at(".requests.task"), "of no use without requests.note");
        }
        let update = problems.required(update, at(".requests.update"), "{ method = \"PATCH\", url = …, body = … }");
        // What is wrong with one is told, and ends the reading: then it doesn't matter that it isn't there.
        let mut request = |key: &str, typed: Option<raw::CrmRequest>| {
            HttpRequest::of(typed?, &|rest| at(&format!(".requests.{key}{rest}")), problems)
        };
        let (update, note, task) = (request("update", update), request("note", note), request("task", task));
        let auth = raw.auth.take().and_then(|auth| HttpAuth::of(auth, at, problems));
        let keyed = [("update", &update), ("note", &note), ("task", &task)];
        for (key, request) in keyed {
            let header = request.as_ref().and_then(|request| request.idempotency_header.as_ref());
            if let (Some(header), Some(auth)) = (header, &auth)
                && header.eq_ignore_ascii_case(&auth.header)
            {
                problems.error(at(&format!(".requests.{key}.idempotency-header")), "the secret goes into this header");
            }
        }
        let probe = trimmed(raw.probe.take());
        if let Some(probe) = &probe {
            check_url(probe, at(".probe"), problems);
        }
        Some(Self { auth, update: update?, note, task, probe })
    }
}

impl HttpAuth {
    fn of(typed: raw::CrmAuth, at: At<'_>, problems: &mut Problems) -> Option<Self> {
        let wants = "{ credential = \"name\" } or { file = \"/path\" }";
        let secret = problems.required(typed.secret, at(".auth.secret"), wants);
        let header = typed.header.map_or_else(|| HEADER.to_owned(), |header| header.0.0);
        let prefix = typed.prefix.unwrap_or_else(|| PREFIX.to_owned());
        if !is_visible(&prefix) {
            problems.error(at(".auth.prefix"), "holds characters that no header can carry");
        }
        Some(Self { header, prefix, secret: secret? })
    }
}

impl HttpRequest {
    fn of(typed: raw::CrmRequest, at: At<'_>, problems: &mut Problems) -> Option<Self> {
        let method = problems.required(typed.method, at(".method"), "\"POST\", \"PUT\" or \"PATCH\"");
        let url = problems.required(
            trimmed(typed.url),
            at(".url"),
            "an address, such as \"https://crm.example.com/leads/{{ record_id }}\"",
        );
        let body =
            problems.required(typed.body, at(".body"), "JSON with {{ … }}, such as '{ \"class\": {{ class }} }'");
        if let Some(url) = &url {
            check_url(url, at(".url"), problems);
            check_template(url, at(".url"), problems);
        }
        if let Some(body) = &body {
            check_template(body, at(".body"), problems);
        }
        let headers: Vec<(String, String)> = typed.headers.unwrap_or_default().into_iter().collect();
        for (name, value) in &headers {
            check_header(name, value, at(".headers"), problems);
        }
        let id = typed.id;
        if let Some(id) = id.as_ref().filter(|id| !is_pointer(id)) {
            problems.error(at(".id"), format!("{id:?} is no JSON pointer, such as \"/data/id\""));
        }
        let success = HttpSuccess::of(typed.success.unwrap_or_default(), at, problems);
        let idempotency_header = typed.idempotency_header.map(|header| header.0.0);
        if let Some(header) = &idempotency_header {
            check_header(header, "", at(".idempotency-header"), problems);
        }
        let method = match method? {
            raw::CrmMethod::Post => HttpMethod::Post,
            raw::CrmMethod::Put => HttpMethod::Put,
            raw::CrmMethod::Patch => HttpMethod::Patch,
        };
        Some(Self { method, url: url?, headers, body: body?, success, id, idempotency_header })
    }
}

impl HttpSuccess {
    fn of(typed: raw::CrmSuccess, at: At<'_>, problems: &mut Problems) -> Self {
        let status = typed.status.unwrap_or_default();
        if status.iter().any(|status| !(200..300).contains(status)) {
            problems.error(at(".success.status"), "200 to 299: all else is an error");
        }
        if let Some(pointer) = typed.pointer.as_ref().filter(|pointer| !is_pointer(pointer)) {
            problems.error(at(".success.pointer"), format!("{pointer:?} is no JSON pointer, such as \"/ok\""));
        }
        let holds = match (typed.pointer, typed.equals) {
            (Some(pointer), Some(value)) => Some((pointer, value)),
            (None, None) => None,
            (Some(_), None) => {
                problems.error(at(".success.equals"), "missing: what stands at the pointer if it worked");
                None
            }
            (None, Some(_)) => {
                problems.error(at(".success.pointer"), "missing: where that stands in the answer");
                None
            }
        };
        Self { status, holds }
    }
}

/// The scheme and the host are written out, and followed by a path: no `{{ … }}` may stand there.
fn check_url(url: &str, path: String, problems: &mut Problems) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let start = rest
        .find(['/', '{', '?', '#', '\\'])
        .map_or(url.len(), |host| url.len().saturating_sub(rest.len()).saturating_add(host));
    match url.split_at_checked(start) {
        Some((origin, after)) if after.is_empty() || after.starts_with('/') => match BaseUrl::read(origin) {
            Some(origin) => origin.check(path, "leads and the secret", problems),
            None => problems.error(path, format!("expected {}", BaseUrl::WHAT)),
        },
        _ => problems.error(path, "the host is written out and a / follows: no lead may choose where this goes"),
    }
}

fn check_template(template: &str, path: String, problems: &mut Problems) {
    if let Some(words) = template_trouble(template) {
        problems.error(path, words);
    }
}

fn check_header(name: &str, value: &str, path: String, problems: &mut Problems) {
    use crate::config::typed::HeaderName;
    if HeaderName::read(name).is_none() {
        problems.error(path, format!("{name:?} can't be the name of a header"));
    } else if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        problems.error(path, format!("{name} is set by the program; a secret goes into auth"));
    } else if !is_visible(value) {
        problems.error(path, format!("the value of {name} holds characters that no header can carry"));
    }
}

/// RFC 9110, clause 5.5, less what is obsolete.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

/// RFC 6901.
fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Vendor};

    const GOOD: &str = r#"
[crm.own]
kind = "http"
auth = { header = "X-Key", prefix = "", secret = { credential = "own" } }
probe = "https://crm.example.com/api/me"
[crm.own.requests.update]
method = "PATCH"
url = "https://crm.example.com/api/leads/{{ record_id }}"
headers = { "X-From" = "nightdesk" }
body = '{ "class": {{ class_value }} }'
"#;

    fn problems(text: &str) -> String {
        Config::parse(text).map_or_else(|problems| problems.to_string(), |_| String::new())
    }

    #[test]
    fn what_is_described_is_meant() {
        let config = Config::parse(GOOD).unwrap();
        let crm = &config.crm["own"];
        let Vendor::Http(http) = &crm.vendor else { panic!("{crm:?}") };
        assert!(!crm.note, "no notes without a request for them");
        assert_eq!((http.update.headers.len(), http.note.is_none()), (1, true));
        assert_eq!(config.secret_refs()[0].0, "crm.own.auth.secret");
        let noted = format!(
            "{GOOD}[crm.own.requests.note]\nmethod = \"POST\"\nurl = \"https://crm.example.com/\"\nbody = \"{{}}\""
        );
        assert!(Config::parse(&noted).unwrap().crm["own"].note);
        let silent = noted.replace("kind = \"http\"", "kind = \"http\"\nnote = false");
        assert!(!Config::parse(&silent).unwrap().crm["own"].note);
    }

    #[test]
    fn no_lead_chooses_the_host() {
        let told = "the host is written out";
        for (url, want) in [
            ("https://{{ name }}/x", told),
            ("https://crm.example.com{{ name }}/x", told),
            ("https://crm.example.com:{{ key }}/x", told),
            ("https://crm.example.com?x={{ key }}", told),
            ("https://crm.example.com#{{ key }}", told),
            ("https://crm.example.com\\\\{{ key }}", told),
            ("https://{{ name }}@crm.example.com/", told),
            ("https://u:p@crm.example.com/", "expected an address"),
            ("{{ name }}", "expected an address"),
            ("{% if name %}https://a.example/{% endif %}", "expected an address"),
            ("ftp://crm.example.com/", "expected an address"),
            ("http://crm.example.com/", "http only reaches this machine"),
            ("https://crm.example.com/{{ name", "(line 1 of the template)"),
        ] {
            let text = GOOD.replace("https://crm.example.com/api/leads/{{ record_id }}", url);
            let problems = problems(&text);
            assert!(problems.contains("requests.update.url: ") && problems.contains(want), "{url}: {problems}");
        }
        for url in ["http://127.0.0.1:8080/{{ key }}", "https://crm.example.com/?id={{ key }}", "https://[fd00::1]:1/"]
        {
            let text = GOOD.replace("https://crm.example.com/api/leads/{{ record_id }}", url);
            assert_eq!(problems(&text), "", "{url}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        for (name, from, to, want) in [
            ("no update", "[crm.own.requests.update]", "[crm.own.requests.note]", "requests.update: missing"),
            ("a task alone", "[crm.own.requests.update]", "[crm.own.requests.task]", "requests.task: of no use"),
            ("another method", "\"PATCH\"", "\"DELETE\"", "requests.update.method"),
            ("no method", "method = \"PATCH\"", "", "requests.update.method: missing"),
            ("no template", "{{ class_value }}", "{{ class_value }", "requests.update.body"),
            ("a header of ours", "\"X-From\"", "\"Authorization\"", "a secret goes into auth"),
            ("a header that is none", "\"X-From\"", "\"X From\"", "can't be the name of a header"),
            ("a header in two lines", "\"nightdesk\"", "\"a\\r\\nb\"", "no header can carry"),
            ("a prefix in two lines", "prefix = \"\"", "prefix = \"a\\n\"", "auth.prefix"),
            ("no secret", ", secret = { credential = \"own\" }", "", "auth.secret: missing"),
            ("a pointer that is none", "method", "id = \"id\"\nmethod", "requests.update.id"),
            ("an error as success", "method", "success = { status = [404] }\nmethod", "success.status"),
            ("half a check", "method", "success = { pointer = \"/ok\" }\nmethod", "success.equals: missing"),
            ("the other half", "method", "success = { equals = true }\nmethod", "success.pointer: missing"),
            (
                "a key in place of the secret",
                "method",
                "idempotency-header = \"x-key\"\nmethod",
                "the secret goes into",
            ),
            ("a key that is ours", "method", "idempotency-header = \"Content-Type\"\nmethod", "is set by the program"),
            ("records", "kind = \"http\"", "kind = \"http\"\nreconcile = \"web\"", "crm.own.reconcile"),
            ("another vendor's key", "kind = \"http\"", "kind = \"http\"\npath = \"/x\"", "crm.own.path: not for"),
            (
                "for another vendor",
                "kind = \"http\"",
                "kind = \"hubspot\"\ntoken = { file = \"/t\" }",
                "crm.own.requests: not for",
            ),
            (
                "read from",
                "[crm.own]",
                "[sources.app]\nkind = \"hubspot-app\"\nauth = { scheme = \"none\" }\ncrm = \"own\"\n[crm.own]",
                "sources.app.crm",
            ),
        ] {
            let problems = problems(&GOOD.replacen(from, to, 1));
            assert!(problems.contains(want), "{name}: {problems}");
        }
    }
}
