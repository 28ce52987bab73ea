//! Writing what was done into the CRM: class and priority at once, the note when everything else ended.
//!
//! One file per vendor; each is an [`Effect`] that the outbox calls, and a [`Crm`] that `nightdesk check` asks. Nobody
//! else knows a vendor's name. `note` has the words, which are the same for every vendor. Nothing here decides what is
//! written or when (that is `route`), and nothing retries (that is `outbox`).

pub mod hubspot;
pub mod note;
pub mod salesforce;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{Contact, CrmRead, Effect, Failure, NewLead, Timestamp, Work};

/// A vendor.
pub trait Crm: Effect {
    /// What is wrong between us and the account, or nothing. Changes nothing there.
    fn verify(&self) -> Checked<'_>;

    /// Makes the fields that we write; what exists is left as it is. What failed, or nothing.
    fn create_fields(&self) -> Checked<'_>;
}

/// What `nightdesk check` is told.
pub type Checked<'a> = Pin<Box<dyn Future<Output = Vec<Failure>> + Send + 'a>>;

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

/// What is left of the attempt.
fn within(work: &Work) -> std::time::Duration {
    work.hard_deadline.since(Timestamp::now())
}
