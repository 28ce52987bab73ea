//! Secrets are loaded apart from the file, all at once, and shown nowhere.

use super::*;

#[test]
fn secrets_load_together_and_stay_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let credentials = Some(folder.path());
    let text = "[twilio]\naccount-sid = \"AC1\"\nfrom = \"1\"\ntoken = { credential = \"twilio-token\" }\n\
                [crm.hubspot]\nkind = \"hubspot\"\ntoken = { credential = \"hubspot-token\" }\n";
    let config = Config::parse(text).unwrap();
    let problems = Secrets::load(&config, credentials).unwrap_err();
    assert_eq!(
        problems.errors.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(),
        ["twilio.token", "crm.hubspot.token"]
    );

    fs::write(folder.path().join("twilio-token"), "second choice").unwrap();
    fs::write(folder.path().join("nightdesk_twilio-token"), "first choice\n").unwrap();
    fs::write(folder.path().join("hubspot-token"), "pat-1").unwrap();
    let secrets = Secrets::load(&config, credentials).unwrap();
    assert_eq!(secrets.get(&config.twilio.as_ref().unwrap().token).unwrap().expose_secret(), "first choice");
    let mut values: Vec<&str> = secrets.values().collect();
    values.sort_unstable();
    assert_eq!(values, ["first choice", "pat-1"]);
    assert_eq!(format!("{secrets:?}"), "***");
    assert!(secrets.get(&SecretRef::Credential("other".into())).is_err());
}
