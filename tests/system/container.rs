//! The box as a booted container of `systemd-nspawn`, on this machine's network. The modem is a real pseudo-terminal, which
//! socat makes in the container.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Done, Place};
use crate::shell::{Keys, Shell};
use crate::{tree, world};

const SSH: u16 = 2222;

/// The modem's port: a pseudo-terminal for as long as its other end stands.
const MODEM_UNIT: &str = "\
[Service]
ExecStart=socat PTY,link=/dev/ttyTEST,rawer,group=dialout,mode=660,wait-slave,pty-interval=0.02 UNIX-CONNECT:/world/modem
Restart=always
RestartSec=1s
";
/// Pseudo-terminals are no serial ports, so the shipped sandbox forbids them.
const ALLOW_PTS: &str = "[Service]\nDeviceAllow=char-pts rw\n";

pub(crate) struct Container {
    root: PathBuf,
    /// Mounted at the data folder, as a USB SSD would be.
    data: PathBuf,
    world: PathBuf,
    shell: Shell,
    nspawn: Option<Child>,
    read_only: bool,
}

impl Container {
    pub(crate) fn new(scratch: &Path, keys: &Keys) -> Self {
        let root = scratch.join("container");
        tree::unpack(&tree::tar("amd64", ""), &root, keys, SSH);
        let units = root.join("etc/systemd/system");
        fs::write(units.join("test-modem.service"), MODEM_UNIT).unwrap();
        fs::create_dir(units.join("nightdesk.service.d")).unwrap();
        fs::write(units.join("nightdesk.service.d/pts.conf"), ALLOW_PTS).unwrap();
        let data = scratch.join("ssd");
        fs::create_dir(&data).unwrap();
        Self {
            root,
            data,
            world: scratch.join(world::FOLDER),
            shell: Shell::new(&keys.user, SSH),
            nspawn: None,
            read_only: false,
        }
    }

    /// The container's first process.
    fn init(&self) -> Option<Pid> {
        let nspawn = self.nspawn.as_ref()?.id();
        let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    }
}

impl Place for Container {
    fn name(&self) -> &'static str {
        "container (amd64, systemd-nspawn)"
    }

    fn shell(&self) -> Shell {
        self.shell.clone()
    }

    fn boot(&mut self) -> Done<'_> {
        Box::pin(async {
            let console = File::create(self.root.with_extension("console")).unwrap();
            let mut nspawn = Command::new("systemd-nspawn");
            nspawn.args([
                "--quiet",
                "--boot",
                "--register=no",
                "--keep-unit",
                "--console=pipe",
                "--kill-signal=RTMIN+3",
                "-D",
            ]);
            nspawn.arg(&self.root).arg(format!("--bind={}:/world", self.world.display()));
            nspawn.arg(format!("--bind={}:/var/lib/nightdesk", self.data.display()));
            if self.read_only {
                // As it is done on a card that shall last: logs and scratch in memory.
                nspawn.args(["--read-only", "--tmpfs=/tmp", "--tmpfs=/var/tmp", "--tmpfs=/var/log"]);
            }
            nspawn.stdin(Stdio::null()).stdout(console.try_clone().unwrap()).stderr(console);
            self.nspawn = Some(nspawn.spawn().unwrap());
            self.shell.until("boots", Duration::from_mins(1), "systemctl is-system-running --wait || true").await;
        })
    }

    fn shut_down(&mut self) -> Done<'_> {
        Box::pin(async {
            self.shell.try_sh("systemctl poweroff");
            self.shell.forget();
            let Some(mut nspawn) = self.nspawn.take() else { return };
            tokio::task::spawn_blocking(move || nspawn.wait()).await.unwrap().unwrap();
        })
    }

    fn cut_power(&mut self) {
        self.shell.forget();
        if let Some(init) = self.init() {
            kill_process(init, Signal::KILL).unwrap();
        }
        if let Some(mut nspawn) = self.nspawn.take() {
            drop(nspawn.wait());
        }
    }

    fn plug_in(&mut self) -> Done<'_> {
        Box::pin(async {
            self.shell.sh("systemctl daemon-reload; systemctl start test-modem");
            self.shell.until("has a modem", self.seconds(10), "test -e /dev/ttyTEST").await;
        })
    }

    fn mount_root_read_only(&mut self, on: bool) -> bool {
        self.read_only = on;
        true
    }

    fn port(&self) -> &'static str {
        "/dev/ttyTEST"
    }

    fn outside(&self) -> &'static str {
        "127.0.0.1"
    }

    fn slowness(&self) -> u32 {
        1
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.cut_power();
    }
}
