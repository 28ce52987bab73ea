//! Who the modem and its SIM are: the questions, and reading the answers (3GPP TS 27.007, clauses 5.1 to 5.4).
//!
//! Only for people, for counting what a SIM sends, and for remembering a PIN: nothing depends on an answer.

use super::init::Answer;
use crate::model::Identity;

/// Any line that is not plainly unasked belongs to the answer: these have no prefix, or one of their maker's.
pub(super) const ANY: &str = "*";
/// Maker, model, firmware, IMEI.
pub(super) const WHO: [&str; 4] = ["AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN"];
/// The number of the SIM card, as different makers ask for it.
pub(super) const CARD: [&str; 4] = ["AT+CCID", "AT+QCCID", "AT^ICCID?", "AT+ICCID"];
/// The longest that is kept of an answer.
const LONGEST: usize = 64;

/// Takes the answer to the question of [`WHO`] with this index.
pub(super) fn learn(identity: &mut Identity, nth: usize, answer: &Answer) {
    let Some(asked) = WHO.get(nth) else { return };
    let line = answer.info.iter().map(|line| bare(line)).find(|line| !line.is_empty());
    let said = line.map(|line| line.chars().take(LONGEST).collect::<String>());
    let field = match nth {
        0 => &mut identity.make,
        1 => &mut identity.model,
        2 => &mut identity.firmware,
        _ => &mut identity.imei,
    };
    *field = said.filter(|said| *asked != "AT+CGSN" || said.bytes().all(|b| b.is_ascii_digit()));
}

/// The card's number: 18 to 22 digits (ITU-T E.118), some modems show its filler.
pub(super) fn iccid(answer: &Answer) -> Option<String> {
    answer
        .info
        .iter()
        .map(|line| bare(line).trim_end_matches(['F', 'f']).to_owned())
        .find(|number| (18..=22).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()))
}

/// What a line says, without prefix and quotes: `+CGMI: "Quectel"` is `Quectel`.
fn bare(line: &str) -> &str {
    let rest = match line.split_once(": ") {
        Some((prefix, rest)) if prefix.starts_with(['+', '^']) => rest,
        _ => line,
    };
    rest.trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(info: &[&str]) -> Answer {
        Answer { info: info.iter().map(ToString::to_string).collect(), end: None }
    }

    #[test]
    fn makers_answer_in_many_ways() {
        for (nth, info, want) in [
            (0, &["Quectel"][..], Some("Quectel")),
            (0, &["+CGMI: \"SIMCOM INCORPORATED\""], Some("SIMCOM INCORPORATED")),
            (2, &["Revision: EC25EFAR06A06M4G"], Some("Revision: EC25EFAR06A06M4G")),
            (3, &["861536030196001"], Some("861536030196001")),
            (3, &["OOPS"], None),
            (0, &[], None),
        ] {
            let mut identity = Identity::default();
            learn(&mut identity, nth, &answer(info));
            let got = [identity.make, identity.model, identity.firmware, identity.imei];
            assert_eq!(got[nth].as_deref(), want, "{info:?}");
        }
    }

    #[test]
    fn card_numbers() {
        for (info, want) in [
            ("89014103211118510720", Some("89014103211118510720")),
            ("+CCID: \"89014103211118510720\"", Some("89014103211118510720")),
            ("+QCCID: 8986011585100123456F", Some("8986011585100123456")),
            ("^ICCID: 8949020000012345678", Some("8949020000012345678")),
            ("ERROR", None),
            ("12345", None),
        ] {
            assert_eq!(iccid(&answer(&[info])).as_deref(), want, "{info}");
        }
    }
}
