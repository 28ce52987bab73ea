//! Every answer the intake can give, as one table: status, headers, words.
//!
//! Success is a small JSON object; refusals are problem objects (RFC 9457) whose words are constants, so that nothing of
//! the database, the configuration or a panic can leave the building. Chosen by `request`; the senders' rules for
//! repeating (5xx and 429 yes, other 4xx no) decide which status a case has.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::unsubscribe::Page;
use crate::store::Received;

/// When to come again after a 503, in seconds: a full disk isn't emptied in one.
const COME_AGAIN_S: &str = "30";

/// What a sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Leads, duplicates or gate failures, one for each thing that the request tells of: on disk in any case.
    Stored(Vec<Received>),
    /// The same for a sender that looks at the words, not the status.
    Acknowledged { content_type: &'static str, body: &'static str },
    /// A page for a person.
    Page(Page),
    /// The body can't be read; kept all the same.
    Unreadable(Vec<Received>),
    /// The body ended early or its framing was wrong.
    Incomplete,
    /// Refused, without saying why.
    Unauthorized,
    /// The same, in the way that Twilio wants it.
    Forbidden,
    /// No such place.
    NotFound,
    /// Only POST.
    NotPost,
    /// Only what a browser does with a page.
    NotForPages,
    /// The request did not arrive in time.
    TooSlow,
    /// The body is larger than configured.
    TooLarge,
    /// Of a type that this source doesn't send.
    WrongType,
    /// Its source has sent too many; `Retry-After` in the source's own unit.
    TooMany { retry_after: u64 },
    /// It can't be stored now.
    Unavailable,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Stored(received) if received.iter().any(is_new) => StatusCode::ACCEPTED,
            Self::Stored(_) | Self::Acknowledged { .. } => StatusCode::OK,
            Self::Page(page) => page.status(),
            Self::Unreadable(_) | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotPost | Self::NotForPages => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What went wrong, in constant words; `None` when nothing did.
    fn detail(&self) -> Option<&'static str> {
        Some(match self {
            Self::Stored(_) | Self::Acknowledged { .. } | Self::Page(_) => return None,
            Self::Unreadable(_) => "The body can't be read as what this source sends.",
            Self::Incomplete => "The body is incomplete.",
            Self::Unauthorized | Self::Forbidden => "The request could not be authenticated.",
            Self::NotFound => "There is nothing here.",
            Self::NotPost => "Only POST is accepted here.",
            Self::NotForPages => "Only GET, HEAD and POST are accepted here.",
            Self::TooSlow => "The request took too long to arrive.",
            Self::TooLarge => "The body is too large.",
            Self::WrongType => "A body of this Content-Type or Content-Encoding is not accepted here.",
            Self::TooMany { .. } => "Too many requests; send it again later.",
            Self::Unavailable => "The request can't be stored at the moment; send it again later.",
        })
    }

    fn body(&self) -> String {
        match self {
            Self::Acknowledged { body, .. } => (*body).to_owned(),
            Self::Page(page) => page.html().to_owned(),
            Self::Stored(received) => match received.as_slice() {
                [one] => told(one).to_string(),
                all => json!({ "results": all.iter().map(told).collect::<Vec<Value>>() }).to_string(),
            },
            Self::Unreadable(_)
            | Self::Incomplete
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::NotPost
            | Self::NotForPages
            | Self::TooSlow
            | Self::TooLarge
            | Self::WrongType
            | Self::TooMany { .. }
            | Self::Unavailable => {
                let status = self.status();
                json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": self.detail() })
                    .to_string()
            }
        }
    }

    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body())));
        *response.status_mut() = self.status();
        let kind = match self {
            Self::Stored(_) => "application/json",
            Self::Acknowledged { content_type, .. } => content_type,
            Self::Page(_) => Page::KIND,
            _ => "application/problem+json",
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        match self {
            Self::NotPost => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
            Self::NotForPages => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"))),
            Self::Page(page) => page.guard(headers),
            Self::Unavailable => come_again(headers),
            Self::TooMany { retry_after } => drop(headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after))),
            _ => {}
        }
        response
    }
}

/// It can't be stored now, and may be soon.
pub(super) fn come_again(headers: &mut HeaderMap) {
    headers.insert(RETRY_AFTER, HeaderValue::from_static(COME_AGAIN_S));
}

const fn is_new(received: &Received) -> bool {
    matches!(received, Received::Accepted(_) | Received::Held(_))
}

fn told(received: &Received) -> Value {
    match received {
        Received::Accepted(lead) => json!({ "lead_id": lead }),
        Received::Duplicate(lead) => json!({ "duplicate_of": lead }),
        Received::Repeat(lead) => json!({ "repeat_of": lead }),
        Received::GateFailed(inbox) => json!({ "inbox_id": inbox }),
        Received::Ignored(inbox) => json!({ "ignored": inbox }),
        Received::Held(inbox) => json!({ "held": inbox }),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::model::{InboxId, LeadId, RowId, Timestamp};

    #[tokio::test]
    async fn each_answer_says_as_much_as_it_may() {
        let lead = LeadId::new(Timestamp::from_millis(0), [7; 10]);
        let inbox = InboxId::new(Timestamp::from_millis(0), [7; 10]);
        let id = "00000000-0000-7707-8707-070707070707";
        let problem = |title: &str, status: u16, detail: &str| {
            format!(r#"{{"detail":"{detail}","status":{status},"title":"{title}"}}"#)
        };
        for (answer, status, want, header) in [
            (Answer::Stored(vec![Received::Accepted(lead)]), 202, format!(r#"{{"lead_id":"{id}"}}"#), None),
            (Answer::Stored(vec![Received::Duplicate(lead)]), 200, format!(r#"{{"duplicate_of":"{id}"}}"#), None),
            (Answer::Stored(vec![Received::Repeat(lead)]), 200, format!(r#"{{"repeat_of":"{id}"}}"#), None),
            (Answer::Stored(vec![Received::GateFailed(inbox)]), 200, format!(r#"{{"inbox_id":"{id}"}}"#), None),
            (
                Answer::Unreadable(Vec::new()),
                400,
                problem("Bad Request", 400, "The body can't be read as what this source sends."),
                None,
            ),
            (Answer::Incomplete, 400, problem("Bad Request", 400, "The body is incomplete."), None),
            (Answer::Unauthorized, 401, problem("Unauthorized", 401, "The request could not be authenticated."), None),
            (Answer::Forbidden, 403, problem("Forbidden", 403, "The request could not be authenticated."), None),
            (Answer::NotFound, 404, problem("Not Found", 404, "There is nothing here."), None),
            (
                Answer::NotPost,
                405,
                problem("Method Not Allowed", 405, "Only POST is accepted here."),
                Some(("allow", "POST")),
            ),
            (
                Answer::NotForPages,
                405,
                problem("Method Not Allowed", 405, "Only GET, HEAD and POST are accepted here."),
                Some(("allow", "GET, HEAD, POST")),
            ),
            (Answer::TooSlow, 408, problem("Request Timeout", 408, "The request took too long to arrive."), None),
            (Answer::TooLarge, 413, problem("Payload Too Large", 413, "The body is too large."), None),
            (
                Answer::WrongType,
                415,
                problem(
                    "Unsupported Media Type",
                    415,
                    "A body of this Content-Type or Content-Encoding is not accepted here.",
                ),
                None,
            ),
            (
                Answer::TooMany { retry_after: 1_500 },
                429,
                problem("Too Many Requests", 429, "Too many requests; send it again later."),
                Some(("retry-after", "1500")),
            ),
            (
                Answer::Unavailable,
                503,
                problem("Service Unavailable", 503, "The request can't be stored at the moment; send it again later."),
                Some(("retry-after", "30")),
            ),
        ] {
            let response = answer.response();
            assert_eq!(response.status().as_u16(), status, "{answer:?}");
            let kind = if status < 300 { "application/json" } else { "application/problem+json" };
            assert_eq!(response.headers()["content-type"], kind, "{answer:?}");
            for name in ["allow", "retry-after"] {
                let want = header.filter(|(known, _)| *known == name).map(|(_, value)| value);
                assert_eq!(response.headers().get(name).map(|value| value.to_str().unwrap()), want, "{answer:?}");
            }
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(std::str::from_utf8(&body).unwrap(), want, "{answer:?}");
        }
    }
}
