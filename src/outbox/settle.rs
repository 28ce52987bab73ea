//! Settling: what a report means for its job, and everything that follows from it, in one transaction.
//!
//! Conditional on the attempt: a report that comes after somebody else took the job is logged and dropped.

use crate::model::{
    Channel, ClassifyTask, CrmRead, Done, Failure, Fault, Job, JobState, Label, Lead, LeadId, NewJob, NewLead, Outcome,
    Report, SmsTask, Stage, Task, Timestamp, Work,
};
use crate::route;
use crate::store::{Closing, NewDeadLetter, Settlement, StoreError, Tx};

use super::claims::withdraw;
use super::follow_ups::{marked, may_repeat};
use super::legs::Leg;
use super::models::TIMER;
use super::reports::{arrived, key_of, known_better};
use super::step::{self, Facts, Next, SmsFacts};
use super::{Desk, canary, channel, polls, reconcile, rings};

impl Desk {
    /// Ends a try and does what follows. Safe to repeat after a failed commit.
    ///
    /// # Errors
    /// When the database can't be written; then nothing of this happened.
    pub fn settle(
        &mut self,
        tx: Tx<'_>,
        work: &Work,
        report: &Report,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        self.release(work);
        self.sum_up_anew();
        self.pay(tx, work, report, now)?;
        self.paid(tx, &work.job.channel, &report.quota, now)?;
        for call in &report.llm_calls {
            tx.add_llm_call(work.job.lead, call)?;
        }
        if let Some(reading) = &report.reading {
            tx.set_reading(work.job.lead, reading)?;
        }
        // The phone has the text, whatever its try came to.
        let known = match &report.outcome {
            Outcome::Done(_) => None,
            Outcome::Absent | Outcome::Unsure | Outcome::Failed(_) => known_better(tx, &work.job)?,
        };
        match (&report.outcome, known) {
            (Outcome::Done(Done::Fate { fate, why }), _) => {
                self.answered(tx, work, report, (*fate, why.as_ref()), now, jitter)?;
            }
            (Outcome::Done(done), _) => self.happened(tx, work, report, done, now)?,
            (_, Some(receipt)) => self.happened(tx, work, report, &Done::Sms(receipt), now)?,
            (Outcome::Absent, None) => {
                let next = step::after_absent(&self.facts(work, now, jitter));
                self.follow(tx, work, report, ("absent", "looked up: it did not happen"), None, next, now)?;
            }
            (Outcome::Unsure, None) => {
                let next = step::after_unsure(&self.facts(work, now, jitter));
                self.follow(tx, work, report, ("unsure", "nothing tells whether it happened"), None, next, now)?;
            }
            (Outcome::Failed(failure), None) => self.failed(tx, work, report, failure, now, jitter)?,
        }
        // What was reported while the try was under way counts from here on.
        if matches!(work.job.task, Task::Sms(_)) { self.judge(tx, key_of(&work.job), now, jitter) } else { Ok(()) }
    }

    fn happened(
        &mut self,
        tx: Tx<'_>,
        work: &Work,
        report: &Report,
        done: &Done,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = match done {
            Done::Sms(receipt) => Some(receipt.reference.clone()),
            Done::Crm { id } => id.clone(),
            Done::Mailed(reference) | Done::Ticket(reference) => Some(reference.clone()),
            Done::Rang(rang) => Some(rang.to_string()),
            Done::Classified { label, .. } => Some(label.name().to_owned()),
            Done::Timer if work.job.task.kind() == TIMER => self.all_unpaid(tx, now)?,
            Done::Timer | Done::Read(_) | Done::Found(_) | Done::Fate { .. } => None,
        };
        let settlement = Settlement { state: JobState::Done, due_at: None, unburnt: false, result: result.as_deref() };
        let reason = result.as_deref().filter(|_| matches!(done, Done::Timer));
        let closing = Closing { outcome: "done", reason, trace: &report.trace.of_success() };
        if !self.end(tx, work, &closing, settlement, now)? {
            return Ok(());
        }
        channel::worked(tx, &work.job.channel, now)?;
        tell(work, report, result.as_deref());
        match done {
            Done::Timer => self.timer_fired(tx, &work.job, now)?,
            Done::Classified { label, by } => {
                let lead = tx.lead(work.job.lead)?.ok_or(StoreError::Orphaned(work.job.lead))?;
                tx.set_label(lead.id, *label, self.decided_by(&work.job.channel, *by), now)?;
                tx.cancel_waiting(lead.id, "classify_deadline", None, "a label was found in time", now)?;
                let again = matches!(work.job.task, Task::Classify(ClassifyTask { again: true, .. }));
                self.enact(tx, &lead, *label, again, now)?;
            }
            Done::Read(new) => self.was_read(tx, &work.job, new, now)?,
            Done::Found(page) => self.page_came(tx, &work.job, page, now)?,
            Done::Sms(receipt) => {
                tx.set_sms(&work.job, "submitted", Some(&receipt.reference), Some(receipt.parts), now)?;
                tx.cancel_waiting(work.job.lead, "sms_failover", Some(work.job.id), "the text was submitted", now)?;
                if receipt.delivered {
                    arrived(tx, &work.job, JobState::Done, receipt, now)?;
                } else {
                    self.ask_later(tx, &work.job, receipt, now)?;
                }
            }
            Done::Rang(_) => rings::rang(tx, now)?,
            // The first is settled by `answered`.
            Done::Mailed(message_id) => self.mail_left(tx, &work.job, message_id, now)?,
            Done::Fate { .. } | Done::Ticket(_) | Done::Crm { .. } => {}
        }
        self.tell_late(tx, &work.job, JobState::Done, result.as_deref().unwrap_or_default(), now)?;
        tidy(tx, &work.job, now)
    }

    /// What a record's fields mean for its lead. Form data lands a moment after the record itself, so one without a message
    /// is read once more before that is believed.
    fn was_read(&self, tx: Tx<'_>, job: &Job, new: &NewLead, now: Timestamp) -> Result<(), StoreError> {
        let Task::CrmRead(read) = &job.task else { return Ok(()) };
        let silent = new.message.is_empty();
        if silent && !read.again {
            let again = CrmRead { again: true, ..read.clone() };
            return tx.open_read(job.lead, again, now.after(self.settings.read_again_after), job.deadline_at, now);
        }
        if silent && !(read.expects_message && new.is_reachable()) {
            tracing::info!(lead_id = %job.lead, record = read.record.id, "the record holds no message: no lead");
            tx.drop_empty(job.lead, now)?;
            let lead = tx.lead(job.lead)?.ok_or(StoreError::Orphaned(job.lead))?;
            return self.insert(tx, route::withdrawn(&self.settings.route, &lead, now), now);
        }
        let filled = tx.fill_lead(job.lead, new, &self.settings.opening, now)?;
        tracing::info!(lead_id = %job.lead, record = read.record.id, ?filled, "the record was read");
        Ok(())
    }

    fn failed(
        &mut self,
        tx: Tx<'_>,
        work: &Work,
        report: &Report,
        failure: &Failure,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        if matches!(work.job.task, Task::Ring(_)) {
            let next = rings::after_failure(failure.fault);
            return self.follow(tx, work, report, (failure.fault.name(), &failure.reason), Some(failure), next, now);
        }
        let told = (failure.fault.name(), failure.reason.as_str());
        if let Some(next) = self.after_model(tx, work, failure, now, jitter)? {
            return self.follow(tx, work, report, told, Some(failure), next, now);
        }
        let facts = self.facts(work, now, jitter);
        let mut next = step::after_failure(&facts, &self.settings.waits, failure.fault, failure.final_everywhere);
        if let Next::Retry { .. } = next
            && let Some(until) = channel::opens(tx, &work.job.channel, failure.fault, self.settings.breaker, now)?
        {
            next = step::held_up(&facts, until);
        }
        let next = polls::gently(&work.job.task, failure.fault, next);
        self.follow(tx, work, report, told, Some(failure), next, now)
    }

    /// Ends the attempt with `words` (outcome, reason) and goes on as `next` says.
    #[expect(clippy::too_many_arguments, reason = "one private place where a try, its words and its sequel meet")]
    pub(super) fn follow(
        &mut self,
        tx: Tx<'_>,
        work: &Work,
        report: &Report,
        words: (&'static str, &str),
        failure: Option<&Failure>,
        next: Next,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (outcome, reason) = words;
        let next = canary::once(&work.job.task, outcome, next);
        let (state, due_at, unburnt) = match next {
            Next::Retry { at } => (JobState::Ready, Some(at), false),
            Next::Wait { at } => (JobState::Ready, Some(at), true),
            Next::LookUp { at } => (JobState::Unknown, Some(at), false),
            Next::GiveWay { .. } | Next::Moot | Next::Ask(_) => (JobState::Cancelled, None, false),
            Next::Dead => (JobState::Dead, None, false),
        };
        let handed_on = if let Next::Ask(ask) = next { Some(self.handed_on(reason, ask, now)) } else { None };
        let settlement = Settlement { state, due_at, unburnt, result: handed_on.as_deref().or(Some(reason)) };
        let closing = Closing { outcome, reason: Some(reason), trace: &report.trace };
        if !self.end(tx, work, &closing, settlement, now)? {
            return Ok(());
        }
        // A ring is judged each time it is due: nothing that one met keeps the next from being tried.
        if let Some(failure) = failure
            && !matches!(work.job.task, Task::Ring(_))
        {
            channel::failed(
                tx,
                &work.job.channel,
                failure.fault,
                reason,
                failure.cure.as_deref(),
                self.settings.breaker,
                now,
            )?;
        }
        if outcome == "absent" {
            tx.forget_sms(&work.job)?;
        }
        self.mail_failed(tx, &work.job, outcome, failure, now)?;
        if outcome == "unsure" && matches!(next, Next::Retry { .. }) {
            tx.rewrite(work.job.id, &marked(&work.job.task, true))?;
        }
        if outcome == Fault::Unknown.name() && work.look_up_since.is_none() {
            tx.set_sms(&work.job, "unknown", None, None, now)?;
        }
        let job = &work.job;
        tracing::warn!(lead_id = %job.lead, job_id = %job.id, channel = %job.channel, attempt = %work.attempt, fault = outcome,
            reason, next = ?next, "{} did not succeed", job.task.kind());
        match (next, &job.task) {
            (Next::Ask(ask), _) => self.ask_next(tx, job, ask, now)?,
            (Next::GiveWay { .. }, Task::Ring(ring)) => self.ring_elsewhere(tx, job, ring, reason, now)?,
            (Next::GiveWay { repeat }, _) => {
                let refused = failure.is_some_and(|failure| failure.fault == Fault::Permanent);
                self.next_leg(tx, job, Leg { repeat, refused, due_at: now }, now)?;
            }
            (Next::Dead, _) => {
                let class = if matches!(outcome, "absent" | "unsure") { Fault::Unknown.name() } else { outcome };
                let unsure =
                    (outcome == "unsure").then_some("find out whether it arrived, and requeue it only if it didn't");
                let cure = failure.and_then(|failure| failure.cure.as_deref()).or(unsure);
                bury(tx, job, class, reason, cure, now)?;
                self.timer_died(tx, job, now)?;
                self.tell_late(tx, job, JobState::Dead, reason, now)?;
            }
            (Next::Moot, _) if failure.is_some_and(|failure| failure.fault == Fault::Permanent) => {
                canary::hasten(tx, job, now)?;
            }
            (Next::Retry { .. } | Next::Wait { .. } | Next::LookUp { .. } | Next::Moot, _) => {}
        }
        tidy(tx, job, now)
    }

    /// Ends the lease. `false`: the job is somebody else's by now.
    pub(super) fn end(
        &self,
        tx: Tx<'_>,
        work: &Work,
        closing: &Closing<'_>,
        settlement: Settlement<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ours = tx.settle(work.job.id, work.attempt, self.boot, closing, settlement, now)?;
        if !ours {
            tracing::warn!(job_id = %work.job.id, attempt = %work.attempt, outcome = closing.outcome, "a late outcome is dropped");
        }
        Ok(ours)
    }

    /// The jobs a label means, or an alert where nobody can be reached. `lead` is as it was before this label. One that
    /// was routed before is replayed: what was done is not done again unless `again`.
    pub(super) fn enact(
        &self,
        tx: Tx<'_>,
        lead: &Lead,
        label: Label,
        again: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut lead = lead.clone();
        let mut person = None;
        if label != Label::UrgentBuyer {
            withdraw(tx, &lead, now)?;
        } else if again || !is_called(tx, lead.id)? {
            person = self.first_called(tx, &mut lead, now)?;
        }
        let mut jobs = route::plan(&self.settings.route, &lead, label, person.as_ref(), &usable(tx, now), now);
        if lead.routed_at.is_some() && !again {
            jobs = not_done(tx, lead.id, label, jobs)?;
        }
        self.insert(tx, jobs, now)
    }

    /// The provisional route: a person is told of a lead that no model has labelled.
    pub(super) fn enact_provisional(&self, tx: Tx<'_>, lead: &Lead, now: Timestamp) -> Result<(), StoreError> {
        tx.set_provisional(lead.id, now)?;
        let mut lead = lead.clone();
        let person = self.first_called(tx, &mut lead, now)?;
        let jobs = route::provisional(&self.settings.route, &lead, person.as_ref(), &usable(tx, now), now);
        self.insert(tx, jobs, now)
    }

    /// Inserts planned jobs; a text brings its failover timer or waits for a digest, and a note that still waits is not
    /// doubled.
    pub(super) fn insert(&self, tx: Tx<'_>, jobs: Vec<NewJob>, now: Timestamp) -> Result<(), StoreError> {
        for job in jobs {
            let is_known = match &job.task {
                Task::CrmNote(_) => tx.has_waiting(job.lead, job.task.kind())?,
                Task::Sms(sms) if sms.leg == 0 => self.gather(tx, &job, sms, now)?,
                _ => false,
            };
            if !is_known {
                self.insert_one(tx, job, now)?;
            }
        }
        Ok(())
    }

    pub(super) fn insert_one(&self, tx: Tx<'_>, mut job: NewJob, now: Timestamp) -> Result<(), StoreError> {
        if let Task::Sms(sms) = &mut job.task
            && sms.leg == 0
        {
            sms.thread = tx.next_thread(job.lead)?;
        }
        let id = tx.insert_job(&job, now)?;
        match &job.task {
            Task::Sms(SmsTask { failover_at: Some(clock), .. }) => {
                self.guard(tx, job.lead, id, *clock, job.deadline_at, now)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn facts(&self, work: &Work, now: Timestamp, jitter: f64) -> Facts {
        self.facts_of(&work.job, work.look_up_since.is_some(), now, jitter)
    }

    /// What is known of a job for deciding what follows.
    pub(super) fn facts_of(&self, job: &Job, looking_up: bool, now: Timestamp, jitter: f64) -> Facts {
        let channels = |sms: &SmsTask| self.settings.route.channels_to(&sms.to).len();
        let sms = match &job.task {
            Task::Sms(sms) => Some(SmsFacts {
                failover_at: sms.failover_at,
                repeat: sms.repeat,
                last_hope: sms.refused.saturating_add(1) >= u32::try_from(channels(sms)).unwrap_or(u32::MAX),
            }),
            Task::Classify { .. }
            | Task::ClassifyDeadline {}
            | Task::CrmRead(_)
            | Task::Reconcile(_)
            | Task::SmsFailover { .. }
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {}
            | Task::Mail(_)
            | Task::Ticket(_)
            | Task::CrmUpdate(_)
            | Task::CrmNote(_)
            | Task::CrmTask(_) => None,
        };
        Facts {
            now,
            jitter,
            tries: job.tries,
            deadline_at: job.deadline_at,
            repeatable: job.task.repeatable(),
            looking_up,
            may_repeat: may_repeat(&job.task),
            sms,
        }
    }
}

/// Writes the dead letter of a job that has ended dead, and what else its death means.
pub(super) fn bury(
    tx: Tx<'_>,
    job: &Job,
    class: &str,
    reason: &str,
    cure: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what_to_do = cure.unwrap_or("mend the cause, then `nightdesk dlq retry`; or `nightdesk dlq discard`");
    let payload = serde_json::to_string(&job.task).unwrap_or_default();
    let letter = NewDeadLetter {
        stage: job.task.stage(),
        class,
        reason,
        what_to_do,
        job: Some(job.id),
        inbox: None,
        lead: Some(job.lead),
        payload: &payload,
    };
    tx.add_dead_letter(&letter, now)?;
    if matches!(job.task, Task::Reconcile(_)) {
        return reconcile::look_died(tx, job, reason, now);
    }
    if matches!(job.task, Task::CrmRead(_)) {
        return tx.hasten(job.lead, "classify_deadline", now);
    }
    match job.task.stage() {
        Stage::Classify => {
            if class == Fault::Crash.name() {
                tx.beware(job.lead, "classify_deadline")?;
            }
            tx.hasten(job.lead, "classify_deadline", now)
        }
        // Nobody was to learn anything by it.
        Stage::Sms if matches!(job.task, Task::Ring(_)) => Ok(()),
        Stage::Sms if job.task.is_test() => canary::hasten(tx, job, now),
        Stage::Sms => {
            tx.cancel_waiting(job.lead, "sms_failover", Some(job.id), "the text is dead", now)?;
            // Whoever was to be called knows nothing of it; somebody else may be called by now.
            let claim = tx.claim_of(job.lead)?;
            let is_his_turn = |sms: &SmsTask| claim.is_some_and(|claim| claim.called.as_ref() == Some(&sms.who));
            if matches!(&job.task, Task::Sms(sms) if !sms.is_answer && is_his_turn(sms)) {
                tx.hasten(job.lead, "escalate", now)?;
            }
            tx.alert(
                "sms:undelivered",
                "a text to the person on call could not be sent on any channel",
                "call the prospect yourself (`nightdesk dlq list --stage sms`), then mend the modem or Twilio",
                now,
            )
        }
        Stage::Ticket => tx.alert(
            "ticket:undelivered",
            "a support request could not be handed to the support team",
            "tell them yourself (`nightdesk dlq list --stage ticket`), then mend the cause and requeue it",
            now,
        ),
        Stage::Gate | Stage::Desk | Stage::Mail | Stage::Crm => Ok(()),
    }
}

/// After any change of a job: the note goes out when nothing else is open, and the lead may have settled.
pub(super) fn tidy(tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<(), StoreError> {
    if matches!(job.task, Task::Reconcile(_)) {
        return Ok(());
    }
    if job.task.is_action() && !is_being_done(tx, job.lead)? {
        tx.hasten(job.lead, "crm_note", now)?;
    }
    if tx.settle_lead(job.lead, now)? {
        tracing::info!(lead_id = %job.lead, "settled");
    }
    Ok(())
}

/// Whether something that the note tells of has not ended yet.
fn is_being_done(tx: Tx<'_>, lead: LeadId) -> Result<bool, StoreError> {
    for kind in ["sms", "mail", "ticket", "crm_update"] {
        if tx.has_open(lead, kind)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One line for what happened: a person reads the night's story from these.
fn tell(work: &Work, report: &Report, result: Option<&str>) {
    let job = &work.job;
    let sms_text = if let Task::Sms(sms) = &job.task { Some(sms.text.as_str()) } else { None };
    tracing::info!(lead_id = %job.lead, job_id = %job.id, channel = %job.channel, attempt = %work.attempt, result, sms_text,
        request = report.trace.request, response = report.trace.response, status = report.trace.status,
        latency_ms = report.trace.latency.as_millis(), "{} done", job.task.kind());
}

/// Whether a channel can be used now, as far as its breaker knows.
pub(super) fn usable(tx: Tx<'_>, now: Timestamp) -> impl Fn(&Channel) -> bool {
    move |name| match tx.channel(name) {
        Ok(row) => !matches!(channel::admission(row.as_ref(), now), channel::Admission::Nothing(_)),
        Err(_) => true,
    }
}

/// Whether somebody was told of the lead, or is about to be. A text that surely never left told nobody; one that may have
/// is not sent again for the same conclusion.
fn is_called(tx: Tx<'_>, lead: LeadId) -> Result<bool, StoreError> {
    Ok(tx.has_open(lead, "sms")?
        || tx.has_open(lead, "escalate")?
        || tx.may_be_texted(lead)?
        || tx.was_digested(lead)?)
}

/// Leaves out what was done before: a text, a write of the same class, a note.
fn not_done(tx: Tx<'_>, lead: LeadId, label: Label, jobs: Vec<NewJob>) -> Result<Vec<NewJob>, StoreError> {
    let actions = tx.actions(lead)?.into_iter();
    let done: Vec<Task> = actions.filter(|action| action.state == JobState::Done).map(|action| action.task).collect();
    let was_done = |task: &Task| {
        done.iter().any(|old| match (old, task) {
            (Task::CrmUpdate(old), Task::CrmUpdate(_)) => old.label == Some(label),
            (old, new) => old.kind() == new.kind(),
        })
    };
    Ok(jobs.into_iter().filter(|job| !was_done(&job.task)).collect())
}
