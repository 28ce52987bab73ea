//! Every answer of the intake, as senders get it from the real binary, and what each leaves behind.
//!
//! `refusals` is the table of answers; `signatures` and `schemes` who is believed; `payloads` what is read from a body,
//! `kinds` the same for every kind of source; `again` how a refused or unreadable request becomes a lead after all;
//! `crowds` many requests at once.

mod again;
mod crowds;
mod kinds;
mod payloads;
mod refusals;
mod schemes;
mod signatures;
