//! The suite itself is tested: without a rule that the promises rest on, the oracle must see one broken.
//!
//! Each control is one lead and one kill at a fixed place: what the oracle must find does not hang on chance.

use super::boundary::Boundary;
use super::campaign::Campaign;
use super::lead::{Class, Sent};
use super::oracle::{self, Kind};

/// The kinds of promises that the oracle finds broken with one buyer in an office without `rule`, after a kill once `is_there`.
async fn without(rule: &str, failpoint: &str, is_there: impl Fn(&Campaign) -> bool) -> Vec<Kind> {
    one_lead_of(Class::Buyer, Campaign::new(super::seed()).await, rule, failpoint, is_there).await
}

/// The same with a lead of this class, in an office where every class sets off something.
async fn of_class_without(class: Class, rule: &str, failpoint: &str) -> Vec<Kind> {
    let campaign = Campaign::with_others(super::seed()).await;
    one_lead_of(class, campaign, rule, failpoint, |campaign| campaign.office.is_stopped()).await
}

async fn one_lead_of(
    class: Class,
    mut campaign: Campaign,
    rule: &str,
    failpoint: &str,
    is_there: impl Fn(&Campaign) -> bool,
) -> Vec<Kind> {
    campaign.office.set_env("NIGHTDESK_WITHOUT", rule);
    campaign.run(failpoint);
    campaign.open().await;
    let lead = campaign.enter(Sent::new(0, class, false));
    campaign.post(lead);
    campaign.until(is_there).await;
    campaign.kill(Boundary::Anywhere);
    campaign.collect().await;
    campaign.rest().await;
    kinds(&campaign)
}

fn kinds(campaign: &Campaign) -> Vec<Kind> {
    let mut found: Vec<Kind> = oracle::judge(campaign).into_iter().map(|violation| violation.kind).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_commit_is_seen() {
    // The writer stands still between the answer and the commit; the answer reaches the sender meanwhile.
    let found = without("ack-after-commit", "acked-before-commit:1:park", Campaign::is_answered).await;
    assert_eq!(found, [Kind::Lost]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_before_its_attempt_is_seen() {
    let found = without("attempt-before-effect", "after-sms:1:stop", |campaign| campaign.office.is_stopped()).await;
    assert_eq!(found, [Kind::Unmarked, Kind::Unbacked]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_before_its_attempt_is_seen() {
    let found =
        without("attempt-before-effect", "after-crm_note:1:stop", |campaign| campaign.office.is_stopped()).await;
    assert_eq!(found, [Kind::Doubled, Kind::Unbacked]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_before_its_attempt_is_seen() {
    let found = of_class_without(Class::Curious, "attempt-before-effect", "after-mail:1:stop").await;
    assert_eq!(found, [Kind::Unmarked, Kind::Unbacked]);
}

/// The key of its request keeps it from being there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_before_its_attempt_is_seen() {
    let found = of_class_without(Class::Customer, "attempt-before-effect", "after-ticket:1:stop").await;
    assert_eq!(found, [Kind::Unbacked]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_is_rung_again_is_seen() {
    let campaign = one_call("ring-once", "after-ring:1:stop", "5s").await;
    assert_eq!(what_is_found(campaign, 1).await, [Kind::Doubled]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_ends_with_its_timer_is_seen() {
    let campaign = one_call("dead-timer", "before-escalate:1:stop", "850ms").await;
    assert_eq!(what_is_found(campaign, 2).await, [Kind::Stalled]);
}

/// An office without `rule`, in which nobody answers, Dana has `wait`, and that stops at `failpoint`.
async fn one_call(rule: &str, failpoint: &str, wait: &str) -> Campaign {
    let mut campaign = Campaign::with_team(super::seed()).await;
    let config = campaign.office.config();
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap().replace("\"850ms\"", &format!("{wait:?}")))
        .unwrap();
    for (_, number) in super::team::PEOPLE {
        campaign.office.modem.answered_by(number, |_| None);
    }
    campaign.office.set_env("NIGHTDESK_WITHOUT", rule);
    campaign.run(failpoint);
    campaign
}

/// The kinds of promises that are found broken after so many kills, each at the failpoint.
async fn what_is_found(mut campaign: Campaign, kills: usize) -> Vec<Kind> {
    campaign.open().await;
    let lead = campaign.enter(Sent::new(0, Class::Buyer, false));
    campaign.post(lead);
    for nth in 1..=kills {
        campaign.until(|campaign| campaign.office.is_stopped()).await;
        campaign.kill(Boundary::Anywhere);
        campaign.collect().await;
        if nth < kills {
            campaign.run("before-escalate:1:stop");
        }
    }
    campaign.rest().await;
    campaign.everything_typed_is_read().await;
    kinds(&campaign)
}
