//! Commands in the box, over ssh as root, on one connection that is kept while the box is up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A key for the box and for the gateway, and the keys of their servers.
pub(crate) struct Keys {
    /// The private key; `.pub` lies beside it.
    pub(crate) user: PathBuf,
    /// The gateway's own.
    pub(crate) host: PathBuf,
}

impl Keys {
    pub(crate) fn make(folder: &Path) -> Self {
        let make = |name: &str| {
            let path = folder.join(name);
            let path_text = path.to_str().unwrap();
            ok(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path_text]));
            path
        };
        Self { user: make("user"), host: make("gateway-host") }
    }

    pub(crate) fn public(path: &Path) -> String {
        std::fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
    }
}

/// A way into the box.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    key: PathBuf,
    port: u16,
    control: PathBuf,
}

impl Shell {
    pub(crate) fn new(key: &Path, port: u16) -> Self {
        Self { key: key.to_owned(), port, control: key.with_file_name("ssh-control") }
    }

    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-p", &self.port.to_string(), "-i"]).arg(&self.key);
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=none",
            "LogLevel=ERROR",
            "ConnectTimeout=20",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=6",
            "ControlMaster=auto",
            "ControlPersist=yes",
        ] {
            ssh.args(["-o", option]);
        }
        ssh.arg("-o").arg(format!("ControlPath={}", self.control.display()));
        ssh
    }

    /// Runs a script and says how it went.
    pub(crate) fn try_sh(&self, script: &str) -> Output {
        let mut child = self
            .ssh()
            .args(["root@127.0.0.1", "sh -eu"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that ends early closes its end.
        drop(child.stdin.take().unwrap().write_all(script.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Runs a script that must succeed; its output.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\nended with {}:\n{text}\n{said}", output.status);
        text
    }

    /// Runs a script that must fail; everything it said.
    pub(crate) fn fails(&self, script: &str) -> String {
        let output = self.try_sh(script);
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        assert!(!output.status.success() && output.status.code() != Some(255), "{script}\nsucceeded:\n{said}");
        said
    }

    /// Writes a file in the box.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.sh(&format!("cat >{path} <<'END-OF-FILE'\n{text}\nEND-OF-FILE\n"));
    }

    /// Copies a file into the box.
    pub(crate) fn put(&self, from: &Path, to: &str) {
        let file = std::fs::File::open(from).unwrap();
        let mut ssh = self.ssh();
        ok(ssh.args(["root@127.0.0.1", &format!("cat >{to}")]).stdin(file));
    }

    /// Waits until a script succeeds; its output.
    pub(crate) async fn until(&self, what: &str, limit: Duration, script: &str) -> String {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let mut last = None;
        let done = within(limit, || {
            let output = last.insert(self.try_sh(script));
            output.status.success().then(|| text_of(&output.stdout))
        });
        if let Some(text) = done.await {
            return text;
        }
        let said = last.map_or_else(String::new, |output| text_of(&[output.stdout, output.stderr].concat()));
        let log = text_of(&self.try_sh("journalctl -n 60 --no-pager").stdout);
        panic!("not within {limit:?}: {what}\n{said}\n{log}");
    }

    /// Lets go of the kept connection: the box goes down.
    pub(crate) fn forget(&self) {
        let mut ssh = self.ssh();
        drop(ssh.args(["-O", "exit", "root@127.0.0.1"]).stderr(Stdio::null()).status());
        drop(std::fs::remove_file(&self.control));
    }
}

/// Looks again and again until there is something, for so long. Nothing outside tells when it has come about.
pub(crate) async fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Runs a command of this machine that must succeed.
pub(crate) fn ok(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} ended with {status}");
}
