//! What a vendor says by himself of a text that he took: in any order, more than once, before or while he is asked.

use super::*;

/// One word of the vendor's on the text that he calls so; whether it is known.
fn hear(night: &mut Night, reference: &str, fate: Fate) -> bool {
    let (desk, now) = (&night.desk, night.now);
    let known = night.store.transact(|tx| desk.told(tx, "twilio", reference, (fate, None), now, 1.0)).unwrap();
    night.ride();
    known
}

#[test]
fn a_vendor_says_by_himself_what_became_of_a_text() {
    let (delivered, failed) = ("twilio done/delivered, timers 0, poll cancelled", "twilio done/failed");
    let other = format!("{failed}, modem0 leased/-, timers 1, poll cancelled");
    for (name, words, want) in [
        ("on its way", vec![StillTrying], "twilio done/submitted, timers 0, poll ready in 5 s"),
        ("delivered", vec![Delivered], delivered),
        ("delivered, told twice", vec![Delivered, Delivered], delivered),
        ("delivered before it was sent", vec![Delivered, StillTrying], delivered),
        ("delivered is not taken back", vec![Delivered, FailedForGood], delivered),
        ("not delivered", vec![FailedForGood], other.as_str()),
        ("not delivered, told twice", vec![FailedForGood, StillTrying, FailedForGood], other.as_str()),
    ] {
        let mut night = Night::new(&["twilio", "modem0"], true);
        night.step(&sent());
        for word in words {
            assert!(hear(&mut night, "1", word), "{name}");
        }
        assert_eq!(night.told(), want, "{name}");
    }
}

#[test]
fn a_word_on_a_text_that_nobody_knows_moves_nothing() {
    let mut night = Night::new(&["twilio"], false);
    assert!(!hear(&mut night, "1", Delivered), "nobody knows yet what it is called");
    assert_eq!(night.told(), "twilio leased/-, timers 0");
    night.step(&sent());
    assert!(!hear(&mut night, "2", Delivered), "another text");
    assert_eq!(night.told(), "twilio done/submitted, timers 0, poll ready in 5 s");
    night.now = night.now.after(Duration::from_hours(73));
    assert!(!hear(&mut night, "1", Delivered), "an old text");
}

#[test]
fn he_is_asked_while_he_says_it() {
    let mut night = Night::new(&["twilio"], false);
    night.step(&sent());
    night.step(&Step::Wait(5));
    assert!(hear(&mut night, "1", Delivered));
    assert_eq!(night.told(), "twilio done/delivered, timers 0, poll leased");
    night.step(&Step::Answers(Outcome::Done(Done::Fate { fate: Delivered, why: None })));
    assert_eq!(night.told(), "twilio done/delivered, timers 0, poll done");
}
