//! The modem as a client meets it: over a line with a paused clock, and over a real pseudo-terminal.

mod benches;
mod calls;
mod families;
mod restarts;
mod sims;
mod terminals;
mod texts;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::fs::OFlags;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use super::*;
use crate::deliver::modem::Ports;

/// "hello!" to +15551234567, report asked for; 19 octets without the service centre.
const HELLO: &str = "0021000B915155214365F7000006E8329BFD0E01";

/// The other end of a modem's line.
struct Client<L = DuplexStream>(L);

impl Client {
    fn of(setup: Setup) -> (Self, Modem) {
        let (near, far) = tokio::io::duplex(4096);
        (Self(near), setup.over(far))
    }
}

impl<L: AsyncRead + AsyncWrite + Unpin> Client<L> {
    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// What comes until nothing has come for a long (virtual) time; line ends shown as `|`.
    async fn heard(&mut self) -> String {
        self.heard_until(Duration::from_mins(5)).await
    }

    /// What comes until nothing has come for so long.
    async fn heard_until(&mut self, quiet: Duration) -> String {
        let mut all = Vec::new();
        let mut some = [0; 256];
        while let Ok(Ok(count @ 1..)) = timeout(quiet, self.0.read(&mut some)).await {
            all.extend_from_slice(&some[..count]);
        }
        let text = String::from_utf8_lossy(&all).into_owned();
        text.split("\r\n").filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
    }

    /// Its answer, without waiting for what it may say of itself later.
    async fn quick(&mut self, text: &str) -> String {
        self.write(text).await;
        self.heard_until(Duration::from_millis(50)).await
    }

    async fn ask(&mut self, text: &str) -> String {
        self.write(text).await;
        self.heard().await
    }
}

async fn ready(setup: Setup) -> (Client, Modem) {
    let (mut client, modem) = Client::of(setup);
    assert_eq!(client.quick("\x1bATE0\r").await, "ATE0\r|OK");
    (client, modem)
}

#[tokio::test(start_paused = true)]
async fn the_commands_of_a_start() {
    let (mut client, modem) = ready(Setup::default()).await;
    for (command, want) in [
        ("AT", "OK"),
        ("AT+CMEE=1", "OK"),
        ("AT+CGMI", "Quectel|OK"),
        ("AT+CPIN?", "+CPIN: READY|OK"),
        ("AT+CFUN?", "+CFUN: 1|OK"),
        ("AT+CREG=1", "OK"),
        ("AT+CREG?", "+CREG: 1,1|OK"),
        ("AT+CSQ", "+CSQ: 20,99|OK"),
        ("AT+CMGF=0", "OK"),
        ("AT+CMGF=1", "+CMS ERROR: 303"),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "+CPMS: 0,50,0,50,0,50|OK"),
        ("AT+CPMS=\"XX\"", "+CMS ERROR: 303"),
        ("AT+CNMI=?", "+CNMI: (0-2),(0-3),(0,2),(0,1,2),(0,1)|OK"),
        ("AT+CNMI=2,1,0,1,0", "OK"),
        ("AT+CNMI=3,1,0,1,0", "+CMS ERROR: 303"),
        ("AT+CSCA?", "+CSCA: \"+12085551000\",145|OK"),
        ("AT+CMGL=4", "OK"),
        ("AT+CMGR=1", "+CMS ERROR: 321"),
        ("AT+NONSENSE", "ERROR"),
    ] {
        assert_eq!(client.ask(&format!("{command}\r")).await, want, "{command}");
    }
    assert_eq!(modem.violations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_sent_and_reported() {
    let (mut client, modem) = ready(Setup::default().report_delay(Duration::from_secs(8))).await;
    client.ask("AT+CNMI=2,1,0,1,0\r").await;
    assert_eq!(client.ask("AT+CMGS=19\r").await, "> ");
    let heard = client.ask(&format!("{HELLO}\x1a")).await;
    assert!(heard.starts_with("+CMGS: 1|OK|+CDS: 25|07912180551500F006010B915155214365F7"), "{heard}");
    let sent = modem.sent().remove(0);
    assert_eq!((sent.to.as_str(), sent.text.as_str(), sent.is_whole()), ("+15551234567", "hello!", true));
    assert!(modem.violations().is_empty());
}

#[tokio::test(start_paused = true)]
async fn reports_can_wait_in_a_memory_or_never_come() {
    for (cnmi, status, want) in [
        ("2,1,0,2,0", Some(0), "+CMGS: 1|OK|+CDSI: \"SR\",0"),
        ("2,1,0,0,0", Some(0), "+CMGS: 1|OK"),
        ("2,1,0,1,0", None, "+CMGS: 1|OK"),
    ] {
        let (mut client, _modem) = ready(Setup::default().report_status(status)).await;
        client.ask(&format!("AT+CNMI={cnmi}\r")).await;
        client.ask("AT+CMGS=19\r").await;
        assert_eq!(client.ask(&format!("{HELLO}\x1a")).await, want, "{cnmi}");
        if want.contains("SR") {
            client.ask("AT+CPMS=\"SR\"\r").await;
            assert!(client.ask("AT+CMGR=0\r").await.starts_with("+CMGR: 0,,25|0791"));
            assert_eq!(client.ask("AT+CMGD=0\r").await, "OK");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_mistakes_are_remembered_and_what_came_too_early_is_lost() {
    let slow = || Setup::default().answer_delay(Duration::from_millis(20));
    for (name, setup, said, heard, sent) in [
        ("PDU in one piece with its command", Setup::default(), vec![format!("AT+CMGS=19\r{HELLO}\x1a")], "> ", 0),
        ("PDU before a slow prompt", slow(), vec!["AT+CMGS=19\r".into(), format!("{HELLO}\x1a")], "> ", 0),
        (
            "wrong length",
            Setup::default(),
            vec!["AT+CMGS=20\r".into(), format!("{HELLO}\x1a")],
            "> |+CMS ERROR: 304",
            0,
        ),
        ("no hex", Setup::default(), vec!["AT+CMGS=19\r".into(), "00XY\x1a".into()], "> |+CMS ERROR: 304", 0),
        (
            "a line end in the PDU",
            Setup::default(),
            vec!["AT+CMGS=19\r".into(), format!("{HELLO}\r\x1a")],
            "> |+CMS ERROR: 304",
            0,
        ),
        ("two commands at once", Setup::default(), vec!["AT+CSQ\rAT+CREG?\r".into()], "+CSQ: 20,99|OK", 0),
        (
            "a command before the final result",
            slow(),
            vec!["AT+CSQ\r".into(), "AT+CREG?\r".into()],
            "+CSQ: 20,99|OK",
            0,
        ),
        ("a line feed", Setup::default(), vec!["AT\r\n".into()], "OK", 0),
        ("no length", Setup::default(), vec!["AT+CMGS=+15551234567\r".into()], "+CMS ERROR: 304", 0),
        (
            "a command at the prompt",
            Setup::default(),
            vec!["AT+CMGS=19\r".into(), "AT\r".into(), "\x1a".into()],
            "> |+CMS ERROR: 304",
            0,
        ),
        ("patience", slow(), vec!["AT+CMGS=19\r".into(), "?".into(), format!("{HELLO}\x1a")], "> |+CMGS: 1|OK", 1),
    ] {
        let (mut client, modem) = ready(setup).await;
        let mut got = Vec::new();
        for text in &said {
            if text == "?" {
                got.push(client.heard().await);
            } else {
                client.write(text).await;
                // Lets the modem read each write by itself, without giving its clock time.
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
        }
        got.push(client.heard().await);
        assert_eq!(got.join("|").replace("> +", "> |+"), heard, "{name}");
        assert_eq!(modem.violations().len(), usize::from(name != "patience"), "{name}: {:?}", modem.violations());
        assert_eq!(modem.parts_sent(), sent, "{name}");
    }
}

/// A client that dies leaves its command in the line, and a busy modem reads that together with what the next one writes.
#[tokio::test(start_paused = true)]
async fn a_client_goes_on_where_another_died() {
    let (mut client, modem) = ready(Setup::default()).await;
    assert_eq!(client.ask("AT+CMGS=19\r\x1bAT\r").await, "> |OK|OK");
    assert_eq!((modem.parts_sent(), modem.violations()), (0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn trouble_at_each_step() {
    let cms = |n| Trouble::Cms(n);
    let late = Trouble::Late(Duration::from_secs(130));
    for (name, step, trouble, prompt, verdict, sent) in [
        ("no prompt", Step::Command("AT+CMGS"), Trouble::Silent, "", "", 0),
        ("refused before the prompt", Step::Command("AT+CMGS"), cms(302), "+CMS ERROR: 302", "", 0),
        ("deaf at the prompt", Step::Prompted, Trouble::Silent, "> ", "", 0),
        ("deaf in the PDU", Step::PduByte, Trouble::Silent, "> ", "", 0),
        ("silent, not sent", Step::CtrlZ, Trouble::Silent, "> ", "", 0),
        ("refused", Step::CtrlZ, cms(38), "> ", "+CMS ERROR: 38", 0),
        ("plain error", Step::CtrlZ, Trouble::Error, "> ", "ERROR", 0),
        ("silent, but sent", Step::Accepted, Trouble::Silent, "> ", "", 1),
        ("error, but sent", Step::Accepted, cms(500), "> ", "+CMS ERROR: 500", 1),
        ("very late", Step::Accepted, late, "> ", "+CMGS: 1|OK", 1),
        ("no OK", Step::Referenced, Trouble::Silent, "> ", "+CMGS: 1", 1),
        ("reboot", Step::CtrlZ, Trouble::Reboot, "> ", "RDY", 0),
    ] {
        let (mut client, modem) = ready(Setup::default()).await;
        modem.trouble(step, trouble);
        assert_eq!(client.ask("AT+CMGS=19\r").await, prompt, "{name}");
        if prompt == "> " {
            assert_eq!(client.ask(&format!("{HELLO}\x1a")).await, verdict, "{name}");
        }
        assert_eq!((modem.parts_sent(), modem.violations().len()), (sent, 0), "{name}");
        // ESC and a probe bring it back whatever happened.
        assert!(client.ask("\x1bAT\r").await.ends_with("OK"), "{name}");
        assert!(modem.violations().is_empty(), "{name}: {:?}", modem.violations());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_stops_the_modem_at_each_step() {
    for (step, before, after, sent_before) in [
        (Step::Command("AT+CMGS"), "", "> |+CMGS: 1|OK", 0),
        (Step::Prompted, "> ", "+CMGS: 1|OK", 0),
        (Step::PduByte, "> ", "+CMGS: 1|OK", 0),
        (Step::CtrlZ, "> ", "+CMGS: 1|OK", 0),
        (Step::Accepted, "> ", "+CMGS: 1|OK", 1),
        (Step::Referenced, "> |+CMGS: 1", "OK", 1),
    ] {
        let (mut client, modem) = ready(Setup::default()).await;
        let mut held = modem.hold(step);
        let mut heard = client.ask("AT+CMGS=19\r").await;
        if !heard.is_empty() {
            let more = client.ask(&format!("{HELLO}\x1a")).await;
            heard = if more.is_empty() { heard } else { format!("{heard}|{more}") };
        }
        assert_eq!(heard, before, "{step:?}");
        assert_eq!(held.reached().await.unwrap(), "AT+CMGS=19", "{step:?}");
        assert_eq!(modem.parts_sent(), sent_before, "{step:?}");
        held.release();
        let mut heard = client.heard().await;
        if heard == "> " {
            heard = format!("> |{}", client.ask(&format!("{HELLO}\x1a")).await);
        }
        assert_eq!(heard, after, "{step:?}");
        assert_eq!((modem.parts_sent(), modem.violations().len()), (1, 0), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_part_is_never_sent() {
    let (mut client, modem) = ready(Setup::default()).await;
    let mut held = modem.hold(Step::CtrlZ);
    client.ask("AT+CMGS=19\r").await;
    client.write(&format!("{HELLO}\x1a")).await;
    held.reached().await.unwrap();
    held.abandon();
    assert_eq!(client.ask("AT\r").await, "OK");
    assert_eq!(modem.parts_sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pin_is_asked_for_and_counted() {
    let (mut client, modem) = ready(Setup::default().pin("1234")).await;
    for (command, want) in [
        ("AT+CMEE=1", "OK"),
        ("AT+CPIN?", "+CPIN: SIM PIN|OK"),
        ("AT+CMGF=0", "+CMS ERROR: 311"),
        ("AT+CPINR", "+CPINR: SIM PIN,3,3|+CPINR: SIM PUK,10,10|OK"),
        ("AT+CPIN=\"0000\"", "+CME ERROR: 16"),
        ("AT+CPIN=\"1234\"", "OK|+CPIN: READY|+QUSIM: 1|+QIND: SMS DONE"),
        ("AT+CMGF=0", "OK"),
    ] {
        assert_eq!(client.ask(&format!("{command}\r")).await, want, "{command}");
    }
    assert!(!format!("{:?}", modem.commands()).contains("1234"));
}

#[tokio::test(start_paused = true)]
async fn lines_nobody_asked_for_come_where_they_are_put() {
    let (mut client, modem) = ready(Setup::default()).await;
    client.ask("AT+CREG=1\r").await;
    modem.set_network(2);
    assert_eq!(client.heard().await, "+CREG: 2");
    assert_eq!(client.ask("AT+CMGS=19\r").await, "+CMS ERROR: 331");
    modem.set_network(5);
    modem.urc_at(Step::Command("AT+CMGS"), "^RSSI:17");
    modem.urc_at(Step::Referenced, "+CMTI: \"ME\",3");
    assert_eq!(client.ask("AT+CMGS=19\r").await, "+CREG: 5|^RSSI:17|> ");
    assert_eq!(client.ask(&format!("{HELLO}\x1a")).await, "+CMGS: 1|+CMTI: \"ME\",3|OK");
    modem.receive("07912180551500F0040B915155210310F700006211228141950A06C1E11214BB01");
    assert_eq!(client.heard().await, "+CMTI: \"ME\",0");
    assert!(client.ask("AT+CMGR=0\r").await.starts_with("+CMGR: 0,,25|0791"));
}

#[tokio::test(start_paused = true)]
async fn chatter_never_breaks_a_send() {
    for seed in 0..50 {
        let (mut client, modem) = Client::of(Setup::default().chatter(seed));
        assert!(client.ask("ATE0\r").await.ends_with("OK"));
        assert!(client.ask("AT+CMGS=19\r").await.contains("> "), "{seed}");
        assert!(client.ask(&format!("{HELLO}\x1a")).await.ends_with("OK"), "{seed}");
        assert_eq!((modem.sent().len(), modem.violations().len()), (1, 0), "{seed}");
    }
}

/// A client on the real port, in blocking style on its own thread, as far from tokio as a separate process.
fn on_port<T: Send + 'static>(
    path: &Path,
    act: impl FnOnce(&mut std::fs::File) -> T + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let mut port = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).unwrap();
        rustix::termios::ioctl_tiocexcl(&port).unwrap();
        act(&mut port)
    })
}

fn until(port: &mut std::fs::File, end: &str) -> String {
    let mut all = String::new();
    let mut some = [0; 256];
    while !all.contains(end) {
        let count = port.read(&mut some).unwrap();
        all.push_str(std::str::from_utf8(&some[..count]).unwrap());
    }
    all
}

#[tokio::test]
async fn client_after_client_finds_the_port_and_the_modem_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modem0");
    let modem = Setup::default().spawn(&path).unwrap();
    let first = std::fs::read_link(&path).unwrap();
    let mut held = modem.hold(Step::CtrlZ);
    // The first client dies in mid-send, its exclusive mark still on the terminal.
    let client = on_port(&path, |port| {
        port.write_all(b"AT\r").unwrap();
        until(port, "OK");
        port.write_all(b"AT+CMGS=19\r").unwrap();
        until(port, "> ");
        port.write_all(format!("{HELLO}\x1a").as_bytes()).unwrap();
    });
    held.reached().await.unwrap();
    client.await.unwrap();
    held.release();
    while std::fs::read_link(&path).unwrap() == first {
        tokio::task::yield_now().await;
    }
    // What the modem answered to nobody is lost, but the echo it had switched on is still on.
    let heard = on_port(&path, |port| {
        port.write_all(b"\x1bAT\r").unwrap();
        until(port, "OK")
    });
    assert_eq!(heard.await.unwrap().trim_end(), "AT\r\r\nOK");
    assert_eq!((modem.parts_sent(), modem.violations().len()), (1, 0));
}

#[tokio::test]
async fn a_modem_can_be_unplugged_and_plugged_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modem0");
    let modem = Setup::default().spawn(&path).unwrap();
    let (told, tell) = oneshot::channel();
    let client = on_port(&path, |port| {
        port.write_all(b"AT\r").unwrap();
        until(port, "OK");
        told.send(()).unwrap();
        let mut some = [0; 16];
        port.read(&mut some)
    });
    tell.await.unwrap();
    modem.unplug().await;
    assert!(!path.exists());
    assert!(matches!(client.await.unwrap(), Ok(0) | Err(_)), "the client sees the port go");
    modem.plug().await;
    assert!(path.exists());
    let again = on_port(&path, |port| {
        port.write_all(b"AT\r").unwrap();
        until(port, "OK")
    });
    assert!(again.await.unwrap().contains("OK"));
    drop(modem);
    assert!(!path.exists());
}
