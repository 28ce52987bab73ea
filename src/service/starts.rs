//! How many starts in a row did not end well, and how long the next one waits because of it.
//!
//! `nightdesk backoff` counts each start before it happens and waits; the desk forgets the count when it ends as it was
//! asked to, and once it has run for a while. So configurations that can't be used, crashes and the watchdog count alike.
//! The count lies in the runtime directory (systemd.exec(5), `RuntimeDirectory=`): no card is worn by it, and a power cut
//! doesn't count. A count that can't be kept must never keep the desk from starting.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The count, as a decimal number.
const COUNT: &str = "starts";
/// What `nightdesk-alert.path` watches: why somebody should look, in words.
const CRASH_LOOP: &str = "crash-loop";
/// The unit's, where nobody says otherwise.
const FOLDER: &str = "/run/nightdesk";

/// A crash, and the one that follows when the cause was met again: both are started anew at once, leads wait outside.
const AT_ONCE: u32 = 2;
/// The first wait; each one more is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Leads are refused meanwhile: no cause that goes away by itself may cost more than this.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// From here on a person must look.
const LOOP: u32 = 5;
/// A person who was told is told again after this.
const TELL_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// The runtime directory: where systemd says, else the folder of the control socket, else the unit's.
#[must_use]
pub fn runtime_folder(control_socket: Option<&Path>) -> PathBuf {
    folder_of(std::env::var_os("RUNTIME_DIRECTORY").as_deref(), control_socket)
}

/// systemd separates several directories by colons; the first is ours.
fn folder_of(told: Option<&OsStr>, control_socket: Option<&Path>) -> PathBuf {
    let told = told.and_then(|all| std::env::split_paths(all).next()).filter(|first| first.is_absolute());
    told.or_else(|| control_socket?.parent().map(Path::to_owned)).unwrap_or_else(|| FOLDER.into())
}

/// How long a start waits after so many in a row that did not end well.
#[must_use]
pub fn wait_before(failures: u32) -> Duration {
    match failures.checked_sub(AT_ONCE) {
        None | Some(0) => Duration::ZERO,
        Some(nth) => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(nth.saturating_sub(1))).min(LONGEST_WAIT),
    }
}

/// Whether a person is told now; `told_ago` is how long ago one was.
fn is_to_be_told(failures: u32, told_ago: Option<Duration>) -> bool {
    failures == LOOP || (failures > LOOP && told_ago.is_none_or(|ago| ago >= TELL_AGAIN_AFTER))
}

/// The count in one runtime directory.
#[derive(Debug, Clone)]
pub struct Starts(PathBuf);

impl Starts {
    /// The count in `folder`.
    #[must_use]
    pub fn of(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Counts this start. Returns how many before it did not end well.
    ///
    /// # Errors
    /// When the count can't be written: the start goes on without.
    pub fn begin(&self) -> io::Result<u32> {
        let failures = self.counted();
        self.put(COUNT, &format!("{}\n", failures.saturating_add(1)))?;
        Ok(failures)
    }

    /// How many starts before the one that was counted last did not end well.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.counted().saturating_sub(1)
    }

    /// Starts anew: all is well, or a person is at work.
    ///
    /// # Errors
    /// When the count can't be removed; the next start may wait then.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(self.0.join(COUNT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Has a person told of so many failures, if it is time. Returns whether it was.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn tell(&self, failures: u32) -> io::Result<bool> {
        let told_at = fs::metadata(self.0.join(CRASH_LOOP)).and_then(|file| file.modified());
        // A clock that was set back meanwhile tells nothing, and a person hears of it once more.
        let told_ago = told_at.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if !is_to_be_told(failures, told_ago) {
            return Ok(false);
        }
        let words = format!(
            "nightdesk failed to start, or crashed, {failures} times in a row: leads are refused meanwhile.\n\
             It tries again by itself. Why it failed: journalctl -u nightdesk -n 100\n"
        );
        self.put(CRASH_LOOP, &words).map(|()| true)
    }

    /// What can't be read counts as nothing: better a start too early than one too late.
    fn counted(&self) -> u32 {
        fs::read_to_string(self.0.join(COUNT)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Whole or not at all, so that whoever watches the file never reads half of it.
    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let new = self.0.join(format!(".{name}.new"));
        fs::write(&new, text)?;
        fs::rename(new, self.0.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_third_failure_on() {
        for (failures, want_s) in
            [(0, 0), (1, 0), (2, 0), (3, 5), (4, 10), (5, 20), (8, 160), (9, 300), (40, 300), (u32::MAX, 300)]
        {
            assert_eq!(wait_before(failures), Duration::from_secs(want_s), "{failures} failures");
        }
    }

    #[test]
    fn a_person_is_told_at_the_fifth_and_then_once_an_hour() {
        for (name, failures, told_ago_min, want) in [
            ("not yet", 4, None, false),
            ("the fifth", 5, None, true),
            ("the fifth, of a loop soon after another", 5, Some(10), true),
            ("told", 6, Some(1), false),
            ("an hour ago", 20, Some(60), true),
            ("the file is gone", 6, None, true),
        ] {
            assert_eq!(is_to_be_told(failures, told_ago_min.map(Duration::from_mins)), want, "{name}");
        }
    }

    #[test]
    fn the_folder_is_the_one_systemd_names() {
        for (name, told, socket, want) in [
            ("systemd", Some("/run/nightdesk"), Some("/x/control.sock"), "/run/nightdesk"),
            ("systemd, several", Some("/run/a:/run/b"), None, "/run/a"),
            ("by hand", None, Some("/x/control.sock"), "/x"),
            ("nonsense", Some(""), Some("/x/control.sock"), "/x"),
            ("nothing known", None, None, "/run/nightdesk"),
        ] {
            assert_eq!(folder_of(told.map(OsStr::new), socket.map(Path::new)), Path::new(want), "{name}");
        }
    }

    #[test]
    fn starts_are_counted_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let starts = Starts::of(folder.path().to_owned());
        assert_eq!(starts.failures(), 0, "nothing was counted yet");
        for want in 0..6 {
            assert_eq!(starts.begin().unwrap(), want);
            assert_eq!(starts.failures(), want);
        }
        assert!(starts.tell(5).unwrap() && !starts.tell(6).unwrap());
        let words = fs::read_to_string(folder.path().join("crash-loop")).unwrap();
        assert!(words.contains("5 times in a row") && words.contains("journalctl"), "{words}");
        starts.forget().unwrap();
        starts.forget().unwrap();
        assert_eq!((starts.failures(), starts.begin().unwrap()), (0, 0));
        fs::write(folder.path().join("starts"), "many").unwrap();
        assert_eq!(starts.begin().unwrap(), 0, "what can't be read counts as nothing");
        assert!(Starts::of("/nowhere/at/all".into()).begin().is_err());
    }
}
