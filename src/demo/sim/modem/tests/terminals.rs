//! What only a real terminal shows: its speed, and a link that goes away and comes back.

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::*;

/// What it says to `AT` at this speed.
async fn at_speed(path: &Path, baud: u32) -> String {
    let said = on_port(path, move |port| {
        let mut settings = tcgetattr(&*port).unwrap();
        settings.set_speed(baud).unwrap();
        tcsetattr(&*port, OptionalActions::Now, &settings).unwrap();
        port.write_all(b"AT\r").unwrap();
        let mut some = [0; 64];
        let count = port.read(&mut some).unwrap();
        String::from_utf8_lossy(&some[..count]).into_owned()
    });
    said.await.unwrap()
}

#[tokio::test]
async fn a_terminal_has_a_speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modem0");
    let modem = Setup::family(Family::Generic).speed(9600).spawn(&path).unwrap();
    for (baud, good) in [(115_200, false), (9600, true), (57_600, false)] {
        let port = std::fs::read_link(&path).unwrap();
        let said = at_speed(&path, baud).await;
        assert!(!said.is_empty() && said.contains("OK") == good, "{baud}: {said:?}");
        while std::fs::read_link(&path).unwrap() == port {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((modem.counts().opened, modem.violations()), (3, vec![]));
}

#[tokio::test]
async fn a_link_goes_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("modem0");
    let modem = Setup::default().spawn(&path).unwrap();
    modem.trouble(Step::Command("AT+CSQ"), Trouble::Gone(Some(Duration::from_millis(20))));
    let client = on_port(&path, |port| {
        port.write_all(b"AT+CSQ\r").unwrap();
        let mut some = [0; 64];
        while matches!(port.read(&mut some), Ok(1..)) {}
    });
    client.await.unwrap();
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    let again = on_port(&path, |port| {
        port.write_all(b"AT\r").unwrap();
        until(port, "OK")
    });
    assert!(again.await.unwrap().contains("OK"));
    assert_eq!(modem.violations(), [""; 0]);
}
