//! The team of the shipped file, and every mistake that can be made in it.

use std::time::Duration;

use crate::config::Config;
use crate::model::oncall::Stretch;
use crate::model::{Channel, Lane, Timestamp};

const SHIPPED: &str = include_str!("../../../debian/nightdesk.toml");

/// The example of a team that stands in the shipped file in place of the one person.
fn team() -> String {
    let lines = SHIPPED.lines().skip_while(|line| !line.starts_with("# With several people"));
    let lines = lines.skip(1).map_while(|line| line.strip_prefix("#   "));
    let around = "[twilio]\naccount-sid = \"AC1\"\ntoken = { file = \"/t\" }\nfrom = \"1\"\n[modem.modem0]\nport = \"/m\"\n[crm.hubspot]\nkind = \"hubspot\"\ntoken = { file = \"/h\" }\n";
    format!("{around}{}", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_team_of_the_shipped_file() {
    let on_call = Config::parse(&team()).unwrap().oncall.unwrap();
    let dana = on_call.person("dana").unwrap();
    assert_eq!(dana.owners.get(&Channel::new(Lane::Crm, "hubspot")).map(String::as_str), Some("12345"));
    let holiday: Timestamp = "2026-12-25T12:00:00Z".parse().unwrap();
    let spans = on_call.calendar(Stretch { from: holiday, until: holiday.after(Duration::from_hours(1)) }, &[]);
    let called: Vec<&str> = spans[0].steps.iter().flatten().map(|person| person.name.as_str()).collect();
    assert_eq!(called, ["Lee", "Mrs Hart"]);
}

#[test]
fn mistakes_in_a_team_are_told() {
    for (name, typed, instead, want) in [
        (
            "a step for nobody",
            "who = \"boss\", wait",
            "who = \"bos\", wait",
            "oncall.chain[1].who: \"bos\" is no key in [oncall.people]; did you mean \"boss\"?",
        ),
        ("a turn for nobody", "[\"dana\", \"lee\"]", "[\"dana\", \"li\"]", "oncall.rota.rotation[1]: \"li\" is no key"),
        (
            "no way to text",
            "\"modem0\", \"twilio\"]",
            "\"modem\"]",
            "oncall.people.dana.channels[0]: \"modem\" is no channel in sms.channels; did you mean \"modem0\"?",
        ),
        (
            "no such CRM",
            "{ hubspot =",
            "{ hubspt =",
            "oncall.people.dana.owner.hubspt: \"hubspt\" is no table [crm.NAME]",
        ),
        ("one number twice", "345672", "345671", "oncall.people.lee.phone: the same number as dana"),
        ("one name twice", "\"Lee\"", "\"dana\"", "oncall.people.lee.name: the same name as dana"),
        ("no address", "hart@example.com", "hart", "oncall.people.boss.email: an address such as"),
        ("no hours", "sun 00:00-24:00", "sundays", "oncall.people.dana.quiet[0]: expected hours of the week, such as"),
        ("no hand-over", "mon 09:00", "09:00", "oncall.rota.hand-over: expected a day and a time"),
        ("no first week", "start =", "# start =", "oncall.rota.start: missing"),
        ("no day", "2027-01-01", "2027-02-30", "oncall.rota.holidays[1].date: expected a day such as"),
        (
            "days the wrong way round",
            "24 to 2026-12-26",
            "24 to 2026-12-23",
            "oncall.rota.holidays[0].date: expected a day",
        ),
        (
            "over before it begins",
            "2026-08-15 09:00",
            "2026-07-15 09:00",
            "oncall.rota.overrides[0].until: not after from",
        ),
        (
            "deferred for ever",
            "outside = \"alert\"",
            "inside = \"crm-only\"\noutside = \"defer\"",
            "oncall.hours.outside: deferred leads wait",
        ),
        (
            "no mode",
            "outside = \"alert\"",
            "outside = \"allert\"",
            "oncall.hours.outside: unknown value; did you mean `alert`?",
        ),
        ("a person named rota", "[oncall.people.lee]", "[oncall.people.rota]", "oncall.people.rota: a name here has"),
        ("both forms", "time-zone", "name = \"Dana\"\ntime-zone", "oncall.name: one person here, or several"),
        ("it rings too late", "wait = \"3m\"", "wait = \"90s\"", "oncall.chain[0].ring: not shorter than wait"),
    ] {
        let text = team().replacen(typed, instead, 1);
        assert_ne!(text, team(), "{name}");
        match Config::parse(&text) {
            Ok(_) => assert_eq!(want, "", "{name}"),
            Err(problems) => {
                let told: Vec<String> = problems.errors.iter().map(ToString::to_string).collect();
                assert!(!want.is_empty() && told.iter().any(|told| told.contains(want)), "{name}: {told:#?}");
            }
        }
    }
}
