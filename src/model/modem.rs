//! The words for modems: what one is doing, who it is, what the network says became of a text.
//!
//! Shared by `deliver`, which drives the modem, `store`, which keeps them, and `control`, which shows them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What a modem is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModemState {
    /// The port isn't there, or can't be opened.
    Absent,
    /// Its port is being opened.
    Opening,
    /// The opening dialogue is under way.
    Initialising,
    /// The SIM needs a person.
    SimLocked,
    /// No network.
    Searching,
    /// Texts can go out.
    Ready,
    /// It doesn't answer, or not sensibly, and is being brought back.
    Recovering,
}

impl ModemState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Absent,
        Self::Opening,
        Self::Initialising,
        Self::SimLocked,
        Self::Searching,
        Self::Ready,
        Self::Recovering,
    ];

    /// The word for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Opening => "opening",
            Self::Initialising => "initialising",
            Self::SimLocked => "sim-locked",
            Self::Searching => "searching",
            Self::Ready => "ready",
            Self::Recovering => "recovering",
        }
    }
}

/// What the service centre says became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The phone has it.
    Delivered,
    /// Handed on; whether the phone got it can't be confirmed.
    #[serde(rename = "delivered-unconfirmed")]
    Forwarded,
    /// Not yet: more reports follow.
    StillTrying,
    /// It will never be delivered.
    #[serde(rename = "failed-permanent")]
    FailedForGood,
    /// A passing trouble, but the service centre gave up.
    #[serde(rename = "failed-temporary-gave-up")]
    GaveUp,
    /// A status that the specification reserves: not delivered as far as anybody can tell.
    FailedUnknown,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 6] =
        [Self::Delivered, Self::Forwarded, Self::StillTrying, Self::FailedForGood, Self::GaveUp, Self::FailedUnknown];

    /// The word in the database, in JSON and for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Forwarded => "delivered-unconfirmed",
            Self::StillTrying => "still-trying",
            Self::FailedForGood => "failed-permanent",
            Self::GaveUp => "failed-temporary-gave-up",
            Self::FailedUnknown => "failed-unknown",
        }
    }

    /// The phone has it, as far as anybody can tell.
    #[must_use]
    pub const fn has_arrived(self) -> bool {
        matches!(self, Self::Delivered | Self::Forwarded)
    }

    /// Nobody tries any more.
    #[must_use]
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::FailedForGood | Self::GaveUp | Self::FailedUnknown)
    }

    /// Reports may repeat: once delivered stays delivered, otherwise the last word counts.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        if self.has_arrived() { self } else { next }
    }
}

/// Who a modem and its SIM are, as far as they say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `AT+CGMI`.
    pub make: Option<String>,
    /// `AT+CGMM`.
    pub model: Option<String>,
    /// `AT+CGMR`.
    pub firmware: Option<String>,
    /// `AT+CGSN`.
    pub imei: Option<String>,
    /// The SIM's number.
    pub iccid: Option<String>,
}

/// Parts sent by one SIM, and how many it may send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// In the last hour.
    pub hour: u32,
    /// In the last 24 hours.
    pub day: u32,
    /// The most in an hour.
    pub per_hour: u32,
    /// The most in 24 hours.
    pub per_day: u32,
}

/// Everything that is known of a modem right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModemInfo {
    /// Its name in the configuration.
    pub name: String,
    /// The port in use; with `auto`, the one that was found.
    pub port: Option<String>,
    /// What it is doing.
    pub state: ModemState,
    /// Since when.
    pub since: Timestamp,
    /// Why it isn't ready.
    pub reason: Option<String>,
    /// What to do about it.
    pub cure: Option<String>,
    /// What happens next, in words.
    pub next: Option<String>,
    /// Who it is.
    pub identity: Identity,
    /// The network's name.
    pub operator: Option<String>,
    /// How it stands with the network, in words.
    pub registration: Option<String>,
    /// How well it hears the network.
    pub signal_dbm: Option<i16>,
    /// The service centre in use; without one nothing can be sent.
    pub centre: Option<String>,
    /// Places of its memory for texts: used, total.
    pub storage: Option<(u16, u16)>,
    /// It was asked for delivery reports and agreed; `None` before that.
    pub reports: Option<bool>,
    /// A delivery report was seen since the start.
    pub report_seen: bool,
    /// What its SIM has sent.
    pub spent: Spent,
    /// Times its port was opened since the start.
    pub opened: u32,
    /// Texts it took, refused and gave no verdict on since the start.
    pub texts: Tally,
}

/// Texts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The network took them.
    pub sent: u32,
    /// They did not leave.
    pub failed: u32,
    /// Nobody can tell.
    pub unknown: u32,
}

/// Signal strength in bars from 0 to 4, as phones show it.
#[must_use]
pub const fn bars(dbm: i16) -> u8 {
    match dbm {
        -73.. => 4,
        -83..=-74 => 3,
        -93..=-84 => 2,
        -103..=-94 => 1,
        _ => 0,
    }
}

/// The longest a report may be about: older texts are not looked for.
pub const REPORT_WINDOW: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_everywhere() {
        for state in ModemState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for fate in Fate::ALL {
            assert_eq!(serde_json::to_value(fate).unwrap(), fate.name());
        }
    }

    #[test]
    fn delivered_is_never_taken_back() {
        assert_eq!(Fate::Delivered.then(Fate::GaveUp), Fate::Delivered);
        assert_eq!(Fate::StillTrying.then(Fate::Delivered), Fate::Delivered);
        assert_eq!(Fate::GaveUp.then(Fate::Delivered), Fate::Delivered);
    }
}
