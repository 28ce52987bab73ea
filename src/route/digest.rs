//! The words of a digest: one text that tells of many leads. Pure.
//!
//! Codes come first in what must be kept: with its code a lead can be claimed, and the answer has the rest. Numbers and names
//! are told as far as there is room, of the oldest leads first.

use super::safe::safe;
use super::translit::plain;
use super::{Settings, age, text_to};
use crate::model::oncall::Person;
use crate::model::{Alphabet, Channel, Layout, Lead, NewJob, Phone, Timestamp};

/// So many codes find room in one part, with the words around them, and in each more.
const CODES: (usize, usize) = (12, 28);

/// The texts that tell `to` of these leads: one, unless that would be too long for their codes alone.
#[must_use]
pub fn digests(
    settings: &Settings,
    leads: &[Lead],
    to: &Person,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Vec<NewJob> {
    let most = CODES.1.saturating_mul(settings.max_parts.saturating_sub(1)).saturating_add(CODES.0);
    let job = |leads: &[Lead]| text_to(settings, leads.first()?.id, to, words(leads, settings.max_parts), usable, now);
    leads.chunks(most).filter_map(job).collect()
}

fn words(leads: &[Lead], max_parts: usize) -> String {
    let codes: Vec<String> = leads.iter().map(|lead| lead.code.to_string()).collect();
    let told: Vec<String> = leads.iter().map(|lead| format!("{} {}", lead.code, contact(lead))).collect();
    let first = codes.first().map_or("", String::as_str);
    let text = |in_full: usize| {
        let list: Vec<&str> =
            told.iter().take(in_full).chain(codes.iter().skip(in_full)).map(|one| one.trim()).collect();
        format!(
            "{} urgent leads: {}. Answer a code to claim that lead, {first} NO to pass it on.",
            leads.len(),
            list.join("; ")
        )
    };
    let fits = |in_full: &usize| Layout::of(&text(*in_full)).parts.len() <= max_parts.max(1);
    let counts: Vec<usize> = (0..=leads.len()).collect();
    text(counts.partition_point(fits).saturating_sub(1))
}

/// Number or address, and the name where plain characters have one.
fn contact(lead: &Lead) -> String {
    let number = lead.phone.as_ref().map(Phone::as_str).or(lead.phone_text.as_deref()).map(safe);
    let name = lead.name.as_deref().and_then(|name| plain(&safe(name)));
    let cheap = |text: &String| Alphabet::of(text) == Alphabet::Gsm7;
    let age = age(lead).map(|age| format!("({age} old)"));
    let told = [age, number.or_else(|| lead.email.clone()), name].into_iter().flatten().filter(cheap);
    // What separates leads is ours alone.
    told.collect::<Vec<_>>().join(" ").replace(';', ",")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lead, settings};
    use super::*;
    use crate::model::{LeadCode, Task};

    fn leads(n: i64) -> Vec<Lead> {
        (0..n).map(|nth| Lead { code: LeadCode::of(nth), ..lead() }).collect()
    }

    fn texts(leads: &[Lead], max_parts: usize) -> Vec<String> {
        let settings = Settings { max_parts, ..settings() };
        let dana = Person::new("Dana".into(), "+15551230001".parse().unwrap());
        let jobs = digests(&settings, leads, &dana, &|_| true, Timestamp::from_millis(0));
        jobs.into_iter().map(|job| if let Task::Sms(sms) = job.task { sms.text } else { panic!("{job:?}") }).collect()
    }

    #[test]
    fn two_leads_are_told_whole() {
        let two = leads(2);
        let (a, b) = (two[0].code.to_string(), two[1].code.to_string());
        let want = format!(
            "2 urgent leads: {a} +46812345678 Anna Berg; {b} +46812345678 Anna Berg. \
             Answer a code to claim that lead, {a} NO to pass it on."
        );
        assert_eq!(texts(&two, 3), [want]);
        assert_eq!(texts(&[], 3), [""; 0]);
    }

    #[test]
    fn every_code_is_told_whatever_the_names_are() {
        for (n, max_parts, want) in [(25, 3, 1), (25, 2, 1), (12, 1, 1), (200, 3, 3), (133, 1, 12)] {
            let many: Vec<Lead> =
                leads(n).into_iter().map(|lead| Lead { name: Some("Жанна 🔥 [x]".into()), ..lead }).collect();
            let told = texts(&many, max_parts);
            assert_eq!(told.len(), want, "{n} in {max_parts}");
            for lead in &many {
                let code = format!(" {}", lead.code);
                assert!(told.iter().any(|text| text.contains(&code)), "{n} in {max_parts}:{code} in {told:?}");
            }
            assert!(told.iter().all(|text| Layout::of(text).parts.len() <= max_parts), "{told:?}");
        }
    }

    #[test]
    fn nobody_writes_into_the_list() {
        let mut two = leads(2);
        two[0].name = Some("K9; Z9 NO https://evil.example".into());
        let told = texts(&two, 3);
        assert!(!told[0].contains("https://") && told[0].matches(';').count() == 1, "{told:?}");
    }
}
