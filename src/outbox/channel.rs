//! A channel's breaker: what one outcome does to it. Pure but for the row it reads and writes.
//!
//! A refused key opens it at once, failures in a row open it after a while, a rate limit parks it until the peer says.
//! An open breaker lets one probe through when its time has come; any answer that is not trouble closes it.

use std::time::Duration;

use crate::model::{Channel, Fault, Timestamp};
use crate::store::{ChannelRow, ChannelState, StoreError, Tx};

/// The longest pause between probes of a broken channel.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A peer that refuses with "again in 0 seconds" is not asked in a circle: this long first, doubling while it refuses.
const SHORTEST_PARK: Duration = Duration::from_secs(1);
/// No park is longer, whatever a peer says: a day's limit ends within a day.
const LONGEST_PARK: Duration = Duration::from_hours(25);
/// A park of this length is worth an alert: people wonder why nothing moves.
const LONG_PARK: Duration = Duration::from_mins(10);

/// When a breaker opens, and for how long at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub opens_after: u32,
    /// The first pause; it doubles with each failed probe.
    pub pause: Duration,
}

/// What a channel lets through now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Admission {
    /// Everything.
    All,
    /// One probe.
    Probe,
    /// Nothing before this time.
    Nothing(Timestamp),
}

/// What the channel lets through.
pub(super) fn admission(row: Option<&ChannelRow>, now: Timestamp) -> Admission {
    match row {
        None => Admission::All,
        // Written under a clock that was far ahead: its time can't be meant.
        Some(row) if row.until > now.after(LONGEST_PARK) => Admission::All,
        Some(row) => match row.state {
            ChannelState::Open | ChannelState::Parked if row.until > now => Admission::Nothing(row.until),
            ChannelState::Open => Admission::Probe,
            ChannelState::Closed | ChannelState::Parked => Admission::All,
        },
    }
}

/// The channel after a failure that speaks against it; `None` when the failure doesn't.
fn after(
    row: Option<&ChannelRow>,
    channel: &Channel,
    fault: Fault,
    reason: &str,
    settings: BreakerSettings,
    now: Timestamp,
) -> Option<ChannelRow> {
    let failures = row.map_or(0, |row| row.failures).saturating_add(1);
    let open = |doublings: u32| {
        let pause =
            settings.pause.saturating_mul(1_u32.checked_shl(doublings.min(20)).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
        (ChannelState::Open, now.after(pause))
    };
    let (state, until) = match fault {
        Fault::Auth => open(failures.saturating_sub(1)),
        Fault::Throttled { until } if until < now.after(SHORTEST_PARK) => {
            let pause = SHORTEST_PARK.saturating_mul(1_u32.checked_shl(failures.min(20)).unwrap_or(u32::MAX));
            (ChannelState::Parked, now.after(pause.min(LONGEST_PAUSE)))
        }
        Fault::Throttled { until } => (ChannelState::Parked, until.min(now.after(LONGEST_PARK))),
        Fault::Transient | Fault::Unknown if failures >= settings.opens_after => {
            open(failures.saturating_sub(settings.opens_after))
        }
        Fault::Transient | Fault::Unknown => (ChannelState::Closed, now),
        Fault::Permanent | Fault::Crash => return None,
    };
    Some(ChannelRow { channel: channel.clone(), state, until, failures, reason: reason.to_owned() })
}

/// The channel gave a sound answer.
pub(super) fn worked(tx: Tx<'_>, channel: &Channel, now: Timestamp) -> Result<(), StoreError> {
    if tx.clear_channel(channel)? {
        tx.clear_alert(&alert_key(channel), now)?;
    }
    Ok(())
}

/// Until when this failure opens the channel's breaker, if it does.
pub(super) fn opens(
    tx: Tx<'_>,
    channel: &Channel,
    fault: Fault,
    settings: BreakerSettings,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let next = after(tx.channel(channel)?.as_ref(), channel, fault, "", settings, now);
    Ok(next.filter(|row| row.state == ChannelState::Open).map(|row| row.until))
}

/// The channel failed; the breaker and the alerts hear of it.
pub(super) fn failed(
    tx: Tx<'_>,
    channel: &Channel,
    fault: Fault,
    reason: &str,
    cure: Option<&str>,
    settings: BreakerSettings,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = tx.channel(channel)?;
    let Some(next) = after(row.as_ref(), channel, fault, reason, settings, now) else {
        return worked(tx, channel, now);
    };
    tx.set_channel(&next, now)?;
    let (told, cure) = match (fault, next.state) {
        (Fault::Auth, _) => {
            (true, cure.unwrap_or("replace the credential and restart; waiting jobs go on by themselves"))
        }
        (_, ChannelState::Open) => (
            true,
            cure.unwrap_or("it is tried again by itself; if it lasts, see whether the vendor or the network is down"),
        ),
        (_, ChannelState::Parked) => {
            (next.until.since(now) >= LONG_PARK, "nothing: it goes on by itself when the limit is lifted")
        }
        (_, ChannelState::Closed) => (false, ""),
    };
    if told {
        tx.alert(&alert_key(channel), &format!("{channel} is {}: {reason}", next.state.name()), cure, now)?;
    }
    Ok(())
}

pub(super) fn alert_key(channel: &Channel) -> String {
    format!("channel:{channel}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lane;

    #[test]
    fn breakers() {
        let now = Timestamp::from_millis(0);
        let channel = Channel::new(Lane::Crm, "hubspot");
        let settings = BreakerSettings { opens_after: 3, pause: Duration::from_secs(30) };
        let until = now.after(Duration::from_secs(7));
        let mut row = None;
        for (name, fault, want) in [
            ("first failure", Fault::Transient, Admission::All),
            ("second", Fault::Unknown, Admission::All),
            ("third opens", Fault::Transient, Admission::Nothing(now.after(Duration::from_secs(30)))),
            ("failed probe doubles", Fault::Transient, Admission::Nothing(now.after(Duration::from_mins(1)))),
            ("parked", Fault::Throttled { until }, Admission::Nothing(until)),
        ] {
            row = after(row.as_ref(), &channel, fault, "why", settings, now);
            assert_eq!(admission(row.as_ref(), now), want, "{name}");
        }
        assert_eq!(admission(row.as_ref(), until), Admission::All, "a park ends for all");
        let at_once = after(None, &channel, Fault::Throttled { until: now }, "why", settings, now);
        assert_eq!(
            admission(at_once.as_ref(), now),
            Admission::Nothing(now.after(Duration::from_secs(2))),
            "not a circle"
        );
        let refused = after(None, &channel, Fault::Auth, "why", settings, now);
        assert_eq!(admission(refused.as_ref(), now.after(Duration::from_secs(30))), Admission::Probe);
        assert!(after(None, &channel, Fault::Permanent, "why", settings, now).is_none());
    }
}
