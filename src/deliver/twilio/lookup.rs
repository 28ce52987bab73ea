//! Finds a text whose outcome is unknown in Twilio's list of messages. Called by the sender; sends nothing.
//!
//! A text is ours if it went to that number, has our words (they begin with the lead's code) and was made since the try
//! began. `DateSent>` is the name of a query parameter, its value a day in UTC. A text that still waits at Twilio has no
//! sending date and is in no list by date, so the newest messages of the number are read too before we say "absent".
//! A box without a clock battery may be hours ahead: the try's time is put on Twilio's clock by each answer's `Date`.
//! Source: <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Failure, Fault, Outcome, Report, SmsTask, Timestamp, Trace, Work};
use crate::wire::{self, Answer, Call};

use super::{Twilio, answer, encoded};

/// Clocks that are well differ by less, and Twilio's dates have no fractions of a second.
const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// 200 messages of 1,600 characters stay well below what we read of an answer.
const PAGE_SIZE: &str = "200";
/// A thousand texts to one person in a day or two: more is no on-call number, and then we can't tell.
const MAX_PAGES: usize = 5;
/// Twilio puts this before every text of a trial account.
const TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";

/// What a list came to: `None` is "not in it"; and the trace of the page that decided.
type Searched = (Option<Outcome>, Trace);

impl Twilio {
    /// Whether the try that began at `since` reached Twilio, and what became of it.
    pub(super) async fn look_up(&self, sms: &SmsTask, since: Timestamp, work: &Work) -> Report {
        let day = since.before(CLOCK_SKEW).to_string().chars().take(10).collect::<String>();
        let by_date = encoded(&[("To", sms.to.as_str()), ("DateSent>", &day), ("PageSize", PAGE_SIZE)]);
        let newest = encoded(&[("To", sms.to.as_str()), ("PageSize", PAGE_SIZE)]);
        let mut last = Trace::default();
        for (query, pages) in [(by_date, MAX_PAGES), (newest, 1)] {
            match self.search(&query, pages, &sms.text, since, work).await {
                (Some(outcome), trace) => return Report::traced(outcome, trace),
                (None, trace) => last = trace,
            }
        }
        Report::traced(Outcome::Absent, last)
    }

    /// Reads at most `pages` pages of a list.
    async fn search(&self, query: &str, pages: usize, text: &str, since: Timestamp, work: &Work) -> Searched {
        let mut url = self.account_url(&format!("/Messages.json?{query}"));
        let mut nth = 1;
        loop {
            let (got, trace) = self.exchange(&self.signed(Call::get(url)), work).await;
            let read = got.map_err(|error| Outcome::Failed(error.failure("Twilio's list of messages")));
            let page = read.and_then(|answer| Ok((page_of(&answer)?, wire::answered_at(&answer))));
            let (body, theirs) = match page {
                Ok(page) => page,
                Err(outcome) => return (Some(outcome), trace),
            };
            let made_after = on_their_clock(since, Timestamp::now(), theirs);
            if let Some(outcome) = find(&body, text, made_after) {
                return (Some(outcome), trace);
            }
            match body.get("next_page_uri").and_then(Value::as_str) {
                // Only ever a path: our credentials go to no host but the configured one.
                Some(next) if next.starts_with('/') && nth < pages => url = self.absolute(next),
                // The list by date must be read to its end before it can say no.
                Some(_) if pages > 1 => return (Some(Outcome::Unsure), trace),
                Some(_) | None => return (None, trace),
            }
            nth = nth.saturating_add(1);
        }
    }

    fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.settings.base_url)
    }
}

/// The earliest that Twilio can have made a text of a try that began at `since`: if its clock says `theirs` while ours
/// says `now`, ours is ahead by so much; a try in the future began before ours was set back.
pub(super) fn on_their_clock(since: Timestamp, now: Timestamp, theirs: Option<Timestamp>) -> Timestamp {
    let ahead = theirs.map_or(Duration::ZERO, |theirs| now.since(theirs));
    since.min(now).before(ahead).before(CLOCK_SKEW)
}

/// The page in an answer, or what the look-up comes to without it. A list that will always be refused can't tell.
fn page_of(answer: &Answer) -> Result<Value, Outcome> {
    if !answer.is_success() {
        let failure = answer::refused(answer, true, Timestamp::now());
        return Err(if failure.fault == Fault::Permanent { Outcome::Unsure } else { Outcome::Failed(failure) });
    }
    let page = answer.json().filter(|body| !answer.truncated && body.get("messages").is_some_and(Value::is_array));
    page.ok_or_else(|| {
        let said = answer::excerpt(&answer.body);
        let reason = format!("Twilio answered {} without a list: {said}", answer.status);
        Outcome::Failed(Failure::new(Fault::Transient, reason))
    })
}

/// The text in one page. One that is on its way counts more than one that failed.
pub(super) fn find(page: &Value, text: &str, made_after: Timestamp) -> Option<Outcome> {
    let messages = page.get("messages")?.as_array()?;
    let ours: Vec<&Value> = messages.iter().filter(|message| is_ours(message, text, made_after)).collect();
    let best = ours.iter().find(|message| !answer::has_failed(message)).or(ours.first())?;
    answer::of_message(best, text)
}

fn is_ours(message: &Value, text: &str, made_after: Timestamp) -> bool {
    let body = message.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = body.strip_prefix(TRIAL_PREFIX).unwrap_or(body);
    let date = |key| message.get(key).and_then(Value::as_str).and_then(rfc_2822);
    // Without a readable date the words decide: they carry the lead's code.
    let made = date("date_created").or_else(|| date("date_sent"));
    letters(body).eq(letters(text)) && made.is_none_or(|made| made >= made_after)
}

/// Letters and digits only: a messaging service may have exchanged quotes, dashes and spaces ("smart encoding").
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric())
}

fn rfc_2822(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}
