//! The world around the demo's desk: a language model, a HubSpot account, a Twilio account and a modem, all simulated.
//!
//! What they say happened is what happened: the story shows their side of it, and their list of the desk's mistakes
//! must stay empty.

use std::io;
use std::path::Path;

use super::folder::Keys;
use super::samples::SAMPLES;
use super::sim::modem::Setup;
use super::sim::{HubSpot, Llm, Modem, Sim, Twilio};
use crate::model::Label;

/// The account at Twilio.
pub(super) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// The model that is asked.
pub(super) const MODEL: &str = "gpt-5-mini";
/// The property that takes the class.
pub(super) const CLASS: &str = "auto_classification";
/// The property that flags top priority.
pub(super) const FLAG: &str = "high_priority";
/// The contact that the example for curl belongs to.
pub(super) const VISITOR: u32 = 110;

/// Who can be made to misbehave, to see that the demo notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Culprit {
    /// The model chats instead of classifying.
    Llm,
    /// HubSpot is down.
    Hubspot,
    /// Twilio is down.
    Twilio,
    /// The modem takes texts and falls silent.
    Modem,
}

/// All of them, up until this is dropped.
#[derive(Debug)]
pub(super) struct World {
    pub(super) llm: Sim<Llm>,
    pub(super) hubspot: Sim<HubSpot>,
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
        for sample in SAMPLES {
            let person = sample.person;
            let known = [("firstname", person.first), ("lastname", person.last), ("email", person.email)];
            account = account.contact(person.contact.to_string(), &known);
        }
        Ok(Self {
            llm: Sim::spawn(Llm::new(keys.openai.as_str()).model(MODEL)).await?,
            hubspot: Sim::spawn(account).await?,
            twilio: Sim::spawn(Twilio::new(ACCOUNT, &keys.twilio)).await?,
            modem: Setup::default().pin(&keys.pin).spawn(port)?,
        })
    }

    pub(super) fn misbehave(&self, culprit: Culprit) {
        match culprit {
            Culprit::Llm => self.llm.misbehave(),
            Culprit::Hubspot => self.hubspot.misbehave(),
            Culprit::Twilio => self.twilio.misbehave(),
            Culprit::Modem => self.modem.misbehave(),
        }
    }

    /// The desk's mistakes, as its peers see them.
    pub(super) fn complaints(&self) -> Vec<String> {
        let of = |who: &'static str, list: Vec<String>| list.into_iter().map(move |what| format!("{who}: {what}"));
        of("the model", self.llm.violations())
            .chain(of("HubSpot", self.hubspot.violations()))
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

    /// The notes on a contact as HubSpot shows them: lines of text, without the line that is for the desk itself.
    pub(super) fn notes(&self, contact: &str) -> Vec<Vec<String>> {
        self.hubspot.notes_of(contact).iter().map(|note| shown(&note.body)).collect()
    }

    /// Somebody removes, or puts back, what HubSpot takes for a class.
    pub(super) fn allow(&self, label: Label, allowed: bool) {
        let names: Vec<&str> =
            Label::ALL.into_iter().filter(|known| allowed || *known != label).map(Label::name).collect();
        self.hubspot.set_property(CLASS, &names);
    }
}

/// A note's HTML as a browser shows it.
fn shown(html: &str) -> Vec<String> {
    let text = |line: &str| {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .iter()
            .fold(line.to_owned(), |line, (entity, c)| line.replace(entity, c))
    };
    html.split("<br>").filter(|line| !line.starts_with("nightdesk:nd")).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_shown_without_its_markup() {
        let html = "nightdesk: SPAM.<br>22:04 &lt;b&gt; &amp;amp;.<br>nightdesk:nd0123crmnote1";
        assert_eq!(shown(html), ["nightdesk: SPAM.", "22:04 <b> &amp;."]);
    }
}
