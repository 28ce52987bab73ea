//! `nightdesk mail preview` and `mail send-test`: the follow-up as a prospect would get it, and whether the server takes
//! our mail at all.
//!
//! The link to unsubscribe is never a real one here: whoever tries it out must not end on the list.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::app::{self, AppError};
use crate::cli::CliError;
use crate::cli::desk::{Desk, lead_of, print_json};
use crate::control::Address;
use crate::model::oncall::OnCall;
use crate::model::{
    AttemptId, Channel, Done, Effect, Job, JobId, Lane, Lead, LeadId, MailTask, Outcome, Priority, RowId, Task,
    Timestamp, Work,
};

/// A server may think about a mail for a while.
const PATIENCE: Duration = Duration::from_mins(2);
/// Where a message without a lead would come from.
const SOMEBODY: &str = "somebody@example.com";

/// Arguments of `mail preview`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Preview {
    /// The lead's code (K7), its id, or the first 8 or more characters of that
    #[arg(required_unless_present = "message", conflicts_with = "message")]
    lead: Option<String>,
    /// What a lead would write, in place of one there is
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Print the HTML
    #[arg(long)]
    html: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "html")]
    json: bool,
}

/// Arguments of `mail send-test`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SendTest {
    /// The address: one of yours
    to: Address,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub(in crate::cli) fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let mail = follow_up(desk, &self.asked(desk)?)?.ok_or(CliError::NoFollowUp)?;
        if self.json {
            return print_json(out, &mail);
        }
        if self.html {
            return Ok(write!(out, "{}", mail.html)?);
        }
        Ok(write!(out, "To: {}\nSubject: {}\n\n{}", mail.to, mail.subject, mail.text)?)
    }

    /// The lead, read as the pipeline reads it.
    fn asked(&self, desk: &Desk) -> Result<Lead, CliError> {
        let lead = match &self.lead {
            Some(name) => lead_of(&desk.reader()?, name)?,
            None => nobody(SOMEBODY, self.message.as_deref().unwrap_or_default()),
        };
        if lead.email.is_none() {
            let message = format!("lead {} has no address, so no mail would be sent", lead.code);
            return Err(CliError::Data { message });
        }
        Ok(lead)
    }
}

impl SendTest {
    pub(in crate::cli) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let secrets = desk.secrets()?;
        let mailer = app::mailer(&desk.config, &secrets).map_err(AppError::from)?.ok_or(CliError::NoMailServer)?;
        let lead = nobody(self.to.as_str(), "This is a test.");
        let mail = follow_up(desk, &lead)?.unwrap_or_else(|| plain(self.to.as_str()));
        let report = mailer.perform(&work(lead, MailTask { unsubscribe: None, ..mail })).await;
        match report.outcome {
            Outcome::Done(Done::Mailed(id)) if self.json => print_json(out, &json!({ "message_id": id })),
            Outcome::Done(Done::Mailed(id)) => {
                Ok(writeln!(out, "the server has taken it as {id}: look whether it arrives, and where")?)
            }
            Outcome::Failed(failure) => Err(CliError::NotMailed {
                why: failure.reason,
                cure: failure.cure.map_or_else(String::new, |cure| format!(": {cure}")),
            }),
            Outcome::Done(_) | Outcome::Absent | Outcome::Unsure => Err(CliError::OddAnswer),
        }
    }
}

fn follow_up(desk: &Desk, lead: &Lead) -> Result<Option<MailTask>, CliError> {
    let reading = app::reading(&desk.config, &lead.raw_message, None);
    let lead = Lead { message: Some(reading.message), ..lead.clone() };
    let open = desk.config.oncall.as_ref().unwrap_or(&OnCall::default()).is_daytime(Timestamp::now());
    Ok(app::preview(&desk.config, &lead, open).map_err(AppError::from)?)
}

/// Somebody who writes this.
fn nobody(email: &str, message: &str) -> Lead {
    let now = Timestamp::now();
    Lead {
        email: Some(email.to_owned()),
        raw_message: message.to_owned(),
        ..Lead::none(LeadId::fresh(now), "test".to_owned(), now)
    }
}

/// What is sent where no follow-up is configured.
fn plain(to: &str) -> MailTask {
    MailTask {
        to: to.to_owned(),
        name: None,
        subject: "A test of nightdesk".to_owned(),
        text: "The night desk can send mail.\n".to_owned(),
        html: "<p>The night desk can send mail.</p>\n".to_owned(),
        unsubscribe: None,
        repeat: false,
    }
}

fn work(lead: Lead, mail: MailTask) -> Work {
    let now = Timestamp::now();
    let until = now.after(PATIENCE);
    let job = Job {
        id: JobId::fresh(now),
        lead: lead.id,
        task: Task::Mail(mail),
        channel: Channel::new(Lane::Mail, "smtp"),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: until,
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at: now,
    };
    let attempt = AttemptId(1);
    Work { job, lead, attempt, look_up_since: None, actions: Vec::new(), hard_deadline: until }
}
