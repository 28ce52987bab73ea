//! SMS transfer PDUs as a modem gives and takes them in PDU mode: hex text, service centre address first.
//!
//! Pure codec: the driver encodes what it sends and decodes the reports it hears, `nightdesk modem` shows both to a
//! person. What arrives was written by strangers, so nothing in here may panic, and only what can't be read at all
//! is an error; a field that makes no sense (an impossible date) is left out instead of losing the message.
//! Rules: 3GPP TS 23.040 (transfer layer), TS 23.038 (alphabets), TS 27.005 clause 3.1 (hex form).

mod address;
mod deliver;
mod gsm7;
mod octets;
mod report;
mod submit;
mod time;
mod user_data;

pub use address::{Destination, DestinationError};
pub use deliver::Deliver;
pub use octets::PduError;
pub use report::StatusReport;
pub use submit::{Encoded, SubmitView, TextTooLong, Wish};
pub use time::ServiceTime;
pub use user_data::{Body, Coding, Concat};

use octets::Octets;

/// TP-MTI, the two low bits of the first octet (TS 23.040, 9.2.3.1).
const MTI: u8 = 0x03;
const MTI_SUBMIT: u8 = 0x01;
const MTI_STATUS_REPORT: u8 = 0x02;

/// Any PDU that a modem lists or announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pdu {
    /// A text that came in.
    Deliver(Deliver),
    /// What became of a text that went out.
    Report(StatusReport),
    /// A text of our own, as it lies in the modem's memory.
    Submit(SubmitView),
}

/// Reads one PDU. The reserved message type is read as SMS-DELIVER, as TS 23.040, 9.2.3.1 asks.
///
/// # Errors
/// [`PduError`] says what can't be read; the caller drops the PDU and logs it.
pub fn decode(hex: &str) -> Result<Pdu, PduError> {
    let octets = octets::from_hex(hex)?;
    let mut octets = Octets::new(&octets);
    let smsc = address::service_centre(&mut octets)?;
    let first = octets.one("the first octet")?;
    match first & MTI {
        MTI_SUBMIT => SubmitView::read(smsc, first, &mut octets).map(Pdu::Submit),
        MTI_STATUS_REPORT => StatusReport::read(smsc, &mut octets).map(Pdu::Report),
        _ => Deliver::read(smsc, first, &mut octets).map(Pdu::Deliver),
    }
}

#[cfg(test)]
mod tests;
