//! SMS-DELIVER: a text that came in (3GPP TS 23.040, 9.2.2.1).
//!
//! Read from what a modem lists or announces. The sender is whoever the network says it is: it can be forged, and may
//! be a name instead of a number.

use super::address;
use super::octets::{Octets, PduError};
use super::time::ServiceTime;
use super::user_data::Body;

/// A text that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// The service centre; empty when the PDU names none.
    pub smsc: String,
    /// The sender: `+` and digits, digits, or a name.
    pub number: String,
    /// It is a name, even if it reads like a number.
    pub is_name: bool,
    /// When the service centre got it.
    pub timestamp: Option<ServiceTime>,
    /// What it says.
    pub body: Body,
}

impl Deliver {
    pub(super) fn read(smsc: String, first: u8, octets: &mut Octets<'_>) -> Result<Self, PduError> {
        let (number, is_name) = address::sender(octets)?;
        let _protocol = octets.one("the protocol identifier")?;
        let coding = octets.one("the coding scheme")?;
        let timestamp = ServiceTime::read(octets)?;
        Ok(Self { smsc, number, is_name, timestamp, body: Body::read(first, coding, octets)? })
    }
}
