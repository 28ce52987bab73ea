//! Looking at a desk: status, leads, dead letters, quarantine.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use nightdesk::control::{self, AlertStatus, ChannelStatus, Operator, Request, Response, Status};
use nightdesk::store::{InboxCounts, Reader, WaitingLead};
use tokio_util::sync::CancellationToken;

use super::scene::Scene;
use super::{golden, stable};

#[test]
fn a_night_as_the_operator_reads_it() {
    let scene = Scene::after_a_night();
    for (name, args, code) in [
        ("leads-list.txt", &["leads", "list"] as &[&str], 0),
        ("leads-show.txt", &["leads", "show", "c2"], 0),
        ("dlq-list.txt", &["dlq", "list"], 0),
        ("dlq-show.txt", &["dlq", "show", "1"], 0),
        ("dlq-show-gate.txt", &["dlq", "show", "2"], 0),
        ("quarantine-list.txt", &["quarantine", "list"], 0),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.err.as_str()), (code, ""), "{args:?}: {got:?}");
        assert!(!got.out.contains('\u{1b}'), "{args:?} moves the cursor");
        golden(name, &stable(&got.out, scene.folder.path()));
    }
}

#[test]
fn machines_get_the_same_as_json() {
    let scene = Scene::after_a_night();
    let leads = scene.say(&["leads", "list", "--json"]).json();
    assert_eq!(leads.as_array().unwrap().len(), 2);
    assert_eq!((&leads[1]["code"], &leads[1]["class"]), (&"C2".into(), &"URGENT_BUYER".into()));
    let id = leads[1]["lead_id"].as_str().unwrap();
    for name in ["C2", id, &id[..13]] {
        let story = scene.say(&["leads", "show", name, "--json"]).json();
        assert_eq!(story["lead_id"], id, "{name}");
        assert_eq!(story["state"], "needs a person");
        assert_eq!(story["llm_calls"][0]["answer"], "{\"classification\":\"URGENT_BUYER\"}");
        assert_eq!(story["attempts"].as_array().unwrap().len(), 3);
        assert!(story["payload"].as_str().unwrap().contains("Anna Berg"));
    }
    assert_eq!(scene.say(&["leads", "list", "--limit", "1", "--json"]).json().as_array().unwrap().len(), 1);
    let letters = scene.say(&["dlq", "list", "--stage", "gate", "--json"]).json();
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["reason"]), (1, &"no message".into()));
    assert_eq!(scene.say(&["dlq", "list", "--lead", "D2", "--json"]).json(), serde_json::json!([]));
    let letter = scene.say(&["dlq", "show", "1", "--json"]).json();
    assert_eq!(letter["attempts"][0]["outcome"], "permanent");
    assert_eq!(scene.say(&["quarantine", "list", "--json"]).json()[0]["source"], "website");
}

#[test]
fn what_is_not_there() {
    let (night, empty) = (Scene::after_a_night(), Scene::new(""));
    for (scene, args, said) in [
        (&night, &["leads", "show", "Z9"] as &[&str], "there is no lead \"Z9\""),
        (&night, &["dlq", "list", "--lead", "Z9"], "there is no lead \"Z9\""),
        (&night, &["dlq", "show", "99"], "there is no dead letter 99"),
        (&night, &["dlq", "retry", "--class", "crash", "--yes"], "nothing that is open matches"),
        (&night, &["send-test", "website"], "there is no [sources.website]"),
        (&empty, &["leads", "list"], "the desk never ran"),
        (&empty, &["dlq", "list"], "the desk never ran"),
        (&empty, &["replay", "K7"], "the desk never ran"),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.out.as_str()), (66, ""), "{args:?}: {got:?}");
        assert!(got.err.contains(said), "{args:?}: {got:?}");
    }
}

#[test]
fn a_desk_that_does_not_run_says_so_first() {
    let scene = Scene::after_a_night();
    let got = scene.say(&["status"]);
    assert_eq!(got.code, 69);
    assert!(got.out.starts_with("NOT RUNNING"), "{got:?}");
    let alerts = got.out.find("ALERTS").unwrap();
    assert!(alerts < got.out.find("HINTS").unwrap() && alerts < got.out.find("dead letters").unwrap(), "{got:?}");
    let shown = scene.say(&["status", "--json"]);
    let json = shown.json();
    assert_eq!((shown.code, &json["running"], &json["counts"]["leads"]), (69, &false.into(), &2.into()));
    let empty = Scene::new("").say(&["status", "--json"]);
    assert_eq!((empty.code, &empty.json()["counts"]), (69, &serde_json::Value::Null));
}

#[test]
fn an_empty_desk_tells_what_to_fill_in_next() {
    let got = Scene::new("").say(&["status"]);
    let places: Vec<Option<usize>> =
        ["HINTS", "\n  oncall: ", "\n  sources: ", "\n  llm: ", "\n  modem: ", "\n  crm: ", "no database yet"]
            .map(|words| got.out.find(words))
            .into();
    assert!(got.code == 69 && places.is_sorted() && places[0].is_some(), "{got:?}");
}

/// Stands in for a running desk, and keeps what it was asked.
pub(super) struct StandIn {
    pub(super) asked: std::sync::Mutex<Vec<Request>>,
}

impl Operator for StandIn {
    fn answer(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        self.asked.lock().unwrap().push(request.clone());
        Box::pin(async move {
            match request {
                Request::Status => Response::Status(Box::new(a_status())),
                Request::Retry { .. } | Request::Discard { .. } => Response::Done { count: 2, failures: vec![] },
                Request::ReplayQuarantine { .. } => Response::Done { count: 0, failures: vec!["1: no message".into()] },
                Request::Replay { .. } => Response::Replayed { outcome: nightdesk::model::Replayed::Busy },
                Request::PowerCycle { .. }
                | Request::ModemReset { .. }
                | Request::Override { .. }
                | Request::Forget { .. }
                | Request::Suppress { .. }
                | Request::Unsuppress { .. }
                | Request::CancelOverride { .. } => Response::Done { count: 1, failures: vec![] },
                Request::Suppression { .. } => Response::Suppression { why: None },
                Request::Reconcile { .. } => Response::Looks { looks: Vec::new() },
                Request::Test { who } => super::oncall::tested(&who),
                Request::ModemInfo { modem } => super::modem::info_of(&modem),
                Request::ModemSend { to, text, .. } => super::modem::sent(&to, &text),
                Request::ModemFate { text, .. } => super::modem::fate_of(text),
            }
        })
    }
}

fn waiting() -> Vec<WaitingLead> {
    let lead = WaitingLead {
        code: "K7".into(),
        name: Some("Anna\u{1b}[2J Berg".into()),
        phone: Some("+46 8 123".into()),
        received_at: "2026-11-23T02:04:00.000Z".into(),
        unanswered: true,
        called: Some("Boss".into()),
        seconds_to_submitted: Some(6),
        seconds_to_delivered: Some(12),
    };
    let fresh = WaitingLead {
        code: "B3".into(),
        name: None,
        unanswered: false,
        called: Some("Dana".into()),
        seconds_to_delivered: None,
        ..lead.clone()
    };
    vec![lead, fresh]
}

fn a_status() -> Status {
    let channel = |name: &str, state: &str, reason: Option<&str>| ChannelStatus {
        name: name.into(),
        state: state.into(),
        reason: reason.map(str::to_owned),
        until: reason.map(|_| "2026-11-23T02:10:00.000Z".into()),
    };
    Status {
        version: "9.9.9".into(),
        since: "2026-11-23T02:00:00.000Z".into(),
        intake: "127.0.0.1:8787".into(),
        counts: InboxCounts { leads: 12, open_leads: 1, open_jobs: 3, dead_letters: 2, quarantine: 0 },
        last_lead_at: None,
        free_bytes: Some(12 * 1024 * 1024 * 1024),
        channels: vec![
            channel("sms:modem0", "ready", None),
            channel("sms:twilio", "open", Some("Twilio: 401")),
            channel("crm:hubspot", "closed", None),
        ],
        modems: super::modem::modems(),
        waiting: waiting(),
        alerts: vec![AlertStatus {
            since: "2026-11-23T02:05:00.000Z".into(),
            count: 4,
            text: "sms:twilio refuses us".into(),
            cure: "check the token".into(),
        }],
        spending: None,
        hints: vec!["no model is configured yet".into()],
    }
}

/// Runs `body` beside a desk's stand-in on the scene's socket; what it was asked.
pub(super) fn beside_a_desk(scene: &Scene, body: impl FnOnce()) -> Vec<Request> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stand_in = Arc::new(StandIn { asked: std::sync::Mutex::default() });
    let stop = CancellationToken::new();
    let listener = {
        let _inside = runtime.enter();
        control::bind(&scene.socket()).unwrap()
    };
    let serving = runtime.spawn(control::serve(listener, stand_in.clone(), stop.clone()));
    body();
    stop.cancel();
    runtime.block_on(serving).unwrap();
    let asked = stand_in.asked.lock().unwrap();
    asked.clone()
}

#[test]
fn a_running_desk_tells_alerts_and_hints_before_anything_else() {
    let scene = Scene::new("");
    let asked = beside_a_desk(&scene, || {
        let got = scene.say(&["status"]);
        assert_eq!((got.code, got.err.as_str()), (0, ""));
        golden("status.txt", &got.out);
        let json = scene.say(&["status", "--json"]).json();
        assert_eq!((&json["running"], &json["channels"][1]["state"]), (&true.into(), &"open".into()));
    });
    assert_eq!(asked, [Request::Status, Request::Status]);
}

#[test]
fn looking_changes_nothing() {
    let scene = Scene::after_a_night();
    let before = Reader::open(&scene.data()).unwrap().counts().unwrap();
    for args in [&["leads", "list"] as &[&str], &["status"], &["dlq", "show", "1"], &["check"]] {
        scene.say(args);
    }
    assert_eq!(Reader::open(&scene.data()).unwrap().counts().unwrap(), before);
}
