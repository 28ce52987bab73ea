//! One answer for each moment, whatever the rota, the zone and the clock do.

use proptest::prelude::*;

use super::*;

/// Zones that do odd things: half an hour of summer time, two hours, winter time that is the exception, a zone that crossed
/// the date line, summer time that pauses for a month, none at all.
const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Europe/Dublin",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];
const DAY_MS: i64 = 86_400_000;
/// From the end of 2010, so that Samoa's jump over the date line is in it.
const SINCE: i64 = 1_290_000_000_000;

fn weekly() -> impl Strategy<Value = Weekly> {
    let days = prop::sample::select(vec!["", "mon-fri ", "sat,sun ", "thu ", "sun ", "fri-mon "]);
    let hour = |last| (0_u8..=last, prop::sample::select(vec![0_u8, 15, 30]));
    (days, hour(23), hour(23)).prop_map(|(days, from, until)| {
        let text = format!("{days}{:02}:{:02}-{:02}:{:02}", from.0, from.1, until.0, until.1);
        text.parse().unwrap()
    })
}

fn key() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["dana".to_owned(), "lee".to_owned(), "boss".to_owned()]))
}

fn overrides(most: usize) -> impl Strategy<Value = Vec<Override>> {
    let one = (0_i64..20 * DAY_MS, 1_i64..5 * DAY_MS, key());
    prop::collection::vec(one, 0..=most).prop_map(|list| {
        let at = |ms: i64| Timestamp::from_millis(ms);
        list.into_iter()
            .map(|(from, lasts, who)| Override { when: Stretch { from: at(from), until: at(from).moved(lasts) }, who })
            .collect()
    })
}

/// The same overrides, from `begin` on.
fn moved(list: Vec<Override>, begin: i64) -> Vec<Override> {
    let moved = |at: Timestamp| at.moved(begin);
    list.into_iter()
        .map(|one| Override { when: Stretch { from: moved(one.when.from), until: moved(one.when.until) }, ..one })
        .collect()
}

prop_compose! {
    fn rotation()(
        people in prop::collection::vec(key(), 1..4),
        days in 0_i32..7_000,
        hour in 0_i8..24,
        minute in prop::sample::select(vec![0_i8, 30]),
    ) -> Rotation {
        let first = jiff::civil::date(2010, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        Rotation { people: people.into_iter().flatten().collect(), first, hand_over: jiff::civil::time(hour, minute, 0, 0) }
    }
}

prop_compose! {
    fn team()(
        zone in prop::sample::select(ZONES.to_vec()),
        begin in SINCE..SINCE + 5_900 * DAY_MS,
        rotation in prop::option::of(rotation()),
        shifts in prop::collection::vec((weekly(), key()), 0..4),
        (holidays, overrides, ad_hoc) in (overrides(2), overrides(2), overrides(3)),
        quiet in prop::collection::vec(weekly(), 0..2),
        (open, outside) in (prop::collection::vec(weekly(), 0..3), prop::sample::select(vec![Mode::Alert, Mode::CrmOnly, Mode::Defer])),
        closed in overrides(1),
        steps in prop::collection::vec(prop::option::of(prop::sample::select(vec!["dana", "lee", "gone"])), 0..4),
    ) -> (OnCall, Vec<Override>, Stretch) {
        let person = |name: &str, phone: &str| Person::new(name.to_owned(), phone.parse().unwrap());
        let people = vec![
            Person { quiet, ..person("Dana", "+15551230001") },
            person("Lee", "+15551230002"),
            person("Boss", "+15551230003"),
        ];
        let step = |who: Option<&str>| Step {
            who: who.map_or(Who::Rota, |key| Who::Person(key.to_owned())),
            wait: Duration::from_mins(3),
            ring: None,
        };
        let rota = Rota {
            zone: TimeZone::get(zone).unwrap(),
            rotation,
            shifts: shifts.into_iter().map(|(when, who)| Shift { when, who }).collect(),
            holidays: moved(holidays, begin),
            overrides: moved(overrides, begin),
        };
        let closed = moved(closed, begin).into_iter().map(|one| one.when).collect();
        let hours = Hours { open, closed, inside: Mode::Alert, outside };
        let within = Stretch { from: Timestamp::from_millis(begin), until: Timestamp::from_millis(begin).moved(20 * DAY_MS) };
        (OnCall { people, rota, chain: steps.into_iter().map(step).collect(), hours }, moved(ad_hoc, begin), within)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// The calendar has no hole and no overlap, and at any moment says what a lead of that moment would find.
    #[test]
    fn the_calendar_and_the_moment_agree((on_call, ad_hoc, within) in team(), offsets in prop::collection::vec(0_i64..20 * DAY_MS, 60)) {
        let spans = on_call.calendar(within, &ad_hoc);
        prop_assert_eq!(spans.first().map(|span| span.when.from), Some(within.from));
        prop_assert_eq!(spans.last().map(|span| span.when.until), Some(within.until));
        for pair in spans.windows(2) {
            prop_assert_eq!(pair[0].when.until, pair[1].when.from);
            prop_assert!(pair[0].when.from < pair[0].when.until);
        }
        let moments = offsets.iter().map(|offset| within.from.moved(*offset));
        let borders = spans.iter().flat_map(|span| [span.when.from, span.when.until.moved(-1)]);
        for at in moments.chain(borders) {
            let around: Vec<&Span<'_>> = spans.iter().filter(|span| span.when.contains(at)).collect();
            let [span] = around[..] else { panic!("{} answers at {at}", around.len()) };
            prop_assert_eq!(span, &Span { when: span.when, ..on_call.span(Stretch { from: at, until: at }, &ad_hoc) });
        }
    }

    /// The chain finds the first step that means somebody, and each one before it says why it doesn't; nothing is waited for.
    #[test]
    fn empty_steps_are_skipped_at_once((on_call, ad_hoc, within) in team(), offset in 0_i64..20 * DAY_MS, from in 0_u32..5) {
        let at = within.from.moved(offset);
        let next = on_call.next(from, at, &ad_hoc);
        let means: Vec<Option<&Person>> = on_call.chain.iter().map(|step| on_call.meant(step, at, &ad_hoc).ok()).collect();
        let after = means.iter().skip(usize::try_from(from).unwrap());
        prop_assert_eq!(next.skipped.len(), after.clone().take_while(|person| person.is_none()).count());
        prop_assert_eq!(next.turn.map(|turn| turn.person), after.flatten().next().copied());
    }

    /// A deferred lead calls people at the first moment at which that is allowed.
    #[test]
    fn what_is_deferred_comes_as_soon_as_it_may((on_call, _, within) in team(), offset in 0_i64..20 * DAY_MS) {
        let at = within.from.moved(offset);
        let Some(resumes) = on_call.resumes(at) else { return Ok(()) };
        prop_assert!(resumes >= at && on_call.mode(resumes) == Mode::Alert);
        if on_call.mode(at) == Mode::Alert {
            prop_assert_eq!(resumes, at);
        } else {
            prop_assert_ne!(on_call.mode(resumes.moved(-1)), Mode::Alert);
        }
    }
}
