//! A desk's folder and its database as a night left them, made through the library at fixed times.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nightdesk::model::{
    BootId, Channel, ClassifiedBy, CrmRecord, CrmUpdate, JobState, Label, Lane, LeadId, LlmCall, NewJob, NewLead,
    Phone, Priority, Reading, RowId, SmsReceipt, SmsTask, Stage, Task, Timestamp, Trace,
};
use nightdesk::store::{Arrival, Closing, Gate, NewDeadLetter, Opening, Received, Settlement, Store};
use tempfile::TempDir;

use super::{Said, nightdesk};

/// The folder of one desk. Its name is short: a socket's path has at most 107 bytes.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
}

impl Scene {
    /// A desk with nothing in it but its configuration, to which `more` is added.
    pub(crate) fn new(more: &str) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        let at = scene.folder.path().display();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin-listen = \"127.0.0.1:0\"\n\
             public-url = \"https://leads.example.com\"\n\
             [storage]\ndata-dir = \"{at}/data\"\ncontrol-socket = \"{at}/control.sock\"\n\
             [business]\ntime-zone = \"Europe/Berlin\"\n{more}"
        );
        std::fs::write(scene.config(), text).unwrap();
        scene
    }

    /// The same after a night with two leads, a dead letter, a refused request and an alert.
    pub(crate) fn after_a_night() -> Self {
        let scene = Self::new("");
        scene.know_hubspot();
        let mut store = Store::open(&scene.data()).unwrap();
        let urgent = receive(&mut store, 0, "Anna Berg", "We need 50 units by tomorrow.\u{1b}[2J <b>Call me!</b>");
        classify(&mut store, urgent);
        text(&mut store, urgent);
        refuse_crm(&mut store, urgent);
        receive(&mut store, 60, "Carl\nDiaz", "How does it compare?");
        let forged = arrival(120, "{}");
        store.transact(|tx| tx.quarantine(&forged, "its Authorization is wrong", 0)).unwrap();
        store
            .transact(|tx| {
                tx.receive(&arrival(180, "{\"msg\": 1}"), &Gate::Failed { reason: "no message".into() }, &opening())
            })
            .unwrap();
        scene
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn know_hubspot(&self) {
        let token = self.folder.path().join("hubspot-token");
        let mut options = OpenOptions::new();
        options.create(true).write(true).mode(0o600).open(&token).unwrap().write_all(b"pat-of-this-scene").unwrap();
        let table = format!("[crm.hubspot]\nkind = \"hubspot\"\ntoken = {{ file = \"{}\" }}\n", token.display());
        let text = std::fs::read_to_string(self.config()).unwrap() + &table;
        std::fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("nightdesk.toml")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// The command on this desk.
    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let config = self.config();
        nightdesk(&[&["--config", config.to_str().unwrap()], args].concat())
    }

    pub(crate) fn say(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }
}

fn at(seconds: i64) -> Timestamp {
    let evening: Timestamp = "2026-11-23T02:00:00.000Z".parse().unwrap();
    Timestamp::from_millis(evening.as_millis() + seconds * 1_000)
}

fn arrival(seconds: i64, body: &str) -> Arrival {
    Arrival {
        received_at: at(seconds),
        source: "website".into(),
        method: "POST".into(),
        target: "/hooks/website".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
    }
}

fn opening() -> Opening {
    Opening {
        classify_on: Some(Channel::new(Lane::Llm, "openai")),
        deadline_after: Duration::from_secs(45),
        give_up_after: Duration::from_hours(24),
        read_give_up_after: Duration::from_hours(72),
    }
}

fn receive(store: &mut Store, seconds: i64, name: &str, message: &str) -> LeadId {
    let body = serde_json::json!({ "name": name, "message": message }).to_string();
    let lead = NewLead {
        crm: Some(Channel::new(Lane::Crm, "hubspot")),
        record_id: Some("501".into()),
        name: Some(name.into()),
        email: Some("anna@example.com".into()),
        phone_text: Some("08 123 456 78".into()),
        message: message.into(),
        event_key: None,
        content_key: message.into(),
    };
    let received = store.transact(|tx| tx.receive(&arrival(seconds, &body), &Gate::Passed(lead), &opening()));
    let Received::Accepted(lead) = received.unwrap() else { panic!("it is new") };
    lead
}

/// Claims the one due job of `channel`, and ends it.
fn work(store: &mut Store, channel: &Channel, seconds: i64, closing: &Closing<'_>, state: JobState) {
    let boot = BootId::fresh(at(0));
    let claimed = store.transact(|tx| tx.claim(channel, boot, true, &|_| true, at(seconds))).unwrap().unwrap();
    let settlement = Settlement { state, due_at: None, unburnt: false, result: closing.reason };
    let ended = at(seconds + 1);
    store.transact(|tx| tx.settle(claimed.job.id, claimed.attempt, boot, closing, settlement, ended)).unwrap();
}

fn trace(request: &str, response: &str) -> Trace {
    let (request, response) = (Some(request.to_owned()), Some(response.to_owned()));
    Trace { request, response, latency: Duration::from_millis(250), ..Trace::default() }
}

fn classify(store: &mut Store, lead: LeadId) {
    let call = LlmCall {
        at: at(1),
        provider: "openai".into(),
        model: "gpt-5-mini".into(),
        system_prompt: "You sort leads.\nAnswer with JSON only.".into(),
        user_prompt: "<message>\nWe need 50 units by tomorrow. Call me!\n</message>".into(),
        answer: Some("{\"classification\":\"URGENT_BUYER\"}".into()),
        label: Some(Label::UrgentBuyer),
        prompt_tokens: Some(400),
        completion_tokens: Some(15),
        cost_micros: Some(130),
        latency: Duration::from_millis(250),
        request_id: None,
        error: None,
    };
    store
        .transact(|tx| {
            tx.add_llm_call(lead, &call)?;
            tx.set_reading(
                lead,
                &Reading {
                    message: "We need 50 units by tomorrow. Call me!".into(),
                    phone: Some("+46812345678".parse::<Phone>().unwrap()),
                },
            )?;
            tx.set_label(lead, Label::UrgentBuyer, ClassifiedBy::Llm, at(2))
        })
        .unwrap();
    let asked = trace("POST https://api.openai.com/v1/chat/completions", "");
    let closing = Closing { outcome: "done", reason: None, trace: &Trace { response: None, ..asked } };
    work(store, &Channel::new(Lane::Llm, "openai"), 1, &closing, JobState::Done);
}

fn job(store: &mut Store, lead: LeadId, task: Task, channel: &Channel) -> nightdesk::model::JobId {
    let new = NewJob {
        lead,
        task,
        channel: channel.clone(),
        priority: Priority::Urgent,
        due_at: at(2),
        deadline_at: at(3_600),
    };
    store.transact(|tx| tx.insert_job(&new, at(2))).unwrap()
}

fn text(store: &mut Store, lead: LeadId) {
    let channel = Channel::new(Lane::Sms, "modem0");
    let sms = SmsTask {
        to: "+15551234567".parse().unwrap(),
        who: "Dana".into(),
        text: "URGENT Anna Berg".into(),
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    };
    let id = job(store, lead, Task::Sms(sms), &channel);
    let said = trace("AT+CMGS=30", "+CMGS: 7\r\nOK");
    let closing = Closing { outcome: "done", reason: None, trace: &said };
    work(store, &channel, 3, &closing, JobState::Done);
    let arrived = store.transact(|tx| {
        let (job, ..) = tx.job(id)?.unwrap();
        tx.set_sms(&job, "submitted", Some("7"), Some(1), at(4))?;
        tx.deliver_sms(&job, &SmsReceipt { reference: "7".into(), parts: 1, delivered: true }, at(9))
    });
    assert!(arrived.unwrap());
}

fn refuse_crm(store: &mut Store, lead: LeadId) {
    let channel = Channel::new(Lane::Crm, "hubspot");
    let record = CrmRecord { channel: channel.clone(), id: "501".into() };
    let task =
        Task::CrmUpdate(CrmUpdate { record, label: Some(Label::UrgentBuyer), priority: Some(true), owner: None });
    let payload = serde_json::to_string(&task).unwrap();
    let id = job(store, lead, task, &channel);
    let reason = "HubSpot: Property \"auto_classification\" does not exist";
    let said = trace("PATCH https://api.hubapi.com/crm/v3/objects/contacts/501\n{}", "{\"status\":\"error\"}");
    work(store, &channel, 5, &Closing { outcome: "permanent", reason: Some(reason), trace: &said }, JobState::Dead);
    let letter = NewDeadLetter {
        stage: Stage::Crm,
        class: "permanent",
        reason,
        what_to_do: "create it with `nightdesk check --create-properties`, then retry",
        job: Some(id),
        inbox: None,
        lead: Some(lead),
        payload: &payload,
    };
    store.transact(|tx| tx.add_dead_letter(&letter, at(6))).unwrap();
}
