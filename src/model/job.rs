//! A job: one effect that must happen once, or one timer. A row of the outbox, as the program sees it.
//!
//! The payload is typed ([`Task`]) and self-contained, so that a row says by itself what will be done, to whom and
//! with which words. Lanes are concurrency, channels are destinations; `outbox` gives both their meaning.

use serde::{Deserialize, Serialize};

use super::{
    AttemptId, Channel, CrmNote, CrmRead, CrmTask, CrmUpdate, JobId, Lane, LeadId, MailTask, Phone, Reconcile, TextKey,
    TicketTask, Timestamp,
};

/// Who goes first in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// An urgent lead: a person waits for it.
    Urgent = 0,
    /// Everything else that concerns a fresh lead.
    Normal = 1,
    /// May wait for all others: notes.
    Low = 2,
}

impl Priority {
    /// All of them, most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Low];

    /// The number in the database; smaller goes first.
    #[must_use]
    pub const fn rank(self) -> i64 {
        self as i64
    }
}

/// Having a model label a lead. Which models were asked before stands in it, so that each leg is complete by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassifyTask {
    /// A person wants what was done before done again.
    #[serde(default)]
    pub again: bool,
    /// How often all models that could be asked were asked in vain.
    #[serde(default)]
    pub lap: u32,
    /// Models that this lap has asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Channel>,
    /// Models that will never answer this question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Channel>,
}

/// A text to a person. Everything the sender needs; the text is final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsTask {
    /// The person's number.
    pub to: Phone,
    /// The person's name, for the timeline and the note.
    pub who: String,
    /// The text as it goes out.
    pub text: String,
    /// This is the one repeat that an unknown outcome allows; its text says so.
    pub repeat: bool,
    /// Which leg of the channel order this is, counted from 0; legs come round again while the deadline allows.
    pub leg: u32,
    /// When this leg gives way to the next channel, if it has not been submitted.
    pub failover_at: Option<Timestamp>,
    /// How many legs just before this one were refused for good: once every channel has said so, it is over.
    #[serde(default)]
    pub refused: u32,
    /// Which text about the lead this is, counted from 0; all legs of a text have its number.
    #[serde(default)]
    pub thread: u32,
    /// It answers what a person wrote; the others call a person.
    #[serde(default)]
    pub is_answer: bool,
    /// It only tests whether the phone is reached: one leg on one channel, about no lead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
}

/// Asking what became of a text that a vendor took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsStatus {
    /// The text.
    pub text: TextKey,
    /// The vendor's id of it.
    pub reference: String,
}

/// Letting a person's phone ring: a nudge within a step of the escalation chain, and never more than that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingTask {
    /// The person's number.
    pub to: Phone,
    /// The person's name, for the timeline and the note.
    pub who: String,
    /// The round of the chain it belongs to.
    pub round: u32,
    /// The step it belongs to.
    pub step: u32,
    /// What is said to whoever picks up, where the channel can speak.
    pub words: String,
    /// How long the phone rings.
    pub lasts_s: u32,
    /// Channels that surely could not let it ring: each is tried once.
    #[serde(default)]
    pub refused: Vec<Channel>,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Clean the message and have a model label it.
    Classify(ClassifyTask),
    /// Timer: no label yet, so a person is told of an unclassified lead.
    ClassifyDeadline {},
    /// Read the lead's fields from its record.
    CrmRead(CrmRead),
    /// Look for leads that never arrived.
    Reconcile(Reconcile),
    /// Send a text.
    Sms(SmsTask),
    /// Timer: the leg that is `job` has not been submitted, so the next channel takes over.
    SmsFailover {
        /// The leg it guards.
        job: JobId,
    },
    /// Let a phone ring.
    Ring(RingTask),
    /// Ask what became of a text.
    SmsStatus(SmsStatus),
    /// Timer: the person who was called has not claimed the lead, so the next one is called.
    Escalate {
        /// The round of the chain it belongs to.
        round: u32,
        /// The step whose time is over.
        step: u32,
    },
    /// Timer: urgent leads that came too fast for a text each are told of in one.
    Digest {
        /// The person's number.
        to: Phone,
        /// The person's name.
        who: String,
    },
    /// Timer: a phone that is tested has had its time to report or to answer.
    CanaryCheck {},
    /// Write to the prospect.
    Mail(MailTask),
    /// Hand the case to the support team.
    Ticket(TicketTask),
    /// Write class and priority.
    CrmUpdate(CrmUpdate),
    /// Write the note.
    CrmNote(CrmNote),
    /// Write the task.
    CrmTask(CrmTask),
}

impl Task {
    /// A text that only tests a phone.
    #[must_use]
    pub const fn is_test(&self) -> bool {
        matches!(self, Self::Sms(SmsTask { is_test: true, .. }))
    }

    /// The word in the database and the CLI.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Classify { .. } => "classify",
            Self::ClassifyDeadline {} => "classify_deadline",
            Self::CrmRead(_) => "crm_read",
            Self::Reconcile(_) => "reconcile",
            Self::Sms(_) => "sms",
            Self::SmsFailover { .. } => "sms_failover",
            Self::Ring(_) => "ring",
            Self::SmsStatus(_) => "sms_status",
            Self::Escalate { .. } => "escalate",
            Self::Digest { .. } => "digest",
            Self::CanaryCheck {} => "canary_check",
            Self::Mail(_) => "mail",
            Self::Ticket(_) => "ticket",
            Self::CrmUpdate(_) => "crm_update",
            Self::CrmNote(_) => "crm_note",
            Self::CrmTask(_) => "crm_task",
        }
    }

    /// The lane it runs in.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Classify { .. } => Lane::Llm,
            Self::ClassifyDeadline {}
            | Self::SmsFailover { .. }
            | Self::SmsStatus(_)
            | Self::Escalate { .. }
            | Self::Digest { .. }
            | Self::CanaryCheck {} => Lane::Desk,
            Self::Sms(_) | Self::Ring(_) => Lane::Sms,
            Self::Mail(_) => Lane::Mail,
            Self::Ticket(_) => Lane::Ticket,
            Self::CrmRead(_) | Self::Reconcile(_) | Self::CrmUpdate(_) | Self::CrmNote(_) | Self::CrmTask(_) => {
                Lane::Crm
            }
        }
    }

    /// Where a dead letter of this task says that it died.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Classify { .. } => Stage::Classify,
            Self::ClassifyDeadline {}
            | Self::SmsFailover { .. }
            | Self::SmsStatus(_)
            | Self::Escalate { .. }
            | Self::Digest { .. }
            | Self::CanaryCheck {} => Stage::Desk,
            Self::Sms(_) | Self::Ring(_) => Stage::Sms,
            Self::Mail(_) => Stage::Mail,
            Self::Ticket(_) => Stage::Ticket,
            Self::CrmRead(_) | Self::Reconcile(_) | Self::CrmUpdate(_) | Self::CrmNote(_) | Self::CrmTask(_) => {
                Stage::Crm
            }
        }
    }

    /// Doing it twice is the same as doing it once: an unknown outcome is simply repeated.
    #[must_use]
    pub const fn repeatable(&self) -> bool {
        match self {
            Self::Classify { .. }
            | Self::ClassifyDeadline {}
            | Self::CrmRead(_)
            | Self::Reconcile(_)
            | Self::SmsFailover { .. }
            | Self::SmsStatus(_)
            | Self::Escalate { .. }
            | Self::Digest { .. }
            | Self::CanaryCheck {}
            | Self::CrmUpdate(_) => true,
            Self::Sms(_) | Self::Ring(_) | Self::Mail(_) | Self::Ticket(_) | Self::CrmNote(_) | Self::CrmTask(_) => {
                false
            }
        }
    }

    /// It acts on the world for the lead; the others are the pipeline's own steps and timers.
    #[must_use]
    pub const fn is_action(&self) -> bool {
        match self {
            Self::Sms(_)
            | Self::Ring(_)
            | Self::Mail(_)
            | Self::Ticket(_)
            | Self::CrmUpdate(_)
            | Self::CrmNote(_)
            | Self::CrmTask(_) => true,
            Self::Classify { .. }
            | Self::ClassifyDeadline {}
            | Self::CrmRead(_)
            | Self::Reconcile(_)
            | Self::SmsFailover { .. }
            | Self::SmsStatus(_)
            | Self::Escalate { .. }
            | Self::Digest { .. }
            | Self::CanaryCheck {} => false,
        }
    }
}

/// Where in the flow something died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The request authenticated, but no lead could be read from it.
    Gate,
    /// Cleaning and labelling.
    Classify,
    /// A timer, or a question of the desk's own.
    Desk,
    /// A text to a person, or a ring.
    Sms,
    /// A mail to a prospect.
    Mail,
    /// A case for the support team.
    Ticket,
    /// Reading from a CRM and writing back.
    Crm,
}

impl Stage {
    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Classify => "classify",
            Self::Desk => "desk",
            Self::Sms => "sms",
            Self::Mail => "mail",
            Self::Ticket => "ticket",
            Self::Crm => "crm",
        }
    }
}

/// Where a job stands. The first three are open, the others are its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time and a worker.
    Ready,
    /// A worker has it; its attempt row is open.
    Leased,
    /// The last try may have worked: it is looked up before anything is sent again.
    Unknown,
    /// It happened.
    Done,
    /// It can't succeed: see its dead letter.
    Dead,
    /// It became moot, or its channel was given up for the next.
    Cancelled,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Ready, Self::Leased, Self::Unknown, Self::Done, Self::Dead, Self::Cancelled];

    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// It has not ended.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Ready | Self::Leased | Self::Unknown)
    }
}

/// A job to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The lead it works for.
    pub lead: LeadId,
    /// What it does.
    pub task: Task,
    /// Where it goes.
    pub channel: Channel,
    /// Who goes first.
    pub priority: Priority,
    /// When it may be claimed.
    pub due_at: Timestamp,
    /// After this it is given up.
    pub deadline_at: Timestamp,
}

impl NewJob {
    /// A timer of the desk's own, which goes before everything that may wait.
    #[must_use]
    pub fn timer(lead: LeadId, task: Task, due_at: Timestamp, deadline_at: Timestamp) -> Self {
        Self { lead, task, channel: Channel::desk(), priority: Priority::Urgent, due_at, deadline_at }
    }
}

/// One row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The lead it works for.
    pub lead: LeadId,
    /// What it does.
    pub task: Task,
    /// Where it goes.
    pub channel: Channel,
    /// Who goes first.
    pub priority: Priority,
    /// When it may be claimed.
    pub due_at: Timestamp,
    /// After this it is given up.
    pub deadline_at: Timestamp,
    /// Tries of this generation, counted at the claim.
    pub tries: u32,
    /// Generation: 1, and one more for each requeue.
    pub generation: u32,
    /// Process deaths with an attempt of this job open.
    pub crashes: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Job {
    /// The effect's key, one token of letters and digits: lead, action, generation.
    #[must_use]
    pub fn key(&self) -> String {
        let lead = self.lead.to_string().replace('-', "");
        let kind = self.task.kind().replace('_', "");
        format!("nd{lead}{kind}{}", self.generation)
    }
}

/// Where a replay starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayFrom {
    /// Clean the message and ask the model again.
    Classify,
    /// Keep the label, plan its jobs again.
    Route,
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replayed {
    /// Its jobs are queued.
    Queued,
    /// The lead is not known.
    Unknown,
    /// A job of it is still open: let it end first.
    Busy,
    /// It has no label to route by.
    Unlabelled,
}

/// What one action job of a lead came to: for the note, the timeline and the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What was to be done.
    pub task: Task,
    /// Where.
    pub channel: Channel,
    /// How it stands.
    pub state: JobState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// For texts: when the phone had it, if its network says so.
    pub delivered_at: Option<Timestamp>,
    /// The last failure's words.
    pub reason: Option<String>,
    /// The last attempt.
    pub attempt: AttemptId,
}
