//! Canaries: texts to those on call that only test whether their phones are reached, before a lead needs them.
//!
//! Each person gets one now and then, in business hours; a delivery report or any text from that number ends it well, and
//! an alert tells of silence. It is a job like any other, made in one transaction with its row and its timer, so that it
//! goes out once whatever happens. One leg on the person's first channel: neither repeated nor handed on, never gathered,
//! and no call.

use std::time::Duration;

use crate::model::oncall::Person;
use crate::model::{Channel, ClaimState, Fault, Job, LeadId, NewJob, Priority, RowId, Task, Timestamp};
use crate::route;
use crate::store::{Canary, CanaryState, StoreError, Tx};

use super::Desk;
use super::step::Next;

/// One person is tested at a look, so that the tests of a team neither queue up nor come in one heap of answers.
const LOOK_EVERY: Duration = Duration::from_mins(5);
/// Somebody who was just written into the configuration is still trying things out.
const FIRST_AFTER: Duration = Duration::from_hours(24);
/// A bare OK after that is about something else.
const ANSWER_IS_ABOUT_IT: Duration = Duration::from_hours(24);
/// Alerts about phones are named by it and the person's key.
pub(super) const ALERTS: &str = "canary:";
/// The timer that judges a test.
const CHECK: &str = "canary_check";

/// When phones are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanarySettings {
    /// How often; `None`: only when an operator asks for it.
    pub every: Option<Duration>,
    /// How long a report or an answer may take.
    pub patience: Duration,
}

impl Default for CanarySettings {
    /// Nobody is tested unasked.
    fn default() -> Self {
        Self { every: None, patience: Duration::from_hours(1) }
    }
}

impl Desk {
    /// Tests the first person whose turn it is, if this is an hour for it.
    pub(super) fn sweep_canaries(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let Some(every) = self.settings.canary.every.filter(|_| now >= self.next_canary) else { return Ok(()) };
        self.next_canary = now.after(LOOK_EVERY);
        let on_call = &self.settings.route.on_call;
        for person in &on_call.people {
            let Some(last) = tx.last_canary(&person.key)? else {
                tx.know_person(person, now)?;
                continue;
            };
            let pause = if last.state == CanaryState::Known { FIRST_AFTER.min(every) } else { every };
            let is_due = last.at.after(pause) <= now && on_call.is_daytime(now) && !on_call.is_quiet(person, now);
            if is_due && !is_being_called(tx, person, now)? && self.fly(tx, person, now)?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tests the phone of the person with this key, whatever the hour: the test's id and channel, or why not.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn test(&self, tx: Tx<'_>, key: &str, now: Timestamp) -> Result<Result<(LeadId, Channel), String>, StoreError> {
        let Some(person) = self.settings.route.on_call.person(key) else {
            return Ok(Err(format!("{key:?} is nobody's key in the configuration that the desk runs with")));
        };
        let flown = self.fly(tx, person, now)?;
        Ok(flown.ok_or_else(|| "no channel for texts is configured".to_owned()))
    }

    /// The row, the text and the timer. `None`: nothing can text.
    fn fly(&self, tx: Tx<'_>, person: &Person, now: Timestamp) -> Result<Option<(LeadId, Channel)>, StoreError> {
        let (id, over_at) = (LeadId::fresh(now), now.after(self.settings.canary.patience));
        let lead_waits = !tx.claims_wanted_of(&person.name, now)?.is_empty();
        let Some(text) = route::canary(&self.settings.route, id, person, lead_waits, over_at, now) else {
            return Ok(None);
        };
        let channel = text.channel.clone();
        tracing::info!(test = %id, who = person.name, %channel, "a text tests whether the phone is reached");
        tx.add_canary(id, person, &channel, now)?;
        self.insert_one(tx, text, now)?;
        let deadline_at = over_at.after(self.settings.route.sms_give_up_after);
        let timer = NewJob::timer(id, Task::CanaryCheck {}, over_at, deadline_at);
        tx.insert_job(&NewJob { priority: Priority::Low, ..timer }, now)?;
        Ok(Some((id, channel)))
    }

    /// Tells the person that the answer came, once.
    pub(super) fn thank(&self, tx: Tx<'_>, test: LeadId, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        if tx.set_thanked(test, now)? { self.answer(tx, test, person, route::THANKS, now) } else { Ok(()) }
    }
}

/// The test has had its time, or its text is surely lost.
pub(super) fn over(tx: Tx<'_>, id: LeadId, now: Timestamp) -> Result<(), StoreError> {
    let Some(canary) = tx.canary(id)? else { return Ok(()) };
    // A newer test of the same phone tells more.
    if !tx.set_silent(id)? || !is_newest(tx, &canary)? {
        return Ok(());
    }
    let channel = canary.channel.as_ref().map_or("", Channel::name);
    let text = format!("{}'s phone was not reached by a test on {channel}: {}", canary.who, why(&canary));
    let cure = format!(
        "ask {0} whether the text came, check the number in [oncall] and how {channel} is (`nightdesk status`), then \
         `nightdesk oncall test {1}`",
        canary.who, canary.key
    );
    tx.alert(&alert_key(&canary.key), &text, &cure, now)
}

/// Somebody on call wrote: so that phone is reached. The test that a bare OK would answer, if there is one: a call that
/// came after it is what an OK is about.
pub(super) fn heard_of(tx: Tx<'_>, person: &Person, now: Timestamp) -> Result<Option<LeadId>, StoreError> {
    let Some(canary) = tx.last_canary(&person.key)?.filter(|canary| canary.text.is_some()) else { return Ok(None) };
    reached(tx, canary.id, now)?;
    // The cheapest question first: calls are counted over everything since the test.
    let is_about_it = canary.answered_at.is_none()
        && now.since(canary.at) < ANSWER_IS_ABOUT_IT
        && tx.claims_wanted_of(&person.name, now)?.is_empty()
        && tx.calls(&person.phone, canary.at, now)? == 0;
    Ok(is_about_it.then_some(canary.id))
}

/// Nothing but a bug in a test is worth a dead letter, and a test is never sent again: what became of it is judged by its
/// timer. Only what surely didn't happen is tried on.
pub(super) fn once(task: &Task, outcome: &str, next: Next) -> Next {
    match next {
        Next::GiveWay { .. } if task.is_test() => Next::Moot,
        Next::Dead if task.is_test() && outcome != Fault::Crash.name() => Next::Moot,
        next => next,
    }
}

/// The text of the test is surely lost: nobody needs to wait for it.
pub(super) fn hasten(tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<(), StoreError> {
    if job.task.is_test() { tx.hasten(job.lead, CHECK, now) } else { Ok(()) }
}

/// The phone has the text; if that was a test, it is passed.
pub(super) fn arrived(tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<(), StoreError> {
    if job.task.is_test() { reached(tx, job.lead, now) } else { Ok(()) }
}

fn reached(tx: Tx<'_>, id: LeadId, now: Timestamp) -> Result<(), StoreError> {
    let Some(canary) = tx.canary(id)? else { return Ok(()) };
    if !tx.set_reached(id)? {
        return Ok(());
    }
    tracing::info!(test = %id, who = canary.who, seconds = now.since(canary.at).as_secs(), "the phone is reached");
    tx.cancel_waiting(id, CHECK, None, "the phone was reached", now)?;
    if is_newest(tx, &canary)? { tx.clear_alert(&alert_key(&canary.key), now) } else { Ok(()) }
}

fn is_newest(tx: Tx<'_>, canary: &Canary) -> Result<bool, StoreError> {
    Ok(tx.last_canary(&canary.key)?.is_some_and(|last| last.id == canary.id))
}

/// Whether the person's phone is about to be called, or was, for a lead that nobody has taken yet.
fn is_being_called(tx: Tx<'_>, person: &Person, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.claims_wanted_of(&person.name, now)?.iter().any(|claim| claim.state == ClaimState::Open))
}

fn why(canary: &Canary) -> String {
    match (canary.text.as_deref(), &canary.failure) {
        (None, Some(why)) => format!("it could not be sent: {why}"),
        (None, None) => "it could not be sent in time".to_owned(),
        (Some("unknown"), _) => "nobody can tell whether it was sent, and there was no answer".to_owned(),
        (Some("failed"), Some(why)) => why.clone(),
        (Some(_), _) => "no delivery report and no answer".to_owned(),
    }
}

/// The name of the alert about a person's phone.
fn alert_key(key: &str) -> String {
    format!("{ALERTS}{key}")
}
