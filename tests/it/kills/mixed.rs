//! A night of leads of every class through every vendor, in bad weather, with a kill now and then: none is missing, and none
//! is there twice but what says so.
//!
//! `MIXED_LEADS` says how many; `NIGHTDESK_SEED` repeats a night.

use std::collections::{BTreeMap, BTreeSet};

use super::boundary::Boundary;
use super::campaign::Campaign;
use super::ledger::Book;
use super::{Tally, weather};

const LEADS: usize = 150;
/// So many are under way at once, more or less.
const CROWD: u32 = 24;
const KILLS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixed_night_in_bad_weather() {
    let leads = std::env::var("MIXED_LEADS").ok().and_then(|leads| leads.parse().ok()).unwrap_or(LEADS);
    let mut campaign = Campaign::with_others(super::seed()).await;
    weather::over(&mut campaign, leads);
    let mut kills: Vec<usize> = (0..KILLS).map(|_| campaign.rng.usize(1..leads)).collect();
    while campaign.leads.len() < leads {
        campaign.run("");
        campaign.open().await;
        let reader = campaign.office.reader();
        campaign.until(|campaign| campaign.is_answered() && reader.counts().unwrap().open_leads < CROWD).await;
        let due = kills.len();
        kills.retain(|after| *after > campaign.leads.len());
        if kills.len() < due {
            campaign.kill(Boundary::Anywhere);
            campaign.collect().await;
            continue;
        }
        for _ in 0..campaign.rng.usize(1..=4) {
            let class = campaign.any_class();
            campaign.come(class);
        }
        campaign.come_again();
    }
    campaign.collect().await;
    campaign.rest().await;
    let mut tally = Tally::default();
    tally.add(&campaign);
    tally.print();
    tell(&campaign);
    super::nothing_found(&tally.violations);
}

/// What the vendors have, and how often they were asked.
fn tell(campaign: &Campaign) {
    let (office, others) = (&campaign.office, campaign.others());
    let book = Book::read(office.path());
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for sent in campaign.leads.iter().filter(|sent| !book.leads_of(&sent.token).is_empty()) {
        *classes.entry(sent.class.label()).or_default() += 1;
    }
    let mails = others.smtp.mails();
    let ids: BTreeSet<Option<String>> = mails.iter().map(|mail| mail.header("message-id")).collect();
    let notes: usize = campaign.leads.iter().map(|sent| office.hubspot.notes_of(&sent.contact).len()).sum();
    println!(
        "{classes:?}; {} mails of {} ids, {} tickets, {notes} notes",
        mails.len(),
        ids.len(),
        others.zendesk.tickets().len()
    );
    println!("{} by Twilio; dead letters: {:?}", office.twilio.messages().len(), book.dead_by_stage());
    let asked = [
        ("first model", office.llm.requests().len()),
        ("second model", others.spare.requests().len()),
        ("HubSpot", office.hubspot.requests().len()),
        ("Twilio", office.twilio.requests().len()),
        ("Zendesk", others.zendesk.requests().len()),
        ("mail server", others.smtp.connections()),
        ("modem", office.modem.parts_sent()),
    ];
    println!("requests: {asked:?}; how tries ended: {:?}", book.outcomes());
}
