//! Start and stop, as systemd does them, and the database file before, between and after.

use std::time::Duration;

use nightdesk::demo::sim::{Match, Moment};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::URGENT;
use crate::support::{Office, Post, exchange};

/// People open the file with `sqlite3` while the desk runs, after a kill and after a clean stop.
#[tokio::test]
async fn every_view_opens_whatever_became_of_the_desk() {
    let mut office = Office::open().await;
    office.hubspot.set_contact("501", &[]);
    assert_eq!(office.post(&Post::hubspot("501", URGENT)).await.0, 202);
    office.until_settled(1).await;
    look(&office, "live");
    office.kill();
    look(&office, "killed");
    office.start().await;
    assert!(office.terminate().await.success());
    look(&office, "stopped");
}

fn look(office: &Office, when: &str) {
    let views = office.column("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name");
    for wanted in
        ["v_failures", "v_inbound", "v_leads", "v_modem", "v_no_lead", "v_oncall_tests", "v_timeline", "v_today"]
    {
        assert!(views.iter().any(|view| view == wanted), "{when}: {views:?}");
    }
    for view in &views {
        let rows = office.rows(&format!("SELECT * FROM {view}"));
        let may_be_empty =
            ["v_failures", "v_inbound", "v_mails", "v_modem", "v_no_lead", "v_oncall_tests", "v_reconciles"]
                .contains(&view.as_str());
        assert!(may_be_empty || !rows.is_empty(), "{when}: {view} is empty");
    }
    assert_eq!(office.column("PRAGMA integrity_check"), ["ok"], "{when}");
}

/// One daemon per data folder.
#[tokio::test]
async fn a_second_desk_on_the_same_folder_exits_75() {
    let office = Office::open().await;
    let second = office.command(&["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(75), "{said}");
    assert_eq!(office.post(&Post::website(&json!({ "message": "Still there?" }))).await.0, 202);
    office.until_settled(1).await;
}

/// SIGTERM: the request that is half here is still answered, the effect that is out is still settled, nothing new begins.
#[tokio::test]
async fn a_stop_finishes_what_is_in_flight() {
    let mut office = Office::open().await;
    office.hubspot.set_contact("501", &[]);
    let note = Match::to("POST", "/crm/v3/objects/notes");
    let mut held = office.hubspot.hold(Moment::Arrived, note);
    assert_eq!(office.post(&Post::hubspot("501", URGENT)).await.0, 202);
    held.reached().await.expect("the note is on its way");

    let late = Post::website(&json!({ "message": "Half a lead, how much is a tent?" }));
    let late = late.header("Expect", "100-continue").bytes();
    let body_at = late.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let address = office.intake.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&late[..body_at]).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "its body is waited for");
    stream.write_all(&late[body_at..body_at + 10]).await.unwrap();

    office.signal_stop();
    office.until_logged("asked to stop").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while TcpStream::connect(address).await.is_ok() {
        ticks.tick().await;
    }
    stream.write_all(&late[body_at + 10..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    held.release();
    assert_eq!(office.exit().await.code(), Some(0), "{}", office.log());

    assert_eq!(office.hubspot.notes_of("501").len(), 1);
    let leads = office.lines("SELECT settled_at NOTNULL, label FROM leads ORDER BY number");
    assert_eq!(leads, [["1", "URGENT_BUYER"], ["0", "-"]].map(|row| row.map(str::to_owned)));
    assert_eq!(office.column("SELECT count(*) FROM jobs WHERE state = 'leased'"), ["0"]);
    assert_eq!(office.llm.requests().len(), 1, "the late lead waits for the next start");
    office.start().await;
    office.until_settled(2).await;
    assert_eq!(office.hubspot.notes_of("501").len(), 1);
    assert_eq!(office.violations(), Vec::<String>::new());
}

/// A vendor that hangs doesn't keep the desk from stopping, and what it kept is taken up at the next start.
#[tokio::test]
async fn a_hanging_vendor_does_not_hold_up_the_stop() {
    let mut office = Office::new("").await;
    let base_url = office.llm.base_url();
    office.configure(&format!(
        "[server]\ndrain-grace = \"1s\"\n[[llm]]\nname = \"slow\"\nbase-url = \"{base_url}\"\nmodel = \"m\"\n\
         key = {{ file = \"{}/llm-key\" }}\ntimeout = \"5m\"\nfirst-timeout = \"5m\"",
        office.path().display()
    ));
    office.start().await;
    let mut held = office.llm.hold(Moment::Arrived, Match::any());
    assert_eq!(office.post(&Post::website(&json!({ "message": URGENT }))).await.0, 202);
    held.reached().await.expect("the model is asked");
    let asked = Instant::now();
    assert_eq!(office.terminate().await.code(), Some(0), "{}", office.log());
    assert!(asked.elapsed() < Duration::from_secs(8), "it took {:?}", asked.elapsed());
    held.abandon();
    office.start().await;
    office.until_settled(1).await;
    assert_eq!(office.column("SELECT label FROM leads"), ["URGENT_BUYER"]);
}

/// `/healthz` and `/readyz` are on the admin listener only.
#[tokio::test]
async fn health_is_told_where_it_belongs() {
    let office = Office::open().await;
    let (intake, admin) = (office.intake.unwrap(), office.admin.unwrap());
    for (address, path, want) in
        [(admin, "/healthz", 200), (admin, "/readyz", 200), (admin, "/hooks/crm", 404), (intake, "/healthz", 404)]
    {
        let question = format!("GET {path} HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n");
        let (status, ..) = exchange(address, question.as_bytes()).await.unwrap();
        assert_eq!(status, want, "{path} on {address}");
    }
}
