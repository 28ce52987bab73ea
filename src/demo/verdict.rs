//! Whether each sample ended as it should: in the desk's own books, and in the world around it.

use super::ledger::{Entry, State};
use super::samples::{Around, EITHER, SAMPLES, Sample, Want, WantedAction};
use super::world::World;
use crate::model::{ClassifiedBy, Label};

/// The SIM locks itself whenever it loses power: at the start, and when the modem is unplugged.
const PINS: usize = 2;

/// Everything that is not as it should be, in words. `answers` are the HTTP statuses the senders got.
pub(super) fn faults(entries: &[Entry], answers: &[Option<u16>], world: &World) -> Vec<String> {
    let mut faults = Vec::new();
    let first = entries.first().and_then(|entry| entry.lead_id.as_deref());
    for ((sample, entry), answer) in SAMPLES.iter().zip(entries).zip(answers) {
        let mut blame = |what: String| faults.push(format!("{}: {what}", sample.name));
        if *answer != Some(sample.answer) {
            let got = answer.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            blame(format!("the sender got {got}, not {}", sample.answer));
        }
        in_the_books(sample, entry, first).into_iter().for_each(&mut blame);
        in_the_world(sample, world).into_iter().for_each(&mut blame);
    }
    faults.extend(texts(entries, world));
    if world.pins_sent() != PINS {
        faults.push(format!("the SIM was sent a PIN {} times, not {PINS} times", world.pins_sent()));
    }
    faults.extend(world.complaints().into_iter().map(|what| format!("a mistake of the desk, says {what}")));
    faults
}

fn in_the_books(sample: &Sample, entry: &Entry, first: Option<&str>) -> Vec<String> {
    let (state, label, wanted) = match sample.want {
        Want::Lead(label, actions) => (State::Settled, Some(label), actions),
        Want::Duplicate => (State::Duplicate, None, &[] as &[WantedAction]),
        Want::GateFailed => (State::GateFailed, None, &[] as &[WantedAction]),
    };
    let mut faults = Vec::new();
    if entry.state != Some(state) {
        faults.push(format!("it is {}, not {}", entry.state.map_or("open", State::name), state.name()));
    }
    if entry.label != label {
        let name = |label: Option<Label>| label.map_or("nothing", Label::name);
        faults.push(format!("it is classified as {}, not {}", name(entry.label), name(label)));
    }
    let by = if sample.around == Around::ModelDown { ClassifiedBy::LlmFallback } else { ClassifiedBy::Llm };
    if let (Some(label), Some(got)) = (label, entry.classified_by)
        && got != by
    {
        faults.push(format!("{} is said by {}, not by {}", label.name(), got.name(), by.name()));
    }
    let got: Vec<(&str, &str, &str)> =
        entry.actions.iter().map(|act| (act.kind.as_str(), act.channel.as_str(), act.state.as_str())).collect();
    let is_it = |(got, wanted): (&(&str, &str, &str), &WantedAction)| {
        (got.0, got.2) == (wanted.0, wanted.2) && (got.1 == wanted.1 || wanted.1 == EITHER)
    };
    if got.len() != wanted.len() || !got.iter().zip(wanted).all(is_it) {
        faults.push(format!("its actions are {}, not {}", told(&got), told(wanted)));
    }
    if state == State::Duplicate && entry.lead_id.as_deref() != first {
        faults.push("it is a duplicate of another lead".to_owned());
    }
    faults
}

/// What its CRM must show: the class, the flag where it is urgent, and one note unless it is spam.
fn in_the_world(sample: &Sample, world: &World) -> Vec<String> {
    let Want::Lead(label, wanted) = sample.want else { return Vec::new() };
    let place = sample.person.record.place();
    let vendor = place.vendor();
    let mut faults = Vec::new();
    let mut expect = |what: &str, got: Option<String>, want: Option<&str>| {
        if got.as_deref() != want {
            let name = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
            faults.push(format!("{vendor} shows {what} = {}, not {}", name(got.as_deref()), name(want)));
        }
    };
    let [(class, is_class), (flag, is_flag)] = world.fields(&place);
    expect(class, is_class, Some(label.name()));
    expect(flag, is_flag, (label == Label::UrgentBuyer).then_some("true"));
    let notes = wanted.iter().filter(|(kind, _, _)| *kind == "crm_note").count();
    let shown = world.notes(&place).len();
    if shown != notes {
        faults.push(format!("{vendor} shows {shown} notes, not {notes}"));
    }
    faults.extend(handed_on(sample, wanted, world));
    if matches!(sample.around, Around::OptionRemoved(_))
        && !world.notes(&place).concat().iter().any(|line| line.contains("could not"))
    {
        faults.push("its note doesn't tell that HubSpot refused".to_owned());
    }
    faults
}

/// One mail to whoever only asks, one case for whoever needs help, and to nobody else anything.
fn handed_on(sample: &Sample, wanted: &[WantedAction], world: &World) -> Vec<String> {
    let address = sample.person.email;
    let count = |kind: &str| wanted.iter().filter(|(known, ..)| *known == kind).count();
    let mails = world.smtp.mails().iter().filter(|mail| mail.to == address).count();
    let cases = world.zendesk.tickets();
    let of_person =
        |requester: &Option<(String, String)>| requester.as_ref().is_some_and(|(_, email)| email == address);
    let cases = cases.iter().filter(|case| of_person(&case.requester)).count();
    let odd = |what: &str, got: usize, want: usize| {
        (got != want).then(|| format!("there are {got} {what} for {address}, not {want}"))
    };
    [odd("mails", mails, count("mail")), odd("cases", cases, count("ticket"))].into_iter().flatten().collect()
}

/// One text for each that left, by the channel that carried it.
fn texts(entries: &[Entry], world: &World) -> Option<String> {
    let sent = entries.iter().flat_map(|entry| &entry.actions);
    let sent = sent.filter(|act| (act.kind.as_str(), act.state.as_str()) == ("sms", "done"));
    let mut sent: Vec<&str> = sent.map(|act| act.channel.as_str()).collect();
    let mut shown: Vec<&str> = world.phones().iter().map(|text| text.by).collect();
    sent.sort_unstable();
    shown.sort_unstable();
    (sent != shown).then(|| format!("the phones got texts by {shown:?}, not by {sent:?}"))
}

fn told(actions: &[(&str, &str, &str)]) -> String {
    if actions.is_empty() {
        return "none".to_owned();
    }
    actions.iter().map(|(kind, channel, state)| format!("{kind} {channel} {state}")).collect::<Vec<_>>().join(", ")
}
