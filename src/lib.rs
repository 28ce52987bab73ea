//! nightdesk: the night desk of a sales team. A lead comes in, is made durable, read, acted on, and written back.
//!
//! This page is the architecture. Data falls through the rooms from 1 to 7; nothing flows back but outcomes.
//!
//! ```text
//!  tunnel ─▶ intake (auth, gate) ─▶ store(inbox) ─▶ sanitize ▶ classify ▶ route ─▶ store(jobs) ─▶ deliver │ writeback
//!                                     ▲ fsync, then 2xx                                              │
//!                                     └───────── store(attempts, results, dead letters) ◀────────────┘
//! ```
//!
//! # Rooms
//!
//! | room | job |
//! | --- | --- |
//! | `main` | argv in, exit code out; the only place that prints an error chain |
//! | `cli` | one file per command; parses and prints, decides nothing |
//! | `app` | wiring: open, bind, spawn each room into one set, drain; sanitise and classify composed as one effect |
//! | `service` | the systemd contract: notify, watchdog, signals, exit codes, failed starts |
//! | `control` | the local socket: requests of the CLI, answered by `app` |
//! | `journal` | tracing to journald or the terminal; field names; redaction |
//! | `wire` | the one outbound HTTP client: TLS roots, deadlines, body cap, `Retry-After` |
//! | `config` | as typed, then as meant; all problems at once; secrets |
//! | `model` | the shared words: lead, job, fault and retry ladder, effect, text layout, number, time; who is on call; what a modem remembers |
//! | `intake` 1 | the listener, its TLS and its limits: one file per auth scheme and per source shape; 2xx only after the commit; the page to unsubscribe |
//! | `sanitize` 2 | hostile markup to clean text: what a person wrote, without what machines put around it |
//! | `classify` 3 | prompt (pure), one file per provider protocol, strict parse |
//! | `route` 4 | pure: from a label to its jobs, which channel is next, what an answer means, what a digest says, what a prospect is mailed and a support team handed |
//! | `store` 5 | the only room that names `SQLite`: rows, views, and the writer that commits in groups |
//! | `outbox` | claim, effect, settle, which model is asked and what that may cost, who may be mailed, delivery reports, whom to call next, whose phone rings and whose is tested; what never arrived is looked for; channels with breaker, parking and limits; `step` is pure |
//! | `deliver` 6 | texts and rings: the GSM modem on a serial port, which brings itself back, and Twilio; mails; cases for the support team: Zendesk, Jira, or a mail; what knows mail addresses again |
//! | `writeback` 7 | CRM fields, notes and tasks, and reading records: what a webhook points to, what never arrived; one file per vendor |
//! | `admin` | health on the loopback listener |
//! | `demo` | simulators as strict as the vendors, for `nightdesk demo` and the tests |
//! | `failpoint` | places where a test may stop the process; empty in a release build |
//!
//! Who may import whom is a test (`tests/it/layout.rs`): `model` imports nothing of ours; `route` and `store` only
//! `model`; the rooms that act (`classify`, `deliver`, `writeback`) never see `store` nor each other; only `app`, `cli`
//! and `demo` may see everything.
//!
//! # Invariants
//!
//! 1. **No acknowledged lead is lost.** A 2xx means that the raw request survives `kill -9` and a power cut.
//! 2. **No effect without a row, no row without an end.** The attempt is written before the effect; every job ends
//!    `done`, `dead` or `cancelled`; settling is conditional on the attempt.
//! 3. **Effectively once.** What may have happened is looked up before it is sent again. Only the modem can't be asked:
//!    there, one repeat, marked as such, never a third.
//! 4. **Bad input never harms**, and a changed payload loses nothing: it is a dead letter, a wrong signature is quarantined.
//! 5. **A lead's text is data**, never instructions, markup, control characters, SQL, a path or a header; it is mailed to
//!    nobody but us.
//! 6. **Speed is part of correctness.** An urgent text waits for nothing but its own channel, and for that at most 30 s.
//! 7. **No model can drop a lead.** Without a label in time a person is told of an unclassified lead.
//! 8. **Secrets are never** in the process list, log, database, error message or repository.
//! 9. **One bad lead is one dead letter**: a panic at once, an aborted process at the second time.
//! 10. **A full disk is survived**: new leads are refused with 503, outcomes still find room.
//! 11. **A wrong clock loses nothing**: signatures that can't be judged for age are held, timers move when it steps.
//! 12. **A webhook that never came is found**: each CRM is asked what it holds that no lead tells of; old ones are told of in
//!     one text.
//! 13. **Spending is bounded.** Texts and models have caps that survive a restart; hitting one is loud, and a person is told.
//!
//! # Deliberately absent
//!
//! A second queue, an in-memory work list, a timer that the database doesn't know of: everything that happens later is a
//! row in `jobs`. Retries inside an effect: it acts once, the outbox decides. An ORM, an actor framework, a plug-in
//! interface: another vendor is one more file in its room. A configuration service, a user database: the file and the
//! socket's permissions are enough for one office.

pub mod admin;
pub mod app;
pub mod classify;
pub mod cli;
pub mod config;
pub mod control;
pub mod deliver;
pub mod demo;
pub mod failpoint;
pub mod intake;
pub mod journal;
pub mod model;
pub mod outbox;
pub mod route;
pub mod sanitize;
pub mod service;
pub mod store;
pub mod wire;
pub mod writeback;
