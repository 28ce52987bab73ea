//! More urgent leads at once than anybody can read.

use super::*;
use crate::model::Layout;

const GATHER: u64 = 30;

fn storm() -> Office {
    let mut office = Office::new(chain());
    office.desk.settings.route.digest = route::Digest {
        after: 5,
        within: Duration::from_mins(10),
        gather: Duration::from_secs(GATHER),
        late_after: Duration::from_hours(2),
    };
    office
}

#[test]
fn thirty_leads_in_a_minute() {
    let mut office = storm();
    let mut sent = Vec::new();
    for _ in 0..30 {
        sent.extend(office.lead(Label::UrgentBuyer));
        sent.extend(office.wait(2));
    }
    sent.extend(office.wait(GATHER));
    // The sixth lead came after 10 s, so the digests go 30 and 60 s later.
    let digests: Vec<&String> = sent.iter().filter(|text| text.contains("urgent leads:")).collect();
    assert_eq!((sent.len(), digests.len()), (7, 2), "{sent:?}");
    let last = office.texts.last().unwrap().clone();
    assert!(Layout::of(&last).parts.len() <= 3, "{last}");
    let told = office.texts.join(" ");
    for nth in 0..30 {
        let code = office.code(nth);
        assert!([' ', ';', '.'].iter().any(|end| told.contains(&format!("{code}{end}"))), "{code} in {told}");
    }
    let code = office.code(29);
    assert_eq!(office.says(DANA, &code), [format!("Dana: {code} is yours. no")]);
    // Nobody claims the others: the next person is texted in the same way.
    let mut sent = Vec::new();
    for _ in 0..120 {
        sent.extend(office.wait(2));
    }
    let to_lee: Vec<&String> = sent.iter().filter(|text| text.starts_with("Lee: ")).collect();
    let digests = to_lee.iter().filter(|text| text.contains("urgent leads:")).count();
    assert_eq!((to_lee.len(), digests), (5 + digests, 2), "{to_lee:?}");
}

#[test]
fn what_is_claimed_or_called_on_before_the_digest_is_not_in_it() {
    let mut office = storm();
    for _ in 0..5 {
        urgent(&mut office);
    }
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    let (sixth, seventh) = (office.code(5), office.code(6));
    office.says(DANA, &sixth);
    office.restart();
    let sent = office.wait(GATHER);
    assert_eq!(sent, [format!("Dana: {seventh} URGENT no contact")], "a text of its own, once, also after a restart");
    assert_eq!(office.wait(GATHER), [""; 0]);
    office.lead(Label::UrgentBuyer);
    let eighth = office.code(7);
    assert_eq!(office.says(DANA, &format!("{eighth} no")), [format!("Lee: {eighth} URGENT no contact")]);
    assert_eq!(office.wait(GATHER), [""; 0], "Lee has it by now");
}
