//! The conversation with an open port: one command at a time, each with an absolute deadline.
//!
//! Thin: bytes in and out, everything that has to be decided is decided by `at`, `submit` and `overheard`. An error means
//! that the port is gone and must be closed at once, because a held descriptor makes the kernel give the modem another name.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::trace;

use super::Timings;
use super::at::{self, Final, Heard, Lines};
use super::identity::ANY;
use super::init::Answer;
use super::overheard::Overheard;
use super::pdu::Encoded;
use super::submit::{Act, Submit, Verdict};
use crate::model::Phone;

/// Leaves a prompt without sending what was typed so far.
const ESC: &str = "\u{1b}";
/// Ends the input of a prompt that doesn't know ESC.
const CTRL_Z: &str = "\u{1a}";
/// How often `AT` is tried (the first may be eaten by automatic baud detection), and how long each may take.
const WAKE_TRIES: u8 = 5;
const WAKE_WITHIN: Duration = Duration::from_millis(500);
/// A modem that said nothing for this long has said all it had to; it gets at most ten times as long.
const QUIET: Duration = Duration::from_millis(100);
/// Writing takes no time unless the port is stuck.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Of each side of a conversation, this much goes into the timeline.
const MAX_TRANSCRIPT: usize = 4096;

/// Both sides of a conversation, one thing said on each line.
#[derive(Debug, Default, Clone)]
pub(super) struct Transcript {
    pub(super) said: String,
    pub(super) heard: String,
}

/// An open port.
pub(super) struct Line<P> {
    port: P,
    lines: Lines,
    heard: VecDeque<Heard>,
    transcript: Transcript,
    free_at: Instant,
    gap: Duration,
    /// What it said unasked.
    pub(super) overheard: Overheard,
    /// It was told not to echo, and obeyed.
    pub(super) echo_is_off: bool,
}

/// The port vanished during an exchange.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) error: io::Error,
    pub(super) pdu_sent: bool,
}

impl<P: AsyncRead + AsyncWrite + Unpin> Line<P> {
    pub(super) fn new(port: P, overheard: Overheard, gap: Duration) -> Self {
        Self {
            port,
            lines: Lines::default(),
            heard: VecDeque::new(),
            transcript: Transcript::default(),
            free_at: Instant::now(),
            gap,
            overheard,
            echo_is_off: false,
        }
    }

    /// The port itself.
    pub(super) fn port(&mut self) -> &mut P {
        &mut self.port
    }

    /// What was said since this was asked last.
    pub(super) fn take_transcript(&mut self) -> Transcript {
        std::mem::take(&mut self.transcript)
    }

    /// The next thing the modem says, or `None` at the deadline. Cancel-safe: a read that is dropped has read nothing.
    async fn next(&mut self, until: Instant) -> io::Result<Option<Heard>> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                self.transcript.hear(&heard);
                return Ok(Some(heard));
            }
            // A timeout lets a read that is ready win: a modem that never stops talking would never time out.
            if Instant::now() >= until {
                return Ok(None);
            }
            let mut buffer = [0_u8; 512];
            let Ok(read) = timeout_at(until, self.port.read(&mut buffer)).await else { return Ok(None) };
            match read {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "hung up")),
                Ok(count) => self.lines.push(buffer.get(..count).unwrap_or_default(), &mut self.heard),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the modem says something unasked, and notes it. Cancel-safe.
    pub(super) async fn overhear(&mut self) -> io::Result<()> {
        let far = Instant::now().checked_add(Duration::from_hours(24)).unwrap_or_else(Instant::now);
        if let Some(heard) = self.next(far).await? {
            self.overheard.note(&heard);
        }
        Ok(())
    }

    /// Listens for so long, and notes what the modem says.
    pub(super) async fn listen_for(&mut self, wait: Duration) -> io::Result<()> {
        let until = after(wait);
        while !wait.is_zero()
            && let Some(heard) = self.next(until).await?
        {
            self.overheard.note(&heard);
        }
        Ok(())
    }

    /// Writes by the deadline at the latest; on an error, the last byte has not left.
    async fn write(&mut self, text: &str, deadline: Instant) -> io::Result<()> {
        self.transcript.say(text);
        let write = self.port.write_all(text.as_bytes());
        let until = after(WRITE_WITHIN).min(deadline);
        timeout_at(until, write).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Writes a command once the modem had its pause after the last one. What was heard before is not its answer.
    async fn begin(&mut self, command: &str) -> io::Result<()> {
        if self.free_at > Instant::now() {
            sleep_until(self.free_at).await;
        }
        while let Some(heard) = self.heard.pop_front() {
            self.overheard.note(&heard);
        }
        self.write(&format!("{command}\r"), after(WRITE_WITHIN)).await
    }

    /// One command and its answer. Lines without its prefix are overheard.
    pub(super) async fn command(&mut self, command: &str, prefix: &str, within: Duration) -> io::Result<Answer> {
        self.begin(command).await?;
        let until = after(within);
        let mut answer = Answer::default();
        let named = command.trim_start_matches("AT").trim_end_matches('?');
        let mine = |line: &str| match prefix {
            "" => false,
            ANY => at::is_plain(line) || line.strip_prefix(named).is_some_and(|rest| rest.starts_with(':')),
            prefix => line.starts_with(prefix),
        };
        while answer.end.is_none() {
            match self.next(until).await? {
                None => break,
                Some(Heard::Final(end)) => answer.end = Some(end),
                Some(Heard::Line(line)) if mine(&line) => answer.info.push(line),
                Some(Heard::Pdu { head, pdu }) if mine(&head) => answer.info.extend([head, pdu]),
                Some(heard) => self.overheard.note(&heard),
            }
        }
        self.free_at = after(self.gap);
        Ok(answer)
    }

    /// Tells the modem to call this number, by voice. What comes of it is to be [heard](Line::hear).
    pub(super) async fn dial(&mut self, number: &Phone) -> io::Result<()> {
        self.begin(&format!("ATD{number};")).await
    }

    /// The next thing that the modem says during a call, or `None` at the deadline.
    pub(super) async fn hear(&mut self, until: Instant) -> io::Result<Option<Heard>> {
        let heard = self.next(until).await?;
        if matches!(heard, Some(Heard::Final(_))) {
            self.free_at = after(self.gap);
        }
        Ok(heard)
    }

    /// Sends one part. Not one byte of it leaves after the deadline.
    pub(super) async fn submit(
        &mut self,
        part: &Encoded,
        timings: &Timings,
        deadline: Instant,
    ) -> Result<Verdict, Lost> {
        let mut exchange = Submit::Prompt { pdu: part.pdu.clone(), echo_is_off: self.echo_is_off };
        let mut pdu_sent = false;
        self.lines.expect_echo_of(&part.pdu);
        self.begin(&format!("AT+CMGS={}", part.tpdu_len)).await.map_err(|error| Lost { error, pdu_sent })?;
        let mut until = after(timings.prompt).min(deadline);
        let verdict = loop {
            let heard = match self.next(until).await {
                Ok(heard) => heard,
                // The network has it; that the port is gone is noticed again by whoever comes next.
                Err(_) if matches!(exchange, Submit::Ok { .. }) => None,
                Err(error) => return Err(Lost { error, pdu_sent }),
            };
            match exchange.on(heard.as_ref()) {
                Act::End(verdict) => break verdict,
                Act::Write(pdu) => {
                    // Ctrl-Z is the last byte: an error means that it has not left.
                    self.write(&pdu, deadline).await.map_err(|error| Lost { error, pdu_sent })?;
                    pdu_sent = true;
                    until = after(timings.result).min(deadline);
                }
                Act::Listen => match heard {
                    Some(Heard::Line(line)) if line.starts_with("+CMGS:") => until = after(timings.ok_after_reference),
                    Some(heard) if !Submit::owns(&heard) => self.overheard.note(&heard),
                    Some(_) | None => {}
                },
            }
        };
        self.free_at = after(self.gap);
        Ok(verdict)
    }

    /// Leaves a prompt that may still be open and makes sure that the modem answers.
    pub(super) async fn wake(&mut self) -> io::Result<bool> {
        self.leave_prompt().await?;
        self.overheard.take_prompt();
        for _ in 0..WAKE_TRIES {
            if self.command("AT", "", WAKE_WITHIN).await?.end == Some(Final::Ok) {
                self.settle().await?; // late answers to earlier tries
                return Ok(true);
            }
            // It took `AT` for a piece of a PDU. That is none now, so that ending the prompt can't send anything.
            if self.overheard.take_prompt() {
                self.write(CTRL_Z, after(WRITE_WITHIN)).await?;
                self.settle().await?;
            }
        }
        Ok(false)
    }

    /// Leaves a prompt that may still be open: what follows would be taken for a piece of a PDU.
    pub(super) async fn leave_prompt(&mut self) -> io::Result<()> {
        self.write(ESC, after(WRITE_WITHIN)).await?;
        self.settle().await
    }

    /// Listens until the modem has nothing more to say.
    async fn settle(&mut self) -> io::Result<()> {
        let latest = after(QUIET.saturating_mul(10));
        while let Some(heard) = self.next(after(QUIET).min(latest)).await? {
            self.overheard.note(&heard);
        }
        Ok(())
    }
}

/// This long from now.
pub(super) fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or(now)
}

impl Transcript {
    fn say(&mut self, text: &str) {
        let shown = match text.split_once("AT+CPIN=") {
            Some(_) => "AT+CPIN=***".to_owned(), // the PIN is in no log and no timeline
            None => text.trim_end_matches('\r').replace(CTRL_Z, "<Ctrl-Z>").replace(ESC, "<ESC>"),
        };
        trace!(said = shown, "modem");
        add(&mut self.said, &shown);
    }

    fn hear(&mut self, heard: &Heard) {
        trace!(?heard, "modem");
        match heard {
            Heard::Final(Final::Ok) => add(&mut self.heard, "OK"),
            Heard::Final(Final::Error) => add(&mut self.heard, "ERROR"),
            Heard::Final(Final::Cme(number)) => add(&mut self.heard, &format!("+CME ERROR: {number}")),
            Heard::Final(Final::Cms(number)) => add(&mut self.heard, &format!("+CMS ERROR: {number}")),
            Heard::Prompt => add(&mut self.heard, ">"),
            Heard::Echo => {}
            Heard::Pdu { head, pdu } => add(&mut self.heard, &format!("{head}\n{pdu}")),
            Heard::Line(line) => add(&mut self.heard, line),
        }
    }
}

fn add(side: &mut String, line: &str) {
    if side.len().saturating_add(line.len()) < MAX_TRANSCRIPT {
        if !side.is_empty() {
            side.push('\n');
        }
        side.push_str(line);
    }
}
