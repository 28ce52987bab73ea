//! The rules of the claim loop, where a team is on call: nobody is told twice, nobody is forgotten, nobody holds another's.

use std::collections::{BTreeMap, BTreeSet};

use nightdesk::model::{Claim, ClaimState, Lead, LeadId};
use nightdesk::store::{AttemptRow, JobRow, StoreError, Tx};

use super::checker::{Broken, Verdict, broken};
use super::world::Truth;

/// Who held each lead when it was looked at last, and in which round.
pub(super) type Holders = BTreeMap<LeadId, (u32, String)>;

/// What stands in the payload under that name. Reading all of it at each look would cost minutes.
fn field<'p>(job: &'p JobRow, name: &str) -> Option<&'p str> {
    let (_, after) = job.payload.split_once(&format!("\"{name}\":"))?;
    Some(after.split([',', '}']).next()?.trim_matches('"'))
}

/// Which of its lead's texts a leg belongs to.
pub(super) fn thread(leg: &JobRow) -> u32 {
    field(leg, "thread").map_or(0, |thread| thread.parse().unwrap())
}

/// Each text is on the phone once, or once more with its mark after an unknown outcome.
pub(super) fn texts(lead: &Lead, jobs: &[JobRow], attempts: &[AttemptRow], truth: &Truth) -> Verdict {
    let mut threads: BTreeMap<u32, Vec<(String, u32, String)>> = BTreeMap::new();
    for (_, deed, words) in truth.texts() {
        let job = deed.job.to_string();
        let Some(row) = jobs.iter().find(|row| row.id == job) else {
            return broken(Broken::EffectWithoutAttempt, format!("a text of no job: {job}"));
        };
        threads.entry(thread(row)).or_default().push((job, deed.attempt.0, words.to_owned()));
    }
    for (thread, texts) in threads {
        let excuse = |(job, attempt, _): &(String, u32, String)| {
            let mut of = attempts.iter().filter(|row| row.job_id == *job && row.attempt_id == *attempt);
            of.any(|row| row.outcome.as_deref() == Some("unknown"))
        };
        match texts.as_slice() {
            [_] => {}
            [first, (_, _, words)] if excuse(first) && words.starts_with("(repeat) ") => {}
            [_, (_, _, words)] => {
                return broken(Broken::UnexcusedRepeat, format!("lead {}, text {thread}: {words}", lead.code));
            }
            more => return broken(Broken::ThirdText, format!("lead {}, text {thread}: {more:?}", lead.code)),
        }
    }
    Ok(())
}

/// Nobody is called twice in a round, a claim ends the calling, and a lead that one has is no other's.
pub(super) fn claim(lead: &Lead, jobs: &[JobRow], claim: Option<&Claim>, holders: &mut Holders) -> Verdict {
    let Some(claim) = claim else { return Ok(()) };
    let mut called: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let calls = |job: &&JobRow| {
        job.kind == "sms" && field(job, "is_answer") != Some("true") && !job.payload.contains("urgent leads: ")
    };
    for job in jobs.iter().filter(calls) {
        called.entry(field(job, "who").unwrap()).or_default().insert(thread(job));
    }
    if let Some((who, texts)) = called.into_iter().find(|(_, texts)| texts.len() > claim.round as usize) {
        let words = format!("lead {}: {who} by texts {texts:?} in {} rounds", lead.code, claim.round);
        return broken(Broken::CalledTwice, words);
    }
    // One that has just fired finds the claim as it is.
    let waits = |job: &&JobRow| job.kind == "escalate" && job.state == "ready";
    let timers = jobs.iter().filter(waits).count();
    if timers > usize::from(claim.state == ClaimState::Open) {
        return broken(Broken::CalledOn, format!("lead {} is {:?}, {timers} timers", lead.code, claim.state));
    }
    let tasks = jobs.iter().filter(|job| job.kind == "crm_task").count();
    if tasks > claim.round as usize {
        return broken(Broken::DoubledTask, format!("lead {}: {tasks} tasks in {} rounds", lead.code, claim.round));
    }
    let Some(who) = &claim.claimed_by else { return Ok(()) };
    match holders.insert(lead.id, (claim.round, who.clone())) {
        Some((round, other)) if round == claim.round && other != *who => {
            broken(Broken::TwoClaimers, format!("lead {}: {who} after {other}", lead.code))
        }
        _ => Ok(()),
    }
}

/// Every chain comes to an end, and one that ends with nobody is told of.
pub(super) fn at_rest(tx: Tx<'_>, lead: &Lead, jobs: &[JobRow]) -> Result<Verdict, StoreError> {
    let Some(claim) = tx.claim_of(lead.id)? else { return Ok(Ok(())) };
    let alert = tx.alert_text(&format!("unclaimed:{}", lead.id))?.is_some();
    let task = lead.record.is_none() || jobs.iter().any(|job| job.kind == "crm_task");
    Ok(match claim.state {
        ClaimState::Open => broken(Broken::Stalled, format!("lead {} waits for ever", lead.code)),
        ClaimState::Unanswered if !alert || !task => {
            broken(Broken::Stalled, format!("lead {}: nobody has it, alert {alert}, task {task}", lead.code))
        }
        ClaimState::Claimed | ClaimState::Withdrawn if alert => {
            broken(Broken::Stalled, format!("lead {} is {:?}, and an alert says otherwise", lead.code, claim.state))
        }
        ClaimState::Unanswered | ClaimState::Claimed | ClaimState::Withdrawn => Ok(()),
    })
}
