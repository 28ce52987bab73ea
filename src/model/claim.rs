//! A claim: an urgent lead waits for a person who takes it on.

use super::{LeadCode, LeadId};

/// Whether a person has taken the lead on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// People are being called, one after the other.
    Open,
    /// Somebody took it.
    Claimed,
    /// Everybody was called and nobody took it; it can still be claimed.
    Unanswered,
    /// It needs nobody any more.
    Withdrawn,
}

impl ClaimState {
    /// The word in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Unanswered => "unanswered",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Claimed, Self::Unanswered, Self::Withdrawn];
}

/// One lead that a person is to take on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The lead.
    pub lead: LeadId,
    /// What a person answers with.
    pub code: LeadCode,
    /// Whether somebody took it.
    pub state: ClaimState,
    /// How often the chain was begun again; part of what a timer must match.
    pub round: u32,
    /// The step of the chain that was called last.
    pub step: u32,
    /// Who was called last; nobody, when nobody had duty.
    pub called: Option<String>,
    /// Who took it.
    pub claimed_by: Option<String>,
}
