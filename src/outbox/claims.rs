//! Claims: a person takes an urgent lead on, or the next one is called.
//!
//! Each step is one transaction: the claim's row, the timers it makes moot, the texts and the news for the CRM together, so
//! that a step is done once, whenever the power goes. The first commit that claims a lead has it; who comes later is told.
//! A number that nobody on call has is never obeyed and never answered.

use std::time::Duration;

use crate::model::oncall::{Mode, Person, Turn};
use crate::model::{
    Channel, Claim, ClaimState, CrmNews, Job, Lead, LeadCode, LeadId, NewJob, SmsTask, Task, Timestamp, in_words,
};
use crate::route::{self, Reply, Wish};
use crate::store::{StoreError, Tx};

use super::settle::usable;
use super::{Desk, canary};

/// The round and step of a timer whose chain has not begun.
const NOT_BEGUN: (u32, u32) = (0, 0);
/// Where a calendar has no hour in which people are called.
const ASK_AGAIN_AFTER: Duration = Duration::from_hours(24);
/// A desk that stood still for a while calls the next person all the same.
const TIMER_IS_KEPT: Duration = Duration::from_hours(30 * 24);
/// Explanations to one number in an hour: two machines that answer each other stop here.
const MOST_ANSWERS_AN_HOUR: u32 = 5;

impl Desk {
    /// Who is called for a lead at this hour, with its claim opened: the lead has the code that its texts will have.
    pub(super) fn first_called(
        &self,
        tx: Tx<'_>,
        lead: &mut Lead,
        now: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let route = &self.settings.route;
        if route.on_call.is_empty() || route.sms_channels.is_empty() {
            nobody_to_text(tx, lead, now)?;
            return Ok(None);
        }
        match route.on_call.mode(now) {
            Mode::Alert => self.begin(tx, lead, now),
            Mode::CrmOnly => {
                tracing::info!(lead_id = %lead.id, "nobody is called at this hour: the lead stands in the CRM");
                Ok(None)
            }
            Mode::Defer => {
                let due_at = route.on_call.resumes(now).unwrap_or(now.after(ASK_AGAIN_AFTER));
                tracing::info!(lead_id = %lead.id, until = %due_at, "nobody is called at this hour: the lead waits");
                tx.cancel_waiting(lead.id, "escalate", None, "the lead was deferred", now)?;
                tx.log_claim(lead.id, "deferred", None, Some(&format!("until {due_at}")), now)?;
                timer(tx, lead.id, NOT_BEGUN, due_at, now)?;
                Ok(None)
            }
        }
    }

    /// The chain begins. Where each of its steps means nobody, the lead waits for whoever claims it.
    fn begin(&self, tx: Tx<'_>, lead: &mut Lead, now: Timestamp) -> Result<Option<Person>, StoreError> {
        if let Some(turn) = self.next(tx, lead.id, 0, now)? {
            self.open_at(tx, lead, turn, now)?;
            return Ok(Some(turn.person.clone()));
        }
        let claim = tx.open_claim(lead.id, 0, None, now)?;
        lead.code = claim.code.clone();
        self.nobody_left(tx, &claim, now)?;
        Ok(None)
    }

    /// The next turn of the chain, from this step on. Steps that mean nobody are told of and not waited for.
    fn next(&self, tx: Tx<'_>, lead: LeadId, from: u32, now: Timestamp) -> Result<Option<Turn<'_>>, StoreError> {
        let next = self.settings.route.on_call.next(from, now, &tx.overrides(now)?);
        for why in &next.skipped {
            tracing::warn!(lead_id = %lead, why, "a step of the chain is skipped");
            tx.log_claim(lead, "skipped", None, Some(why), now)?;
        }
        Ok(next.turn)
    }

    /// The time of a step is over.
    pub(super) fn escalate(
        &self,
        tx: Tx<'_>,
        lead: LeadId,
        (round, step): (u32, u32),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match tx.claim_of(lead)? {
            Some(claim) if claim.state == ClaimState::Open && (claim.round, claim.step) == (round, step) => {
                self.call_next(tx, &claim, now)
            }
            // Somebody may have been called otherwise in the meantime.
            Some(Claim { state: ClaimState::Open | ClaimState::Claimed, .. }) => Ok(()),
            _ if (round, step) == NOT_BEGUN => {
                let mut lead = tx.lead(lead)?.ok_or(StoreError::Orphaned(lead))?;
                match self.first_called(tx, &mut lead, now)? {
                    Some(person) => self.call(tx, &lead, &person, None, now),
                    None => Ok(()),
                }
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A timer is dead. Where people were to be called by it, nothing else would: the chain is at its end.
    pub(super) fn timer_died(&self, tx: Tx<'_>, timer: &Job, now: Timestamp) -> Result<(), StoreError> {
        match &timer.task {
            Task::Escalate { .. } if crate::failpoint::removed("dead-timer") => Ok(()),
            Task::Escalate { round, step } => match tx.claim_of(timer.lead)? {
                Some(claim) if claim.state == ClaimState::Open && (claim.round, claim.step) == (*round, *step) => {
                    self.nobody_left(tx, &claim, now)
                }
                None => self.nobody_left(tx, &tx.open_claim(timer.lead, 0, None, now)?, now),
                Some(_) => Ok(()),
            },
            Task::Digest { who, .. } => Self::digest_died(tx, who, now),
            Task::Classify { .. }
            | Task::ClassifyDeadline {}
            | Task::CrmRead(_)
            | Task::Reconcile(_)
            | Task::Sms(_)
            | Task::SmsFailover { .. }
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::CanaryCheck {}
            | Task::Mail(_)
            | Task::Ticket(_)
            | Task::CrmUpdate(_)
            | Task::CrmNote(_)
            | Task::CrmTask(_) => Ok(()),
        }
    }

    /// Calls the next person of the chain, or says that nobody is left.
    fn call_next(&self, tx: Tx<'_>, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        let Some(turn) = self.next(tx, claim.lead, claim.step.saturating_add(1), now)? else {
            return self.nobody_left(tx, claim, now);
        };
        if !tx.call_next(claim, turn.step, &turn.person.name, now)? {
            return Ok(());
        }
        let lead = tx.lead(claim.lead)?.ok_or(StoreError::Orphaned(claim.lead))?;
        tracing::warn!(lead_id = %lead.id, code = %claim.code, from = claim.called, to = turn.person.name, step = turn.step,
            "the next person is called");
        tx.cancel_waiting(lead.id, "ring", None, "its step is over", now)?;
        self.wait_for(tx, claim, turn, now)?;
        let silent = tx.unreported_channel(lead.id)?;
        self.call(tx, &lead, turn.person, silent.as_ref(), now)
    }

    /// Texts somebody; by another channel than `avoid`, if there is one.
    fn call(
        &self,
        tx: Tx<'_>,
        lead: &Lead,
        person: &Person,
        avoid: Option<&Channel>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let job = route::call(&self.settings.route, lead, person, avoid, &usable(tx, now), now);
        self.insert(tx, job.into_iter().collect(), now)
    }

    fn nobody_left(&self, tx: Tx<'_>, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        if !tx.end_claim(claim.lead, ClaimState::Unanswered, now)? {
            return Ok(());
        }
        tx.cancel_waiting(claim.lead, "ring", None, "its step is over", now)?;
        tx.alert(
            &unclaimed(claim.lead),
            &format!("nobody has claimed the urgent lead {}", claim.code),
            &format!("call the prospect (`nightdesk leads show {0}`), or answer {0} to its text", claim.code),
            now,
        )?;
        let lead = tx.lead(claim.lead)?.ok_or(StoreError::Orphaned(claim.lead))?;
        self.insert(tx, route::urge(&self.settings.route, &lead, now).into_iter().collect(), now)
    }

    /// A text came in: if somebody on call wrote it, it is obeyed.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn heard(&self, tx: Tx<'_>, number: &str, text: &str, now: Timestamp) -> Result<(), StoreError> {
        let Some(person) = self.settings.route.on_call.whose(number) else {
            tracing::info!(number, "the text is from nobody on call: it is kept, and not answered");
            return Ok(());
        };
        let asked = canary::heard_of(tx, person, now)?;
        let Reply { codes, wish } = route::read(text);
        if let (Wish::Claim, true, Some(test)) = (wish, codes.is_empty(), asked) {
            return self.thank(tx, test, person, now);
        }
        match wish {
            Wish::Nothing => {
                tracing::info!(number, who = person.name, "the text means nothing to the desk");
                Ok(())
            }
            Wish::Help | Wish::Unclear => self.explain(tx, person, now),
            Wish::Claim => self.each(tx, &codes, person, now, |claim| self.take(tx, claim, person, now)),
            Wish::Pass => self.each(tx, &codes, person, now, |claim| self.pass(tx, claim, person, now)),
        }
    }

    /// Does it with each lead that the codes mean. A bare word is for the only lead there is; a code that no lead has is a
    /// slip of the thumb.
    fn each(
        &self,
        tx: Tx<'_>,
        codes: &[LeadCode],
        person: &Person,
        now: Timestamp,
        mut act: impl FnMut(&Claim) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let claims = if codes.is_empty() {
            tx.claims_wanted_of(&person.name, now)?
        } else {
            codes.iter().filter_map(|code| tx.claim_by_code(code, now).transpose()).collect::<Result<_, _>>()?
        };
        if claims.len() != codes.len().max(1) {
            return self.explain(tx, person, now);
        }
        // Whoever answers late opens again what had settled.
        claims.iter().try_for_each(|claim| act(claim).and_then(|()| tx.settle_lead(claim.lead, now).map(drop)))
    }

    /// The person takes the lead, unless somebody was first.
    fn take(&self, tx: Tx<'_>, claim: &Claim, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        let lead = tx.lead(claim.lead)?.ok_or(StoreError::Orphaned(claim.lead))?;
        if !tx.take_claim(claim.lead, &person.name, now)? {
            return match &claim.claimed_by {
                Some(who) if *who == person.name => Ok(()),
                Some(who) => self.answer(tx, lead.id, person, &format!("{} claimed by {who}", claim.code), now),
                None => self.answer(tx, lead.id, person, &format!("{} needs nobody any more", claim.code), now),
            };
        }
        if !crate::failpoint::removed("claim-ends-calling") {
            wait_no_more(tx, claim.lead, "the lead was claimed", now)?;
        }
        tx.cancel_undone(claim.lead, "crm_task", "the lead was claimed", now)?;
        tx.clear_alert(&unclaimed(claim.lead), now)?;
        self.insert(tx, route::owned(&self.settings.route, &lead, person, now).into_iter().collect(), now)?;
        let waited = now.since(lead.received_at);
        tracing::info!(lead_id = %lead.id, code = %claim.code, who = person.name, seconds = waited.as_secs(), "claimed");
        self.answer(tx, lead.id, person, &route::briefing(&self.settings.route, &lead), now)?;
        let told = format!("{} claimed by {}", claim.code, person.name);
        for name in tx.called_for(claim.lead)? {
            if let Some(other) = self.settings.route.on_call.named(&name).filter(|other| other.phone != person.phone) {
                self.answer(tx, claim.lead, other, &told, now)?;
            }
        }
        let words = format!("claimed by {}, {} after it came in", person.name, in_words(waited));
        self.news(tx, &lead, CrmNews { at: now, words, after_texts: true }, now)
    }

    /// The person passes the lead on: who was called last, or who has claimed it.
    fn pass(&self, tx: Tx<'_>, claim: &Claim, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        match claim.state {
            ClaimState::Open if claim.called.as_deref() == Some(person.name.as_str()) => {
                tx.log_claim(claim.lead, "passed", Some(&person.name), None, now)?;
                wait_no_more(tx, claim.lead, "the lead was passed on", now)?;
                self.call_next(tx, claim, now)
            }
            ClaimState::Claimed if claim.claimed_by.as_deref() == Some(person.name.as_str()) => {
                tx.log_claim(claim.lead, "reopened", Some(&person.name), None, now)?;
                self.begin_again(tx, claim, person, now)
            }
            ClaimState::Open | ClaimState::Claimed | ClaimState::Unanswered | ClaimState::Withdrawn => {
                tracing::info!(lead_id = %claim.lead, who = person.name, "not theirs to pass on");
                Ok(())
            }
        }
    }

    /// Whoever claimed the lead gives it back: the chain begins again, without that person.
    fn begin_again(&self, tx: Tx<'_>, claim: &Claim, without: &Person, now: Timestamp) -> Result<(), StoreError> {
        let mut lead = tx.lead(claim.lead)?.ok_or(StoreError::Orphaned(claim.lead))?;
        let words = format!("given back by {}", without.name);
        self.news(tx, &lead, CrmNews { at: now, words, after_texts: false }, now)?;
        let mut turn = self.next(tx, lead.id, 0, now)?;
        while let Some(next) = turn.filter(|turn| turn.person.phone == without.phone) {
            turn = self.next(tx, lead.id, next.step.saturating_add(1), now)?;
        }
        if let Some(turn) = turn {
            self.open_at(tx, &mut lead, turn, now)?;
            return self.call(tx, &lead, turn.person, None, now);
        }
        let claim = tx.open_claim(lead.id, claim.step, None, now)?;
        self.nobody_left(tx, &claim, now)
    }

    /// Says which leads wait and how they are answered; not too often, so that no machine keeps it going.
    fn explain(&self, tx: Tx<'_>, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        let wanted = tx.claims_wanted_of(&person.name, now)?;
        let about = match wanted.last() {
            Some(claim) => Some(claim.lead),
            None => tx.last_called_for(&person.name)?,
        };
        let Some(lead) = about else { return Ok(()) };
        let hour_ago = now.before(Duration::from_hours(1));
        if tx.explained(&person.name, hour_ago, now)? >= MOST_ANSWERS_AN_HOUR {
            tracing::warn!(who = person.name, "not explained once more: that was done enough in the last hour");
            return Ok(());
        }
        tx.log_claim(lead, "explained", Some(&person.name), None, now)?;
        let codes: Vec<String> = wanted.iter().map(|claim| claim.code.to_string()).collect();
        self.answer(tx, lead, person, &route::explanation(&codes), now)?;
        tx.settle_lead(lead, now).map(drop)
    }

    pub(super) fn answer(
        &self,
        tx: Tx<'_>,
        lead: LeadId,
        to: &Person,
        text: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let job = route::answer(&self.settings.route, lead, to, text, &usable(tx, now), now);
        self.insert(tx, job.into_iter().collect(), now)
    }

    /// Opens or re-opens the claim at a turn of the chain; the lead has the code of it from here on.
    fn open_at(&self, tx: Tx<'_>, lead: &mut Lead, turn: Turn<'_>, now: Timestamp) -> Result<(), StoreError> {
        wait_no_more(tx, lead.id, "the chain began again", now)?;
        let claim = tx.open_claim(lead.id, turn.step, Some(&turn.person.name), now)?;
        lead.code = claim.code.clone();
        self.wait_for(tx, &claim, turn, now)
    }

    /// The timer of a step, and its ring.
    fn wait_for(&self, tx: Tx<'_>, claim: &Claim, turn: Turn<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.ring_for(tx, claim, turn, now)?;
        if turn.wait.is_zero() {
            return Ok(());
        }
        timer(tx, claim.lead, (claim.round, turn.step), now.after(turn.wait), now)
    }

    /// A short note in the CRM about what has just happened.
    pub(super) fn news(&self, tx: Tx<'_>, lead: &Lead, news: CrmNews, now: Timestamp) -> Result<(), StoreError> {
        if let Some(job) = route::news(&self.settings.route, lead, news, now) {
            tx.insert_job(&job, now)?;
        }
        Ok(())
    }
}

fn timer(
    tx: Tx<'_>,
    lead: LeadId,
    (round, step): (u32, u32),
    due_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let timer = NewJob::timer(lead, Task::Escalate { round, step }, due_at, due_at.after(TIMER_IS_KEPT));
    tx.insert_job(&timer, now).map(drop)
}

/// Nobody is waited for any more: neither the timer of the step nor its ring is needed.
fn wait_no_more(tx: Tx<'_>, lead: LeadId, why: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.cancel_waiting(lead, "escalate", None, why, now)?;
    tx.cancel_waiting(lead, "ring", None, why, now)
}

/// The lead needs nobody after all.
pub(super) fn withdraw(tx: Tx<'_>, lead: &Lead, now: Timestamp) -> Result<(), StoreError> {
    // No person was ever told of a lead that is new, nor will be.
    if lead.provisional_at.is_none() && lead.routed_at.is_none() {
        return Ok(());
    }
    wait_no_more(tx, lead.id, "the lead needs nobody any more", now)?;
    if tx.end_claim(lead.id, ClaimState::Withdrawn, now)? {
        tx.cancel_undone(lead.id, "crm_task", "the lead needs nobody any more", now)?;
        tx.clear_alert(&unclaimed(lead.id), now)?;
    }
    Ok(())
}

fn nobody_to_text(tx: Tx<'_>, lead: &Lead, now: Timestamp) -> Result<(), StoreError> {
    tx.alert(
        "oncall:nobody",
        &format!("lead {} is for a person, but nobody can be texted", lead.code),
        "fill in [oncall] and [sms] channels; see `nightdesk leads list`",
        now,
    )
}

/// Whether everybody was called for the lead and nobody took it, as it stands now.
pub(super) fn waits_in_vain(tx: Tx<'_>, lead: LeadId) -> Result<bool, StoreError> {
    Ok(tx.claim_of(lead)?.is_some_and(|claim| claim.state == ClaimState::Unanswered))
}

/// Whether whoever would be called knows already that somebody has the lead. A digest tells of others as well.
pub(super) fn needs_no_call(tx: Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let Task::Sms(SmsTask { is_answer: false, is_test: false, .. }) = &job.task else { return Ok(false) };
    let is_claimed = tx.claim_of(job.lead)?.is_some_and(|claim| claim.state == ClaimState::Claimed);
    Ok(is_claimed && !tx.was_digested(job.lead)?)
}

/// Claims that nobody will answer any more give their codes and their alerts back.
pub(super) fn lapse(tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    for lead in tx.lapse_claims(now)? {
        tracing::warn!(lead_id = %lead, "nobody has claimed the lead for a week: its code is free again");
        wait_no_more(tx, lead, "nobody has claimed the lead for a week", now)?;
        tx.clear_alert(&unclaimed(lead), now)?;
    }
    Ok(())
}

fn unclaimed(lead: LeadId) -> String {
    format!("unclaimed:{lead}")
}

#[cfg(test)]
mod tests;
