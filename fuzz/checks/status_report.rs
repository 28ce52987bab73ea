//! What must hold of any status report: its fields are read as they were written, a moment that is none is left out, and
//! each status has one fate.
//!
//! Input: reference, status, number of digits, type of number, 10 octets of digits, 14 of time stamps, and what follows.
//! Shared by the fuzz target and by the crate's tests, which replay its seeds.

use nightdesk::deliver::modem::pdu::{Pdu, StatusReport, decode};
use nightdesk::model::Fate;

pub(super) fn check(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return };
    let Some((digits, rest)) = rest.split_first_chunk::<10>() else { return };
    let Some((stamps, after)) = rest.split_first_chunk::<14>() else { return };
    let [reference, status, count, kind] = *head;
    let (count, kind) = (usize::from(count) % 21, if kind & 1 == 0 { 0x91 } else { 0x81 });
    let digits = &digits[..count.div_ceil(2)];
    let octets =
        [&[0x00, 0x06, reference, u8::try_from(count).unwrap(), kind], digits, stamps, &[status], after].concat();
    let hex = octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().concat();
    let Ok(Pdu::Report(report)) = decode(&hex) else { panic!("{hex} is a report") };

    assert_eq!((report.reference, report.status, report.smsc.as_str()), (reference, status, ""));
    assert_eq!(report.recipient, number(digits, count, kind == 0x91), "{hex}");
    let (sent, discharged) = stamps.split_at(7);
    assert_eq!(report.sent.map(|at| at.to_string()), moment(sent), "{hex}");
    assert_eq!(report.discharged.map(|at| at.to_string()), moment(discharged), "{hex}");
    assert_eq!(report.fate(), fate(&report));
    // All that stands before the status is needed.
    let needed = octets.len() - after.len();
    assert!(decode(&hex[..2 * (needed - 1)]).is_err());
    assert_eq!(decode(&hex[..2 * needed]), Ok(Pdu::Report(report)));
}

fn number(octets: &[u8], count: usize, plus: bool) -> String {
    let digits = octets.iter().map(|octet| format!("{:X}{:X}", octet & 15, octet >> 4)).collect::<Vec<_>>().concat();
    let digits = digits[..count].split('F').next().unwrap_or_default();
    let signs = [('A', "*"), ('B', "#"), ('C', "a"), ('D', "b"), ('E', "c")];
    let digits = signs.iter().fold(digits.to_owned(), |digits, (digit, sign)| digits.replace(*digit, sign));
    if plus && !digits.is_empty() { format!("+{digits}") } else { digits }
}

/// RFC 3339, or `None` for what no calendar and no clock has.
fn moment(octets: &[u8]) -> Option<String> {
    let swapped = |octet: u8| format!("{:X}{:X}", octet & 15, octet >> 4).parse::<u32>().ok();
    let mut fields = octets[..6].iter().map(|octet| swapped(*octet));
    let [year, month, day, hour, minute, second] = std::array::from_fn(|_| fields.next().flatten());
    let (year, month, day) = (2000 + year?, month?, day?);
    let days = match month {
        2 if year % 4 == 0 => 29, // of 2000 to 2099 all such are leap years
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let (hour, minute, second) = (hour?, minute?, second?);
    let quarters = swapped(octets[6] & !8)?;
    let sign = if octets[6] & 8 == 0 || quarters == 0 { '+' } else { '-' };
    let exists = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let (zone_hours, zone_minutes) = (quarters / 4, quarters % 4 * 15);
    let date = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    exists.then(|| format!("{date}{sign}{zone_hours:02}:{zone_minutes:02}"))
}

/// TS 23.040, 9.2.3.15, by the two high bits and what is special among them.
fn fate(report: &StatusReport) -> Fate {
    match (report.status >> 5, report.status) {
        (0, 1) => Fate::Forwarded,
        (0, 0 | 2 | 16..) => Fate::Delivered,
        (1, _) => Fate::StillTrying,
        (2, _) => Fate::FailedForGood,
        (0 | 3, _) => Fate::GaveUp,
        _ => Fate::FailedUnknown,
    }
}
