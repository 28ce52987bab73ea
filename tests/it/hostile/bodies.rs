//! Bodies nobody should send: deep, huge, not text, or ambiguous.

use serde_json::json;

use super::{IMPATIENT, begun, connect, next_lead_is_accepted, office, statuses, told};
use crate::support::Post;

#[tokio::test]
async fn each_bad_body_is_refused_or_kept_and_harms_nothing() {
    let office = office(IMPATIENT).await;
    let raw = |body: &[u8]| Post { body: body.to_vec(), ..Post::website(&json!({})) }.bytes();
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000)).into_bytes();
    let announced =
        |length: &str| format!("{}Content-Length: {length}\r\n\r\n{{", begun("/hooks/website")).into_bytes();
    let text = "tent ".repeat(40 * 1024);
    for (name, bytes, want) in [
        ("10,000 lists in lists", raw(&deep("[", "]")), &[400][..]),
        ("10,000 objects in objects", raw(&deep("{\"a\":", "}")), &[400]),
        ("10,000 open lists", raw("[".repeat(10_000).as_bytes()), &[400]),
        ("a message of 200 KiB", raw(json!({ "message": text }).to_string().as_bytes()), &[202]),
        ("200 KiB of keys", raw(format!("{{{}\"message\":\"keys\"}}", "\"a\":1,".repeat(30_000)).as_bytes()), &[202]),
        ("300 KiB", raw(&vec![b' '; 300 * 1024]), &[413]),
        ("an announced exabyte", announced("1000000000000000000"), &[413]),
        ("all that can be announced", announced("18446744073709551615"), &[400, 413, 431]),
        ("more than can be announced", announced("99999999999999999999999"), &[400, 413]),
        ("less than nothing", announced("-1"), &[400]),
        ("not UTF-8", raw(b"{\"message\":\"\xc3\x28\"}"), &[202]),
        ("UTF-16", raw(&"\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()), &[400]),
        ("a mark at its beginning", raw("\u{feff}{\"message\":\"mark\"}".as_bytes()), &[202, 400]),
        ("a raw zero in a text", raw(b"{\"message\":\"a\0b\"}"), &[400]),
        ("a zero behind the text", raw(b"{\"message\":\"zero\"}\0"), &[400]),
        ("an escaped zero", raw(br#"{"message":"a\u0000b","email":"\u0000"}"#), &[202]),
        ("nothing but escaped zeros", raw(br#"{"message":"\u0000\u0000"}"#), &[200]),
        ("half a surrogate pair", raw(br#"{"message":"\ud800"}"#), &[200, 202, 400]),
        ("the other half", raw(br#"{"message":"\udc00 help","name":"\ud800"}"#), &[200, 202, 400]),
        ("keys twice", raw(br#"{"message":"first","message":"second","email":1,"email":{}}"#), &[202]),
        ("a number beyond all", raw(br#"{"message":"beyond","contact":1e999}"#), &[202, 400]),
        (
            "a number of 100,000 digits",
            raw(format!("{{\"message\":\"digits\",\"contact\":{}}}", "9".repeat(100_000)).as_bytes()),
            &[202, 400],
        ),
        ("NaN", raw(br#"{"message":"nan","contact":NaN}"#), &[400]),
        ("a comment", raw(b"{\"message\":\"comment\"} // no"), &[400]),
        ("two documents", raw(b"{\"message\":\"one\"}{\"message\":\"two\"}"), &[400]),
        (
            "SQL and markup",
            raw(br#"{"message":"'); DROP TABLE leads; -- <script>alert(1)</script> {{ code }}"}"#),
            &[202],
        ),
    ] {
        let answer = told(name, &mut connect(&office).await, &bytes).await;
        let found = statuses(&answer);
        assert!(matches!(found[..], [one] if want.contains(&one)), "{name}: {found:?}");
        next_lead_is_accepted(&office, name).await;
    }
}

/// 2^53 + 1 and the largest that fits keep their last digit: a rounded id would be another person's record.
#[tokio::test]
async fn large_ids_keep_every_digit() {
    let office = office("").await;
    let ids = ["9007199254740993", "18446744073709551615"];
    for id in ids {
        office.hubspot.set_contact(id, &[]);
        let body = format!(r#"{{"message":"Is {id} me?","contact":{id}}}"#);
        let lead = Post { body: body.into(), ..Post::website(&json!({})) };
        assert_eq!(office.post(&lead).await.0, 202, "{id}");
    }
    assert_eq!(office.column("SELECT crm_record FROM leads ORDER BY received_at"), ids);
}
