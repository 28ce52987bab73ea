//! The whole codec against `tests/golden/pdu-vectors.json`, and against whatever a stranger may send.
//!
//! The vectors are facts gathered from five independent encoders and decoders; where those disagree, 3GPP decides.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn vectors(part: &str) -> Vec<Value> {
    let text = include_str!("../../../../tests/golden/pdu-vectors.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let cases = all[part].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn concat_value(body: &Body) -> Value {
    body.concat.map_or(Value::Null, |c| json!([c.reference, c.total, c.part]))
}

#[test]
fn every_text_encodes_to_its_vector_and_back() {
    for case in vectors("submit") {
        let id = &case["id"];
        let (number, text) = (case["number"].as_str().unwrap(), case["text"].as_str().unwrap());
        let reference = u8::try_from(case["reference"].as_u64().unwrap_or(0)).unwrap();
        let status_report = case["report"].as_bool().unwrap();
        let to = number.parse().unwrap();
        let (alphabet, parts) = Wish { to: &to, text, status_report, reference, validity: None }.encode().unwrap();
        assert_eq!(if alphabet == crate::model::Alphabet::Gsm7 { "gsm7" } else { "ucs2" }, case["encoding"], "{id}");
        let got: Vec<Value> = parts.iter().map(|part| json!([part.tpdu_len, part.pdu])).collect();
        assert_eq!(Value::from(got), case["parts"], "{id}");
        let mut back = String::new();
        for (part, n) in parts.iter().zip(1_u8..) {
            let Ok(Pdu::Submit(read)) = decode(&part.pdu) else { panic!("{id}") };
            assert_eq!((read.number.as_str(), read.status_report), (number, status_report), "{id}");
            let total = u8::try_from(parts.len()).unwrap();
            let concat = (total > 1).then_some(Concat { reference: reference.into(), total, part: n });
            assert_eq!(read.body.concat, concat, "{id}");
            back.push_str(&read.body.text);
        }
        assert_eq!(back, text, "{id}");
    }
}

#[test]
fn every_text_that_came_in_decodes() {
    for case in vectors("deliver") {
        let Ok(Pdu::Deliver(read)) = decode(case["pdu"].as_str().unwrap()) else { panic!("{}", case["id"]) };
        let got = json!({
            "smsc": read.smsc, "number": read.number, "timestamp": read.timestamp.map(|at| at.to_string()),
            "text": read.body.text, "alphabet": read.body.coding.name(), "message_class": read.body.class,
            "concat": concat_value(&read.body),
        });
        assert_eq!(got, case["expect"], "{}", case["id"]);
    }
}

#[test]
fn every_report_decodes() {
    for case in vectors("report") {
        let Ok(Pdu::Report(read)) = decode(case["pdu"].as_str().unwrap()) else { panic!("{}", case["id"]) };
        let got = json!({
            "smsc": read.smsc, "mr": read.reference, "recipient": read.recipient,
            "scts": read.sent.map(|at| at.to_string()), "discharge": read.discharged.map(|at| at.to_string()),
            "st": read.status, "outcome": read.fate().name(),
        });
        assert_eq!(got, case["expect"], "{}", case["id"]);
    }
}

#[test]
fn what_is_malformed_says_why() {
    for case in vectors("malformed") {
        let error = decode(case["pdu"].as_str().unwrap()).map_err(|error| error.to_string());
        assert_eq!(error.unwrap_err(), case["error"].as_str().unwrap(), "{}", case["id"]);
    }
}

#[test]
fn every_prefix_of_a_good_pdu_is_an_error_or_a_message() {
    for case in vectors("deliver").into_iter().chain(vectors("report")) {
        let pdu = case["pdu"].as_str().unwrap();
        for end in 0..pdu.len() {
            drop(decode(pdu.get(..end).unwrap()));
        }
    }
}

/// An SMS-DELIVER of one part with the user data of an encoded SMS-SUBMIT: what the network makes of it.
fn as_delivered(submit: &str, number_digits: usize) -> String {
    let (start, rest) = submit.split_at(6); // SCA, first octet, TP-MR
    let (address, rest) = rest.split_at(number_digits.div_ceil(2).saturating_add(2).saturating_mul(2));
    let (pid_dcs, user_data) = rest.split_at(4);
    let first = if start.starts_with("006") { "44" } else { "04" };
    format!("00{first}{address}{pid_dcs}62112281419500{user_data}")
}

proptest! {
    #[test]
    fn any_text_survives_the_way_to_the_phone(
        text in prop_oneof![
            "[ -~€\\[\\]{}@£àÄ\n]{0,400}",
            any::<String>(),
            "[a-z🔥Ж€]{60,300}",
        ],
        digits in "[1-9][0-9]{6,14}",
        reference in any::<u8>(),
    ) {
        let to = format!("+{digits}").parse().unwrap();
        let (_, parts) = Wish { to: &to, text: &text, status_report: true, reference, validity: None }.encode().unwrap();
        let mut phone = String::new();
        for part in &parts {
            prop_assert!(part.tpdu_len <= 164);
            prop_assert_eq!(part.pdu.len() / 2, part.tpdu_len.saturating_add(1));
            let Ok(Pdu::Deliver(read)) = decode(&as_delivered(&part.pdu, digits.len())) else {
                return Err(TestCaseError::fail("not a DELIVER"));
            };
            prop_assert_eq!(&read.number, &to.to_string());
            phone.push_str(&read.body.text);
        }
        prop_assert_eq!(phone, text);
    }

    #[test]
    fn random_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&octets::to_hex(&octets)));
        // Behind an empty service centre and a plausible start, more of it is reached.
        for first in ["0004", "0044", "0006", "0011", "0059"] {
            drop(decode(&format!("{first}{}", octets::to_hex(&octets))));
        }
    }

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        drop(decode(&text));
    }
}

/// Ten thousand good PDUs with a few digits changed, from a fixed seed.
#[test]
fn mangled_pdus_never_panic() {
    let mut random = fastrand::Rng::with_seed(0x9E37);
    let good: Vec<String> = ["deliver", "report"]
        .into_iter()
        .flat_map(vectors)
        .map(|case| case["pdu"].as_str().unwrap().to_owned())
        .collect();
    for _ in 0..10_000 {
        let mut pdu: Vec<u8> = good[random.usize(..good.len())].clone().into_bytes();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..pdu.len());
            pdu[at] = random.choice(b"0123456789ABCDEF".iter().copied()).unwrap();
        }
        pdu.truncate(random.usize(1..=pdu.len()));
        drop(decode(std::str::from_utf8(&pdu).unwrap()));
    }
}
