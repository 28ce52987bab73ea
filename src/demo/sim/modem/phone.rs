//! The other end: what the network took, and what the recipients' phones show of it.

use jiff::Timestamp;

use super::tpdu::Submit;

/// A text as its recipient's phone shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentSms {
    /// The recipient.
    pub to: String,
    /// The text, its parts in order; parts that never came are missing.
    pub text: String,
    /// Parts the network took, and so would bill, resent ones included.
    pub parts: usize,
    /// Parts the message says it has.
    pub total: usize,
    /// Parts that came again. The phone shows them once.
    pub repeated: usize,
    /// A status report was asked for, for every part.
    pub report_requested: bool,
    /// When its first part was taken.
    pub at: Timestamp,
    /// The references the modem gave its parts, in the order in which they were taken.
    pub references: Vec<u8>,
}

impl SentSms {
    /// Every part is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts.saturating_sub(self.repeated) == self.total
    }
}

/// One part the network took.
#[derive(Debug)]
struct Taken {
    part: Submit,
    reference: u8,
    at: Timestamp,
}

/// Everything the network took, in order.
#[derive(Debug, Default)]
pub(super) struct Phones(Vec<Taken>);

impl Phones {
    pub(super) fn take(&mut self, part: Submit, reference: u8, at: Timestamp) {
        self.0.push(Taken { part, reference, at });
    }

    pub(super) fn parts(&self) -> usize {
        self.0.len()
    }

    /// The text that the last part has made whole, if it has.
    pub(super) fn completed(&self) -> Option<SentSms> {
        let last = self.0.last()?;
        if last.part.concat.is_none() {
            return show(&[last]);
        }
        let ends_with = |sms: &SentSms| sms.to == last.part.to && sms.references.last() == Some(&last.reference);
        self.shown().into_iter().rfind(ends_with).filter(|sms| sms.is_whole() && sms.repeated == 0)
    }

    /// What the phones show, in the order of the first parts.
    pub(super) fn shown(&self) -> Vec<SentSms> {
        let mut groups: Vec<Vec<&Taken>> = Vec::new();
        for taken in &self.0 {
            match groups.iter_mut().rev().find(|group| belongs(group, taken)) {
                Some(group) => group.push(taken),
                None => groups.push(vec![taken]),
            }
        }
        groups.iter().filter_map(|group| show(group)).collect()
    }
}

/// A part goes with those of the same number, reference and total, unless its place is taken by another text.
fn belongs(group: &[&Taken], taken: &Taken) -> bool {
    let Some((reference, total, index)) = taken.part.concat else { return false };
    group.iter().all(|other| {
        let same = |(r, t, _): (u16, u8, u8)| r == reference && t == total;
        let place_taken = other.part.concat.is_some_and(|(_, _, i)| i == index) && other.part.text != taken.part.text;
        other.part.to == taken.part.to && other.part.concat.is_some_and(same) && !place_taken
    })
}

fn show(group: &[&Taken]) -> Option<SentSms> {
    let first = group.first()?;
    let mut parts: Vec<(u8, &str)> = group
        .iter()
        .map(|taken| (taken.part.concat.map_or(1, |(_, _, index)| index), taken.part.text.as_str()))
        .collect();
    parts.sort_unstable();
    parts.dedup();
    Some(SentSms {
        to: first.part.to.clone(),
        text: parts.iter().map(|(_, text)| *text).collect(),
        parts: group.len(),
        total: first.part.concat.map_or(1, |(_, total, _)| total.into()),
        repeated: group.len().saturating_sub(parts.len()),
        report_requested: group.iter().all(|taken| taken.part.report),
        at: first.at,
        references: group.iter().map(|taken| taken.reference).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(phones: &mut Phones, concat: Option<(u16, u8, u8)>, text: &str) {
        let to = "+15551230001".to_owned();
        let part = Submit { to, address: vec![], report: true, text: text.to_owned(), concat, own_centre: false };
        phones.take(part, 1, Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn parts_find_together_as_on_a_phone() {
        type Parts<'p> = &'p [(Option<(u16, u8, u8)>, &'p str)];
        type Shown<'s> = &'s [(&'s str, bool, usize)];
        let cases: [(&str, Parts, Shown); 5] = [
            ("single ones stay single", &[(None, "a"), (None, "a")], &[("a", true, 0), ("a", true, 0)]),
            ("order doesn't matter", &[(Some((7, 2, 2)), "b"), (Some((7, 2, 1)), "a")], &[("ab", true, 0)]),
            ("a part is missing", &[(Some((7, 2, 1)), "a")], &[("a", false, 0)]),
            (
                "a part came again",
                &[(Some((7, 2, 1)), "a"), (Some((7, 2, 1)), "a"), (Some((7, 2, 2)), "b")],
                &[("ab", true, 1)],
            ),
            (
                "a reference came round",
                &[(Some((7, 1, 1)), "a"), (Some((7, 1, 1)), "c")],
                &[("a", true, 0), ("c", true, 0)],
            ),
        ];
        for (name, parts, want) in cases {
            let mut phones = Phones::default();
            for (concat, text) in parts {
                taken(&mut phones, *concat, text);
            }
            let shown = phones.shown();
            let got: Vec<_> = shown.iter().map(|sms| (sms.text.as_str(), sms.is_whole(), sms.repeated)).collect();
            assert_eq!(got, want, "{name}");
        }
    }
}
