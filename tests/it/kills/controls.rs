//! The suite itself is tested: without a rule that the promises rest on, the oracle must see one broken.

use super::boundary::{Boundary, Request};
use super::campaign::Campaign;
use super::lead::{Class, Sent};
use super::oracle::{self, Kind};
use nightdesk::demo::sim::Moment;
use nightdesk::demo::sim::modem::Step;

/// What the oracle finds in an office without `rule` that is killed at these places.
async fn without(rule: &str, places: &[Boundary]) -> Vec<Kind> {
    let mut campaign = Campaign::new(super::seed()).await;
    campaign.office.set_env("NIGHTDESK_WITHOUT", rule);
    for place in places {
        campaign.round(*place).await;
    }
    campaign.rest().await;
    campaign.collect().await;
    oracle::judge(&campaign).into_iter().map(|violation| violation.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_commit_is_seen() {
    let mut campaign = Campaign::new(super::seed()).await;
    campaign.office.set_env("NIGHTDESK_WITHOUT", "ack-after-commit");
    // The writer stands still between the answer and the commit; the answer reaches the sender meanwhile.
    campaign.run("acked-before-commit:1:park");
    campaign.open().await;
    let lead = campaign.enter(Sent::new(0, Class::Buyer, false));
    campaign.post(lead);
    campaign.collect().await;
    assert_eq!(campaign.leads[0].answers.len(), 1, "{}", campaign.office.log());
    campaign.kill(Boundary::Rest);
    campaign.rest().await;
    let found: Vec<Kind> = oracle::judge(&campaign).into_iter().map(|violation| violation.kind).collect();
    assert_eq!(found, [Kind::Lost]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_after_its_effect_is_seen() {
    let places = [
        Boundary::Inside("after-sms"),
        Boundary::Modem(Step::Accepted),
        Boundary::Vendor(Request::Note, Moment::Applied),
        Boundary::Inside("after-crm_note"),
    ];
    let found = without("attempt-before-effect", &places).await;
    for kind in [Kind::Unmarked, Kind::Doubled, Kind::Unbacked] {
        assert!(found.contains(&kind), "no {kind:?} among {found:?}");
    }
}
