//! Listing what was sent: by number and by date, newest first, in pages.
//!
//! The keys are those of Twilio's published `OpenAPI` file; `DateSent>` and `DateSent<` are keys with the sign in their
//! name, so that the URL reads `DateSent>=2026-11-23`: from that day, or that second, on.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::http::{Answer, Seen};
use super::{Message, Twilio, error, error_body};

/// Every key the specification names.
const KEYS: [&str; 8] = ["DateSent", "DateSent<", "DateSent>", "From", "Page", "PageSize", "PageToken", "To"];

/// What Twilio gives without `PageSize`.
const PAGE_SIZE: usize = 50;

fn invalid(why: String) -> Answer {
    Answer::new(400, error_body(20001, 400, &why)).mistake(why)
}

/// The span of time a date filter names: a UTC day, or one second.
fn span(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Ok(day) = text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC)).map(|day| day.timestamp())
        && text.len() == "2026-11-23".len()
    {
        return Some((day, day.checked_add(24.hours()).ok()?));
    }
    let at = text.parse::<Timestamp>().ok()?;
    Some((at, at.checked_add(1.second()).ok()?))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Twilio {
    /// One page of the list.
    pub(super) fn list(&self, seen: &Seen) -> Answer {
        if let Some((key, _)) = seen.query.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return invalid(format!("unknown key '{key}' in the list's query"));
        }
        for key in ["DateSent", "DateSent<", "DateSent>"] {
            if seen.query(key).is_some_and(|text| span(text).is_none()) {
                return invalid(format!("{key} is no date"));
            }
        }
        let size = seen.query("PageSize").map_or(Ok(PAGE_SIZE), str::parse::<usize>);
        let page = seen.query("Page").map_or(Ok(0), str::parse::<usize>);
        let (Some(size), Ok(page)) = (size.ok().filter(|size| (1..=1000).contains(size)), page) else {
            return invalid("PageSize is not 1 to 1000, or Page is no number".into());
        };
        let hits: Vec<&Message> =
            self.messages.iter().rev().filter(|message| fits(message, !self.queueing, seen)).collect();
        let start = page.saturating_mul(size);
        let shown: Vec<Value> = hits
            .iter()
            .skip(start)
            .take(size)
            .map(|message| message.json(&self.account, self.status(message)))
            .collect();
        let filters: String = ["To", "From", "DateSent", "DateSent<", "DateSent>"]
            .into_iter()
            .filter_map(|key| seen.query(key).map(|value| format!("{}={}&", encoded(key), encoded(value))))
            .collect();
        let uri = |page: usize| {
            json!(format!("/2010-04-01/Accounts/{}/Messages.json?{filters}PageSize={size}&Page={page}", self.account))
        };
        let end = start.saturating_add(shown.len());
        Answer::new(
            200,
            json!({
                "page": page, "page_size": size, "start": start, "end": end.saturating_sub(1),
                "uri": uri(page), "first_page_uri": uri(0),
                "next_page_uri": if end < hits.len() { uri(page.saturating_add(1)) } else { Value::Null },
                "previous_page_uri": if page > 0 { uri(page.saturating_sub(1)) } else { Value::Null },
                "messages": shown,
            }),
        )
    }

    /// One message, by `/SM….json`: asked after, it moves on.
    pub(super) fn fetch(&mut self, rest: &str, seen: &Seen) -> Answer {
        if !seen.query.is_empty() {
            return invalid("one message takes no query".into());
        }
        let Some(sid) = rest.strip_prefix('/').and_then(|rest| rest.strip_suffix(".json")) else {
            return error(20404).mistake("no such resource");
        };
        let Some(message) = self.messages.iter().find(|message| message.sid == sid) else { return error(20404) };
        let answer = Answer::new(200, message.json(&self.account, self.status(message)));
        if let Some(message) = self.messages.iter_mut().find(|message| message.sid == sid) {
            message.asked = message.asked.saturating_add(1);
        }
        answer
    }
}

/// A message that was not sent yet has no date and is in no list by date.
fn fits(message: &Message, is_sent: bool, seen: &Seen) -> bool {
    let day = |key: &str| seen.query(key).and_then(span);
    let by_date = ["DateSent", "DateSent<", "DateSent>"].into_iter().any(|key| seen.query(key).is_some());
    (!by_date || is_sent)
        && seen.query("To").is_none_or(|to| message.to == to)
        && seen.query("From").is_none_or(|from| message.from.as_deref() == Some(from))
        && day("DateSent").is_none_or(|(from, until)| from <= message.at && message.at < until)
        && day("DateSent>").is_none_or(|(from, _)| from <= message.at)
        && day("DateSent<").is_none_or(|(_, until)| message.at < until)
}
