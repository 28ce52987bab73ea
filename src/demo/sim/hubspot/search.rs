//! Searching contacts by what their properties hold.
//!
//! `PublicObjectSearchRequest` of the specification; a sort is a name or, as the documentation has it, an object. Times are
//! compared as milliseconds since 1970, ids as numbers. A contact is found once the index knows it, and never beyond the ten
//! thousandth result.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::at;
use super::super::http::{Answer, Seen};
use super::contacts::DEFAULT;
use super::filters::{any_group, filter_groups};
use super::notes::{paged, question};
use super::{Contact, HubSpot, mistake};

/// Results end here, whatever the paging.
const MAX_RESULTS: usize = 10_000;

impl HubSpot {
    pub(super) fn search_contacts(&self, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        let (body, limit, after, asked) = question(seen)?;
        let groups = filter_groups(&body)?;
        let sort = self.sort(at(&body, "/sorts"))?;
        if after.saturating_add(limit) > MAX_RESULTS {
            return Err(mistake("a search ends after 10000 results"));
        }
        let mut hits = Vec::new();
        for (id, contact) in self.contacts.iter().filter(|(_, contact)| contact.made.elapsed() >= self.search_lag) {
            if groups.is_empty() || any_group(&groups, |filter| self.holds(id, contact, filter))? {
                hits.push((id, contact));
            }
        }
        let compared = |a: &(&String, &Contact), b: &(&String, &Contact)| {
            let value = |(id, contact): &(&String, &Contact)| self.value(id, contact, &sort.0).unwrap_or_default();
            let order = compare(&value(a), &value(b));
            if sort.1 { order.reverse() } else { order }
        };
        hits.sort_by(compared);
        let asked = if asked.is_empty() { DEFAULT.map(str::to_owned).to_vec() } else { asked };
        let page: Vec<Value> =
            hits.iter().skip(after).take(limit).map(|(id, _)| self.contact_json(id, &asked)).collect();
        let end = after.saturating_add(page.len());
        let answer = json!({ "total": hits.len(), "results": page });
        Ok(Answer::new(200, paged(answer, (end < hits.len()).then(|| end.to_string()))))
    }

    /// By which property, and whether from its highest value down.
    fn sort(&self, sorts: &Value) -> Result<(String, bool), Answer> {
        let sorts = sorts.as_array().filter(|sorts| sorts.len() <= 1);
        let sorts = sorts.ok_or_else(|| mistake("'sorts' is an array of at most one"))?;
        let Some(sort) = sorts.first() else { return Ok(("createdate".to_owned(), false)) };
        let (name, direction) = match sort {
            Value::String(name) => (name.as_str(), "ASCENDING"),
            sort => (
                at(sort, "/propertyName").as_str().unwrap_or_default(),
                at(sort, "/direction").as_str().unwrap_or_default(),
            ),
        };
        if !self.properties.contains_key(name) || !["ASCENDING", "DESCENDING"].contains(&direction) {
            return Err(mistake("a sort needs a known 'propertyName' and a 'direction'"));
        }
        Ok((name.to_owned(), direction == "DESCENDING"))
    }

    fn holds(&self, id: &str, contact: &Contact, filter: &Value) -> Result<bool, Answer> {
        let text = |key: &str| at(filter, key).as_str().unwrap_or_default();
        let (name, operator, value) = (text("/propertyName"), text("/operator"), text("/value"));
        let Some(property) = self.properties.get(name) else {
            return Err(mistake(format!("there is no property '{name}' to search for")));
        };
        let is_number = name == "hs_object_id" || *at(property, "/type") == "datetime";
        if is_number && !matches!(operator, "HAS_PROPERTY" | "NOT_HAS_PROPERTY") && value.parse::<i64>().is_err() {
            return Err(mistake(format!("'{name}' is compared with a number, as text")));
        }
        let held = self.value(id, contact, name);
        let order = held.as_deref().map(|held| compare(held, value));
        Ok(match operator {
            "EQ" => order == Some(Ordering::Equal),
            "NEQ" => order.is_some_and(Ordering::is_ne),
            "GT" => order.is_some_and(Ordering::is_gt),
            "GTE" => order.is_some_and(Ordering::is_ge),
            "LT" => order.is_some_and(Ordering::is_lt),
            "LTE" => order.is_some_and(Ordering::is_le),
            "HAS_PROPERTY" => order.is_some(),
            "NOT_HAS_PROPERTY" => order.is_none(),
            other => return Err(mistake(format!("this simulator can't search contacts by {other}"))),
        })
    }

    /// What is compared: times in milliseconds.
    fn value(&self, id: &str, contact: &Contact, name: &str) -> Option<String> {
        let text = match name {
            "hs_object_id" => return Some(id.to_owned()),
            "createdate" => contact.created.to_string(),
            "lastmodifieddate" => contact.updated.to_string(),
            _ => contact.properties.get(name)?.clone(),
        };
        let is_time = self.properties.get(name).is_some_and(|property| *at(property, "/type") == "datetime");
        let millis = text.parse::<Timestamp>().ok().filter(|_| is_time).map(|at| at.as_millisecond().to_string());
        Some(millis.unwrap_or(text))
    }
}

/// Numbers by their value, all else as texts.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}
