//! What `nightdesk check` asks of Salesforce: the token, and whether the fields are there and take what we write.
//!
//! Called by the CLI only; changes nothing. Fields are made by a person, because making one also means saying who may see it,
//! so what is missing comes with what to click. A description shows only what the desk's user may see: a field without
//! permission looks like none. Source:
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm>.

use serde_json::Value;

use crate::model::{Failure, Fault, Label};
use crate::wire::Call;

use super::{Salesforce, answer};
use crate::writeback::fields::value_of;

impl Salesforce {
    /// What is wrong between us and this org, or nothing.
    pub(super) async fn verify_org(&self) -> Vec<Failure> {
        let lead = match self.describe("Lead").await {
            Ok(lead) => lead,
            // The same complaint about each further request would only hide it.
            Err(failure) => return vec![failure],
        };
        let settings = &self.settings;
        let classes = Label::ALL.map(|label| value_of(&self.settings.values, label));
        let found = [
            misfit(&lead, "Lead", "updateable", "edit access to leads"),
            self.class_misfit(&lead, &classes),
            flag_misfit(&lead, &settings.priority_property),
            field(&lead, &settings.message_property)
                .is_none()
                .then(|| missing("Lead", &settings.message_property, "Text Area (Long)")),
            self.task_misfit().await,
        ];
        found.into_iter().flatten().collect()
    }

    async fn describe(&self, object: &str) -> Result<Value, Failure> {
        let call = Call::get(self.path(&format!("sobjects/{object}/describe")));
        // Each question on its own: a session that is over is renewed for each.
        let asked = Self { renewed: std::sync::Arc::default(), ..self.clone() };
        let answer = asked.exchange(call, self.settings.timeout).await.0?;
        if !answer.is_success() {
            return Err(self.refused(&answer, true));
        }
        let body = answer.json().filter(|body| !answer.truncated && body.get("fields").is_some_and(Value::is_array));
        body.ok_or_else(|| answer::not_salesforce(&answer, Fault::Permanent))
    }

    fn class_misfit(&self, lead: &Value, classes: &[&str]) -> Option<Failure> {
        let name = &self.settings.classification_property;
        let Some(field) = field(lead, name) else {
            return Some(missing("Lead", name, &format!("Picklist with the values {}", classes.join(", "))));
        };
        let options = field.get("picklistValues").and_then(Value::as_array).into_iter().flatten();
        let active = options.filter(|option| option.get("active") != Some(&Value::Bool(false)));
        let options: Vec<&str> = active.filter_map(|option| option.get("value")?.as_str()).collect();
        let is_open = field.get("restrictedPicklist") != Some(&Value::Bool(true));
        let lacking: Vec<&str> = classes.iter().copied().filter(|class| !options.contains(class)).collect();
        let longest = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
        match kind(field) {
            "picklist" if lacking.is_empty() || is_open => not_writable(field, name),
            "picklist" => {
                let reason = format!("Salesforce's field Lead.{name} lacks {}", lacking.join(", "));
                let click = "add it: Setup, Object Manager, Lead, Fields & Relationships, the field, Values";
                Some(Failure::new(Fault::Permanent, reason).cure(click))
            }
            "string" | "textarea" if length(field).is_none_or(|length| length >= longest) => not_writable(field, name),
            _ => Some(of_wrong_type(field, name, "Picklist")),
        }
    }

    /// Without a key field nothing of Task is special.
    async fn task_misfit(&self) -> Option<Failure> {
        let name = self.settings.task_key_field.as_ref()?;
        let task = match self.describe("Task").await {
            Ok(task) => task,
            Err(failure) => return Some(failure),
        };
        let Some(field) = field(&task, name) else {
            return Some(missing("Activity", name, "Text of 80 characters, Unique, External ID"));
        };
        if field.get("externalId") != Some(&Value::Bool(true)) {
            let reason = format!("Salesforce's field Activity.{name} is no external id");
            let click =
                "tick External ID and Unique: Setup, Object Manager, Activity, Fields & Relationships, the field";
            return Some(Failure::new(Fault::Permanent, reason).cure(click));
        }
        // A lead's id, the action and its generation.
        let is_text = kind(field) == "string" && length(field).is_none_or(|length| length >= 64);
        if is_text { not_writable(field, name) } else { Some(of_wrong_type(field, name, "Text of 80 characters")) }
    }
}

fn flag_misfit(lead: &Value, name: &str) -> Option<Failure> {
    match field(lead, name) {
        None => Some(missing("Lead", name, "Checkbox")),
        Some(field) if kind(field) == "boolean" => not_writable(field, name),
        Some(field) => Some(of_wrong_type(field, name, "Checkbox")),
    }
}

/// Why an object as a whole can't be written to, if it can't.
fn misfit(described: &Value, object: &str, may: &str, wants: &str) -> Option<Failure> {
    (described.get(may) == Some(&Value::Bool(false))).then(|| {
        let reason = format!("Salesforce doesn't let the desk's user write {object}");
        Failure::new(Fault::Auth, reason).cure(format!("give its permission set {wants} (Object Settings)"))
    })
}

fn not_writable(field: &Value, name: &str) -> Option<Failure> {
    (field.get("updateable") != Some(&Value::Bool(true))).then(|| {
        let reason = format!("Salesforce doesn't let the desk's user write the field {name}");
        Failure::new(Fault::Auth, reason).cure("give its permission set edit access to the field (Object Settings)")
    })
}

fn missing(object: &str, name: &str, kind: &str) -> Failure {
    let reason = format!("Salesforce has no field {object}.{name}, or the desk's user may not see it");
    let label = name.trim_end_matches("__c").replace('_', " ");
    Failure::new(Fault::Permanent, reason).cure(format!(
        "Setup, Object Manager, {object}, Fields & Relationships, New: {kind}, label \"{label}\"; then give the desk's \
         permission set edit access to it"
    ))
}

fn of_wrong_type(field: &Value, name: &str, wanted: &str) -> Failure {
    let reason = format!("Salesforce's field {name} is of type {:?} and can't hold what we write", kind(field));
    Failure::new(Fault::Permanent, reason).cure(format!("configure another field, or make one of type {wanted}"))
}

fn field<'d>(described: &'d Value, name: &str) -> Option<&'d Value> {
    let named = |field: &&Value| {
        field.get("name").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    described.get("fields")?.as_array()?.iter().find(named)
}

fn kind(field: &Value) -> &str {
    field.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn length(field: &Value) -> Option<usize> {
    field.get("length").and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok())
}
