//! Phones that a modem lets ring: every family on a bench, and one on a real terminal.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::deliver::modem::{Settings, Timings, modem};
use nightdesk::demo::sim::modem::{Callee, Family, Setup, Step, Trouble};
use nightdesk::model::{Done, Effect, Outcome, Report, RingTask, Task, Timestamp, Work};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::books::Books;
use super::row::TEXT;
use super::scene::{DANA, End, Scene, work};

/// What the outbox allows beside the ringing.
const BESIDES: Duration = Duration::from_secs(20);

/// A modem that has just become ready is looked at, for which an old one takes its time.
const LOOKED_AT: Duration = Duration::from_secs(10);

fn ring(lasts_s: u32) -> Work {
    let task = Task::Ring(RingTask {
        to: DANA.parse().unwrap(),
        who: "Dana".into(),
        round: 1,
        step: 0,
        words: String::new(),
        lasts_s,
        refused: Vec::new(),
    });
    let mut work = work("");
    work.job.task = task;
    work.hard_deadline = Timestamp::now().after(Duration::from_secs(lasts_s.into())).after(BESIDES);
    work
}

/// How it went, in the words of the timeline.
fn how(report: &Report) -> String {
    match &report.outcome {
        Outcome::Done(Done::Rang(rang)) => rang.to_string(),
        Outcome::Failed(failure) => failure.reason.clone(),
        other => panic!("{other:?}"),
    }
}

/// The length of each call in seconds.
fn calls(scene: &Scene) -> Vec<u64> {
    let round = |lasted: Duration| (lasted + Duration::from_millis(500)).as_secs();
    scene.modem.calls().iter().map(|call| call.lasted.map_or(u64::MAX, round)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_family_rings_or_says_that_it_cannot() {
    let second = Duration::from_secs;
    for family in Family::ALL {
        let mut scene = Scene::new(Setup::family(family).chatter(7));
        scene.start();
        scene.settled(second(120)).await;
        for (callee, want, lasted) in [
            (Callee::Rings, "rang 20 s", 20),
            (Callee::Busy, "busy", 1),
            (Callee::Declines(second(9)), "rang 9 s", 9),
            (Callee::NoAnswer(second(18)), "rang 18 s", 18),
            (Callee::PicksUp(second(7)), "picked up", 7),
            (Callee::Unreachable, "the network ended the call before the phone can have rung", 1),
        ] {
            scene.modem.callee(callee);
            let said = how(&scene.handle().perform(&ring(20)).await);
            if family == Family::Huawei {
                assert_eq!(said, "it does not call: the modem says ERROR: error without a number");
                assert_eq!(calls(&scene), [0; 0]);
                continue;
            }
            assert_eq!((said.as_str(), calls(&scene).last()), (want, Some(&lasted)), "{} {callee:?}", family.name());
        }
        assert_eq!(scene.send(TEXT).await, End::Sent, "{}", family.name());
        assert_eq!(scene.modem.violations(), [""; 0], "{}", family.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_does_not_wait_for_a_ring() {
    for family in [Family::Sim800, Family::Ec25, Family::Generic] {
        let mut scene = Scene::new(Setup::family(family));
        scene.start();
        scene.settled(Duration::from_mins(2)).await;
        sleep(LOOKED_AT).await;
        let (handle, ring) = (scene.handle().clone(), ring(20));
        let rings = tokio::spawn(async move { handle.perform(&ring).await });
        sleep(Duration::from_secs(5)).await;
        let asked = Instant::now();
        assert_eq!(scene.send(TEXT).await, End::Sent, "{}", family.name());
        assert!(asked.elapsed() < Duration::from_secs(1), "{}: {:?}", family.name(), asked.elapsed());
        assert_eq!(
            (how(&rings.await.unwrap()).as_str(), &calls(&scene)[..]),
            ("rang 5 s", &[5][..]),
            "{}",
            family.name()
        );
        assert_eq!(scene.modem.violations(), [""; 0], "{}: it is hung up first", family.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_in_which_the_desk_dies_is_hung_up_by_the_next_start() {
    for family in [Family::Sim800, Family::Ec25, Family::Generic] {
        let mut scene = Scene::new(Setup::family(family));
        scene.start();
        scene.settled(Duration::from_mins(2)).await;
        sleep(LOOKED_AT).await;
        let (handle, ring) = (scene.handle().clone(), ring(20));
        let rings = tokio::spawn(async move { handle.perform(&ring).await });
        sleep(Duration::from_secs(5)).await;
        scene.die().await;
        assert_eq!(calls(&scene), [u64::MAX], "{}: it rings on", family.name());
        drop(rings.await);
        sleep(Duration::from_secs(3)).await;
        scene.start();
        scene.settled(Duration::from_mins(2)).await;
        assert!(calls(&scene)[0] < 20, "{}: {:?}", family.name(), calls(&scene));
        assert_eq!(scene.send(TEXT).await, End::Sent, "{}", family.name());
        assert_eq!((calls(&scene).len(), scene.modem.violations().len()), (1, 0), "{}", family.name());
    }
}

/// The same over the kernel's terminal, on the clock on the wall.
#[tokio::test]
async fn a_phone_rings_over_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modem0");
    let sim = Setup::default().spawn(&path).unwrap();
    let settings = Settings {
        name: "modem0".into(),
        port: Some(path),
        baud: 115_200,
        smsc: None,
        validity: Duration::from_hours(1),
        pin: None,
        caps: (1000, 1000),
        power: None,
        timings: Timings::default(),
    };
    let stop = CancellationToken::new();
    let (handle, task) = modem(settings, Arc::new(Books::default()), stop.clone());
    let task = tokio::spawn(task);
    let report = handle.perform(&ring(1)).await;
    assert!(how(&report).starts_with("rang "), "{report:?}");
    let commands = sim.commands();
    let dialled = commands.iter().position(|command| *command == format!("ATD{DANA};")).unwrap();
    assert_eq!(commands[dialled + 1], "AT+CHUP", "{commands:?}");
    let lasted = sim.calls()[0].lasted.expect("it is over");
    assert!(lasted >= Duration::from_millis(900), "{lasted:?}");
    stop.cancel();
    task.await.unwrap();
    assert_eq!(sim.violations(), [""; 0]);
}

/// A modem that thinks before it takes a number hears nothing meanwhile: a text that comes then waits for that, so that
/// the call is really hung up before the text is sent.
#[tokio::test(start_paused = true)]
async fn a_text_does_not_overtake_a_slow_dial() {
    let second = Duration::from_secs;
    for (name, takes) in [("at once", Duration::ZERO), ("a second", second(1)), ("ten seconds", second(10))] {
        let mut scene = Scene::new(Setup::default());
        scene.start();
        scene.settled(second(120)).await;
        sleep(LOOKED_AT).await;
        scene.modem.trouble(Step::Executed("ATD"), Trouble::Late(takes));
        let (rung, sent) = tokio::join!(
            {
                let handle = scene.handle().clone();
                async move { handle.perform(&ring(20)).await }
            },
            async {
                sleep(Duration::from_millis(50)).await;
                scene.send(TEXT).await
            }
        );
        assert!(matches!(rung.outcome, Outcome::Done(Done::Rang(_))), "{name}: {rung:?}");
        assert!(matches!(sent, End::Sent | End::Retried), "{name}: {sent:?}");
        assert!(calls(&scene).iter().all(|seconds| *seconds < 20), "{name}: {:?}", calls(&scene));
        // Whoever says nothing for so long is asked again, early or not.
        let early = |mistake: &String| takes > second(3) && mistake.starts_with("bytes before");
        let mistakes: Vec<String> = scene.modem.violations().into_iter().filter(|mistake| !early(mistake)).collect();
        assert_eq!(mistakes, [""; 0], "{name}");
    }
}
