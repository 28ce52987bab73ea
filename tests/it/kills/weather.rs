//! Bad weather: of whatever the desk asks of a vendor, one time in ten something goes wrong.

use nightdesk::demo::sim::modem::{self, Trouble};
use nightdesk::demo::sim::smtp::{self, Mishap};
use nightdesk::demo::sim::{Fault, Modem, Smtp};

use super::campaign::Campaign;

/// One in so many requests, mails or texts.
const ONE_IN: u32 = 10;

/// What goes wrong with a request, before or after the vendor did its work.
const FAULTS: [fn() -> Fault; 17] = [
    || Fault::status(500),
    || Fault::status(503),
    || Fault::throttled(None),
    || Fault::throttled(Some("1")),
    Fault::hang,
    || Fault::hang().applied(),
    Fault::reset_before_body,
    Fault::reset,
    || Fault::reset().applied(),
    Fault::close,
    || Fault::close().applied(),
    || Fault::reset_in_answer().applied(),
    Fault::garbage,
    Fault::html,
    || Fault::half_json().applied(),
    || Fault::huge(20 << 20),
    Fault::drip,
];

/// What goes wrong in a conversation about a mail; the server has it in the last two.
const MISHAPS: [(smtp::Step, Mishap); 10] = [
    (smtp::Step::Hello, Mishap::Says(421, "4.3.2 too busy")),
    (smtp::Step::Login, Mishap::Reset),
    (smtp::Step::Sender, Mishap::Says(451, "4.7.1 try later")),
    (smtp::Step::Recipient, Mishap::Says(550, "5.1.1 no such person")),
    (smtp::Step::Data, Mishap::Garbage),
    (smtp::Step::Text, Mishap::Close),
    (smtp::Step::Dot, Mishap::Says(452, "4.2.2 full")),
    (smtp::Step::Dot, Mishap::Reset),
    (smtp::Step::Kept, Mishap::Close),
    (smtp::Step::Kept, Mishap::Hang),
];

/// What goes wrong with a text; the network has it in the last two.
const TROUBLES: [(modem::Step, Trouble); 8] = [
    (modem::Step::Command("AT+CMGS"), Trouble::Silent),
    (modem::Step::Command("AT+CMGS"), Trouble::Cms(21)),
    (modem::Step::Prompted, Trouble::HangUp),
    (modem::Step::CtrlZ, Trouble::Silent),
    (modem::Step::CtrlZ, Trouble::Cms(38)),
    (modem::Step::CtrlZ, Trouble::HangUp),
    (modem::Step::Accepted, Trouble::Silent),
    (modem::Step::Accepted, Trouble::Cms(500)),
];

/// Comes over every vendor of the office, for so many leads and what they bring along.
pub(super) fn over(campaign: &mut Campaign, leads: usize) {
    let rng = &mut campaign.rng.fork();
    let office = &campaign.office;
    let others = campaign.others();
    // Searches and tries again included, no vendor is asked so often.
    let requests = leads * 20;
    office.llm.script(script(rng, requests));
    office.hubspot.script(script(rng, requests));
    office.twilio.script(script(rng, requests));
    others.spare.script(script(rng, requests));
    others.zendesk.script(script(rng, requests));
    mails(&others.smtp, rng, leads);
    texts(&office.modem, rng, leads);
}

fn script(rng: &mut fastrand::Rng, requests: usize) -> Vec<Fault> {
    let mut any = || if rng.u32(..ONE_IN) == 0 { FAULTS[rng.usize(..FAULTS.len())]() } else { Fault::ok() };
    (0..requests).map(|_| any()).collect()
}

/// At each step of a conversation so seldom that of all mails one in ten is struck.
fn mails(smtp: &Smtp, rng: &mut fastrand::Rng, leads: usize) {
    for _ in 0..leads {
        for (step, mishap) in shuffled(rng, MISHAPS) {
            smtp.script_after(spared(rng, &MISHAPS, &step), step, mishap);
        }
    }
}

fn texts(modem: &Modem, rng: &mut fastrand::Rng, leads: usize) {
    for _ in 0..leads {
        for (step, trouble) in shuffled(rng, TROUBLES) {
            modem.trouble_after(spared(rng, &TROUBLES, &step), step, trouble);
        }
    }
}

fn shuffled<T, const N: usize>(rng: &mut fastrand::Rng, mut all: [T; N]) -> [T; N] {
    rng.shuffle(&mut all);
    all
}

/// How often it goes right at `step` before the next of `all` strikes there: those of one step come one after the other.
fn spared<S: PartialEq, T>(rng: &mut fastrand::Rng, all: &[(S, T)], step: &S) -> u32 {
    let here = all.iter().filter(|(other, _)| other == step).count();
    rng.u32(..2 * ONE_IN * u32::try_from(all.len() / here).unwrap())
}
