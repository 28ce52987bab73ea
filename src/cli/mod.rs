//! The command line: parses and prints, decides nothing. One file per command.
//!
//! `main` parses a [`Cli`], runs it with standard output as `out`, and ends with the exit code of its [`CliError`].
//! People get tables (`table`), machines get `--json`. Commands that look read the database; those that change something
//! ask the running desk (`desk`).

mod backoff;
mod backup;
mod check;
mod desk;
mod dlq;
mod doctor;
mod error;
mod leads;
mod mail;
mod modem;
mod oncall;
mod prompt;
mod quarantine;
mod reconcile;
mod replay;
mod run;
mod secrets;
mod send_test;
mod sources;
mod status;
mod story;
mod systemd;
mod table;
mod tunnels;
mod version;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use error::CliError;

use crate::config::Config;
use crate::demo;
use desk::Desk;

/// The configuration of the system's desk, the one that has a unit.
const DEFAULT_CONFIG: &str = "/etc/nightdesk/nightdesk.toml";

/// The night desk of a sales team: reads incoming leads and makes the right phone ring.
#[derive(Debug, Parser)]
#[command(name = "nightdesk", version, about, after_help = error::EXIT_CODES)]
pub struct Cli {
    /// The desk's configuration
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the desk until it is asked to stop (SIGTERM or Ctrl-C)
    Run,
    /// Count a start, and wait if the ones before it failed (for the unit)
    #[command(hide = true)]
    Backoff,
    /// See the whole desk at work in a simulated world: eleven leads, nothing leaves this machine
    Demo(demo::Options),
    /// Find everything that is wrong with the configuration, and with what it names
    Check(check::Check),
    /// Find what is wrong with this box: service, modems, clock, power, disk, listeners
    Doctor(doctor::Doctor),
    /// Show how the desk stands: alerts first, then channels and counts
    Status(status::StatusArgs),
    /// Look at leads
    #[command(subcommand)]
    Leads(leads::LeadsCommand),
    /// Look at dead letters, retry or discard them
    #[command(subcommand)]
    Dlq(dlq::DlqCommand),
    /// Look at requests that were refused, or let them in
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// Look at sources: list them, test a mapping, print a sample
    #[command(subcommand)]
    Sources(sources::SourcesCommand),
    /// Keep the secrets that systemd hands to the desk
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Print what the first model would be sent, and send nothing
    Prompt(prompt::PromptArgs),
    /// Run a lead through the pipeline again
    Replay(replay::Replay),
    /// Look into the CRMs for leads whose webhook never came
    Reconcile(reconcile::Reconcile),
    /// Post a signed sample lead to the running desk, as a source would
    SendTest(send_test::SendTest),
    /// Copy the database while the desk runs, and remove the oldest copies
    Backup(backup::BackupArgs),
    /// Find modems, see how one is, send a text by hand, read PDUs
    #[command(subcommand)]
    Modem(modem::ModemCommand),
    /// See who is called for urgent leads, now and later, and let somebody stand in
    #[command(name = "oncall", subcommand)]
    OnCall(oncall::OnCallCommand),
    /// See which addresses get no mail, and what was sent
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Print the version
    Version(version::VersionArgs),
}

impl Cli {
    /// Runs the command and writes its answer to `out`.
    ///
    /// # Errors
    /// [`CliError::exit_code`] is what the program ends with, [`CliError::is_quiet`] whether to say nothing of it.
    pub async fn run(self, out: &mut dyn Write) -> Result<(), CliError> {
        let desk = || Desk::load(self.config.clone());
        match &self.command {
            Command::Run => run::run(&desk()?).await?,
            Command::Backoff => backoff::run(Config::load(&self.config).ok().as_ref()).await,
            Command::Demo(options) => {
                if !demo::run(options, out).await? {
                    return Err(CliError::DemoFailed);
                }
            }
            Command::Check(check) => check.run(&self.config, out).await?,
            Command::Doctor(doctor) => doctor.run(&self.config, out).await?,
            Command::Status(status) => status.run(&desk()?, out).await?,
            Command::Leads(leads) => leads.run(&desk()?, out)?,
            Command::Dlq(dlq) => dlq.run(&desk()?, out).await?,
            Command::Quarantine(quarantine) => quarantine.run(&desk()?, out).await?,
            Command::Sources(sources) => sources.run(&desk()?, out)?,
            Command::Secrets(secrets) => secrets.run(&self.config, out).await?,
            Command::Prompt(prompt) => prompt.run(&desk()?, out)?,
            Command::Replay(replay) => replay.run(&desk()?, out).await?,
            Command::Reconcile(reconcile) => reconcile.run(&desk()?, out).await?,
            Command::SendTest(test) => test.run(&desk()?, out).await?,
            Command::Backup(backup) => backup.run(&desk()?, out)?,
            Command::Modem(modem) => modem.run(&self.config, out).await?,
            Command::OnCall(command) => command.run(&desk()?, out).await?,
            Command::Mail(mail) => mail.run(&desk()?, out).await?,
            Command::Version(version) => version.run(out)?,
        }
        Ok(out.flush()?)
    }
}
