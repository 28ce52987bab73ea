//! The file as typed: every key the program knows, each of which may be missing.
//!
//! Nothing is judged here beyond the form of a value; the files beside this
//! one give each key its meaning and its default. A key that isn't listed here doesn't exist.

mod lists;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::auth::{Fingerprint, Signed};
use super::llm::{FormName, ProtocolName};
use super::oncall::{Days, HandOver};
use super::typed::{Bytes, Country, HeaderName, Port, Text};
use super::{BaseUrl, Encoding, LogContent, LogFormat, LogLevel, Role, SecretRef, Security, TokenLimitKey};
use crate::model::oncall::Weekly;
use crate::model::{Label, Phone};

pub(super) use lists::{Pointers, SecretRefs};

/// Declares tables whose keys may all be missing; a plain list would say `Option` ninety times.
macro_rules! tables {
    ($($name:ident { $($key:ident: $kind:ty,)* })*) => {$(
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub(super) struct $name { $(pub(super) $key: Option<$kind>,)* }
    )*};
}

tables! {
    Raw {
        server: Server,
        storage: Storage,
        business: Business,
        oncall: OnCall,
        sources: BTreeMap<String, Source>,
        llm: Vec<Llm>,
        spending: Spending,
        sanitize: Sanitize,
        classify: Classify,
        sms: Sms,
        modem: BTreeMap<String, Modem>,
        twilio: Twilio,
        mail: Mail,
        ticket: Ticket,
        crm: BTreeMap<String, Crm>,
        reconcile: Reconcile,
        outbox: Outbox,
        log: Log,
    }
    Server {
        listen: Text<SocketAddr>,
        admin_listen: Text<SocketAddr>,
        public_url: Text<BaseUrl>,
        max_body: Text<Bytes>,
        max_header_bytes: Text<Bytes>,
        max_connections: u16,
        max_connections_per_peer: u16,
        read_timeout: Text<Duration>,
        idle_timeout: Text<Duration>,
        drain_grace: Text<Duration>,
        clock_sync_file: Text<PathBuf>,
        tls: Tls,
    }
    Tls {
        certificate: Text<PathBuf>,
        key: SecretRef,
        client_ca: Text<PathBuf>,
    }
    Storage {
        data_dir: Text<PathBuf>,
        control_socket: Text<PathBuf>,
        low_water_mark: Text<Bytes>,
        ballast: Text<Bytes>,
    }
    Business {
        name: String,
        description: String,
        country: Text<Country>,
        time_zone: Text<TimeZone>,
    }
    OnCall {
        name: String,
        phone: Text<Phone>,
        time_zone: Text<TimeZone>,
        people: BTreeMap<String, Person>,
        chain: Vec<ChainStep>,
        rota: Rota,
        hours: Hours,
        ring: Ring,
        canary: Canary,
    }
    Person {
        name: String,
        phone: Text<Phone>,
        email: String,
        channels: Vec<String>,
        quiet: Vec<Text<Weekly>>,
        owner: BTreeMap<String, String>,
    }
    ChainStep {
        who: String,
        wait: Text<Duration>,
        ring: Text<Duration>,
    }
    Rota {
        rotation: Vec<String>,
        hand_over: Text<HandOver>,
        start: Text<Date>,
        shifts: Vec<Shift>,
        holidays: Vec<Holiday>,
        overrides: Vec<Override>,
    }
    Shift {
        when: Text<Weekly>,
        who: String,
    }
    Holiday {
        date: Text<Days>,
        who: String,
    }
    Override {
        from: Text<DateTime>,
        until: Text<DateTime>,
        who: String,
    }
    Hours {
        open: Vec<Text<Weekly>>,
        inside: Mode,
        outside: Mode,
    }
    Ring {
        channels: Vec<String>,
        lasts: Text<Duration>,
        per_hour: u32,
        per_day: u32,
    }
    Canary {
        enabled: bool,
        every: Text<Duration>,
        patience: Text<Duration>,
    }
    Source {
        kind: SourceKind,
        auth: Auth,
        crm: String,
        account: String,
        max_per_minute: u32,
        max_in_flight: u16,
        fields: Fields,
    }
    Auth {
        scheme: Scheme,
        secret: SecretRefs,
        r#in: Place,
        header: Text<HeaderName>,
        prefix: String,
        encoding: Encoding,
        timestamp_header: Text<HeaderName>,
        timestamp_prefix: String,
        signed: Text<Signed>,
        user: String,
        organization_id: String,
        fingerprints: Vec<Text<Fingerprint>>,
    }
    Fields {
        message: Pointers,
        email: Pointers,
        phone: Pointers,
        name: Pointers,
        first_name: Pointers,
        last_name: Pointers,
        record_id: Pointers,
        event_id: Pointers,
    }
    Llm {
        name: String,
        protocol: ProtocolName,
        base_url: Text<BaseUrl>,
        model: String,
        key: SecretRef,
        structured: FormName,
        instructions_role: Role,
        token_limit_key: TokenLimitKey,
        max_tokens: u32,
        timeout: Text<Duration>,
        first_timeout: Text<Duration>,
        concurrency: u16,
        input_price: f64,
        output_price: f64,
    }
    Spending {
        llm_per_day: f64,
        llm_per_month: f64,
        currency: String,
    }
    Sanitize {
        drop_lines: Vec<String>,
    }
    Classify {
        deadline: Text<Duration>,
        give_up_after: Text<Duration>,
        mask_contacts: bool,
    }
    Sms {
        channels: Vec<String>,
        failover_after: Text<Duration>,
        give_up_after: Text<Duration>,
        report_wait: Text<Duration>,
        max_parts: u8,
        digest_after: u32,
        digest_within: Text<Duration>,
        digest_gather: Text<Duration>,
        template: String,
        translit: Translit,
    }
    Modem {
        port: Text<Port>,
        baud: u32,
        smsc: Text<Phone>,
        validity: Text<Duration>,
        pin: SecretRef,
        parts_per_hour: u32,
        parts_per_day: u32,
        power_cycle: bool,
        timings: Timings,
    }
    Timings {
        prompt: Text<Duration>,
        result: Text<Duration>,
        ok_after_reference: Text<Duration>,
        gap: Text<Duration>,
        keep_alive: Text<Duration>,
        reopen: Text<Duration>,
        retry: Text<Duration>,
        part_gap: Text<Duration>,
        late_verdict: Text<Duration>,
    }
    Twilio {
        base_url: Text<BaseUrl>,
        account_sid: String,
        user: String,
        token: SecretRef,
        webhook_token: SecretRef,
        from: String,
        messaging_service: String,
        timeout: Text<Duration>,
        validity: Text<Duration>,
    }
    Mail {
        from: String,
        reply_to: String,
        bounce_to: String,
        key: SecretRef,
        postal_address: String,
        footer: String,
        calendar_url: String,
        languages: Vec<String>,
        own_domains: Vec<String>,
        once_per: Text<Duration>,
        per_hour: u32,
        give_up_after: Text<Duration>,
        smtp: Smtp,
        resources: Vec<MailResource>,
        templates: BTreeMap<String, MailTemplate>,
    }
    Smtp {
        host: String,
        port: u16,
        security: Security,
        user: String,
        password: SecretRef,
        ca: Text<PathBuf>,
        timeout: Text<Duration>,
    }
    MailResource {
        title: String,
        url: String,
        topics: Vec<String>,
        language: String,
    }
    MailTemplate {
        words: Vec<String>,
        subject: String,
        text: String,
        html: String,
    }
    Ticket {
        kind: TicketKind,
        base_url: Text<BaseUrl>,
        user: String,
        token: SecretRef,
        public: bool,
        project: String,
        issue_type: String,
        to: String,
        priority: String,
        tags: Vec<String>,
        timeout: Text<Duration>,
        give_up_after: Text<Duration>,
    }
    Crm {
        kind: CrmKind,
        base_url: Text<BaseUrl>,
        path: String,
        token: SecretRef,
        classification_property: String,
        priority_property: String,
        message_property: String,
        api_version: String,
        client_id: String,
        client_secret: SecretRef,
        username: String,
        private_key: SecretRef,
        audience: Text<BaseUrl>,
        task_key_field: String,
        note: bool,
        values: HashMap<Label, String>,
        display: HashMap<Label, String>,
        also: HashMap<Label, BTreeMap<String, String>>,
        timeout: Text<Duration>,
        rate: CrmRate,
        urgent_reserve: u8,
        time_zone: Text<TimeZone>,
        reconcile: String,
        auth: CrmAuth,
        probe: String,
        requests: CrmRequests,
    }
    CrmAuth {
        header: Text<HeaderName>,
        prefix: String,
        secret: SecretRef,
    }
    CrmRequests {
        update: CrmRequest,
        note: CrmRequest,
        task: CrmRequest,
    }
    CrmRequest {
        method: CrmMethod,
        url: String,
        headers: BTreeMap<String, String>,
        body: String,
        success: CrmSuccess,
        id: String,
        idempotency_header: Text<HeaderName>,
    }
    CrmSuccess {
        status: Vec<u16>,
        pointer: String,
        equals: Value,
    }
    CrmRate {
        requests: u16,
        per: Text<Duration>,
    }
    Reconcile {
        nightly_at: Text<Time>,
        digest_after: Text<Duration>,
    }
    Outbox {
        retry_base: Text<Duration>,
        retry_cap: Text<Duration>,
        crm_give_up_after: Text<Duration>,
        note_after: Text<Duration>,
        read_again_after: Text<Duration>,
        breaker_after: u16,
        breaker_pause: Text<Duration>,
    }
    Log {
        level: LogLevel,
        content: LogContent,
        format: LogFormat,
    }
}

/// What an urgent lead does inside or outside business hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    Alert,
    CrmOnly,
    Defer,
}

/// The shapes of payload a source may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceKind {
    Json,
    Form,
    HubspotWorkflow,
    HubspotApp,
    HubspotForm,
    SalesforceOutbound,
    SalesforceJson,
    Pipedrive,
}

/// How a sender proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scheme {
    Hubspot,
    StandardWebhooks,
    HmacSha256,
    Twilio,
    SharedSecret,
    Bearer,
    Basic,
    Salesforce,
    ClientCertificate,
    None,
}

/// Where a shared secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    Header,
    Path,
}

/// What happens to characters that would double what a text costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Translit {
    Auto,
    Off,
}

/// Where a case of support can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TicketKind {
    Zendesk,
    Jira,
    Mail,
}

/// The CRMs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CrmKind {
    Hubspot,
    Salesforce,
    Pipedrive,
    Http,
}

/// How a CRM that the operator describes is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum CrmMethod {
    Post,
    Put,
    Patch,
}
