//! A secret's value on its way in: from a pipe or a terminal that shows nothing, and through `systemd-creds` if it is sealed.
//!
//! Called by `secrets set`. The value is in no argument, no environment and no message. What is taken is what `config`
//! can read again. Rules: termios(3), `ECHO`; systemd-creds(1), `encrypt`.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::super::CliError;
use crate::config::{SECRET_MAX_BYTES, secret_of};

/// Standard input, as a message names it.
const STDIN: &str = "standard input";
/// What encrypts for this machine.
const SYSTEMD_CREDS: &str = "systemd-creds";

/// Reads the value of `name`: a line from a terminal, all there is from a pipe.
pub(super) async fn secret(name: &str) -> Result<SecretString, CliError> {
    let prompt = format!("The value of {name} (it is not shown): ");
    let read = tokio::task::spawn_blocking(move || if io::stdin().is_terminal() { typed(&prompt) } else { piped() });
    let bytes = read.await.map_err(io::Error::from)??;
    secret_of(bytes, Path::new(STDIN)).map_err(|error| CliError::Data { message: error.to_string() })
}

fn piped() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more than may be: it is refused then.
    io::stdin().lock().take(SECRET_MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One line from a terminal that doesn't show it. Ctrl-C is read like any key, so that no way leads out of here that leaves
/// the terminal mute; the line is refused for it.
fn typed(prompt: &str) -> io::Result<Vec<u8>> {
    let mut screen = io::stderr();
    let mut line = Vec::new();
    {
        let _mute = Mute::new()?;
        write!(screen, "{prompt}")?;
        io::stdin().lock().read_until(b'\n', &mut line)?;
    }
    writeln!(screen)?;
    Ok(line)
}

/// The terminal shows nothing while this lives.
struct Mute(Termios);

impl Mute {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut mute = before.clone();
        mute.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &mute)?;
        Ok(Self(before))
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        // What was pasted behind the line is thrown away: the shell would run it, show it and keep it.
        if tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).is_err() {
            // The terminal is gone: nobody looks at it any more.
        }
    }
}

/// Encrypts `content` for this machine, to be handed over as `credential`.
pub(super) fn seal(credential: &str, content: &str) -> Result<Vec<u8>, CliError> {
    let trouble = |words: String| CliError::NotSealed { words };
    let mut command = Command::new(SYSTEMD_CREDS);
    command.args(["encrypt", &format!("--name={credential}"), "-", "-"]).env("LC_ALL", "C");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| trouble(format!("{SYSTEMD_CREDS} can't be run: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It says itself why it didn't read.
        drop(stdin.write_all(content.as_bytes()));
    }
    let output = child.wait_with_output()?;
    if output.status.success() && !output.stdout.is_empty() {
        return Ok(output.stdout);
    }
    Err(trouble(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
