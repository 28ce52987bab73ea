//! The other end of the tunnel: a real sshd on this machine's loopback, with what the README tells to put into
//! `authorized_keys`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shell::Keys;

/// Where it listens, for the box.
pub(crate) const SSH: u16 = 2022;
/// Where it listens, for the world.
pub(crate) const PUBLIC: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9443);

/// Up until it is dropped.
pub(crate) struct Gateway {
    config: PathBuf,
    host: PathBuf,
    server: Child,
    authorized: PathBuf,
}

impl Gateway {
    pub(crate) fn open(folder: &Path, keys: &Keys) -> Self {
        let (config, authorized) = (folder.join("sshd_config"), folder.join("authorized_keys"));
        let text = format!(
            "Port {SSH}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {keys}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\nPidFile none\nLogLevel ERROR\n\
             ClientAliveInterval 5\nClientAliveCountMax 2\n",
            host = keys.host.display(),
            keys = authorized.display(),
        );
        fs::write(&config, text).unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let server = serve(&config);
        Self { config, host: keys.host.clone(), server, authorized }
    }

    /// Lets the box's tunnel in, for one forwarding and nothing else.
    pub(crate) fn admit(&self, public_key: &str) {
        let line = format!("restrict,port-forwarding,permitlisten=\"{PUBLIC}\" {public_key}\n");
        fs::write(&self.authorized, line).unwrap();
    }

    /// The line for the box's known hosts, when it knows the gateway by `address`.
    pub(crate) fn known_host(&self, address: &str) -> String {
        format!("[{address}]:{SSH} {}", Keys::public(&self.host))
    }

    /// Every connection breaks, and the gateway is down for a moment.
    pub(crate) fn cut(&mut self) {
        self.kill();
        self.server = serve(&self.config);
    }

    fn kill(&mut self) {
        let connections = ["-KILL", "-P", &self.server.id().to_string()];
        // There may be none.
        drop(Command::new("pkill").args(connections).status());
        self.server.kill().unwrap();
        drop(self.server.wait());
    }
}

fn serve(config: &Path) -> Child {
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.arg("-D").arg("-f").arg(config).stdin(Stdio::null()).spawn().unwrap()
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}
