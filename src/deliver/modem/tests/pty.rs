//! The real serial code on a pseudo terminal: a text goes out, and pulling the plug is noticed.

use std::fs::File;
use std::io::{Read, Write};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;

/// A modem on the master side of a terminal that takes one text, then is unplugged. Returns the path of the other side.
fn modem_on_a_pty() -> (PathBuf, std::thread::JoinHandle<Vec<String>>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap().into();
    // Held open so that the terminal lives until the driver has opened it; a reader without a peer would end at once.
    let held = File::options().read(true).write(true).open(&path).unwrap();
    (path, std::thread::spawn(move || serve(File::from(master), held)))
}

fn serve(mut master: File, held: File) -> Vec<String> {
    let (mut told, mut line, mut held) = (Vec::new(), String::new(), Some(held));
    let mut byte = [0_u8];
    while master.read_exact(&mut byte).is_ok() {
        let answer = match byte[0] {
            b'\r' => {
                let command = std::mem::take(&mut line);
                let answer = match command.as_str() {
                    "AT+CPIN?" => "\r\n+CPIN: READY\r\n\r\nOK\r\n",
                    "AT+CREG?" => "\r\n+CREG: 1,1\r\n\r\nOK\r\n",
                    start if start.starts_with("AT+CMGS=") => "\r\n> ",
                    _ => "\r\nOK\r\n",
                };
                told.push(command);
                drop(held.take());
                answer
            }
            0x1a => {
                told.push(std::mem::take(&mut line));
                master.write_all(b"\r\n+CMGS: 42\r\n\r\nOK\r\n").unwrap();
                continue;
            }
            0x1b => continue,
            b'!' => break,
            other => {
                line.push(char::from(other));
                continue;
            }
        };
        master.write_all(answer.as_bytes()).unwrap();
        if told.iter().filter(|line| line.as_str() == "AT+CREG?").count() == 2 {
            break; // unplugged at the second look at the network
        }
    }
    told
}

#[tokio::test]
async fn a_text_goes_out_over_a_terminal_and_unplugging_is_noticed() {
    let (port, modem_side) = modem_on_a_pty();
    let settings = Settings {
        name: "modem0".into(),
        port: Some(port),
        baud: 115_200,
        smsc: None,
        validity: Duration::from_hours(1),
        pin: None,
        caps: (1000, 1000),
        power: None,
        timings: Timings { keep_alive: Duration::from_millis(300), ..Timings::default() },
    };
    let stop = CancellationToken::new();
    let (mut handle, task) = modem(settings, Arc::new(Forgetful), stop.clone());
    let task = tokio::spawn(task);
    let report = handle.perform(&work("URGENT lead K7", Duration::from_secs(20))).await;
    assert_eq!(word(&report), "sent 42", "{report:?}");
    let absent = handle.wait_for(|info| info.state == ModemState::Absent);
    tokio::time::timeout(Duration::from_secs(20), absent).await.unwrap().unwrap();
    stop.cancel();
    task.await.unwrap();
    let told = modem_side.join().unwrap();
    assert!(told.iter().any(|line| line.starts_with("0031000B915155210310F7")), "{told:?}");
}
