//! Who is on call, as an operator asks: three teams' calendars, and somebody who stands in.

use nightdesk::control::{Request, Response};
use nightdesk::model::oncall::Person;
use nightdesk::model::{Channel, Lane, LeadId, NewJob, Priority, RowId, SmsReceipt, SmsTask, Task, Timestamp};
use nightdesk::store::Store;

use super::golden;
use super::looks::beside_a_desk;
use super::scene::Scene;

/// Two plumbers who take turns by the week, and the owner when they don't answer; the clocks go forward on 29 March.
const PLUMBERS: &str = r#"
[oncall]
time-zone = "Europe/London"
chain = [{ who = "rota", wait = "4m", ring = "2m" }, { who = "owner", wait = "10m" }]
[oncall.people.sam]
name = "Sam"
phone = "+447700900001"
[oncall.people.alex]
name = "Alex"
phone = "+447700900002"
[oncall.people.owner]
name = "Mrs Hart"
phone = "+447700900003"
quiet = ["23:00-06:00"]
[oncall.rota]
rotation = ["sam", "alex"]
hand-over = "sun 01:30"
start = "2026-03-22"
overrides = [{ from = "2026-03-31 18:00", until = "2026-04-01 08:00", who = "alex" }]
"#;

/// Brokers with shifts on weekdays, a rotation for the rest, and Thanksgiving; later in the list beats earlier.
const BROKERS: &str = r#"
[oncall]
time-zone = "America/New_York"
chain = [{ who = "rota", wait = "3m" }, { who = "manager", wait = "5m" }]
[oncall.people.dana]
name = "Dana"
phone = "+12025550101"
[oncall.people.lee]
name = "Lee"
phone = "+12025550102"
[oncall.people.kim]
name = "Kim"
phone = "+12025550103"
[oncall.people.manager]
name = "Pat Manager"
phone = "+12025550104"
[oncall.rota]
rotation = ["dana", "lee", "kim"]
hand-over = "fri 18:00"
start = "2026-11-20"
shifts = [
  { when = "mon-fri 08:00-18:00", who = "kim" },
  { when = "wed 12:00-18:00", who = "nobody" },
]
holidays = [{ date = "2026-11-26 to 2026-11-27", who = "manager" }]
"#;

/// A factory that sleeps at night: what comes in then waits for the morning, and Christmas is closed.
const FACTORY: &str = r#"
[oncall]
time-zone = "Europe/Berlin"
chain = [{ who = "rota" }, { who = "uwe" }]
[oncall.people.ines]
name = "Ines"
phone = "+4915112345671"
[oncall.people.uwe]
name = "Uwe"
phone = "+4915112345672"
[oncall.rota]
shifts = [{ when = "mon-fri 07:00-12:00", who = "ines" }, { when = "mon-fri 12:00-16:30", who = "uwe" }]
holidays = [{ date = "2026-12-24 to 2026-12-26" }]
[oncall.hours]
open = ["mon-fri 07:00-16:30"]
outside = "defer"
"#;

#[test]
fn the_calendars_of_three_teams() {
    for (name, team, from, days) in [
        ("plumbers", PLUMBERS, "2026-03-27", "7"),
        ("brokers", BROKERS, "2026-11-23", "7"),
        ("factory", FACTORY, "2026-12-23", "6"),
    ] {
        let scene = Scene::new(team);
        let said = scene.say(&["oncall", "calendar", "--from", from, "--days", days]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{name}");
        golden(&format!("oncall-{name}.txt"), &said.out);
    }
}

#[test]
fn somebody_stands_in_and_is_taken_back() {
    let scene = Scene::new(PLUMBERS);
    let keys = |said: super::Said| said.json()["steps"].clone();
    let before = keys(scene.say(&["oncall", "now", "--json"]));
    let other = if before[0] == "sam" { "alex" } else { "sam" };
    let made = scene.say(&["oncall", "override", other, "--for", "8h"]);
    assert_eq!((made.code, made.out.lines().next()), (0, Some("1 override made")), "{made:?}");
    assert_eq!(keys(scene.say(&["oncall", "now", "--json"]))[0], other);
    let listed = scene.say(&["oncall", "override", "--list", "--json"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["who"]), (&1.into(), &other.into()));
    let nobody = scene.say(&["oncall", "override", "nobody", "--for", "1h"]);
    assert_eq!(nobody.code, 0, "{nobody:?}");
    assert!(keys(scene.say(&["oncall", "now", "--json"]))[0].is_null(), "the later one counts");
    assert_eq!(scene.say(&["oncall", "override", "--cancel", "2"]).code, 0);
    assert_eq!(keys(scene.say(&["oncall", "now", "--json"]))[0], other);
    assert_eq!(scene.say(&["oncall", "override", "--cancel", "1"]).code, 0);
    assert_eq!(keys(scene.say(&["oncall", "now", "--json"])), before);
    assert_eq!(scene.say(&["oncall", "override", "--cancel", "1"]).code, 66, "it is taken back already");
    assert!(scene.say(&["oncall", "override", "--list"]).out.starts_with("no override is to come"));
}

#[test]
fn what_makes_no_sense_is_said() {
    let scene = Scene::new(PLUMBERS);
    for (args, code, words) in [
        (vec!["override", "zoe", "--for", "1h"], 64, "\"zoe\" is nobody's key; there are alex, owner, sam"),
        (vec!["override", "sam", "--from", "tomorrow", "--for", "1h"], 64, "\"tomorrow\" is no time such as"),
        (vec!["override", "sam", "--until", "2020-01-01 00:00"], 64, "it would end before it begins, or is over"),
        (vec!["override", "sam"], 64, "--until"),
        (vec!["override"], 64, "required"),
        (vec!["calendar", "--days", "400"], 64, "400"),
        (vec!["calendar", "--from", "soon"], 64, "\"soon\" is no time"),
    ] {
        let args: Vec<&str> = ["oncall"].into_iter().chain(args).collect();
        let said = scene.say(&args);
        assert!(said.code == code && said.err.contains(words), "{args:?}: {said:?}");
    }
    let said = Scene::new("").say(&["oncall", "now"]);
    assert!(said.code == 66 && said.err.contains("fill in [oncall]"), "{said:?}");
}

/// What the stand-in's desk says; the test itself is in the scene's database.
pub(super) fn tested(who: &str) -> Response {
    if who == "owner" {
        return Response::Refused { reason: "no channel for texts is configured".into() };
    }
    Response::Tested { test: LeadId::new(AT, [7; 10]), channel: Channel::new(Lane::Sms, "modem0") }
}

const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// A desk that tests Sam's phone, whose text became what is told: nothing, submitted, delivered, failed or answered.
fn testing(became: &str) -> Scene {
    let scene = Scene::new(PLUMBERS);
    let (mut store, id) = (Store::open(&scene.data()).unwrap(), LeadId::new(AT, [7; 10]));
    let channel = Channel::new(Lane::Sms, "modem0");
    let sam = Person::new("Sam".into(), "+447700900001".parse().unwrap());
    let text = SmsTask {
        to: sam.phone.clone(),
        who: sam.name.clone(),
        text: "nightdesk test".into(),
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: true,
    };
    let (task, priority) = (Task::Sms(text), Priority::Normal);
    let new = NewJob { lead: id, task, channel: channel.clone(), priority, due_at: AT, deadline_at: AT };
    store
        .transact(|tx| {
            tx.add_canary(id, &sam, &channel, AT)?;
            let job = tx.insert_job(&new, AT)?;
            let job = tx.job(job)?.unwrap().0;
            if became != "nothing" {
                tx.set_sms(&job, "submitted", Some("7"), Some(1), AT)?;
            }
            match became {
                "delivered" => {
                    tx.deliver_sms(&job, &SmsReceipt { reference: "7".into(), parts: 1, delivered: true }, AT)?;
                    tx.set_reached(id).map(drop)
                }
                "failed" => tx.fail_sms(job.id, "the network gave it up", AT).map(drop),
                "answered" => tx.set_reached(id).map(drop),
                _ => Ok(()),
            }
        })
        .unwrap();
    scene
}

#[test]
fn a_phone_is_tested_and_how_it_went_is_in_the_exit_code() {
    for (became, code, out, err) in [
        ("delivered", 0, "delivered: the phone has it\n", ""),
        ("answered", 0, "answered: the phone is reached\n", ""),
        ("submitted", 69, "", "Sam's phone was not reached: neither a delivery report nor an answer has come"),
        ("failed", 69, "", "Sam's phone was not reached: the network gave it up"),
        ("nothing", 69, "", "Sam's phone was not reached: the text was not sent yet"),
    ] {
        let scene = testing(became);
        let asked = beside_a_desk(&scene, || {
            let test = ["oncall", "test", "sam", "--wait", "1ms"];
            let said = scene.say(&test);
            assert!(said.code == code && said.err.contains(err), "{became}: {said:?}");
            assert_eq!(said.out, format!("a text to Sam +447700900001 is queued on modem0\n{out}"), "{became}");
            let json = scene.say(&[&test as &[&str], &["--json"]].concat());
            assert_eq!((json.code, json.out.lines().count()), (code, 1), "{became}: {json:?}");
            assert_eq!(json.json()["channel"], "sms:modem0", "{became}");
            assert_eq!(scene.say(&["oncall", "test", "SAM", "--no-wait"]).code, 0, "{became}: by name, not waited for");
        });
        assert!(asked.iter().all(|request| *request == Request::Test { who: "sam".into() }), "{asked:?}");
        assert_eq!(scene.say(&["leads", "list"]).out, "no lead has come yet\n", "{became}: a test is no lead");
    }
}

#[test]
fn who_is_tested_is_told_beside_the_number() {
    let scene = testing("delivered");
    scene.say(&["oncall", "override", "sam", "--for", "1h"]);
    let said = scene.say(&["oncall", "now"]);
    assert!(said.out.contains("1. Sam +447700900001") && said.out.contains(": delivered\n"), "{said:?}");
}

#[test]
fn nobody_is_tested_without_a_desk_nor_who_is_not_known() {
    let scene = Scene::new(PLUMBERS);
    let said = scene.say(&["oncall", "test", "sam"]);
    assert!(said.code == 69 && said.err.contains("the desk does not run"), "{said:?}");
    assert!(!scene.data().join("nightdesk.db").exists(), "nothing is queued in its files");
    let said = scene.say(&["oncall", "test", "zoe"]);
    assert!(said.code == 64 && said.err.contains("\"zoe\" is nobody on call; there are alex, owner, sam"), "{said:?}");
    let asked = beside_a_desk(&scene, || {
        let said = scene.say(&["oncall", "test", "owner"]);
        assert!(said.code == 65 && said.err.contains("no channel for texts is configured"), "{said:?}");
    });
    assert_eq!(asked.len(), 1);
}
