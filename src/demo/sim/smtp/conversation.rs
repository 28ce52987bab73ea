//! One conversation with the simulated mail server: commands in their order, answers, and what goes wrong on the way.
//!
//! Called only by the accept loop. Sources: RFC 5321, clause 4.1 (commands and their order), RFC 4954 (`AUTH`), RFC 4616
//! (`PLAIN`), RFC 6152 (`8BITMIME`), RFC 6531 (`SMTPUTF8`). `PIPELINING` is not offered, so a command that comes before
//! the last one was answered is a mistake.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use super::text;
use super::{Desk, Mail, Mishap, Step};

/// RFC 5321, clause 4.5.3.1.4; an AUTH line may be longer (RFC 4954, clause 4).
const MAX_COMMAND_BYTES: usize = 512;
const MAX_AUTH_BYTES: usize = 12_288;
/// How often a byte drips.
const DRIP: Duration = Duration::from_millis(10);

/// The envelope that is being made.
#[derive(Debug, Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
    eight_bit: bool,
    utf8: bool,
}

struct Conversation {
    desk: Arc<Desk>,
    stream: BufReader<TcpStream>,
    greeted: bool,
    signed_in: bool,
    envelope: Envelope,
}

/// Talks until either side ends it.
pub(super) async fn hold(stream: TcpStream, desk: Arc<Desk>) {
    let stream = BufReader::new(stream);
    let mut talk = Conversation { desk, stream, greeted: false, signed_in: false, envelope: Envelope::default() };
    // However it ends, the record says what came.
    drop(talk.run().await);
}

fn over() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl Conversation {
    async fn run(&mut self) -> io::Result<()> {
        if self.goes_on(Step::Greeting).await? {
            if timeout(Duration::ZERO, self.stream.get_ref().peek(&mut [0; 1]))
                .await
                .is_ok_and(|got| got.is_ok_and(|n| n > 0))
            {
                self.desk.blame("it speaks before it is greeted");
            }
            self.say("220 sim.test ESMTP").await?;
        } else {
            return self.refuse().await;
        }
        loop {
            let line = self.line(MAX_AUTH_BYTES).await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            if line.len() > MAX_COMMAND_BYTES && verb != "AUTH" {
                self.desk.blame(format!("a command of {} bytes", line.len()));
            }
            match verb.as_str() {
                "EHLO" | "HELO" => self.hello(rest).await?,
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.sender(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.envelope = Envelope::default();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" if self.goes_on(Step::Noop).await? => self.say("250 2.0.0 still here").await?,
                "NOOP" => {}
                "QUIT" if self.goes_on(Step::Quit).await? => return self.say("221 2.0.0 bye").await,
                "QUIT" => return Ok(()),
                _ => self.mistake(500, &format!("no such command: {verb:?}")).await?,
            }
        }
    }

    /// Who was not welcome may only leave (RFC 5321, clause 3.1).
    async fn refuse(&mut self) -> io::Result<()> {
        while !self.line(MAX_AUTH_BYTES).await?.eq_ignore_ascii_case("QUIT") {
            self.say("503 5.5.1 there is no service").await?;
        }
        self.say("221 2.0.0 bye").await
    }

    async fn hello(&mut self, name: &str) -> io::Result<()> {
        if name.trim().is_empty() {
            return self.mistake(501, "EHLO without a name").await;
        }
        if !self.goes_on(Step::Hello).await? {
            return Ok(());
        }
        (self.greeted, self.envelope) = (true, Envelope::default());
        let offer = &self.desk.offer;
        let mut lines = vec!["sim.test"];
        lines.extend(offer.eight_bit.then_some("8BITMIME"));
        lines.extend(offer.utf8.then_some("SMTPUTF8"));
        lines.extend(offer.login.is_some().then_some("AUTH PLAIN LOGIN"));
        let lines = lines.iter().fold(String::new(), |all, line| format!("{all}250-{line}\r\n"));
        self.say(&format!("{lines}250 ENHANCEDSTATUSCODES")).await
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let Some(wanted) = self.desk.offer.login.clone().filter(|_| self.greeted && !self.signed_in) else {
            return self.mistake(503, "AUTH where it is not offered").await;
        };
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let got = match (mechanism.to_ascii_uppercase().as_str(), initial) {
            ("PLAIN", "") => plain(&self.ask("").await?),
            ("PLAIN", initial) => plain(initial),
            ("LOGIN", "") => {
                let user = self.ask("VXNlcm5hbWU6").await?;
                decoded(&user).zip(decoded(&self.ask("UGFzc3dvcmQ6").await?))
            }
            _ => return self.mistake(504, &format!("no such mechanism: {mechanism}")).await,
        };
        if !self.goes_on(Step::Login).await? {
            return Ok(());
        }
        match got {
            Some(got) if got == wanted => {
                self.signed_in = true;
                self.say("235 2.7.0 welcome").await
            }
            Some(_) => self.say("535 5.7.8 wrong user or password").await,
            None => self.mistake(501, "what follows AUTH can't be read").await,
        }
    }

    async fn ask(&mut self, challenge: &str) -> io::Result<String> {
        self.say(&format!("334 {challenge}")).await?;
        self.line(MAX_AUTH_BYTES).await
    }

    async fn sender(&mut self, rest: &str) -> io::Result<()> {
        let offer = self.desk.offer.clone();
        if !self.greeted || self.envelope.from.is_some() {
            return self.mistake(503, "MAIL out of order").await;
        }
        if offer.login.is_some() && !self.signed_in {
            return self.mistake(530, "MAIL without a login").await;
        }
        let Some((path, parameters)) = path(rest, "FROM:") else {
            return self.mistake(501, &format!("MAIL {rest:?} can't be read")).await;
        };
        let mut envelope = Envelope { from: Some(path.to_owned()), ..Envelope::default() };
        for parameter in parameters.split_whitespace() {
            match parameter.to_ascii_uppercase().as_str() {
                "BODY=8BITMIME" if offer.eight_bit => envelope.eight_bit = true,
                "BODY=7BIT" if offer.eight_bit => {}
                "SMTPUTF8" if offer.utf8 => envelope.utf8 = true,
                _ => return self.mistake(555, &format!("MAIL with {parameter}, which is not offered")).await,
            }
        }
        if !path.is_ascii() && !envelope.utf8 {
            return self.mistake(553, "a sender beyond ASCII without SMTPUTF8").await;
        }
        if !self.goes_on(Step::Sender).await? {
            return Ok(());
        }
        self.envelope = envelope;
        self.say("250 2.1.0 sender ok").await
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        if self.envelope.from.is_none() {
            return self.mistake(503, "RCPT before MAIL").await;
        }
        let Some((path, "")) = path(rest, "TO:").filter(|(path, _)| path.contains('@')) else {
            return self.mistake(501, &format!("RCPT {rest:?} can't be read")).await;
        };
        if !path.is_ascii() && !self.envelope.utf8 {
            return self.mistake(553, "a recipient beyond ASCII without SMTPUTF8").await;
        }
        if !self.envelope.to.is_empty() {
            return self.mistake(452, "more than one recipient").await;
        }
        if !self.goes_on(Step::Recipient).await? {
            return Ok(());
        }
        self.envelope.to.push(path.to_owned());
        self.say("250 2.1.5 recipient ok").await
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.envelope.to.is_empty() {
            return self.mistake(503, "DATA before RCPT").await;
        }
        if !self.goes_on(Step::Data).await? {
            return Ok(());
        }
        self.say("354 go ahead").await?;
        let mut lines = text::Lines::default();
        loop {
            let line = self.bytes().await?;
            if lines.is_empty() && !self.goes_on(Step::Text).await? {
                return Ok(());
            }
            if !lines.take(&line) {
                break;
            }
        }
        let envelope = std::mem::take(&mut self.envelope);
        if !self.goes_on(Step::Dot).await? {
            return Ok(());
        }
        let (from, to) = (envelope.from.unwrap_or_default(), envelope.to.concat());
        let (raw, mistakes) = lines.judged(envelope.eight_bit, envelope.utf8);
        for mistake in mistakes {
            self.desk.blame(mistake);
        }
        self.desk.keep(Mail::new(from, to, raw));
        if self.goes_on(Step::Kept).await? { self.say("250 2.0.0 queued as SIM1").await } else { Ok(()) }
    }

    /// A client's mistake: remembered, and refused.
    async fn mistake(&mut self, code: u16, why: &str) -> io::Result<()> {
        self.desk.blame(why);
        self.say(&format!("{code} {why}")).await
    }

    /// Waits where a test wants it, and goes wrong where it should. `false`: there was an answer already.
    async fn goes_on(&mut self, step: Step) -> io::Result<bool> {
        if !self.desk.hold(step).await {
            return Err(over());
        }
        match self.desk.mishap(step) {
            None => return Ok(true),
            Some(Mishap::Says(code, words)) => {
                self.say(&format!("{code} {words}")).await?;
                // Whatever follows the start of a text would be taken for commands.
                return if code == 421 || step == Step::Text { Err(over()) } else { Ok(false) };
            }
            Some(Mishap::Garbage) => self.say("\u{1}\u{2} no SMTP").await?,
            Some(Mishap::Close) => return Err(over()),
            Some(Mishap::Reset) => {
                self.stream.get_ref().set_zero_linger()?;
                return Err(over());
            }
            Some(Mishap::Drip) => {
                let mut ticks = interval(DRIP);
                loop {
                    ticks.tick().await;
                    self.stream.get_mut().write_all(b"2").await?;
                }
            }
            Some(Mishap::Hang) => {}
        }
        pending().await
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        if !self.stream.buffer().is_empty() && !answer.starts_with("354") {
            self.desk.blame("it goes on before it is answered");
        }
        self.stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await
    }

    async fn line(&mut self, most: usize) -> io::Result<String> {
        let bytes = self.bytes().await?;
        let whole = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = whole.strip_suffix(b"\r").unwrap_or(whole);
        if line.len().saturating_add(1) != whole.len() || line.contains(&b'\r') {
            self.desk.blame("a command that doesn't end in CR LF");
        }
        if line.len() > most {
            return Err(over());
        }
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    async fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_until(b'\n', &mut bytes).await?;
        if bytes.ends_with(b"\n") { Ok(bytes) } else { Err(over()) }
    }
}

/// The address in angle brackets after this word, and what follows it.
fn path<'r>(rest: &'r str, word: &str) -> Option<(&'r str, &'r str)> {
    let (start, rest) = rest.split_at_checked(word.len())?;
    let (path, parameters) = rest.strip_prefix('<')?.rsplit_once('>')?;
    let well = start.eq_ignore_ascii_case(word) && !path.contains(['<', '>', ' ', '\t']);
    let parted = parameters.is_empty() || parameters.starts_with(' ');
    (well && parted).then(|| (path, parameters.trim()))
}

fn decoded(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

fn plain(base64: &str) -> Option<(String, String)> {
    let decoded = decoded(base64)?;
    let (user, password) = decoded.strip_prefix('\0')?.split_once('\0')?;
    Some((user.to_owned(), password.to_owned()))
}
