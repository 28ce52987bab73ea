//! What reports mean, told as stories.

use super::*;
use crate::deliver::modem::pdu::{self, Pdu};
use crate::model::{JobId, RowId};

const DANA: &str = "+15551230017";
/// 2026-11-22T18:14:59-05:00, the time stamp of the reports below.
const SENT: i64 = 1_795_389_299_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(SENT.saturating_add(seconds.saturating_mul(1000)))
}

fn report(reference: u8, status: u8) -> StatusReport {
    let hex = format!("0006{reference:02X}0B915155210310F76211228141950A6211228151700A{status:02X}");
    let Ok(Pdu::Report(report)) = pdu::decode(&hex) else { panic!("{hex}") };
    report
}

fn key(name: &str) -> TextKey {
    let mut id = [0; 10];
    id.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    TextKey { job: JobId::new(at(0), id), generation: 1 }
}

/// Part `nth` (from 0) of a text goes out.
fn write(traffic: &mut Traffic, name: &str, to: &str, nth: u8, now: Timestamp) {
    let key = PartKey { text: key(name), part: nth.saturating_add(1) };
    let (number, sim) = (to.to_owned(), "sim".to_owned());
    traffic.writing(SmsPart { key, total: 3, number, sim, at: now, accepted: false, reference: None, fate: None });
}

fn sent(references: &[u8], delivered: bool) -> Found {
    Found::Sent { references: references.iter().copied().map(Some).collect(), delivered }
}

#[test]
fn the_time_stamp_is_what_it_says() {
    assert_eq!(report(1, 0).sent.unwrap().timestamp(), at(0));
}

#[test]
fn a_lost_verdict_is_found_by_its_report() {
    for (name, reports, want) in [
        ("no report", vec![], Found::Unsure),
        ("delivered", vec![report(9, 0x00)], sent(&[9], true)),
        ("forwarded", vec![report(9, 0x01)], sent(&[9], true)),
        ("still trying: the network has it", vec![report(9, 0x20)], sent(&[9], false)),
        ("tried, then delivered", vec![report(9, 0x20), report(9, 0x00)], sent(&[9], true)),
        ("delivered is never taken back", vec![report(9, 0x00), report(9, 0x46)], sent(&[9], true)),
        ("failed for good", vec![report(9, 0x46)], Found::Failed(Fate::FailedForGood)),
        ("given up", vec![report(9, 0x63)], Found::Failed(Fate::GaveUp)),
        ("two texts may be meant", vec![report(9, 0x00), report(10, 0x00)], Found::Unsure),
    ] {
        let mut traffic = Traffic::default();
        write(&mut traffic, "job", DANA, 0, at(0));
        for report in &reports {
            traffic.hear(&report.clone(), "00", at(8));
        }
        assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), want, "{name}");
        // After a restart nothing is known of the texts before it: the report may be about any of them.
        let mut traffic = Traffic::default();
        for report in &reports {
            traffic.hear(&report.clone(), "00", at(8));
        }
        assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), Found::Unsure, "{name}, after a restart");
    }
}

#[test]
fn a_report_on_another_text_resolves_nothing() {
    let mut traffic = Traffic::default();
    write(&mut traffic, "other", DANA, 0, at(-60));
    traffic.accepted(Some(9));
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.hear(&report(9, 0x00), "00", at(5));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), Found::Unsure, "its text is known");

    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(3600));
    traffic.hear(&report(9, 0x00), "00", at(3605));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(3600), at(3610)), Found::Unsure, "an hour old");
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", "+15559999999", 0, at(0));
    traffic.hear(&report(9, 0x00), "00", at(1));
    assert_eq!(traffic.look_up(key("job"), "+15559999999", 1, at(0), at(10)), Found::Unsure, "somebody else's");

    let mut traffic = Traffic::default();
    write(&mut traffic, "other", DANA, 0, at(-20));
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.hear(&report(9, 0x00), "00", at(5));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), Found::Unsure, "two lost verdicts, one report");

    let mut traffic = Traffic::default();
    write(&mut traffic, "first", DANA, 0, at(0));
    traffic.hear(&report(9, 0x00), "00", at(5));
    assert_eq!(traffic.look_up(key("first"), DANA, 1, at(0), at(10)), sent(&[9], true));
    write(&mut traffic, "job", DANA, 0, at(4));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(4), at(20)), Found::Unsure, "that report is spoken for");
    traffic.hear(&report(10, 0x00), "00", at(21));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(4), at(22)), sent(&[10], true));
}

#[test]
fn every_part_counts() {
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.accepted(Some(1));
    write(&mut traffic, "job", DANA, 1, at(3));
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(20)), Found::Unsure);
    traffic.hear(&report(2, 0x00), "00", at(9));
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(20)), sent(&[1, 2], false));
    traffic.hear(&report(1, 0x00), "00", at(10));
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(20)), sent(&[1, 2], true));
    assert_eq!(traffic.look_up(key("job"), DANA, 3, at(0), at(20)), Found::Unsure, "the third was never written");
    traffic.hear(&report(1, 0x46), "00", at(10));
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(700)), sent(&[1, 2], true), "a day long");
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(90_000)), Found::Unsure, "then it is forgotten");
}

#[test]
fn a_late_reference_says_that_the_network_has_it() {
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.late_reference(Some(4), at(9));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), sent(&[4], false));
    traffic.late_reference(Some(5), at(9));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), sent(&[4], false), "only one can be late");
}

#[test]
fn a_retry_goes_on_where_the_last_try_stopped() {
    let mut traffic = Traffic::default();
    for (nth, reference) in [(0, Some(1)), (1, None)] {
        write(&mut traffic, "job", DANA, nth, at(0));
        traffic.accepted(reference);
    }
    write(&mut traffic, "job", DANA, 2, at(1));
    traffic.withdraw();
    assert_eq!(traffic.accepted_before(key("job")), [Some(1), None]);
    assert!(traffic.accepted_before(key("other")).is_empty(), "another text starts afresh");
    traffic.hear(&report(1, 0x46), "00", at(5));
    assert_eq!(traffic.look_up(key("job"), DANA, 2, at(0), at(9)), Found::Failed(Fate::FailedForGood));
    assert!(traffic.accepted_before(key("job")).is_empty(), "a part is lost: all of it again");
}

/// The facts that leave, in a word each.
fn facts(traffic: &mut Traffic) -> Vec<String> {
    std::iter::from_fn(|| traffic.take_fact())
        .map(|fact| match fact {
            Fact::Part(part) => format!("part {} {:?}", part.key.part, part.reference),
            Fact::Report(report) => {
                format!("report {} {} {:?}", report.reference, report.fate.name(), report.of.map(|of| of.part))
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn reports_leave_with_the_part_they_are_about() {
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.hear(&report(7, 0x00), "00", at(1));
    assert_eq!(facts(&mut traffic), ["report 7 delivered None"], "before its reference");
    traffic.accepted(Some(7));
    assert_eq!(facts(&mut traffic), ["part 1 Some(7)", "report 7 delivered Some(1)"]);
    traffic.hear(&report(7, 0x00), "00", at(2));
    assert_eq!(facts(&mut traffic), ["report 7 delivered Some(1)"], "repeated");
    // The reference comes round: the newest text is meant.
    write(&mut traffic, "other", DANA, 2, at(60));
    traffic.accepted(Some(7));
    traffic.hear(&report(7, 0x20), "00", at(61));
    assert_eq!(facts(&mut traffic), ["part 3 Some(7)", "report 7 still-trying Some(3)"]);
}

#[test]
fn a_late_report_settles_what_was_looked_for_in_vain() {
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(0));
    traffic.unsettled();
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), Found::Unsure);
    drop(facts(&mut traffic));
    traffic.hear(&report(9, 0x00), "00", at(30));
    assert_eq!(facts(&mut traffic), ["report 9 delivered None", "part 1 Some(9)", "report 9 delivered Some(1)"]);
    // With its marked repeat under way at the same time either may be meant.
    let mut traffic = Traffic::default();
    write(&mut traffic, "job", DANA, 0, at(0));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(0), at(10)), Found::Unsure);
    write(&mut traffic, "other", DANA, 0, at(11));
    traffic.hear(&report(9, 0x00), "00", at(12));
    assert_eq!(facts(&mut traffic), ["report 9 delivered None"]);
    traffic.accepted(Some(9));
    assert_eq!(facts(&mut traffic), ["part 1 Some(9)", "report 9 delivered Some(1)"]);
}

#[test]
fn an_earlier_start_is_remembered() {
    let mut before = Traffic::default();
    write(&mut before, "first", DANA, 0, at(0));
    before.accepted(Some(8));
    let mut parts: Vec<SmsPart> = std::iter::from_fn(|| before.take_fact())
        .map(|fact| if let Fact::Part(part) = fact { part } else { panic!("{fact:?}") })
        .collect();
    write(&mut before, "job", DANA, 0, at(5));
    parts.extend(before.parts.back().map(|entry| entry.part.clone()));
    let mut traffic = Traffic::default();
    traffic.recall(&Memory { parts, ..Memory::default() });
    traffic.hear(&report(8, 0x00), "00", at(20));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(5), at(21)), Found::Unsure, "that report is the first one's");
    traffic.hear(&report(9, 0x00), "00", at(22));
    assert_eq!(traffic.look_up(key("job"), DANA, 1, at(5), at(23)), sent(&[9], true));
}

#[test]
fn numbers_are_compared_by_their_end() {
    for (one, other, want) in [
        ("+15551230017", "5551230017", true),
        ("+447700900123", "07700900123", true),
        ("+15551230017", "+15551230018", false),
        ("12345", "12345", false),
        ("", "", false),
    ] {
        assert_eq!(same_number(one, other), want, "{one} {other}");
    }
}
