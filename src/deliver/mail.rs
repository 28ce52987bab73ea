//! Mail through one SMTP server: the follow-up to a prospect, and a case forwarded to the support team's address.
//!
//! Called by the outbox through [`Effect`]. A mail is handed over exactly once per call and nothing here ever repeats it.
//! SMTP can't be asked what became of a mail, so a look-up is always unsure; a repeat has the same bytes and the same
//! `Message-ID`, by which many receivers drop the second. `letter` makes the bytes, `session` speaks SMTP, `pool` keeps
//! connections, `fault` says what a failure means. Never is a password in a trace or an error.
//! Outside rules: RFC 5321 (SMTP), RFC 5322 (the mail), RFC 3834 (automatic mail), RFC 8058 (unsubscribing).

mod address;
mod fault;
mod letter;
mod pool;
mod session;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::model::{Done, Effect, Failure, Fault, Outcome, Report, Task, Timestamp, Trace, Work};

use fault::{Reply, Trouble};
use letter::Letter;
use pool::Pool;
use session::{Pace, Server, Session};

/// Nobody waits for `verify` any longer, however many steps there are.
const LONGEST_VERIFY: Duration = Duration::from_mins(1);
/// Words of the peer that we repeat are cut here.
const MAX_SAID_CHARS: usize = 500;

/// How the connection to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after `STARTTLS` (port 587); a server that doesn't offer it gets nothing.
    StartTls,
    /// None: only to a server on this machine, others are refused.
    None,
}

/// Who signs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// An address, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that is shown.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// Which server takes our mail, and as whom we write.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's name; its certificate must be for this name.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who signs in, if the server wants that.
    pub login: Option<Login>,
    /// A file of certificates (PEM) that are believed beside the system's; read when the first connection is made.
    pub ca_file: Option<PathBuf>,
    /// What this machine calls itself in `EHLO`.
    pub ehlo_name: String,
    /// The longest that one step may take. The verdict over a complete mail is waited for until the attempt ends.
    pub timeout: Duration,
    /// Who writes.
    pub from: Mailbox,
    /// Who reads the answers, if not the one who writes.
    pub reply_to: Option<Mailbox>,
    /// Where the server sends what can't be delivered, if not to the one who writes.
    pub bounce_to: Option<String>,
}

/// Writes to prospects. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct Mailer(Arc<Office>);

/// Hands cases to the support team by mail.
#[derive(Debug, Clone)]
pub struct Forward {
    mailer: Mailer,
    to: Mailbox,
}

/// What the clones of a mailer share.
struct Office {
    settings: Settings,
    server: Server,
    pool: Arc<Pool>,
}

impl Mailer {
    /// A mailer with these settings. Connects to nothing until the first mail.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let server = Server::new(&settings);
        Self(Arc::new(Office { settings, server, pool: Arc::default() }))
    }

    /// Asks the server whether it would take mail from us, without sending any. What is wrong, or nothing.
    pub async fn verify(&self) -> Vec<Failure> {
        let office = &self.0;
        let mut wrong = letter::trouble_with(&office.settings);
        let pace = Pace::new(office.settings.timeout, LONGEST_VERIFY);
        let tried = async {
            let mut session = Session::open(&office.server, &pace).await?;
            session.noop(&pace).await?;
            session.close(&pace).await;
            Ok::<_, Trouble>(())
        };
        wrong.extend(tried.await.err().map(|trouble| office.failure(&trouble)));
        wrong
    }
}

impl Forward {
    /// Forwards to this address through that mailer's server.
    #[must_use]
    pub const fn new(mailer: Mailer, to: Mailbox) -> Self {
        Self { mailer, to }
    }
}

impl Effect for Mailer {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (_, Some(_)) => Report::of(Outcome::Unsure),
                (Task::Mail(task), None) => {
                    let letter = letter::follow_up(&self.0.settings, task, &work.job);
                    self.0.post(letter, work, |letter| Done::Mailed(letter.id.clone())).await
                }
                (other, None) => unfit(other),
            }
        })
    }
}

impl Effect for Forward {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (_, Some(_)) => Report::of(Outcome::Unsure),
                (Task::Ticket(task), None) => {
                    let office = &self.mailer.0;
                    let letter = letter::forwarded(&office.settings, &self.to, task, &work.job);
                    office.post(letter, work, |letter| Done::Ticket(format!("forwarded to {}", letter.to))).await
                }
                (other, None) => unfit(other),
            }
        })
    }
}

fn unfit(task: &Task) -> Report {
    let reason = format!("a mail server can't do a job of kind {}", task.kind());
    Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)))
}

impl Office {
    /// Hands a letter to the server, once.
    async fn post(
        &self,
        letter: Result<Letter, Failure>,
        work: &Work,
        done: impl FnOnce(&Letter) -> Done + Send,
    ) -> Report {
        let letter = match letter {
            Ok(letter) => letter,
            Err(failure) => return Report::of(Outcome::Failed(failure)),
        };
        let began = Instant::now();
        let pace = Pace::new(self.settings.timeout, work.hard_deadline.since(Timestamp::now()));
        let got = self.hand_over(&letter, &pace).await;
        let (reply, said) = match &got {
            Ok(reply) => (Some(reply), reply.to_string()),
            Err(trouble) => (trouble.reply(), trouble.reply().map_or_else(|| format!("({trouble})"), Reply::to_string)),
        };
        let trace = Trace {
            request: Some(letter.summary()),
            response: Some(self.shown(&said)),
            status: reply.map(|reply| reply.code),
            vendor_id: None,
            latency: began.elapsed(),
        };
        let outcome = match &got {
            Ok(_) => Outcome::Done(done(&letter)),
            Err(trouble) => {
                let failure = self.failure(trouble);
                // Reasons are logged and told; whose address it is stands in the job.
                let reason = failure.reason.replace(&letter.to.to_string(), "***");
                Outcome::Failed(Failure { reason, ..failure })
            }
        };
        Report::traced(outcome, trace)
    }

    async fn hand_over(&self, letter: &Letter, pace: &Pace) -> Result<Reply, Trouble> {
        let mut session = match self.pool.take(pace).await {
            Some(session) => session,
            None => Session::open(&self.server, pace).await?,
        };
        let got = session.deliver(letter, pace).await;
        match &got {
            Ok(_) => self.pool.put(session),
            Err(trouble) if trouble.reply().is_some() => session.close(pace).await,
            Err(_) => drop(session),
        }
        got
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        let failure = trouble.failure(&self.settings.host);
        Failure { reason: self.shown(&failure.reason), ..failure }
    }

    /// What a peer said, cut, and with our password starred out in every form in which it was sent.
    fn shown(&self, said: &str) -> String {
        let start = said.chars().take(MAX_SAID_CHARS).collect::<String>();
        let Some(Login { user, password }) = &self.settings.login else { return start };
        let password = password.expose_secret();
        // The longest first: one form may be in another.
        let sent = [STANDARD.encode(format!("\0{user}\0{password}")), STANDARD.encode(password), password.to_owned()];
        let sent = sent.iter().filter(|form| !form.is_empty());
        sent.fold(start, |said, form| said.replace(form.as_str(), "***"))
    }
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office").field("settings", &self.settings).finish_non_exhaustive()
    }
}
