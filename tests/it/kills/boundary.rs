//! The places at which the desk is killed: inside it, at a vendor, at the modem.

use std::fmt;

use nightdesk::demo::sim::modem::Step;
use nightdesk::demo::sim::{Match, Moment, smtp};

use super::lead::Class;

/// A place in the life of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// The process stops itself there.
    Inside(&'static str),
    /// A vendor holds the request there.
    Vendor(Request, Moment),
    /// The modem stands still there.
    Modem(Step),
    /// The mail server holds the conversation there.
    Mail(smtp::Step),
    /// Wherever it is by then.
    Anywhere,
}

/// What the desk asks of a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// A label.
    Model,
    /// A label, of the second model.
    Spare,
    /// The fields of a contact.
    Update,
    /// A note.
    Note,
    /// Whether there is such a note.
    NoteLookUp,
    /// A task.
    Task,
    /// Whether there is such a task.
    TaskLookUp,
    /// A text.
    Text,
    /// Whether there is such a text.
    TextLookUp,
    /// A ticket.
    Ticket,
}

use Boundary::{Inside, Vendor};

const INSIDE: [&str; 16] = [
    "intake-before-store",
    "before-commit",
    "after-commit",
    "intake-after-store",
    "before-classify",
    "after-classify",
    "before-classify_deadline",
    "after-classify_deadline",
    "before-sms",
    "after-sms",
    "before-sms_failover",
    "after-sms_failover",
    "before-crm_update",
    "after-crm_update",
    "before-crm_note",
    "after-crm_note",
];

/// Where people are called, and answer.
const AMONG_PEOPLE: [&str; 12] = [
    "before-escalate",
    "after-escalate",
    "settled-escalate",
    "before-digest",
    "after-digest",
    "settled-digest",
    "before-ring",
    "after-ring",
    "before-crm_task",
    "after-crm_task",
    "heard-inbound",
    "kept-inbound",
];

/// Where mails are written, and cases handed on.
const AMONG_MAILS: [&str; 6] =
    ["before-mail", "after-mail", "settled-mail", "before-ticket", "after-ticket", "settled-ticket"];

const MAIL: [smtp::Step; 5] =
    [smtp::Step::Sender, smtp::Step::Data, smtp::Step::Text, smtp::Step::Dot, smtp::Step::Kept];

const WRITES: [Request; 4] = [Request::Model, Request::Update, Request::Note, Request::Text];

const MOMENTS: [Moment; 4] = [Moment::Head, Moment::Arrived, Moment::Applied, Moment::InAnswer];

const STEPS: [Step; 6] =
    [Step::Command("AT+CMGS"), Step::Prompted, Step::PduByte, Step::CtrlZ, Step::Accepted, Step::Referenced];

impl Boundary {
    /// Every place that a test can choose.
    pub(super) fn all() -> Vec<Self> {
        let mut all: Vec<Self> = INSIDE.into_iter().map(Inside).collect();
        all.extend(WRITES.into_iter().flat_map(|write| MOMENTS.map(|moment| Vendor(write, moment))));
        all.extend([Request::NoteLookUp, Request::TextLookUp].map(|asked| Vendor(asked, Moment::Arrived)));
        all.extend(STEPS.map(Self::Modem));
        all
    }

    /// Every place that only a lead comes to for which people are called one after the other.
    pub(super) fn among_people() -> Vec<Self> {
        let mut all: Vec<Self> = AMONG_PEOPLE.into_iter().map(Inside).collect();
        all.extend(MOMENTS.map(|moment| Vendor(Request::Task, moment)));
        all.push(Vendor(Request::TaskLookUp, Moment::Arrived));
        all.extend(["ATD", "AT+CMGD"].map(|command| Self::Modem(Step::Command(command))));
        all
    }

    /// Every place that only a lead comes to who is written to, or whose case is handed on, or whom a second model reads.
    pub(super) fn among_mails() -> Vec<Self> {
        let mut all: Vec<Self> = AMONG_MAILS.into_iter().map(Inside).collect();
        all.extend([Request::Spare, Request::Ticket].into_iter().flat_map(|asked| MOMENTS.map(|at| Vendor(asked, at))));
        all.extend(MAIL.map(Self::Mail));
        all
    }

    /// The one class of leads that comes this way.
    pub(super) fn class(self) -> Option<Class> {
        match self {
            Inside(place) if place.ends_with("-mail") => Some(Class::Curious),
            Inside(place) if place.ends_with("-ticket") => Some(Class::Customer),
            Inside(place) => (place.contains("sms") || AMONG_PEOPLE.contains(&place)).then_some(Class::Buyer),
            Vendor(Request::Text | Request::TextLookUp | Request::Task | Request::TaskLookUp, _) | Self::Modem(_) => {
                Some(Class::Buyer)
            }
            Vendor(Request::Ticket, _) => Some(Class::Customer),
            Self::Mail(_) => Some(Class::Curious),
            Vendor(..) | Self::Anywhere => None,
        }
    }

    /// How many passages there may be before the one at which the process stops.
    pub(super) fn passages(self) -> u32 {
        match self {
            Inside("before-commit" | "after-commit") => 12,
            Inside(_) => 3,
            Vendor(..) | Self::Modem(_) | Self::Mail(_) | Self::Anywhere => 1,
        }
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inside(place) => f.write_str(place),
            Vendor(asked, moment) => write!(f, "{asked:?} {moment:?}"),
            Self::Modem(step) => write!(f, "modem {step:?}"),
            Self::Mail(step) => write!(f, "mail {step:?}"),
            Self::Anywhere => f.write_str("anywhere"),
        }
    }
}

impl Request {
    /// These requests, as they come at this moment: a head has no body yet.
    pub(super) fn at(self, moment: Moment) -> Match {
        let (note, task) = (Match::to("POST", "/objects/notes"), Match::to("POST", "/objects/tasks"));
        match self {
            Self::Model | Self::Spare => Match::any(),
            Self::Update => Match::to("PATCH", "/contacts/"),
            Self::Note if moment == Moment::Head => note,
            Self::Note => note.body("hs_timestamp"),
            Self::Task if moment == Moment::Head => task,
            Self::Task => task.body("hs_timestamp"),
            Self::TaskLookUp => Match::to("POST", "/tasks/search"),
            Self::NoteLookUp => Match::to("POST", "/notes/search"),
            Self::Text => Match::to("POST", "/Messages.json"),
            Self::TextLookUp => Match::to("GET", "/Messages.json"),
            Self::Ticket => Match::to("POST", "/tickets.json"),
        }
    }
}
