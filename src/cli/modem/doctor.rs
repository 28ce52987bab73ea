//! `nightdesk modem doctor`: what keeps a modem from sending, each with its cure.
//!
//! First what can be seen without opening the port: whether it is there, who may use it, who else does, and whether the
//! power is enough. Then what the modem itself says: through the desk if it runs, else on the port, if nothing is wrong
//! with that.

mod judge;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::CliError;
use super::super::desk::Desk;
use super::super::doctor::{Around, Level, Report, ports, power};
use super::reach::Reach;
use super::target::{Target, modems_of, open};
use crate::config::Config;
use crate::control::ControlError;
use crate::model::ModemInfo;
use judge::Pin;

/// Arguments of `modem doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 0 when there is no problem (warnings are none), with 69 when there is one.")]
pub(in crate::cli) struct Doctor {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is known of a modem before it is asked.
struct Patient {
    /// Its name; that of its port if it isn't configured.
    area: String,
    port: Option<PathBuf>,
    pin: Pin,
}

impl Doctor {
    /// Without a name every configured modem is looked at.
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let mut report = Report::default();
        if self.target.port.is_some() {
            self.look_at_port(config, &mut report).await?;
        } else {
            let desk = Desk::load(config.to_owned())?;
            let names = self.target.names_in(&desk)?;
            look_at_configured(&desk, &names, &mut report).await?;
        }
        report.tell(self.json, out)
    }

    async fn look_at_port(&self, config: &Path, report: &mut Report) -> Result<(), CliError> {
        let nobody = Config::parse("").map_err(|_| CliError::Unfit)?;
        let around = Around::of(&nobody);
        let port = self.target.port.clone();
        let patient = Patient { area: format!("modem {}", shown(port.as_deref())), port, pin: Pin::NeverEntered };
        let is_well = patient.look_outside(&around, report);
        power::look(&around, report);
        // The port may be the desk's: then it has it open, which is well.
        if is_well {
            let info = ask(self.target.reach(config).await).await;
            patient.judge(info, report)?;
        }
        Ok(())
    }
}

/// Each modem of the configuration that is meant.
async fn look_at_configured(desk: &Desk, names: &[String], report: &mut Report) -> Result<(), CliError> {
    let around = Around::of(&desk.config);
    let running = match modems_of(desk).await {
        Ok(running) => Running::of(running),
        Err(CliError::Control(ControlError::NotAllowed(_))) => {
            report.unseen.push("what the desk knows of its modems");
            Running::Mute
        }
        Err(error) => return Err(error),
    };
    for name in names {
        let Some(modem) = desk.config.modem.get(name) else { continue };
        let pin = if modem.pin.is_some() { Pin::Configured } else { Pin::None };
        let patient = Patient { area: format!("modem {name}"), port: modem.port.clone(), pin };
        let is_well = patient.look_outside(&around, report);
        match &running {
            Running::Mute => {}
            Running::Desk(modems) => match modems.iter().find(|modem| modem.name == *name) {
                // What is wrong with the port was told, and is why it is absent.
                Some(info) if !is_well && judge::is_away(info.state) => {}
                Some(info) => judge::judge(&patient.area, info, pin, report),
                None => report.warn(
                    &patient.area,
                    "the desk that runs doesn't know it: its configuration was changed since",
                    "sudo systemctl restart nightdesk",
                ),
            },
            Running::No if !is_well => {}
            Running::No => patient.judge(ask(open(desk, name)).await, report)?,
        }
    }
    power::look(&around, report);
    if !around.is_complete() {
        report.unseen.push("who holds ports");
    }
    Ok(())
}

/// What the desk that runs says.
enum Running {
    Desk(Vec<ModemInfo>),
    /// It may not be asked.
    Mute,
    No,
}

impl Running {
    fn of(modems: Option<Vec<ModemInfo>>) -> Self {
        modems.map_or(Self::No, Self::Desk)
    }
}

impl Patient {
    /// What is seen without opening the port; whether nothing is wrong with it.
    fn look_outside(&self, around: &Around<'_>, report: &mut Report) -> bool {
        let before = report.count(Level::Problem);
        if let Some(port) = &self.port {
            ports::look_at(around, &self.area, port, report);
        }
        report.count(Level::Problem) == before
    }

    /// What keeps us from asking the modem is a finding, too.
    fn judge(&self, info: Result<ModemInfo, CliError>, report: &mut Report) -> Result<(), CliError> {
        match info {
            Ok(info) => judge::judge(&self.area, &info, self.pin, report),
            Err(CliError::Modem(error)) => {
                report.problem(&self.area, error.to_string(), "end what has it, then look again");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

async fn ask(reach: Result<Reach, CliError>) -> Result<ModemInfo, CliError> {
    let reach = reach?;
    let info = reach.settled().await;
    reach.close().await;
    info
}

fn shown(port: Option<&Path>) -> String {
    port.map_or_else(String::new, |port| port.display().to_string())
}
