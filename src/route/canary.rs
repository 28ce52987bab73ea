//! The text that tests whether somebody's phone is reached. Pure.

use super::{Settings, sms_to};
use crate::model::oncall::Person;
use crate::model::{LeadId, NewJob, Priority, SmsTask, Task, Timestamp};

/// What the person is answered.
pub const THANKS: &str = "Thank you, your phone is reached.";

/// One text by the first of the person's channels, and by no other: it is that one which is tested. `None` where nothing can
/// text. While a lead waits for the person it doesn't ask for an OK, because that would claim the lead.
#[must_use]
pub fn canary(
    settings: &Settings,
    id: LeadId,
    person: &Person,
    lead_waits: bool,
    deadline_at: Timestamp,
    now: Timestamp,
) -> Option<NewJob> {
    let text = if lead_waits {
        "nightdesk test: answer TEST so that we know your phone is reached."
    } else {
        "nightdesk test: answer OK so that we know your phone is reached. No lead waits."
    };
    let sms = SmsTask { is_test: true, ..sms_to(person, text.to_owned()) };
    let channel = settings.channels_to(&person.phone).first()?.clone();
    let task = Task::Sms(sms);
    Some(NewJob { lead: id, task, channel, priority: Priority::Normal, due_at: now, deadline_at })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::settings;
    use super::super::{Wish, read};
    use super::*;
    use crate::model::oncall::OnCall;
    use crate::model::{Channel, Lane, Layout, RowId};

    #[test]
    fn a_test_goes_by_the_persons_own_channel_and_nothing_takes_over() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let twilio = Channel::new(Lane::Sms, "twilio");
        let dana = Person::new("Dana".into(), "+15551230001".parse().unwrap());
        let lee =
            Person { channels: vec![twilio.clone()], ..Person::new("Lee".into(), "+15551230002".parse().unwrap()) };
        let people = vec![(dana.clone(), Duration::ZERO), (lee.clone(), Duration::ZERO)];
        let settings = Settings { on_call: OnCall::of(people), ..settings() };
        for (name, person, waits, channel, answer, means) in [
            ("everybody's", &dana, false, &settings.sms_channels[0], "OK", Wish::Claim),
            ("her own", &lee, false, &twilio, "OK", Wish::Claim),
            ("a lead waits", &dana, true, &settings.sms_channels[0], "TEST", Wish::Nothing),
        ] {
            let job = canary(&settings, LeadId::new(now, [1; 10]), person, waits, now, now).unwrap();
            let Task::Sms(sms) = &job.task else { panic!("{name}: a text") };
            assert_eq!((&job.channel, sms.failover_at), (channel, None), "{name}");
            assert!(job.task.is_test() && sms.text.contains(&format!("answer {answer} ")), "{name}: {}", sms.text);
            assert_eq!(read(answer).wish, means, "{name}");
            assert_eq!(read(&sms.text).wish, Wish::Nothing, "{name}: a machine that repeats it claims nothing");
            assert_eq!(Layout::of(&sms.text).parts.len(), 1, "{name}");
        }
        let nothing = Settings { sms_channels: Vec::new(), ..settings };
        assert_eq!(canary(&nothing, LeadId::new(now, [1; 10]), &dana, false, now, now), None);
    }
}
