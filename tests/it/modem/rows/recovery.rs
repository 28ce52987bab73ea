//! Modems that hang, restart and vanish, and the ladder that brings them back.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Cure, Setup, Step, Trouble};

use crate::modem::row::{DELIVERED, IN_TIME, OVER, Row, UNSURE};
use crate::modem::scene::Scene;

pub(super) fn rows() -> Vec<Row> {
    [idle(), hangs(), harm(), away(), stalls()].into_iter().flatten().collect()
}

/// What happened since the last text.
fn idle() -> Vec<Row> {
    vec![
        Row::new("restarted").fault(|it| it.modem.reboot()),
        Row::new("restarted without a word").fault(|it| it.modem.reset_silently()),
        Row::new("browned out").fault(|it| it.modem.brown_out()).ends(IN_TIME),
        Row::new("echo on again").fault(|it| it.modem.echo_on()),
        Row::new("port blinked").fault(|it| it.modem.lose_port(Some(Duration::from_millis(50)))).ends(IN_TIME),
        Row::new("power switched by somebody").fault(|it| it.modem.power_cycle()).ends(IN_TIME),
        Row::new("restarts every 20 s for 3 minutes")
            .fault(|it| it.modem.reboot())
            .later(20, |it| it.modem.reboot())
            .later(40, |it| it.modem.reboot())
            .later(60, |it| it.modem.reboot())
            .later(80, |it| it.modem.reboot())
            .later(100, |it| it.modem.reboot())
            .later(120, |it| it.modem.reboot())
            .later(140, |it| it.modem.reboot())
            .later(160, |it| it.modem.reboot())
            .later(180, |it| it.modem.reboot())
            .works_within(20),
    ]
}

fn hangs() -> Vec<Row> {
    let hang =
        |name: &str, cure: Cure| Row::new(name).fault(move |it| it.modem.hang(cure)).ends(IN_TIME).works_within(30);
    let mut rows = vec![
        hang("hangs until its port is opened", Cure::Reopen),
        hang("hangs until its radio is switched", Cure::Radio),
        hang("hangs until it is reset", Cure::Reset),
        hang("hangs until its power goes", Cure::Power).before(Scene::switchable),
        Row::new("hangs, and nobody has a switch")
            .fault(|it| it.modem.hang(Cure::Power))
            .ends(OVER)
            .calls(90)
            .over(|it| it.modem.power_cycle()),
    ];
    for (name, step) in [
        ("before the prompt", Step::Command("AT+CMGS")),
        ("at the prompt", Step::Prompted),
        ("after Ctrl-Z", Step::CtrlZ),
    ] {
        let ends = if name == "before the prompt" { IN_TIME } else { UNSURE };
        rows.push(
            Row::new(format!("hangs {name} until reset"))
                .fault(move |it| it.modem.trouble(step, Trouble::Hang(Cure::Reset)))
                .ends(ends)
                .works_within(30),
        );
    }
    rows.push(
        Row::new("answers everything but texts until reset")
            .fault(|it| it.modem.trouble_until(Step::Command("AT+CMG"), Trouble::Silent, Cure::Reset))
            .ends(IN_TIME)
            .works_within(60),
    );
    rows
}

fn resets(it: &Scene, most: u32) -> Result<(), String> {
    let resets = it.modem.counts().resets;
    if resets <= most { Ok(()) } else { Err(format!("{resets} resets")) }
}

/// A reset by command makes it vanish.
fn harm() -> Vec<Row> {
    let remembered = |it: &Scene| {
        resets(it, 1)?;
        if it.books.harmed() == 1 { Ok(()) } else { Err("the harm is not remembered".to_owned()) }
    };
    let harmful = |name: &str| Row::new(name).setup(Setup::harmful_reset).fault(|it| it.modem.hang(Cure::Reset));
    vec![
        harmful("vanishes when reset, power can be switched")
            .before(Scene::switchable)
            .ends(OVER)
            .works_within(30)
            .check(remembered),
        harmful("vanishes when reset, hangs again")
            .before(Scene::switchable)
            .ends(OVER)
            .over(|it| it.modem.hang(Cure::Reset))
            .works_within(90)
            .check(remembered),
        harmful("vanishes when reset, desk restarted, hangs again")
            .before(Scene::switchable)
            .ends(OVER)
            .later(600, |it| it.modem.hang(Cure::Reset))
            .restarts()
            .works_within(90)
            .alarms(2)
            .check(remembered),
        harmful("vanishes when reset, nobody has a switch")
            .ends(OVER)
            .calls(10)
            .over(|it| it.modem.power_cycle())
            .check(remembered),
    ]
}

fn away() -> Vec<Row> {
    vec![
        Row::new("away for 15 s").fault(|it| it.modem.lose_port(Some(Duration::from_secs(15)))).ends(IN_TIME),
        Row::new("away for 4 minutes")
            .fault(|it| it.modem.lose_port(Some(Duration::from_mins(4))))
            .ends(OVER)
            .works_within(6),
        Row::new("away until somebody plugs it in")
            .fault(|it| it.modem.lose_port(None))
            .ends(OVER)
            .calls(3)
            .over(|it| it.modem.power_cycle()),
        Row::new("away until its power is switched")
            .before(Scene::switchable)
            .fault(|it| it.modem.lose_port(None))
            .ends(OVER)
            .works_within(10),
    ]
}

fn stalls() -> Vec<Row> {
    const TWENTY: Duration = Duration::from_mins(20);
    vec![
        Row::new("listing stalls for 20 minutes")
            .before(|it| it.modem.trouble(Step::Command("AT+CMGL"), Trouble::Stall(TWENTY)))
            .ends(OVER)
            .works_within(90),
        Row::new("listing stalls, power can be switched")
            .before(|it| {
                it.switchable();
                it.modem.trouble(Step::Command("AT+CMGL"), Trouble::Stall(TWENTY));
            })
            .ends(IN_TIME)
            .works_within(10),
        Row::new("listing gives no answer")
            .before(|it| it.modem.trouble_forever(Step::Command("AT+CMGL"), Trouble::Silent))
            .ends(DELIVERED),
        Row::new("listing is refused")
            .before(|it| it.modem.trouble_forever(Step::Command("AT+CMGL"), Trouble::Cms(302))),
    ]
}
