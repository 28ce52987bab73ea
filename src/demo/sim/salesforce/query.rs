//! Answering a question in SOQL from the org's records; each value must be of its field's kind.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::http::Answer;
use super::soql::{Condition, Literal, Question, read};
use super::{Ask, Field, Kind, Object, Record, Refusal, Salesforce, ids};

fn malformed(words: impl Into<String>) -> Refusal {
    Refusal::new(400, "MALFORMED_QUERY", words).mistake()
}

/// What a record or a question holds, to be compared.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Nothing,
    Truth(bool),
    Day(Date),
    Moment(Timestamp),
    Text(String),
}

impl Salesforce {
    pub(super) fn query(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let text = ask.only("q")?.ok_or_else(|| malformed("there is no q"))?;
        let question = read(text).map_err(malformed)?;
        let object = Object::named(&question.object).ok_or_else(|| {
            let words = format!("sObject type '{}' is not supported.", question.object);
            Refusal::new(400, "INVALID_TYPE", words).mistake()
        })?;
        let mut names = Vec::new();
        for name in &question.fields {
            names.push(self.known(object, name)?.name.clone());
        }
        if let Some(condition) = &question.condition {
            self.check(object, condition)?;
        }
        let mut records: Vec<&Record> =
            self.records.values().filter(|one| one.object == object && !one.deleted).collect();
        if let Some(condition) = &question.condition {
            records.retain(|record| self.holds(record, condition));
        }
        self.order(object, &mut records, &question)?;
        records.truncate(question.limit.unwrap_or(usize::MAX));
        let shown: Vec<Value> = records.iter().map(|record| self.shown(record, &names, &ask.version)).collect();
        Ok(Answer::new(200, json!({ "totalSize": shown.len(), "done": true, "records": shown })))
    }

    fn order(&self, object: Object, records: &mut [&Record], question: &Question) -> Result<(), Refusal> {
        let Some((name, descends)) = &question.order else { return Ok(()) };
        let field = self.known(object, name)?;
        if !field.is_filterable() {
            return Err(malformed(format!("field '{name}' can not be sorted in a query call")));
        }
        records.sort_by(|a, b| {
            let order = thing(field, a).cmp(&thing(field, b));
            if *descends { order.reverse() } else { order }
        });
        Ok(())
    }

    /// Each field exists, may be filtered by, and is compared with something of its kind.
    fn check(&self, object: Object, condition: &Condition) -> Result<(), Refusal> {
        match condition {
            Condition::All(list) | Condition::Any(list) => list.iter().try_for_each(|one| self.check(object, one)),
            Condition::Is { field: name, operator, value } => {
                let field = self.known(object, name)?;
                if !field.is_filterable() {
                    let words = format!("field '{name}' can not be filtered in a query call");
                    return Err(Refusal::new(400, "INVALID_FIELD", words).mistake());
                }
                if field.kind == Kind::Checkbox && !matches!(operator.as_str(), "=" | "!=") {
                    return Err(malformed(format!("'{operator}' is no operator for '{name}'")));
                }
                let is_id = matches!(field.kind, Kind::Id | Kind::Reference);
                match value {
                    Literal::Text(text) if is_id && ids::long(text).is_none() => {
                        let words = format!("invalid ID field: {text}");
                        Err(Refusal::new(400, "INVALID_QUERY_FILTER_OPERATOR", words))
                    }
                    value => literal(field, value).map(drop).ok_or_else(|| {
                        let words = format!("value of filter criterion for field '{name}' is of the wrong type");
                        Refusal::new(400, "INVALID_FIELD", words).mistake()
                    }),
                }
            }
        }
    }

    fn holds(&self, record: &Record, condition: &Condition) -> bool {
        match condition {
            Condition::All(list) => list.iter().all(|one| self.holds(record, one)),
            Condition::Any(list) => list.iter().any(|one| self.holds(record, one)),
            Condition::Is { field, operator, value } => {
                let Some(field) = self.field(record.object, field) else { return false };
                let (has, wants) = (thing(field, record), literal(field, value).unwrap_or(Thing::Nothing));
                let order = has.cmp(&wants);
                // Nothing is neither more nor less than something.
                let is_there = has != Thing::Nothing;
                match operator.as_str() {
                    "=" => order == Ordering::Equal,
                    "!=" => order != Ordering::Equal,
                    "<" => is_there && order == Ordering::Less,
                    "<=" => is_there && order != Ordering::Greater,
                    ">" => is_there && order == Ordering::Greater,
                    _ => is_there && order != Ordering::Less,
                }
            }
        }
    }
}

/// The value of a record's field. Texts are compared whatever their case, ids are not.
fn thing(field: &Field, record: &Record) -> Thing {
    let value = record.value(&field.name, field.kind == Kind::Checkbox);
    match (&field.kind, &value) {
        (Kind::Checkbox, value) => Thing::Truth(value == &json!(true)),
        (Kind::DateTime, _) => Thing::Moment(record.created),
        (Kind::Date, Value::String(text)) => text.parse().map_or(Thing::Nothing, Thing::Day),
        (Kind::Id | Kind::Reference, Value::String(text)) => ids::long(text).map_or(Thing::Nothing, Thing::Text),
        (_, Value::String(text)) => Thing::Text(text.to_lowercase()),
        _ => Thing::Nothing,
    }
}

/// What a literal is for a field of this kind, if it can be compared with it.
fn literal(field: &Field, value: &Literal) -> Option<Thing> {
    match (&field.kind, value) {
        (_, Literal::Bare(word)) if word.eq_ignore_ascii_case("null") => Some(Thing::Nothing),
        (Kind::Checkbox, Literal::Bare(word)) => word.to_lowercase().parse().ok().map(Thing::Truth),
        // A date alone is no moment: a time with its zone is wanted.
        (Kind::DateTime, Literal::Bare(word)) => word.parse().ok().map(Thing::Moment),
        (Kind::Date, Literal::Bare(word)) if word.len() == 10 => word.parse().ok().map(Thing::Day),
        (Kind::Id | Kind::Reference, Literal::Text(text)) => ids::long(text).map(Thing::Text),
        (Kind::Text { .. } | Kind::Picklist { .. }, Literal::Text(text)) => Some(Thing::Text(text.to_lowercase())),
        _ => None,
    }
}
