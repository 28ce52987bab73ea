//! What networks report of texts: each word is kept, and what it means for its text follows in the same transaction.
//!
//! Called for the modems' facts. The report about a test text, whose job is in no table, only updates its part.

use crate::model::{PartReport, SmsPart, Timestamp};
use crate::store::{StoreError, Tx};

use super::Desk;

impl Desk {
    /// A modem wrote a part of a text, or knows more of one it wrote.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn written(&mut self, tx: Tx<'_>, modem: &str, part: &SmsPart, now: Timestamp) -> Result<(), StoreError> {
        tx.keep_part(modem, part)?;
        self.tend_spending(tx, modem, now)
    }

    /// A network reported on a part.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn reported(&mut self, tx: Tx<'_>, modem: &str, report: &PartReport) -> Result<(), StoreError> {
        tx.keep_report(modem, report)?;
        if let Some(key) = report.of
            && !tx.report_part(key, report.fate, report.at)?
        {
            tracing::warn!(modem, job_id = %key.text.job, "a report is about a part that was never told of");
        }
        Ok(())
    }
}
