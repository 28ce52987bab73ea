//! Heads that are too many, too large or not text.

use super::{IMPATIENT, connect, next_lead_is_accepted, office, statuses, told};
use crate::support::WEBSITE_SECRET;

#[tokio::test]
async fn each_bad_head_is_refused() {
    let office = office(IMPATIENT).await;
    let post = |headers: &str| format!("POST /hooks/website HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes();
    let line = |target: &[u8]| [b"POST ", target, b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"].concat();
    let lead = br#"{"message":"How much is it?"}"#;
    let with = |header: &[u8]| {
        let head = format!(
            "POST /hooks/website HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n",
            lead.len()
        );
        [head.as_bytes(), header, b"\r\n\r\n", lead].concat()
    };
    for (name, bytes, want) in [
        ("101 headers", post(&"X-A: 1\r\n".repeat(101)), &[431][..]),
        ("10,000 headers", post(&"X-A: 1\r\n".repeat(10_000)), &[431]),
        ("17 KiB of headers", post(&format!("X-A: {}\r\n", "a".repeat(200)).repeat(83)), &[431]),
        ("one of 20 KiB", post(&format!("X-A: {}\r\n", "a".repeat(20_000))), &[431]),
        ("one of 1 MiB", post(&format!("X-A: {}\r\n", "a".repeat(1 << 20))), &[431]),
        ("a name of 64 KiB", post(&format!("{}: 1\r\n", "a".repeat(1 << 16))), &[431]),
        ("a target of 1 MiB", line(&[b"/hooks/", &vec![b'a'; 1 << 20][..]].concat()), &[414, 431]),
        ("a target of 10 KiB", line(&[b"/hooks/", &vec![b'a'; 10_000][..]].concat()), &[404]),
        ("a target that is not UTF-8", line(b"/hooks/\xff\xfe"), &[400, 404]),
        ("a zero in the target", line(b"/hooks/web\0site"), &[400]),
        ("a space in the target", line(b"/hooks/web site"), &[400]),
        ("a target with its parts encoded", line(b"/hooks/%77ebsite"), &[404]),
        ("an address as target, of another host", line(b"http://evil.example/hooks/nobody"), &[404]),
        ("a star as target", line(b"*"), &[400, 404]),
        ("a zero in a header", with(b"X-A: a\0b"), &[400]),
        ("a carriage return in a header", with(b"X-A: a\rb"), &[400]),
        ("a header's name that is not UTF-8", with(b"X-\xff: 1"), &[400]),
        ("a token that is not UTF-8", with(b"Authorization: Bearer \xff\xfe"), &[401]),
        ("a header without a colon", with(b"X-A"), &[400]),
        ("no header's name", with(b": a"), &[400]),
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), &[400]),
        ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), &[400, 505]),
        ("HTTP/3.0", b"POST /hooks/website HTTP/3.0\r\n\r\n".to_vec(), &[400]),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), &[400]),
        ("CONNECT", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), &[404, 405]),
        ("zeros", vec![0; 1_000], &[400]),
    ] {
        let answer = told(name, &mut connect(&office).await, &bytes).await;
        let found = statuses(&answer);
        assert!(found.len() <= 1 && found.iter().all(|status| want.contains(status)), "{name}: {found:?}");
        next_lead_is_accepted(&office, name).await;
    }
    // What a header holds beyond ASCII is its sender's own business (RFC 9110, clause 5.5).
    let token = format!("X-City: Malm\u{f6}\r\nAuthorization: Bearer {WEBSITE_SECRET}");
    let answer = told("a city", &mut connect(&office).await, &with(token.as_bytes())).await;
    assert_eq!(statuses(&answer), [202]);
}
