//! The desk itself: its listeners, its folder, whose desk it is, how it logs.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::typed::{BaseUrl, Bytes, Country, Text, trimmed};
use super::{Problems, Tls, raw};

/// The tunnel runs on the same box; nothing else has a reason to connect.
const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8787));
/// Health is for this box and whoever may log in to it.
const ADMIN_LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8788));
/// A HubSpot contact with all its versions is some 100 KiB.
const MAX_BODY_BYTES: u64 = 256 * 1024;
/// Twice what common proxies let through.
const MAX_HEADER_BYTES: u64 = 16 * 1024;
/// A body is held in memory, several times over.
const MOST_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Less and hyper refuses to start; more and 256 connections would fill a small box.
const HEADER_BYTES: std::ops::RangeInclusive<usize> = 8 * 1024..=1024 * 1024;
/// More than any CRM opens (HubSpot: 10), at some 50 KiB each.
const MAX_CONNECTIONS: u16 = 256;
/// More than a client needs, and few enough that it takes many to fill the seats.
const MAX_CONNECTIONS_PER_PEER: u16 = 16;
/// Long for a tunnel on the same box, short for somebody who drips bytes.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// cloudflared keeps idle connections for 90 s; the tunnel must be the one that closes them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(100);
/// Two thirds of what the unit allows before it kills.
const DRAIN_GRACE: Duration = Duration::from_secs(20);
/// systemd-timesyncd(8) makes it at the first synchronisation after a start.
const CLOCK_SYNC_FILE: &str = "/run/systemd/timesync/synchronized";
/// What the package creates.
const DATA_DIR: &str = "/var/lib/nightdesk";
/// In the unit's runtime directory.
const CONTROL_SOCKET: &str = "/run/nightdesk/control.sock";
/// `sun_path` in unix(7), less the zero byte at its end.
const MOST_SOCKET_PATH_BYTES: usize = 107;
/// Room for some four hundred leads and SQLite's own needs.
const LOW_WATER_MARK_BYTES: u64 = 64 * 1024 * 1024;
/// Room for the outcomes of everything that can be in flight, many times over.
const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Where most forms come from whose numbers carry no country.
const COUNTRY: &str = "US";

/// The listeners and their limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Where webhooks arrive: the tunnel's origin.
    pub listen: SocketAddr,
    /// Where health is asked for; never through the tunnel.
    pub admin_listen: SocketAddr,
    /// The address senders use, as signatures cover it.
    pub public_url: Option<BaseUrl>,
    /// Largest body.
    pub max_body_bytes: usize,
    /// Largest request head.
    pub max_header_bytes: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Connections of one peer at the same time; the tunnel, on loopback, isn't counted.
    pub max_connections_per_peer: usize,
    /// A request must have arrived by then.
    pub read_timeout: Duration,
    /// A connection may be silent for so long between requests.
    pub idle_timeout: Duration,
    /// What is in flight may take this long after a stop was asked for.
    pub drain_grace: Duration,
    /// There once the system's clock was synchronised.
    pub clock_sync_file: PathBuf,
    /// TLS; without it plain HTTP.
    pub tls: Option<Tls>,
}

/// Where data lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// The folder of the database.
    pub data_dir: PathBuf,
    /// The socket between CLI and daemon.
    pub control_socket: PathBuf,
    /// With less free space than this, no new lead is accepted.
    pub low_water_mark_bytes: u64,
    /// Size of the file that is given up so that outcomes can still be written.
    pub ballast_bytes: u64,
}

/// Who we are: for the model's prompt and for reading numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Business {
    /// Our name.
    pub name: Option<String>,
    /// What we sell, and to whom.
    pub description: Option<String>,
    /// The country of a number without one: two capital letters.
    pub country: String,
    /// The zone of times shown to people.
    pub time_zone: TimeZone,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// The least important line that is still written.
    pub level: LogLevel,
    /// Whether lead text, prompts and answers are logged.
    pub content: LogContent,
    /// What a line looks like.
    pub format: LogFormat,
}

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Whether lead text, prompts and answers are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogContent {
    /// They are.
    Full,
    /// They are not.
    Redacted,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Journal fields under systemd, lines for people elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// Journal fields.
    Journal,
}

impl Server {
    pub(super) fn of(raw: raw::Server, problems: &mut Problems) -> Self {
        let server = Self {
            listen: Text::or(raw.listen, LISTEN),
            admin_listen: Text::or(raw.admin_listen, ADMIN_LISTEN),
            public_url: raw.public_url.map(|url| url.0),
            max_body_bytes: bytes(raw.max_body, MAX_BODY_BYTES),
            max_header_bytes: bytes(raw.max_header_bytes, MAX_HEADER_BYTES),
            max_connections: usize::from(raw.max_connections.unwrap_or(MAX_CONNECTIONS)),
            max_connections_per_peer: usize::from(raw.max_connections_per_peer.unwrap_or(MAX_CONNECTIONS_PER_PEER)),
            read_timeout: Text::or(raw.read_timeout, READ_TIMEOUT),
            idle_timeout: Text::or(raw.idle_timeout, IDLE_TIMEOUT),
            drain_grace: Text::or(raw.drain_grace, DRAIN_GRACE),
            clock_sync_file: Text::or(raw.clock_sync_file, CLOCK_SYNC_FILE.into()),
            tls: raw.tls.and_then(|tls| Tls::of(tls, problems)),
        };
        server.check(problems);
        server
    }

    fn check(&self, problems: &mut Problems) {
        if self.listen == self.admin_listen && self.listen.port() != 0 {
            problems.error("server.admin-listen", "the same address as server.listen: health must not be public");
        }
        if !self.admin_listen.ip().is_loopback() {
            problems.warn("server.admin-listen", "not loopback: anybody on that network can ask how the desk is");
        }
        if self.public_url.as_ref().is_some_and(BaseUrl::is_exposed) {
            problems.warn("server.public-url", "http: leads and secrets can be read on their way; use https");
        }
        if self.max_body_bytes > MOST_BODY_BYTES {
            problems.error("server.max-body", "too much for a small box: at most 16MiB");
        }
        if !HEADER_BYTES.contains(&self.max_header_bytes) {
            problems.error("server.max-header-bytes", "write a size from 8KiB to 1MiB");
        }
        if self.max_connections == 0 {
            problems.error("server.max-connections", "at least 1");
        }
        if self.max_connections_per_peer == 0 {
            problems.error("server.max-connections-per-peer", "at least 1");
        }
    }
}

fn bytes(typed: Option<Text<Bytes>>, default: u64) -> usize {
    usize::try_from(Text::or(typed, Bytes(default)).0).unwrap_or(usize::MAX)
}

impl Storage {
    pub(super) fn of(raw: raw::Storage, problems: &mut Problems) -> Self {
        let control_socket = Text::or(raw.control_socket, CONTROL_SOCKET.into());
        if control_socket.as_os_str().len() > MOST_SOCKET_PATH_BYTES {
            problems.error("storage.control-socket", "too long for a socket: at most 107 bytes");
        }
        Self {
            data_dir: Text::or(raw.data_dir, DATA_DIR.into()),
            control_socket,
            low_water_mark_bytes: Text::or(raw.low_water_mark, Bytes(LOW_WATER_MARK_BYTES)).0,
            ballast_bytes: Text::or(raw.ballast, Bytes(BALLAST_BYTES)).0,
        }
    }
}

impl Business {
    pub(super) fn of(raw: raw::Business) -> Self {
        Self {
            name: trimmed(raw.name),
            description: trimmed(raw.description),
            country: Text::or(raw.country, Country(COUNTRY.to_owned())).0,
            time_zone: Text::or(raw.time_zone, TimeZone::UTC),
        }
    }
}

impl Log {
    pub(super) fn of(raw: &raw::Log) -> Self {
        Self {
            level: raw.level.unwrap_or(LogLevel::Info),
            // Whoever is woken at night must see what the desk saw.
            content: raw.content.unwrap_or(LogContent::Full),
            format: raw.format.unwrap_or(LogFormat::Auto),
        }
    }
}
