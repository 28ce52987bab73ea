//! The page on which whoever got a mail of ours says that it was the last one: `/u/TOKEN`.
//!
//! `request` looks here before it looks for a source. A GET only shows a button: programs that look for bad links follow
//! every link of a mail (RFC 8058, clause 1), so only a POST may change something. It comes from the button, or from a
//! mail program that has one of its own (clause 3.2); what is in it doesn't matter, because the token says it all. A token
//! that isn't ours is a place that isn't there. Nobody is asked to sign in, and a page never shows an address.
//!
//! The page may do nothing but be looked at and be sent back: no scripts, nothing from elsewhere (CSP level 3).

use std::sync::Arc;

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::Intake;
use super::answer::{Answer, come_again};
use super::quota::{Budget, seconds};
use crate::model::{AddressHash, Addresses, Suppressed, Timestamp, html_text};
use crate::store::{Command, Writer};

/// Where the pages are.
pub(super) const PLACE: &str = "/u/";
/// What a mail program posts has some hundred bytes.
pub(super) const MOST_BODY_BYTES: usize = 8 * 1024;
/// As many as a source may post. Who unsubscribes does it once; this is for whoever lets a program do it.
const MAX_PER_MINUTE: u32 = 600;
const MAX_IN_FLIGHT: usize = 32;
/// What forms are sent as (RFC 8058, clause 3.2).
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];
/// Its hash is in [`GUARDS`], which a test compares.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.125rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1.5rem}\
button{font:inherit;padding:.5rem 1.25rem}";
/// The page stays with whoever looks at it, and does nothing.
const GUARDS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'sha256-YgV/ClLM16jENGgs0Y90ILpFuVUdmdEQidrsnjtrRpE='; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
];

/// What the page needs.
pub struct Unsubscribe {
    /// Who knows whose page a token is.
    pub addresses: Arc<dyn Addresses>,
    /// From whom no mail comes any more; completes "no more mail from …".
    pub business: String,
}

/// The page, ready to be shown.
pub(super) struct Door {
    addresses: Arc<dyn Addresses>,
    pub(super) budget: Budget,
    ask: Page,
    done: Page,
    later: Page,
}

/// A page for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    status: StatusCode,
    html: Arc<str>,
}

impl From<Unsubscribe> for Door {
    fn from(Unsubscribe { addresses, business }: Unsubscribe) -> Self {
        let name = html_text(&business);
        let ask = format!(
            "<h1>Unsubscribe</h1>\n<p>Press the button, and you will get no more mail from {name}.</p>\n\
             <form method=\"post\"><button name=\"List-Unsubscribe\" value=\"One-Click\">Unsubscribe</button></form>"
        );
        let done = format!("<h1>Unsubscribed</h1>\n<p>You will get no more mail from {name}.</p>");
        let later = "<h1>Not yet</h1>\n<p>This can't be stored at the moment. Please try again in a minute.</p>\n\
                     <form method=\"post\"><button name=\"List-Unsubscribe\" value=\"One-Click\">Try again</button></form>";
        Self {
            addresses,
            budget: Budget::of(MAX_PER_MINUTE, MAX_IN_FLIGHT),
            ask: Page::new(StatusCode::OK, &ask),
            done: Page::new(StatusCode::OK, &done),
            later: Page::new(StatusCode::SERVICE_UNAVAILABLE, later),
        }
    }
}

/// The page at a path, and whose it is.
pub(super) fn find<'i>(intake: &'i Intake, path: &str) -> Option<(&'i Door, AddressHash)> {
    let (door, token) = (intake.unsubscribe.as_ref()?, path.strip_prefix(PLACE)?);
    door.addresses.of_token(token).map(|owner| (door, owner))
}

impl Door {
    /// The answer to a request that changes nothing; `None` for one that does.
    pub(super) fn show(&self, head: &Parts) -> Option<Answer> {
        match head.method {
            Method::GET => Some(Answer::Page(self.ask.clone())),
            // hyper leaves the body of such an answer out in HTTP/1 only.
            Method::HEAD => Some(Answer::Page(Page { html: Arc::from(""), ..self.ask })),
            Method::POST => (!is_form(&head.headers)).then_some(Answer::WrongType),
            _ => Some(Answer::NotForPages),
        }
    }

    /// No mail goes to this owner any more: that is on disk when it is answered.
    pub(super) async fn unsubscribe(&self, writer: &Writer, owner: AddressHash) -> Answer {
        let _turn = match self.budget.admit(Instant::now()) {
            Ok(turn) => turn,
            Err(wait) => return Answer::TooMany { retry_after: seconds(wait) },
        };
        let wish = move |tx: crate::store::Tx<'_>| tx.suppress(owner, Suppressed::Unsubscribed, Timestamp::now());
        // A person's wish, and a hundred bytes: also while the disk is too full for new leads.
        match writer.run(Command::Outcome, wish).await {
            Ok(true) => info!(address_hash = %owner, "somebody unsubscribed"),
            Ok(false) => debug!(address_hash = %owner, "somebody unsubscribed again"),
            Err(error) => {
                warn!(address_hash = %owner, %error, "somebody unsubscribed, and it could not be stored");
                return Answer::Page(self.later.clone());
            }
        }
        Answer::Page(self.done.clone())
    }
}

/// Whether a body is what a form sends. One without a type has nothing in it that matters, as none has.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    FORMS.iter().any(|form| form.eq_ignore_ascii_case(kind))
}

impl Page {
    pub(super) const KIND: &str = "text/html; charset=utf-8";

    fn new(status: StatusCode, main: &str) -> Self {
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Unsubscribe</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
        );
        Self { status, html: html.into() }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn html(&self) -> &str {
        &self.html
    }

    /// Adds the headers that keep it to itself.
    pub(super) fn guard(&self, headers: &mut HeaderMap) {
        headers.extend(GUARDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            come_again(headers);
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[derive(Debug)]
    struct Nobody;

    impl Addresses for Nobody {
        fn hash(&self, _: &str) -> AddressHash {
            AddressHash::new([0; 16])
        }
        fn unsubscribe_url(&self, _: AddressHash) -> Option<String> {
            None
        }
        fn of_token(&self, _: &str) -> Option<AddressHash> {
            None
        }
    }

    #[test]
    fn the_style_is_the_only_thing_that_is_let_in() {
        let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE)));
        assert!(GUARDS[0].1.contains(&hash), "{hash}");
        let door = Door::from(Unsubscribe { addresses: Arc::new(Nobody), business: "Acme".into() });
        for page in [&door.ask, &door.done, &door.later] {
            let html = page.html();
            for never in ["<script", "src=", "href=", "url(", "action=", "http", "@import", " style="] {
                assert!(!html.contains(never), "{never} in {html}");
            }
            assert!(html.contains(&format!("<style>{STYLE}</style>")));
        }
    }

    #[test]
    fn the_business_is_a_name_and_no_markup() {
        let business = "Müller & <b>'Söhne'</b> \"GmbH\"".to_owned();
        let door = Door::from(Unsubscribe { addresses: Arc::new(Nobody), business });
        let want = "no more mail from Müller &amp; &lt;b&gt;&#39;Söhne&#39;&lt;/b&gt; &quot;GmbH&quot;.";
        for page in [&door.ask, &door.done] {
            assert!(page.html().contains(want), "{}", page.html());
        }
    }

    #[test]
    fn forms_of_any_kind() {
        for (kind, want) in [
            (None, true),
            (Some("application/x-www-form-urlencoded"), true),
            (Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"), true),
            (Some("multipart/form-data; boundary=---FormBoundary"), true),
            (Some("application/json"), false),
            (Some("text/plain"), false),
            (Some(""), false),
        ] {
            let kind = kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
            assert_eq!(is_form(&kind.into_iter().collect()), want);
        }
    }
}
