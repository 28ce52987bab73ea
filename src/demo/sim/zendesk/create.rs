//! Making a ticket: which keys are taken, what each may be, and what a key of a request does.
//!
//! Names and enumerations are those of `TicketCreateInput` in Zendesk's published `OpenAPI` file, and `requester` is of its
//! documentation of the Tickets resource; what an `Idempotency-Key` does is of its page "Ticketing, Introduction".

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::at;
use super::super::http::{Answer, Seen};
use super::{Ticket, Zendesk, invalid, mistake, refusal};

/// Every key of a ticket.
const TICKET: [&str; 33] = [
    "additional_collaborators",
    "assignee_email",
    "assignee_id",
    "attribute_value_ids",
    "brand_id",
    "collaborator_ids",
    "collaborators",
    "comment",
    "custom_fields",
    "custom_status_id",
    "due_at",
    "email_cc_ids",
    "email_ccs",
    "external_id",
    "follower_ids",
    "followers",
    "group_id",
    "macro_ids",
    "organization_id",
    "priority",
    "problem_id",
    "raw_subject",
    "recipient",
    "requester",
    "requester_id",
    "status",
    "subject",
    "submitter_id",
    "tags",
    "ticket_form_id",
    "type",
    "via",
    "via_followup_source_id",
];
const COMMENT: [&str; 5] = ["author_id", "body", "html_body", "public", "uploads"];
const REQUESTER: [&str; 3] = ["email", "locale_id", "name"];
/// Keys of a ticket that are one of these words.
const ENUMS: [(&str, &[&str]); 3] = [
    ("/priority", &["urgent", "high", "normal", "low"]),
    ("/status", &["new", "open", "pending", "hold", "solved", "closed"]),
    ("/type", &["problem", "incident", "question", "task"]),
];
/// The longest comment.
const MOST_BYTES: usize = 65_535;
/// The longest key of a request.
const MOST_KEY: usize = 255;

impl Zendesk {
    /// Takes a ticket, or tells what it told before under the same key.
    pub(super) fn create(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        let Some(key) = seen.header("idempotency-key") else { return self.take(seen) };
        if key.is_empty() || key.len() > MOST_KEY {
            return Err(mistake("an Idempotency-Key has 1 to 255 characters"));
        }
        let (lookup, answer) = match self.keys.get(key) {
            Some((body, answer)) if *body == seen.body => ("hit", answer.clone()),
            Some(_) => {
                let why = "a request with the same Idempotency-Key had other parameters";
                ("hit", refusal(400, "IdempotentRequestError", why).mistake(why))
            }
            None => {
                let answer = self.take(seen)?;
                self.keys.insert(key.to_owned(), (seen.body.clone(), answer.clone()));
                ("miss", answer)
            }
        };
        let headers = [answer.headers.clone(), vec![("x-idempotency-lookup", lookup.to_owned())]].concat();
        Ok(Answer { headers, ..answer })
    }

    fn take(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        if !seen.is_of_type("application/json") {
            return Err(mistake("the body is not declared as JSON"));
        }
        let body: Value = serde_json::from_str(&seen.body).map_err(|_| mistake("the body is no JSON"))?;
        object(&body, &["ticket"], "the body")?;
        let ticket = at(&body, "/ticket");
        object(ticket, &TICKET, "'ticket'")?;
        check_words(ticket)?;
        let (text, public) = comment(ticket)?;
        let requester = self.requester(at(ticket, "/requester"))?;
        let tags = tags(ticket)?;
        let word = |pointer: &str| at(ticket, pointer).as_str().map(str::to_owned);
        let made = Ticket {
            id: u64::try_from(self.tickets.len()).unwrap_or_default().saturating_add(1),
            subject: word("/subject")
                .filter(|subject| !subject.trim().is_empty())
                .ok_or_else(|| mistake("no 'subject'"))?,
            text,
            public,
            requester,
            external_id: word("/external_id"),
            priority: word("/priority"),
            tags,
            at: Timestamp::now(),
        };
        let answer = Answer::new(201, serde_json::json!({ "ticket": made.json(), "audit": { "ticket_id": made.id } }));
        let location = format!("/api/v2/tickets/{}.json", made.id);
        self.users.extend(made.requester.iter().map(|(name, email)| (email.to_lowercase(), name.clone())));
        self.tickets.push(made);
        Ok(Answer { headers: vec![("location", location)], ..answer })
    }

    /// Whose ticket it is. A bad address is the customer's mistake, a missing name is the client's.
    fn requester(&self, requester: &Value) -> Result<Option<(String, String)>, Answer> {
        if requester.is_null() {
            return Ok(None);
        }
        object(requester, &REQUESTER, "'requester'")?;
        let email = at(requester, "/email").as_str().ok_or_else(|| mistake("a requester has an 'email', a text"))?;
        let name = at(requester, "/name").as_str().filter(|name| !name.trim().is_empty());
        if !is_address(email) {
            return Err(invalid("requester", &format!("Requester: Email: {email} is not properly formatted")));
        }
        let known = email.to_lowercase();
        if self.suspended.contains(&known) {
            return Err(invalid("requester", &format!("Requester: {email} is suspended")));
        }
        let name = name.or_else(|| self.users.get(&known).map(String::as_str));
        let name = name.ok_or_else(|| {
            invalid("requester", "Requester: Name: is too short (minimum one character)")
                .mistake("a new requester has no name")
        })?;
        Ok(Some((name.to_owned(), email.to_owned())))
    }
}

/// An object with no keys but these.
fn object<'v>(value: &'v Value, keys: &[&str], what: &str) -> Result<&'v Map<String, Value>, Answer> {
    let object = value.as_object().ok_or_else(|| mistake(format!("{what} is no object")))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => Err(mistake(format!("unknown key '{unknown}' of {what}"))),
        None => Ok(object),
    }
}

/// What is a text is one, and what is one of a few words is one of them.
fn check_words(ticket: &Value) -> Result<(), Answer> {
    for text in ["/subject", "/external_id", "/recipient"] {
        if !at(ticket, text).is_string() && !at(ticket, text).is_null() {
            return Err(mistake(format!("{text} is a text")));
        }
    }
    for (pointer, words) in ENUMS {
        let value = at(ticket, pointer);
        if !value.is_null() && !value.as_str().is_some_and(|word| words.contains(&word)) {
            return Err(mistake(format!("{pointer} is one of {}", words.join(", "))));
        }
    }
    Ok(())
}

/// The text of the comment, and whether it is public.
fn comment(ticket: &Value) -> Result<(String, bool), Answer> {
    let comment = at(ticket, "/comment");
    object(comment, &COMMENT, "'comment'")?;
    let body = ["/body", "/html_body"].iter().find_map(|key| at(comment, key).as_str());
    let body = body.filter(|body| !body.trim().is_empty());
    let body = body.ok_or_else(|| invalid("base", "Description: cannot be blank").mistake("no 'comment.body'"))?;
    if body.len() > MOST_BYTES {
        return Err(invalid("base", "Description: is too long").mistake("'comment.body' is over 64 KiB"));
    }
    let public = at(comment, "/public");
    if !public.is_null() && !public.is_boolean() {
        return Err(mistake("'comment.public' is true or false"));
    }
    Ok((body.to_owned(), public.as_bool().unwrap_or(true)))
}

fn tags(ticket: &Value) -> Result<Vec<String>, Answer> {
    let Some(given) = ticket.get("tags") else { return Ok(Vec::new()) };
    let tags = given.as_array().ok_or_else(|| mistake("'tags' is a list"))?;
    let good = |tag: &Value| {
        let tag = tag.as_str().filter(|tag| !tag.is_empty() && !tag.chars().any(char::is_whitespace));
        tag.map(str::to_owned).ok_or_else(|| mistake("a tag is a text without spaces"))
    };
    tags.iter().map(good).collect()
}

/// Two parts around one `@`, the second with a dot, and nothing that only a quoted address may have.
fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.chars().all(plain)
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && domain.chars().all(host)
        })
}
