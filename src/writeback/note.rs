//! The words of notes and tasks: what the desk did with a lead, told to a salesperson. Pure; called by the CRM vendors' files.
//!
//! Plain sentences in local time, honest about what failed and what nobody can know (a text that may have arrived
//! twice). Nothing of the lead's message is in it. Whatever is in it is escaped before it becomes HTML, because a CRM
//! renders notes as HTML (<https://developers.hubspot.com/docs/api/crm/notes>).

mod texts;

use jiff::tz::TimeZone;

use crate::model::{
    Action, ClassifiedBy, CrmNews, CrmTask, CrmUpdate, JobState, Lead, Task, Timestamp, html_text, in_words,
};

use texts::{Called, brief, calls, nobody_reached, ring_line, text_line};

/// A reason is cut here: a note is read on a phone, the whole story is in `nightdesk leads show`.
const MAX_REASON_CHARS: usize = 200;

/// More lines of actions than this are folded: while all channels are down, legs come round again for an hour.
const MAX_ACTION_LINES: usize = 12;

/// Second notes tell of so many texts, the last ones: the others are in the first note.
const MAX_TEXTS_OF_NEWS: usize = 6;

/// A headline is cut here.
const MAX_SUBJECT_CHARS: usize = 200;

/// The note as plain lines, headline first. `actions` are oldest first; the note itself is not told of.
#[must_use]
pub fn lines(lead: &Lead, actions: &[Action], zone: &TimeZone) -> Vec<String> {
    let clock = Clock::of(lead, zone);
    let texts = calls(actions);
    let is_silent =
        texts.is_empty() && !actions.iter().any(|action| matches!(action.task, Task::Mail(_) | Task::Ticket(_)));
    let mut told: Vec<String> = actions
        .iter()
        .filter_map(|action| match &action.task {
            Task::Sms(sms) if sms.is_answer => None,
            Task::Sms(sms) => Some(text_line(action, sms, &texts, &clock)),
            Task::Ring(ring) => ring_line(action, ring, &clock),
            Task::Mail(mail) => Some(mail_line(action, mail.repeat, &clock)),
            Task::Ticket(_) => Some(ticket_line(action, &clock)),
            Task::CrmUpdate(update) => Some(update_line(action, update, is_silent, &clock)),
            Task::CrmTask(_) => task_line(action, &clock),
            Task::Classify { .. }
            | Task::ClassifyDeadline {}
            | Task::CrmRead(_)
            | Task::Reconcile(_)
            | Task::SmsFailover { .. }
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {}
            | Task::CrmNote(_) => None,
        })
        .collect();
    fold(&mut told);
    let mut lines = headline(lead, &texts, &clock);
    lines.append(&mut told);
    lines.extend(nobody_reached(&texts).map(str::to_owned));
    lines
}

/// A note that tells only what happened after the first one.
#[must_use]
pub fn news_lines(lead: &Lead, news: &CrmNews, actions: &[Action], zone: &TimeZone) -> Vec<String> {
    let clock = Clock::of(lead, zone);
    let mut told: Vec<String> = Vec::new();
    if news.after_texts {
        let calls = calls(actions);
        let skipped = calls.len().saturating_sub(MAX_TEXTS_OF_NEWS);
        told.extend(calls.into_iter().skip(skipped).filter_map(|(action, sms)| brief(action, sms, &clock)));
    }
    told.push(format!("{}{}", clock.tell(Some(news.at)), news.words));
    vec![format!("nightdesk: {}.", told.join("; "))]
}

/// A task as plain lines: what is to be done, since when the prospect waits, and who was called.
#[must_use]
pub fn task_lines(lead: &Lead, task: &CrmTask, actions: &[Action], zone: &TimeZone) -> Vec<String> {
    let clock = Clock::of(lead, zone);
    let texts = calls(actions);
    let mut told = texts.iter().map(|(action, sms)| text_line(action, sms, &texts, &clock)).collect();
    fold(&mut told);
    let since = clock.tell(Some(lead.received_at));
    let mut lines =
        vec![format!("nightdesk: {}.", task.words), format!("The prospect waits since {}.", since.trim_end())];
    lines.append(&mut told);
    lines
}

/// A headline of one line. Whether a CRM takes it for HTML is its own business: nothing in it can begin a tag.
#[must_use]
pub fn headline_of(task: &CrmTask) -> String {
    let plain = task.subject.chars().map(|c| if c.is_control() || matches!(c, '<' | '>') { ' ' } else { c });
    plain.take(MAX_SUBJECT_CHARS).collect()
}

/// The lines as the HTML of a note, with our marker as the last line so that a look-up can find it.
#[must_use]
pub fn html(lines: &[String], key: &str) -> String {
    let mut body: String = lines.iter().flat_map(|line| [escaped(line), "<br>".to_owned()]).collect();
    body.push_str(&escaped(&marker(key)));
    body
}

/// The lines as plain text of at most `max_chars`, with our marker as the last line so that a look-up can find it.
#[must_use]
pub fn plain(lines: &[String], key: &str, max_chars: usize) -> String {
    let marker = marker(key);
    let room = max_chars.saturating_sub(marker.chars().count());
    let line = |line: &String| {
        let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        plain.chain(std::iter::once('\n')).collect::<String>()
    };
    let body: String = lines.iter().map(line).collect();
    if body.chars().count() <= room {
        return body + &marker;
    }
    let kept: String = body.chars().take(room.saturating_sub(2)).collect();
    format!("{kept}…\n{marker}")
}

/// What a look-up searches for: the effect's key under our name.
#[must_use]
pub fn marker(key: &str) -> String {
    format!("nightdesk:{key}")
}

/// Whether a note's body carries the marker of exactly this key (a later generation's key may begin with it).
#[must_use]
pub fn carries(body: &str, key: &str) -> bool {
    let marker = marker(key);
    body.match_indices(&marker).any(|(at, _)| {
        let rest = body.get(at.saturating_add(marker.len())..).unwrap_or_default();
        !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// A clock on the wall of the office; the date is told only when it isn't the day the lead came in.
struct Clock<'a> {
    zone: &'a TimeZone,
    began: Timestamp,
    day: Option<jiff::civil::Date>,
}

impl<'a> Clock<'a> {
    fn of(lead: &Lead, zone: &'a TimeZone) -> Self {
        Self { zone, began: lead.received_at, day: local(lead.received_at, zone).map(|at| at.date()) }
    }

    /// How long after the lead came in.
    fn took(&self, at: Timestamp) -> String {
        in_words(at.since(self.began))
    }

    fn tell(&self, at: Option<Timestamp>) -> String {
        let Some(at) = at.and_then(|at| local(at, self.zone)) else { return String::new() };
        let format = if self.day == Some(at.date()) { "%H:%M " } else { "%-d %b %H:%M " };
        at.strftime(format).to_string()
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok().map(|at| at.to_zoned(zone.clone()))
}

/// What the lead is, who said so, and whether a person was told of it before anybody knew.
fn headline(lead: &Lead, texts: &[Called<'_>], clock: &Clock<'_>) -> Vec<String> {
    let class = match (lead.label, lead.classified_by) {
        (Some(label), Some(by)) => format!("nightdesk: {label} ({}).", by_whom(by)),
        (Some(label), None) => format!("nightdesk: {label}."),
        (None, _) => "nightdesk: not classified.".to_owned(),
    };
    let provisional = lead.provisional_at.map(|_| {
        let told = texts.first().map(|(_, sms)| format!(": the text to {} was about an unclassified lead", sms.who));
        let later = if lead.label.is_some() { "; the class came later" } else { "" };
        let why = lead.unasked_why.as_deref();
        let begin =
            why.map_or_else(|| "No model answered in time".to_owned(), |why| format!("No model was asked, as {why}"));
        format!("{begin}{}{later}.", told.unwrap_or_default())
    });
    let found = lead.made_at.map(|_| {
        let at = clock.tell(Some(lead.received_at));
        format!("{at}found in the CRM, {} after it was made: its webhook never came.", found_after(lead))
    });
    std::iter::once(class).chain(found).chain(provisional).collect()
}

fn found_after(lead: &Lead) -> String {
    lead.age_when_found().map(in_words).unwrap_or_default()
}

const fn by_whom(by: ClassifiedBy) -> &'static str {
    match by {
        ClassifiedBy::Llm => "read by the language model",
        ClassifiedBy::LlmFallback => "read by the fallback language model",
        ClassifiedBy::Person => "set by a person",
    }
}

/// The follow-up mail: why there was none, too, because whoever reads this might write one.
fn mail_line(action: &Action, is_repeat: bool, clock: &Clock<'_>) -> String {
    let (at, why) = (clock.tell(action.ended_at), reason(action));
    match action.state {
        JobState::Done => format!("{at}follow-up mail sent."),
        JobState::Dead => format!("{at}the follow-up mail could not be sent{why}."),
        JobState::Cancelled if is_repeat => format!("{at}the follow-up mail may have been sent, nobody can tell{why}."),
        JobState::Cancelled => format!("{at}no follow-up mail{why}."),
        JobState::Unknown => format!("The follow-up mail may have been sent{why}."),
        JobState::Ready | JobState::Leased => format!("The follow-up mail is not sent yet{why}."),
    }
}

/// The case that the support team was handed, with its link.
fn ticket_line(action: &Action, clock: &Clock<'_>) -> String {
    let (at, channel, why) = (clock.tell(action.ended_at), action.channel.short_name(), reason(action));
    match action.state {
        // No full stop: it would become part of the link.
        JobState::Done => format!("{at}handed to support ({channel}){why}"),
        JobState::Dead => format!("{at}could not be handed to support ({channel}){why}: please do it by hand."),
        JobState::Cancelled => format!("{at}not handed to support ({channel}){why}."),
        JobState::Unknown | JobState::Ready | JobState::Leased => {
            format!("Not handed to support yet ({channel}), it is still being tried{why}.")
        }
    }
}

/// The task, once it has come to something.
fn task_line(action: &Action, clock: &Clock<'_>) -> Option<String> {
    let at = clock.tell(action.ended_at);
    match action.state {
        JobState::Done => Some(format!("{at}nobody had claimed the lead: a task was written.")),
        JobState::Dead => {
            Some(format!("{at}nobody had claimed the lead, and no task could be written{}.", reason(action)))
        }
        JobState::Cancelled | JobState::Unknown | JobState::Ready | JobState::Leased => None,
    }
}

fn update_line(action: &Action, update: &CrmUpdate, is_silent: bool, clock: &Clock<'_>) -> String {
    let at = clock.tell(action.ended_at);
    let why = reason(action);
    let is_owner = update.owner.is_some() && update.label.is_none();
    let silent = if is_silent && !is_owner { "; no message was sent" } else { "" };
    let (done, failed) = match update.priority {
        Some(true) => ("flagged top priority", "could not be flagged top priority"),
        Some(false) => ("priority flag taken back", "priority flag could not be taken back"),
        None if is_owner => ("whoever claimed it is the record's owner", "the record's owner could not be set"),
        None => ("CRM field updated", "CRM field could not be updated"),
    };
    match action.state {
        JobState::Done => format!("{at}{done}{silent}."),
        JobState::Dead => format!("{at}{failed}{why}{silent}."),
        JobState::Cancelled => format!("{at}CRM update cancelled{why}{silent}."),
        JobState::Unknown | JobState::Ready | JobState::Leased => {
            format!("CRM update not done yet, it is still being tried{why}{silent}.")
        }
    }
}

/// The last failure's words as a clause: one line, not too long, without its full stop.
fn reason(action: &Action) -> String {
    let Some(reason) = action.reason.as_deref() else { return String::new() };
    let words: Vec<&str> = reason.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.trim_end_matches(['.', ';', ',']);
    match line.char_indices().nth(MAX_REASON_CHARS) {
        Some((end, _)) => format!(": {}…", line.get(..end).unwrap_or_default()),
        None if line.is_empty() => String::new(),
        None => format!(": {line}"),
    }
}

/// Keeps the first and the last of too many lines.
fn fold(lines: &mut Vec<String>) {
    if lines.len() <= MAX_ACTION_LINES {
        return;
    }
    let head = MAX_ACTION_LINES / 2;
    let tail = lines.len().saturating_sub(MAX_ACTION_LINES.saturating_sub(head).saturating_sub(1));
    let left_out = tail.saturating_sub(head);
    lines.splice(head..tail, [format!("({left_out} more of the same.)")]);
}

/// A line as HTML, in which nothing but our own breaks begins another.
fn escaped(line: &str) -> String {
    html_text(&line.replace(char::is_control, " "))
}

#[cfg(test)]
mod tests;
