//! The demo's folder: a configuration and secrets as an operator would write them, for a desk of its own.
//!
//! It is made anew for each run, below the system's folder for temporary files, and stays when the demo ends, so that
//! one can look at the database and point the command line at it. Everything in it is this user's alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::people::{DANA, LEE};
use super::samples::PORTAL;
use super::world::{ACCOUNT, AGENT, MODEL, SF_CLIENT, SF_KEY, SPARE, World};

/// The path of a socket has at most so many bytes (`unix(7)`, less the zero at its end).
const MOST_SOCKET_PATH_BYTES: usize = 107;
/// Tries to find a name that nobody has.
const TRIES: usize = 16;

/// The address senders know. The tunnel in front of a real desk would end at its listener.
pub(super) const PUBLIC_URL: &str = "https://leads.example.com";

/// What the peers and the desk know of each other: made up for this run, worth nothing elsewhere.
pub(super) struct Keys {
    pub(super) hubspot_client: String,
    pub(super) hubspot: String,
    pub(super) salesforce_hook: String,
    pub(super) salesforce: String,
    pub(super) openai: String,
    pub(super) anthropic: String,
    pub(super) zendesk: String,
    pub(super) smtp: String,
    pub(super) addresses: String,
    pub(super) twilio: String,
    pub(super) website: String,
    pub(super) pin: String,
}

impl Keys {
    pub(super) fn fresh() -> Self {
        let (hubspot, openai) = (format!("pat-{}", random(24)), format!("sk-{}", random(32)));
        let pin = fastrand::u16(1_000..10_000).to_string();
        Self {
            hubspot_client: random(32),
            hubspot,
            salesforce_hook: random(24),
            salesforce: random(40),
            openai,
            anthropic: format!("sk-ant-{}", random(32)),
            zendesk: random(40),
            smtp: random(16),
            addresses: random(32),
            twilio: random(32),
            website: random(24),
            pin,
        }
    }
}

fn random(chars: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(chars).collect()
}

/// A folder that is this run's alone.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub(super) fn create() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..TRIES {
            let folder = Self(home().join(format!("nightdesk-demo-{}", random(6))));
            match private_dir(&folder.0) {
                Ok(()) => {
                    private_dir(&folder.0.join("secrets"))?;
                    return Ok(folder);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("nightdesk.toml")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Where the modem's port is, as `/dev/serial/by-id` would have it.
    pub(super) fn port(&self) -> PathBuf {
        self.0.join("modem")
    }

    pub(super) fn secret(&self, name: &str) -> PathBuf {
        self.0.join("secrets").join(name)
    }

    /// A secret as the configuration names it.
    fn named(&self, name: &str) -> String {
        format!("{{ file = {} }}", quoted(&self.secret(name)))
    }

    /// Writes the configuration of a desk in this world, and its secrets.
    pub(super) fn furnish(&self, keys: &Keys, world: &World) -> io::Result<()> {
        for (name, secret) in [
            ("hubspot-client-secret", &keys.hubspot_client),
            ("hubspot-token", &keys.hubspot),
            ("salesforce-secret", &keys.salesforce_hook),
            ("salesforce-client-secret", &keys.salesforce),
            ("openai-key", &keys.openai),
            ("anthropic-key", &keys.anthropic),
            ("zendesk-token", &keys.zendesk),
            ("smtp-password", &keys.smtp),
            ("mail-key", &keys.addresses),
            ("twilio-token", &keys.twilio),
            ("website-secret", &keys.website),
            ("sim-pin", &keys.pin),
        ] {
            writeln!(private_file(&self.secret(name))?, "{secret}")?;
        }
        private_file(&self.config())?.write_all(self.text(world).as_bytes())
    }

    /// The configuration, as `debian/nightdesk.toml` explains it.
    fn text(&self, world: &World) -> String {
        let secret = |name| self.named(name);
        format!(
            r#"# Written by `nightdesk demo`: a desk whose world is simulated on this machine.
[server]
listen = "127.0.0.1:0"                         # any free port
admin-listen = "127.0.0.1:0"
public-url = "{PUBLIC_URL}"

[storage]
data-dir = {data}
control-socket = {socket}
ballast = "256KiB"                             # this folder stays behind: keep it small

[business]
name = "Northwind Scanners"
description = "Barcode scanners and their software, for warehouses."
time-zone = "{zone}"

[oncall]
chain = [{{ who = "{}", wait = "6s" }}, {{ who = "{}" }}]   # a clock of the demo: a person gets minutes

[oncall.people.{}]
name = "{}"
phone = "{}"

[oncall.people.{}]
name = "{}"
phone = "{}"

[sources.hubspot]
kind = "hubspot-workflow"
auth = {{ scheme = "hubspot", secret = {client} }}
crm = "hubspot"
account = "{PORTAL}"

[sources.website]
kind = "json"
auth = {{ scheme = "shared-secret", header = "Authorization", prefix = "Bearer ", secret = {website} }}
crm = "hubspot"
[sources.website.fields]
message = ["/properties/message/value", "/message"]
email = ["/properties/email/value", "/email"]
phone = ["/properties/phone/value", "/phone"]
name = "/name"
record-id = "/record-id"

[[llm]]
name = "openai"
base-url = "{llm}"
model = "{MODEL}"
key = {openai}
input-price = 0.25
output-price = 2.00

[[llm]]                                        # asked when the first doesn't answer
name = "anthropic"
protocol = "anthropic"
base-url = "{spare}"
model = "{SPARE}"
key = {anthropic}
input-price = 1.00
output-price = 5.00

[spending]
llm-per-day = 2.00                             # then a person reads the leads until midnight
currency = "USD"

[sms]
channels = ["modem0", "twilio"]
failover-after = "3s"                          # another clock of the demo that is not the default (30 s)

[outbox]
retry-base = "200ms"                           # and another (1 s): Twilio is asked sooner what became of a text

[modem.modem0]
port = {port}
pin = {pin}
parts-per-hour = 1000
parts-per-day = 1000
timings = {{ part-gap = "1ms", reopen = "500ms" }}

[twilio]
base-url = "{twilio_url}"
account-sid = "{ACCOUNT}"
token = {twilio}
from = "+13035550100"

{mail}
{crms}"#,
            DANA.key,
            LEE.key,
            DANA.key,
            DANA.name,
            DANA.number,
            LEE.key,
            LEE.name,
            LEE.number,
            data = quoted(&self.data()),
            socket = quoted(&self.0.join(SOCKET)),
            zone = TimeZone::system().iana_name().unwrap_or("UTC"),
            client = secret("hubspot-client-secret"),
            website = secret("website-secret"),
            llm = world.llm.base_url(),
            openai = secret("openai-key"),
            spare = world.spare.base_url(),
            anthropic = secret("anthropic-key"),
            port = quoted(&self.port()),
            pin = secret("sim-pin"),
            twilio_url = world.twilio.base_url(),
            twilio = secret("twilio-token"),
            mail = self.mail(world),
            crms = self.crms(world),
        )
    }

    /// The mail to who only asks, and the help desk for who needs help.
    fn mail(&self, world: &World) -> String {
        let secret = |name| self.named(name);
        format!(
            r#"[mail]
from = "Northwind Scanners <hello@northwind.example>"
reply-to = "sales@northwind.example"
key = {key}
postal-address = "Northwind Scanners, 12 Dock Road, Portland"
footer = "You get this one mail because you wrote to us on northwind.example."
calendar-url = "https://calendar.example/northwind"

[mail.smtp]
host = "127.0.0.1"
port = {port}
security = "none"                              # it is on this machine; a real one has "starttls" or "tls"
user = "{AGENT}"
password = {password}

[[mail.resources]]
title = "Scanner or camera: what a phone can't do"
url = "https://northwind.example/compare"
topics = ["compare", "camera"]

[[mail.resources]]
title = "1D and 2D codes in five minutes"
url = "https://northwind.example/codes"
topics = ["1D", "2D"]

[[mail.resources]]
title = "All scanners with prices"
url = "https://northwind.example/scanners"

[ticket]
kind = "zendesk"
base-url = "{zendesk_url}"
user = "{AGENT}"
token = {zendesk}
"#,
            key = secret("mail-key"),
            port = world.smtp.address().port(),
            password = secret("smtp-password"),
            zendesk_url = world.zendesk.base_url(),
            zendesk = secret("zendesk-token"),
        )
    }

    /// The CRMs, and the source that only one of them needs.
    fn crms(&self, world: &World) -> String {
        let secret = |name| self.named(name);
        format!(
            r#"[crm.hubspot]
kind = "hubspot"
base-url = "{hubspot_url}"
token = {hubspot}

[sources.salesforce]
kind = "salesforce-outbound"
auth = {{ scheme = "salesforce", organization-id = "{organization}", secret = {hook} }}
crm = "salesforce"

[crm.salesforce]
kind = "salesforce"
base-url = "{salesforce_url}"
client-id = "{SF_CLIENT}"
client-secret = {salesforce}
task-key-field = "{SF_KEY}"
"#,
            hubspot_url = world.hubspot.base_url(),
            hubspot = secret("hubspot-token"),
            organization = world.salesforce.organization(),
            hook = secret("salesforce-secret"),
            salesforce_url = world.salesforce.base_url(),
            salesforce = secret("salesforce-client-secret"),
        )
    }
}

const SOCKET: &str = "control.sock";

/// The system's folder for temporary files; where its name is too long for a socket in it, the usual one.
fn home() -> PathBuf {
    let home = std::env::temp_dir();
    let room = MOST_SOCKET_PATH_BYTES.saturating_sub("/nightdesk-demo-123456/".len()).saturating_sub(SOCKET.len());
    if home.is_absolute() && home.as_os_str().len() <= room { home } else { PathBuf::from("/tmp") }
}

fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A path as TOML writes it.
fn quoted(path: &Path) -> String {
    toml::Value::from(path.to_string_lossy().into_owned()).to_string()
}
