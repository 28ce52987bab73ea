//! What must hold of any PDU, as octets or as text: it is an error or a message that makes sense, in any spelling, and
//! nothing panics. A text that was read can be sent on.
//!
//! Input: the octets of a PDU, service centre first, or its digits. Shared by the fuzz target and by the crate's tests,
//! which replay its seeds.

use nightdesk::deliver::modem::pdu::{Body, Coding, Pdu, Wish, decode};

/// So many prefixes of a PDU are tried.
const PREFIXES: usize = 16;

pub(super) fn check(bytes: &[u8]) {
    drop(decode(&String::from_utf8_lossy(bytes)));
    let hex = bytes.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().concat();
    let read = decode(&hex);
    assert_eq!(read, decode(&format!(" {}\r\n", hex.to_lowercase())), "in another spelling");
    for end in (0..hex.len()).rev().take(PREFIXES) {
        // What follows a message is ignored: a start of it that can be read at all says the same.
        let start = decode(&hex[..end]);
        assert!(start.is_err() || start == read, "{end} of {hex}");
    }
    match read {
        Ok(Pdu::Deliver(text)) => {
            is_number(&text.smsc);
            is_sender(&text.number);
            is_body(&text.body, &text.number);
        }
        Ok(Pdu::Submit(text)) => {
            is_number(&text.smsc);
            is_sender(&text.number);
            is_body(&text.body, &text.number);
        }
        Ok(Pdu::Report(report)) => {
            is_number(&report.smsc);
            is_sender(&report.recipient);
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

fn is_number(number: &str) {
    let digits = number.strip_prefix('+').unwrap_or(number);
    assert!(digits.len() <= 20 && digits.chars().all(|c| c.is_ascii_digit() || "*#abc".contains(c)), "{number}");
}

/// A name has at most eleven characters.
fn is_sender(sender: &str) {
    if sender.chars().count() > 11 {
        is_number(sender);
    }
}

fn is_body(body: &Body, number: &str) {
    let (length, most) = match body.coding {
        Coding::Gsm7 => (body.text.chars().count(), 255),
        Coding::EightBit => (body.text.len(), 2 * 255),
        Coding::Ucs2 => (body.text.encode_utf16().count(), 128),
    };
    assert!(length <= most, "{body:?}");
    assert!(body.class.is_none_or(|class| class <= 3) && body.concat.is_none_or(|c| (1..=c.total).contains(&c.part)));
    let Ok(to) = number.parse() else { return };
    let wish = Wish { to: &to, text: &body.text, status_report: true, reference: 7, validity: None };
    let (_, parts) = wish.encode().expect("no message is longer than 255");
    let read: Vec<_> = parts.iter().map(|part| decode(&part.pdu).expect("we made it")).collect();
    let text = read.iter().map(|read| match read {
        Pdu::Submit(part) if part.number == number => part.body.text.as_str(),
        other => panic!("not what we made: {other:?}"),
    });
    assert_eq!(text.collect::<String>(), body.text);
}
