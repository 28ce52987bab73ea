//! The invariants. Each compares the database with itself or with the world, and names what it found broken.
//!
//! A lead is checked in the transaction of every step that touched it, all of them at the end of a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use nightdesk::model::{ClaimState, Fate, JobId, Label, Lead, LeadId, Task, Timestamp};
use nightdesk::store::{AttemptRow, DeadLetterFilter, JobRow, StoreError, Tx};

use super::loops::{self, Holders};
use super::world::{Truth, What, World};

/// More jobs than a lead can need: 2 alerts, their legs for an hour, a timer for each of these.
const MOST_JOBS: usize = 150;
/// The same where a team of three is called, answers and is called again.
const MOST_JOBS_OF_A_TEAM: usize = 600;
/// More legs than a question can need: where both models are broken for a day, each probe of one is a leg.
const MOST_QUESTIONS: usize = 1_200;
/// More tries than a job can need: its longest life is 72 h, its breaker lets one through every 5 minutes.
const MOST_TRIES: u32 = 1_500;

/// More refusals for now than a channel that waits as it is told can meet, and a little longer each time it is told nothing.
const MOST_THROTTLED: usize = 100;
/// Ways to text, at most.
const MOST_CHANNELS: usize = 2;

/// What was found broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// A sender was told that its lead was taken, and it is not there.
    LeadLost,
    /// The same webhook again made a second lead.
    DuplicateLead,
    /// Something happened outside, or may happen now, and no attempt row says so.
    EffectWithoutAttempt,
    /// Lease and attempts contradict each other.
    Lease,
    /// A report that came too late changed a job that it no longer held.
    LateReportTook,
    /// A job that had ended moved again.
    EndMoved,
    /// A person got the same alert a third time.
    ThirdText,
    /// A second text that isn't marked, or that no unknown outcome excuses.
    UnexcusedRepeat,
    /// The CRM shows a note twice.
    DoubledNote,
    /// The CRM shows a task twice, or one of a lead whose chain was not at its end.
    DoubledTask,
    /// A channel worked all the time, and yet the text was late.
    SlowText,
    /// A person should have been woken and was not, and no dead letter says so.
    NobodyTold,
    /// More than the field was written about spam.
    SpamActed,
    /// `settled_at` contradicts the jobs.
    Settled,
    /// A job died without a letter, or a letter says nothing.
    DeadInSilence,
    /// A job is done, but it never happened.
    FalseDone,
    /// A text is said to be on the phone and isn't, or the other way round.
    FalseFate,
    /// Delivered was taken back.
    FateMoved,
    /// The CRM was left with values older than the last that were written.
    StaleWrite,
    /// A job of the lead is still open when all is quiet.
    Unfinished,
    /// The desk turns in circles.
    HotLoop,
    /// Somebody was called twice for a step.
    CalledTwice,
    /// People are called for a lead that waits for nobody.
    CalledOn,
    /// Somebody took a lead that another had.
    TwoClaimers,
    /// A lead waits for a person, and nobody is called for it or told of it any more.
    Stalled,
}

/// One broken invariant, in words.
#[derive(Debug, Clone)]
pub(super) struct Violation {
    pub(super) broken: Broken,
    pub(super) words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.broken, self.words)
    }
}

/// `Err` is a violation; a store that fails by itself is a bug of the model run.
pub(super) type Verdict = Result<(), Violation>;

pub(super) fn broken(broken: Broken, words: impl Into<String>) -> Verdict {
    Err(Violation { broken, words: words.into() })
}

/// What the checker remembers.
#[derive(Debug, Default)]
pub(super) struct Checker {
    /// How each job ended.
    ends: BTreeMap<String, String>,
    /// The texts that were delivered.
    delivered: BTreeSet<String>,
    /// When each lead's alert was planned.
    planned: BTreeMap<LeadId, Timestamp>,
    /// A team is on call.
    has_team: bool,
    holders: Holders,
    /// In a seed where one channel for texts always works: how long an alert may take.
    text_within: Option<Duration>,
}

struct Seen<'a> {
    lead: &'a Lead,
    jobs: &'a [JobRow],
    attempts: &'a [AttemptRow],
    truth: &'a Truth,
}

impl Checker {
    pub(super) fn new(text_within: Option<Duration>, has_team: bool) -> Self {
        Self { has_team, text_within, ..Self::default() }
    }

    /// How many leads somebody took.
    pub(super) fn claimed(&self) -> u64 {
        self.holders.len() as u64
    }

    /// Checks one lead as the transaction sees it.
    pub(super) fn lead(
        &mut self,
        tx: Tx<'_>,
        world: &World,
        id: LeadId,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let Some(lead) = tx.lead(id)? else { return Ok(broken(Broken::LeadLost, id.to_string())) };
        let (jobs, attempts) = (tx.job_rows(id)?, tx.attempt_rows(id)?);
        let nothing = Truth::default();
        let truth = world.truth(id).unwrap_or(&nothing);
        let seen = Seen { lead: &lead, jobs: &jobs, attempts: &attempts, truth };
        let claim = tx.claim_of(id)?;
        let told = || {
            if self.has_team { loops::texts(&lead, &jobs, &attempts, truth) } else { texts(&seen) }
        };
        let verdict = attempts_before_effects(&seen)
            .and_then(|()| told())
            .and_then(|()| notes(&seen))
            .and_then(|()| if self.has_team { keys(&seen) } else { tasks(&seen) })
            .and_then(|()| {
                if self.has_team { loops::claim(&lead, &jobs, claim.as_ref(), &mut self.holders) } else { Ok(()) }
            })
            .and_then(|()| leases(&seen, if self.has_team { MOST_JOBS_OF_A_TEAM } else { MOST_JOBS }))
            .and_then(|()| refusals(&seen))
            .and_then(|()| spam(&seen))
            .and_then(|()| settled(&seen))
            .and_then(|()| self.in_time(&seen, now));
        match verdict {
            Ok(()) => match self.fates(tx, &seen)? {
                Ok(()) => self.ends(tx, &seen),
                broken => Ok(broken),
            },
            Err(violation) => Ok(Err(violation)),
        }
    }

    /// An end is an end, it happened if it says so, and it has a letter if it died.
    fn ends(&mut self, tx: Tx<'_>, seen: &Seen<'_>) -> Result<Verdict, StoreError> {
        for job in seen.jobs {
            if let Some(end) = self.ends.get(&job.id) {
                if *end != job.state {
                    return Ok(broken(
                        Broken::EndMoved,
                        format!("{} {} was {end}, is {}", job.kind, job.id, job.state),
                    ));
                }
                continue;
            }
            if is_open(job) {
                continue;
            }
            self.ends.insert(job.id.clone(), job.state.clone());
            let effect = matches!(job.kind.as_str(), "sms" | "crm_update" | "crm_note" | "crm_task");
            if job.state == "done" && effect && !seen.truth.did(&job.id) {
                return Ok(broken(Broken::FalseDone, format!("{} {}", job.kind, job.id)));
            }
            if job.state == "dead" && tx.dead_letter_of(job.id.parse::<JobId>().unwrap())?.is_none() {
                return Ok(broken(Broken::DeadInSilence, format!("{} {}", job.kind, job.id)));
            }
        }
        Ok(Ok(()))
    }

    /// What is said of texts is true, and delivered is never taken back.
    fn fates(&mut self, tx: Tx<'_>, seen: &Seen<'_>) -> Result<Verdict, StoreError> {
        for job in seen.jobs.iter().filter(|job| job.kind == "sms") {
            let state = tx.sms_state(job.id.parse::<JobId>().unwrap())?;
            let words = || format!("{} on {} is {}, its text {state:?}", job.id, job.channel, job.state);
            match (state.as_deref(), seen.truth.has(&job.id)) {
                (Some("delivered"), false) | (Some("failed"), true) => return Ok(broken(Broken::FalseFate, words())),
                (Some("delivered"), true) => {
                    self.delivered.insert(job.id.clone());
                }
                _ if self.delivered.contains(&job.id) => return Ok(broken(Broken::FateMoved, words())),
                _ => {}
            }
        }
        Ok(Ok(()))
    }

    fn in_time(&mut self, seen: &Seen<'_>, now: Timestamp) -> Verdict {
        let Some(within) = self.text_within else { return Ok(()) };
        if !seen.jobs.iter().any(|job| job.kind == "sms") {
            return Ok(());
        }
        let planned = *self.planned.entry(seen.lead.id).or_insert(now);
        let first = seen.truth.texts().first().map(|(at, _, _)| *at);
        let dead = seen.jobs.iter().any(|job| job.kind == "sms" && job.state == "dead");
        let waited = first.unwrap_or(now).since(planned);
        if waited > within && !dead {
            return broken(Broken::SlowText, format!("lead {} waits for {waited:?}", seen.lead.code));
        }
        Ok(())
    }

    /// What must hold of a lead when everything is quiet.
    pub(super) fn at_rest(&self, tx: Tx<'_>, world: &World, id: LeadId) -> Result<Verdict, StoreError> {
        let Some(lead) = tx.lead(id)? else { return Ok(broken(Broken::LeadLost, id.to_string())) };
        let jobs = tx.job_rows(id)?;
        if let Some(job) = jobs.iter().find(|job| is_open(job)) {
            return Ok(broken(Broken::Unfinished, format!("{} {} is {}", job.kind, job.id, job.state)));
        }
        if lead.settled_at.is_none() {
            return Ok(broken(Broken::Settled, format!("lead {} never settled", lead.code)));
        }
        let letters = tx.dead_letters(&DeadLetterFilter { lead: Some(id), ..DeadLetterFilter::default() })?;
        if letters.iter().any(|letter| letter.reason.trim().is_empty() || letter.what_to_do.trim().is_empty()) {
            return Ok(broken(Broken::DeadInSilence, format!("lead {}: a letter without words", lead.code)));
        }
        let texted = world.truth(id).is_some_and(|truth| !truth.texts().is_empty())
            || (self.has_team && world.names(&lead.code.to_string()));
        let died_on = |stage: &str| letters.iter().any(|letter| letter.stage == stage);
        // The timer itself was open at two deaths: its letter tells the person instead.
        let timer_died = letters.iter().any(|letter| letter.stage == "desk" && letter.class == "crash");
        let needed = lead.label == Some(Label::UrgentBuyer) || lead.provisional_at.is_some() || lead.label.is_none();
        // Every text was lost, and the last one too late for another; or nobody ever said so.
        let mut told_of_loss = tx.alert_text("sms:undelivered")?.is_some();
        for job in jobs.iter().filter(|job| job.kind == "sms") {
            let (text, state) = (job.id.parse().unwrap(), tx.sms_state(job.id.parse().unwrap())?);
            let submitted = state.as_deref() == Some("submitted");
            if submitted && world.told_of(id, text).is_some_and(|fate| !matches!(fate, Fate::StillTrying)) {
                return Ok(broken(Broken::FalseFate, format!("{} is submitted, and its network said more", job.id)));
            }
            told_of_loss |= submitted;
        }
        // Its label came while it waited for a digest.
        let waits_no_more = self.has_team && tx.claim_of(id)?.is_some_and(|claim| claim.state == ClaimState::Withdrawn);
        if needed && !waits_no_more && !lead.dropped && !texted && !died_on("sms") && !timer_died && !told_of_loss {
            return Ok(broken(Broken::NobodyTold, format!("lead {} ({:?})", lead.code, lead.label)));
        }
        if self.has_team
            && let Err(violation) = loops::at_rest(tx, &lead, &jobs)?
        {
            return Ok(Err(violation));
        }
        Ok(last_write(world, &lead, &jobs))
    }
}

fn is_open(job: &JobRow) -> bool {
    matches!(job.state.as_str(), "ready" | "leased" | "unknown")
}

fn attempts_before_effects(seen: &Seen<'_>) -> Verdict {
    let began = |job: &str, attempt: u32| {
        let row = seen.attempts.iter().find(|row| row.job_id == job && row.attempt_id == attempt);
        row.map(|row| row.started_at.parse::<Timestamp>().unwrap())
    };
    for (_, deed) in &seen.truth.deeds {
        if began(&deed.job.to_string(), deed.attempt.0).is_none_or(|at| at > deed.began) {
            return broken(Broken::EffectWithoutAttempt, format!("{:?} by {}", deed.what, deed.job));
        }
    }
    match seen.jobs.iter().find(|job| job.state == "leased" && began(&job.id, job.attempts).is_none()) {
        Some(job) => broken(Broken::EffectWithoutAttempt, format!("{} {} is leased", job.kind, job.id)),
        None => Ok(()),
    }
}

fn texts(seen: &Seen<'_>) -> Verdict {
    let texts = seen.truth.texts();
    match texts.as_slice() {
        [] | [_] => Ok(()),
        [(_, first, _), (_, second, words)] => {
            let first_job = first.job.to_string();
            let excuse = seen.attempts.iter().any(|row| {
                row.job_id == first_job
                    && row.attempt_id == first.attempt.0
                    && row.outcome.as_deref() == Some("unknown")
            });
            if excuse && words.starts_with("(repeat) ") {
                return Ok(());
            }
            let words =
                format!("{} on {}, after {} on {}: {words:?}", second.job, second.channel, first.job, first.channel);
            broken(Broken::UnexcusedRepeat, words)
        }
        more => broken(Broken::ThirdText, format!("lead {}: {} texts", seen.lead.code, more.len())),
    }
}

fn notes(seen: &Seen<'_>) -> Verdict {
    let mut keys = seen.truth.note_keys();
    let (all, twice) = (keys.len(), usize::from(seen.lead.provisional_at.is_some() && seen.lead.label.is_some()));
    let news = seen.jobs.iter().filter(|job| job.kind == "crm_note" && job.payload.contains("\"news\":{")).count();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < all || all > twice + 1 + news {
        return broken(Broken::DoubledNote, format!("lead {}: {all} notes, {} keys", seen.lead.code, keys.len()));
    }
    Ok(())
}

/// A chain that begins again, because its first text surely never left, may come to its end again.
fn tasks(seen: &Seen<'_>) -> Verdict {
    let mut keys = seen.truth.task_keys();
    let (all, jobs) = (keys.len(), seen.jobs.iter().filter(|job| job.kind == "crm_task").count());
    let ended = |job: &&JobRow| job.kind == "escalate" && matches!(job.state.as_str(), "done" | "dead");
    let ends = seen.jobs.iter().filter(ended).count();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < all || all > jobs || jobs > ends {
        let words = format!("lead {}: {all} tasks of {jobs} jobs, {} keys, {ends} ends", seen.lead.code, keys.len());
        return broken(Broken::DoubledTask, words);
    }
    Ok(())
}

/// No task is there twice.
fn keys(seen: &Seen<'_>) -> Verdict {
    let mut keys = seen.truth.task_keys();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < all { broken(Broken::DoubledTask, format!("{all} tasks, {} keys", keys.len())) } else { Ok(()) }
}

fn leases(seen: &Seen<'_>, most_jobs: usize) -> Verdict {
    let questions = seen.jobs.iter().filter(|job| job.kind == "classify").count();
    if questions > MOST_QUESTIONS || seen.jobs.len().saturating_sub(questions) > most_jobs {
        return broken(Broken::HotLoop, format!("lead {} has {} jobs", seen.lead.code, seen.jobs.len()));
    }
    for job in seen.jobs {
        let open: Vec<u32> = seen
            .attempts
            .iter()
            .filter(|row| row.job_id == job.id && row.ended_at.is_none())
            .map(|row| row.attempt_id)
            .collect();
        let want: &[u32] = if job.state == "leased" { &[job.attempts] } else { &[] };
        if open != want {
            return broken(Broken::Lease, format!("{} {} is {}, open attempts {open:?}", job.kind, job.id, job.state));
        }
        let throttled =
            seen.attempts.iter().filter(|row| row.job_id == job.id && row.outcome.as_deref() == Some("throttled"));
        if job.attempts > MOST_TRIES || (job.attempts as usize > MOST_THROTTLED && throttled.count() > MOST_THROTTLED) {
            return broken(Broken::HotLoop, format!("{} {}: {} tries", job.kind, job.id, job.attempts));
        }
    }
    Ok(())
}

/// Once every channel has refused a text for good, one after the other, nobody is asked again; a label that comes later
/// is another text.
fn refusals(seen: &Seen<'_>) -> Verdict {
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    for leg in seen.jobs.iter().filter(|job| job.kind == "sms") {
        let in_a_row = rows.entry(loops::thread(leg)).or_default();
        let last = seen.attempts.iter().find(|row| row.job_id == leg.id && row.attempt_id == leg.attempts);
        let refused = last.is_some_and(|row| row.outcome.as_deref() == Some("permanent"));
        let before = if leg.payload.contains("\"leg\":0,") { 0 } else { *in_a_row };
        *in_a_row = if refused { before + 1 } else { 0 };
        if *in_a_row > MOST_CHANNELS {
            return broken(Broken::HotLoop, format!("lead {}: refused {in_a_row} times in a row", seen.lead.code));
        }
    }
    Ok(())
}

fn spam(seen: &Seen<'_>) -> Verdict {
    if seen.lead.label != Some(Label::Spam) || seen.lead.provisional_at.is_some() {
        return Ok(());
    }
    match seen.jobs.iter().find(|job| matches!(job.kind.as_str(), "sms" | "crm_note" | "crm_task")) {
        Some(job) => broken(Broken::SpamActed, format!("{} {}", job.kind, job.id)),
        None => Ok(()),
    }
}

fn settled(seen: &Seen<'_>) -> Verdict {
    let open = seen.jobs.iter().find(|job| is_open(job));
    match (seen.lead.settled_at, open) {
        (Some(_), Some(job)) => {
            broken(Broken::Settled, format!("lead {} is settled, {} {} is open", seen.lead.code, job.kind, job.id))
        }
        (None, None) => broken(Broken::Settled, format!("lead {} is not settled, nothing is open", seen.lead.code)),
        _ => Ok(()),
    }
}

/// The values that stay in the CRM are those of the lead's last write, if that was done.
fn last_write(world: &World, lead: &Lead, jobs: &[JobRow]) -> Verdict {
    let Some(last) = jobs.iter().rfind(|job| job.kind == "crm_update").filter(|job| job.state == "done") else {
        return Ok(());
    };
    let wanted = match serde_json::from_str::<Task>(&last.payload).unwrap() {
        Task::CrmUpdate(update) => update,
        other => panic!("{other:?} in a crm_update"),
    };
    let writes = || {
        world.truth(lead.id).into_iter().flat_map(|truth| &truth.deeds).filter_map(|(at, deed)| match &deed.what {
            What::Write(update) => Some((at, deed, update)),
            What::Text(_) | What::Note(_) | What::Task(_) => None,
        })
    };
    let Some((_, stays, update)) = writes().rfind(|(_, _, update)| update.priority.is_some()) else { return Ok(()) };
    // Two writes on the wire at once may overtake each other; nobody can help that here.
    let overlap = writes().any(|(at, deed, _)| deed.job != stays.job && *at > stays.began);
    if wanted.priority.is_none() || update.priority == wanted.priority || overlap {
        return Ok(());
    }
    broken(Broken::StaleWrite, format!("lead {}: {update:?} stays, {wanted:?} was meant", lead.code))
}
