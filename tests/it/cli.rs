//! The command line as an operator meets it: the real binary, its output, its exit codes.
//!
//! What people read is held in `tests/golden/cli/`, rewritten with `UPDATE_GOLDEN=1`.

mod backoff;
mod backup;
mod changes;
mod checks;
mod daemon;
mod doctor;
mod looks;
mod mail;
mod modem;
mod oncall;
mod prompt;
mod scene;
mod secrets;
mod vendors;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary, with nothing of the environment that could change what it says.
pub(crate) fn nightdesk(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
    command.args(args).stdin(Stdio::null());
    for name in ["CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET", "JOURNAL_STREAM", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn say(args: &[&str]) -> Said {
    Said::of(nightdesk(args).output().unwrap())
}

/// `text` with what differs from run to run named instead.
fn stable(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "FOLDER");
    let (mut stable, mut rest) = (String::new(), text.as_str());
    while let Some(c) = rest.chars().next() {
        let length = if is_uuid(rest) { 36 } else { c.len_utf8() };
        stable.push_str(if length == 36 { "UUID" } else { &rest[..length] });
        rest = &rest[length..];
    }
    stable
}

fn is_uuid(text: &str) -> bool {
    let shape = |(at, b): (usize, u8)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() };
    text.len() >= 36 && text.bytes().take(36).enumerate().all(shape)
}

fn golden(name: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, want, "{name}: if it is meant, run with UPDATE_GOLDEN=1");
}

#[test]
fn a_command_line_that_makes_no_sense() {
    for (args, said) in [
        (&[] as &[&str], "Usage:"),
        (&["bogus"], "unrecognized subcommand 'bogus'"),
        (&["--bogus", "status"], "unexpected argument '--bogus'"),
        (&["check", "--static", "--online"], "cannot be used with"),
        (&["replay", "K7", "--from", "nowhere"], "[possible values: classify, route]"),
        (&["dlq", "list", "--stage", "gates"], "'gate'"),
        (&["modem", "encode", "--to", "Dana", "--", "x"], "--to: "),
    ] {
        let got = say(args);
        assert_eq!((got.code, got.out.as_str()), (64, ""), "{args:?}: {got:?}");
        assert!(got.err.contains(said), "{args:?}: {got:?}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let help = say(&["--help"]);
    assert_eq!(help.code, 0);
    for word in ["run", "check", "status", "leads", "dlq", "quarantine", "replay", "send-test", "modem", "Exit codes"] {
        assert!(help.out.contains(word), "{word}: {}", help.out);
    }
    let version = env!("CARGO_PKG_VERSION");
    for args in [["version"], ["--version"]] {
        assert_eq!(say(&args).out, format!("nightdesk {version}\n"));
    }
    assert_eq!(say(&["version", "--json"]).json()["version"], version);
}

#[test]
fn pdus_are_read_without_any_configuration() {
    let good = say(&["--config", "/nowhere", "modem", "encode", "--to", "12345", "--json", "--", "INFO"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert_eq!(good.json()["parts"][0]["pdu"], "00010005812143F500000449A7F109");
    let bad = say(&["modem", "decode", "00440B915155210310F7000862112281419500", "--json"]);
    assert_eq!((bad.code, bad.out.as_str(), bad.err.lines().count()), (65, "", 1), "{bad:?}");
}

#[test]
fn whoever_stops_reading_is_not_complained_to() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let got = Said::of(nightdesk(&["--help"]).stdout(writer.try_clone().unwrap()).output().unwrap());
    assert_eq!((got.code, got.err.as_str()), (0, ""));
    let got = Said::of(nightdesk(&["version"]).stdout(writer).output().unwrap());
    assert_eq!((got.code, got.err.as_str()), (0, ""));
}
