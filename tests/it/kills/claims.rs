//! What must hold where people are called one after the other: of each lead, and of everything that was told and typed.

use std::collections::BTreeMap;

use super::lead::Sent;
use super::ledger::{Claim, Job, Lead, Text};
use super::oracle::{Judge, Kind, Violation};
use super::team::PEOPLE;

/// A lead ends with somebody, or with an alert; nobody was called twice for a step, and nobody holds what is another's.
pub(super) fn of_a_lead(judge: &mut Judge<'_>, sent: &Sent, lead: &Lead) {
    let texts = judge.told();
    let wanted = sent.class.label() == "URGENT_BUYER" || lead.label.is_none();
    let Some(claim) = judge.book.claim_of(&lead.id) else {
        if wanted && judge.book.dead(&lead.id, "desk").is_empty() {
            judge.say(Kind::Silent, sent, "nobody was called");
        }
        return;
    };
    let excused = ["sms", "desk"].iter().any(|stage| !judge.book.dead(&lead.id, stage).is_empty());
    let listed = |body: &str| {
        let list = body.split_once("urgent leads: ").map_or("", |(_, list)| list);
        list.split([' ', ';', '.']).any(|word| word == claim.code)
    };
    let tells = |body: &str| body.contains(&sent.token) || listed(body);
    if wanted && !excused && !texts.iter().any(|text| text.whole && tells(&text.body)) {
        judge.say(Kind::Silent, sent, "nobody was told");
    }
    let tasks = judge.book.jobs_of(&lead.id).iter().filter(|job| job.kind == "crm_task").count();
    match claim.state.as_str() {
        "open" => judge.say(Kind::Stalled, sent, "it waits for ever"),
        "unanswered" if !claim.alert || tasks == 0 => {
            judge.say(Kind::Stalled, sent, "nobody is told that nobody took it");
        }
        "claimed" | "withdrawn" if claim.alert => judge.say(Kind::Untrue, sent, "an alert says that nobody took it"),
        _ => {}
    }
    for (name, number) in PEOPLE {
        let called = claim.log.iter().filter(|(what, who)| what == "called" && who == name).count();
        if called > claim.round as usize {
            judge.say(Kind::Doubled, sent, format!("{name} was called {called} times in {} rounds", claim.round));
        }
        let yours = format!("{} is yours. ", claim.code);
        let told = |body: &str| body.trim_start_matches("(repeat) ").starts_with(&yours) && body.contains(&sent.token);
        let holds = claim.log.iter().any(|(what, who)| what == "claimed" && who == name);
        if !holds && texts.iter().any(|text| text.to == number && told(&text.body)) {
            judge.say(Kind::Untrue, sent, format!("{name} was told that it is theirs, and it never was"));
        }
    }
    contested(judge, sent, &claim);
}

/// Nobody claims what another has.
fn contested(judge: &mut Judge<'_>, sent: &Sent, claim: &Claim) {
    let mut holder: Option<&str> = None;
    for (what, who) in &claim.log {
        match (what.as_str(), holder) {
            ("claimed", Some(other)) => judge.say(Kind::Contested, sent, format!("{who} took it while {other} had it")),
            ("claimed", None) => holder = Some(who),
            ("reopened", _) => holder = None,
            _ => {}
        }
    }
}

/// Each text is a text of the desk's, once, or once more with its mark; each call has its ring, each typed text its row.
pub(super) fn of_the_office(judge: &mut Judge<'_>) {
    let mut found = Vec::new();
    let mut say = |kind, words: String| found.push(Violation { kind, words, story: String::new() });
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    let jobs: Vec<(&Job, &Text)> = judge.book.all("sms").filter_map(|job| Some((job, job.text.as_ref()?))).collect();
    for text in judge.told() {
        let ours = jobs.iter().any(|(job, ours)| {
            ours.to == text.to
                && judge.book.began(&job.id, text.at)
                && job.channel == text.channel
                && (ours.words == text.body || !text.whole)
        });
        if !ours {
            say(Kind::Unbacked, format!("a text to {} without an attempt before it: {}", text.to, text.body));
        }
        if text.repeated {
            say(Kind::Unmarked, format!("parts of a text to {} came twice: {}", text.to, text.body));
        }
        if text.whole {
            *told.entry((text.to, text.body)).or_default() += 1;
        }
    }
    for ((to, words), times) in &told {
        let mut of: Vec<(&str, i64)> = Vec::new();
        for (job, text) in jobs.iter().filter(|(_, text)| text.to == *to && text.words == *words) {
            if !of.contains(&(job.lead(), text.thread)) {
                of.push((job.lead(), text.thread));
            }
        }
        if *times > of.len() {
            say(Kind::Unmarked, format!("{times} texts to {to} of {}: {words}", of.len()));
        }
        let unknown = |(lead, thread): &(&str, i64)| {
            jobs.iter().any(|(job, text)| {
                job.lead() == *lead && text.thread == *thread && !text.repeat && judge.book.was_unknown(&job.id)
            })
        };
        if words.starts_with("(repeat) ") && !of.iter().all(unknown) {
            say(Kind::Unmarked, format!("a repeat to {to} of what was known: {words}"));
        }
    }
    for (job, text) in &jobs {
        if job.state == "done" && !told.contains_key(&(text.to.clone(), text.words.clone())) {
            say(Kind::Untrue, format!("a text to {} is done and no phone has it: {}", text.to, text.words));
        }
    }
    let rings: usize = judge.book.all("ring").map(|job| judge.book.tries(&job.id)).sum();
    let calls = judge.campaign.office.modem.calls().len();
    if calls > rings {
        say(Kind::Unbacked, format!("{calls} calls of {rings} tries"));
    }
    if let Some(job) = judge.book.all("ring").find(|job| judge.book.tries(&job.id) > 1) {
        say(Kind::Doubled, format!("a phone was rung again for {}", job.id));
    }
    let typed = judge.campaign.typed.iter().flat_map(|typed| typed.lock().unwrap().clone()).collect::<Vec<_>>();
    for one in &typed {
        let (kept, sent) =
            [&judge.book.inbound, &typed].map(|all| all.iter().filter(|other| *other == one).count()).into();
        if kept == 0 {
            say(Kind::Lost, format!("what {} typed was never read: {}", one.0, one.1));
        } else if kept > sent {
            say(Kind::Doubled, format!("what {} typed {sent} times was read {kept} times: {}", one.0, one.1));
        }
    }
    judge.found.extend(found);
}
