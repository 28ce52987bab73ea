//! `nightdesk modem info`: everything that is known of one modem.
//!
//! Of a desk that runs it is what the desk knows right now. Without one the port is opened, and the modem set up as the
//! desk would do it; that takes some seconds.

use std::io::Write;
use std::path::Path;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::CliError;
use super::super::desk::{Desk, print_json};
use super::super::table::{Screen, line};
use super::target::Target;
use super::{ModemError, words};
use crate::model::{ModemInfo, ModemState, bars};

/// Width of the names of things.
const NAMES: usize = 14;

/// Arguments of `modem info`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 0 when the modem is ready, with 69 when it is not.")]
pub(in crate::cli) struct Info {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    /// A modem that isn't ready is shown, and is an error.
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let reach = self.target.reach(config).await?;
        let known = reach.settled().await;
        reach.close().await;
        let info = known?;
        if self.json {
            print_json(out, &as_json(&info)?)?;
        } else {
            print(&info, &screen(config), out)?;
        }
        Ok(is_ready(info)?)
    }
}

/// A modem that can't send is an error.
pub(super) fn is_ready(info: ModemInfo) -> Result<(), ModemError> {
    let ModemInfo { name, state, reason, cure, .. } = info;
    if state == ModemState::Ready { Ok(()) } else { Err(ModemError::NotReady { name, state, reason, cure }) }
}

/// Times are where the operator lives, or where this box is.
pub(super) fn screen(config: &Path) -> Screen {
    Desk::load(config.to_owned()).map_or_else(|_| Screen::of_stdout(TimeZone::system()), |desk| desk.screen())
}

/// All of it, and what a phone would show.
pub(super) fn as_json(info: &ModemInfo) -> Result<serde_json::Value, CliError> {
    let mut object = serde_json::to_value(info).map_err(std::io::Error::from)?;
    if let Some(object) = object.as_object_mut() {
        object.insert("bars".to_owned(), json!(info.signal_dbm.map(bars)));
    }
    Ok(object)
}

fn print(info: &ModemInfo, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
    for (name, value) in rows(info, screen) {
        if let Some(value) = value {
            writeln!(out, "{name:NAMES$}{}", line(&value))?;
        }
    }
    writeln!(out, "\nTimes are {}.", screen.zone())?;
    Ok(())
}

/// What is shown, in the order for people. Of its trouble nothing is shown when there is none.
fn rows(info: &ModemInfo, screen: &Screen) -> [(&'static str, Option<String>); 20] {
    let known = |word: &Option<String>| Some(word.clone().unwrap_or_else(|| "-".to_owned()));
    let who = &info.identity;
    let (hour, day) = words::parts(&info.spent);
    [
        ("modem", Some(info.name.clone())),
        ("port", known(&info.port)),
        ("state", Some(format!("{} since {}", info.state.name(), screen.time(info.since)))),
        ("why", info.reason.clone()),
        ("what to do", info.cure.clone()),
        ("next", info.next.clone()),
        ("make", known(&who.make)),
        ("model", known(&who.model)),
        ("firmware", known(&who.firmware)),
        ("IMEI", known(&who.imei)),
        ("SIM", known(&who.iccid)),
        ("operator", known(&info.operator)),
        ("network", known(&info.registration)),
        ("signal", Some(words::signal(info.signal_dbm))),
        ("SMSC", known(&info.centre)),
        ("memory", Some(words::memory(info.storage))),
        ("reports", Some(words::reports(info).to_owned())),
        ("parts", Some(format!("{hour} in the last hour, {day} in the last day"))),
        ("texts", Some(words::texts(&info.texts))),
        ("port opened", Some(times(info.opened))),
    ]
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
