//! An office for a test: the real binary in a child process, and around it, in this process, the simulated vendors, which
//! are the oracle of what really happened. Everything lies in a folder of its own; every port is free.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod lead;
pub(crate) mod look;
pub(crate) mod strace;
pub(crate) mod tls;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nightdesk::control::{self, Request, Response};
use nightdesk::demo::sim::modem::Setup;
use nightdesk::demo::sim::{HubSpot, Llm, Modem, Sim, Twilio};
use nightdesk::store::Reader;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

pub(crate) use lead::Post;

/// What the desk calls itself outside; only signatures see it.
pub(crate) const PUBLIC_URL: &str = "https://leads.example.com";
/// HubSpot's client secret, with which the office's HubSpot source is signed.
pub(crate) const HUBSPOT_SECRET: &str = "hubspot-client-secret-of-this-test";
/// The bearer token of the office's website source.
pub(crate) const WEBSITE_SECRET: &str = "website-secret-of-this-test";
const LLM_KEY: &str = "llm-key-of-this-test";
const HUBSPOT_TOKEN: &str = "pat-token-of-this-test";
const TWILIO_ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TWILIO_TOKEN: &str = "twilio-token-of-this-test";
/// Every secret of the office: none may be in a log, a database or an answer.
pub(crate) const SECRETS: [&str; 5] = [HUBSPOT_SECRET, WEBSITE_SECRET, LLM_KEY, HUBSPOT_TOKEN, TWILIO_TOKEN];
/// Nothing a test waits for takes longer, on however slow a machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// An office: the vendors, and the desk when it runs.
pub(crate) struct Office {
    pub(crate) llm: Sim<Llm>,
    pub(crate) hubspot: Sim<HubSpot>,
    pub(crate) twilio: Sim<Twilio>,
    pub(crate) modem: Modem,
    folder: TempDir,
    desk: Option<Child>,
    /// Where it listens, while it runs.
    pub(crate) intake: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
    env: Vec<(String, String)>,
    traced: Option<String>,
    log_read: u64,
}

impl Office {
    /// An office whose desk doesn't run yet. `more` is added to the configuration; a table named there replaces the
    /// office's own.
    pub(crate) async fn new(more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("nd").tempdir().unwrap();
        let llm = Sim::spawn(Llm::new(LLM_KEY)).await.unwrap();
        let hubspot = HubSpot::new(HUBSPOT_TOKEN)
            .enum_property("auto_classification", &["URGENT_BUYER", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"])
            .bool_property("high_priority");
        let hubspot = Sim::spawn(hubspot).await.unwrap();
        let twilio = Sim::spawn(Twilio::new(TWILIO_ACCOUNT, TWILIO_TOKEN)).await.unwrap();
        let modem = Setup::default().spawn(folder.path().join("modem")).unwrap();
        let office = Self {
            llm,
            hubspot,
            twilio,
            modem,
            folder,
            desk: None,
            intake: None,
            admin: None,
            env: Vec::new(),
            traced: None,
            log_read: 0,
        };
        office.write_secrets();
        office.configure(more);
        office
    }

    /// A running office.
    pub(crate) async fn open() -> Self {
        let mut office = Self::new("").await;
        office.start().await;
        office
    }

    /// The office's folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write_secrets(&self) {
        for (name, secret) in
            ["hubspot-secret", "website-secret", "llm-key", "hubspot-token", "twilio-token"].into_iter().zip(SECRETS)
        {
            self.write_secret(name, secret);
        }
    }

    /// Puts a secret into a file of the office's folder that nobody else may read.
    pub(crate) fn write_secret(&self, name: &str, secret: &str) {
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).write(true).truncate(true).mode(0o600).open(self.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, secret.as_bytes()).unwrap();
    }

    /// Writes the configuration: the office's own, with the tables of `more` in place of its own of the same name.
    pub(crate) fn configure(&self, more: &str) {
        let mut tables: toml::Table = self.own_configuration().parse().unwrap();
        for (name, table) in more.parse::<toml::Table>().unwrap() {
            match (tables.get_mut(&name), table) {
                // A team, where the office has one person.
                (Some(own), toml::Value::Table(more)) if more.contains_key("people") => *own = more.into(),
                (Some(toml::Value::Table(own)), toml::Value::Table(more)) => own.extend(more),
                (_, table) => drop(tables.insert(name, table)),
            }
        }
        std::fs::write(self.config(), toml::to_string(&tables).unwrap()).unwrap();
    }

    fn own_configuration(&self) -> String {
        let at = self.path().display();
        let (llm, hubspot, twilio) = (self.llm.base_url(), self.hubspot.base_url(), self.twilio.base_url());
        format!(
            r#"
[server]
listen = "127.0.0.1:0"
admin-listen = "127.0.0.1:0"
public-url = "{PUBLIC_URL}"
[storage]
data-dir = "{at}/data"
control-socket = "{at}/control.sock"
low-water-mark = "1MiB"
ballast = "1MiB"
[business]
description = "We rent out tents and floors for events."
[oncall]
name = "Dana"
phone = "+15551230001"
[sources.crm]
kind = "hubspot-workflow"
auth = {{ scheme = "hubspot", secret = {{ file = "{at}/hubspot-secret" }} }}
crm = "hubspot"
max-per-minute = 600000
max-in-flight = 256
[sources.website]
kind = "json"
auth = {{ scheme = "shared-secret", header = "Authorization", prefix = "Bearer ", secret = {{ file = "{at}/website-secret" }} }}
crm = "hubspot"
max-per-minute = 600000
max-in-flight = 256
[sources.website.fields]
message = ["/properties/message/value", "/message"]
email = ["/properties/email/value", "/email"]
name = "/name"
phone = "/phone"
record-id = "/contact"
event-id = "/event"
[[llm]]
name = "openai"
base-url = "{llm}"
model = "gpt-test"
key = {{ file = "{at}/llm-key" }}
timeout = "2s"
first-timeout = "2s"
input-price = 0.15
output-price = 0.6
[classify]
deadline = "6s"
[sms]
channels = ["modem0", "twilio"]
digest-after = 100000
failover-after = "4s"
report-wait = "1s"
[modem.modem0]
port = "{at}/modem"
parts-per-hour = 100000
parts-per-day = 100000
[modem.modem0.timings]
part-gap = "1ms"
reopen = "100ms"
[twilio]
base-url = "{twilio}"
account-sid = "{TWILIO_ACCOUNT}"
token = {{ file = "{at}/twilio-token" }}
from = "+15557122661"
timeout = "2s"
[crm.hubspot]
kind = "hubspot"
base-url = "{hubspot}"
token = {{ file = "{at}/hubspot-token" }}
timeout = "2s"
[outbox]
retry-base = "100ms"
retry-cap = "1s"
note-after = "5s"
breaker-pause = "500ms"
[log]
level = "debug"
format = "json"
"#
        )
    }

    /// The configuration's path.
    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("nightdesk.toml")
    }

    /// The log of every start so far.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.path().join("log")
    }

    /// The log of every start so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Sets a variable for the next starts; an empty value takes it away.
    pub(crate) fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.env.push((name.to_owned(), value.to_owned()));
        }
    }

    /// From the next start on, follows these system calls of the desk (separated by commas).
    pub(crate) fn trace(&mut self, calls: &str) {
        self.traced = Some(calls.to_owned());
    }

    /// What the last desk asked of the kernel. It must have ended: strace writes the rest then.
    pub(crate) fn traced(&self) -> Vec<strace::Event> {
        assert!(self.desk.is_none(), "the desk runs");
        strace::read(&self.path().join("trace"))
    }

    /// A command of the binary on this office's configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
        command.arg("--config").arg(self.config()).args(args).stdin(Stdio::null());
        command
    }

    /// Starts the desk and waits until it takes leads. A desk that stops itself on its way is waited for by
    /// [`Office::stopped`] instead: see [`Office::spawn`].
    pub(crate) async fn start(&mut self) {
        self.spawn();
        let opened = self.until_logged("the desk is open").await;
        self.intake = Some(opened["fields"]["intake"].as_str().unwrap().parse().unwrap());
        self.admin = Some(opened["fields"]["admin"].as_str().unwrap().parse().unwrap());
    }

    /// Starts the desk and doesn't wait.
    pub(crate) fn spawn(&mut self) {
        assert!(self.desk.is_none(), "the desk runs");
        self.log_read = std::fs::metadata(self.log_path()).map_or(0, |file| file.len());
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = self.command(&["run"]);
        if let Some(calls) = &self.traced {
            command = strace::follow(&command, calls, &self.path().join("trace"));
        }
        command.stdin(Stdio::null()).envs(self.env.iter().map(|(name, value)| (name, value)));
        self.desk = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// The entry of this start's log whose message is `message`.
    pub(crate) async fn until_logged(&mut self, message: &str) -> Value {
        let mut ticks = interval(Duration::from_millis(5));
        let deadline = Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            if let Some(entry) = self.logged(message) {
                return entry;
            }
            if let Some(status) = self.desk.as_mut().and_then(|desk| desk.try_wait().unwrap()) {
                panic!("the desk ended with {status} before {message:?}\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "no {message:?} in\n{}", self.log());
        }
    }

    /// The first entry of this start's log with that message.
    pub(crate) fn logged(&self, message: &str) -> Option<Value> {
        let mut log = String::new();
        let mut file = File::open(self.log_path()).ok()?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(self.log_read)).ok()?;
        file.read_to_string(&mut log).ok()?;
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|entry| entry["message"] == message)
    }

    /// The desk's process.
    pub(crate) fn pid(&self) -> u32 {
        let child = self.desk.as_ref().expect("the desk runs").id();
        if self.traced.is_some() { strace::followed(child).expect("strace follows the desk") } else { child }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        signal(self.pid(), Signal::KILL).unwrap();
        self.desk.take().expect("the desk runs").wait().unwrap();
    }

    /// Waits until the desk has stopped itself (SIGSTOP) at a failpoint, or has ended. `true`: it is stopped.
    pub(crate) async fn stopped(&mut self) -> bool {
        let mut ticks = interval(Duration::from_millis(2));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            ticks.tick().await;
            if self.is_stopped() {
                return true;
            }
            if self.desk.as_mut().is_none_or(|desk| desk.try_wait().unwrap().is_some()) {
                return false;
            }
        }
        panic!("the desk neither stopped nor ended\n{}", self.log());
    }

    /// Whether the desk has stopped itself.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Whether the desk has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.desk.as_mut().is_some_and(|desk| desk.try_wait().unwrap().is_some())
    }

    /// Asks it to stop as systemd does, and waits for its exit.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.signal_stop();
        self.exit().await
    }

    /// Asks it to stop as systemd does.
    pub(crate) fn signal_stop(&self) {
        signal(self.pid(), Signal::TERM).unwrap();
    }

    /// Asks it to read its certificate again.
    pub(crate) fn signal_reload(&self) {
        signal(self.pid(), Signal::HUP).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let mut desk = self.desk.take().expect("the desk runs");
        let waited = tokio::task::spawn_blocking(move || desk.wait().unwrap());
        timeout(PATIENCE, waited).await.expect("the desk ends").unwrap()
    }

    /// Asks through the control socket.
    pub(crate) async fn ask(&self, request: &Request) -> Response {
        control::ask(&self.path().join("control.sock"), request).await.unwrap()
    }

    /// Posts, and returns status and body.
    pub(crate) async fn post(&self, post: &Post) -> (u16, Value) {
        self.try_post(post).await.expect("an answer")
    }

    /// Posts; `None` when the connection broke before a whole answer.
    pub(crate) async fn try_post(&self, post: &Post) -> Option<(u16, Value)> {
        let (status, _, body) = exchange(self.intake.unwrap(), &post.bytes()).await?;
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Posts, and returns status, head and body as they came.
    pub(crate) async fn exchange(&self, post: &Post) -> (u16, String, Vec<u8>) {
        exchange(self.intake.unwrap(), &post.bytes()).await.expect("an answer")
    }

    /// Reads the database.
    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.path().join("data")).unwrap()
    }

    /// Waits until `look` finds what it wants in the database.
    pub(crate) async fn until<T>(&self, what: &str, look: impl Fn(&Reader) -> Option<T>) -> T {
        let reader = self.reader();
        let mut ticks = interval(Duration::from_millis(5));
        let deadline = Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            if let Some(found) = look(&reader) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what} did not come about\n{}", self.log());
        }
    }

    /// Waits until every lead has settled and there are `leads` of them.
    pub(crate) async fn until_settled(&self, leads: u32) {
        self.until("settling", |reader| {
            let counts = reader.counts().unwrap();
            (counts.leads >= leads && counts.open_leads == 0).then_some(())
        })
        .await;
    }

    /// What the vendors hold against the desk.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut all = self.llm.violations();
        all.extend(self.hubspot.violations());
        all.extend(self.twilio.violations());
        all.extend(self.modem.violations());
        all
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(mut desk) = self.desk.take() {
            // strace would let go of a desk that it follows, not end it.
            if let Some(pid) = self.traced.as_ref().and_then(|_| strace::followed(desk.id())) {
                let _gone_already = signal(pid, Signal::KILL);
            }
            drop(desk.kill());
            drop(desk.wait());
        }
    }
}

fn signal(pid: u32, signal: Signal) -> rustix::io::Result<()> {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal)
}

/// One HTTP exchange on a connection of its own: status, head, body. `None` when the connection broke first.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> Option<(u16, String, Vec<u8>)> {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..split]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, head, answer[split + 4..].to_vec()))
    };
    timeout(PATIENCE, talk).await.ok().flatten()
}
