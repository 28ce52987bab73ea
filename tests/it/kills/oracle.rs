//! What must hold of an office once nothing is open any more: the database's word against the senders' and the vendors'.
//!
//! The vendors say what happened in the world; they share no code with the desk. The database is read with plain SQL.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use nightdesk::demo::sim::hubspot::Note;

use super::campaign::Campaign;
use super::claims;
use super::lead::Sent;
use super::ledger::{Book, Job, Lead};
use super::mails;
use super::others::Others;

/// What kind of promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A lead with a 2xx does not exist.
    Lost,
    /// Something neither ended nor died.
    Open,
    /// A lead waits for a person, and nobody is called for it any more.
    Stalled,
    /// Two have the same lead.
    Contested,
    /// A lead, a note or a text exists more often than it may.
    Doubled,
    /// A second text without its mark, or without an unknown attempt before it.
    Unmarked,
    /// An effect without an attempt row that was there before it.
    Unbacked,
    /// The database says that something happened, and it didn't.
    Untrue,
    /// Nobody was told of a lead, and no dead letter says so.
    Silent,
    /// A vendor was sent what it must never be sent.
    Mistake,
}

/// A broken promise.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) kind: Kind,
    pub(super) words: String,
    /// What the desk knows of the lead.
    pub(super) story: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}\n{}", self.kind, self.words, self.story)
    }
}

/// A text as a phone shows it, whoever carried it.
pub(super) struct Text {
    pub(super) channel: &'static str,
    pub(super) to: String,
    pub(super) body: String,
    pub(super) at: Timestamp,
    pub(super) whole: bool,
    pub(super) repeated: bool,
}

/// Everything that is wrong.
pub(super) fn judge(campaign: &Campaign) -> Vec<Violation> {
    let office = &campaign.office;
    let mut judge = Judge { campaign, book: Book::read(office.path()), found: Vec::new() };
    for sent in &campaign.leads {
        judge.lead(sent);
    }
    let open = judge.book.open_jobs().into_iter().chain(judge.book.unended_attempts());
    judge.found.extend(open.map(|words| Violation { kind: Kind::Open, words, story: String::new() }));
    let others = campaign.others.iter().flat_map(Others::violations);
    let mistakes = office.violations().into_iter().chain(others);
    if campaign.typed.is_some() {
        claims::of_the_office(&mut judge);
    }
    judge.found.extend(mistakes.map(|words| Violation { kind: Kind::Mistake, words, story: String::new() }));
    judge.found
}

pub(super) struct Judge<'c> {
    pub(super) campaign: &'c Campaign,
    pub(super) book: Book,
    pub(super) found: Vec<Violation>,
}

impl Judge<'_> {
    pub(super) fn say(&mut self, kind: Kind, sent: &Sent, words: impl fmt::Display) {
        let leads = self.book.leads_of(&sent.token);
        let story = leads.iter().flat_map(|lead| self.book.story(&lead.id)).collect::<Vec<String>>().join("\n");
        self.found.push(Violation { kind, words: format!("{} ({:?}): {words}", sent.token, sent.class), story });
    }

    fn lead(&mut self, sent: &Sent) {
        let leads = self.book.leads_of(&sent.token);
        for (status, body) in &sent.answers {
            if !matches!(status, 200 | 202) {
                self.say(Kind::Lost, sent, format!("answered {status} {body}"));
            }
        }
        match &leads[..] {
            [] if sent.is_acknowledged() => self.say(Kind::Lost, sent, "got a 2xx and does not exist"),
            [] => {}
            [lead] => {
                if sent.ids().any(|id| id != lead.id) {
                    self.say(Kind::Lost, sent, "its answer named another lead");
                }
                self.ended(sent, lead);
                if self.campaign.typed.is_some() {
                    claims::of_a_lead(self, sent, lead);
                } else {
                    self.texts(sent, lead);
                }
                self.crm(sent, lead);
                if let Some(others) = &self.campaign.others {
                    mails::of_a_lead(self, others, sent, lead);
                }
            }
            more => self.say(Kind::Doubled, sent, format!("became {} leads", more.len())),
        }
    }

    fn ended(&mut self, sent: &Sent, lead: &Lead) {
        if !lead.settled {
            self.say(Kind::Open, sent, "has not settled");
        }
        let dead = self.book.dead(&lead.id, "classify");
        match &lead.label {
            Some(label) if label == sent.class.label() => {}
            Some(label) => self.say(Kind::Untrue, sent, format!("was labelled {label}")),
            None if dead.is_empty() => self.say(Kind::Open, sent, "has no label and no dead letter"),
            None => {}
        }
        for job in self.book.jobs_of(&lead.id) {
            let letters = self.book.letters(&job.id);
            let right = if job.state == "dead" { letters == 1 } else { letters == 0 };
            if !right {
                self.say(
                    Kind::Open,
                    sent,
                    format!("{} on {} is {} with {letters} dead letters", job.kind, job.channel, job.state),
                );
            }
        }
    }

    fn texts(&mut self, sent: &Sent, lead: &Lead) {
        let texts = self.texts_about(sent);
        let whole: Vec<&Text> = texts.iter().filter(|text| text.whole).collect();
        let jobs: Vec<Job> = self.book.jobs_of(&lead.id).into_iter().filter(|job| job.kind == "sms").collect();
        let wanted = sent.class.label() == "URGENT_BUYER" || lead.label.is_none();
        let excused = ["sms", "desk"].iter().any(|stage| !self.book.dead(&lead.id, stage).is_empty());
        if wanted && !excused && whole.is_empty() {
            self.say(Kind::Silent, sent, format!("nobody was told; torn texts: {}", texts.len()));
        }
        if whole.len() > 2 || texts.iter().filter(|text| text.channel == "sms:twilio").count() > 1 {
            self.say(Kind::Doubled, sent, format!("{} texts", texts.len()));
        }
        let unknown = jobs.iter().any(|job| self.book.was_unknown(&job.id));
        if whole.len() > 1 && !(whole[1].body.starts_with("(repeat) ") && unknown) {
            self.say(Kind::Unmarked, sent, format!("a second text: {}", whole[1].body));
        }
        if texts.iter().any(|text| text.repeated) {
            self.say(Kind::Unmarked, sent, "parts of a text came twice");
        }
        for text in &texts {
            let mut on = jobs.iter().filter(|job| job.channel == text.channel);
            if !on.any(|job| self.book.began(&job.id, text.at)) {
                self.say(Kind::Unbacked, sent, format!("a text by {} without an attempt before it", text.channel));
            }
        }
        for job in jobs.iter().filter(|job| job.state == "done") {
            if !texts.iter().any(|text| text.channel == job.channel && text.whole) {
                self.say(Kind::Untrue, sent, format!("a text is done on {} and no phone has it", job.channel));
            }
        }
    }

    /// The texts about a lead, oldest first.
    fn texts_about(&self, sent: &Sent) -> Vec<Text> {
        self.told().into_iter().filter(|text| text.body.contains(&sent.token)).collect()
    }

    /// Every text, oldest first.
    pub(super) fn told(&self) -> Vec<Text> {
        let office = &self.campaign.office;
        let by_modem = office.modem.sent().into_iter().map(|sms| {
            let (whole, repeated) = (sms.is_whole(), sms.repeated > 0);
            Text { channel: "sms:modem0", to: sms.to, body: sms.text, at: sms.at, whole, repeated }
        });
        let by_twilio = office.twilio.messages().into_iter().map(|message| Text {
            channel: "sms:twilio",
            to: message.to,
            body: message.body,
            at: message.at,
            whole: true,
            repeated: false,
        });
        let mut texts: Vec<Text> = by_modem.chain(by_twilio).collect();
        texts.sort_by_key(|text| text.at);
        texts
    }

    /// What jobs of this kind have made: each thing once, and each by a try that began before it.
    fn made(&mut self, sent: &Sent, jobs: &[Job], kind: &str, made: Vec<Note>) {
        let mut things: BTreeMap<String, Vec<Note>> = BTreeMap::new();
        for thing in made {
            things.entry(marker(&thing.body)).or_default().push(thing);
        }
        for (key, same) in &things {
            let Some(job) = jobs.iter().find(|job| job.kind == kind && job.marker() == *key) else {
                self.say(Kind::Unbacked, sent, format!("a {kind} of no job: {key}"));
                continue;
            };
            if same.len() > 1 {
                self.say(Kind::Doubled, sent, format!("{} of one {kind}", same.len()));
            }
            if !self.book.began(&job.id, same[0].at) {
                self.say(Kind::Unbacked, sent, format!("a {kind} of {} without an attempt before it", same[0].at));
            }
        }
        for job in jobs.iter().filter(|job| job.kind == kind && job.state == "done") {
            if !things.contains_key(&job.marker()) {
                self.say(Kind::Untrue, sent, format!("its {kind} is done and is not there"));
            }
        }
    }

    fn crm(&mut self, sent: &Sent, lead: &Lead) {
        let jobs = self.book.jobs_of(&lead.id);
        let hubspot = &self.campaign.office.hubspot;
        let (notes, tasks) = (hubspot.notes_of(&sent.contact), hubspot.tasks_of(&sent.contact));
        self.made(sent, &jobs, "crm_note", notes);
        self.made(sent, &jobs, "crm_task", tasks);
        let written = self.campaign.office.hubspot.property(&sent.contact, "auto_classification");
        let last = jobs.iter().rfind(|job| job.kind == "crm_update");
        if last.is_some_and(|job| job.state == "done") && written != lead.label {
            self.say(Kind::Untrue, sent, format!("the CRM says {written:?}, the desk {:?}", lead.label));
        }
    }
}

/// The key in a marker.
fn marker(body: &str) -> String {
    let after = body.rsplit("nightdesk:").next().unwrap_or_default();
    after.chars().take_while(char::is_ascii_alphanumeric).collect()
}
