//! From the configuration to each room's own settings. The only place that knows both.

mod addresses;
mod auth;
mod crm;
mod follow_ups;
mod models;
mod modems;

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::{self, Config, SecretError, SecretRef, Secrets};
use crate::deliver::modem::{self, ModemHandle};
use crate::deliver::twilio::{self, Twilio};
use crate::intake;
use crate::journal;
use crate::model::{Addresses, Channel, Effect, Ladder, Lane, Ledger, Reading};
use crate::outbox::{self, BreakerSettings, CanarySettings, Limits, Pace, ReconcileSettings, Waits};
use crate::route::{self, SmsTemplate, TemplateError};
use crate::sanitize;
use crate::store::{Opening, SpaceSettings};
use crate::wire::Wire;
use crate::writeback::Crm;

use super::pipeline::{Pipeline, Reader, Timers};
use super::power::Power;
pub(super) use addresses::{addresses, unsubscribe};
pub use crm::broken_requests;
pub use follow_ups::{HelpDeskClient, broken_mails, help_desk, mailer, preview};
pub(super) use models::budget;
pub use models::{classifiers, first_call, unaffordable};
pub use modems::modem_settings;

/// Timers are one transaction each; a few at a time keep a burst of them from holding up the rest.
const DESK_WORKERS: usize = 8;
/// All that a bucket has gathered is served at once, and so shares its commits. How fast they may be is the channel's pace.
const CRM_WORKERS: usize = 16;
/// Twilio sends one text a second and number; a few may wait there.
const TWILIO_WORKERS: usize = 4;
/// Mails and cases may wait for each other.
const FOLLOW_UP_WORKERS: usize = 2;
/// Asking what became of texts may wait.
const POLL_WORKERS: usize = 1;
/// One phone at a time: a modem has one line, and Twilio takes a call in no time.
const RING_WORKERS: usize = 1;
/// The name of Twilio's channel.
const TWILIO: &str = "twilio";
/// A serial port does one thing at a time.
const MODEM_WORKERS: usize = 1;
/// A text without a failover clock may take as long as the slowest modem (150 s) and its dialogue.
const SMS_LIMIT: Duration = Duration::from_mins(3);
/// A mail may take so many of the server's longest answers: a greeting, signing in, and what it thinks of the mail.
const SMTP_STEPS: u32 = 4;
/// What a server may need to look a whole mail through (RFC 5321, 4.5.3.2.6 allows more).
const SMTP_VERDICT: Duration = Duration::from_mins(4);
/// What an effect's hard deadline allows beyond the requests it makes.
const SLACK: Duration = Duration::from_secs(5);

/// The effect of every channel, and the tasks that must run beside them.
pub(super) struct Effects {
    pub(super) by_channel: HashMap<Channel, Arc<dyn Effect>>,
    /// What each modem will be told; they begin with [`Effects::begin_modems`].
    modems: Vec<modem::Settings>,
}

/// A modem's task, to be spawned.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Every destination of the configuration, and how many effects may run on it at once.
pub(super) fn workers(config: &Config) -> BTreeMap<Channel, usize> {
    let mut workers = BTreeMap::from([(Channel::desk(), DESK_WORKERS)]);
    workers.extend(config.llm.iter().map(|llm| (Channel::new(Lane::Llm, &llm.name), llm.concurrency.max(1))));
    workers.extend(config.modem.keys().map(|name| (Channel::new(Lane::Sms, name), MODEM_WORKERS)));
    if config.twilio.is_some() {
        let texts = Channel::new(Lane::Sms, TWILIO);
        workers.insert(outbox::asked_on(&texts), POLL_WORKERS);
        workers.insert(texts, TWILIO_WORKERS);
    }
    workers.extend(config.ring.channels.iter().map(|channel| (channel.for_rings(), RING_WORKERS)));
    workers.extend(config.mail.as_ref().map(|_| (follow_ups::mails(), FOLLOW_UP_WORKERS)));
    workers.extend(follow_ups::cases(config).map(|cases| (cases, FOLLOW_UP_WORKERS)));
    workers.extend(config.crm.keys().map(|name| (Channel::new(Lane::Crm, name), CRM_WORKERS)));
    workers
}

/// The effect of every destination but the modems, which need the running store.
pub(super) fn effects(config: &Config, secrets: &Secrets, power: &Arc<Power>) -> Result<Effects, SecretError> {
    let mut by_channel: HashMap<Channel, Arc<dyn Effect>> = HashMap::new();
    let reader = reader(config);
    by_channel.insert(Channel::desk(), Arc::new(Timers { reader: reader.clone() }));
    let wire = Wire::new();
    for llm in &config.llm {
        let classifier = models::classifier(config, llm, secrets, &wire)?;
        by_channel.insert(classifier.channel(), Arc::new(Pipeline { classifier, reader: reader.clone() }));
    }
    if let Some(twilio) = twilio(config, secrets)? {
        let (texts, twilio) = (Channel::new(Lane::Sms, TWILIO), Arc::new(twilio));
        by_channel.insert(outbox::asked_on(&texts), twilio.clone());
        by_channel.insert(texts.for_rings(), twilio.clone());
        by_channel.insert(texts, twilio);
    }
    let mailer = mailer(config, secrets)?;
    if let Some((cases, desk)) = follow_ups::cases(config).zip(help_desk(config, secrets, mailer.as_ref())?) {
        by_channel.insert(cases, desk.effect());
    }
    if let Some(mailer) = mailer {
        by_channel.insert(follow_ups::mails(), Arc::new(mailer));
    }
    for (name, crm) in &config.crm {
        by_channel.insert(Channel::new(Lane::Crm, name), crm::crm(config, crm, secrets, &wire)?);
    }
    Ok(Effects { by_channel, modems: modems::modems(config, secrets, power)? })
}

impl Effects {
    /// Makes the modems, which keep in `ledger` what they must not forget: their handles, and their tasks.
    pub(super) fn begin_modems(
        &mut self,
        ledger: &Arc<dyn Ledger>,
        stop: &CancellationToken,
    ) -> (Vec<(Channel, ModemHandle)>, Vec<Task>) {
        let mut begun: (Vec<(Channel, ModemHandle)>, Vec<Task>) = Default::default();
        for settings in std::mem::take(&mut self.modems) {
            let channel = Channel::new(Lane::Sms, &settings.name);
            let (handle, task) = modem::modem(settings, Arc::clone(ledger), stop.clone());
            self.by_channel.insert(channel.for_rings(), Arc::new(handle.clone()));
            self.by_channel.insert(channel.clone(), Arc::new(handle.clone()));
            begun.0.push((channel, handle));
            begun.1.push(Box::pin(task));
        }
        begun
    }
}

/// Every CRM of the configuration by its channel's name, for `check`.
///
/// # Errors
/// When a secret was not loaded.
pub fn crms(config: &Config, secrets: &Secrets) -> Result<BTreeMap<String, Arc<dyn Crm>>, SecretError> {
    let wire = Wire::new();
    config.crm.iter().map(|(name, crm)| Ok((name.clone(), crm::crm(config, crm, secrets, &wire)?))).collect()
}

/// Twilio, if it is configured.
///
/// # Errors
/// When a secret was not loaded.
pub fn twilio(config: &Config, secrets: &Secrets) -> Result<Option<Twilio>, SecretError> {
    let Some(twilio) = &config.twilio else { return Ok(None) };
    let settings = twilio::Settings {
        base_url: twilio.base_url.as_str().to_owned(),
        account_sid: twilio.account_sid.clone(),
        user: twilio.user.clone(),
        secret: secrets.get(&twilio.token)?.clone(),
        sender: match &twilio.sender {
            config::Sender::From(number) => twilio::Sender::From(number.clone()),
            config::Sender::MessagingService(sid) => twilio::Sender::Service(sid.clone()),
        },
        validity: twilio.validity,
        // Twilio refuses a text whose address for this it can't reach (error 21609).
        status_callback: signed_for(config)
            .filter(|(public_url, _)| public_url.is_public())
            .map(|(public_url, _)| format!("{}/hooks/twilio/status", public_url.as_str())),
        timeout: twilio.timeout,
    };
    Ok(Some(Twilio::new(settings, Wire::new())))
}

/// Twilio's way in, if there is one: it finds us, and can prove itself.
///
/// # Errors
/// When a secret was not loaded.
pub(super) fn twilio_hooks(
    config: &Config,
    secrets: &Secrets,
    ledger: &Arc<dyn Ledger>,
) -> Result<Option<intake::TwilioHooks>, SecretError> {
    let Some((public_url, signing)) = signed_for(config) else { return Ok(None) };
    let secret = secrets.get(signing)?.clone();
    Ok(Some(intake::TwilioHooks::new(secret, public_url.as_str().to_owned(), Arc::clone(ledger))))
}

/// What precedes the path in the addresses that Twilio signs, and with what it signs them.
fn signed_for(config: &Config) -> Option<(&config::BaseUrl, &SecretRef)> {
    let public_url = config.server.public_url.as_ref()?;
    Some((public_url, config.twilio.as_ref()?.signing()?))
}

/// Every source, ready to be posted to.
///
/// # Errors
/// When a secret was not loaded.
pub fn sources(config: &Config, secrets: &Secrets) -> Result<Vec<intake::Settings>, SecretError> {
    let public_url = config.server.public_url.as_ref().map_or("", |url| url.as_str());
    let of = |(name, source): (&String, &config::Source)| {
        let auth = auth::auth(&source.auth, public_url, secrets)?;
        Ok(intake::Settings { auth, ..open_source(config, name, source) })
    };
    config.sources.iter().map(of).collect()
}

/// A source as its payloads are read, without the secret that keeps strangers out: for looking at a body by hand.
#[must_use]
pub fn open_source(config: &Config, name: &str, source: &config::Source) -> intake::Settings {
    let shape = match &source.shape {
        config::Shape::Json(fields) => intake::Shape::Json(pointers(fields)),
        config::Shape::Form(fields) => intake::Shape::Form(pointers(fields)),
        config::Shape::HubspotWorkflow => intake::Shape::HubspotWorkflow,
        config::Shape::HubspotApp => intake::Shape::HubspotApp { message_property: message_property(config, source) },
        config::Shape::HubspotForm(fields) => intake::Shape::HubspotForm(pointers(fields)),
        config::Shape::SalesforceOutbound(fields) => intake::Shape::SalesforceOutbound(pointers(fields)),
        config::Shape::SalesforceJson(fields) => intake::Shape::SalesforceJson(pointers(fields)),
        config::Shape::Pipedrive(fields) => intake::Shape::Pipedrive(pointers(fields)),
    };
    intake::Settings {
        name: name.to_owned(),
        shape,
        auth: intake::Auth::None,
        crm: source.crm.clone(),
        account: source.account.clone(),
        max_per_minute: source.max_per_minute,
        max_in_flight: usize::from(source.max_in_flight),
    }
}

/// The property that the source's CRM reads messages from.
fn message_property(config: &Config, source: &config::Source) -> String {
    let of = |(name, crm): (&String, &config::Crm)| {
        (source.crm == Some(Channel::new(Lane::Crm, name))).then(|| crm.message_property().to_owned())
    };
    config.crm.iter().find_map(of).unwrap_or_default()
}

fn pointers(fields: &config::Fields) -> intake::Fields {
    let config::Fields { message, email, phone, name, first_name, last_name, record_id, event_id } = fields.clone();
    intake::Fields { message, email, phone, name, first_name, last_name, record_id, event_id }
}

/// How much a sender may ask of the box.
pub(super) fn limits(config: &Config) -> intake::Limits {
    let server = &config.server;
    intake::Limits {
        max_body_bytes: server.max_body_bytes,
        max_header_bytes: server.max_header_bytes,
        max_connections: server.max_connections,
        max_connections_per_peer: server.max_connections_per_peer,
        read_timeout: server.read_timeout,
        idle_timeout: server.idle_timeout,
        drain_grace: server.drain_grace,
    }
}

/// Where the files of the listener's TLS are; `None` where it speaks plain HTTP.
///
/// # Errors
/// When the key is nowhere, or anybody may read it.
pub fn tls_files(config: &Config, secrets: &Secrets) -> Result<Option<intake::TlsFiles>, SecretError> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let (certificate, client_ca) = (tls.certificate.clone(), tls.client_ca.clone());
    Ok(Some(intake::TlsFiles { certificate, key: secrets.locate(&tls.key)?, client_ca }))
}

/// The first jobs of every lead.
pub(super) fn opening(config: &Config) -> Opening {
    Opening {
        classify_on: config.llm.first().map(|llm| Channel::new(Lane::Llm, &llm.name)),
        deadline_after: config.classify.deadline,
        give_up_after: config.classify.give_up_after,
        read_give_up_after: config.outbox.crm_give_up_after,
    }
}

/// What the outbox is told.
pub(super) fn desk(config: &Config, addresses: Option<Arc<dyn Addresses>>) -> Result<outbox::Settings, TemplateError> {
    let slowest = |timeouts: &mut dyn Iterator<Item = Duration>| {
        timeouts.max().unwrap_or(SLACK).saturating_mul(2).saturating_add(SLACK)
    };
    let crm = slowest(&mut config.crm.values().map(|crm| crm.timeout));
    let ticket = slowest(&mut config.ticket.iter().map(|ticket| ticket.timeout));
    let mail = config.mail.as_ref().map_or(SLACK, |mail| mail.smtp.timeout.saturating_mul(SMTP_STEPS));
    let mail = mail.saturating_add(SMTP_VERDICT);
    let look_up = crm.max(ticket).max(slowest(&mut config.twilio.iter().map(|twilio| twilio.timeout)));
    let llm = slowest(&mut config.llm.iter().map(|llm| llm.first_timeout.max(llm.timeout)));
    Ok(outbox::Settings {
        channels: workers(config),
        paces: config.crm.iter().map(|(name, crm)| (Channel::new(Lane::Crm, name), pace(crm))).collect(),
        limits: Limits { llm, sms: SMS_LIMIT, mail, ticket, crm, look_up },
        models: models::models(config),
        waits: Waits {
            ladder: Ladder { base: config.outbox.retry_base, cap: config.outbox.retry_cap },
            look_up_after: config.sms.report_wait,
        },
        breaker: BreakerSettings { opens_after: config.outbox.breaker_after, pause: config.outbox.breaker_pause },
        route: router(config, addresses)?,
        opening: opening(config),
        read_again_after: config.outbox.read_again_after,
        polls: config.twilio.iter().map(|twilio| (Channel::new(Lane::Sms, TWILIO), twilio.validity)).collect(),
        caps: config
            .modem
            .iter()
            .map(|(name, modem)| (name.clone(), (modem.parts_per_hour, modem.parts_per_day)))
            .collect(),
        reconcile: reconcile(config),
        canary: CanarySettings { every: config.canary.every, patience: config.canary.patience },
    })
}

/// The CRMs with a source whose leads are looked for in them.
fn reconcile(config: &Config) -> ReconcileSettings {
    let of = |(name, crm): (&String, &config::Crm)| {
        crm.reconcile.as_ref().map(|source| (Channel::new(Lane::Crm, name), source.clone()))
    };
    ReconcileSettings {
        channels: config.crm.iter().filter_map(of).collect(),
        nightly_at: config.reconcile.nightly_at,
        zone: config.business.time_zone.clone(),
    }
}

fn pace(crm: &config::Crm) -> Pace {
    Pace { requests: crm.rate.requests.into(), per: crm.rate.per, urgent_reserve: crm.urgent_reserve }
}

fn router(config: &Config, addresses: Option<Arc<dyn Addresses>>) -> Result<route::Settings, TemplateError> {
    let template = config.sms.template.as_deref().map(SmsTemplate::new).transpose()?.unwrap_or_default();
    let noted = config.crm.iter().filter(|(_, crm)| crm.note);
    Ok(route::Settings {
        on_call: config.oncall.clone().unwrap_or_default(),
        sms_channels: config.sms.channels.clone(),
        digest: route::Digest {
            after: config.sms.digest_after,
            within: config.sms.digest_within,
            gather: config.sms.digest_gather,
            late_after: config.reconcile.digest_after,
        },
        failover_after: config.sms.failover_after,
        sms_give_up_after: config.sms.give_up_after,
        ring: ring(config),
        template,
        max_parts: usize::from(config.sms.max_parts),
        translit: config.sms.translit,
        follow_up: follow_ups::follow_up(config, addresses)?,
        ticketing: follow_ups::ticketing(config),
        note_channels: noted.map(|(name, _)| Channel::new(Lane::Crm, name)).collect(),
        note_after: config.outbox.note_after,
        crm_give_up_after: config.outbox.crm_give_up_after,
    })
}

/// How phones are rung; `None` where nothing can call.
fn ring(config: &Config) -> Option<route::Ring> {
    let config::Ring { channels, lasts, per_hour, per_day } = config.ring.clone();
    (!channels.is_empty()).then_some(route::Ring { channels, lasts, per_hour, per_day })
}

/// How much room is kept on the disk.
pub(super) fn space(config: &Config) -> SpaceSettings {
    let storage = &config.storage;
    SpaceSettings { low_water_bytes: storage.low_water_mark_bytes, ballast_bytes: storage.ballast_bytes }
}

/// How the log is kept.
#[must_use]
pub fn journal(config: &Config) -> journal::Settings {
    journal::Settings {
        level: format!("{:?}", config.log.level).to_lowercase(),
        content: match config.log.content {
            config::LogContent::Full => journal::Content::Full,
            config::LogContent::Redacted => journal::Content::Redacted,
        },
        format: match config.log.format {
            config::LogFormat::Auto => journal::Format::Auto,
            config::LogFormat::Text => journal::Format::Text,
            config::LogFormat::Json => journal::Format::Json,
            config::LogFormat::Journal => journal::Format::Journal,
        },
    }
}

/// What the pipeline would read from a message and a number as they came.
#[must_use]
pub fn reading(config: &Config, raw_message: &str, phone_text: Option<&str>) -> Reading {
    reader(config).reading(raw_message, phone_text)
}

fn reader(config: &Config) -> Reader {
    let drop_lines = config.sanitize.drop_lines.clone();
    let sanitize = Arc::new(sanitize::Settings { drop_lines, ..sanitize::Settings::default() });
    Reader { country: config.business.country.clone(), sanitize }
}
