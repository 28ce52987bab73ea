//! The ports that may have a modem: the names the driver looks at, the configured ones, and what the kernel knows.
//!
//! One device has several names: the first, best one is kept. Nothing is opened here. Rule: Linux, `serial_core.c`:
//! `/sys/class/tty/…/type` of a port that no hardware is behind is 0.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::session::BAUD;
use crate::config::Config;
use crate::deliver::modem::Ports;

/// Names of serial ports, and whether the kernel makes them up for hardware that may not be there.
const NAMES: [(&str, bool); 4] = [("ttyUSB", false), ("ttyACM", false), ("ttyAMA", true), ("ttyS", true)];

/// A port that may have a modem.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its best name.
    pub(super) port: PathBuf,
    /// What it leads to; `None`: it is configured, and not there.
    pub(super) device: Option<PathBuf>,
    /// The modem that is configured for it.
    pub(super) modem: Option<String>,
    /// Its speed.
    pub(super) baud: u32,
}

/// Where devices are, and what the kernel tells of them.
pub(super) struct Places {
    pub(super) dev: PathBuf,
    pub(super) sys: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { dev: "/dev".into(), sys: "/sys".into() }
    }
}

/// All of them, each once. `owned` are the ports of the desk that runs, with its names for them.
pub(super) fn candidates(
    ports: &mut impl Ports,
    config: Option<&Config>,
    owned: &[(String, PathBuf)],
    places: &Places,
) -> Vec<Candidate> {
    let of_kernel = known_to_the_kernel(places);
    let nameless = ports.candidates().into_iter().chain(of_kernel).map(|port| (None, port, BAUD));
    let configured = config.iter().flat_map(|config| &config.modem);
    let configured = configured.filter_map(|(name, modem)| Some((Some(name.clone()), modem.port.clone()?, modem.baud)));
    let owned = owned.iter().map(|(name, port)| (Some(name.clone()), port.clone(), BAUD));
    // Those with a name come first, so that it isn't lost; they are shown under the driver's name for them.
    let mut found: Vec<Candidate> = Vec::new();
    for (modem, port, baud) in configured.chain(owned).chain(nameless) {
        let device = port.canonicalize().ok();
        if device.is_none() && modem.is_none() {
            continue;
        }
        let same = |known: &Candidate| known.device == device && (device.is_some() || known.port == port);
        if !found.iter().any(same) {
            found.push(Candidate { port, device, modem, baud });
        }
    }
    found
}

/// By the names the kernel gives; they change when a modem is plugged in again.
fn known_to_the_kernel(places: &Places) -> Vec<PathBuf> {
    let mut names: Vec<String> = fs::read_dir(places.sys.join("class/tty"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_serial(name, &places.sys))
        .collect();
    names.sort();
    names.into_iter().map(|name| places.dev.join(name)).collect()
}

fn is_serial(name: &str, sys: &Path) -> bool {
    let is_numbered = |prefix: &str| {
        let number = name.strip_prefix(prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let Some((_, may_be_made_up)) = NAMES.iter().find(|(prefix, _)| is_numbered(prefix)) else { return false };
    let kind = fs::read_to_string(sys.join("class/tty").join(name).join("type")).unwrap_or_default();
    !may_be_made_up || kind.trim() != "0"
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::symlink;

    use tokio::io::DuplexStream;

    use super::*;

    struct Driver(Vec<PathBuf>);

    impl Ports for Driver {
        type Port = DuplexStream;

        fn open(&mut self, _: &Path, _: u32) -> io::Result<DuplexStream> {
            panic!("nothing is opened here")
        }

        fn candidates(&mut self) -> Vec<PathBuf> {
            self.0.clone()
        }
    }

    #[test]
    fn each_device_is_listed_once_by_its_best_name() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { dev: folder.path().join("dev"), sys: folder.path().join("sys") };
        for (tty, kind) in [
            ("ttyUSB0", None),
            ("ttyUSB2", None),
            ("ttyACM0", None),
            ("ttyAMA0", Some("3\n")),
            ("ttyS0", Some("4\n")),
            ("ttyS1", Some("0\n")),
            ("tty1", None),
            ("ttyUSB9", None),
        ] {
            let at = places.sys.join("class/tty").join(tty);
            fs::create_dir_all(&at).unwrap();
            fs::create_dir_all(&places.dev).unwrap();
            fs::write(at.join("type"), kind.unwrap_or("0\n")).unwrap();
            if tty != "ttyUSB9" {
                fs::write(places.dev.join(tty), "").unwrap();
            }
        }
        let (by_id, udev) = (places.dev.join("by-id"), places.dev.join("nightdesk-modem"));
        symlink(places.dev.join("ttyUSB2"), &by_id).unwrap();
        symlink(places.dev.join("ttyUSB2"), &udev).unwrap();
        let text = format!(
            "[modem.modem0]\nport = \"{}\"\nbaud = 9600\n[modem.spare]\nport = \"/nowhere\"\n[modem.any]\nport = \"auto\"",
            by_id.display()
        );
        let config = Config::parse(&text).unwrap();
        let owned = [("any".to_owned(), places.dev.join("ttyACM0"))];
        let found = candidates(&mut Driver(vec![udev, by_id]), Some(&config), &owned, &places);
        let shown: Vec<_> = found
            .iter()
            .map(|one| {
                let name = one.port.file_name().unwrap().to_str().unwrap();
                (name, one.modem.as_deref(), one.device.is_some(), one.baud)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("by-id", Some("modem0"), true, 9600),
                ("nowhere", Some("spare"), false, BAUD),
                ("ttyACM0", Some("any"), true, BAUD),
                ("ttyAMA0", None, true, BAUD),
                ("ttyS0", None, true, BAUD),
                ("ttyUSB0", None, true, BAUD),
            ]
        );
    }

    #[test]
    fn without_a_configuration_and_without_ports_there_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { dev: folder.path().into(), sys: folder.path().into() };
        assert_eq!(candidates(&mut Driver(Vec::new()), None, &[], &places), []);
    }
}
