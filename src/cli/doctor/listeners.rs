//! The two listeners and the control socket: whether somebody is there, and whether it is the desk.
//!
//! Rule: proc(5), `/proc/net/tcp`: addresses are hexadecimal in the machine's own byte order, 0A is listening.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::super::CliError;
use super::super::desk::Desk;
use super::{Around, Report};
use crate::control::{ControlError, Request, Response};

const SOCKET: &str = "control socket";

/// A socket that listens.
#[derive(Debug, PartialEq, Eq)]
struct Listener {
    at: SocketAddr,
    inode: u64,
}

pub(super) async fn look(around: &Around<'_>, desk: &Desk, report: &mut Report) {
    let found = control(desk, report).await;
    let server = &around.config.server;
    let listening = listeners(&around.roots.proc);
    let intake = if let Found::At(intake) = found { intake } else { server.listen };
    for (area, at) in [("listener", intake), ("admin listener", server.admin_listen)] {
        // A desk that doesn't run was told of: only who is in its place is news.
        let is_news = found != Found::Nobody || listening.iter().any(|listener| listener.takes(at));
        // Port 0 is any: where, only the running desk knows.
        if at.port() != 0 && is_news {
            judge(around, area, at, &listening, report);
        }
    }
}

/// Whom the control socket leads to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// A desk that takes leads there.
    At(SocketAddr),
    /// A desk that didn't tell.
    Mute,
    Nobody,
}

async fn control(desk: &Desk, report: &mut Report) -> Found {
    match desk.ask_if_running(&Request::Status).await {
        Ok(Some(Response::Status(status))) => {
            if status.version == env!("CARGO_PKG_VERSION") {
                report.ok(SOCKET, format!("the desk answers; it takes leads on {}", status.intake));
            } else {
                let words = format!("the desk that runs is of version {}, this program is not", status.version);
                report.warn(SOCKET, words, "sudo systemctl restart nightdesk");
            }
            return status.intake.parse().map_or(Found::Mute, Found::At);
        }
        Ok(None) => {
            report.problem(SOCKET, "no desk answers: no lead is taken in", "sudo systemctl start nightdesk");
            return Found::Nobody;
        }
        Err(CliError::Control(error @ ControlError::NotAllowed(_))) => {
            report.warn(SOCKET, error.to_string(), "sudo usermod -aG nightdesk USER, then sign in again");
        }
        Ok(Some(_)) | Err(_) => {
            report.problem(SOCKET, "the desk doesn't answer as it should", "journalctl -u nightdesk -n 100");
        }
    }
    Found::Mute
}

fn judge(around: &Around<'_>, area: &str, at: SocketAddr, listening: &[Listener], report: &mut Report) {
    let Some(found) = listening.iter().find(|listener| listener.takes(at)) else {
        report.problem(
            area,
            format!("nobody listens on {at}"),
            "the desk does once it runs: sudo systemctl start nightdesk",
        );
        return;
    };
    match around.processes.of_socket(found.inode) {
        Some(process) if process.name == "nightdesk" => {
            report.ok(area, format!("the desk listens on {at} (pid {})", process.pid));
        }
        Some(process) => {
            let words = format!("{} (pid {}) listens on {at}, so the desk can't", process.name, process.pid);
            report.problem(area, words, "end it, or give one of them another port");
        }
        None => report.ok(area, format!("somebody listens on {at}")),
    }
}

fn listeners(proc: &Path) -> Vec<Listener> {
    let tables = ["net/tcp", "net/tcp6"].map(|name| fs::read_to_string(proc.join(name)).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).filter_map(Listener::of).collect()
}

impl Listener {
    fn of(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let (at, state, inode) = (fields.nth(1)?, fields.nth(1)?, fields.nth(5)?);
        let (address, port) = at.split_once(':')?;
        let at = SocketAddr::new(address_of(address)?, u16::from_str_radix(port, 16).ok()?);
        (state == "0A").then_some(Self { at, inode: inode.parse().ok()? })
    }

    /// Whether whoever connects to `at` arrives here.
    fn takes(&self, at: SocketAddr) -> bool {
        self.at.port() == at.port()
            && (self.at.ip() == at.ip() || self.at.ip().is_unspecified() || at.ip().is_unspecified())
    }
}

fn address_of(digits: &str) -> Option<IpAddr> {
    let word = |nth: usize| {
        let digits = digits.get(nth.saturating_mul(8)..nth.saturating_mul(8).saturating_add(8))?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match digits.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            <[u8; 16]>::try_from(words.as_flattened()).ok().map(|bytes| Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    /// 127.0.0.1:8787 listens (inode 77), an established connection, and [::]:9000 listens (78).
    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 77 1 0 100 0 0 10 0\n   \
        1: 0100007F:2254 0100007F:0016 01 00000000:00000000 00:00000000 00000000   990        0 79 1 0 100 0 0 10 0\n";
    const TCP6: &str = "   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A \
        00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0\n";

    #[test]
    fn who_listens() {
        for (name, at, holder, want) in [
            (
                "the desk",
                "127.0.0.1:8787",
                (5, "nightdesk", 77),
                "ok: listener: the desk listens on 127.0.0.1:8787 (pid 5)",
            ),
            (
                "another",
                "127.0.0.1:8787",
                (5, "python3", 77),
                "problem: listener: python3 (pid 5) listens on 127.0.0.1:8787",
            ),
            ("unseen", "127.0.0.1:8787", (5, "python3", 1), "ok: listener: somebody listens"),
            ("nobody", "127.0.0.1:8788", (5, "nightdesk", 77), "problem: listener: nobody listens on 127.0.0.1:8788"),
            ("another address", "192.168.1.2:8787", (5, "x", 77), "problem: listener: nobody listens"),
            ("on any address", "192.168.1.2:9000", (5, "nginx", 78), "problem: listener: nginx (pid 5)"),
        ] {
            let fake = FakeBox::new();
            fake.write("proc/net/tcp", TCP);
            fake.write("proc/net/tcp6", TCP6);
            fake.write(&format!("proc/{}/comm", holder.0), holder.1);
            fake.link(&format!("proc/{}/fd/9", holder.0), &format!("socket:[{}]", holder.2));
            let seen = fake.seen("2026-11-23T02:00:00Z", |around, report| {
                judge(around, "listener", at.parse().unwrap(), &listeners(&around.roots.proc), report);
            });
            assert_seen(name, &seen, &[want]);
        }
    }

    #[test]
    fn tables_of_the_kernel() {
        let one: Vec<SocketAddr> =
            [TCP, TCP6].iter().flat_map(|t| t.lines()).filter_map(Listener::of).map(|l| l.at).collect();
        assert_eq!(one, ["127.0.0.1:8787".parse().unwrap(), "[::]:9000".parse().unwrap()]);
        for line in ["", "0: zz:2253 0:0 0A 0 0 0 0 0 1", "0: 0100007F 0:0 0A 0 0 0 0 0 1"] {
            assert_eq!(Listener::of(line), None, "{line}");
        }
    }
}
