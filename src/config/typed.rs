//! The kinds of value an operator types as text: times, sizes, addresses, numbers. One reader each.
//!
//! [`Text`] reads any of them while the file is read, so that a wrong one is a problem with a place like any other.
//! Nothing in here touches the network or a file (the time zone's name is looked up in the system's table).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::Problems;
use crate::model::Phone;

/// A kind of value that is typed as text.
pub(super) trait Typed: Sized {
    /// What should have been written, with an example; completes "expected …".
    const WHAT: &'static str;

    /// The value, if `text` is one.
    fn read(text: &str) -> Option<Self>;
}

/// A value typed as text, read.
#[derive(Debug, Clone)]
pub(super) struct Text<T>(pub(super) T);

impl<T> Text<T> {
    /// The value of a key, or what is taken without it.
    pub(super) fn or(typed: Option<Self>, default: T) -> T {
        typed.map_or(default, |text| text.0)
    }
}

/// What keeps `source` from being a template, in words.
pub(super) fn template_trouble(source: &str) -> Option<String> {
    let error = minijinja::Environment::new().template_from_str(source).err()?;
    let (line, why) = (error.line().unwrap_or(1), error.detail().unwrap_or("not a template"));
    Some(format!("{why} (line {line} of the template)"))
}

/// A text without the spaces around it; `None` when nothing is left.
pub(super) fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A name that may stand in an address, in a channel and in the database.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(plain)
}

/// What [`is_name`] asks for.
pub(super) const NAME_WHAT: &str = "a name here has lower-case letters, digits, - and _ (at most 64)";

impl<'de, T: Typed> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<T: Typed> Visitor<'_> for Reader<T> {
            type Value = Text<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::WHAT)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<T>, E> {
                T::read(text).map(Text).ok_or_else(|| E::custom(format_args!("expected {}", T::WHAT)))
            }
        }
        deserializer.deserialize_str(Reader(PhantomData))
    }
}

/// Times are kept in whole milliseconds, and nothing here is waited for longer than a year.
const TIMES: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(366 * 24);

impl Typed for Duration {
    const WHAT: &'static str = "a time from 1ms to 8784h (366 days), such as \"250ms\", \"45s\" or \"1h 30m\"";

    fn read(text: &str) -> Option<Self> {
        let span: jiff::SignedDuration = text.parse().ok()?;
        Self::try_from(span).ok().filter(|span| TIMES.contains(span))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

impl Typed for Bytes {
    const WHAT: &'static str = "a size such as \"512B\", \"256KiB\", \"16MiB\" or \"1GiB\"";

    fn read(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor: u64 = match text.strip_prefix(digits)?.trim_start() {
            "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            "GiB" => 1024 * 1024 * 1024,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0).map(Self)
    }
}

impl Typed for SocketAddr {
    const WHAT: &'static str = "an address with a port, such as \"127.0.0.1:8787\" or \"[::1]:8787\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Typed for PathBuf {
    const WHAT: &'static str = "a whole path that starts with /";

    fn read(text: &str) -> Option<Self> {
        (text.starts_with('/') && !text.contains('\0')).then(|| Self::from(text))
    }
}

/// A serial port; `None` is the one that answers.
#[derive(Debug, Clone)]
pub(super) struct Port(pub(super) Option<PathBuf>);

impl Typed for Port {
    const WHAT: &'static str = "a whole path that starts with /, or \"auto\"";

    fn read(text: &str) -> Option<Self> {
        if text == "auto" { Some(Self(None)) } else { PathBuf::read(text).map(|path| Self(Some(path))) }
    }
}

impl Typed for Phone {
    const WHAT: &'static str = "a number in E.164: + and 7 to 15 digits, such as \"+15551234567\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Typed for jiff::civil::Time {
    const WHAT: &'static str = "a time of day such as \"04:30\"";

    fn read(text: &str) -> Option<Self> {
        crate::model::oncall::time(text)
    }
}

impl Typed for jiff::tz::TimeZone {
    const WHAT: &'static str = "a time zone this system knows, such as \"Europe/Berlin\" (Debian package tzdata)";

    fn read(text: &str) -> Option<Self> {
        Self::get(text).ok()
    }
}

/// A country as two capital letters (ISO 3166-1 alpha-2), of those that have telephone numbers.
#[derive(Debug, Clone)]
pub(super) struct Country(pub(super) String);

impl Typed for Country {
    const WHAT: &'static str = "a country as two capital letters (ISO 3166), such as \"US\", \"GB\" or \"DE\"";

    fn read(text: &str) -> Option<Self> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())).then(|| Self(text.to_owned()))
    }
}

/// The name of an HTTP header (RFC 9110, clause 5.1: a token).
#[derive(Debug, Clone)]
pub(super) struct HeaderName(pub(super) String);

impl Typed for HeaderName {
    const WHAT: &'static str = "the name of a header, such as \"Authorization\"";

    fn read(text: &str) -> Option<Self> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        (!text.is_empty() && text.bytes().all(token)).then(|| Self(text.to_owned()))
    }
}

/// The start of a vendor's addresses, without the slash at its end: `https://api.example.com/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Cow<'static, str>);

/// RFC 1918 and RFC 4193.
const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

impl BaseUrl {
    /// A vendor's documented address.
    pub(super) const fn known(url: &'static str) -> Self {
        Self(Cow::Borrowed(url))
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What travels there can be read on the way: no TLS, and not this machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.0.starts_with("http://") && !self.is_local()
    }

    /// It is this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match host_and_port(&self.0).map(|(host, _)| (host, ip(host))) {
            Some((_, Some(address))) => address.is_loopback(),
            Some((host, None)) => host.eq_ignore_ascii_case("localhost"),
            None => false,
        }
    }

    /// Whether `wire` would call it at all: plain HTTP goes only to this machine and to private addresses (RFC 1918,
    /// RFC 4193), never to a name, because anybody may answer for that.
    pub(super) fn may_be_called(&self) -> bool {
        !self.is_exposed() || host_and_port(&self.0).is_some_and(|(host, _)| ip(host).is_some_and(is_private))
    }

    /// Whether somebody out there could call it: no address of this machine or this house, and no name without a domain.
    #[must_use]
    pub fn is_public(&self) -> bool {
        let public = |host| ip(host).map_or_else(|| host.contains('.'), |address| !is_private(address));
        !self.is_local() && host_and_port(&self.0).is_some_and(|(host, _)| public(host))
    }

    /// Reports an address that leads and the key at `path` can't or shouldn't be sent to; `what` can be read on its way.
    pub(super) fn check(&self, path: String, what: &str, problems: &mut Problems) {
        if !self.may_be_called() {
            problems.error(path, HTTP_WHAT);
        } else if self.is_exposed() {
            problems.warn(path, format!("http: {what} can be read on their way; use https"));
        }
    }
}

/// What to write instead of plain HTTP to somewhere else.
const HTTP_WHAT: &str = "http only reaches this machine or a private address written as numbers, such as \
                         \"http://192.168.1.20:11434/v1\"; write https:// or that address";

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Host (with the brackets of an IPv6 address) and port of an http(s) address.
fn host_and_port(url: &str) -> Option<(&str, Option<&str>)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let colon = authority.rfind(':').filter(|at| authority.rfind(']').is_none_or(|bracket| *at > bracket));
    match colon.and_then(|at| authority.split_at_checked(at)) {
        Some((host, port)) => Some((host, port.strip_prefix(':'))),
        None => Some((authority, None)),
    }
}

impl Typed for BaseUrl {
    const WHAT: &'static str = "an address such as \"https://api.example.com\", without user, query or fragment";

    fn read(text: &str) -> Option<Self> {
        let (host, port) = host_and_port(text)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_ok = bare.map_or_else(
            || !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
            |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
        );
        let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let clean = text.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\\\"<>".contains(&b));
        (host_ok && port_ok && clean).then(|| Self(Cow::Owned(text.trim_end_matches('/').to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T: Typed>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(T::read(text).is_some(), "{text}");
        }
        for text in bad {
            assert!(T::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn shapes() {
        all::<Duration>(
            &["1ms", "250ms", "45s", "1h 30m", "72h", "10 minutes", "8784h"],
            &["", "15", "0s", "1us", "-5s", "soon", "1 fortnight", "8784h 1ms", "2562047788015215h"],
        );
        all::<Bytes>(
            &["1B", "256KiB", "16 MiB", "1GiB"],
            &["", "KiB", "256", "256KB", "0KiB", "-1B", "99999999999999GiB"],
        );
        all::<SocketAddr>(&["127.0.0.1:8787", "[::1]:0"], &["127.0.0.1", ":8787", "localhost:1"]);
        all::<PathBuf>(&["/x"], &["", "x", "~/x"]);
        all::<Country>(&["US", "GB", "DE"], &["", "us", "U", "USA", "49", "001"]);
        all::<HeaderName>(&["Authorization", "X-Key"], &["", "X Key", "X:Key", "X\n"]);
        all::<jiff::tz::TimeZone>(&["UTC"], &["", "Mars/Olympus"]);
        all::<BaseUrl>(
            &["https://a.example", "http://127.0.0.1:80/v1/", "https://[::1]:8443", "http://localhost:11434/v1"],
            &[
                "",
                "a.example",
                "ftp://a",
                "https://",
                "https://:80",
                "https://a:0",
                "https://a:99999",
                "https://a b",
                "https://a/?q",
                "https://a/#f",
                "https://u:p@a",
                "https://[x]",
                "https://a\r\n",
            ],
        );
    }

    #[test]
    fn values() {
        assert_eq!(Duration::read("1h 30m"), Some(Duration::from_mins(90)));
        assert_eq!(Bytes::read("256KiB"), Some(Bytes(262_144)));
        for (url, bare, local, exposed, callable) in [
            ("https://a.example/v1/", "https://a.example/v1", false, false, true),
            ("http://a.example", "http://a.example", false, true, false),
            ("http://box", "http://box", false, true, false),
            ("http://203.0.113.1", "http://203.0.113.1", false, true, false),
            ("http://192.168.1.20:11434/v1", "http://192.168.1.20:11434/v1", false, true, true),
            ("http://172.31.0.1", "http://172.31.0.1", false, true, true),
            ("http://172.32.0.1", "http://172.32.0.1", false, true, false),
            ("http://[fd00::1]:8080", "http://[fd00::1]:8080", false, true, true),
            ("http://[2001:db8::1]", "http://[2001:db8::1]", false, true, false),
            ("http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", true, false, true),
            ("http://[::1]:9", "http://[::1]:9", true, false, true),
            ("http://localhost", "http://localhost", true, false, true),
            ("http://LocalHost:1", "http://LocalHost:1", true, false, true),
            ("http://localhost.evil.example", "http://localhost.evil.example", false, true, false),
        ] {
            let read = BaseUrl::read(url).unwrap();
            let found = (read.as_str(), read.is_local(), read.is_exposed(), read.may_be_called());
            assert_eq!(found, (bare, local, exposed, callable), "{url}");
        }
    }
}
