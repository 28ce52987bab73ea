//! The SIM: PINs, of which none is ever tried twice in vain, and SIMs that need a person.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Family, Sim, Step, Trouble};

use crate::modem::row::{IN_TIME, PERSON, Row, given};

const PIN: &str = "AT+CPIN=***";

pub(super) fn rows() -> Vec<Row> {
    [good_pins(), bad_pins(), sims()].into_iter().flatten().collect()
}

fn locked(name: &str) -> Row {
    Row::new(name).setup(|it| it.pin("1234")).before(|it| it.pin("1234"))
}

fn good_pins() -> Vec<Row> {
    vec![
        locked("PIN").check(|it| given(it, PIN, 1)),
        locked("PIN, then busy for 15 s")
            .setup(|it| it.pin("1234").sim_busy(Duration::from_secs(15)))
            .check(|it| given(it, PIN, 1)),
        locked("PIN asked for at each brown-out")
            .fault(|it| it.modem.brown_out())
            .ends(IN_TIME)
            .check(|it| given(it, PIN, 2)),
        locked("PIN asked for at a restart without a word")
            .fault(|it| it.modem.reset_silently())
            .ends(IN_TIME)
            .check(|it| given(it, PIN, 2)),
        locked("PIN asked for, desk restarted between")
            .fault(|it| it.modem.reset_silently())
            .ends(IN_TIME)
            .restarts()
            .check(|it| given(it, PIN, 2)),
        locked("PIN taken without a word")
            .before(|it| {
                it.pin("1234");
                it.modem.trouble(Step::Executed("AT+CPIN="), Trouble::Silent);
            })
            .check(|it| given(it, PIN, 1)),
        locked("PIN taken, but it says ERROR")
            .before(|it| {
                it.pin("1234");
                it.modem.trouble(Step::Executed("AT+CPIN="), Trouble::Error);
            })
            .ends(&["sent", "retried", "person"])
            .over(|it| it.modem.set_sim(Sim::Fine))
            .check(|it| given(it, PIN, 1)),
    ]
}

/// A person unlocks the SIM in the end.
fn hopeless(name: &str) -> Row {
    locked(name).ends(PERSON).calls(3).over(|it| it.modem.set_sim(Sim::Fine))
}

fn bad_pins() -> Vec<Row> {
    vec![
        hopeless("PIN, none configured").before(|_| ()).check(|it| given(it, PIN, 0)),
        hopeless("PIN, a wrong one").before(|it| it.pin("9999")).check(|it| given(it, PIN, 1)),
        hopeless("PIN, a wrong one, desk restarted")
            .before(|it| it.pin("9999"))
            .restarts()
            .check(|it| given(it, PIN, 1)),
        hopeless("PIN, a wrong one, modem restarted")
            .before(|it| it.pin("9999"))
            .later(20, |it| it.modem.reset_silently())
            .later(50, |it| it.modem.brown_out())
            .check(|it| given(it, PIN, 1)),
        hopeless("PIN lost on its way")
            .before(|it| {
                it.pin("1234");
                it.modem.trouble(Step::Command("AT+CPIN="), Trouble::Silent);
            })
            .restarts()
            .check(|it| given(it, PIN, 1)),
        hopeless("PIN answered with ERROR")
            .before(|it| {
                it.pin("1234");
                it.modem.trouble(Step::Command("AT+CPIN="), Trouble::Error);
            })
            .check(|it| given(it, PIN, 1)),
        hopeless("PIN with two tries left")
            .only(|family| family != Family::Generic)
            .setup(|it| it.pin("1234").tries_left(2))
            .check(|it| given(it, PIN, 0)),
        locked("PIN that can't be remembered")
            .before(|it| {
                it.pin("1234");
                it.books.shut(true);
            })
            .ends(&["person", "over"])
            .works_within(5)
            .over(|it| it.books.shut(false))
            .check(|it| given(it, PIN, 1)),
    ]
}

fn sims() -> Vec<Row> {
    let broken = |name: &str| Row::new(name).ends(PERSON).calls(5).over(|it| it.modem.set_sim(Sim::Fine));
    vec![
        broken("PUK").setup(|it| it.sim(Sim::Puk)).check(|it| given(it, PIN, 0)),
        broken("PUK, and a PIN is configured")
            .setup(|it| it.sim(Sim::Puk))
            .before(|it| it.pin("1234"))
            .check(|it| given(it, PIN, 0)),
        broken("no SIM").setup(|it| it.sim(Sim::Absent)),
        broken("broken SIM").setup(|it| it.sim(Sim::Failed)),
        broken("SIM taken out").fault(|it| it.modem.set_sim(Sim::Absent)),
        broken("SIM breaks").fault(|it| it.modem.set_sim(Sim::Failed)),
        broken("SIM locks itself").fault(|it| it.modem.set_sim(Sim::Puk)),
    ]
}
