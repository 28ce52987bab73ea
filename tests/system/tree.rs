//! A small Debian as `mmdebstrap` makes it, kept between runs, and what this test adds: a key for root, a port for sshd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::shell::{Keys, ok};

/// What Raspberry Pi OS Lite has as well, of what the package and the test use.
const PACKAGES: &str = "adduser,apt,ca-certificates,dbus,iproute2,libpam-systemd,openssh-client,openssh-server,procps,\
                        socat,sqlite3,systemd,systemd-sysv,udev";

/// The least that finds the emulated disk: with everything, making the initial RAM disk takes half an hour under emulation.
const INITRD: &str = "\
set -eu; cd \"$1/usr/share\"; mkdir -p initramfs-tools/conf.d initramfs-tools/modules.d
echo MODULES=list >initramfs-tools/conf.d/test
printf 'virtio_pci\nvirtio_blk\next4\n' >initramfs-tools/modules.d/test";

/// A tar of Debian 12 for `arch`, with a kernel if `more` asks for one.
pub(crate) fn tar(arch: &str, more: &str) -> PathBuf {
    let path = cache().join(format!("{arch}.tar"));
    if !path.exists() {
        let fresh = cache().join(format!("{arch}.fresh.tar"));
        let packages = format!("--include={PACKAGES}{more}");
        let arch = format!("--arch={arch}");
        let hook = format!("--essential-hook={INITRD}");
        ok(Command::new("mmdebstrap").args(["--variant=minbase", &arch, &packages, &hook, "bookworm"]).arg(&fresh));
        fs::rename(&fresh, &path).unwrap();
    }
    path
}

/// Unpacks it into `root` and lets the key's owner in.
pub(crate) fn unpack(tar: &Path, root: &Path, keys: &Keys, port: u16) {
    fs::create_dir(root).unwrap();
    ok(Command::new("tar").arg("-xpf").arg(tar).arg("-C").arg(root));
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("root/.ssh/authorized_keys", &Keys::public(&keys.user));
    write("etc/ssh/sshd_config.d/test.conf", &format!("Port {port}\nPermitRootLogin prohibit-password\nUseDNS no\n"));
    write("etc/hostname", "office\n");
    write("etc/hosts", "127.0.0.1 localhost office\n");
}
