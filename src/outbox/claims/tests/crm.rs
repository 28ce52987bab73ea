//! What the CRM learns of a claim: whose the lead is, and that nobody has taken it. The CRM of these nights keeps what was
//! written, and may be down, silent or without power at the worst moment.

use super::*;
use crate::model::{CrmUpdate, Failure, Fault};
use crate::store::DeadLetterFilter;

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Works,
    /// Nothing is taken.
    Down,
    /// Owners are refused for good.
    RefusesOwners,
    /// Tasks are taken, and nothing is said.
    TakesInSilence,
    /// Tasks are lost, and nothing is said.
    LosesInSilence,
    /// The desk loses its power before a task is sent.
    CutBefore,
    /// Or just after.
    CutAfter,
}

use Mood::{CutAfter, CutBefore, Down, LosesInSilence, RefusesOwners, TakesInSilence, Works};

#[derive(Debug)]
pub(super) struct Crm {
    mood: Mood,
    /// What was written, by the key of its job.
    holds: Vec<(String, String)>,
    /// So much of it was told already.
    told: usize,
}

impl Crm {
    fn write(&mut self, work: &Work) {
        let what = match &work.job.task {
            Task::CrmUpdate(CrmUpdate { label: Some(label), owner: None, .. }) => format!("class {label}"),
            Task::CrmUpdate(CrmUpdate { label: None, owner: Some(id), .. }) => format!("owner {id}"),
            Task::CrmNote(note) => note.news.as_ref().map_or_else(|| "note".to_owned(), |news| news.words.clone()),
            Task::CrmTask(task) => format!("task: {}", task.subject),
            other => panic!("{other:?}"),
        };
        self.holds.push((work.job.key(), what));
    }

    /// Whether the power goes now.
    pub(super) fn loses_power(&mut self, work: &Work) -> bool {
        let cut = matches!(work.job.task, Task::CrmTask(_)) && matches!(self.mood, CutBefore | CutAfter);
        if cut && self.mood == CutAfter {
            self.write(work);
        }
        self.mood = if cut { Works } else { self.mood };
        cut
    }

    pub(super) fn perform(&mut self, work: &Work) -> Outcome {
        let failed = |fault| Outcome::Failed(Failure::new(fault, "the CRM said no").cure("mend it"));
        let (task, owner) = match &work.job.task {
            Task::CrmTask(_) => (true, false),
            Task::CrmUpdate(update) => (false, update.owner.is_some()),
            _ => (false, false),
        };
        let done = Outcome::Done(Done::Crm { id: None });
        match self.mood {
            Down => failed(Fault::Transient),
            RefusesOwners if owner => failed(Fault::Permanent),
            _ if work.look_up_since.is_some() => {
                if self.holds.iter().any(|(key, _)| *key == work.job.key()) {
                    done
                } else {
                    Outcome::Absent
                }
            }
            TakesInSilence | LosesInSilence if task => {
                if self.mood == TakesInSilence {
                    self.write(work);
                }
                failed(Fault::Unknown)
            }
            Works | RefusesOwners | TakesInSilence | LosesInSilence | CutBefore | CutAfter => {
                self.write(work);
                done
            }
        }
    }
}

/// The usual chain; the CRM knows Dana and Lee.
fn known(dana: &str) -> OnCall {
    let step = |name: &str, phone, owner: Option<&str>| {
        let owners = owner.map(|id| (Channel::new(Lane::Crm, "hubspot"), id.to_owned())).into_iter().collect();
        (Person { owners, ..person(name, phone) }, Duration::from_mins(3))
    };
    OnCall::of(vec![step("Dana", DANA, Some(dana)), step("Lee", LEE, Some("8")), step("Boss", BOSS, None)])
}

fn office(mood: Mood) -> Office {
    Office { crm: Some(Crm { mood, holds: Vec::new(), told: 0 }), ..Office::new(known("7")) }
}

impl Office {
    fn be(&mut self, mood: Mood) {
        self.crm.as_mut().unwrap().mood = mood;
    }

    /// What was written since this was asked last.
    fn written(&mut self) -> Vec<String> {
        let crm = self.crm.as_mut().unwrap();
        let new = crm.holds[crm.told..].iter().map(|(_, what)| what.clone()).collect();
        crm.told = crm.holds.len();
        new
    }

    /// Kind, state and result of the jobs that didn't get done.
    fn undone(&mut self) -> Vec<String> {
        let lead = self.leads[0];
        let jobs = self.store.transact(|tx| tx.job_rows(lead)).unwrap();
        let undone = jobs.into_iter().filter(|job| job.kind.starts_with("crm") && job.state != "done");
        undone.map(|job| format!("{} {}: {}", job.kind, job.state, job.result.unwrap_or_default())).collect()
    }

    /// The end of the chain: nobody has answered.
    fn nobody_answers(&mut self) {
        for _ in 0..3 {
            self.wait(180);
        }
    }
}

const TASK: &str = "task: Urgent lead nobody has claimed: ";

#[test]
fn whoever_claims_a_lead_owns_its_record() {
    let mut office = office(Works);
    let code = urgent(&mut office);
    assert_eq!(office.written(), ["class URGENT_BUYER", "note"]);
    office.wait(120);
    office.says(DANA, &code);
    assert_eq!(office.written(), ["owner 7", "claimed by Dana, 2 min after it came in"]);
    office.says(DANA, &code);
    assert_eq!(office.written(), [""; 0], "said twice is claimed once");
    office.says(DANA, &format!("{code} NO"));
    assert_eq!(office.written(), ["given back by Dana"], "whose it was before nobody knows");
    office.says(LEE, &code);
    assert_eq!(office.written(), ["owner 8", "claimed by Lee, 2 min after it came in"]);
    office.says(LEE, &format!("{code} NO"));
    office.says(BOSS, &code);
    assert_eq!(office.written(), ["given back by Lee", "claimed by Boss, 2 min after it came in"]);
}

#[test]
fn an_owner_and_a_class_wait_side_by_side() {
    let mut office = office(Down);
    let code = urgent(&mut office);
    office.says(DANA, &code);
    office.be(Works);
    office.wait(600);
    let mut written = office.written();
    written.sort();
    assert_eq!(written, ["claimed by Dana, 1 s after it came in", "class URGENT_BUYER", "note", "owner 7"]);

    let mut office = self::office(Down);
    let code = urgent(&mut office);
    office.says(DANA, &code);
    office.says(DANA, &format!("{code} NO"));
    office.says(LEE, &code);
    let lead = office.leads[0];
    office.label(lead, Label::TireKicker);
    office.be(Works);
    office.wait(600);
    let written = office.written();
    let values: Vec<&String> =
        written.iter().filter(|what| what.starts_with("class") || what.starts_with("owner")).collect();
    assert_eq!(values.len(), 2, "{written:?}");
    for want in ["class TIRE_KICKER", "owner 8"] {
        assert!(written.iter().any(|what| what == want), "{want}: {written:?}");
    }
}

#[test]
fn an_owner_who_is_refused_costs_no_class_and_is_mended() {
    let mut office = office(RefusesOwners);
    let code = urgent(&mut office);
    office.says(DANA, &code);
    assert_eq!(office.written(), ["class URGENT_BUYER", "note", "claimed by Dana, 1 s after it came in"]);
    assert_eq!(office.undone(), ["crm_update dead: the CRM said no"]);
    office.be(Works);
    office.desk.settings.route.on_call = known("77");
    let (desk, now) = (&mut office.desk, office.now);
    let requeued = office.store.transact(|tx| {
        let letters = tx.dead_letters(&DeadLetterFilter::default())?;
        assert_eq!(letters.len(), 1, "{letters:?}");
        desk.requeue(tx, &letters[0], now)
    });
    assert!(requeued.unwrap());
    office.run();
    assert_eq!(office.written(), ["owner 77"], "as the configuration has it now");
}

#[test]
fn a_lead_that_nobody_claims_is_a_task() {
    let mut office = office(Works);
    let code = urgent(&mut office);
    office.written();
    office.nobody_answers();
    assert_eq!(office.written(), [format!("{TASK}{code}")]);
    office.wait(36_000);
    assert_eq!(office.written(), [""; 0]);
    office.says(LEE, &code);
    assert_eq!(office.written(), ["owner 8", "claimed by Lee, 10 h after it came in"], "late is better than never");
    office.says(LEE, &format!("{code} NO"));
    office.nobody_answers();
    assert_eq!(office.written(), ["given back by Lee".to_owned(), format!("{TASK}{code}")], "it waits again");
}

#[test]
fn a_claim_takes_the_place_of_a_task_that_waits() {
    let claimed = ["crm_task cancelled: the lead was claimed"];
    let looked_up = ["crm_task cancelled: the lead doesn't wait in vain any more"];
    for (name, mood, want, tasks) in [
        ("the CRM is down", Down, &claimed[..], 0),
        ("it may have been written, and wasn't", LosesInSilence, &looked_up[..], 0),
        ("it may have been written, and was", TakesInSilence, &[], 1),
    ] {
        let mut office = office(Works);
        let code = urgent(&mut office);
        office.written();
        office.be(mood);
        office.nobody_answers();
        office.says(DANA, &code);
        office.be(Works);
        office.wait(600);
        assert_eq!(office.undone(), want, "{name}");
        let written = office.written();
        assert_eq!(written.iter().filter(|what| what.starts_with("task")).count(), tasks, "{name}: {written:?}");
        assert!(written.iter().any(|what| what == "owner 7"), "{name}: {written:?}");
    }
}

#[test]
fn a_lead_that_needs_nobody_needs_no_task() {
    let mut office = office(Works);
    urgent(&mut office);
    office.be(Down);
    office.nobody_answers();
    let lead = office.leads[0];
    office.label(lead, Label::TireKicker);
    assert!(office.undone().contains(&"crm_task cancelled: the lead needs nobody any more".to_owned()));
}

#[test]
fn a_task_is_written_once_whenever_the_power_goes() {
    for mood in [CutBefore, CutAfter, TakesInSilence, LosesInSilence] {
        let mut office = office(Works);
        let code = urgent(&mut office);
        office.written();
        office.be(mood);
        office.nobody_answers();
        office.be(Works);
        office.wait(9);
        office.wait(60);
        assert_eq!(office.written(), [format!("{TASK}{code}")], "{mood:?}");
        assert_eq!(office.undone(), [""; 0], "{mood:?}");
    }
}
