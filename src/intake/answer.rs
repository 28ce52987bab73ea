//! Every answer the intake can give, as one table: status, headers, words.
//!
//! Success is a small JSON object; refusals are problem objects (RFC 9457) whose words are constants, so that nothing of
//! the database, the configuration or a panic can leave the building. Chosen by `request`; the senders' rules for
//! repeating (5xx and 429 yes, other 4xx no) decide which status a case has.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::store::Received;

/// When to come again after a 503, in seconds: a full disk isn't emptied in one.
const COME_AGAIN_S: &str = "30";

/// What a sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A new lead, a duplicate or a gate failure: on disk in any case.
    Stored(Received),
    /// The body can't be parsed; kept all the same.
    NotJson,
    /// The body ended early or its framing was wrong.
    Incomplete,
    /// Refused, without saying why.
    Unauthorized,
    /// No such place.
    NotFound,
    /// Only POST.
    NotPost,
    /// The request did not arrive in time.
    TooSlow,
    /// The body is larger than configured.
    TooLarge,
    /// Neither JSON nor nothing.
    NotJsonType,
    /// Its source has sent too many; `Retry-After` in the source's own unit.
    TooMany { retry_after: u64 },
    /// It can't be stored now.
    Unavailable,
}

impl Answer {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Stored(Received::Accepted(_)) => StatusCode::ACCEPTED,
            Self::Stored(Received::Duplicate(_) | Received::Repeat(_) | Received::GateFailed(_)) => StatusCode::OK,
            Self::NotJson | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJsonType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What went wrong, in constant words; `None` when nothing did.
    fn detail(self) -> Option<&'static str> {
        Some(match self {
            Self::Stored(_) => return None,
            Self::NotJson => "The body is not one JSON document.",
            Self::Incomplete => "The body is incomplete.",
            Self::Unauthorized => "The request could not be authenticated.",
            Self::NotFound => "There is nothing here.",
            Self::NotPost => "Only POST is accepted here.",
            Self::TooSlow => "The request took too long to arrive.",
            Self::TooLarge => "The body is too large.",
            Self::NotJsonType => "Only application/json without a content encoding is accepted here.",
            Self::TooMany { .. } => "Too many requests; send it again later.",
            Self::Unavailable => "The request can't be stored at the moment; send it again later.",
        })
    }

    fn body(self) -> Value {
        let Self::Stored(received) = self else {
            let status = self.status();
            return json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": self.detail() });
        };
        match received {
            Received::Accepted(lead) => json!({ "lead_id": lead }),
            Received::Duplicate(lead) => json!({ "duplicate_of": lead }),
            Received::Repeat(lead) => json!({ "repeat_of": lead }),
            Received::GateFailed(inbox) => json!({ "inbox_id": inbox }),
        }
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body().to_string())));
        *response.status_mut() = self.status();
        let kind = if self.detail().is_some() { "application/problem+json" } else { "application/json" };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self == Self::NotPost {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if self == Self::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(COME_AGAIN_S));
        }
        if let Self::TooMany { retry_after } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after));
        }
        response
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
            (Answer::Stored(Received::Accepted(lead)), 202, format!(r#"{{"lead_id":"{id}"}}"#), None),
            (Answer::Stored(Received::Duplicate(lead)), 200, format!(r#"{{"duplicate_of":"{id}"}}"#), None),
            (Answer::Stored(Received::Repeat(lead)), 200, format!(r#"{{"repeat_of":"{id}"}}"#), None),
            (Answer::Stored(Received::GateFailed(inbox)), 200, format!(r#"{{"inbox_id":"{id}"}}"#), None),
            (Answer::NotJson, 400, problem("Bad Request", 400, "The body is not one JSON document."), None),
            (Answer::Incomplete, 400, problem("Bad Request", 400, "The body is incomplete."), None),
            (Answer::Unauthorized, 401, problem("Unauthorized", 401, "The request could not be authenticated."), None),
            (Answer::NotFound, 404, problem("Not Found", 404, "There is nothing here."), None),
            (
                Answer::NotPost,
                405,
                problem("Method Not Allowed", 405, "Only POST is accepted here."),
                Some(("allow", "POST")),
            ),
            (Answer::TooSlow, 408, problem("Request Timeout", 408, "The request took too long to arrive."), None),
            (Answer::TooLarge, 413, problem("Payload Too Large", 413, "The body is too large."), None),
            (
                Answer::NotJsonType,
                415,
                problem(
                    "Unsupported Media Type",
                    415,
                    "Only application/json without a content encoding is accepted here.",
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
