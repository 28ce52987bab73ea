//! The world around the demo's desk: language models, a HubSpot account, a Salesforce org, a Zendesk, a mail server, a
//! Twilio account and a modem, all simulated.
//!
//! What they say happened is what happened: the story shows their side of it, and their list of the desk's mistakes
//! must stay empty.

use std::io;
use std::path::Path;

use super::folder::Keys;
use super::samples::{Record, SAMPLES};
use super::sim::llm::Flavour;
use super::sim::modem::Setup;
use super::sim::smtp::{Mishap, Offer, Step};
use super::sim::{HubSpot, Llm, Modem, Salesforce, Sim, Smtp, Twilio, Zendesk};
use crate::model::Label;

/// The account at Twilio.
pub(super) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// The model that is asked.
pub(super) const MODEL: &str = "gpt-5-mini";
/// The one that is asked when that doesn't answer.
pub(super) const SPARE: &str = "claude-haiku-4-5";
/// The property that takes the class.
pub(super) const CLASS: &str = "auto_classification";
/// The property that flags top priority.
pub(super) const FLAG: &str = "high_priority";
/// The fields for the same in Salesforce.
pub(super) const SF_CLASS: &str = "Auto_Classification__c";
pub(super) const SF_FLAG: &str = "High_Priority__c";
/// The external id on Activity.
pub(super) const SF_KEY: &str = "Nightdesk_Key__c";
/// The consumer key of the app that the org knows the desk by.
pub(super) const SF_CLIENT: &str = "3MVG9nightdesk";
/// Who signs in to Zendesk, and to the mail server.
pub(super) const AGENT: &str = "desk@northwind.example";
/// The contact that the example for curl belongs to.
pub(super) const VISITOR: u32 = 110;

/// Who can be made to misbehave, to see that the demo notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Culprit {
    /// The model chats instead of classifying.
    Llm,
    /// HubSpot is down.
    Hubspot,
    /// Salesforce is down.
    Salesforce,
    /// Zendesk is down.
    Zendesk,
    /// The mail server refuses every mail.
    Mail,
    /// Twilio is down.
    Twilio,
    /// The modem takes texts and falls silent.
    Modem,
}

/// All of them, up until this is dropped.
#[derive(Debug)]
pub(super) struct World {
    pub(super) llm: Sim<Llm>,
    pub(super) spare: Sim<Llm>,
    pub(super) hubspot: Sim<HubSpot>,
    pub(super) salesforce: Sim<Salesforce>,
    pub(super) zendesk: Sim<Zendesk>,
    pub(super) smtp: Smtp,
    pub(super) twilio: Sim<Twilio>,
    pub(super) modem: Modem,
}

/// A text as a phone shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Shown {
    /// By which channel it came.
    pub(super) by: &'static str,
    /// Whose phone.
    pub(super) to: String,
    pub(super) text: String,
}

impl World {
    pub(super) async fn spawn(keys: &Keys, port: &Path) -> io::Result<Self> {
        let mut account = HubSpot::new(keys.hubspot.as_str())
            .enum_property(CLASS, &Label::ALL.map(Label::name))
            .bool_property(FLAG)
            .contact(VISITOR.to_string(), &[("firstname", "You"), ("email", "you@example.com")]);
        let mut org = Salesforce::new(SF_CLIENT, keys.salesforce.as_str())
            .picklist(SF_CLASS, &Label::ALL.map(Label::name))
            .checkbox(SF_FLAG)
            .task_key(SF_KEY);
        for sample in SAMPLES {
            let person = sample.person;
            match person.record {
                Record::Hubspot(id) => {
                    let known = [("firstname", person.first), ("lastname", person.last), ("email", person.email)];
                    account = account.contact(id.to_string(), &known);
                }
                Record::Salesforce(id) => {
                    let known = [("FirstName", person.first), ("LastName", person.last), ("Email", person.email)];
                    let asks = [("Phone", person.phone), ("Description", sample.message.unwrap_or_default())];
                    org = org.lead(id, &[&known[..], &asks].concat());
                }
            }
        }
        Ok(Self {
            llm: Sim::spawn(Llm::new(keys.openai.as_str()).model(MODEL)).await?,
            spare: Sim::spawn(Llm::new(keys.anthropic.as_str()).flavour(Flavour::Anthropic).model(SPARE)).await?,
            hubspot: Sim::spawn(account).await?,
            salesforce: Sim::spawn(org).await?,
            zendesk: Sim::spawn(Zendesk::new(AGENT, keys.zendesk.as_str())).await?,
            smtp: Smtp::spawn(Offer { login: Some((AGENT.to_owned(), keys.smtp.clone())), ..Offer::default() }).await?,
            twilio: Sim::spawn(Twilio::new(ACCOUNT, &keys.twilio)).await?,
            modem: Setup::default().pin(&keys.pin).spawn(port)?,
        })
    }

    pub(super) fn misbehave(&self, culprit: Culprit) {
        match culprit {
            Culprit::Llm => self.llm.misbehave(),
            Culprit::Hubspot => self.hubspot.misbehave(),
            Culprit::Salesforce => self.salesforce.misbehave(),
            Culprit::Zendesk => self.zendesk.misbehave(),
            Culprit::Mail => self.smtp.misbehave(Step::Data, Mishap::Says(554, "5.7.1 no mail from here")),
            Culprit::Twilio => self.twilio.misbehave(),
            Culprit::Modem => self.modem.misbehave(),
        }
    }

    /// The desk's mistakes, as its peers see them.
    pub(super) fn complaints(&self) -> Vec<String> {
        let of = |who: &'static str, list: Vec<String>| list.into_iter().map(move |what| format!("{who}: {what}"));
        of("the model", self.llm.violations())
            .chain(of("the second model", self.spare.violations()))
            .chain(of("HubSpot", self.hubspot.violations()))
            .chain(of("Salesforce", self.salesforce.violations()))
            .chain(of("Zendesk", self.zendesk.violations()))
            .chain(of("the mail server", self.smtp.violations()))
            .chain(of("Twilio", self.twilio.violations()))
            .chain(of("the modem", self.modem.violations()))
            .collect()
    }

    /// How often a PIN was sent to the modem.
    pub(super) fn pins_sent(&self) -> usize {
        self.modem.commands().iter().filter(|command| command.starts_with("AT+CPIN=")).count()
    }

    /// What the phones show, the whole texts only.
    pub(super) fn phones(&self) -> Vec<Shown> {
        let modem = self.modem.sent().into_iter().filter(super::sim::modem::SentSms::is_whole);
        let modem = modem.map(|sms| Shown { by: "modem", to: sms.to, text: sms.text });
        let twilio = self.twilio.messages().into_iter();
        modem.chain(twilio.map(|sms| Shown { by: "twilio", to: sms.to, text: sms.body })).collect()
    }

    /// Somebody removes, or puts back, what HubSpot takes for a class.
    pub(super) fn allow(&self, label: Label, allowed: bool) {
        let names: Vec<&str> =
            Label::ALL.into_iter().filter(|known| allowed || *known != label).map(Label::name).collect();
        self.hubspot.set_property(CLASS, &names);
    }
}
