//! From exec to the first 202: with a folder that is made at this start and one that was there, with a telephone number
//! (its tables are loaded at the first) and without.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{Office, Post};
use crate::{Row, median};

const TIMES: usize = 15;
const BUDGET: Duration = Duration::from_millis(60);

pub(crate) async fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    for (fresh, folder) in [(true, "new folder"), (false, "old folder")] {
        for (phone, which) in [(None, "no number"), (Some("+46 8 123 456 78"), "a number")] {
            let took = start_to_first(fresh, phone).await;
            let (middle, most) = (median(&took), *took.iter().max().unwrap());
            let measured = format!("{:.1} ms (max {:.1})", middle.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3);
            let figure = format!("exec to first 202, {folder}, {which}, p50 of {TIMES}");
            rows.push(Row::new(figure, measured, "60 ms", middle <= BUDGET));
        }
    }
    rows
}

async fn start_to_first(fresh: bool, phone: Option<&str>) -> Vec<Duration> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let mut office = Office::new(&format!("[server]\nlisten = '{address}'\n[log]\nlevel = 'info'")).await;
    let mut took = Vec::new();
    for n in 0..=TIMES {
        if fresh {
            drop(std::fs::remove_dir_all(office.path().join("data")));
        }
        let body = json!({ "message": format!("Do you rent out chairs? {n}"), "phone": phone });
        let request = Post::website(&body).bytes();
        let begun = Instant::now();
        office.spawn();
        let answer = first_answer(address, &request).await;
        let elapsed = begun.elapsed();
        assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer));
        office.kill();
        // The first one brings the binary into the page cache and makes the folder.
        if n > 0 {
            took.push(elapsed);
        }
    }
    took
}

/// Tries until somebody listens.
async fn first_answer(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            sleep(Duration::from_micros(500)).await;
            continue;
        };
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        return answer;
    }
}
