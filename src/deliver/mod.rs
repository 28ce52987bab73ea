//! Ways to put a text on a phone.

pub mod modem;
pub mod twilio;
