//! One bad lead is one dead letter, whether it panics or brings the whole process down.

use nightdesk::demo::sim::{Match, Moment};

use super::campaign::Campaign;
use super::lead::{Class, Sent};
use super::ledger::Book;
use super::oracle;

const PANICS: &str = "this one panics";
const ABORTS: &str = "this one aborts";

/// A good office in which two leads are poison, at every try.
async fn office() -> Campaign {
    let mut campaign = Campaign::new(1).await;
    campaign.run(&format!("{PANICS}:*:panic;{ABORTS}:*:abort"));
    campaign.open().await;
    campaign
}

/// Posts a lead of this class, or with these words, and says which it is.
fn post(campaign: &mut Campaign, class: Class, words: Option<&str>) -> usize {
    let number = campaign.leads.len();
    let sent = words.map_or_else(|| Sent::new(number, class, false), |words| Sent::saying(number, words));
    let lead = campaign.enter(sent);
    campaign.post(lead);
    lead
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_lead_is_one_dead_letter() {
    let mut campaign = office().await;
    let panics = post(&mut campaign, Class::Buyer, Some(PANICS));
    for n in 0..17 {
        post(&mut campaign, Class::ALL[n % 4], None);
    }
    campaign.collect().await;
    campaign.quiet().await;
    // Three good ones are being read when the bad one takes the fourth seat and the process dies.
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut reading = campaign.office.llm.hold(Moment::Arrived, Match::any());
        post(&mut campaign, Class::Buyer, None);
        reading.reached().await.unwrap();
        held.push(reading);
    }
    campaign.collect().await;
    let aborts = post(&mut campaign, Class::Buyer, Some(ABORTS));
    let mut deaths = 0;
    while !campaign.quiet().await {
        campaign.bury().await;
        held.clear();
        campaign.collect().await;
        deaths += 1;
        assert!(deaths <= 2, "a crash loop\n{}", campaign.office.log());
        campaign.run(&format!("{PANICS}:*:panic;{ABORTS}:*:abort"));
        campaign.open().await;
        if campaign.leads[aborts].answers.is_empty() && deaths == 1 {
            campaign.post(aborts);
        }
    }
    campaign.collect().await;
    assert_eq!(deaths, 2, "{}", campaign.office.log());
    let book = Book::read(campaign.office.path());
    for (n, sent) in campaign.leads.iter().enumerate() {
        let leads = book.leads_of(&sent.token);
        assert_eq!(leads.len(), 1, "{}", sent.token);
        let classes: Vec<&str> = book.dead_letters_of(&leads[0].id).map(|letter| letter.class.as_str()).collect();
        let want: &[&str] = if n == panics || n == aborts { &["crash"] } else { &[] };
        assert_eq!(classes, want, "{}\n{}", sent.token, campaign.office.log());
        assert!(leads[0].settled, "{}", sent.token);
    }
    super::nothing_found(&oracle::judge(&campaign));
}
