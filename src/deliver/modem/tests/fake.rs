//! A modem made of strings, on the other end of an in-memory port.
//!
//! Each `AT+CMGS` plays the next script, pieces between `|`: `>` prompts, `#` reads the PDU up to Ctrl-Z, `…` goes deaf
//! until the port is opened again, `flood` talks without end, `cut` pulls the plug, `zzz` says no more of this one; all else is a line it says.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::Ports;

/// Bytes that fit into the port before a writer waits.
const PORT: usize = 4096;

#[derive(Default)]
struct State {
    /// Scripts of the texts to come.
    sends: VecDeque<String>,
    /// What to answer to commands that start so; the first that fits is used, and used up if it has a count.
    rules: Vec<(String, String, usize)>,
    /// Everything it was told: commands, PDUs, `ESC`.
    told: Vec<String>,
    /// How many times the port isn't there when it is opened.
    absent: usize,
    opened: usize,
    next_reference: u8,
    say: Option<mpsc::UnboundedSender<String>>,
}

/// The modem. Cloned into the function that opens the port.
#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<State>>);

impl Fake {
    /// A modem that works, but for these scripts of its first texts.
    pub(super) fn new(sends: &[&str]) -> Self {
        let sends = sends.iter().map(ToString::to_string).collect();
        Self(Arc::new(Mutex::new(State { sends, next_reference: 100, ..State::default() })))
    }

    /// Answers the next `times` commands that start with `command` like this (lines between `|`).
    pub(super) fn rule(self, command: &str, answer: &str, times: usize) -> Self {
        self.with(|state| state.rules.push((command.into(), answer.into(), times)));
        self
    }

    pub(super) fn absent(self, times: usize) -> Self {
        self.with(|state| state.absent = times);
        self
    }

    /// Says something unasked.
    pub(super) fn say(&self, line: &str) {
        self.with(|state| state.say.as_ref().unwrap().send(line.into()).unwrap());
    }

    /// Adds a script.
    pub(super) fn next_send(&self, script: &str) {
        self.with(|state| state.sends.push_back(script.into()));
    }

    /// Everything it was told since this was asked last.
    pub(super) fn take_told(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.told))
    }

    pub(super) fn opened(&self) -> usize {
        self.with(|state| state.opened)
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// Opens the port: a new connection to the modem, which starts with echo on.
    fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(PORT);
        let (say, said) = mpsc::unbounded_channel();
        self.with(|state| {
            state.opened = state.opened.saturating_add(1);
            if let Some(left) = state.absent.checked_sub(1) {
                state.absent = left;
                return Err(io::Error::from(io::ErrorKind::NotFound));
            }
            state.say = Some(say);
            Ok(())
        })?;
        let connection = Connection { fake: self.clone(), port: theirs, echo: true, said };
        // It ends with an error when its port is closed, which is what is meant to happen.
        tokio::spawn(async move { drop(connection.run().await) });
        Ok(ours)
    }
}

impl Ports for Fake {
    type Port = DuplexStream;

    fn open(&mut self, _: &Path, _: u32) -> io::Result<DuplexStream> {
        self.connect()
    }

    fn candidates(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }
}

struct Connection {
    fake: Fake,
    port: DuplexStream,
    echo: bool,
    said: mpsc::UnboundedReceiver<String>,
}

/// The end of a connection: unplugged, or closed by the other side.
struct End;

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    async fn run(mut self) -> Result<(), End> {
        let mut line = String::new();
        loop {
            let byte = tokio::select! {
                byte = self.port.read_u8() => byte?,
                Some(text) = self.said.recv() => { self.line(&text).await?; continue }
            };
            match byte {
                b'\r' => {
                    let command = std::mem::take(&mut line);
                    if self.echo {
                        self.raw(&format!("{command}\r")).await?;
                    }
                    self.command(&command).await?;
                }
                0x1b => self.fake.with(|state| state.told.push("ESC".into())),
                0x1a => {}
                _ => line.push(char::from(byte)),
            }
        }
    }

    async fn command(&mut self, command: &str) -> Result<(), End> {
        self.fake.with(|state| state.told.push(command.into()));
        if command.starts_with("AT+CMGS=") {
            let script = self.fake.with(|state| {
                state.sends.pop_front().unwrap_or_else(|| {
                    state.next_reference = state.next_reference.wrapping_add(1);
                    format!(">|#|+CMGS: {}|OK", state.next_reference)
                })
            });
            return self.play(&script).await;
        }
        let rule = self.fake.with(|state| {
            let rule =
                state.rules.iter_mut().find(|(start, _, left)| *left > 0 && command.starts_with(start.as_str()))?;
            rule.2 = rule.2.saturating_sub(1);
            Some(rule.1.clone())
        });
        if command == "ATE0" && rule.is_none() {
            self.echo = false;
        }
        let answer = rule.unwrap_or_else(|| usual(command).to_owned());
        self.play(&answer).await
    }

    async fn play(&mut self, script: &str) -> Result<(), End> {
        for piece in script.split('|') {
            match piece {
                ">" => self.raw("\r\n> ").await?,
                "#" => {
                    if !self.pdu().await? {
                        return Ok(());
                    }
                }
                "…" => self.deaf().await?,
                "flood" => loop {
                    self.line("^RSSI:17").await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                },
                "cut" => return Err(End),
                "zzz" => return Ok(()),
                line => self.line(line).await?,
            }
        }
        Ok(())
    }

    /// Reads a PDU up to Ctrl-Z. On ESC it says `OK` and the script is over.
    async fn pdu(&mut self) -> Result<bool, End> {
        let mut pdu = String::new();
        loop {
            match self.port.read_u8().await? {
                0x1a => break,
                0x1b => {
                    self.fake.with(|state| state.told.push("ESC".into()));
                    self.line("OK").await?;
                    return Ok(false);
                }
                byte => pdu.push(char::from(byte)),
            }
        }
        if self.echo {
            self.raw(&format!("{pdu}\x1a\r\n")).await?;
        }
        self.fake.with(|state| state.told.push(pdu));
        Ok(true)
    }

    async fn deaf(&mut self) -> Result<(), End> {
        loop {
            self.port.read_u8().await?;
        }
    }

    async fn line(&mut self, line: &str) -> Result<(), End> {
        self.raw(&format!("\r\n{line}\r\n")).await
    }

    async fn raw(&mut self, text: &str) -> Result<(), End> {
        Ok(self.port.write_all(text.as_bytes()).await?)
    }
}

fn usual(command: &str) -> &'static str {
    match command {
        "AT+CPIN?" => "+CPIN: READY|OK",
        "AT+CFUN?" => "+CFUN: 1|OK",
        "AT+CSCA?" => "+CSCA: \"+12085551000\",145|OK",
        "AT+CREG?" => "+CREG: 1,1|OK",
        "AT+CSQ" => "+CSQ: 21,99|OK",
        _ => "OK",
    }
}

/// Hex of a status report on a text to Dana, stamped now.
pub(super) fn report(reference: u8, status: u8) -> String {
    let now = jiff::Timestamp::now().strftime("%y%m%d%H%M%S").to_string();
    let swapped: String =
        now.as_bytes().chunks(2).flat_map(|pair| [char::from(pair[1]), char::from(pair[0])]).collect();
    format!("0006{reference:02X}0B915155210310F7{swapped}00{swapped}00{status:02X}")
}
