//! Many connections that want nothing but a seat.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{connect, heard, next_lead_is_accepted, office, statuses};

const IDLE: usize = 2_000;

/// Room for that many sockets of this process, as far as the system gives it.
fn make_room() {
    let now = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now }).unwrap();
    let room = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    assert!(room > 3_000, "this test needs 3,000 file handles; the system gives {room}");
}

/// None of them goes by itself: whoever leaves does so for somebody new.
#[tokio::test]
async fn two_thousand_idle_connections_keep_no_lead_out() {
    make_room();
    let office = office("[server]\nread-timeout = \"10m\"\nidle-timeout = \"10m\"").await;
    let mut idle = Vec::new();
    for nth in 0..IDLE {
        idle.push(connect(&office).await);
        if nth % 500 == 499 {
            next_lead_is_accepted(&office, &format!("{nth} idle connections")).await;
        }
    }
    // The first ones had to leave for them.
    assert_eq!(heard(&mut idle[0]).await, b"");
    next_lead_is_accepted(&office, "the last idle connection").await;
}

/// Of other addresses than loopback each has so many; the tunnel's isn't counted.
#[tokio::test]
async fn one_peer_has_so_many_and_the_tunnel_all() {
    let Some(address) = own_address() else { return };
    let more = format!("[server]\nlisten = \"{}:0\"\nmax-connections-per-peer = 3", address.ip());
    let office = office(&more).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&office).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        kept.push(stream);
    }
    assert_eq!(heard(&mut connect(&office).await).await, b"");
    let mut last = kept.pop().unwrap();
    last.shutdown().await.unwrap();
    assert_eq!(statuses(&heard(&mut last).await), [404]);
    // Its seat is free a moment after its socket is.
    let lead = crate::support::Post::website(&serde_json::json!({ "message": "How much is a tent?" }));
    let answer = async {
        loop {
            if let Some((status, _)) = office.try_post(&lead).await {
                return status;
            }
        }
    };
    assert_eq!(tokio::time::timeout(crate::support::PATIENCE, answer).await.expect("a seat"), 202);
}

/// An address of this machine that isn't loopback, if it has one.
fn own_address() -> Option<std::net::SocketAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only asks which address would be used (TEST-NET-1, RFC 5737).
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().filter(|address| !address.ip().is_loopback() && !address.ip().is_unspecified())
}

/// Seats that are at work aren't given up for anybody.
#[tokio::test]
async fn who_is_being_served_stays() {
    let office = office("[server]\nmax-connections = 2").await;
    let lead = crate::support::Post::website(&serde_json::json!({ "message": "How much is a tent?" })).bytes();
    let (first, rest) = lead.split_at(lead.len() - 5);
    let mut busy = connect(&office).await;
    busy.write_all(first).await.unwrap();
    let mut idle: Vec<TcpStream> = Vec::new();
    for nth in 0..4 {
        idle.push(connect(&office).await);
        next_lead_is_accepted(&office, &format!("idle connection {nth}")).await;
    }
    busy.write_all(rest).await.unwrap();
    assert_eq!(statuses(&heard(&mut busy).await), [202]);
}
