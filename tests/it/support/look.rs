//! The database as a person sees it: through Debian's `sqlite3`, read-only, on the file as it lies there.
//!
//! Slow (a process a question), so it is for what a test asserts at its end; `Office::until` waits with a `Reader`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Office;

impl Office {
    /// The database's path.
    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data/nightdesk.db")
    }

    /// The rows of a question, each an object.
    pub(crate) fn rows(&self, question: &str) -> Vec<Value> {
        rows(&self.database(), question)
    }

    /// The first column of every row, as text; NULL is `-`.
    pub(crate) fn column(&self, question: &str) -> Vec<String> {
        self.lines(question).into_iter().map(|mut line| line.remove(0)).collect()
    }

    /// Every row as texts; NULL is `-`.
    pub(crate) fn lines(&self, question: &str) -> Vec<Vec<String>> {
        let text = sqlite(&self.database(), &["-ascii", "-nullvalue", "-"], question);
        let rows = text.split_terminator('\u{1e}');
        rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect()).collect()
    }
}

/// The rows of a question, each an object.
pub(crate) fn rows(database: &Path, question: &str) -> Vec<Value> {
    let text = sqlite(database, &["-json"], question);
    if text.is_empty() { Vec::new() } else { serde_json::from_str(&text).unwrap() }
}

fn sqlite(database: &Path, options: &[&str], question: &str) -> String {
    let mut command = Command::new("sqlite3");
    command.args(["-readonly", "-bail", "-cmd", ".timeout 5000"]).args(options).arg(database).arg(question);
    let output = command.output().expect("sqlite3 is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "sqlite3 {question}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
