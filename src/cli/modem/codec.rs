//! `nightdesk modem encode` and `decode`: what a text looks like on the wire, what a PDU from a log says.
//!
//! Pure arithmetic on the arguments: no modem, no configuration, no daemon. Tables for people, `--json` for machines.
//! What a PDU carries was written by a stranger: for people its control characters are shown as escapes.

use std::io::Write;

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::CliError;
use crate::deliver::modem::pdu::{self, Body, Destination, Pdu, ServiceTime, Wish};
use crate::model::Alphabet;

/// Arguments of `modem encode`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Encode {
    /// To whom: +E.164, or a national number or short code without the plus
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Ask the network to report what became of it
    #[arg(long)]
    status_report: bool,
    /// Reference shared by the parts of a longer text
    #[arg(long, value_name = "N", default_value_t = 0)]
    reference: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The text, sent as it is given
    text: String,
}

/// Arguments of `modem decode`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Decode {
    /// The PDU in hex, service centre address first
    hex: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Encode {
    /// A number that is none is an argument that makes no sense; a text that is too long is malformed data.
    pub(in crate::cli) fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let to: Destination = self.to.parse().map_err(|why| CliError::Argument { message: format!("--to: {why}") })?;
        let wish = Wish {
            to: &to,
            text: &self.text,
            status_report: self.status_report,
            reference: self.reference,
            validity: None,
        };
        let (alphabet, parts) = wish.encode().map_err(|why| CliError::Data { message: why.to_string() })?;
        let encoding = match alphabet {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::Ucs2 => "ucs2",
        };
        if self.json {
            let parts: Vec<Value> =
                parts.iter().map(|part| json!({"pdu": part.pdu, "tpdu_len": part.tpdu_len})).collect();
            writeln!(out, "{}", json!({"encoding": encoding, "parts": parts}))?;
            return Ok(());
        }
        writeln!(out, "encoding  {encoding}\nparts     {}", parts.len())?;
        for (part, n) in parts.iter().zip(1_u32..) {
            writeln!(out, "\npart {n}    AT+CMGS={}\n          {}", part.tpdu_len, part.pdu)?;
        }
        Ok(())
    }
}

impl Decode {
    /// A PDU that can't be read is malformed data.
    pub(in crate::cli) fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let pdu = pdu::decode(&self.hex).map_err(|why| CliError::Data { message: why.to_string() })?;
        let fields = fields(&pdu);
        if self.json {
            let object: Map<String, Value> = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            writeln!(out, "{}", Value::Object(object))?;
            return Ok(());
        }
        writeln!(out, "{:<14}{}", "kind", kind(&pdu))?;
        for (key, value) in fields {
            writeln!(out, "{key:<14}{}", for_people(key, &value))?;
        }
        Ok(())
    }
}

const fn kind(pdu: &Pdu) -> &'static str {
    match pdu {
        Pdu::Deliver(_) => "text that came in (SMS-DELIVER)",
        Pdu::Report(_) => "status report (SMS-STATUS-REPORT)",
        Pdu::Submit(_) => "text that goes out (SMS-SUBMIT)",
    }
}

/// What a PDU says, in the order for people.
fn fields(pdu: &Pdu) -> Vec<(&'static str, Value)> {
    match pdu {
        Pdu::Deliver(read) => {
            let head = [
                ("smsc", json!(read.smsc)),
                ("number", json!(read.number)),
                ("timestamp", time(read.timestamp.as_ref())),
            ];
            head.into_iter().chain(body(&read.body)).collect()
        }
        Pdu::Submit(read) => {
            let head = [
                ("smsc", json!(read.smsc)),
                ("mr", json!(read.reference)),
                ("number", json!(read.number)),
                ("status_report", json!(read.status_report)),
            ];
            head.into_iter().chain(body(&read.body)).collect()
        }
        Pdu::Report(read) => vec![
            ("smsc", json!(read.smsc)),
            ("mr", json!(read.reference)),
            ("recipient", json!(read.recipient)),
            ("scts", time(read.sent.as_ref())),
            ("discharge", time(read.discharged.as_ref())),
            ("st", json!(read.status)),
            ("outcome", json!(read.fate().name())),
        ],
    }
}

fn time(at: Option<&ServiceTime>) -> Value {
    json!(at.map(ToString::to_string))
}

fn body(body: &Body) -> [(&'static str, Value); 4] {
    [
        ("concat", json!(body.concat.map(|concat| (concat.reference, concat.total, concat.part)))),
        ("alphabet", json!(body.coding.name())),
        ("message_class", json!(body.class)),
        ("text", json!(body.text)),
    ]
}

fn for_people(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => {
            let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
            text.chars().map(shown).collect()
        }
        Value::Array(parts) if key == "concat" => match parts.as_slice() {
            [reference, total, part] => format!("part {part} of {total}, reference {reference}"),
            _ => value.to_string(),
        },
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    enum Cli {
        Encode(Encode),
        Decode(Decode),
    }

    fn run(args: &[&str]) -> Result<String, CliError> {
        let mut out = Vec::new();
        let done = match Cli::try_parse_from([&["modem"], args].concat()).unwrap() {
            Cli::Encode(args) => args.run(&mut out),
            Cli::Decode(args) => args.run(&mut out),
        };
        done.map(|()| String::from_utf8(out).unwrap())
    }

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/golden/pdu-vectors.json")).unwrap()
    }

    #[test]
    fn encode_prints_the_vectors() {
        for case in vectors()["submit"].as_array().unwrap() {
            let reference = case["reference"].as_u64().unwrap_or(0).to_string();
            let mut args =
                vec!["encode", "--to", case["number"].as_str().unwrap(), "--json", "--reference", &reference];
            if case["report"] == true {
                args.push("--status-report");
            }
            args.extend(["--", case["text"].as_str().unwrap()]);
            let got: Value = serde_json::from_str(&run(&args).unwrap()).unwrap();
            let parts: Vec<Value> =
                case["parts"].as_array().unwrap().iter().map(|p| json!({"pdu": p[1], "tpdu_len": p[0]})).collect();
            assert_eq!(got, json!({"encoding": case["encoding"], "parts": parts}), "{}", case["id"]);
        }
    }

    #[test]
    fn decode_prints_the_vectors() {
        let vectors = vectors();
        for case in ["deliver", "report"].iter().flat_map(|part| vectors[part].as_array().unwrap()) {
            let got: Value =
                serde_json::from_str(&run(&["decode", case["pdu"].as_str().unwrap(), "--json"]).unwrap()).unwrap();
            assert_eq!(got, case["expect"], "{}", case["id"]);
        }
        for case in vectors["malformed"].as_array().unwrap() {
            let error = run(&["decode", case["pdu"].as_str().unwrap(), "--json"]).unwrap_err();
            assert_eq!((error.exit_code(), json!(error.to_string())), (65, case["error"].clone()), "{}", case["id"]);
        }
    }

    #[test]
    fn people_read_aligned_lines_without_control_characters() {
        let text = run(&["decode", "00440B915155210310F7000862112281419500", "--json"]);
        assert_eq!(text.unwrap_err().exit_code(), 65);
        let read = run(&["decode", "00040B915155210310F700086211228141950A06001B00630041"]).unwrap();
        assert_eq!(
            read,
            "kind          text that came in (SMS-DELIVER)\n\
             smsc          -\n\
             number        +15551230017\n\
             timestamp     2026-11-22T18:14:59-05:00\n\
             concat        -\n\
             alphabet      ucs2\n\
             message_class -\n\
             text          \\u{1b}cA\n"
        );
        assert_eq!(
            run(&["encode", "--to", "12345", "--", "INFO"]).unwrap(),
            "encoding  gsm7\nparts     1\n\npart 1    AT+CMGS=14\n          00010005812143F500000449A7F109\n"
        );
    }

    #[test]
    fn a_number_that_is_none_is_a_usage_error() {
        for to in ["Dana", "", "+", "+0301234", "1234567890123456789012"] {
            let error = run(&["encode", "--to", to, "--", "x"]).unwrap_err();
            assert_eq!(error.exit_code(), 64, "{to}");
            assert_eq!(error.to_string().lines().count(), 1, "{to}");
        }
    }
}
