//! What the operator typed, and what it means.
//!
//! [`Config::parse`] turns the text of `nightdesk.toml` into a complete, checked [`Config`], or tells every problem of
//! it at once. It opens no file and asks nobody; reading the secrets it names is a step of its own ([`Secrets::load`]).
//! `app` and `cli` call it; `app` hands each room its share as that room's own settings.

mod auth;
mod canary;
mod crm;
mod desk;
mod llm;
mod mail;
mod modem;
mod oncall;
mod outbox;
mod problems;
mod raw;
mod read;
mod reconcile;
mod ring;
mod sanitize;
mod secret;
mod sms;
mod source;
mod spending;
#[cfg(test)]
mod tests;
mod ticket;
mod tls;
mod typed;

use std::collections::BTreeMap;
use std::path::Path;

pub use auth::{Auth, Encoding, Layout, Stamp, StampPlace};
pub use canary::Canary;
pub use crm::{
    Crm, Http, HttpAuth, HttpMethod, HttpRequest, HttpSuccess, Hubspot, Pipedrive, Rate, Salesforce, SignIn, Vendor,
};
pub use desk::{Business, Log, LogContent, LogFormat, LogLevel, Server, Storage};
pub use llm::{Classify, Llm, Price, Protocol, Role, Structured, TokenLimitKey};
pub use mail::{FollowUp, Mail, MailTemplate, Mailbox, Resource, Security, Smtp};
pub use modem::{Modem, Timings};
pub use outbox::Outbox;
pub use problems::{Problem, Problems};
pub use reconcile::Reconcile;
pub use ring::Ring;
pub use sanitize::Sanitize;
pub use secret::{SECRET_MAX_BYTES, SecretError, SecretRef, Secrets, is_credential_name, secret_of};
pub use sms::{Sender, Sms, Twilio};
pub use source::{Fields, Shape, Source};
pub use spending::Spending;
pub use ticket::{HelpDesk, Ticket};
pub use tls::Tls;
pub use typed::BaseUrl;

use crate::model::oncall::OnCall;
use crate::model::{Channel, Lane};

/// Everything a desk is told by its operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The listeners.
    pub server: Server,
    /// Where data and the control socket live.
    pub storage: Storage,
    /// Who we are.
    pub business: Business,
    /// Whom urgent leads wake; nobody in an empty desk.
    pub oncall: Option<OnCall>,
    /// How phones are rung.
    pub ring: Ring,
    /// When phones are tested.
    pub canary: Canary,
    /// Who may post leads, by the name in the address.
    pub sources: BTreeMap<String, Source>,
    /// The language models, in order of preference.
    pub llm: Vec<Llm>,
    /// What may be spent on them.
    pub spending: Spending,
    /// What is taken out of messages beyond what the program knows by itself.
    pub sanitize: Sanitize,
    /// Deadlines of the classification.
    pub classify: Classify,
    /// How texts go out.
    pub sms: Sms,
    /// The modems by channel name.
    pub modem: BTreeMap<String, Modem>,
    /// The account at Twilio.
    pub twilio: Option<Twilio>,
    /// The mail server, and the follow-up to prospects.
    pub mail: Option<Mail>,
    /// Where cases of support go.
    pub ticket: Option<Ticket>,
    /// The CRMs by channel name.
    pub crm: BTreeMap<String, Crm>,
    /// When leads that never arrived are looked for.
    pub reconcile: Reconcile,
    /// Patience of the retries.
    pub outbox: Outbox,
    /// What is logged, and how.
    pub log: Log,
    /// What works, but probably not as meant.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it, for the person who wrote it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                let mut problems = Problems::default();
                let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
                let who = if denied { "; root may, and who is in the group nightdesk" } else { "" };
                problems.error("", format!("{} can't be read: {error}{who}", path.display()));
                Err(problems)
            }
        }
    }

    /// Reads and checks the text of a file. Touches no secret, port or address.
    ///
    /// # Errors
    /// Everything that is wrong with it, for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let Some((raw, document)) = read::read(text, &mut problems) else { return Err(problems) };
        let mut config = Self::of(raw, &mut problems);
        config.look_across(&mut problems);
        problems.locate(|path| document.line_of(path));
        if !problems.errors.is_empty() {
            return Err(problems);
        }
        config.warnings = problems.warnings;
        Ok(config)
    }

    fn of(raw: raw::Raw, problems: &mut Problems) -> Self {
        let (sources, llm, modem, crm) = (
            raw.sources.unwrap_or_default(),
            raw.llm.unwrap_or_default(),
            raw.modem.unwrap_or_default(),
            raw.crm.unwrap_or_default(),
        );
        let raw_mail = raw.mail;
        let server = Server::of(raw.server.unwrap_or_default(), problems);
        let around = source::Around {
            has_public_url: server.public_url.is_some(),
            has_client_ca: server.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
            crms: crm.keys().map(String::as_str).collect(),
        };
        let modems: Vec<&str> = modem.keys().map(String::as_str).collect();
        let sms = Sms::of(raw.sms.unwrap_or_default(), &modems, raw.twilio.is_some(), problems);
        let business = Business::of(raw.business.unwrap_or_default());
        let people_around = oncall::Around {
            time_zone: &business.time_zone,
            channels: modems.iter().copied().chain(raw.twilio.is_some().then_some(sms::TWILIO)).collect(),
            crms: around.crms.clone(),
        };
        let twilio = raw.twilio.and_then(|raw| Twilio::of(raw, problems));
        let oncall = raw.oncall.as_ref();
        let people = oncall.and_then(|oncall| oncall.people.as_ref()).map_or(0, BTreeMap::len);
        let canary = oncall.and_then(|oncall| oncall.canary.clone()).unwrap_or_default();
        let ring = oncall.and_then(|oncall| oncall.ring.clone()).unwrap_or_default();
        let ring = Ring::of(ring, &sms, &modems, twilio.as_ref(), problems);
        let mut llms = Vec::new();
        for (nth, raw) in llm.into_iter().enumerate() {
            llms.extend(Llm::of(nth, raw, problems));
        }
        Self {
            storage: Storage::of(raw.storage.unwrap_or_default(), problems),
            oncall: raw.oncall.and_then(|raw| oncall::of(raw, &people_around, problems)),
            business,
            sources: named(sources, |name, raw| Source::of(name, raw, &around, problems)),
            llm: llms,
            spending: Spending::of(raw.spending.unwrap_or_default(), problems),
            sanitize: Sanitize::of(raw.sanitize.unwrap_or_default(), problems),
            classify: Classify::of(raw.classify.unwrap_or_default(), problems),
            modem: named(modem, |name, raw| Modem::of(name, raw, sms.give_up_after, problems)),
            sms,
            twilio,
            ring,
            canary: Canary::of(canary, people, problems),
            ticket: raw.ticket.and_then(|raw| Ticket::of(raw, raw_mail.is_some(), problems)),
            mail: raw_mail
                .and_then(|raw| Mail::of(raw, server.public_url.as_ref().is_some_and(BaseUrl::is_public), problems)),
            crm: named(crm, |name, raw| Crm::of(name, raw, problems)),
            reconcile: Reconcile::of(raw.reconcile.unwrap_or_default()),
            outbox: Outbox::of(raw.outbox.unwrap_or_default(), problems),
            log: Log::of(&raw.log.unwrap_or_default()),
            server,
            warnings: Vec::new(),
        }
    }

    /// What only shows when several tables are looked at together.
    fn look_across(&self, problems: &mut Problems) {
        let mut ports = BTreeMap::new();
        for (name, modem) in &self.modem {
            if let Some(other) = ports.insert(&modem.port, name) {
                let same = if modem.port.is_some() { "the same device as" } else { "\"auto\" as well as" };
                problems.error(format!("modem.{name}.port"), format!("{same} modem.{other}.port"));
            }
        }
        self.look_at_hooks(problems);
        let rings = self.oncall.iter().flat_map(|on_call| &on_call.chain).any(|step| step.ring.is_some());
        if rings && self.ring.channels.is_empty() {
            problems.warn("oncall.chain", "a step rings, but nothing can call: no modem, and no number at Twilio");
        }
        let mut names = BTreeMap::new();
        for (nth, llm) in self.llm.iter().enumerate() {
            if let Some(other) = names.insert(&llm.name, nth) {
                problems.error(format!("llm[{nth}].name"), format!("the same name as llm[{other}]"));
            }
        }
        self.spending.look_at(&self.llm, problems);
        self.look_at_reconciles(problems);
        self.look_for_gaps(problems);
    }

    /// Whether what is found in a CRM can be read as its source's leads, and what events point to can be read at all.
    fn look_at_reconciles(&self, problems: &mut Problems) {
        for (name, source) in self.sources.iter().filter(|(_, source)| source.shape == Shape::HubspotApp) {
            let of = |(name, _): &(&String, &Crm)| source.crm == Some(Channel::new(Lane::Crm, name));
            if self.crm.iter().find(of).is_some_and(|(_, crm)| !crm.vendor.has_hubspots_contacts()) {
                let words = "HubSpot's contacts can't be read there: name a [crm.NAME] whose kind is \"hubspot\"";
                problems.error(format!("sources.{name}.crm"), words);
            }
        }
        for (name, crm) in &self.crm {
            let path = format!("crm.{name}.reconcile");
            let source = crm.reconcile.as_ref().map(|source| (source, self.sources.get(source)));
            match source {
                Some((source, None)) => {
                    let known: Vec<&str> = self.sources.keys().map(String::as_str).collect();
                    let meant = read::did_you_mean(source, &known);
                    problems.error(path, format!("there is no [sources.{source}]{meant}"));
                }
                Some((source, Some(found))) if found.crm.as_ref() != Some(&Channel::new(Lane::Crm, name)) => {
                    problems.error(path, format!("sources.{source}.crm is not \"{name}\""));
                }
                Some((_, Some(_))) | None => {}
            }
        }
    }

    /// Whether what Twilio says by itself can come, and finds its place free.
    fn look_at_hooks(&self, problems: &mut Problems) {
        let Some(twilio) = &self.twilio else { return };
        match (&self.server.public_url, twilio.signing()) {
            (None, _) if twilio.webhook_token.is_some() => {
                problems.warn("twilio.webhook-token", "of no use without server.public-url: Twilio doesn't find us");
            }
            (None, _) => return,
            (Some(_), None) => {
                let words = "not set, and an API key's secret proves no webhook, so replies and reports from Twilio are \
                             not taken: set it to the account's auth token";
                problems.warn("twilio.webhook-token", words);
            }
            (Some(_), Some(_)) => {}
        }
        if self.sources.contains_key(sms::TWILIO) {
            let words = "this name is taken: Twilio itself posts to /hooks/twilio/, because there is a [twilio]";
            problems.error("sources.twilio", words);
        }
    }

    /// What isn't filled in yet, in the order in which one would: whom to wake comes before all else.
    fn look_for_gaps(&self, problems: &mut Problems) {
        if self.oncall.is_none() {
            problems
                .warn("oncall", "nobody is woken yet: fill in the name and the mobile number of the person on call");
        }
        if self.sources.is_empty() {
            problems.warn("sources", "there are none, so every webhook is refused: fill in where your leads come from");
        }
        if self.llm.is_empty() {
            let words =
                "there is none, so every lead reaches the person on call without a label: fill in a language model";
            problems.warn("llm", words);
        } else if self.business.description.is_none() {
            problems.warn("business.description", "not set: the model isn't told what you sell, and guesses");
        }
        if self.modem.is_empty() && self.twilio.is_none() {
            let words = "there is none, and no Twilio, so no text can be sent: fill in the port of your modem";
            problems.warn("modem", words);
        } else if self.sms.channels.is_empty() {
            problems.warn("sms.channels", "there are none: an urgent lead wakes nobody");
        }
        if self.crm.is_empty() {
            problems.warn("crm", "there is none, so what was done stands here only: fill in your CRM");
        }
    }
}

/// The tables `[kind.NAME]`, each with its meaning; one with an error is left out, because that error ends the reading.
fn named<R, T>(raw: BTreeMap<String, R>, mut of: impl FnMut(&str, R) -> Option<T>) -> BTreeMap<String, T> {
    raw.into_iter().filter_map(|(name, raw)| of(&name, raw).map(|meant| (name, meant))).collect()
}
