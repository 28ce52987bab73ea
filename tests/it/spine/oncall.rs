//! A test of somebody's phone through the real binary: the desk sends, the network reports, the command tells.

use std::process::Output;

use crate::support::Office;

async fn test(office: &Office, args: &[&str]) -> Output {
    let mut command = office.command(&[&["oncall", "test"], args].concat());
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_phone_is_tested_by_the_desk_and_no_lead_comes_of_it() {
    let office = Office::open().await;
    let said = test(&office, &["dana", "--wait", "20s"]).await;
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "{out}{err}");
    assert_eq!(out, "a text to Dana +15551230001 is queued on modem0\ndelivered: the phone has it\n");
    let [text] = &office.modem.sent()[..] else { panic!("one text") };
    assert_eq!(text.text, "nightdesk test: answer OK so that we know your phone is reached. No lead waits.");
    assert_eq!(
        office.lines("SELECT key, channel, state, text FROM v_oncall_tests"),
        [["dana", "sms:modem0", "reached", "delivered"].map(str::to_owned)]
    );
    assert_eq!(
        office.column("SELECT kind || ' ' || state FROM jobs ORDER BY kind"),
        ["canary_check cancelled", "sms done"]
    );
    assert_eq!(office.column("SELECT count(*) FROM leads"), ["0"]);
    assert_eq!(office.column("SELECT count(*) FROM alerts WHERE cleared_at IS NULL"), ["0"]);
    assert_eq!(office.violations(), Vec::<String>::new());
}
