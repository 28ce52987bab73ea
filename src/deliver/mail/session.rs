//! One conversation with the server: connect, protect, sign in, hand a letter over. Every wait is bounded.
//!
//! Called by the mailer and its pool. Each step is a command of its own, so that a failure says how far the letter came: no
//! server has it before the dot that ends it, and once that may have left, only the server knows. Never repeats anything,
//! never sends a password without TLS to another machine. Outside rules: RFC 5321, RFC 3207 (`STARTTLS`), RFC 4954
//! (`AUTH`), RFC 6531 (`SMTPUTF8`).

use std::future::Future;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::fault::{Cause, Reply, Stage, Trouble};
use super::letter::Letter;
use super::stream::LineByLine;
use super::{Login, Security, Settings};

/// An address that doesn't answer in 5 s is as good as down; the server may have another one.
const DIAL: Duration = Duration::from_secs(5);
/// Saying goodbye is a courtesy.
const GOODBYE: Duration = Duration::from_secs(1);
/// Servers look for viruses before they answer; who hangs up early sends twice (RFC 5321, clause 4.5.3.2.6).
const VERDICT: Duration = Duration::from_mins(10);
/// What every server speaks; both send the password itself.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

/// Where the server is, and how to come in.
pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    login: Option<Login>,
    ca_file: Option<PathBuf>,
    ehlo_name: String,
    /// Made for the first connection: reading the system's certificates takes a moment.
    tls: OnceLock<TlsParameters>,
}

impl Server {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            login: settings.login.clone(),
            ca_file: settings.ca_file.clone(),
            ehlo_name: settings.ehlo_name.clone(),
            tls: OnceLock::new(),
        }
    }

    fn hello(&self) -> Result<ClientId, Trouble> {
        if self.ehlo_name.is_empty() || !self.ehlo_name.bytes().all(|byte| byte.is_ascii_graphic()) {
            let reason = format!("{:?} is no name that this machine can have", self.ehlo_name);
            return Err(Trouble::new(Stage::Hello, Cause::Unready(reason)));
        }
        Ok(ClientId::Domain(self.ehlo_name.clone()))
    }

    fn tls(&self) -> Result<TlsParameters, Trouble> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = self.make_tls().map_err(|reason| Trouble::new(Stage::Hello, Cause::Unready(reason)))?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }

    fn make_tls(&self) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.ca_file {
            let file = path.display();
            let pem = std::fs::read(path).map_err(|error| format!("{file} can't be read: {error}"))?;
            if !pem.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE) {
                return Err(format!("{file} holds no certificate in PEM"));
            }
            let unfit = |error| format!("{file} holds no usable certificate: {error}");
            builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(unfit)?);
        }
        builder.build().map_err(|error| format!("TLS can't be prepared: {error}"))
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let found = lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.filter(|at| self.security != Security::None || at.ip().is_loopback()).collect())
    }
}

/// How a certificate begins (RFC 7468).
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How long a step may take, and when all of it must have ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    step: Duration,
    ends: Instant,
}

impl Pace {
    pub(super) fn new(step: Duration, all: Duration) -> Self {
        let now = Instant::now();
        Self { step, ends: now.checked_add(all).unwrap_or(now) }
    }

    fn due(&self, within: Duration) -> Instant {
        Instant::now().checked_add(within).map_or(self.ends, |due| due.min(self.ends))
    }

    /// Does one step, in time.
    async fn step<T, E>(&self, stage: Stage, doing: impl Future<Output = Result<T, E>>) -> Result<T, Trouble>
    where
        Cause: From<E>,
    {
        match timeout_at(self.due(self.step), doing).await {
            Ok(done) => done.map_err(|error| Trouble::new(stage, error.into())),
            Err(_) => Err(Trouble::new(stage, Cause::silence())),
        }
    }
}

/// A connection on which a letter can be handed over.
pub(super) struct Session(AsyncSmtpConnection);

impl Session {
    /// Connects and signs in.
    pub(super) async fn open(server: &Server, pace: &Pace) -> Result<Self, Trouble> {
        let hello = server.hello()?;
        let addresses = pace.step(Stage::Hello, server.addresses()).await?;
        if addresses.is_empty() {
            let reason = "without TLS, mail goes only to a server on this machine".to_owned();
            return Err(Trouble::new(Stage::Hello, Cause::Unready(reason)));
        }
        let connection = match server.security {
            Security::Tls => {
                let tls = Some(server.tls()?);
                let dialled = AsyncSmtpConnection::connect_tokio1(&*addresses, Some(DIAL), &hello, tls, None);
                pace.step(Stage::Hello, dialled).await?
            }
            Security::StartTls | Security::None => {
                let stream = Box::new(LineByLine(pace.step(Stage::Hello, dial(&addresses)).await?));
                pace.step(Stage::Hello, AsyncSmtpConnection::connect_with_transport(stream, &hello)).await?
            }
        };
        let mut session = Self(connection);
        if server.security == Security::StartTls {
            session.protect(server, &hello, pace).await?;
        }
        if let Some(login) = &server.login {
            session.sign_in(login, pace).await?;
        }
        Ok(session)
    }

    async fn protect(&mut self, server: &Server, hello: &ClientId, pace: &Pace) -> Result<(), Trouble> {
        if !self.0.can_starttls() {
            return Err(Trouble::new(Stage::StartTls, Cause::Lacks("STARTTLS")));
        }
        pace.step(Stage::StartTls, self.0.starttls(server.tls()?, hello)).await
    }

    async fn sign_in(&mut self, login: &Login, pace: &Pace) -> Result<(), Trouble> {
        if self.0.server_info().get_auth_mechanism(MECHANISMS).is_none() {
            return Err(Trouble::new(Stage::Login, Cause::Lacks("AUTH PLAIN or AUTH LOGIN")));
        }
        let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
        let reply = Reply::of(&pace.step(Stage::Login, self.0.auth(MECHANISMS, &credentials)).await?);
        reply.expect(Stage::Login, 200..300).map(drop)
    }

    /// Whether the server is still there.
    pub(super) async fn noop(&mut self, pace: &Pace) -> Result<Reply, Trouble> {
        self.say(Stage::Hello, Noop, pace).await?.expect(Stage::Hello, 200..300)
    }

    /// Ends the conversation as one should.
    pub(super) async fn close(mut self, pace: &Pace) {
        // Whatever is answered, it is over.
        drop(timeout_at(pace.due(GOODBYE), self.0.quit()).await);
    }

    /// Hands a letter over. `Ok` is the server's word that it has it.
    pub(super) async fn deliver(&mut self, letter: &Letter, pace: &Pace) -> Result<Reply, Trouble> {
        let parameters = self.parameters(letter)?;
        let mail = Mail::new(Some(letter.from.clone()), parameters);
        self.say(Stage::Sender, mail, pace).await?.expect(Stage::Sender, 200..300)?;
        let recipient = Rcpt::new(letter.to.clone(), Vec::new());
        self.say(Stage::Recipient, recipient, pace).await?.expect(Stage::Recipient, 200..300)?;
        self.say(Stage::Data, Data, pace).await?.expect(Stage::Data, 354..355)?;
        self.text(letter, pace).await?.expect(Stage::Verdict, 200..300)
    }

    fn parameters(&self, letter: &Letter) -> Result<Vec<MailParameter>, Trouble> {
        if !letter.needs_utf8() {
            return Ok(Vec::new());
        }
        let info = self.0.server_info();
        if !info.supports_feature(Extension::SmtpUtfEight) || !info.supports_feature(Extension::EightBitMime) {
            return Err(Trouble::new(Stage::Sender, Cause::AsciiOnly));
        }
        Ok(vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)])
    }

    /// Sends the text and hears the verdict. The connection asks for the next piece of the text just before it writes the
    /// dot: from then on the server may have the letter, whatever goes wrong.
    async fn text(&mut self, letter: &Letter, pace: &Pace) -> Result<Reply, Trouble> {
        let dotted = AtomicBool::new(false);
        // The connection ends the last line itself, along with the dot.
        let text = letter.bytes.strip_suffix(b"\r\n").unwrap_or(&letter.bytes);
        let mut pieces = iter::once(text);
        let pieces = iter::from_fn(|| {
            let piece = pieces.next();
            dotted.fetch_or(piece.is_none(), Ordering::Relaxed);
            piece
        });
        let mut sending = pin!(self.0.message_iter(pieces));
        let mut got = timeout_at(pace.due(pace.step), &mut sending).await;
        if got.is_err() && dotted.load(Ordering::Relaxed) {
            got = timeout_at(pace.due(VERDICT), &mut sending).await;
        }
        let stage = if dotted.load(Ordering::Relaxed) { Stage::Verdict } else { Stage::Text };
        match got {
            Ok(Ok(response)) => Ok(Reply::of(&response)),
            Ok(Err(error)) => Err(Trouble::new(stage, error.into())),
            Err(_) => Err(Trouble::new(stage, Cause::silence())),
        }
    }

    async fn say(&mut self, stage: Stage, command: impl std::fmt::Display, pace: &Pace) -> Result<Reply, Trouble> {
        pace.step(stage, self.0.command(command)).await.map(|response| Reply::of(&response))
    }
}

/// Connects to the first address that answers.
async fn dial(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match timeout(DIAL, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(last)
}
