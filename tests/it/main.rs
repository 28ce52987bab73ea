//! The tests of the whole program and of the shape of the project, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the verdict; clippy exempts test functions only, not their helpers"
)]

mod answers;
mod classify;
mod cli;
mod contracts;
mod corpora;
mod demo;
mod disk;
mod durability;
mod faults;
mod hostile;
mod kills;
mod layout;
mod limits;
mod mail;
mod modem;
mod night;
mod packaging;
mod people;
mod reconcile;
mod rust;
mod seeds;
mod spine;
mod support;
mod twilio_hooks;
mod unsubscribe;
mod vendors;
