//! Ways to put a text on a phone, and by what mail addresses are known again.

pub mod addresses;
pub mod modem;
pub mod twilio;
