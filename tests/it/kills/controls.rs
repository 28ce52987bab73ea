//! The suite itself is tested: without a rule that the promises rest on, the oracle must see one broken.
//!
//! Each control is one lead and one kill at a fixed place: what the oracle must find does not hang on chance.

use super::boundary::Boundary;
use super::campaign::Campaign;
use super::lead::{Class, Sent};
use super::oracle::{self, Kind};

/// The kinds of promises that the oracle finds broken with one lead in an office without `rule`, after a kill once `is_there`.
async fn without(rule: &str, failpoint: &str, is_there: impl Fn(&Campaign) -> bool) -> Vec<Kind> {
    let mut campaign = Campaign::new(super::seed()).await;
    campaign.office.set_env("NIGHTDESK_WITHOUT", rule);
    campaign.run(failpoint);
    campaign.open().await;
    let lead = campaign.enter(Sent::new(0, Class::Buyer, false));
    campaign.post(lead);
    campaign.until(is_there).await;
    campaign.kill(Boundary::Rest);
    campaign.collect().await;
    campaign.rest().await;
    let mut found: Vec<Kind> = oracle::judge(&campaign).into_iter().map(|violation| violation.kind).collect();
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
