//! Requests whose end is a matter of opinion (RFC 9112, clause 11.2): whatever the desk thinks, a second request that
//! hides in the first is never taken.

use super::{IMPATIENT, begun, connect, next_lead_is_accepted, office, statuses, told};
use crate::support::{Office, Post};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn hidden() -> String {
    String::from_utf8(Post::website(&serde_json::json!({ "message": "hidden" })).bytes()).unwrap()
}

fn no_hidden_lead(office: &Office, name: &str) {
    assert_eq!(office.column("SELECT count(*) FROM inbox WHERE body LIKE '%hidden%'"), ["0"], "{name}");
}

#[tokio::test]
async fn no_request_hides_in_another() {
    let office = office(IMPATIENT).await;
    let hidden = hidden();
    // Kept alive, so that what hides would be read as the next one.
    let head = begun("/hooks/website").replace("Connection: close\r\n", "");
    let body = r#"{"message":"visible"}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (name, framing, body) in [
        ("a length and chunks", format!("Content-Length: 5\r\n{CHUNKED}"), format!("{chunk}{hidden}")),
        ("chunks and a length", format!("{CHUNKED}Content-Length: 5\r\n"), format!("{chunk}{hidden}")),
        ("chunks within the length", format!("Content-Length: 400\r\n{CHUNKED}"), format!("0\r\n\r\n{hidden}")),
        ("two lengths", format!("{length}Content-Length: 0\r\n"), format!("{body}{hidden}")),
        ("a list of lengths", "Content-Length: 21, 0\r\n".to_owned(), format!("{body}{hidden}")),
        ("a negative length", "Content-Length: -1\r\n".to_owned(), format!("{body}{hidden}")),
        ("a signed length", "Content-Length: +21\r\n".to_owned(), format!("{body}{hidden}")),
        ("a length in hexadecimal", "Content-Length: 0x15\r\n".to_owned(), format!("{body}{hidden}")),
        (
            "a length beyond all numbers",
            "Content-Length: 18446744073709551637\r\n".to_owned(),
            format!("{body}{hidden}"),
        ),
        ("a folded length", "X-A: a\r\n Content-Length: 0\r\n".to_owned() + &length, format!("{body}{hidden}")),
        ("a length with a space", "Content-Length : 0\r\n".to_owned() + &length, format!("{body}{hidden}")),
        ("a length with a tab before", "\tContent-Length: 0\r\n".to_owned() + &length, format!("{body}{hidden}")),
        ("identity", "Transfer-Encoding: identity\r\n".to_owned() + &length, format!("{body}{hidden}")),
        ("chunked twice", "Transfer-Encoding: chunked, chunked\r\n".to_owned(), format!("{chunk}{hidden}")),
        ("chunked on two lines", format!("{CHUNKED}{CHUNKED}"), format!("{chunk}{hidden}")),
        ("chunked and identity", "Transfer-Encoding: chunked, identity\r\n".to_owned(), format!("{chunk}{hidden}")),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n".to_owned(), format!("{chunk}{hidden}")),
        (
            "chunked behind a control character",
            "Transfer-Encoding:\x0bchunked\r\n".to_owned(),
            format!("{chunk}{hidden}"),
        ),
        ("chunked by a bare line feed", format!("X: a\n{CHUNKED}{length}"), format!("0\r\n\r\n{hidden}")),
        ("a chunk of a negative size", CHUNKED.to_owned(), format!("-1\r\n{body}\r\n0\r\n\r\n{hidden}")),
        ("a chunk of no size", CHUNKED.to_owned(), format!("\r\n{body}\r\n0\r\n\r\n{hidden}")),
        (
            "a chunk size beyond all numbers",
            CHUNKED.to_owned(),
            format!("10000000000000015\r\n{body}\r\n0\r\n\r\n{hidden}"),
        ),
        ("a chunk size with a prefix", CHUNKED.to_owned(), format!("0x15\r\n{body}\r\n0\r\n\r\n{hidden}")),
        ("a chunk longer than it says", CHUNKED.to_owned(), format!("5\r\n{body}\r\n0\r\n\r\n{hidden}")),
        ("an extension with a bare line feed", CHUNKED.to_owned(), format!("15;a\nb\r\n{body}\r\n0\r\n\r\n{hidden}")),
        ("a chunk ended by a bare line feed", CHUNKED.to_owned(), format!("15\n{body}\n0\n\n{hidden}")),
        (
            "an endless extension",
            CHUNKED.to_owned(),
            format!("15;{}\r\n{body}\r\n0\r\n\r\n{hidden}", "a".repeat(40_000)),
        ),
        (
            "10,000 trailers",
            CHUNKED.to_owned(),
            format!("15\r\n{body}\r\n0\r\n{}\r\n{hidden}", "X: 1\r\n".repeat(10_000)),
        ),
    ] {
        // What hides is the last of its connection: if it is taken, it is read as far as its end.
        let request = format!("{head}{framing}\r\n{body}");
        let answer = told(name, &mut connect(&office).await, request.as_bytes()).await;
        let found = statuses(&answer);
        let first = found.first().copied().unwrap_or(400);
        assert!(first / 100 == 4 || [200, 202].contains(&first), "{name}: {found:?}");
        // Who was refused is not heard again; who was taken framed it so that two agree, or is not heard again either.
        assert!(found.len() <= 1, "{name}: {found:?}");
        no_hidden_lead(&office, name);
        next_lead_is_accepted(&office, name).await;
    }
}

/// Honest framing that looks odd: extensions and trailers are read past, and the next request in the connection is one.
#[tokio::test]
async fn odd_chunks_are_a_body() {
    let office = office(IMPATIENT).await;
    let head = begun("/hooks/website").replace("Connection: close\r\n", "");
    let visible = r#"{"message":"visible"}"#;
    for (name, chunks) in [
        ("an extension", "15;a=\"b;c\";d\r\n{\"message\":\"visible\"}\r\n0\r\n\r\n".to_owned()),
        ("leading zeros", "00000015\r\n{\"message\":\"visible\"}\r\n0\r\n\r\n".to_owned()),
        ("a trailer", "15\r\n{\"message\":\"visible\"}\r\n0\r\nX-Content-Length: 5\r\n\r\n".to_owned()),
        (
            "one byte each",
            [visible.chars().map(|c| format!("1\r\n{c}\r\n")).collect::<Vec<_>>().concat(), "0\r\n\r\n".to_owned()]
                .concat(),
        ),
    ] {
        let next = String::from_utf8(Post::website(&serde_json::json!({ "message": name })).bytes()).unwrap();
        let request = format!("{head}{CHUNKED}\r\n{chunks}{next}");
        let answer = told(name, &mut connect(&office).await, request.as_bytes()).await;
        let found = statuses(&answer);
        assert!(matches!(found[..], [200 | 202, 202]), "{name}: {found:?}");
    }
}
