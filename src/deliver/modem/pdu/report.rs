//! SMS-STATUS-REPORT: what became of a text that went out (3GPP TS 23.040, 9.2.2.3 and 9.2.3.15).
//!
//! The driver matches it to what it sent by reference and recipient. Delivered means that the phone has it, not that
//! anybody read it. Octets after the status (parameter indicator and what it announces) are ignored.

use super::address;
use super::octets::{Octets, PduError};
use super::time::ServiceTime;
use crate::model::Fate;

/// The fate that TP-ST names. A reserved value among the successes counts as service rejected, as 9.2.3.15 asks.
const fn fate_of(status: u8) -> Fate {
    match status {
        0x00 | 0x02 | 0x10..=0x1F => Fate::Delivered,
        0x01 => Fate::Forwarded,
        0x20..=0x3F => Fate::StillTrying,
        0x40..=0x5F => Fate::FailedForGood,
        0x03..=0x0F | 0x60..=0x7F => Fate::GaveUp,
        0x80..=0xFF => Fate::FailedUnknown,
    }
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The service centre; empty when the PDU names none.
    pub smsc: String,
    /// The reference that `+CMGS` gave for the text.
    pub reference: u8,
    /// Who the text was for; may come in national form although it was sent to `+`.
    pub recipient: String,
    /// When the service centre got the text.
    pub sent: Option<ServiceTime>,
    /// When this fate was decided.
    pub discharged: Option<ServiceTime>,
    /// TP-ST as it came.
    pub status: u8,
}

impl StatusReport {
    /// What the status means.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        fate_of(self.status)
    }

    pub(super) fn read(smsc: String, octets: &mut Octets<'_>) -> Result<Self, PduError> {
        Ok(Self {
            smsc,
            reference: octets.one("the message reference")?,
            recipient: address::peer(octets)?,
            sent: ServiceTime::read(octets)?,
            discharged: ServiceTime::read(octets)?,
            status: octets.one("the status")?,
        })
    }
}
