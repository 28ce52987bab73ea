//! From POST to the end of the PDU with a model that answers at once, in terms of what it is made of: commits of one row,
//! and round trips over the pseudo-terminal, both measured beside it.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nightdesk::demo::sim::Fault;
use nightdesk::demo::sim::modem::Setup;
use rusqlite::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tokio_serial::SerialPortBuilderExt;

use crate::support::{Office, strace};
use crate::{Row, median, mix};

/// Leads, and as many commits and round trips.
const TIMES: usize = 60;
/// Commits a lead may take until its text is out.
const COMMITS: u32 = 3;
const ROUND_TRIPS: u32 = 4;
const REST: Duration = Duration::from_millis(2);
/// Between leads: a modem is left in peace for a moment after a text, and hears of it 100 ms later.
const APART: Duration = Duration::from_millis(200);

pub(crate) async fn measure() -> Vec<Row> {
    let mut office = Office::new("[log]\nlevel = 'info'").await;
    office.start().await;
    let (mut leads, mut commits, mut round_trips) = (Vec::new(), Vec::new(), Vec::new());
    let folder = tempfile::Builder::new().prefix("nd").tempdir().unwrap();
    let disk = one_row_database(folder.path());
    let modem = Setup::default().spawn(folder.path().join("modem")).unwrap();
    let mut port = tokio_serial::new(modem.path().unwrap().to_str().unwrap(), 115_200).open_native_async().unwrap();
    for n in 0..=TIMES {
        let took = (lead(&office, n).await, commit(&disk, i64::try_from(n).unwrap()), round_trip(&mut port).await);
        // The first one opens connections and loads the tables of numbers.
        if n > 0 {
            leads.push(took.0);
            commits.push(took.1);
            round_trips.push(took.2);
        }
        sleep(APART).await;
    }
    let (lead, commit, round_trip) = (median(&leads), median(&commits), median(&round_trips));
    let budget = commit * COMMITS + round_trip * ROUND_TRIPS + REST;
    let counted = commits_to_pdu().await;
    vec![
        Row::new("one-row commit, synchronous=FULL, p50", millis(commit), "", true),
        Row::new("AT to OK over the pseudo-terminal, p50", millis(round_trip), "", true),
        Row::new(
            "POST to PDU complete, p50",
            millis(lead),
            format!("{} (3 C + 4 R + 2 ms)", millis(budget)),
            lead <= budget,
        ),
        Row::new("syncs of the WAL from POST to PDU, p50", counted.to_string(), "3", counted <= 3),
    ]
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// Posts an urgent lead and waits until it has settled. From the first byte of the POST to the modem's taking the PDU.
async fn lead(office: &Office, n: usize) -> Duration {
    let post = mix::urgent(office, n);
    let begun = Timestamp::now();
    assert_eq!(office.post(&post).await.0, 202);
    office.until_settled(u32::try_from(n + 1).unwrap()).await;
    let sent = office.modem.sent();
    assert_eq!(sent.len(), n + 1);
    sent.last().unwrap().at.duration_since(begun).unsigned_abs()
}

fn one_row_database(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("one.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE one (n INTEGER NOT NULL, text TEXT NOT NULL)").unwrap();
    connection
}

fn commit(connection: &Connection, n: i64) -> Duration {
    let begun = Instant::now();
    connection.execute("INSERT INTO one VALUES (?1, 'a row')", [n]).unwrap();
    begun.elapsed()
}

async fn round_trip(port: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) -> Duration {
    let begun = Instant::now();
    port.write_all(b"AT\r").await.unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
    while !heard.ends_with(b"OK\r\n") {
        let read = port.read(&mut buffer).await.unwrap();
        heard.extend_from_slice(&buffer[..read]);
    }
    begun.elapsed()
}

/// Syncs of the WAL that returned between a lead's POST and the write that ends its PDU, by strace: the middle of some leads.
/// (One more belongs to a lead that comes just when the WAL starts again.)
/// The CRM answers late, so that what comes of its part, which nobody waits for, is not counted.
async fn commits_to_pdu() -> usize {
    let mut office = Office::new("[log]\nlevel = 'info'").await;
    office.hubspot.script([Fault::ok().after(Duration::from_millis(300)).forever()]);
    office.trace("fdatasync,fsync,write");
    office.start().await;
    let mut posted = Vec::new();
    for n in 0..8 {
        posted.push(Timestamp::now().as_microsecond() as f64 / 1e6);
        assert_eq!(office.post(&mix::urgent(&office, n)).await.0, 202);
        office.until_settled(u32::try_from(n + 1).unwrap()).await;
    }
    office.kill();
    let events = office.traced();
    // Ctrl-Z, as strace shows it.
    let ends_pdu = |event: &&strace::Event| event.returned.is_none() && event.args.contains("\\32\"");
    let pdus: Vec<f64> = events.iter().filter(ends_pdu).map(|event| event.at).collect();
    assert_eq!(pdus.len(), posted.len());
    let syncs = |from: f64, to: f64| {
        let within = |event: &&strace::Event| {
            event.is_on("-wal") && event.returned.is_some() && event.at > from && event.at < to
        };
        events.iter().filter(within).filter(|event| event.name != "write").count()
    };
    median(&posted.iter().zip(&pdus).map(|(from, to)| syncs(*from, *to)).collect::<Vec<_>>())
}
