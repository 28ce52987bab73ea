//! One cell: a family meets a fault. What came of it in a word, or what is wrong.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Family, Setup};
use nightdesk::model::ModemState;
use tokio::time::{Instant, sleep, timeout};

use super::row::{Row, Then};
use super::scene::{End, Scene};

/// A modem that can be made ready is so within this.
const SETTLES: Duration = Duration::from_mins(2);
/// A text that nobody will hear of for the last time before that.
const LAST: Duration = Duration::from_mins(4);
/// What is sent afterwards.
const NEXT: &str = "lead K8: the next one";
/// So many tries are shown of a cell that is wrong.
const TOLD: usize = 5;
/// No cell takes longer than this of its own time.
const FOREVER: Duration = Duration::from_hours(12);

/// What is in a cell.
pub(super) struct Cell {
    pub(super) word: String,
    pub(super) wrong: Option<String>,
}

/// Plays one cell on a clock of its own.
pub(super) fn play(row: &Row, family: Family) -> Cell {
    if !(row.families)(family) {
        return Cell { word: "-".into(), wrong: None };
    }
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let played = clock.block_on(async { timeout(FOREVER, tokio::spawn(act(row.clone(), family))).await });
    match played {
        Ok(Ok(cell)) => cell,
        Ok(Err(panic)) => Cell { word: "PANIC".into(), wrong: Some(panic.to_string()) },
        Err(_) => Cell { word: "FOREVER".into(), wrong: Some("it never ended".into()) },
    }
}

async fn act(row: Row, family: Family) -> Cell {
    let mut scene = Scene::new((row.setup)(Setup::family(family)));
    (row.before)(&mut scene);
    scene.start();
    scene.settled(SETTLES).await;
    (row.fault)(&scene.world);
    (row.meanwhile)(&mut scene);
    let end = first_text(&row, &mut scene).await;
    let mut wrong = Vec::new();
    if !row.ends.contains(&end.word()) {
        wrong.push(format!("it should have ended {}", row.ends.join(" or ")));
    }
    if row.restarts {
        scene.stop().await;
        scene.start();
        scene.settled(SETTLES).await;
    }
    wrong.extend(aftermath(&row, &mut scene).await.err());
    wrong.extend(once(&scene, row.text, end).err());
    wrong.extend(kept(&row, &scene).await.err());
    wrong.extend(unharmed(&row, &scene).err());
    wrong.extend((row.check)(&scene).err());
    let said = &scene.said[..scene.said.len().min(TOLD)];
    let wrong = (!wrong.is_empty()).then(|| format!("{}\n      {}", wrong.join("; "), said.join("\n      ")));
    Cell { word: end.word().into(), wrong }
}

async fn first_text(row: &Row, scene: &mut Scene) -> End {
    let begun = Instant::now();
    let mut later = row.later.clone();
    later.sort_by_key(|(after, _)| *after);
    let world = scene.world.clone();
    let weather = tokio::spawn(async move {
        for (after, what) in later {
            sleep(after.saturating_sub(begun.elapsed())).await;
            what(&world);
        }
    });
    let end = scene.send(row.text).await;
    weather.await.unwrap();
    end
}

/// Whether the modem is usable again, or a person was called.
async fn aftermath(row: &Row, scene: &mut Scene) -> Result<(), String> {
    let within = match row.then {
        Then::Works(within) => {
            (row.over)(scene);
            within
        }
        Then::Calls(within) => {
            sleep(Duration::from_mins(20)).await;
            match scene.books.alarms() {
                1 => {}
                alarms => return Err(format!("{alarms} alarms instead of one")),
            }
            if scene.state() == ModemState::Ready {
                return Err("a person was called to a modem that is ready".into());
            }
            (row.over)(scene);
            within
        }
    };
    let begun = Instant::now();
    while begun.elapsed() < within {
        scene.settled(within).await;
        if scene.send(NEXT).await.is_sent() {
            sleep(LAST).await;
            return once(scene, NEXT, End::Sent);
        }
        sleep(Duration::from_secs(5)).await;
    }
    Err(format!("it is {} and sends nothing", scene.state().name()))
}

/// The phone shows the text as often as the outbox thinks.
fn once(scene: &Scene, text: &str, end: End) -> Result<(), String> {
    let shown = scene.modem.sent();
    let shown: Vec<_> = shown.iter().filter(|sms| text.starts_with(sms.text.get(..8).unwrap_or("?"))).collect();
    let whole = shown.iter().filter(|sms| sms.is_whole() && sms.text == text).count();
    match (end, whole, shown.len()) {
        (End::Unknown, 0..=1, 0..=1) => Ok(()),
        (end, 1, 1) if end.is_sent() => Ok(()),
        (end, 0, 0) if !end.is_sent() => Ok(()),
        // Parts that were taken before it went another way.
        (end, 0, 1) if !end.is_sent() => Ok(()),
        (_, whole, shown) => Err(format!("the phone shows {whole} whole and {shown} in all: {:?}", scene.modem.sent())),
    }
}

/// Texts that came in are in the books, once, and no longer in the modem.
async fn kept(row: &Row, scene: &Scene) -> Result<(), String> {
    if !row.texts_in.is_empty() {
        sleep(row.kept_within).await;
    }
    let kept = scene.books.texts_in();
    for (number, text) in row.texts_in {
        let times = kept.iter().filter(|(from, words)| from == number && words == text).count();
        if times != 1 {
            return Err(format!("{text:?} of {number} was kept {times} times: {kept:?}"));
        }
    }
    if let Some(left) = scene.modem.stored().iter().find(|(_, _, pdu)| !scene.drafts.contains(pdu)) {
        return Err(format!("left in the modem: {left:?}"));
    }
    let fate = scene.first.and_then(|part| scene.books.fate_of(part)).map(nightdesk::model::Fate::name);
    if row.fate.is_some() && fate != row.fate {
        return Err(format!("its fate is {fate:?} instead of {:?}", row.fate));
    }
    Ok(())
}

/// Nothing was done to the modem that mustn't be, nor too often.
fn unharmed(row: &Row, scene: &Scene) -> Result<(), String> {
    let (counts, time) = (scene.modem.counts(), scene.elapsed());
    let resets = u64::from(counts.resets) <= 1 + time.as_secs() / 600;
    let cycles = u64::from(counts.power_cycles) <= 3 * (1 + time.as_secs() / 3600);
    let violations = scene.modem.violations();
    match (violations.is_empty(), resets && cycles, scene.books.alarms() <= row.alarms) {
        (false, ..) => Err(format!("violations: {violations:?}")),
        (_, false, _) => Err(format!("too often: {counts:?} in {time:?}")),
        (.., false) => Err(format!("{} alarms", scene.books.alarms())),
        (true, true, true) => Ok(()),
    }
}
