//! `nightdesk backoff`: counts a start, and waits if the ones before it did not end well.
//!
//! The unit's first `ExecStartPre=`, before the configuration is checked, because that may be what is broken. Whatever
//! goes wrong in here ends well: nothing may keep the desk from starting. It is no command for people, so `--help`
//! doesn't list it.

use std::time::Duration;

use crate::app;
use crate::config::Config;
use crate::journal::{self, Content, Format, Settings};
use crate::service::{Notifier, Signals, Starts, runtime_folder, wait_before};

/// Counts this start and waits. A stop that is asked for meanwhile is a person at work: the count starts anew.
pub(super) async fn run(config: Option<&Config>) {
    let plain = || Settings { level: "info".to_owned(), content: Content::default(), format: Format::default() };
    // Without a log it waits in silence.
    drop(journal::init(&config.map_or_else(plain, app::journal)));
    let folder = runtime_folder(config.map(|config| config.storage.control_socket.as_path()));
    if !folder.is_dir() {
        return;
    }
    let starts = Starts::of(folder);
    let failures = match starts.begin() {
        Ok(failures) => failures,
        Err(error) => {
            tracing::warn!(%error, "starts can't be counted: this one doesn't wait");
            return;
        }
    };
    if let Err(error) = starts.tell(failures) {
        tracing::warn!(%error, "nobody can be told of the failed starts");
    }
    let wait = wait_before(failures);
    if !wait.is_zero() && waited_in_vain(failures, wait).await {
        tracing::info!("asked to stop; the next start won't wait");
        drop(starts.forget());
    }
}

/// Waits, and tells whether it was asked to stop meanwhile.
async fn waited_in_vain(failures: u32, wait: Duration) -> bool {
    let Ok(mut signals) = Signals::install() else { return false };
    let seconds = wait.as_secs();
    tracing::warn!(
        failures,
        wait_s = seconds,
        "{failures} starts in a row failed: this one waits {seconds} s; `systemctl restart nightdesk` doesn't"
    );
    Notifier::from_env().status(&format!(
        "{failures} starts in a row failed: waits {seconds} s before the next; journalctl -u nightdesk tells why"
    ));
    tokio::time::timeout(wait, signals.asked_to_stop()).await.is_ok()
}
