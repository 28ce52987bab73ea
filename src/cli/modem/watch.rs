//! `nightdesk modem watch`: what changes about a modem, a line for each change, until Ctrl-C.
//!
//! Of a running desk its knowledge is asked each second, which costs the modem nothing; a desk that stops meanwhile is
//! waited for. Without a desk the port is opened, and kept open for as long as this runs.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::signal::ctrl_c;
use tokio::time::{MissedTickBehavior, interval};

use super::super::CliError;
use super::super::desk::print_json;
use super::super::table::{Screen, line};
use super::info::{as_json, screen};
use super::reach::Reach;
use super::target::Target;
use super::words;
use crate::model::{ModemInfo, Timestamp};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Arguments of `modem watch`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    target: Target,
    /// Print JSON, all that is known at each change
    #[arg(long)]
    json: bool,
}

/// What was seen last.
#[derive(Debug, PartialEq)]
enum Seen {
    Nothing,
    Modem(Box<ModemInfo>),
    /// The desk doesn't answer, and why.
    Mute(String),
}

impl Watch {
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let reach = self.target.reach(config).await?;
        let screen = screen(config);
        let done = tokio::select! {
            asked = ctrl_c() => asked.map_err(CliError::from),
            done = self.follow(&reach, &screen, out) => done,
        };
        reach.close().await;
        done
    }

    /// Ends only with an error. It may be dropped at any point: a line is written whole.
    async fn follow(&self, reach: &Reach, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::Nothing;
        loop {
            looks.tick().await;
            let now = match reach.info().await {
                Ok(info) => Seen::Modem(Box::new(info)),
                Err(CliError::Control(error)) => Seen::Mute(error.to_string()),
                Err(error) => return Err(error),
            };
            if now != seen {
                self.tell(&seen, &now, screen, out)?;
            }
            seen = now;
        }
    }

    fn tell(&self, before: &Seen, now: &Seen, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        match (now, self.json) {
            (Seen::Modem(info), true) => print_json(out, &as_json(info)?)?,
            (Seen::Mute(words), true) => print_json(out, &json!({ "error": words }))?,
            (Seen::Modem(_) | Seen::Mute(_) | Seen::Nothing, _) => {
                let at = screen.time(Timestamp::now());
                for words in changes(before, now) {
                    writeln!(out, "{at}  {}", line(&words))?;
                }
            }
        }
        Ok(out.flush()?)
    }
}

/// What is new, each in a line of its own.
fn changes(before: &Seen, now: &Seen) -> Vec<String> {
    let info = match now {
        Seen::Modem(info) => info,
        Seen::Mute(words) => return vec![words.clone()],
        Seen::Nothing => return Vec::new(),
    };
    let known = match before {
        Seen::Modem(known) => lines(known),
        Seen::Mute(_) | Seen::Nothing => Vec::new(),
    };
    lines(info).into_iter().filter(|line| !known.contains(line)).collect()
}

/// All that is worth following. No two of these lines begin alike, so that a line that is new is a change.
fn lines(info: &ModemInfo) -> Vec<String> {
    let reason = info.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let network: Vec<&str> = [&info.operator, &info.registration].into_iter().flatten().map(String::as_str).collect();
    let said = |before: &str, words: Option<String>| words.map(|words| format!("{before} {words}"));
    let lines = [
        Some(place(info)),
        Some(format!("{}{reason}", info.state.name())),
        said("what to do:", info.cure.clone()),
        said("next:", info.next.clone()),
        said("network", Some(network.join(", ")).filter(|words| !words.is_empty())),
        said("signal", info.signal_dbm.map(|dbm| words::signal(Some(dbm)))),
        said("memory", info.storage.map(|places| words::memory(Some(places)))),
        said("texts", Some(words::texts(&info.texts))),
        said("delivery reports", Some(words::reports(info).to_owned())),
    ];
    lines.into_iter().flatten().collect()
}

/// Which modem, and where.
fn place(info: &ModemInfo) -> String {
    let kind = words::kind(&info.identity).map_or_else(String::new, |kind| format!(", {kind}"));
    let port = info.port.as_ref().map_or_else(String::new, |port| format!(" on {port}"));
    format!("modem {}{port}{kind}", info.name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::a_modem;
    use super::*;
    use crate::model::ModemState;

    #[test]
    fn only_what_changed_is_told() {
        let modem = |change: fn(&mut ModemInfo)| {
            let mut info = a_modem();
            change(&mut info);
            Seen::Modem(Box::new(info))
        };
        let searching = |info: &mut ModemInfo| {
            info.state = ModemState::Searching;
            info.reason = Some("the modem is looking for a network".into());
            info.next = Some("another look in 2 s".into());
            info.signal_dbm = None;
        };
        let mute = || Seen::Mute("no desk answers on /x".into());
        for (name, before, now, want) in [
            ("the same", modem(|_| {}), modem(|info| info.spent.hour = 9), &[] as &[&str]),
            ("a text", modem(|_| {}), modem(|info| info.texts.sent += 1), &["texts 6 sent, 0 not sent, 1 unknown"]),
            (
                "lost",
                modem(|_| {}),
                modem(searching),
                &["searching: the modem is looking for a network", "next: another look in 2 s"],
            ),
            ("found", modem(searching), modem(|_| {}), &["ready", "signal -71 dBm, 4 of 4 bars"]),
            ("the desk stops", modem(|_| {}), mute(), &["no desk answers on /x"]),
            ("never there", Seen::Nothing, mute(), &["no desk answers on /x"]),
        ] {
            assert_eq!(changes(&before, &now), want, "{name}");
        }
        let all = changes(&mute(), &modem(|_| {}));
        assert_eq!(all.first().map(String::as_str), Some("modem modem0 on /dev/nightdesk-modem, Quectel EC25"));
        assert_eq!(all.len(), 7, "{all:?}");
    }
}
