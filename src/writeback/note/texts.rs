//! What notes and tasks say of texts and rings: who was called, when it left and arrived, what nobody can know.

use super::{Clock, reason};
use crate::model::{Action, JobState, RingTask, SmsTask, Task};

/// A text that calls a person, and the job that sends it.
pub(super) type Called<'a> = (&'a Action, &'a SmsTask);

/// The texts that called somebody. What a person on call was answered is between the desk and that person.
pub(super) fn calls<'a>(actions: &'a [Action]) -> Vec<Called<'a>> {
    let text = |action: &'a Action| match &action.task {
        Task::Sms(sms) if !sms.is_answer => Some((action, sms)),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}

pub(super) fn text_line(action: &Action, sms: &SmsTask, texts: &[Called<'_>], clock: &Clock<'_>) -> String {
    let at = clock.tell(action.ended_at);
    let (who, channel, why) = (&sms.who, action.channel.short_name(), reason(action));
    let next = texts.iter().map(|(_, other)| *other).find(|other| other.thread == sms.thread && other.leg > sms.leg);
    let delivered = action.delivered_at.map(|at| format!(", delivered after {}", clock.took(at))).unwrap_or_default();
    match action.state {
        JobState::Done if sms.repeat => {
            format!("{at}SMS to {who} sent as a repeat ({channel}){delivered}: the first text may have arrived too.")
        }
        JobState::Done => {
            let sent = action.ended_at.map(|at| format!(" {} after it came in", clock.took(at))).unwrap_or_default();
            format!("{at}SMS to {who} sent ({channel}){sent}{delivered}.")
        }
        JobState::Dead | JobState::Cancelled if !delivered.is_empty() => {
            format!("{at}SMS to {who} given up ({channel}), but it has arrived{delivered}.")
        }
        JobState::Dead => format!("{at}SMS to {who} could not be sent ({channel}){why}."),
        JobState::Cancelled => match next {
            Some(next) if next.repeat => {
                format!("{at}SMS to {who} may have been sent, nobody can tell ({channel}){why}.")
            }
            Some(_) => format!("{at}SMS to {who} not sent ({channel}){why}; the next channel took over."),
            None => format!("{at}SMS to {who} cancelled ({channel}){why}."),
        },
        JobState::Unknown => format!("SMS to {who} may have been sent ({channel}), it is being looked up{why}."),
        JobState::Ready | JobState::Leased => {
            format!("SMS to {who} not sent yet ({channel}), it is still being tried{why}.")
        }
    }
}

/// A ring that was called off, or is still to come, is nobody's news.
pub(super) fn ring_line(action: &Action, ring: &RingTask, clock: &Clock<'_>) -> Option<String> {
    let (at, who, channel) = (clock.tell(action.ended_at), &ring.who, action.channel.short_name());
    if action.state != JobState::Done {
        return None;
    }
    Some(match action.reason.as_deref() {
        Some(how) if how.starts_with("called") => format!("{at}called {who} ({channel})."),
        Some(how) => match how.strip_prefix("rang ") {
            Some(time) => format!("{at}rang {who} for {time} ({channel})."),
            None => format!("{at}rang {who} ({channel}): {how}."),
        },
        None => format!("{at}rang {who} ({channel})."),
    })
}

/// A text in few words; `None` while it has not left.
pub(super) fn brief(action: &Action, sms: &SmsTask, clock: &Clock<'_>) -> Option<String> {
    let how = match (action.delivered_at, action.ended_at) {
        (Some(at), _) => format!("delivered after {}", clock.took(at)),
        (None, Some(at)) if action.state == JobState::Done => format!("sent after {}", clock.took(at)),
        (None, _) => return None,
    };
    Some(format!("{}SMS to {}, {how}", clock.tell(action.ended_at), sms.who))
}

/// Said last and only when it is so: texts were due, every one of them ended, and none went out.
pub(super) fn nobody_reached(texts: &[Called<'_>]) -> Option<&'static str> {
    let over = !texts.is_empty() && texts.iter().all(|(action, _)| !action.state.is_open());
    let none_sent = texts.iter().all(|(action, _)| action.state != JobState::Done && action.delivered_at.is_none());
    if !(over && none_sent) {
        return None;
    }
    Some("Nobody is known to have been reached by SMS: please take this lead now.")
}
