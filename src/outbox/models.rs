//! Which language model is asked: the first that can be, in the order of the configuration.
//!
//! Each model is a channel of its own, with its own breaker. A question that one doesn't answer becomes a job on the next
//! (a leg, like those of a text), and a question that waits for a model that can't be asked is drawn by one that can. A lap
//! is over when every model that can be asked was asked; the next begins after the ladder's pause, with the best one.
//! What it may cost is `money`'s business.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{
    Channel, ClassifiedBy, ClassifyTask, Failure, Fault, Job, JobState, NewJob, Task, Timestamp, Work, in_words,
};
use crate::store::{ChannelState, StoreError, Tx};

use super::Desk;
use super::channel::{self, Admission};
use super::money::{Budget, Purse};
use super::step::{Ask, Next};

/// The timer that tells a person of a lead without a label.
pub(super) const TIMER: &str = "classify_deadline";
/// No model answers reliably in less: a share of the deadline that is smaller helps nobody.
const LEAST_SHARE: Duration = Duration::from_secs(2);
/// So many of the questions that wait for a model are looked at in one go.
const LOOKED_AT: usize = 64;

/// The models, and what they may cost.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Their channels; the first is asked before all others.
    pub order: Vec<Channel>,
    /// The most that one try may cost, in millionths, of each that has a price.
    pub reserves: BTreeMap<Channel, u64>,
    /// What all of them may cost together.
    pub budget: Budget,
}

/// How a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// It can be asked.
    Free,
    /// It can be asked as soon as a question that is under way has ended.
    Busy,
    /// It is passed over: broken, parked, or there is no money for it. Until then, if that is known.
    Closed(Option<Timestamp>),
}

/// A model that is passed over: the word for it, why and who is asked instead, and until when.
pub type PassedOver = (&'static str, String, Option<Timestamp>);

/// What follows when a model gave no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequel {
    /// This one is asked at once, by its place in the order.
    AtOnce(usize),
    /// All were asked: after a pause it is this one's turn.
    NextLap(usize),
    /// None can be asked: it waits where it is.
    Wait,
    /// All have refused.
    Dead,
}

/// What follows when `from` gave no label because of `fault`. `can`: whether a model can be asked now.
fn after(
    order: &[Channel],
    task: &ClassifyTask,
    (from, fault): (&Channel, Fault),
    can: &dyn Fn(&Channel) -> bool,
) -> Sequel {
    let refuses = fault == Fault::Permanent;
    let has_refused = |model: &Channel| task.refused.contains(model) || (refuses && model == from);
    let mut left = order.iter().enumerate().filter(|(_, model)| !has_refused(model));
    let is_new = |model: &Channel| model != from && !task.tried.contains(model);
    if let Some((nth, _)) = left.clone().find(|(_, model)| is_new(model) && can(model)) {
        return Sequel::AtOnce(nth);
    }
    if let Some((nth, _)) = left.clone().find(|(_, model)| can(model)) {
        return Sequel::NextLap(nth);
    }
    match left.next() {
        None => Sequel::Dead,
        // Where it was refused it can't wait.
        Some((nth, _)) if refuses => Sequel::AtOnce(nth),
        Some(_) => Sequel::Wait,
    }
}

/// The task as the next model gets it.
fn leg(task: &ClassifyTask, from: &Channel, is_refused: bool, is_new_lap: bool) -> ClassifyTask {
    let mut next = task.clone();
    let told = if is_refused { &mut next.refused } else { &mut next.tried };
    if !told.contains(from) {
        told.push(from.clone());
    }
    if is_new_lap {
        next.lap = next.lap.saturating_add(1);
        next.tried.clear();
    }
    next
}

/// When a try must have ended: a model that is slow leaves the others their share of the time until `clock`, when a person
/// is told without a label. The last one has nobody to leave time to.
fn share(now: Timestamp, clock: Option<Timestamp>, models_left: usize, limit: Timestamp) -> Timestamp {
    let Some(clock) = clock.filter(|_| models_left > 1) else { return limit };
    let models_left = u32::try_from(models_left).unwrap_or(u32::MAX);
    let share = clock.since(now).checked_div(models_left).unwrap_or_default();
    if share < LEAST_SHARE { limit } else { now.after(share).min(limit) }
}

impl Desk {
    /// Who decided, seen from here: only the first of the order is no fallback.
    pub(super) fn decided_by(&self, model: &Channel, by: ClassifiedBy) -> ClassifiedBy {
        let order = &self.settings.models.order;
        let is_fallback = order.contains(model) && order.first() != Some(model);
        if by == ClassifiedBy::Llm && is_fallback { ClassifiedBy::LlmFallback } else { by }
    }

    /// How a model stands.
    pub(super) fn stand(&self, tx: Tx<'_>, model: &Channel, now: Timestamp) -> Result<Stand, StoreError> {
        let (busy, workers) = (self.busy_on(model), self.settings.channels.get(model).copied().unwrap_or(0));
        let broken_until = match channel::admission(tx.channel(model)?.as_ref(), now) {
            Admission::Nothing(until) => Some(Some(until)),
            Admission::Probe if busy > 0 => Some(None),
            Admission::Probe | Admission::All => None,
        };
        Ok(match (broken_until, self.purse(tx, model, now)?) {
            (broken, Purse::Empty(until)) => Stand::Closed(broken.flatten().max(Some(until))),
            (Some(until), Purse::Ready | Purse::Tied) => Stand::Closed(until),
            (None, Purse::Tied) => Stand::Busy,
            (None, Purse::Ready) if busy >= workers => Stand::Busy,
            (None, Purse::Ready) => Stand::Free,
        })
    }

    fn can_be_asked(&self, tx: Tx<'_>, model: &Channel, now: Timestamp) -> bool {
        !matches!(self.stand(tx, model, now), Ok(Stand::Closed(_)))
    }

    /// What follows a question that got no label, where there is more than one model to ask. `None`: there isn't.
    pub(super) fn after_model(
        &self,
        tx: Tx<'_>,
        work: &Work,
        failure: &Failure,
        now: Timestamp,
        jitter: f64,
    ) -> Result<Option<Next>, StoreError> {
        let order = &self.settings.models.order;
        let Task::Classify(task) = &work.job.task else { return Ok(None) };
        if order.len() < 2 || failure.fault == Fault::Crash || failure.final_everywhere {
            return Ok(None);
        }
        let from = &work.job.channel;
        let goes_on = match failure.fault {
            Fault::Transient | Fault::Unknown => {
                order.contains(from)
                    && channel::opens(tx, from, failure.fault, self.settings.breaker, now)?.is_none()
                    && self.can_be_asked(tx, from, now)
            }
            Fault::Throttled { .. } | Fault::Auth | Fault::Permanent | Fault::Crash => false,
        };
        let can = |model: &Channel| if model == from { goes_on } else { self.can_be_asked(tx, model, now) };
        let is_refused = failure.fault == Fault::Permanent;
        Ok(Some(match after(order, task, (from, failure.fault), &can) {
            Sequel::AtOnce(model) => Next::Ask(Ask { model, at: now, is_refused, is_new_lap: false }),
            Sequel::NextLap(model) => {
                let at = now.after(self.settings.waits.ladder.wait(task.lap.saturating_add(1), jitter));
                let ask = Next::Ask(Ask { model, at, is_refused, is_new_lap: true });
                if at > work.job.deadline_at { Next::Dead } else { ask }
            }
            Sequel::Wait => Next::Wait { at: now },
            Sequel::Dead => Next::Dead,
        }))
    }

    /// The words under which a question ends where it was, because another model is asked.
    pub(super) fn handed_on(&self, reason: &str, ask: Ask, now: Timestamp) -> String {
        let Some(to) = self.settings.models.order.get(ask.model) else { return reason.to_owned() };
        let when = if ask.at > now { format!("in {}", in_words(ask.at.since(now))) } else { "next".to_owned() };
        format!("{reason}; {to} is asked {when}")
    }

    /// Puts the question of a job that has ended to the next model.
    pub(super) fn ask_next(&self, tx: Tx<'_>, job: &Job, ask: Ask, now: Timestamp) -> Result<(), StoreError> {
        let Task::Classify(task) = &job.task else { return Ok(()) };
        let Some(channel) = self.settings.models.order.get(ask.model).cloned() else { return Ok(()) };
        let task = Task::Classify(leg(task, &job.channel, ask.is_refused, ask.is_new_lap));
        tracing::warn!(lead_id = %job.lead, from = %job.channel, to = %channel, at = %ask.at, "another model is asked");
        let (lead, priority, deadline_at) = (job.lead, job.priority, job.deadline_at);
        tx.insert_job(&NewJob { lead, task, channel, priority, due_at: ask.at, deadline_at }, now)?;
        // What may have brought the process down stays under suspicion, whichever model has it.
        if job.crashes > 0 { tx.beware(job.lead, job.task.kind()) } else { Ok(()) }
    }

    /// When a try of a model must have ended.
    pub(super) fn model_deadline(&self, tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<Timestamp, StoreError> {
        let limit = now.after(self.settings.limits.llm);
        let Task::Classify(task) = &job.task else { return Ok(limit) };
        let order = &self.settings.models.order;
        if order.len() < 2 {
            return Ok(limit);
        }
        let is_left = |model: &&Channel| {
            let asked = task.refused.contains(*model) || task.tried.contains(*model);
            **model == job.channel || (!asked && self.can_be_asked(tx, model, now))
        };
        Ok(share(now, tx.due_of(job.lead, TIMER)?, order.iter().filter(is_left).count(), limit))
    }

    /// Questions that wait for a model that can't be asked are put to one that can; where no money is left for any, a
    /// person is told at once.
    pub(super) fn pass_over(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let order = &self.settings.models.order;
        if order.len() < 2 && !self.is_capped() {
            return Ok(());
        }
        let mut stands = Vec::new();
        let mut waits = false;
        for model in order {
            let due = tx.next_due(model, &|_| Timestamp::from_millis(0))?;
            waits = waits || due.is_some_and(|due| due <= now);
        }
        if !waits {
            return Ok(());
        }
        for model in order {
            stands.push((model, self.stand(tx, model, now)?));
        }
        self.hasten_unpaid(tx, now)?;
        // Those that this lap hasn't asked come first.
        for is_new in [true, false] {
            for (to, _) in stands.iter().filter(|(_, stand)| *stand == Stand::Free) {
                let mut room = self.room_on(tx, to, now)?;
                for (from, stand) in stands.iter().filter(|(from, _)| from != to) {
                    let since = match stand {
                        Stand::Closed(_) => now,
                        Stand::Busy if is_new => now.before(self.patience()),
                        Stand::Busy | Stand::Free => continue,
                    };
                    room = room.saturating_sub(self.draw(tx, (from, to), since, is_new, room, now)?);
                }
            }
        }
        Ok(())
    }

    /// How long a question waits for a model whose workers are all busy before another takes it.
    fn patience(&self) -> Duration {
        let models = u32::try_from(self.settings.models.order.len()).unwrap_or(u32::MAX);
        self.settings.opening.deadline_after.checked_div(models).unwrap_or_default()
    }

    /// How many questions a model can be asked besides those that are under way.
    fn room_on(&self, tx: Tx<'_>, model: &Channel, now: Timestamp) -> Result<usize, StoreError> {
        let is_probe = channel::admission(tx.channel(model)?.as_ref(), now) == Admission::Probe;
        let workers = if is_probe { 1 } else { self.settings.channels.get(model).copied().unwrap_or(0) };
        Ok(workers.saturating_sub(self.busy_on(model)))
    }

    /// Puts up to `room` of the questions that have waited since `since` for one model to another. Returns how many.
    fn draw(
        &self,
        tx: Tx<'_>,
        (from, to): (&Channel, &Channel),
        since: Timestamp,
        is_new: bool,
        room: usize,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let Some(model) = self.settings.models.order.iter().position(|model| model == to) else { return Ok(0) };
        let mut drawn = 0_usize;
        for (job, is_begun) in tx.waiting_on(from, since, LOOKED_AT)? {
            let Task::Classify(task) = &job.task else { continue };
            let fits = !task.refused.contains(to) && task.tried.contains(to) != is_new;
            if drawn >= room || !fits {
                continue;
            }
            drawn = drawn.saturating_add(1);
            if is_new && !is_begun {
                tracing::warn!(lead_id = %job.lead, %from, %to, "another model is asked");
                tx.move_job(job.id, to)?;
                continue;
            }
            let pause = self.settings.waits.ladder.wait(task.lap.saturating_add(1), 1.0);
            let at = if is_new { now } else { now.after(pause) };
            let ask = Ask { model, at, is_refused: false, is_new_lap: !is_new };
            let words = self.handed_on(&format!("{from} can't be asked now"), ask, now);
            if tx.end_idle_job(job.id, JobState::Cancelled, &words, now)? {
                self.ask_next(tx, &job, ask, now)?;
            }
        }
        Ok(drawn)
    }

    /// When a model's waiting questions, the first of them due at `due`, may next be claimed by it or by another.
    pub(super) fn model_wakes(
        &self,
        tx: Tx<'_>,
        model: &Channel,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let stand = self.stand(tx, model, now)?;
        let own = match stand {
            // Due and not claimed in the ride just before: it waits for the suspect in flight.
            Stand::Free if due <= now && self.suspect.is_some() => None,
            Stand::Free => return Ok(Some(due)),
            Stand::Busy | Stand::Closed(None) => None,
            Stand::Closed(Some(until)) => Some(due.max(until)),
        };
        let mut soonest = own;
        let mut sooner = |at: Timestamp| soonest = Some(soonest.map_or(at, |other| other.min(at)));
        if self.settings.models.order.len() > 1 {
            for other in self.settings.models.order.iter().filter(|other| *other != model) {
                if let Stand::Closed(Some(until)) = self.stand(tx, other, now)? {
                    sooner(until.max(due));
                }
            }
            // One that becomes due on a closed model is drawn at once, one on a busy model after a while.
            let wait = if stand == Stand::Busy { self.patience() } else { Duration::ZERO };
            if let Some(at) = tx.due_after(model, now.before(wait))? {
                sooner(at.after(wait));
            }
        }
        Ok(soonest.filter(|at| *at > now))
    }

    /// The models that are passed over now.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn passed_over(&self, tx: Tx<'_>, now: Timestamp) -> Result<BTreeMap<Channel, PassedOver>, StoreError> {
        self.sum_up_anew();
        let order = &self.settings.models.order;
        let stand_in = order.iter().find(|model| self.can_be_asked(tx, model, now));
        let instead = stand_in.map_or_else(|| "no model is left".to_owned(), |to| format!("{to} is asked instead"));
        let mut found = BTreeMap::new();
        for model in order {
            let trouble = tx.channel(model)?;
            let is_broken = matches!(channel::admission(trouble.as_ref(), now), Admission::Nothing(_));
            let told = match (self.unpaid(tx, model, now)?, trouble.filter(|_| is_broken)) {
                (Some((words, until)), _) => ("unpaid", format!("{words}; {instead}"), Some(until)),
                (None, Some(row)) if order.len() > 1 => {
                    let word = if row.state == ChannelState::Parked { "parked" } else { "open" };
                    (word, format!("{}; {instead}", row.reason), Some(row.until))
                }
                (None, _) => continue,
            };
            found.insert(model.clone(), told);
        }
        Ok(found)
    }
}

#[cfg(test)]
pub(super) mod tests;
