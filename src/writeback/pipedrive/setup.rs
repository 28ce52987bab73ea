//! What `nightdesk check` asks of Pipedrive: the token and the fields; and making the fields.
//!
//! Called by the CLI only. A field's key is Pipedrive's to choose, so a field that was made is told with its key, for a person
//! to put into the configuration; one of the same name that exists is told the same way and not made again.
//! Source: <https://developers.pipedrive.com/docs/api/v1/PersonFields>.

use serde_json::{Value, json};

use crate::model::{Failure, Fault, Label};
use crate::wire::Call;

use super::{Pipedrive, answer};

/// Where the fields of persons are.
const FIELDS: &str = "/api/v2/personFields";
/// Types of fields that take a text.
const TEXTS: [&str; 3] = ["varchar", "varchar_auto", "text"];
/// What the fields are called that we make.
const CLASSIFICATION: &str = "Automatic classification";
const PRIORITY: &str = "High priority";

impl Pipedrive {
    /// What is wrong between us and this account, or nothing.
    pub(super) async fn verify_account(&self) -> Vec<Failure> {
        if let Err(failure) = self.ask(Call::get(self.url("/v1/users/me"))).await {
            return vec![failure];
        }
        let values = Label::ALL.map(|label| self.value_of(label));
        let settings = &self.settings;
        let classification = self.verify_field(&settings.classification_property, &values).await;
        let priority = match &settings.priority_property {
            Some(key) => self.verify_field(key, &["true".into()]).await,
            None => None,
        };
        let message = match &settings.message_property {
            Some(key) => self.verify_field(key, &["what a prospect wrote".into()]).await,
            None => None,
        };
        [classification, priority, message].into_iter().flatten().collect()
    }

    async fn verify_field(&self, key: &str, values: &[Value]) -> Option<Failure> {
        match self.ask(Call::get(self.url(&format!("{FIELDS}/{key}")))).await {
            Ok(field) => misfit(key, values, &field),
            Err(failure) if failure.fault == Fault::Permanent => {
                let reason = format!("Pipedrive's persons have no field {key}");
                let cure = "take the key from Company settings, Data fields, Person; \
                            `nightdesk check --create-properties` makes one and tells its key";
                Some(Failure::new(Fault::Permanent, reason).cure(cure))
            }
            Err(failure) => Some(failure),
        }
    }

    /// Makes those fields whose keys lead nowhere, and tells the keys of what it made.
    pub(super) async fn make_fields(&self) -> Vec<Failure> {
        let settings = &self.settings;
        let mut told = Vec::new();
        let fields = [
            (Some(&settings.classification_property), CLASSIFICATION, "classification-property"),
            (settings.priority_property.as_ref(), PRIORITY, "priority-property"),
        ];
        for (key, name, property) in fields {
            let Some(key) = key else { continue };
            match self.ask(Call::get(self.url(&format!("{FIELDS}/{key}")))).await {
                Ok(_) => {}
                Err(failure) if failure.fault == Fault::Permanent => told.push(self.make_field(name, property).await),
                Err(failure) => told.push(failure),
            }
        }
        told
    }

    /// The field of this name, made if there is none.
    async fn make_field(&self, name: &str, property: &str) -> Failure {
        let fields = match self.ask(Call::get(self.url(&format!("{FIELDS}?limit=500")))).await {
            Ok(fields) => fields,
            Err(failure) => return failure,
        };
        let called = |field: &&Value| field.get("field_name").and_then(Value::as_str) == Some(name);
        let known = fields.as_array().into_iter().flatten().find(called).cloned();
        let field = if let Some(field) = known {
            Ok(field)
        } else {
            let body = json!({ "field_name": name, "field_type": "varchar" });
            self.ask(Call::post(self.url(FIELDS)).json(&body)).await
        };
        match field.map(|field| field.get("field_code").and_then(Value::as_str).map(str::to_owned)) {
            Ok(Some(code)) => Failure::new(Fault::Permanent, format!("Pipedrive's field {name:?} has the key {code}"))
                .cure(format!("set {property} = \"{code}\" and check again")),
            Ok(None) => Failure::new(Fault::Permanent, format!("Pipedrive didn't tell the key of the field {name:?}"))
                .cure("take it from Company settings, Data fields, Person"),
            Err(failure) => failure,
        }
    }

    async fn ask(&self, call: Call) -> Result<Value, Failure> {
        let (got, _) = self.exchange(call, self.settings.timeout).await;
        answer::data(got, true)
    }
}

/// Why a field can't take these values, if it can't.
fn misfit(key: &str, values: &[Value], field: &Value) -> Option<Failure> {
    let kind = field.get("field_type").and_then(Value::as_str).unwrap_or_default();
    let ids: Vec<&Value> = field.get("options").and_then(Value::as_array).into_iter().flatten().collect();
    let takes = |value: &Value| match kind {
        "enum" => ids.iter().any(|option| option.get("id") == Some(value)),
        kind => TEXTS.contains(&kind) && value.is_string(),
    };
    let refused: Vec<String> = values.iter().filter(|value| !takes(value)).map(Value::to_string).collect();
    let told: Vec<String> =
        ids.iter().filter_map(|option| Some(format!("{} is {}", option.get("id")?, option.get("label")?))).collect();
    let cure = if kind == "enum" {
        format!("put the ids of its options into values: {}", told.join(", "))
    } else {
        "take a text field, or a single-option field with the ids of its options in values".to_owned()
    };
    let reason = format!("Pipedrive's field {key} is of type {kind:?} and can't hold {}", refused.join(", "));
    (!refused.is_empty()).then(|| Failure::new(Fault::Permanent, reason).cure(cure))
}
