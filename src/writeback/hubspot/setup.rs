//! What `nightdesk check` asks of HubSpot: token, scopes and properties; and making the properties.
//!
//! Called by the CLI only. `verify` changes nothing: it reads the properties, and it reads and writes a contact that can't
//! exist, because HubSpot judges scopes before it looks for the record. Notes and tasks come under the scopes of contacts.
//! Source: <https://developers.hubspot.com/docs/api/crm/properties>.

use serde_json::{Value, json};

use crate::model::{Failure, Fault, Label};
use crate::wire::{Answer, Call};

use super::merged::is_gone;
use super::{HubSpot, answer, segment};
use crate::writeback::fields::value_of;

/// Ids start above it.
const NO_CONTACT: &str = "0";

impl HubSpot {
    /// What is wrong between us and this account, or nothing.
    pub(super) async fn verify_account(&self) -> Vec<Failure> {
        let contact = self.contact_url(NO_CONTACT);
        let change_nothing = json!({ "properties": {} });
        for probe in [Call::get(&contact), Call::patch(&contact).json(&change_nothing).repeatable()] {
            match self.ask(probe).await {
                // Any word about the record or the request means that token and scopes are good.
                Ok(answer) if answer.is_success() || matches!(answer.status, 400 | 404) => {}
                // The same complaint about each further request would only hide it.
                Ok(answer) => return vec![self.refused(&answer, true)],
                Err(failure) => return vec![failure],
            }
        }
        let classes = Label::ALL.map(|label| value_of(&self.settings.values, label));
        let (classification, priority) = (&self.settings.classification_property, &self.settings.priority_property);
        let wrong = match self.property(classification).await {
            Ok(property) => {
                misfit(classification, &classes, &property).into_iter().chain(self.mislabelled(&property)).collect()
            }
            Err(failure) => vec![failure],
        };
        let flag = match self.property(priority).await {
            Ok(property) => misfit(priority, &["true"], &property),
            Err(failure) => Some(failure),
        };
        wrong.into_iter().chain(flag).collect()
    }

    /// A property as HubSpot has it.
    async fn property(&self, name: &str) -> Result<Value, Failure> {
        let answer = self.ask(Call::get(self.url(&format!("/properties/contacts/{}", segment(name))))).await?;
        if answer.is_success() {
            return answer.json().ok_or_else(|| answer::not_hubspot(&answer, Fault::Permanent));
        }
        if is_gone(&answer) {
            let failure = Failure::new(Fault::Permanent, format!("HubSpot's contacts have no property {name}"));
            return Err(failure.cure("create it with `nightdesk check --create-properties`"));
        }
        Err(self.refused(&answer, true))
    }

    /// Whether people see for each class what they are meant to see.
    fn mislabelled(&self, property: &Value) -> Option<Failure> {
        let options: Vec<&Value> = property.get("options").and_then(Value::as_array).into_iter().flatten().collect();
        let label_of = |value: &str| {
            let option = options.iter().find(|option| option.get("value").and_then(Value::as_str) == Some(value))?;
            option.get("label")?.as_str()
        };
        let other = |label: Label| {
            let (want, value) = (self.settings.display.get(&label)?, value_of(&self.settings.values, label));
            let shown = label_of(value).filter(|shown| shown != want)?;
            Some(format!("{value} as {shown:?} and not as {want:?}"))
        };
        let other: Vec<String> = Label::ALL.into_iter().filter_map(other).collect();
        let name = &self.settings.classification_property;
        let reason = format!("HubSpot's property {name} shows {}", other.join(", "));
        let cure = "change the labels of its options in HubSpot, Settings, Properties, or crm.NAME.display here";
        (!other.is_empty()).then(|| Failure::new(Fault::Permanent, reason).cure(cure))
    }

    /// Creates both properties; one that exists is left as it is. What failed, or nothing.
    pub(super) async fn create_properties(&self) -> Vec<Failure> {
        let mut failed = Vec::new();
        for property in [self.classification(), self.priority()] {
            match self.ask(Call::post(self.url("/properties/contacts")).json(&property)).await {
                Ok(answer) if answer.is_success() || answer.status == 409 => {}
                Ok(answer) if answer.status == 403 => {
                    let cure = "give the HubSpot private app the scope crm.schemas.contacts.write";
                    failed.push(self.refused(&answer, true).cure(cure));
                }
                Ok(answer) => failed.push(self.refused(&answer, true)),
                Err(failure) => failed.push(failure),
            }
        }
        failed
    }

    fn classification(&self) -> Value {
        let option = |(label, order): (Label, u32)| {
            let value = value_of(&self.settings.values, label);
            option(self.settings.display.get(&label).map_or(value, String::as_str), value, order)
        };
        let options: Vec<Value> = Label::ALL.into_iter().zip(0..).map(option).collect();
        json!({
            "name": self.settings.classification_property,
            "label": "Automatic classification",
            "description": "What nightdesk took the lead's message for.",
            "type": "enumeration",
            "fieldType": "select",
            "groupName": "contactinformation",
            "options": options,
        })
    }

    fn priority(&self) -> Value {
        json!({
            "name": self.settings.priority_property,
            "label": "High priority",
            "description": "Set by nightdesk when a lead wants to buy now.",
            "type": "bool",
            "fieldType": "booleancheckbox",
            "groupName": "contactinformation",
            "options": [option("Yes", "true", 0), option("No", "false", 1)],
        })
    }

    async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        let (got, _) = self.exchange(call, self.settings.timeout).await;
        got.map_err(|error| error.failure("HubSpot"))
    }
}

fn option(label: &str, value: &str, order: u32) -> Value {
    json!({ "label": label, "value": value, "displayOrder": order, "hidden": false })
}

/// Why a property can't take these values, if it can't.
fn misfit(name: &str, values: &[&str], property: &Value) -> Option<Failure> {
    let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
    let options = property.get("options").and_then(Value::as_array).into_iter().flatten();
    let options: Vec<&str> = options.filter_map(|option| option.get("value")?.as_str()).collect();
    let takes = |value: &str| match kind {
        "string" => true,
        "bool" => matches!(value, "true" | "false"),
        _ => options.contains(&value),
    };
    let missing: Vec<&str> = values.iter().copied().filter(|value| !takes(value)).collect();
    let (reason, cure) = if property.get("archived").and_then(Value::as_bool) == Some(true) {
        (format!("HubSpot's property {name} is archived"), "restore it in HubSpot under Settings, Properties")
    } else if missing.is_empty() {
        return None;
    } else if kind == "enumeration" {
        let missing = missing.join(", ");
        (format!("HubSpot's property {name} lacks {missing}"), "add it as an option in HubSpot, Settings, Properties")
    } else {
        let reason = format!("HubSpot's property {name} is of type {kind:?} and can't hold what we write");
        (reason, "configure another property, or delete this one and let nightdesk create it")
    };
    Some(Failure::new(Fault::Permanent, reason).cure(cure))
}
