//! Ways to reach people: a text on a phone, a mail, a case for the support team; and by what addresses are known again.

pub mod addresses;
pub mod mail;
pub mod modem;
pub mod ticket;
pub mod twilio;
