//! Questions in SOQL, Salesforce's query language. Ids and texts come from webhooks, so each is quoted here and nowhere else.
//!
//! Source: <https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm>.

use serde_json::Value;

use super::{Salesforce, answer, segment};
use crate::model::{Failure, Fault, Trace, Work};
use crate::wire::Call;
use crate::writeback::{MOST_OF_A_PAGE, too_long, within};

/// A text as SOQL writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

impl Salesforce {
    /// The records that a question finds.
    pub(super) async fn records(&self, question: &str, work: &Work) -> (Result<Vec<Value>, Failure>, Trace) {
        let call = Call::get(self.path(&format!("query?q={}", segment(question)))).up_to(MOST_OF_A_PAGE);
        let (got, trace) = self.exchange(call, within(work)).await;
        let records = got.and_then(|answer| {
            if !answer.is_success() {
                return Err(self.refused(&answer, true));
            }
            if answer.truncated {
                return Err(too_long("Salesforce"));
            }
            let body = answer.json();
            let records = body.as_ref().and_then(|body| body.get("records")?.as_array());
            records.cloned().ok_or_else(|| answer::not_salesforce(&answer, Fault::Transient))
        });
        (records, trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        for (text, want) in [
            ("00Q5", "'00Q5'"),
            ("it's", r"'it\'s'"),
            (r"\' OR Id != '", r"'\\\' OR Id != \''"),
            ("a\nb\r\t\0", r"'a\nb\r\t '"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), want);
        }
    }
}
