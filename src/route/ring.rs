//! The ring of a step of the chain: whose phone, when, by what, and what is said to whoever picks up. Pure.

use std::time::Duration;

use super::Settings;
use crate::model::oncall::Turn;
use crate::model::{Channel, Claim, LeadCode, NewJob, Priority, RingTask, Task, Timestamp};

/// How phones are rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Channels for texts that can also call, best first.
    pub channels: Vec<Channel>,
    /// How long a phone rings.
    pub lasts: Duration,
    /// Calls in an hour, over all channels.
    pub per_hour: u32,
    /// Calls in 24 hours, over all channels.
    pub per_day: u32,
}

/// The ring of a turn that has just begun; `None` where the step has none, or is over before it.
#[must_use]
pub fn ring(
    settings: &Settings,
    claim: &Claim,
    turn: Turn<'_>,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<NewJob> {
    let (ring, after) = (settings.ring.as_ref()?, turn.ring?);
    let due_at = now.after(after);
    let deadline_at = if turn.wait.is_zero() { due_at.after(settings.sms_give_up_after) } else { now.after(turn.wait) };
    let channel = ring.channels.iter().find(|channel| usable(channel)).or_else(|| ring.channels.first())?;
    let task = RingTask {
        to: turn.person.phone.clone(),
        who: turn.person.name.clone(),
        round: claim.round,
        step: turn.step,
        words: words(&claim.code),
        lasts_s: u32::try_from(ring.lasts.as_secs()).unwrap_or(u32::MAX),
        refused: Vec::new(),
    };
    (due_at < deadline_at).then(|| NewJob {
        lead: claim.lead,
        task: Task::Ring(task),
        channel: channel.for_rings(),
        priority: Priority::Urgent,
        due_at,
        deadline_at,
    })
}

/// The same ring by the next channel, after `channel` surely could not do it. `None`: each has had its try.
#[must_use]
pub fn ring_elsewhere(
    settings: &Settings,
    ring: &RingTask,
    channel: &Channel,
    usable: &dyn Fn(&Channel) -> bool,
) -> Option<(RingTask, Channel)> {
    let refused: Vec<Channel> = ring.refused.iter().chain([channel]).cloned().collect();
    let left = |known: &&Channel| usable(known) && !refused.contains(&known.for_rings());
    let next = settings.ring.as_ref()?.channels.iter().find(left)?.for_rings();
    Some((RingTask { refused, ..ring.clone() }, next))
}

/// What is said to whoever picks up. Nothing of the lead's own: anybody may listen, and a voicemail keeps it.
fn words(code: &LeadCode) -> String {
    let letters: Vec<String> = code.to_string().chars().map(String::from).collect();
    format!("This is nightdesk. An urgent lead waits: {}. Please answer the text.", letters.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::oncall::Person;
    use crate::model::{ClaimState, Lane, LeadId, RowId};

    const NOW: Timestamp = Timestamp::from_millis(1_732_327_201_000);

    fn settings() -> Settings {
        let settings = super::super::tests::settings();
        let channels = settings.sms_channels.clone();
        let ring = Ring { channels, lasts: Duration::from_secs(20), per_hour: 6, per_day: 20 };
        Settings { ring: Some(ring), ..settings }
    }

    fn claim() -> Claim {
        Claim {
            lead: LeadId::new(NOW, [7; 10]),
            code: LeadCode::of(5),
            state: ClaimState::Open,
            round: 2,
            step: 0,
            called: Some("Dana".into()),
            claimed_by: None,
        }
    }

    #[test]
    fn a_step_rings_within_its_time() {
        let dana = Person::new("Dana".into(), "+15551230001".parse().unwrap());
        let (second, none) = (Duration::from_secs, None::<(u64, u64)>);
        for (name, wait, after, want) in [
            ("no ring", 180, None, none),
            ("after 90 s", 180, Some(90), Some((90, 180))),
            ("the step is over before", 60, Some(90), none),
            ("nobody comes next", 0, Some(90), Some((90, 3_690))),
        ] {
            let turn = Turn { step: 1, person: &dana, wait: second(wait), ring: after.map(second) };
            let job = ring(&settings(), &claim(), turn, &|_| true, NOW);
            let times = job.as_ref().map(|job| (job.due_at.since(NOW).as_secs(), job.deadline_at.since(NOW).as_secs()));
            assert_eq!(times, want, "{name}");
            let Some(NewJob { task: Task::Ring(task), channel, .. }) = job else { continue };
            assert_eq!((task.round, task.step, task.lasts_s, channel.as_str()), (2, 1, 20, "ring:modem0"));
            let letters = LeadCode::of(5).to_string().chars().map(String::from).collect::<Vec<_>>().join(" ");
            assert!(task.words.contains(&format!(" {letters}.")), "{}", task.words);
        }
        let turn = Turn { step: 1, person: &dana, wait: second(180), ring: Some(second(90)) };
        let without = Settings { ring: None, ..settings() };
        assert_eq!(ring(&without, &claim(), turn, &|_| true, NOW), None, "nothing can call");
    }

    #[test]
    fn each_channel_is_tried_once() {
        let dana = Person::new("Dana".into(), "+15551230001".parse().unwrap());
        let turn = Turn { step: 0, person: &dana, wait: Duration::ZERO, ring: Some(Duration::from_secs(1)) };
        let twilio = Channel::new(Lane::Sms, "twilio");
        let job = ring(&settings(), &claim(), turn, &|_| true, NOW).unwrap();
        let Task::Ring(first) = job.task else { panic!("a ring") };
        let (second, channel) = ring_elsewhere(&settings(), &first, &job.channel, &|_| true).unwrap();
        assert_eq!(channel, twilio.for_rings());
        assert_eq!(ring_elsewhere(&settings(), &second, &channel, &|_| true), None);
        assert_eq!(ring_elsewhere(&settings(), &first, &job.channel, &|known| *known != twilio), None, "it is broken");
        let broken = ring(&settings(), &claim(), turn, &|known| *known == twilio, NOW).unwrap();
        assert_eq!(broken.channel, twilio.for_rings());
    }
}
