//! Asking root to switch a modem off and on again.
//!
//! The desk itself may touch no USB hub and no pin: it leaves a file in its runtime directory, and root's
//! `nightdesk-modem-power@NAME.path` does the rest (systemd.path(5)). `operator` calls it. A modem takes half a minute to
//! come back, and whoever asks again meanwhile would keep it from that.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::service::runtime_folder;

/// No modem is asked for again before this: it boots, signs in to its network and is set up.
const PAUSE: Duration = Duration::from_mins(1);

/// The modems that may be switched, and when each was.
#[derive(Debug)]
pub(super) struct Power {
    folder: PathBuf,
    modems: BTreeSet<String>,
    asked: Mutex<HashMap<String, Instant>>,
}

impl Power {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            folder: runtime_folder(Some(&config.storage.control_socket)),
            modems: config.modem.keys().cloned().collect(),
            asked: Mutex::default(),
        }
    }

    /// Asks for modem `name` to be switched off and on.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) fn cycle(&self, name: &str, now: Instant) -> Result<(), String> {
        if !self.modems.contains(name) {
            return Err(format!("there is no [modem.{name}] in the configuration the desk runs with"));
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ago) = asked.get(name).map(|at| now.saturating_duration_since(*at)).filter(|ago| *ago < PAUSE) {
            let left = PAUSE.saturating_sub(ago).as_secs();
            return Err(format!("{name} was switched {} s ago and is still coming back; wait {left} s", ago.as_secs()));
        }
        fs::write(self.folder.join(format!("power-cycle-{name}")), "")
            .map_err(|error| format!("the request can't be left for root: {error}"))?;
        asked.insert(name.to_owned(), now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_is_switched_once_a_minute_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[storage]\ncontrol-socket = \"{}/control.sock\"\n[modem.modem0]\nport = \"/dev/x\"\n\
             [modem.modem1]\nport = \"/dev/y\"",
            folder.path().display()
        );
        let power = Power { folder: folder.path().to_owned(), ..Power::new(&Config::parse(&text).unwrap()) };
        let start = Instant::now();
        for (name, modem, after_s, want) in [
            ("first", "modem0", 0, Ok(())),
            ("too soon", "modem0", 59, Err("modem0 was switched 59 s ago")),
            ("another", "modem1", 59, Ok(())),
            ("a minute later, root didn't take the first", "modem0", 60, Ok(())),
            ("not ours", "../starts", 0, Err("there is no [modem.../starts]")),
        ] {
            let got = power.cycle(modem, start + Duration::from_secs(after_s));
            match want {
                Ok(()) => assert_eq!(got, Ok(()), "{name}"),
                Err(words) => assert!(got.clone().unwrap_err().starts_with(words), "{name}: {got:?}"),
            }
            assert_eq!(folder.path().join(format!("power-cycle-{modem}")).exists(), modem != "../starts", "{name}");
        }
        let nowhere = Power { folder: "/nowhere".into(), ..power };
        assert!(nowhere.cycle("modem1", start + PAUSE * 2).unwrap_err().contains("can't be left for root"));
    }
}
