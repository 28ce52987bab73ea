//! Stories of modems in trouble: what came, after how many seconds, and what was done about it.

use super::Event::{
    Asked, Due, Fit, Gone, Locked, NotThere, Opened, Refused, Searching, Sick, Silent, SimFailed, Unset,
};
use super::*;

const START: Moment = Duration::from_hours(2);

fn course(switchable: bool) -> Course {
    Course::new(Duration::from_secs(1), Duration::from_secs(2), switchable)
}

/// What is done, in a word.
fn word(step: Step) -> String {
    let act = match step.act {
        Act::Open => "open".to_owned(),
        Act::Close(wait) => format!("close {}", span(wait)),
        Act::Initialise => "init".to_owned(),
        Act::Serve(patience) => format!("serve {}", span(patience)),
        Act::Rest(wait) => format!("rest {}", span(wait)),
        Act::Radio => "radio".to_owned(),
        Act::Reset => "reset".to_owned(),
        Act::PowerCycle => "power".to_owned(),
    };
    let alarm = if step.alarm { " !" } else { "" };
    let harm = if step.harm { " harmed" } else { "" };
    format!("{act}{alarm}{harm}")
}

fn play(course: &mut Course, story: &[(u64, Event, &str)], name: &str) {
    for (nth, (at, event, want)) in story.iter().enumerate() {
        let step = course.on(*event, START.saturating_add(Duration::from_secs(*at)));
        assert_eq!(word(step), *want, "{name}, {nth}: {event:?} at {at} s");
    }
}

/// A modem, whether its power can be switched, and what came at which second.
type Story<'a> = (&'a str, bool, &'a [(u64, Event, &'a str)]);

const STORIES: &[Story<'_>] = &[
    ("healthy", false, &[(0, Opened, "init"), (1, Fit, "serve 5 min"), (9, Unset, "init"), (10, Fit, "serve 5 min")]),
    (
        "unplugged and plugged in",
        true,
        &[
            (0, Opened, "init"),
            (1, Fit, "serve 5 min"),
            (500, Gone, "close 1 s"),
            (501, Due, "open"),
            (501, NotThere, "close 1 s"),
            (502, Due, "open"),
            (502, Opened, "init"),
            (503, Fit, "serve 5 min"),
        ],
    ),
    (
        "away for long: its power, then a person",
        true,
        &[
            (0, NotThere, "close 1 s"),
            (89, NotThere, "close 1 s"),
            (90, NotThere, "power !"),
            (90, Due, "open"),
            (91, NotThere, "close 1 s"),
            (181, NotThere, "power !"),
            (272, NotThere, "power !"),
            (363, NotThere, "close 1 s !"),
            (3_700, NotThere, "power !"),
            (3_701, Opened, "init"),
            (3_702, Fit, "serve 5 min"),
        ],
    ),
    (
        "deaf for good, no switch",
        false,
        &[
            (0, Opened, "init"),
            (5, Silent, "close 2 s"),
            (7, Due, "open"),
            (7, Opened, "init"),
            (12, Silent, "reset"),
            (17, Due, "init"),
            (22, Silent, "rest 2 s"),
            (101, Silent, "rest 2 s"),
            (103, Silent, "rest 5 min !"),
            (403, Due, "init"),
            (408, Silent, "close 2 s"),
            (410, Opened, "init"),
            (415, Silent, "rest 15 min !"),
            (1_315, Due, "init"),
            (1_320, Silent, "close 2 s"),
            (1_322, Opened, "init"),
            (1_327, Silent, "reset"),
            (1_418, Silent, "rest 60 min !"),
        ],
    ),
    (
        "deaf, helped by its power",
        true,
        &[
            (0, Opened, "init"),
            (5, Silent, "close 2 s"),
            (12, Silent, "reset"),
            (110, Silent, "power"),
            (111, Gone, "close 1 s"),
            (120, Opened, "init"),
            (121, Silent, "rest 2 s"),
            (130, Fit, "serve 5 min"),
        ],
    ),
    (
        "a reset that makes it vanish",
        true,
        &[
            (0, Opened, "init"),
            (5, Silent, "close 2 s"),
            (12, Silent, "reset"),
            (13, Gone, "close 1 s"),
            (100, NotThere, "close 1 s"),
            (103, NotThere, "power ! harmed"),
            (120, Opened, "init"),
            (121, Fit, "serve 5 min"),
            (1_000, Silent, "close 2 s"),
            (1_007, Silent, "power"),
        ],
    ),
    (
        "answers, but will not",
        false,
        &[
            (0, Opened, "init"),
            (1, Refused, "rest 2 s"),
            (4, Refused, "close 2 s"),
            (8, Refused, "radio"),
            (20, Refused, "reset"),
            (30, Refused, "rest 2 s"),
            (111, Refused, "rest 5 min !"),
            (411, Refused, "rest 2 s"),
        ],
    ),
    (
        "no network for long: it is served all the while",
        false,
        &[
            (0, Fit, "serve 5 min"),
            (300, Searching, "radio !"),
            (305, Fit, "serve 5 min"),
            (605, Searching, "reset !"),
            (640, Fit, "serve 5 min"),
            (940, Searching, "serve 5 min !"),
            (1_240, Searching, "radio !"),
        ],
    ),
    (
        "errors that ask for a reset, again and again",
        false,
        &[(0, Fit, "serve 5 min"), (10, Sick, "reset"), (40, Fit, "serve 5 min"), (60, Sick, "serve 5 min")],
    ),
    (
        "restarts again and again",
        false,
        &[
            (0, Fit, "serve 5 min"),
            (100, Unset, "init"),
            (101, Fit, "serve 5 min"),
            (105, Unset, "init"),
            (106, Fit, "serve 5 min"),
            (107, Unset, "init"),
            (108, Unset, "init"),
            (109, Unset, "init"),
            (110, Unset, "rest 2 s"),
            (112, Due, "open"),
        ],
    ),
    ("a SIM that wants a person", false, &[(0, Locked, "rest 30 s !"), (30, Due, "open"), (31, Locked, "rest 30 s !")]),
    ("a SIM that fails is given one reset", false, &[(0, SimFailed, "reset"), (20, SimFailed, "rest 30 s !")]),
    (
        "well for a minute: the ladder starts anew",
        false,
        &[
            (0, Opened, "init"),
            (1, Silent, "close 2 s"),
            (3, Fit, "serve 5 min"),
            (30, Silent, "reset"),
            (60, Fit, "serve 5 min"),
            (121, Silent, "close 2 s"),
        ],
    ),
];

#[test]
fn stories() {
    for (name, switchable, story) in STORIES {
        play(&mut course(*switchable), story, name);
    }
}

#[test]
fn what_an_earlier_start_tried_counts() {
    let mut course = course(true);
    let ago = |minutes: u64| START.checked_sub(Duration::from_mins(minutes)).unwrap();
    course.recall([(ago(50), POWER), (ago(40), POWER), (ago(30), POWER), (ago(5), RESET)]);
    let story = [(0, Event::Opened, "init"), (5, Event::Silent, "close 2 s"), (12, Event::Silent, "rest 5 min !")];
    play(&mut course, &story, "a desk that starts again and again");
}

/// Whatever happens in whatever order: the limits hold, and something is always done next.
#[test]
fn the_limits_hold_in_any_weather() {
    let events = [Opened, NotThere, Gone, Silent, Refused, Locked, SimFailed, Fit, Searching, Unset, Sick, Due, Asked];
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..200 {
        let mut course = course(random.bool());
        let (mut now, mut resets, mut cycles) = (START, Vec::new(), Vec::new());
        for _ in 0..500 {
            now = now.saturating_add(Duration::from_millis(random.u64(1..120_000)));
            let event = events[random.usize(..events.len())];
            if event == Asked && course.may_reset(now).is_err() {
                continue;
            }
            match course.on(event, now).act {
                Act::Reset => resets.push(now),
                Act::PowerCycle => cycles.push(now),
                Act::Open | Act::Close(_) | Act::Initialise | Act::Serve(_) | Act::Rest(_) | Act::Radio => {}
            }
        }
        assert!(resets.windows(2).all(|pair| pair[1].saturating_sub(pair[0]) >= RESET_EVERY), "{resets:?}");
        assert!(cycles.windows(4).all(|four| four[3].saturating_sub(four[0]) >= HOUR), "{cycles:?}");
    }
}
