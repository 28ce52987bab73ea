//! What networks report of texts, as the modem's task tells it: parts as they are written, reports whenever they come.
//!
//! A text that is lost is always reported, sooner or later; one that arrived is not always. A report may come before its
//! text is settled, after the process died, and more than once.

use std::time::Duration;

use fastrand::Rng;
use nightdesk::model::{Fate, PartKey, PartReport, SmsPart, TextKey, Timestamp};
use nightdesk::outbox::SharedDesk;
use nightdesk::store::{StoreError, Tx};

use super::world::{Deed, What};

const MODEM: &str = "modem0";
const NUMBER: &str = "+15551230001";

/// What the modem's task tells.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// The network took it then.
    Part(Deed, Timestamp),
    Report(Deed, Fate),
}

impl Told {
    pub(super) const fn deed(&self) -> &Deed {
        match self {
            Self::Part(deed, _) | Self::Report(deed, _) => deed,
        }
    }

    pub(super) fn keep(&self, tx: Tx<'_>, desk: &SharedDesk, now: Timestamp, jitter: f64) -> Result<(), StoreError> {
        let deed = self.deed();
        let key = PartKey { text: TextKey { job: deed.job, generation: deed.generation }, part: 1 };
        match self {
            Self::Part(_, at) => {
                let part = SmsPart {
                    key,
                    total: 1,
                    number: NUMBER.into(),
                    sim: "8901".into(),
                    at: *at,
                    accepted: true,
                    reference: Some(1),
                    fate: None,
                };
                desk.lock().written(tx, MODEM, &part, now, jitter)
            }
            Self::Report(_, fate) => {
                let report = PartReport {
                    at: now,
                    reference: 1,
                    number: NUMBER.into(),
                    status: 0,
                    fate: *fate,
                    sent_at: None,
                    pdu: format!("{} {fate:?}", deed.job),
                    of: Some(key),
                };
                desk.lock().reported(tx, MODEM, &report, now, jitter)
            }
        }
    }
}

/// Whether a modem's part of the world reports on it.
pub(super) fn is_reported(deed: &Deed) -> bool {
    deed.channel.as_str() == "sms:modem0" && matches!(deed.what, What::Text(_))
}

/// What the network will say of a lost text.
pub(super) fn loss(rng: &mut Rng) -> Fate {
    *rng.choice(&[Fate::FailedForGood, Fate::GaveUp, Fate::FailedUnknown]).unwrap()
}

/// The reports that a text will bring, and how long after it was taken.
pub(super) fn reports(deed: &Deed, rng: &mut Rng) -> Vec<(Duration, Fate)> {
    let soon = |rng: &mut Rng| match rng.u8(..10) {
        0 => Duration::from_secs(rng.u64(60..7_200)),
        1..4 => Duration::from_secs(rng.u64(8..60)),
        _ => Duration::from_millis(rng.u64(200..8_000)),
    };
    let mut reports = Vec::new();
    if rng.u8(..4) == 0 {
        reports.push((Duration::from_millis(rng.u64(100..200)), Fate::StillTrying));
    }
    if let Some(fate) = deed.lost {
        reports.push((soon(rng), fate));
    } else if rng.u8(..4) > 0 {
        let after = soon(rng);
        reports.push((after, if rng.u8(..8) == 0 { Fate::Forwarded } else { Fate::Delivered }));
        if rng.u8(..8) == 0 {
            reports.push((after + soon(rng), Fate::GaveUp));
        }
    }
    reports
}
