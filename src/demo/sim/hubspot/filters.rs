//! The filters of a search: `Filter` and `FilterGroup` of the specification, and what those over notes or tasks mean.

use serde_json::Value;

use super::super::at;
use super::super::http::Answer;
use super::notes::Kind;
use super::{Note, mistake};

/// Every operator of a filter.
const OPERATORS: [&str; 13] = [
    "BETWEEN",
    "CONTAINS_TOKEN",
    "EQ",
    "GT",
    "GTE",
    "HAS_PROPERTY",
    "IN",
    "LT",
    "LTE",
    "NEQ",
    "NOT_CONTAINS_TOKEN",
    "NOT_HAS_PROPERTY",
    "NOT_IN",
];

/// Keys of a filter.
const KEYS: [&str; 5] = ["highValue", "operator", "propertyName", "value", "values"];

/// The filters, in groups of which one must hold: at most five groups of six filters.
pub(super) fn filter_groups(body: &Value) -> Result<Vec<Vec<Value>>, Answer> {
    let Some(groups) = body.get("filterGroups") else { return Ok(Vec::new()) };
    let groups = groups.as_array().filter(|groups| groups.len() <= 5);
    let groups = groups.ok_or_else(|| mistake("'filterGroups' is an array of at most five"))?;
    let filters = |group: &Value| {
        let filters = at(group, "/filters").as_array().filter(|filters| (1..=6).contains(&filters.len()));
        let filters = filters.ok_or_else(|| mistake("a filter group needs one to six 'filters'"))?;
        for filter in filters {
            let operator = at(filter, "/operator").as_str().unwrap_or_default();
            if !OPERATORS.contains(&operator) || at(filter, "/propertyName").as_str().is_none_or(str::is_empty) {
                return Err(mistake("a filter needs 'propertyName' and a known 'operator'"));
            }
            let one = matches!(
                operator,
                "EQ" | "NEQ" | "GT" | "GTE" | "LT" | "LTE" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN"
            );
            if one && !at(filter, "/value").is_string() {
                return Err(mistake("a filter's 'value' is a string"));
            }
            if let Some(unknown) =
                filter.as_object().and_then(|filter| filter.keys().find(|key| !KEYS.contains(&key.as_str())))
            {
                return Err(mistake(format!("unknown key '{unknown}' of a filter")));
            }
        }
        Ok(filters.clone())
    };
    groups.iter().map(filters).collect()
}

/// Whether all filters of any group hold.
pub(super) fn any_group(groups: &[Vec<Value>], holds: impl Fn(&Value) -> Result<bool, Answer>) -> Result<bool, Answer> {
    for group in groups {
        let mut all = true;
        for filter in group {
            all &= holds(filter)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a filter holds for a note or a task.
pub(super) fn holds(kind: &Kind, note: &Note, filter: &Value) -> Result<bool, Answer> {
    let value = at(filter, "/value").as_str().unwrap_or_default();
    match (
        at(filter, "/propertyName").as_str().unwrap_or_default(),
        at(filter, "/operator").as_str().unwrap_or_default(),
    ) {
        ("associations.contact", "EQ") => Ok(note.contacts.iter().any(|id| id == value)),
        (name, "CONTAINS_TOKEN") if name == kind.body => Ok(has_token(&note.body, value)),
        ("hs_object_id", "EQ") => Ok(note.id == value),
        (name, operator) => Err(mistake(format!("this simulator can't search for {name} {operator}"))),
    }
}

/// Tokens are runs of letters and digits; the words looked for must stand side by side. `*` at an end is a wildcard.
fn has_token(body: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| !c.is_alphanumeric());
        split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let (front, back) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let (have, want) = (words(body), words(wanted));
    if want.is_empty() {
        return false;
    }
    let last = want.len().saturating_sub(1);
    let fits = |(at, (have, want)): (usize, (&String, &String))| {
        (have == want)
            || (at == 0 && front && have.ends_with(want.as_str()))
            || (at == last && back && have.starts_with(want.as_str()))
    };
    have.windows(want.len()).any(|run| run.iter().zip(&want).enumerate().all(fits))
}
