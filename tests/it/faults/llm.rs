//! The language model: asking again is harmless, so whatever is no refusal is transient.

use std::time::Duration;

use nightdesk::demo::sim::llm::Says;
use nightdesk::demo::sim::{Fault, Llm, Sim};

use super::{After, FINE, MESSAGE, Row, no_answer, no_verdict};

/// The person is told by the label alone: no deadline comes in between.
const PATIENT: &str = "[classify]\ndeadline = \"1h\"";
/// Nobody can classify it: a person is told of an unclassified lead, and the job is a dead letter.
const DEAD: After = After { written: false, letter: Some(("classify", "permanent")), ..FINE };
const TWICE: After = After { asked: 2, ..FINE };

pub(super) fn rows() -> Vec<Row> {
    let scripted = |name: String, fault: Fault, tries| {
        Row::new(format!("model: {name}"), move |office| office.llm.script([fault.clone()]), tries)
    };
    let once = |name: &str, fault, tries| scripted(name.to_owned(), fault, tries);
    let always = |name: &str, fault: Fault, tries| scripted(format!("{name}, always"), fault.forever(), tries);
    let says = |name: &str, says: Says| {
        Row::new(format!("model: {name}"), move |office| office.llm.say(MESSAGE, says.clone()), &["permanent"])
            .then(After { asked: 2, ..DEAD })
    };
    let mut rows: Vec<Row> =
        no_verdict().into_iter().map(|(name, fault)| once(name, fault, &["transient", "done"]).then(TWICE)).collect();
    // A proxy's page is asked past once, within the same try.
    rows.extend(no_answer().into_iter().map(|(name, fault)| once(name, fault, &["done"]).then(TWICE)));
    rows.extend([
        once("408", Fault::status(408), &["transient", "done"]).then(TWICE),
        once("429 with Retry-After", Fault::throttled(Some("2")), &["throttled", "done"])
            .then(After { pause: Duration::from_secs(2), ..TWICE }),
        once("429 without", Fault::throttled(None), &["throttled", "done"])
            .then(After { pause: Duration::from_secs(20), ..TWICE }),
        once("429, no money left", Sim::<Llm>::quota_fault(), &["auth", "done"])
            .then(After { alert: Some("llm:openai"), ..TWICE }),
        once("401", Fault::status(401), &["auth", "done"]).then(After { alert: Some("llm:openai"), ..TWICE }),
        once("403", Fault::status(403), &["auth", "done"]).then(After { alert: Some("llm:openai"), ..TWICE }),
        once("400", Fault::status(400), &["permanent"]).then(DEAD),
        // A wrong address or name is every lead's: they wait for the operator, and none is buried.
        once("404", Fault::status(404), &["auth", "done"]).then(After { alert: Some("llm:openai"), ..TWICE }),
        once("redirect", Fault::redirect("http://127.0.0.1:9/"), &["auth", "done"])
            .then(After { alert: Some("llm:openai"), ..TWICE }),
        always("200 with HTML", Fault::html(), &["permanent"]).then(After { asked: 2, ..DEAD }),
        says("prose", Says::Raw("This one is urgent, call them.".to_owned())),
        says("a label of its own", Says::Label("VIP".to_owned())),
        says("a refusal", Says::Refusal("I can't help with that.".to_owned())),
        says("cut off", Says::CutOff),
    ]);
    rows.into_iter().map(|row| Row { kind: "classify", ..row.with(PATIENT) }).collect()
}
