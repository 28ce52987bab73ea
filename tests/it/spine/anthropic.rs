//! A desk whose model is Anthropic's: a lead goes all the way, also past an account without credit.

use nightdesk::demo::sim::llm::Flavour;
use nightdesk::demo::sim::{Fault, Llm, Sim};
use serde_json::json;

use super::URGENT;
use crate::support::{Office, Post, SECRETS};

#[tokio::test]
async fn an_account_without_credit_buries_no_lead() {
    let sim = Sim::spawn(Llm::new(SECRETS[2]).flavour(Flavour::Anthropic)).await.unwrap();
    let mut office = Office::new("").await;
    office.configure(&format!(
        "[[llm]]\nname = \"claude\"\nprotocol = \"anthropic\"\nbase-url = \"{}\"\nmodel = \"claude-haiku-4-5\"\n\
         key = {{ file = \"{}\" }}\ninput-price = 1.0\noutput-price = 5.0\n",
        sim.base_url(),
        office.path().join("llm-key").display(),
    ));
    let message = "Your credit balance is too low to access the Anthropic API.";
    let error = json!({ "type": "invalid_request_error", "message": message });
    sim.script([Fault::status_with(400, json!({ "type": "error", "error": error, "request_id": "req_body" }))]);
    office.start().await;
    office.hubspot.set_contact("501", &[]);
    office.post(&Post::hubspot("501", URGENT)).await;
    office.until_settled(1).await;

    assert_eq!(office.lines("SELECT class, classified_by, state FROM v_leads"), [["URGENT_BUYER", "llm", "settled"]]);
    assert_eq!(office.modem.sent().len(), 1);
    let calls = office.lines(
        "SELECT label, request_id LIKE 'req_sim%', cost_micros > 0, error LIKE '%credit balance is too low%' \
           FROM v_llm_calls ORDER BY at",
    );
    assert_eq!(calls, [["-", "1", "-", "1"], ["URGENT_BUYER", "1", "1", "-"]]);
    let alerts = office.lines("SELECT substr(key, 9), cure FROM alerts WHERE key LIKE 'channel:%'");
    assert_eq!(alerts, [["llm:claude", "the account has no credit left: top it up or raise its limit"]]);
    assert_eq!((sim.requests().len(), sim.violations()), (2, vec![]));
    assert_eq!(office.llm.requests().len(), 0);
    assert_eq!(office.violations(), Vec::<String>::new());
}
