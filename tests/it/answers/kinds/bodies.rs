//! What websites, form services and no-code tools send: forms, multipart, JSON under any name, packed and damaged.
//!
//! Source: the WHATWG URL standard (clause 5), RFC 7578, RFC 8259, RFC 1952 and RFC 7932.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{Case, FORM, XML, case, each_becomes, office, signed, to_form, to_json, typed};
use crate::support::Post;

/// Ten mebibytes of spaces, as the reference encoder packs them.
const BROTLI_BOMB: &[u8] =
    b"\xcb\xff\xff\x3f\xf8\x25\x40\xe2\xb1\x40\x20\xf7\xfe\x2f\xff\xff\x3f\xf0\x4b\x00\xc4\x61\x11\x80\xee\xfd\x07";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// One block that is stored as it is (RFC 7932, clause 9.2), then the empty last one.
fn brotli(plain: &[u8]) -> Vec<u8> {
    let length = u32::try_from(plain.len() - 1).unwrap();
    let header = 0x0b | (length << 7) | (1 << 23);
    [&header.to_le_bytes()[..3], plain, b"\x03"].concat()
}

fn packed(coding: &str, body: Vec<u8>) -> Post {
    Post::plain("/hooks/json", body).header("Content-Encoding", coding)
}

fn multipart(parts: &[(&str, &str)]) -> Post {
    let part =
        |(head, text): &(&str, &str)| format!("--b-1\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let body = parts.iter().map(part).collect::<String>() + "--b-1--\r\n";
    typed("/hooks/form", "multipart/form-data; boundary=b-1", body)
}

/// An e-mail address and a message of its own for each case, so that none is another's duplicate.
fn asks(who: &str) -> (String, String) {
    (format!("{who}@example.com"), format!("What does a tent for {who} cost?"))
}

fn accepted(name: &str, who: &str) -> String {
    let (email, message) = asks(who);
    format!("accepted|{name}|{email}|-|{message}|-")
}

#[tokio::test]
async fn forms() {
    let office = office("").await;
    let cases = vec![
        case(
            "plain",
            to_form("full_name=Ann+Lee&E-Mail=ann%40example.com&tel=(303)+555-0142&your-message=Price%3F+50%2525+off"),
            202,
            &["accepted|Ann Lee|ann@example.com|+13035550142|Price? 50%25 off|-"],
        ),
        case(
            "in brackets",
            to_form("fields%5Bemail%5D=bea@example.com&fields[message]=Do+you+rent+floors%3F&data[fname]=Bea"),
            202,
            &["accepted|Bea|bea@example.com|-|Do you rent floors?|-"],
        ),
        case(
            "a key that repeats",
            to_form("email=cia@example.com&message=Which+of+them+is+free%3F&message=The+blue+one%3F&message="),
            202,
            &["accepted|-|cia@example.com|-|Which of them is free?, The blue one?|-"],
        ),
        case(
            "invalid bytes",
            to_form("email=dag@example.com&message=Gr%FC%DFe%2C+what+does+it+cost%3F"),
            202,
            &["accepted|-|dag@example.com|-|Gr\u{fffd}\u{fffd}e, what does it cost?|-"],
        ),
        case(
            "a charset in its type",
            typed("/hooks/form", &format!("{FORM}; charset=UTF-8"), "email=eli@example.com&comments=Is+Sunday+free%3F"),
            202,
            &["accepted|-|eli@example.com|-|Is Sunday free?|-"],
        ),
        case(
            "multipart",
            multipart(&[
                ("name=\"first_name\"", "Finn"),
                ("name=\"surname\"", "Ott"),
                ("name=\"email\"", "finn@example.com"),
                ("name=\"enquiry\"", "Is the hall dry?\r\nAnd warm?"),
                ("name=\"plan\"; filename=\"plan.txt\"\r\nContent-Type: text/plain", "message=no"),
            ]),
            202,
            &["accepted|Finn Ott|finn@example.com|-|Is the hall dry?/And warm?|-"],
        ),
        case("no boundary", typed("/hooks/form", "multipart/form-data", "--b\r\n"), 400, &["gate_failed"]),
        case("nothing in it", to_form(""), 400, &["gate_failed"]),
        case("no message", to_form("email=gus@example.com&colour=blue"), 200, &["gate_failed"]),
        case("JSON", typed("/hooks/form", "application/json", "{}"), 415, &[]),
        case("a text", typed("/hooks/form", "text/plain", "message=Hi"), 415, &[]),
    ];
    each_becomes(&office, cases).await;
}

/// One message under each name that people give it.
fn under_other_names() -> Vec<Case> {
    let named: [(&str, &str, Value); 8] = [
        ("as text", "hal", json!({ "text": asks("hal").1, "mail": asks("hal").0, "contactName": "Hal Wu" })),
        ("in capitals", "ian", json!({ "MESSAGE": asks("ian").1, "EMAIL": asks("ian").0, "Name": "Hal Wu" })),
        ("with marks", "joe", json!({ "Your Message": asks("joe").1, "e_mail": asks("joe").0, "full-name": "Hal Wu" })),
        (
            "in data",
            "kim",
            json!({ "name": "hook", "data": { "body": asks("kim").1, "email": asks("kim").0, "name": "Hal Wu" } }),
        ),
        (
            "deeper",
            "lea",
            json!({ "payload": { "form": { "lead": { "notes": asks("lea").1, "email": asks("lea").0, "name": "Hal Wu" } } } }),
        ),
        (
            "wrapped",
            "max",
            json!({ "properties": { "message": { "value": asks("max").1 }, "email": { "value": asks("max").0 }, "name": { "value": "Hal Wu" } } }),
        ),
        (
            "in Spanish",
            "nia",
            json!({ "mensaje": asks("nia").1, "email": asks("nia").0, "first": "Hal", "last": "Wu" }),
        ),
        (
            "beside an empty one",
            "ole",
            json!({ "message": "", "comments": asks("ole").1, "email": asks("ole").0, "name": "Hal Wu" }),
        ),
    ];
    named
        .map(|(name, who, body)| Case { rows: vec![accepted("Hal Wu", who)], ..case(name, to_json(&body), 202, &[]) })
        .into()
}

fn odd_json() -> Vec<Case> {
    let one = |who: &str| json!({ "email": asks(who).0, "message": asks(who).1 });
    let text = |who: &str| one(who).to_string();
    let list = json!([one("pat"), 7, { "email": "nobody@example.com" }, one("quin"), one("pat")]);
    let listed = vec![
        accepted("-", "pat"),
        "gate_failed".to_owned(),
        "gate_failed".to_owned(),
        accepted("-", "quin"),
        "duplicate".to_owned(),
    ];
    let deep = format!("{}1{}", "[".repeat(80), "]".repeat(80));
    let lead = |name, post, who: &str| Case { rows: vec![accepted("-", who)], ..case(name, post, 202, &[]) };
    vec![
        Case { rows: listed, ..case("an array", to_json(&list), 202, &[]) },
        case("an empty array", to_json(&json!([])), 200, &["gate_failed"]),
        lead("a byte order mark", Post::plain("/hooks/json", format!("\u{feff}{}", text("rob"))), "rob"),
        case(
            "half a pair",
            Post::plain("/hooks/json", r#"{"email":"sue@example.com","message":"Is it red \ud83d or blue?"}"#),
            202,
            &["accepted|-|sue@example.com|-|Is it red \u{fffd} or blue?|-"],
        ),
        case(
            "no UTF-8",
            Post::plain("/hooks/json", b"{\"email\":\"tom@example.com\",\"message\":\"Gr\xfc\xdfe, is it free?\"}"),
            202,
            &["accepted|-|tom@example.com|-|Gr\u{fffd}\u{fffd}e, is it free?|-"],
        ),
        case("something behind it", Post::plain("/hooks/json", text("uma") + "{}"), 400, &["gate_failed"]),
        case("too deep", Post::plain("/hooks/json", deep), 400, &["gate_failed"]),
        case("a bare text", to_json(&json!("Hello?")), 200, &["gate_failed"]),
        lead("a type of its own", typed("/hooks/json", "application/cloudevents+json", text("vic")), "vic"),
        lead("two types in one", typed("/hooks/json", "Application/JSON; charset=latin1", text("wim")), "wim"),
        lead("no type", Post { headers: Vec::new(), ..Post::plain("/hooks/json", text("ada")) }, "ada"),
        case("XML", typed("/hooks/json", XML, "<a/>"), 415, &[]),
        case("no type that is one", typed("/hooks/json", "json", "{}"), 415, &[]),
        case("a form", typed("/hooks/json", FORM, "message=Hi"), 415, &[]),
    ]
}

fn in_a_pack() -> Vec<Case> {
    let text = |who: &str| json!({ "email": asks(who).0, "message": asks(who).1 }).to_string().into_bytes();
    let lead = |name, post, who: &str| Case { rows: vec![accepted("-", who)], ..case(name, post, 202, &[]) };
    let cut = |mut body: Vec<u8>| {
        body.truncate(body.len() / 2);
        body
    };
    let submission =
        json!([{ "name": "email", "value": "una@example.com" }, { "name": "message", "value": "Was this packed?" }]);
    let signed = signed("/hooks/hform", &json!({ "fields": submission }));
    vec![
        lead("gzip", packed("gzip", gzip(&text("xan"))), "xan"),
        lead("br", packed("br", brotli(&text("yan"))), "yan"),
        case(
            "packed on its way, after it was signed",
            Post { body: gzip(&signed.body), ..signed }.header("Content-Encoding", "gzip"),
            202,
            &["accepted|-|una@example.com|-|Was this packed?|-"],
        ),
        case("a bomb of gzip", packed("gzip", gzip(&vec![b' '; 10 << 20])), 413, &[]),
        case("a bomb of br", packed("br", BROTLI_BOMB.to_vec()), 413, &[]),
        case("gzip, cut off", packed("gzip", cut(gzip(&text("zoe")))), 400, &["gate_failed"]),
        case("not packed at all", packed("gzip", text("zoe")), 400, &["gate_failed"]),
        case("zstd", packed("zstd", text("zoe")), 415, &[]),
        case("packed twice", packed("gzip, gzip", gzip(&gzip(&text("zoe")))), 415, &[]),
    ]
}

#[tokio::test]
async fn json_under_any_name_and_in_any_state() {
    let office = office("").await;
    let cases = under_other_names().into_iter().chain(odd_json()).chain(in_a_pack());
    each_becomes(&office, cases.collect()).await;
}
