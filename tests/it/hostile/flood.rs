//! Thousands of forged requests while real leads come: nobody real waits or is refused, and what is forged costs a few
//! rows, a counted alert and a few lines. `benches/budget` measures the same with a hundred thousand.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Duration, interval};

use super::office;
use crate::support::{Office, Post};

const FORGERS: usize = 25;
const EACH: usize = 200;
const REAL: usize = 20;

fn forged() -> Post {
    Post::plain("/hooks/crm", "{\"objectId\":1}").header("X-HubSpot-Signature-v3", "bm90IG91cnM=").header(
        "X-HubSpot-Request-Timestamp",
        &std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis().to_string(),
    )
}

/// Posts forged requests one after the other on one connection; each must be refused.
async fn forge(address: SocketAddr, count: usize) {
    let request = String::from_utf8(forged().bytes()).unwrap().replace("Connection: close\r\n", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = vec![0; 4_096];
    for _ in 0..count {
        stream.write_all(request.as_bytes()).await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..read]);
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

fn alerted(office: &Office) -> usize {
    let count = office.column("SELECT count FROM alerts WHERE key = 'quarantine:crm'");
    count.first().map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn forged_requests_keep_no_lead_out_and_cost_little() {
    let office = office("").await;
    let mut forgers = JoinSet::new();
    for _ in 0..FORGERS {
        forgers.spawn(forge(office.intake.unwrap(), EACH));
    }
    // Of the source that is forged, so that its own limits are shown to be untouched.
    for nth in 0..REAL {
        let contact = (nth + 700).to_string();
        office.hubspot.set_contact(&contact, &[]);
        let (status, answer) = office.post(&Post::hubspot(&contact, &format!("How much are {nth} tents?"))).await;
        assert_eq!(status, 202, "{answer}");
    }
    forgers.join_all().await;
    assert_eq!(office.column("SELECT count(*) FROM leads"), [REAL.to_string()]);

    let kept: usize = office.column("SELECT count(*) FROM quarantine").remove(0).parse().unwrap();
    assert!((60..200).contains(&kept), "{kept} rows");
    let lines = office.log().matches("a request failed to authenticate").count();
    assert!((1..30).contains(&lines), "{lines} lines");

    // The ones that were only counted are told with the next that is kept.
    let (mut sent, mut ticks) = (FORGERS * EACH, interval(Duration::from_millis(50)));
    let last = loop {
        ticks.tick().await;
        assert_eq!(office.post(&forged()).await.0, 401);
        sent += 1;
        if alerted(&office) == sent {
            break office.post(&Post::website(&json!({ "message": "after the flood" }))).await;
        }
        assert!(alerted(&office) <= sent && sent < FORGERS * EACH + 1_000, "{} of {sent}", alerted(&office));
    };
    assert_eq!(last.0, 202);
}
