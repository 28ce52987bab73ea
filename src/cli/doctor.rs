//! `nightdesk doctor`: everything about this box that keeps a lead from coming in or a phone from ringing, with its cure.
//!
//! One file per thing that is looked at. It reads, and asks systemd and the running desk how they are; it changes nothing
//! and sends nothing to a modem. What this user can't see it says. All paths start at [`Roots`], so that a test is a
//! folder. Where the kernel doesn't tell (no such sensor), nothing is said.

mod clock;
mod folder;
mod journal;
mod listeners;
pub(super) mod ports;
pub(super) mod power;
pub(super) mod processes;
mod service_user;
mod unit;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::process::geteuid;
use serde::Serialize;

use super::CliError;
use super::check::Findings;
use super::desk::{Desk, print_json};
use super::systemd::{Systemctl, kernel_log};
use super::table::line;
use crate::config::Config;
use crate::model::Timestamp;
use processes::Processes;
use service_user::ServiceUser;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Ends with 0 when there is no problem (warnings are none), with 69 when there is one.")]
pub(super) struct Doctor {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where the system's own files are.
pub(super) struct Roots {
    pub(super) proc: PathBuf,
    pub(super) sys: PathBuf,
    etc: PathBuf,
    run: PathBuf,
    var: PathBuf,
}

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Problem,
    Warning,
    Ok,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// What was looked at: `clock`, `modem modem0`.
    area: String,
    words: String,
    /// What to do.
    cure: Option<String>,
}

/// All that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
    /// What this user may not look at.
    pub(super) unseen: Vec<&'static str>,
}

/// What every look needs.
pub(super) struct Around<'d> {
    roots: Roots,
    config: &'d Config,
    systemctl: Systemctl,
    processes: Processes,
    /// What the kernel called critical since the box started.
    kernel_log: String,
    /// Whom the unit runs as; `None` where there is no such user.
    user: Option<ServiceUser>,
    now: Timestamp,
}

impl Default for Roots {
    fn default() -> Self {
        let [proc, sys, etc, run, var] = ["/proc", "/sys", "/etc", "/run", "/var"].map(PathBuf::from);
        Self { proc, sys, etc, run, var }
    }
}

impl Doctor {
    pub(super) async fn run(&self, path: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let mut report = Report::default();
        let desk = report.look_at_file(path)?;
        let around = Around::of(&desk.config);
        unit::look(&around, &mut report);
        listeners::look(&around, &desk, &mut report).await;
        ports::look(&around, &mut report);
        folder::look(&around, &mut report);
        clock::look(&around, &mut report);
        power::look(&around, &mut report);
        journal::look(&around, &mut report);
        if !around.processes.complete {
            report.unseen.push("who holds ports and listeners");
        }
        report.tell(self.json, out)
    }
}

impl<'d> Around<'d> {
    /// This box.
    pub(super) fn of(config: &'d Config) -> Self {
        let roots = Roots::default();
        Self {
            processes: Processes::scan(&roots.proc),
            user: ServiceUser::find(&roots.etc),
            roots,
            config,
            systemctl: Systemctl::default(),
            kernel_log: kernel_log(),
            now: Timestamp::now(),
        }
    }

    /// Whether it was seen who holds what.
    pub(super) const fn is_complete(&self) -> bool {
        self.processes.complete
    }
}

impl Report {
    /// Prints it, worst first.
    ///
    /// # Errors
    /// [`CliError::Ailing`] where there is a problem.
    pub(super) fn tell(mut self, json: bool, out: &mut dyn Write) -> Result<(), CliError> {
        self.findings.sort_by_key(|finding| finding.level);
        if json {
            print_json(out, &self)?;
        } else {
            write!(out, "{self}")?;
        }
        if self.count(Level::Problem) == 0 { Ok(()) } else { Err(CliError::Ailing) }
    }

    fn add(&mut self, level: Level, area: impl Into<String>, words: impl Into<String>, cure: Option<String>) {
        self.findings.push(Finding { level, area: area.into(), words: words.into(), cure });
    }

    pub(super) fn ok(&mut self, area: impl Into<String>, words: impl Into<String>) {
        self.add(Level::Ok, area, words, None);
    }

    pub(super) fn warn(&mut self, area: impl Into<String>, words: impl Into<String>, cure: impl Into<String>) {
        self.add(Level::Warning, area, words, Some(cure.into()));
    }

    pub(super) fn problem(&mut self, area: impl Into<String>, words: impl Into<String>, cure: impl Into<String>) {
        self.add(Level::Problem, area, words, Some(cure.into()));
    }

    pub(super) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// The configuration and its secrets, as `check --static` sees them. With one that can't be read, the rest of the box
    /// is looked at as an empty desk's.
    fn look_at_file(&mut self, path: &Path) -> Result<Desk, CliError> {
        const AREA: &str = "configuration";
        let (found, desk, _) = Findings::of_file(path)?;
        let desk = match desk {
            Some(desk) => desk,
            None => Desk { path: path.to_owned(), config: Config::parse("").map_err(|_| CliError::Unfit)? },
        };
        let credentials = desk.config.credentials();
        let credential = |key: &String| credentials.iter().find(|(_, keys)| keys.contains(key)).map(|(name, _)| name);
        let is_hidden = |key: &String| !geteuid().is_root() && credential(key).is_some();
        let (hidden, errors): (Vec<_>, Vec<_>) = found.errors.iter().partition(|problem| is_hidden(&problem.path));
        if !hidden.is_empty() {
            self.unseen.push("credentials");
        }
        let is_denied = File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        let at = path.display();
        for problem in &errors {
            let cure = match credential(&problem.path) {
                Some(name) => format!("sudo nightdesk secrets set {name}"),
                None if is_denied => "sudo nightdesk doctor".to_owned(),
                None => format!("mend {at}, then: sudo nightdesk check --static"),
            };
            self.problem(AREA, problem.to_string(), cure);
        }
        for warning in &found.warnings {
            let cure = format!("if it isn't meant so, change {at}, then: sudo systemctl restart nightdesk");
            self.warn(AREA, warning.to_string(), cure);
        }
        if errors.is_empty() {
            self.ok(AREA, format!("{at} can be used"));
        }
        Ok(desk)
    }
}

impl fmt::Display for Report {
    /// One line each, worst first, and a last line that sums up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let level = match finding.level {
                Level::Problem => "problem",
                Level::Warning => "warning",
                Level::Ok => "ok",
            };
            write!(f, "{level}: {}: {}", finding.area, line(&finding.words))?;
            match &finding.cure {
                Some(cure) => writeln!(f, ". What to do: {}", line(cure))?,
                None => writeln!(f)?,
            }
        }
        if !self.unseen.is_empty() {
            writeln!(f, "not seen by this user: {}; sudo nightdesk doctor", self.unseen.join(", "))?;
        }
        writeln!(f, "problems: {}, warnings: {}", self.count(Level::Problem), self.count(Level::Warning))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::systemd::tests::saying;
    use super::*;

    /// A box whose files a test writes into a folder.
    pub(super) struct FakeBox {
        pub(super) folder: TempDir,
        pub(super) config: Config,
        pub(super) kernel_log: String,
        pub(super) systemd: (String, u8),
    }

    impl FakeBox {
        pub(super) fn new() -> Self {
            let config = Config::parse("").unwrap();
            let folder = tempfile::tempdir().unwrap();
            Self { folder, config, kernel_log: String::new(), systemd: (String::new(), 1) }
        }

        /// What `systemctl show` says.
        pub(super) fn systemd_says(mut self, said: &str) -> Self {
            self.systemd = (said.to_owned(), 0);
            self
        }

        pub(super) fn write(&self, path: &str, text: &str) {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        pub(super) fn link(&self, path: &str, target: &str) {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }

        /// What a look finds there, each as `level: area: words`.
        pub(super) fn seen(&self, now: &str, look: impl FnOnce(&Around<'_>, &mut Report)) -> Vec<String> {
            let [proc, sys, etc, run, var] =
                ["proc", "sys", "etc", "run", "var"].map(|name| self.folder.path().join(name));
            let around = Around {
                processes: Processes::scan(&proc),
                user: ServiceUser::find(&etc),
                roots: Roots { proc, sys, etc, run, var },
                config: &self.config,
                systemctl: saying(self.folder.path(), &self.systemd.0, self.systemd.1),
                kernel_log: self.kernel_log.clone(),
                now: now.parse().unwrap(),
            };
            let mut report = Report::default();
            look(&around, &mut report);
            let shown = report.to_string();
            shown.lines().take(report.findings.len()).map(str::to_owned).collect()
        }
    }

    /// Each line starts with what is wanted, and there are no others.
    pub(super) fn assert_seen(name: &str, seen: &[String], want: &[&str]) {
        let alike = seen.len() == want.len() && seen.iter().zip(want).all(|(seen, want)| seen.contains(want));
        assert!(alike, "{name}: {seen:#?}, not {want:#?}");
    }

    #[test]
    fn the_worst_comes_with_its_cure_and_what_was_not_seen_is_said() {
        let mut report = Report::default();
        report.problem("clock", "it shows\n1970", "set it");
        report.ok("power", "no under-voltage");
        report.unseen.push("credentials");
        assert_eq!(
            report.to_string(),
            "problem: clock: it shows 1970. What to do: set it\nok: power: no under-voltage\n\
             not seen by this user: credentials; sudo nightdesk doctor\nproblems: 1, warnings: 0\n"
        );
    }
}
