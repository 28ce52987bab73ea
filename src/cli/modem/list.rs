//! `nightdesk modem list`: which serial ports there are, and what answers on each.
//!
//! A port is opened only if nobody else has it: what the running desk uses is told by the desk, what another program or
//! the kernel uses is left alone (`target`). The others are asked who they are, one after the other, because the ports of
//! one modem may not be asked at once.

mod ports;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::timeout;

use super::super::CliError;
use super::super::desk::{Desk, print_json};
use super::super::table::Fit;
use super::info::screen;
use super::target::{modems_of, port_of, untouched};
use super::{ModemError, words};
use crate::deliver::modem::{Ports, SystemPorts, probe};
use crate::model::{Identity, ModemInfo, ModemState};
use ports::{Candidate, Places};

/// A port that takes longer is no modem's.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);
/// What is said of a port is in the last column.
const FIT: Fit = Fit { widest: 46, dispensable: &[1] };

/// Arguments of `modem list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One port.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    port: PathBuf,
    /// Its name in the configuration.
    modem: Option<String>,
    #[serde(flatten)]
    what: What,
}

/// What is there.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
enum What {
    /// The running desk's modem.
    Desk { state: ModemState, identity: Identity },
    /// A modem answers.
    Modem { identity: Identity },
    /// Nothing answers.
    Silent,
    /// Another program has it.
    Held { name: String, pid: u32 },
    /// The kernel writes there.
    Console,
    /// This user may not.
    NoPermission,
    /// It is configured, and not there.
    Absent,
    /// It can't be asked.
    Trouble { words: String },
}

impl List {
    /// No modem is no error.
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let desk = Desk::load(config.to_owned()).ok();
        let owned = match &desk {
            Some(desk) => owned_by(desk).await,
            None => Vec::new(),
        };
        let names: Vec<_> = owned.iter().map(|(port, info)| (info.name.clone(), port.clone())).collect();
        let config_of = desk.as_ref().map(|desk| &desk.config);
        let mut rows = Vec::new();
        for candidate in ports::candidates(&mut SystemPorts, config_of, &names, &Places::default()) {
            let what = look(&mut SystemPorts, &candidate, &owned).await;
            rows.push(Row { port: candidate.port, modem: candidate.modem, what });
        }
        if self.json {
            return print_json(out, &rows);
        }
        if rows.is_empty() {
            writeln!(out, "there is no port that could be a modem's; plug it in, and look at `dmesg`")?;
            return Ok(());
        }
        let shown = rows.iter().map(|row| {
            let modem = row.modem.clone().unwrap_or_default();
            vec![row.port.display().to_string(), modem, row.what.words()]
        });
        Ok(write!(out, "{}", screen(config).table(&["PORT", "MODEM", "WHAT"], &FIT, shown))?)
    }
}

/// The modems of the running desk, with their ports. Whoever may not ask it still sees who holds what.
async fn owned_by(desk: &Desk) -> Vec<(PathBuf, ModemInfo)> {
    let modems = modems_of(desk).await.ok().flatten().unwrap_or_default();
    modems.into_iter().filter_map(|modem| Some((port_of(desk, &modem)?, modem))).collect()
}

/// What is behind one port.
async fn look<P: Ports>(ports: &mut P, candidate: &Candidate, owned: &[(PathBuf, ModemInfo)]) -> What {
    let of_desk = owned.iter().find(|(port, _)| {
        *port == candidate.port || candidate.device.is_some() && port.canonicalize().ok() == candidate.device
    });
    if let Some((_, info)) = of_desk {
        return What::Desk { state: info.state, identity: info.identity.clone() };
    }
    let Some(device) = &candidate.device else { return What::Absent };
    match untouched(&candidate.port, device) {
        Err(ModemError::Held { name, pid, .. }) => return What::Held { name, pid },
        Err(ModemError::Console(_)) => return What::Console,
        Err(error) => return What::Trouble { words: error.to_string() },
        Ok(()) => {}
    }
    match timeout(ANSWERS_WITHIN, probe(ports, &candidate.port, candidate.baud)).await {
        Ok(Ok(Some(identity))) => What::Modem { identity },
        Ok(Ok(None)) | Err(_) => What::Silent,
        Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => What::NoPermission,
        Ok(Err(error)) => What::Trouble { words: error.to_string() },
    }
}

impl What {
    /// In words.
    fn words(&self) -> String {
        match self {
            Self::Desk { state, identity } => {
                let kind = words::kind(identity).map_or_else(String::new, |kind| format!(": {kind}"));
                format!("{}, the desk uses it{kind}", state.name())
            }
            Self::Modem { identity } => {
                let imei = identity.imei.as_ref().map_or_else(String::new, |imei| format!(", IMEI {imei}"));
                format!("{}{imei}", words::kind(identity).unwrap_or_else(|| "a modem".to_owned()))
            }
            Self::Silent => "nothing answers: no modem, or not the port for commands".to_owned(),
            Self::Held { name, pid } => format!("held by {name} (pid {pid}), not touched"),
            Self::Console => "the console of this box, not touched".to_owned(),
            Self::NoPermission => "no permission: be in the group dialout, or use sudo".to_owned(),
            Self::Absent => "isn't there".to_owned(),
            Self::Trouble { words } => words.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;

    use tokio::io::{DuplexStream, duplex};

    use super::super::tests::a_modem;
    use super::*;

    /// A port whose open fails as told, or that is silent for ever: its other end is held.
    struct Port(Option<ErrorKind>, Option<DuplexStream>);

    impl Ports for Port {
        type Port = DuplexStream;

        fn open(&mut self, _: &Path, _: u32) -> io::Result<DuplexStream> {
            let (ours, theirs) = duplex(4096);
            self.1 = Some(theirs);
            self.0.map_or(Ok(ours), |kind| Err(kind.into()))
        }

        fn candidates(&mut self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    fn candidate(port: &Path) -> Candidate {
        Candidate { port: port.into(), device: port.canonicalize().ok(), modem: None, baud: 115_200 }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_desk_has_is_not_opened_and_what_can_not_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let free = folder.path().join("free");
        drop(File::create(&free).unwrap());
        let owned = vec![(free.clone(), a_modem()), ("/nowhere/desk".into(), a_modem())];
        let forbidden = || Port(Some(ErrorKind::NotFound), None);
        for (name, port, owned, at, want) in [
            ("the desk's", forbidden(), owned.as_slice(), free.as_path(), "ready, the desk uses it: Quectel EC25"),
            ("the desk's, unplugged", forbidden(), &owned, Path::new("/nowhere/desk"), "ready, the desk uses it"),
            ("not there", forbidden(), &[], Path::new("/nowhere/modem"), "isn't there"),
            ("forbidden", Port(Some(ErrorKind::PermissionDenied), None), &[], &free, "no permission"),
            ("taken meanwhile", Port(Some(ErrorKind::ResourceBusy), None), &[], &free, "resource busy"),
            ("silent", Port(None, None), &[], &free, "nothing answers"),
        ] {
            let mut port = port;
            let what = look(&mut port, &candidate(at), owned).await;
            assert!(what.words().starts_with(want), "{name}: {what:?}");
        }
    }

    #[test]
    fn what_answers_is_named() {
        let identity = a_modem().identity;
        assert_eq!(What::Modem { identity }.words(), "Quectel EC25, IMEI 867698041234567");
        assert_eq!(What::Modem { identity: Identity::default() }.words(), "a modem");
        let row = Row { port: "/dev/x".into(), modem: None, what: What::Held { name: "minicom".into(), pid: 7 } };
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(
            json,
            serde_json::json!({ "port": "/dev/x", "modem": null, "found": "held", "name": "minicom", "pid": 7 })
        );
    }
}
