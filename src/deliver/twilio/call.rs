//! Letting a phone ring: Twilio's Calls API. One POST puts a call on the way; 201 means queued, not that it rang.
//!
//! What is said to whoever picks up goes along as `TwiML`, so that Twilio has nothing to ask us. A call is never repeated and
//! never looked up: whoever waits for it goes on without it. Source: <https://www.twilio.com/docs/voice/api/call-resource>.

use serde_json::Value;

use super::{Sender, Twilio, answer, encoded};
use crate::model::{Done, Failure, Fault, Outcome, Phone, Rang, Report, RingTask, Timestamp, Work};
use crate::wire::{Answer, Call};

/// The most that Twilio takes as `Twiml`, in characters.
const MAX_TWIML_CHARS: usize = 4000;

impl Twilio {
    pub(super) async fn ring(&self, ring: &RingTask, work: &Work) -> Report {
        let Some(from) = caller(&self.settings.sender) else {
            let reason = "Twilio can't call: the sender is no telephone number of its own";
            let cure = "set twilio.from to a number that can call, or leave twilio out of oncall.ring.channels";
            return Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason).cure(cure)));
        };
        let (lasts, twiml) = (ring.lasts_s.to_string(), twiml(&ring.words));
        let form = encoded(&[("To", ring.to.as_str()), ("From", from), ("Twiml", &twiml), ("Timeout", &lasts)]);
        let call = self.signed(Call::post(self.account_url("/Calls.json")).form(form));
        let (got, trace) = self.exchange(&call, work).await;
        let outcome = match got {
            Ok(answer) => of_call(&answer, Timestamp::now()),
            Err(error) => Outcome::Failed(error.failure("Twilio")),
        };
        Report::traced(outcome, trace)
    }
}

/// Neither a name, a short code nor a messaging service can call.
pub(super) fn caller(sender: &Sender) -> Option<&str> {
    match sender {
        Sender::From(from) => from.parse::<Phone>().is_ok().then_some(from),
        Sender::Service(_) => None,
    }
}

/// What a POST of a call came to.
pub(super) fn of_call(answer: &Answer, now: Timestamp) -> Outcome {
    if !answer.is_success() {
        return Outcome::Failed(answer::refused(answer, false, now));
    }
    let call = answer.json().filter(|_| !answer.truncated);
    let id = call.as_ref().and_then(|call| call.get("sid")).and_then(Value::as_str).filter(|id| !id.is_empty());
    if let Some(id) = id {
        return Outcome::Done(Done::Rang(Rang::Taken(id.to_owned())));
    }
    let reason = format!("Twilio answered {} without a call: {}", answer.status, answer::excerpt(&answer.body));
    Outcome::Failed(Failure::new(Fault::Unknown, reason))
}

/// The words as they are spoken; what doesn't fit is left out.
pub(super) fn twiml(words: &str) -> String {
    let (before, after) = ("<Response><Say>", "</Say></Response>");
    let room = MAX_TWIML_CHARS.saturating_sub(before.len()).saturating_sub(after.len());
    let (mut twiml, mut used) = (before.to_owned(), 0_usize);
    for c in words.chars() {
        let spoken = match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        };
        used = used.saturating_add(spoken.chars().count());
        if used > room {
            break;
        }
        twiml.push_str(&spoken);
    }
    twiml.push_str(after);
    twiml
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::tests::{answer, class, error, http, peer, twilio, work};
    use super::*;
    use crate::model::{Effect, Task};

    fn ring() -> Work {
        let mut work = work("", None);
        work.job.task = Task::Ring(RingTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".to_owned(),
            round: 1,
            step: 0,
            words: "An urgent lead waits: K 7.".to_owned(),
            lasts_s: 20,
            refused: Vec::new(),
        });
        work
    }

    #[test]
    fn what_became_of_a_call() {
        let now = Timestamp::from_millis(0);
        for (name, status, body, want) in [
            ("taken", 201, r#"{"sid":"CA1","status":"queued"}"#.to_owned(), "done"),
            ("taken, says a proxy", 200, "<html>".to_owned(), "unknown"),
            ("no id", 201, "{}".to_owned(), "unknown"),
            ("bad key", 401, error(20003, 401), "auth"),
            ("no such region", 401, error(21215, 401), "permanent"),
            ("trial", 400, error(21219, 400), "permanent"),
            ("bad number", 400, error(21211, 400), "permanent"),
            ("slow down", 429, error(20429, 429), "throttled"),
            ("trouble", 500, error(20500, 500), "unknown"),
        ] {
            assert_eq!(class(&of_call(&answer(status, &[], &body), now)).0, want, "{name}");
        }
        let taken = of_call(&answer(201, &[], r#"{"sid":"CA1"}"#), now);
        assert_eq!(taken, Outcome::Done(Done::Rang(Rang::Taken("CA1".to_owned()))));
        assert!(class(&of_call(&answer(400, &[], &error(21219, 400)), now)) == ("permanent", false));
    }

    #[test]
    fn words_are_never_markup() {
        for (words, want) in [
            ("K 7", "K 7"),
            ("</Say><Dial>+1900</Dial>", "&lt;/Say&gt;&lt;Dial&gt;+1900&lt;/Dial&gt;"),
            ("a & b's \"c\"\u{0}", "a &amp; b&apos;s &quot;c&quot; "),
        ] {
            assert_eq!(twiml(words), format!("<Response><Say>{want}</Say></Response>"));
        }
        for words in ["é".repeat(9_000), "&".repeat(9_000)] {
            let twiml = twiml(&words);
            assert!((3_995..=MAX_TWIML_CHARS).contains(&twiml.chars().count()));
            assert!(twiml.ends_with("</Say></Response>") && !twiml.contains("&a<"), "nothing is cut in two");
        }
    }

    #[tokio::test]
    async fn a_call_is_posted_as_a_form() {
        let (url, mut heard) = peer(vec![http(201, r#"{"sid":"CA1"}"#)]).await;
        let report = twilio(url, "AC1").perform(&ring()).await;
        assert_eq!(class(&report.outcome).0, "done");
        let asked = heard.recv().await.unwrap();
        assert!(asked.starts_with("POST /2010-04-01/Accounts/AC1/Calls.json HTTP/1.1\r\n"), "{asked}");
        let form = "To=%2B15551230001&From=%2B15557122661&Twiml=%3CResponse%3E%3CSay%3EAn%20urgent%20lead%20waits%3A%20K%207%2E%3C%2FSay%3E%3C%2FResponse%3E&Timeout=20";
        assert_eq!(asked.split_once("\r\n\r\n").unwrap().1, form);
        assert!(!report.trace.request.unwrap().contains("hunter2"));
    }

    #[tokio::test]
    async fn only_a_telephone_number_can_call() {
        for sender in
            [Sender::From("NIGHTDESK".to_owned()), Sender::From("12345".to_owned()), Sender::Service("MG1".to_owned())]
        {
            let known = twilio("http://127.0.0.1:1".to_owned(), "AC1");
            let settings = Settings { sender, ..known.settings.clone() };
            let report = Twilio { settings, ..known }.perform(&ring()).await;
            assert_eq!((class(&report.outcome).0, report.trace.request), ("permanent", None));
        }
        let asked = Work { look_up_since: Some(Timestamp::now()), ..ring() };
        let report = twilio("http://127.0.0.1:1".to_owned(), "AC1").perform(&asked).await;
        assert_eq!(report.trace.request, None, "a ring is never looked up, and never made instead");
    }
}
