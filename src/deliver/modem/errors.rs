//! The modem's error numbers as data: what each means, what to do about it, and what the outbox may do next.
//!
//! 3GPP TS 27.005, clause 3.2.5 and TS 24.011, annex E (`+CMS ERROR`); TS 27.007, clause 9.2 (`+CME ERROR`). The classes
//! are ours. The class of some depends on whether the PDU had been written: then the network may have the text.

use super::at::Final;
use crate::model::{Failure, Fault};

/// What a number says about the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Not now.
    Transient,
    /// Not until a person did something.
    Human,
    /// Never.
    Permanent,
    /// Says nothing: real modems give it although the network took the text.
    Open,
}

impl Class {
    const fn fault(self, pdu_sent: bool) -> Fault {
        match self {
            Self::Human => Fault::Auth,
            Self::Permanent => Fault::Permanent,
            Self::Open if pdu_sent => Fault::Unknown,
            Self::Transient | Self::Open => Fault::Transient,
        }
    }
}

/// First and last number, class, meaning, what to do.
type Row = (u16, u16, Class, &'static str, &'static str);

use Class::{Human, Open, Permanent, Transient};

const SIM: &str = "check the SIM: seated, active, not barred, its PIN right or switched off";
const PLAN: &str = "ask the operator: text messages may be barred, not part of the plan, or out of credit";
const NUMBER: &str = "check the recipient's number";
const WAIT: &str = "nothing unless it lasts";
const STORAGE: &str = "nothing unless it lasts: then delete the messages stored in the modem and on the SIM";
const RESET: &str = "unplug the modem and plug it in again if it lasts";
const BUG: &str = "report this with the PDU: the program built what the modem can't send";
const SMSC: &str = "set the number of the operator's service centre (smsc) in the modem's configuration";

#[rustfmt::skip]
const CMS: &[Row] = &[
    (1, 1, Permanent, "unassigned number", NUMBER),
    (8, 8, Human, "barred by the operator", PLAN),
    (10, 10, Human, "call barred", PLAN),
    (21, 21, Permanent, "text rejected by the network", PLAN),
    (27, 27, Transient, "recipient out of service", WAIT),
    (28, 28, Permanent, "unidentified subscriber", NUMBER),
    (29, 29, Human, "facility rejected", PLAN),
    (30, 30, Permanent, "unknown subscriber", NUMBER),
    (38, 38, Transient, "network out of order", WAIT),
    (41, 41, Transient, "temporary failure of the network", WAIT),
    (42, 42, Transient, "network congested", WAIT),
    (47, 47, Transient, "network has no resources", WAIT),
    (50, 50, Human, "text messages not subscribed", PLAN),
    (69, 69, Human, "text messages not implemented by the network", PLAN),
    (81, 81, Permanent, "invalid reference", BUG),
    (95, 99, Permanent, "invalid message", BUG),
    (111, 111, Permanent, "protocol error", BUG),
    (127, 127, Transient, "networks can't work together", WAIT),
    (128, 175, Permanent, "service centre doesn't take this kind of message", BUG),
    (192, 192, Transient, "service centre busy", WAIT),
    (193, 193, Permanent, "no subscription at the service centre", PLAN),
    (194, 194, Transient, "service centre out of order", WAIT),
    (195, 195, Permanent, "invalid recipient address", NUMBER),
    (196, 196, Permanent, "recipient barred", NUMBER),
    // The network says that it has this text already; we never ask it to reject duplicates, so it is looked up.
    (197, 197, Open, "duplicate rejected", WAIT),
    (208, 211, Transient, "storage full", STORAGE),
    (212, 212, Transient, "SIM toolkit busy", WAIT),
    (300, 300, Transient, "modem failure", RESET),
    (301, 302, Transient, "not possible right now", RESET),
    (303, 303, Permanent, "not supported by the modem", BUG),
    (304, 304, Permanent, "invalid PDU", BUG),
    (305, 305, Permanent, "invalid text parameter", BUG),
    (310, 310, Human, "no SIM", SIM),
    (311, 311, Human, "SIM wants its PIN", SIM),
    (312, 312, Human, "phone-to-SIM lock", SIM),
    (313, 313, Human, "SIM failure", SIM),
    (314, 314, Transient, "SIM busy", WAIT),
    (315, 315, Human, "wrong SIM", SIM),
    (316, 316, Human, "SIM wants its PUK", SIM),
    (317, 318, Human, "SIM wants PIN2 or PUK2", SIM),
    (320, 320, Transient, "memory failure", RESET),
    (321, 321, Transient, "no such stored message", WAIT),
    (322, 322, Transient, "memory full", STORAGE),
    (330, 330, Human, "service centre unknown", SMSC),
    (331, 331, Transient, "no network", "check antenna and reception if it lasts"),
    (332, 332, Open, "network timeout", WAIT),
    (340, 340, Transient, "no acknowledgement expected", WAIT),
    (350, 350, Open, "unknown error of the network", WAIT),
    (500, 500, Open, "unknown error", WAIT),
    (512, u16::MAX, Transient, "error of the modem's maker", RESET),
];

#[rustfmt::skip]
const CME: &[Row] = &[
    (3, 3, Permanent, "operation not allowed", BUG),
    (4, 4, Permanent, "operation not supported", BUG),
    (10, 10, Human, "no SIM", SIM),
    (11, 11, Human, "SIM wants its PIN", SIM),
    (12, 12, Human, "SIM wants its PUK", SIM),
    (13, 13, Human, "SIM failure", SIM),
    (14, 14, Transient, "SIM busy", WAIT),
    (15, 15, Human, "wrong SIM", SIM),
    (16, 16, Human, "wrong password", SIM),
    (20, 20, Transient, "memory full", STORAGE),
    (23, 23, Transient, "memory failure", RESET),
    (30, 30, Transient, "no network", "check antenna and reception if it lasts"),
    (31, 31, Open, "network timeout", WAIT),
    (32, 32, Human, "emergency calls only", PLAN),
    (50, 50, Permanent, "wrong parameters", BUG),
    (100, 100, Open, "unknown error", WAIT),
    (103, 103, Human, "SIM refused by the network", PLAN),
    (106, 107, Human, "modem refused by the network", PLAN),
    (515, 515, Transient, "modem still busy", WAIT),
];

/// What an error asks of the modem's task, beside what becomes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing.
    Nothing,
    /// Its memory for texts is full: what came in is read and deleted.
    Sweep,
    /// A reset, when it comes so many times in a row.
    Reset(u8),
    /// The SIM isn't what it was: the dialogue again.
    Initialise,
    /// A look at the network.
    Look,
    /// A pause of some seconds: it is busy.
    Pause,
}

/// By number; what isn't listed asks for nothing.
const CMS_REMEDIES: &[(u16, u16, Remedy)] = &[
    (208, 211, Remedy::Sweep),
    (300, 300, Remedy::Reset(2)),
    (301, 302, Remedy::Reset(3)),
    (310, 318, Remedy::Initialise),
    (320, 320, Remedy::Reset(1)),
    (322, 322, Remedy::Sweep),
    (331, 332, Remedy::Look),
    (350, 350, Remedy::Reset(3)),
    (500, 500, Remedy::Reset(3)),
    (515, 515, Remedy::Pause),
];
const CME_REMEDIES: &[(u16, u16, Remedy)] = &[
    (10, 16, Remedy::Initialise),
    (20, 20, Remedy::Sweep),
    (23, 23, Remedy::Reset(1)),
    (30, 32, Remedy::Look),
    (515, 515, Remedy::Pause),
];

/// What a refusal asks for.
pub(super) fn remedy(refusal: Final) -> Remedy {
    let (table, number) = match refusal {
        Final::Cms(number) => (CMS_REMEDIES, number),
        Final::Cme(number) => (CME_REMEDIES, number),
        // Older modems have no other word for anything.
        Final::Error => return Remedy::Reset(3),
        Final::Ok => return Remedy::Nothing,
    };
    let found = table.iter().find(|(first, last, _)| (*first..=*last).contains(&number));
    found.map_or(Remedy::Nothing, |(_, _, remedy)| *remedy)
}

/// A number that no table has: it says nothing.
const UNLISTED: (Class, &str, &str) = (Open, "error that no table lists", RESET);

fn row(table: &[Row], number: u16) -> (Class, &'static str, &'static str) {
    let found = table.iter().find(|(first, last, ..)| (*first..=*last).contains(&number));
    found.map_or(UNLISTED, |(_, _, class, words, cure)| (*class, *words, *cure))
}

/// The number of a refusal, for the timeline.
pub(super) const fn number(refusal: Final) -> Option<u16> {
    match refusal {
        Final::Cme(number) | Final::Cms(number) => Some(number),
        Final::Ok | Final::Error => None,
    }
}

/// The one place that chooses between retry, look up, wait for a person and bury.
pub(super) fn failure(refusal: Final, pdu_sent: bool) -> Failure {
    let (name, (class, words, cure)) = match refusal {
        Final::Cms(number) => (format!("+CMS ERROR {number}"), row(CMS, number)),
        Final::Cme(number) => (format!("+CME ERROR {number}"), row(CME, number)),
        Final::Error | Final::Ok => ("ERROR".to_owned(), (Open, "error without a number", WAIT)),
    };
    Failure::new(class.fault(pdu_sent), format!("the modem says {name}: {words}")).cure(cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_class() {
        use Fault::{Auth, Permanent, Transient, Unknown};
        for (numbers, before, after) in [
            (&[1, 21, 28, 30, 81, 95, 96, 99, 111, 128, 175, 193, 195, 196, 303, 304, 305][..], Permanent, Permanent),
            (&[8, 10, 29, 50, 69, 310, 311, 312, 313, 315, 316, 317, 318, 330][..], Auth, Auth),
            (&[27, 38, 41, 42, 47, 127, 192, 194, 208, 211, 212, 300, 301, 302, 314][..], Transient, Transient),
            (&[320, 321, 322, 331, 340, 512, 515, 553, 9999][..], Transient, Transient),
            (&[197, 332, 350, 500, 2, 400][..], Transient, Unknown),
        ] {
            for number in numbers {
                assert_eq!(failure(Final::Cms(*number), false).fault, before, "CMS {number} before the PDU");
                assert_eq!(failure(Final::Cms(*number), true).fault, after, "CMS {number} after the PDU");
            }
        }
        for (numbers, before, after) in [
            (&[3, 4, 50][..], Permanent, Permanent),
            (&[10, 11, 12, 13, 15, 16, 32, 103, 106, 107][..], Auth, Auth),
            (&[14, 20, 23, 30, 515][..], Transient, Transient),
            (&[31, 100, 999][..], Transient, Unknown),
        ] {
            for number in numbers {
                assert_eq!(failure(Final::Cme(*number), false).fault, before, "CME {number} before the PDU");
                assert_eq!(failure(Final::Cme(*number), true).fault, after, "CME {number} after the PDU");
            }
        }
        assert_eq!(failure(Final::Error, false).fault, Transient);
        assert_eq!(failure(Final::Error, true).fault, Unknown);
    }

    #[test]
    fn some_numbers_ask_for_more() {
        for (refusal, want) in [
            (Final::Cms(38), Remedy::Nothing),
            (Final::Cms(322), Remedy::Sweep),
            (Final::Cms(311), Remedy::Initialise),
            (Final::Cms(500), Remedy::Reset(3)),
            (Final::Cms(331), Remedy::Look),
            (Final::Cme(515), Remedy::Pause),
            (Final::Cme(13), Remedy::Initialise),
            (Final::Error, Remedy::Reset(3)),
        ] {
            assert_eq!(remedy(refusal), want, "{refusal:?}");
        }
        for table in [CMS_REMEDIES, CME_REMEDIES] {
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0), "rows overlap or are out of order");
        }
    }

    #[test]
    fn tables_are_in_order_and_say_what_to_do() {
        for table in [CMS, CME] {
            assert!(
                table
                    .iter()
                    .all(|(first, last, _, words, cure)| first <= last && !words.is_empty() && !cure.is_empty())
            );
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0), "rows overlap or are out of order");
        }
        assert_eq!(failure(Final::Cms(38), true).reason, "the modem says +CMS ERROR 38: network out of order");
    }
}
