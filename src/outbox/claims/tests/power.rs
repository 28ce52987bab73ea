//! The power goes while a lead waits, in every state in which one can: afterwards its chain goes on to an end, and nobody
//! hears of it twice. Also what goes on while only the modem is gone.

use std::collections::BTreeMap;

use super::*;
use crate::model::oncall::{Hours, Mode};
use crate::route::Ring;
use crate::store::{ChannelRow, ChannelState};

/// Longer than any chain here, with the wait of one that was deferred.
const LONG: Duration = Duration::from_hours(3);

/// A chain with a ring, and digests from the third text on.
pub(super) fn office() -> Office {
    office_with(Hours::always())
}

fn office_with(hours: Hours) -> Office {
    let mut settings = settings(&["modem0"]);
    let channels = settings.route.sms_channels.clone();
    settings.channels.extend(channels.iter().map(|channel| (channel.for_rings(), 1)));
    let ring = Ring { channels, lasts: Duration::from_secs(20), per_hour: 6, per_day: 20 };
    let digest = route::Digest {
        after: 2,
        within: Duration::from_mins(10),
        gather: Duration::from_secs(30),
        late_after: Duration::from_hours(2),
    };
    let mut on_call = OnCall { hours, ..chain() };
    on_call.chain[0].ring = Some(Duration::from_secs(90));
    settings.route = route::Settings { on_call, ring: Some(ring), digest, ..settings.route };
    Office::of(settings)
}

impl Office {
    /// The desk is off for so long.
    fn is_off(&mut self, away: Duration) {
        self.now = self.now.after(away);
        self.restart();
    }

    /// What goes out until every chain is at its end.
    pub(super) fn until_the_end(&mut self) -> Vec<String> {
        let (mut sent, end) = (self.run(), self.now.after(LONG));
        while self.now < end {
            sent.extend(self.wait(15));
        }
        sent
    }

    /// Every lead is claimed, withdrawn, or unanswered with its alert, and nothing waits for it any more.
    pub(super) fn nothing_stalls(&mut self, name: &str) {
        for nth in 0..self.leads.len() {
            let (state, alert, timer) = self.state(nth);
            assert_eq!(alert, state == "unanswered", "{name}: {state}");
            assert!(state != "open" && !timer, "{name}: {state}");
            let lead = self.leads[nth];
            let waits = self.store.transact(|tx| Ok(tx.has_open(lead, "ring")? || tx.has_open(lead, "digest")?));
            assert!(!waits.unwrap(), "{name}: something waits");
        }
    }

    /// How often each person was called for each lead, by texts of its own and by rings.
    fn calls(&self) -> BTreeMap<(String, String), usize> {
        let mut calls = BTreeMap::new();
        for (who, text) in &self.sent {
            let code = text.split(' ').next().unwrap().to_owned();
            if text.contains(" URGENT ") {
                let count: &mut usize = calls.entry((who.clone(), code)).or_default();
                *count = count.saturating_add(1);
            }
        }
        calls
    }
}

/// Brings the first lead of an office into a state.
type Before = fn(&mut Office);

const STATES: [(&str, Before, &str, &[&str]); 9] = [
    ("open", |_| (), "unanswered", &["Dana", "Lee", "Boss"]),
    (
        "passed on",
        |office| {
            let code = office.code(0);
            office.says(DANA, &format!("{code} no"));
        },
        "unanswered",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "called on",
        |office| {
            office.wait(180);
        },
        "unanswered",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "rung",
        |office| {
            assert_eq!(office.wait(90), ["Dana rings by modem"]);
        },
        "unanswered",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "claimed",
        |office| {
            office.says(DANA, "ok");
        },
        "claimed by Dana",
        &["Dana"],
    ),
    (
        "given back",
        |office| {
            office.says(DANA, "ok");
            let code = office.code(0);
            office.says(DANA, &format!("{code} no"));
        },
        "unanswered",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "unanswered",
        |office| {
            office.until_the_end();
        },
        "unanswered",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "claimed late",
        |office| {
            office.until_the_end();
            office.says(LEE, "ok");
        },
        "claimed by Lee",
        &["Dana", "Lee", "Boss"],
    ),
    (
        "withdrawn",
        |office| {
            let lead = office.leads[0];
            office.label(lead, Label::TireKicker);
        },
        "withdrawn",
        &["Dana"],
    ),
];

const AWAY: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(100),
    Duration::from_mins(20),
    Duration::from_hours(2),
    Duration::from_hours(50),
];

#[test]
fn the_power_goes_in_every_state() {
    for (name, before, want, called) in STATES {
        for away in AWAY {
            let name = format!("{name}, {away:?}");
            let mut office = office();
            let code = urgent(&mut office);
            before(&mut office);
            office.is_off(away);
            office.is_off(Duration::from_secs(1));
            office.until_the_end();
            assert_eq!(office.state(0).0, want, "{name}");
            office.nothing_stalls(&name);
            let want: BTreeMap<_, usize> = called.iter().map(|who| (((*who).to_owned(), code.clone()), 1)).collect();
            assert_eq!(office.calls(), want, "{name}");
        }
    }
}

#[test]
fn the_power_goes_while_a_digest_gathers() {
    for away in AWAY {
        let mut office = office();
        urgent(&mut office);
        urgent(&mut office);
        assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
        assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
        office.is_off(away);
        office.is_off(Duration::from_secs(1));
        office.until_the_end();
        office.nothing_stalls(&format!("{away:?}"));
        for nth in 0..4 {
            let code = office.code(nth);
            for who in ["Dana", "Lee", "Boss"] {
                let tells = |(to, text): &&(String, String)| {
                    to == who && [' ', ';', '.'].iter().any(|end| text.contains(&format!("{code}{end}")))
                };
                let told = office.sent.iter().filter(tells).count();
                // After days in which its step went by, Dana needn't know any more.
                let least = usize::from(who != "Dana" || nth < 2 || away < Duration::from_secs(30));
                assert!(
                    (least..=1).contains(&told),
                    "{away:?}: {who} is told of {code} {told} times: {:?}",
                    office.sent
                );
            }
        }
    }
}

#[test]
fn the_power_goes_while_a_lead_is_deferred() {
    for away in AWAY {
        let hours = Hours { open: vec!["wed 12:00-18:00".parse().unwrap()], outside: Mode::Defer, ..Hours::always() };
        let mut office = office_with(hours);
        assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
        office.is_off(away);
        office.is_off(Duration::from_secs(1));
        // When it is on again, it may be a day on which nobody is called.
        let open = office.now.max("2026-11-25T12:00:00Z".parse().unwrap());
        office.until_the_end();
        if away > Duration::from_hours(24) {
            assert_eq!(office.calls().len(), 0, "{away:?}");
            office.now = open;
            office.until_the_end();
        }
        office.nothing_stalls(&format!("{away:?}"));
        assert_eq!(office.calls().values().copied().collect::<Vec<_>>(), [1, 1, 1], "{away:?}: {:?}", office.calls());
    }
}

/// The second death with a job open makes it a dead letter; a lead must not wait for ever for a timer that is one.
#[test]
fn a_chain_whose_timer_dies_is_at_its_end() {
    let mut office = Office::new(chain());
    urgent(&mut office);
    office.dies_twice(Duration::from_mins(3));
    office.nothing_stalls("it died");
    assert_eq!(office.state(0).0, "unanswered");
    let code = office.code(0);
    office.says(LEE, &code);
    assert_eq!(office.state(0), ("claimed by Lee".into(), false, false));

    let hours = Hours { open: vec!["wed 12:00-18:00".parse().unwrap()], outside: Mode::Defer, ..Hours::always() };
    let mut office = Office::new(OnCall { hours, ..chain() });
    office.lead(Label::UrgentBuyer);
    office.dies_twice(Duration::from_hours(1));
    office.nothing_stalls("it died before the chain began");
}

/// The leads of a digest that died are for the next ones in the chain; the digests after it are not held up.
#[test]
fn a_digest_that_dies_holds_up_no_other() {
    let mut office = office();
    urgent(&mut office);
    urgent(&mut office);
    office.lead(Label::UrgentBuyer);
    office.dies_twice(Duration::from_secs(30));
    let third = office.code(2);
    assert_eq!(office.run(), [format!("Lee: {third} URGENT no contact")]);
    let alert = |office: &mut Office| office.store.transact(|tx| tx.alert_text("digest:Dana")).unwrap();
    assert!(alert(&mut office).is_some());
    office.lead(Label::UrgentBuyer);
    let fourth = office.code(3);
    assert_eq!(office.wait(30), [format!("Dana: {fourth} URGENT no contact")]);
    assert_eq!(alert(&mut office), None);
}

impl Office {
    /// What is due then is begun, and the process dies, and once more.
    fn dies_twice(&mut self, after: Duration) {
        self.now = self.now.after(after);
        for _ in 0..2 {
            let (desk, now) = (&mut self.desk, self.now);
            let works = self.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
            assert_eq!(works.len(), 1, "{works:?}");
            self.is_off(Duration::from_secs(1));
        }
    }
}

#[test]
fn a_reply_that_comes_another_way_counts_while_the_modem_is_gone() {
    let mut office = Office::with(chain(), &["modem0", "twilio"]);
    let modem = Channel::new(Lane::Sms, "modem0");
    let row = ChannelRow {
        channel: modem.clone(),
        state: ChannelState::Open,
        until: office.now.after(Duration::from_mins(5)),
        failures: 5,
        reason: "it is unplugged".into(),
    };
    let now = office.now;
    office.store.transact(|tx| tx.set_channel(&row, now)).unwrap();
    let code = urgent(&mut office);
    assert_eq!(office.says(DANA, &format!("{code} ok")), [format!("Dana: {code} is yours. no")]);
    assert_eq!(office.state(0), ("claimed by Dana".into(), false, false));
    let lead = office.leads[0];
    let actions = office.store.transact(|tx| tx.actions(lead)).unwrap();
    let by: Vec<&Channel> =
        actions.iter().filter(|action| matches!(action.task, Task::Sms(_))).map(|action| &action.channel).collect();
    assert!(by.len() == 2 && by.iter().all(|by| **by != modem), "{by:?}");
}
