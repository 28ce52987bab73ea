//! Writing what was done into the CRM: class and priority at once, the note when everything else ended.
//!
//! One file per vendor; each is an [`Effect`](crate::model::Effect) that the outbox calls, so no further trait stands
//! between them. `note` has the words, which are the same for every vendor. Nothing here decides what is written or
//! when (that is `route`), and nothing retries (that is `outbox`).

pub mod hubspot;
pub mod note;

use std::fmt;
use std::sync::Arc;

use crate::model::{Contact, CrmRead, Failure, NewLead, Work};

type Judge = dyn Fn(&CrmRead, Contact, &Work) -> Result<NewLead, Failure> + Send + Sync;

/// What a contact is as a lead. `app` gives it: what an address or a number is, is `sanitize`'s to say, and what tells a
/// duplicate is `intake`'s.
#[derive(Clone)]
pub struct AsLead(Arc<Judge>);

impl AsLead {
    /// Judged by this.
    pub fn new(judge: impl Fn(&CrmRead, Contact, &Work) -> Result<NewLead, Failure> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// The lead that a contact is.
    fn of(&self, read: &CrmRead, contact: Contact, work: &Work) -> Result<NewLead, Failure> {
        (self.0)(read, contact, work)
    }
}

impl fmt::Debug for AsLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsLead")
    }
}
