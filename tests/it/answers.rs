//! Every answer of the intake, as senders get it from the real binary, and what each leaves behind.
//!
//! `refusals` is the table of answers; `signatures` and `schemes` who is believed; `payloads` what is read from a body; `again` how a
//! refused or unreadable request becomes a lead after all; `crowds` many requests at once.

mod again;
mod crowds;
mod payloads;
mod refusals;
mod schemes;
mod signatures;
