//! The dialogue with modems of every kind, played answer by answer.

use super::*;
use crate::deliver::modem::SimPin;

const NOW: Timestamp = Timestamp::from_millis(1_795_389_299_000);

/// Answers each command by the first rule whose command it starts with; `OK` where there is none.
/// Rules are used up in order. Returns the commands asked, seconds waited, and how it ended.
fn play(smsc: Option<&str>, rules: &[(&str, &str)]) -> (Vec<String>, u64, Next) {
    play_with(smsc, rules, &mut Keyring::new(None))
}

fn play_with(smsc: Option<&str>, rules: &[(&str, &str)], keyring: &mut Keyring) -> (Vec<String>, u64, Next) {
    let mut rules = rules.to_vec();
    let (mut asked, mut waited) = (Vec::new(), 0_u64);
    let mut init = Init::new(smsc.map(str::to_owned), "/dev/modem".to_owned());
    loop {
        let ask = init.ask(keyring);
        asked.push(ask.command.to_string());
        let rule = rules.iter().position(|(command, _)| ask.command.starts_with(command));
        let said = rule.map_or(default_for(&ask.command), |at| rules.remove(at).1);
        let mut answer = Answer::default();
        for line in said.split('|') {
            match line {
                "OK" => answer.end = Some(Final::Ok),
                "ERROR" => answer.end = Some(Final::Error),
                "…" => answer.end = None,
                _ => match (line.strip_prefix("CME "), line.strip_prefix("CMS ")) {
                    (Some(n), _) => answer.end = Some(Final::Cme(n.parse().unwrap())),
                    (_, Some(n)) => answer.end = Some(Final::Cms(n.parse().unwrap())),
                    _ => answer.info.push(line.to_owned()),
                },
            }
        }
        let mut next = init.on(&answer, keyring, NOW);
        while let Next::Keep(tried) = next {
            asked.push(format!("keep {}", tried.outcome.name()));
            next = init.kept(true);
        }
        match next {
            Next::Ask => {}
            Next::AskAfter(wait) => waited = waited.saturating_add(wait.as_secs()),
            end => return (asked, waited, end),
        }
        assert!(asked.len() < 100, "never ends: {asked:?}");
    }
}

fn default_for(command: &str) -> &'static str {
    match command {
        "AT+CPIN?" => "+CPIN: READY|OK",
        "AT+CGMI" => "Quectel|OK",
        "AT+CCID" => "+CCID: 89014103211118510720|OK",
        "AT+CFUN?" => "+CFUN: 1|OK",
        "AT+CSCA?" => "+CSCA: \"+12085551000\",145|OK",
        _ => "OK",
    }
}

/// What is concluded: the memory and whether there are reports; or why not.
#[derive(Debug, PartialEq)]
enum End {
    Ready(Option<&'static str>, bool),
    Blocked(Event),
}

fn end_of(next: &Next) -> End {
    match next {
        Next::Ready(facts) => End::Ready(facts.memory, facts.reports()),
        Next::Blocked(blocked) => End::Blocked(blocked.event),
        other => panic!("{other:?}"),
    }
}

const fn ready(memory: Option<&'static str>, reports: bool) -> End {
    End::Ready(memory, reports)
}

#[test]
fn a_modem_that_takes_everything() {
    let (asked, waited, end) = play(None, &[]);
    let want = "ATE0 AT+CMEE=1 AT+CHUP AT+CGMI AT+CGMM AT+CGMR AT+CGSN AT+CPIN? AT+CCID AT+CFUN? AT+CMGF=0 AT+CSMS=0 AT+CPMS=\"ME\",\"ME\",\"ME\" AT+CNMI=2,1,0,1,0 \
                AT+CREG=1 AT+CGREG=1 AT+CEREG=1 AT+CSCA?";
    assert_eq!(asked.join(" "), want);
    assert_eq!((waited, end_of(&end)), (0, ready(Some(MEMORIES[0]), true)));
}

#[test]
fn ladders_and_patience() {
    const NO_MEMORY: (&str, &str) = ("AT+CPMS", "CMS 303");
    const NO_CNMI: (&str, &str) = ("AT+CNMI", "ERROR");
    type Case<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)], u64, End);
    let cases: &[Case<'_>] = &[
        ("no CMEE, no CSMS", None, &[("AT+CMEE", "ERROR"), ("AT+CSMS", "ERROR")], 0, ready(Some(MEMORIES[0]), true)),
        ("nothing hangs up", None, &[("AT+CHUP", "ERROR"), ("ATH", "ERROR")], 0, ready(Some(MEMORIES[0]), true)),
        ("only the SIM's memory", None, &[NO_MEMORY], 0, ready(Some(MEMORIES[1]), true)),
        ("no memory at all", None, &[NO_MEMORY; 3], 0, ready(None, true)),
        ("reports only into memory", None, &[NO_CNMI], 0, ready(Some(MEMORIES[0]), true)),
        ("no reports", None, &[NO_CNMI; 4], 0, ready(Some(MEMORIES[0]), false)),
        ("no indications", None, &[NO_CNMI; 6], 0, ready(Some(MEMORIES[0]), false)),
        ("SIM busy for three seconds", None, &[("AT+CPIN?", "CME 14"); 3], 3, ready(Some(MEMORIES[0]), true)),
        ("PDU mode too early", None, &[("AT+CMGF", "CMS 314")], 1, ready(Some(MEMORIES[0]), true)),
        ("no OK after the SIM's state", None, &[("AT+CPIN?", "+CPIN: READY|…")], 0, ready(Some(MEMORIES[0]), true)),
        ("radio off", None, &[("AT+CFUN?", "+CFUN: 0|OK")], 0, ready(Some(MEMORIES[0]), true)),
        (
            "radio answers with its test form",
            None,
            &[("AT+CFUN?", "+CFUN: (0,1),(0)|OK")],
            0,
            ready(Some(MEMORIES[0]), true),
        ),
        ("own service centre", Some("+4917"), &[], 0, ready(Some(MEMORIES[0]), true)),
        ("silent", None, &[("AT+CMGF", "…")], 0, End::Blocked(Event::Silent)),
    ];
    for (name, smsc, rules, seconds, want) in cases {
        let (asked, waited, end) = play(*smsc, rules);
        assert_eq!((&end_of(&end), waited), (want, *seconds), "{name}");
        assert_eq!(asked.contains(&"AT+CFUN=1".to_owned()), *name == "radio off", "{name}");
        assert_eq!(asked.contains(&"AT+CSCA=\"+4917\",145".to_owned()), smsc.is_some(), "{name}");
    }
}

#[test]
fn a_locked_sim_is_left_to_a_person() {
    for (said, fault, event) in [
        ("+CPIN: SIM PIN|OK", Fault::Auth, Event::Locked),
        ("+CPIN: SIM PUK|OK", Fault::Auth, Event::Locked),
        ("+CPIN: PH-SIM PIN|OK", Fault::Auth, Event::Locked),
        ("CME 10", Fault::Auth, Event::Locked),
        ("CME 13", Fault::Auth, Event::SimFailed),
        ("CME 3", Fault::Transient, Event::Refused),
    ] {
        let (asked, _, end) = play(None, &[("AT+CPIN?", said)]);
        let Next::Blocked(blocked) = end else { panic!("{said}: {end:?}") };
        assert_eq!((blocked.failure.fault, blocked.event), (fault, event), "{said}");
        assert!(blocked.failure.cure.is_some(), "{said}");
        assert!(!asked.iter().any(|command| command.starts_with("AT+CPIN=")), "{said}: no PIN is ever sent");
    }
}

#[test]
fn patience_ends() {
    let (_, waited, end) = play(None, &[("AT+CPIN?", "CME 14"); 40]);
    assert!(matches!(end, Next::Blocked(Blocked { event: Event::Refused, .. })) && waited == 29, "{waited} {end:?}");
    let (_, waited, end) = play(None, &[("AT+CPIN?", "ERROR"); 40]);
    assert!(matches!(end, Next::Blocked(Blocked { event: Event::Refused, .. })) && waited == 4, "{waited} {end:?}");
}

/// Three left, the PIN is taken, the SIM is busy for a while: EC25. Every other end leaves the SIM to a person.
#[test]
fn a_locked_sim_is_opened_once() {
    const LOCKED: (&str, &str) = ("AT+CPIN?", "+CPIN: SIM PIN|OK");
    const LEFT: (&str, &str) = ("AT+CPINR", "+CPINR: SIM PIN,3,3|+CPINR: SIM PUK,10,10|OK");
    const BUSY: (&str, &str) = ("AT+CPIN?", "CME 14");
    const NO: (&str, &str) = ("AT+CPINR", "ERROR");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, End);
    let taken = ready(Some(MEMORIES[0]), true);
    let cases: &[Case<'_>] = &[
        ("taken", &[LOCKED, LEFT, BUSY, BUSY], "keep unknown AT+CPIN= keep accepted", taken),
        (
            "nobody tells how many are left",
            &[LOCKED, NO],
            "keep unknown AT+CPIN= keep accepted",
            ready(Some(MEMORIES[0]), true),
        ),
        ("somebody failed before", &[LOCKED, ("AT+CPINR", "+CPINR: SIM PIN,2,3|OK")], "", End::Blocked(Event::Locked)),
        (
            "wrong",
            &[LOCKED, LEFT, ("AT+CPIN=", "CME 16"), LOCKED],
            "keep unknown AT+CPIN= keep refused",
            End::Blocked(Event::Locked),
        ),
        (
            "no answer, and it was taken",
            &[LOCKED, LEFT, ("AT+CPIN=", "…")],
            "keep unknown AT+CPIN= keep accepted",
            ready(Some(MEMORIES[0]), true),
        ),
        (
            "no answer, and it is locked still",
            &[LOCKED, LEFT, ("AT+CPIN=", "…"), LOCKED],
            "keep unknown AT+CPIN=",
            End::Blocked(Event::Locked),
        ),
        (
            "an error, and it is locked still",
            &[LOCKED, LEFT, ("AT+CPIN=", "ERROR"), LOCKED],
            "keep unknown AT+CPIN=",
            End::Blocked(Event::Locked),
        ),
        (
            "wrong for the third time",
            &[LOCKED, LEFT, ("AT+CPIN=", "CME 12"), ("AT+CPIN?", "+CPIN: SIM PUK|OK")],
            "keep unknown AT+CPIN= keep refused",
            End::Blocked(Event::Locked),
        ),
        ("the PUK is wanted", &[("AT+CPIN?", "+CPIN: SIM PUK|OK")], "", End::Blocked(Event::Locked)),
    ];
    for (name, rules, want, end) in cases {
        let mut keyring = Keyring::new(Some(SimPin { digits: "1234".to_owned().into(), mark: "a".into() }));
        keyring.recall(Vec::new());
        let (asked, _, got) = play_with(None, rules, &mut keyring);
        let pin = asked.iter().filter(|line| line.starts_with("keep") || line.starts_with("AT+CPIN="));
        let pin: Vec<String> = pin.map(|line| line.replace("\"1234\"", "")).collect();
        assert_eq!((pin.join(" ").as_str(), &end_of(&got)), (*want, end), "{name}: {asked:?}");
        // The dialogue again, with a SIM that is locked: no second try, unless it was open meanwhile.
        let (again, _, _) = play_with(None, &[LOCKED, LEFT], &mut keyring);
        let tried = again.iter().any(|line| line.starts_with("AT+CPIN="));
        assert_eq!(tried, want.is_empty() || *end == ready(Some(MEMORIES[0]), true), "{name}: {again:?}");
    }
}

#[test]
fn no_pin_is_sent_that_is_not_remembered() {
    let mut keyring = Keyring::new(Some(SimPin { digits: "1234".to_owned().into(), mark: "a".into() }));
    keyring.recall(Vec::new());
    let mut init = Init::new(None, "/dev/modem".to_owned());
    init.step = Step::Tries(3);
    let answer = Answer { end: Some(Final::Error), ..Answer::default() };
    assert!(matches!(init.on(&answer, &mut keyring, NOW), Next::Keep(_)));
    assert!(matches!(init.kept(false), Next::Blocked(Blocked { event: Event::Locked, .. })));
}
