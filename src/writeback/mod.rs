//! Writing what was done into the CRM: class and priority at once, the note when everything else ended.
//!
//! One file per vendor; each is an [`Effect`](crate::model::Effect) that the outbox calls, so no further trait stands
//! between them. `note` has the words, which are the same for every vendor. Nothing here decides what is written or
//! when (that is `route`), and nothing retries (that is `outbox`).

pub mod hubspot;
pub mod note;
