//! Questions in SOQL: what is found, and what can't be asked.

use super::*;

async fn query(sim: &Sim<Salesforce>, soql: &str) -> Asked {
    let encoded = percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC);
    call(sim, "GET", &format!("/query?q={encoded}"), &Value::Null).await
}

fn ids(asked: &Asked) -> Vec<String> {
    let body = asked.json();
    body["records"].as_array().unwrap().iter().map(|one| one["Id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn records_are_found_by_what_they_hold() {
    let [old, new] = ["00Q5e000001Old1", "00Q5e000001New1"].map(|id| super::super::ids::long(id).unwrap());
    let sim = Sim::spawn(org().lead(&old, &[("LastName", "O'Neil")]).lead(&new, &[("LastName", "New")])).await.unwrap();
    sim.made_at(LEAD, "2026-11-20T00:00:00Z".parse().unwrap());
    sim.made_at(&old, "2026-11-21T02:00:00Z".parse().unwrap());
    sim.made_at(&new, "2026-11-23T02:00:00Z".parse().unwrap());
    let _contact = sim.convert(LEAD, "2026-11-22");
    for (soql, want) in [
        ("SELECT Id FROM Lead ORDER BY Id", vec![LEAD, &new, &old]),
        ("SELECT Id FROM Lead WHERE Id > '00Q5e000001New1' ORDER BY Id LIMIT 1", vec![&old]),
        (
            "SELECT Id FROM Lead WHERE CreatedDate >= 2026-11-21T02:00:00Z AND CreatedDate < 2026-11-23T02:00:00.000Z",
            vec![&old],
        ),
        ("SELECT Id FROM Lead WHERE ConvertedDate >= 2026-11-22 AND ConvertedDate <= 2026-11-22", vec![LEAD]),
        (r"SELECT Id FROM Lead WHERE LastName = 'o\'neil'", vec![&old]),
        ("SELECT Id FROM Lead WHERE IsConverted = true", vec![LEAD]),
        ("SELECT Id FROM Lead WHERE IsConverted = false AND LastName != 'new'", vec![&old]),
        ("SELECT Id FROM Lead WHERE ConvertedDate = null AND (LastName = 'New' OR LastName = 'x')", vec![&new]),
    ] {
        let got = query(&sim, soql).await;
        assert_eq!((got.status, ids(&got)), (200, want.iter().map(ToString::to_string).collect()), "{soql}");
    }
    let shown = query(&sim, "SELECT Id, createddate, Phone FROM Lead WHERE IsConverted = true").await.json();
    assert_eq!(shown["records"][0]["CreatedDate"], "2026-11-20T00:00:00.000+0000");
    assert_eq!(
        (&shown["records"][0]["Phone"], &shown["done"], &shown["totalSize"]),
        (&Value::Null, &json!(true), &json!(1))
    );
    sim.delete(&old);
    assert_eq!(ids(&query(&sim, "SELECT Id FROM Lead ORDER BY Id DESC").await), [new.as_str(), LEAD]);
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn what_can_not_be_asked_is_a_mistake() {
    for (soql, want) in [
        ("SELECT Id FROM Lead WHERE Description = 'hello'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate >= '2026-11-23T02:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate >= 2026-11-23", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE ConvertedDate >= 2026-11-23T02:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE IsConverted = 'true'", "INVALID_FIELD"),
        ("SELECT Id, Message FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Account", "INVALID_TYPE"),
        ("SELECT Id FROM Lead ORDER BY Description", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE LastName = 'it's'", "MALFORMED_QUERY"),
        ("SELECT * FROM Lead", "MALFORMED_QUERY"),
    ] {
        let sim = Sim::spawn(org()).await.unwrap();
        let got = query(&sim, soql).await;
        assert_eq!((got.status, code(&got), sim.violations().len()), (400, want.to_owned(), 1), "{soql}");
    }
    let sim = Sim::spawn(org()).await.unwrap();
    assert_eq!(query(&sim, "SELECT Id FROM Task WHERE WhoId = '7'").await.status, 400);
    assert!(sim.violations().is_empty(), "an id comes from a webhook");
}
