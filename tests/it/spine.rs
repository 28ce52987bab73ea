//! The whole path through the real binary: what a lead of each class sets off, on the phone, in the CRM, in the database.
//!
//! `classes` is the path itself; `provisional` what happens without a label; `text` what a hostile text can't do;
//! `secrets` that none leaks; `salesforce` another CRM beside HubSpot;
//! `anthropic` another model than OpenAI's; `models` two of them; `oncall` a test of a phone; `lifecycle` start, stop and the database file around it.

mod anthropic;
mod classes;
mod lifecycle;
mod models;
mod oncall;
mod provisional;
pub(crate) mod salesforce;
mod secrets;
mod text;

/// Messages that the simulated model puts into the class whose name begins like this.
pub(crate) const URGENT: &str = "We need 50 units by tomorrow, budget is 20k, please send the contract today";
const CURIOUS: &str = "How does your product compare to others? I am just curious.";
const SUPPORT: &str = "I can't log into my account, the password reset doesn't work";
const SPAM: &str = "We sell SEO backlinks, rank #1 guaranteed, limited offer, unsubscribe here";
