//! The box as an emulated arm64 machine: its own kernel, a disk, and a USB socket into which a serial adapter with the modem
//! behind it is plugged while it runs.
//!
//! Killing the emulator is a power cut: what the guest's page cache held is lost, what it flushed is in the image.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Done, Place};
use crate::shell::{Keys, Shell, ok};
use crate::{tree, world};

/// sshd of the box, on this machine's loopback.
const SSH: u16 = 2223;
/// An emulated machine may be slow; one that isn't up by then won't be.
const BOOTS_WITHIN: Duration = Duration::from_mins(10);

pub(crate) struct Machine {
    folder: PathBuf,
    modem: PathBuf,
    shell: Shell,
    emulator: Option<Child>,
}

impl Machine {
    pub(crate) fn new(scratch: &Path, keys: &Keys) -> Self {
        let (root, folder) = (scratch.join("root"), scratch.join("machine"));
        tree::unpack(&tree::tar("arm64", ",initramfs-tools,kmod,linux-image-arm64,usbutils"), &root, keys, 22);
        fs::write(root.join("etc/fstab"), "/dev/vda / ext4 errors=remount-ro 0 1\n").unwrap();
        let network = "[Match]\nName=en*\n[Network]\nDHCP=yes\n";
        fs::write(root.join("etc/systemd/network/wired.network"), network).unwrap();
        ok(Command::new("systemctl").arg("--root").arg(&root).args(["--quiet", "enable", "systemd-networkd"]));
        fs::create_dir(&folder).unwrap();
        for (glob, name) in [("vmlinuz-", "kernel"), ("initrd.img-", "initrd")] {
            let mut boot = fs::read_dir(root.join("boot")).unwrap().map(|entry| entry.unwrap().path());
            let found = boot.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(glob)).unwrap();
            fs::copy(found, folder.join(name)).unwrap();
        }
        let disk = folder.join("disk");
        File::create(&disk).unwrap().set_len(3 << 30).unwrap();
        ok(Command::new("mkfs.ext4").args(["-q", "-F", "-d"]).arg(&root).arg(&disk));
        fs::remove_dir_all(&root).unwrap();
        let modem = scratch.join(world::FOLDER).join("modem");
        Self { folder, modem, shell: Shell::new(&keys.user, SSH), emulator: None }
    }

    /// One command of the QEMU Machine Protocol.
    fn qmp(&self, command: &str, arguments: &Value) {
        let line = UnixStream::connect(self.folder.join("qmp")).unwrap();
        let mut answers = BufReader::new(line.try_clone().unwrap()).lines();
        let mut said = || answers.next().unwrap().unwrap();
        drop(said()); // the greeting
        for ask in [json!({ "execute": "qmp_capabilities" }), json!({ "execute": command, "arguments": arguments })] {
            writeln!(&line, "{ask}").unwrap();
            let answer = std::iter::repeat_with(&mut said).find(|line| !line.contains("\"event\"")).unwrap();
            assert!(answer.contains("return"), "{command}: {answer}");
        }
    }
}

impl Place for Machine {
    fn name(&self) -> &'static str {
        "machine (arm64, qemu)"
    }

    fn shell(&self) -> Shell {
        self.shell.clone()
    }

    fn boot(&mut self) -> Done<'_> {
        Box::pin(async {
            let at = |name: &str| self.folder.join(name).display().to_string();
            let console = File::create(self.folder.join("console")).unwrap();
            let mut qemu = Command::new("qemu-system-aarch64");
            qemu.args(["-machine", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024", "-nographic"]);
            qemu.args(["-kernel", &at("kernel"), "-initrd", &at("initrd")]);
            qemu.args(["-append", "root=/dev/vda rw console=ttyAMA0 quiet", "-serial", "stdio", "-monitor", "none"]);
            qemu.args(["-drive", &format!("file={},format=raw,if=none,id=disk,cache=writeback", at("disk"))]);
            qemu.args(["-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci", "-device", "qemu-xhci"]);
            qemu.args(["-netdev", &format!("user,id=net,hostfwd=tcp:127.0.0.1:{SSH}-:22")]);
            qemu.args(["-device", "virtio-net-pci,netdev=net,romfile="]);
            qemu.args(["-chardev", &format!("socket,id=modem,path={},reconnect=1", self.modem.display())]);
            qemu.args(["-qmp", &format!("unix:{},server=on,wait=off", at("qmp"))]);
            qemu.stdin(Stdio::null()).stdout(console.try_clone().unwrap()).stderr(console);
            self.emulator = Some(qemu.spawn().unwrap());
            self.shell.until("boots", BOOTS_WITHIN, "systemctl is-system-running --wait || true").await;
        })
    }

    fn shut_down(&mut self) -> Done<'_> {
        Box::pin(async {
            self.shell.try_sh("systemctl poweroff");
            self.shell.forget();
            let Some(mut emulator) = self.emulator.take() else { return };
            tokio::task::spawn_blocking(move || emulator.wait()).await.unwrap().unwrap();
        })
    }

    fn cut_power(&mut self) {
        if let Some(mut emulator) = self.emulator.take() {
            emulator.kill().unwrap();
            drop(emulator.wait());
        }
        self.shell.forget();
    }

    fn plug_in(&mut self) -> Done<'_> {
        Box::pin(async {
            self.qmp("device_add", &json!({ "driver": "usb-serial", "chardev": "modem", "id": "modem" }));
            self.shell.until("has a modem", self.seconds(10), &format!("test -e {}", self.port())).await;
        })
    }

    /// It has one disk, which its data is on.
    fn mount_root_read_only(&mut self, _on: bool) -> bool {
        false
    }

    fn port(&self) -> &'static str {
        "/dev/nightdesk-modem"
    }

    fn outside(&self) -> &'static str {
        "10.0.2.2"
    }

    fn slowness(&self) -> u32 {
        10
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut_power();
    }
}
