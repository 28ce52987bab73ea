//! How much a peer may drag out, send, or break off.

use super::*;

const HI: &str = r#"{"message":"Hi"}"#;

fn short() -> Limits {
    Limits { read_timeout: Duration::from_millis(200), idle_timeout: Duration::from_millis(400), ..limits() }
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_however_they_come() {
    let desk = Desk::open().await;
    let max = limits().max_body_bytes;
    let body = |len: usize| format!(r#"{{"message":"{}"}}"#, "x".repeat(len - 14)).into_bytes();
    assert_eq!(desk.open_post(body(max)).await.0, 202);
    assert_eq!(desk.open_post(body(max + 1)).await.0, 413);
    // Far beyond what sockets buffer: the answer must survive the bytes that nobody wanted.
    assert_eq!(desk.open_post(body(8 * 1024 * 1024)).await.0, 413);
    let announced = "POST /hooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n";
    let answer = desk.raw(announced).await;
    assert_eq!(split(&answer).0 / 100, 4, "{answer}");
    let mut chunked = b"POST /hooks/open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body(max + 1).chunks(4_096) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.write_all(&chunked).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(split(&heard(&mut stream).await).0, 413);
    assert_eq!(desk.reader().counts().unwrap().leads, 1);
    desk.close().await;
}

#[tokio::test]
async fn one_byte_chunks_one_at_a_time_are_a_body() {
    let desk = Desk::open().await;
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = "POST /hooks/open HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    for byte in head.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    for byte in HI.chars() {
        stream.write_all(format!("1\r\n{byte}\r\n").as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(split(&heard(&mut stream).await).0, 202);
    desk.close().await;
}

#[tokio::test]
async fn ambiguous_framing_hides_no_request() {
    let desk = Desk::open().await;
    let chunked = "10\r\n{\"message\":\"Hi\"}\r\n0\r\n\r\n";
    for (name, framing, body) in [
        ("two lengths", "Content-Length: 16\r\nContent-Length: 17\r\n", HI),
        ("a signed length", "Content-Length: +16\r\n", HI),
        ("an unknown coding", "Transfer-Encoding: chunked, x\r\n", chunked),
        ("a space before the colon", "Content-Length : 16\r\n", HI),
    ] {
        let request = format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}\r\n{body}");
        assert_eq!(split(&desk.raw(request).await).0, 400, "{name}");
    }
    assert_eq!(desk.reader().counts().unwrap().leads, 0);
    // Chunks outrank a length, but a peer in between may see it the other way round: the connection must end here
    // (RFC 9112, clause 6.1), or what follows would be taken for another request.
    let hidden = String::from_utf8(request("POST", "/hooks/open", &[], br#"{"message":"hidden"}"#)).unwrap();
    for both in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"]
    {
        let request = format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\n{both}\r\n{chunked}{hidden}");
        let answers = desk.raw(request).await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
    assert_eq!(desk.reader().counts().unwrap().leads, 1);
    desk.close().await;
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_431() {
    let desk = Desk::open().await;
    let large = format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(9_000));
    assert_eq!(split(&desk.raw(large).await).0, 431);
    let many = format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: 1\r\n".repeat(120));
    assert_eq!(split(&desk.raw(many).await).0, 431);
    desk.close().await;
}

#[tokio::test]
async fn who_dawdles_is_told_and_who_is_silent_is_left() {
    let desk = Desk::with(short(), 0).await;
    let head = "POST /hooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n";
    for (name, sent, status) in [
        ("a slow body", format!("{head}{{\"mess"), 408),
        ("no body at all", head.to_owned(), 408),
        ("a slow head", "POST /hooks/open HTT".to_owned(), 408),
    ] {
        assert_eq!(split(&desk.raw(sent).await).0, status, "{name}");
    }
    assert_eq!(desk.raw("").await, "");
    desk.close().await;
}

#[tokio::test]
async fn connections_are_kept_and_requests_may_queue_in_them() {
    let desk = Desk::open().await;
    let one = |message: &str| {
        let body = format!(r#"{{"message":"{message}"}}"#);
        format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let last = request("POST", "/hooks/open", &[], br#"{"message":"three"}"#);
    let answers = desk.raw([one("one").as_bytes(), one("two").as_bytes(), &last].concat()).await;
    assert_eq!(answers.matches("202 Accepted").count(), 3, "{answers}");
    desk.close().await;
}

/// Requests queue in a connection, but are taken one at a time: each is on disk before the next is looked at.
#[tokio::test]
async fn queued_requests_are_stored_in_their_order() {
    let desk = Desk::open().await;
    let one = |nth: usize| {
        let body = format!(r#"{{"message":"number {nth}"}}"#);
        format!("POST /hooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let queued: String = (0..20).map(one).collect();
    let answers = desk.raw(queued + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    // An id begins with its milliseconds, as twelve digits and a dash.
    let leads: Vec<&str> = answers.split("\"lead_id\":\"").skip(1).filter_map(|rest| rest.get(..13)).collect();
    assert_eq!(leads.len(), 20, "{answers}");
    assert!(leads.is_sorted(), "{leads:?}");
    desk.close().await;
}

/// More than a source may send is 429 with a wait in the source's own unit, and forgers use nothing of it up.
#[tokio::test]
async fn a_source_that_sends_too_much_is_told_when_to_come_again() {
    let slow = |source: Settings| Settings { max_per_minute: 2, ..source };
    let desk = Desk::of(sources().into_iter().map(slow).collect(), limits(), 0).await;
    let body = br#"{"objectId":1,"properties":{"message":"Hi"}}"#;
    for _ in 0..5 {
        assert_eq!(desk.signed("/hooks/hubspot", body, "forged").await.0, 401);
    }
    for (nth, want) in [202, 200, 429].into_iter().enumerate() {
        assert_eq!(desk.signed("/hooks/hubspot", body, HUBSPOT_SECRET).await.0, want, "{nth}");
        assert_eq!(desk.open_post(HI).await.0, want, "{nth}");
    }
    let wait = |answer: &str| -> u64 {
        let line = answer.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
        line.parse().unwrap()
    };
    let open = desk.raw(request("POST", "/hooks/open", &[], HI.as_bytes())).await;
    assert!((1..=30).contains(&wait(&open)), "seconds: {open}");
    let head = desk.signed_raw("/hooks/hubspot", body, HUBSPOT_SECRET).await;
    assert!((1_000..=30_000).contains(&wait(&head)), "milliseconds: {head}");
    desk.close().await;
}

#[tokio::test]
async fn who_closes_one_half_still_gets_the_answer_and_who_hangs_up_is_stored() {
    let desk = Desk::open().await;
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.write_all(&request("POST", "/hooks/open", &[], HI.as_bytes())).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(split(&heard(&mut stream).await).0, 202);
    let mut stream = TcpStream::connect(desk.address).await.unwrap();
    stream.write_all(&request("POST", "/hooks/open", &[], br#"{"message":"Bye"}"#)).await.unwrap();
    drop(stream);
    // Connections are taken in order, so the one that hung up was taken before this is answered; the drain waits for it.
    assert_eq!(desk.open_post(r#"{"message":"later"}"#).await.0, 202);
    let reader = desk.reader();
    desk.close().await;
    assert_eq!(reader.counts().unwrap().leads, 3);
}

#[tokio::test]
async fn more_connections_than_seats_wait_for_theirs() {
    let desk = Arc::new(Desk::with(Limits { max_connections: 2, ..limits() }, 0).await);
    let posts: Vec<_> = (0..16)
        .map(|nth| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move { desk.open_post(format!(r#"{{"message":"I am {nth}"}}"#)).await.0 })
        })
        .collect();
    for post in posts {
        assert_eq!(post.await.unwrap(), 202);
    }
    Arc::into_inner(desk).unwrap().close().await;
}

#[tokio::test]
async fn silence_keeps_no_seat_while_others_wait() {
    let desk = Desk::with(Limits { max_connections: 2, ..limits() }, 0).await;
    let mut silent = TcpStream::connect(desk.address).await.unwrap();
    let mut rested = TcpStream::connect(desk.address).await.unwrap();
    rested.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(desk.open_post(HI).await.0, 202);
    assert_eq!(heard(&mut silent).await, "");
    // The next to go is the one that had an answer before this one came.
    let mut newest = TcpStream::connect(desk.address).await.unwrap();
    assert_eq!(desk.open_post(HI).await.0, 200);
    assert_eq!(split(&heard(&mut rested).await).0, 404);
    newest.write_all(&request("POST", "/hooks/open", &[], HI.as_bytes())).await.unwrap();
    assert_eq!(split(&heard(&mut newest).await).0, 200);
    desk.close().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_ends_the_rest() {
    let desk = Desk::open().await;
    let mut idle = TcpStream::connect(desk.address).await.unwrap();
    let mut busy = TcpStream::connect(desk.address).await.unwrap();
    let bytes = request("POST", "/hooks/open", &[], HI.as_bytes());
    let (head, rest) = bytes.split_at(bytes.len() - 5);
    busy.write_all(head).await.unwrap();
    // Its answer shows that the loop has turned since: both connections above were taken before it.
    assert_eq!(desk.open_post(r#"{"message":"first"}"#).await.0, 202);
    desk.stop.cancel();
    assert_eq!(heard(&mut idle).await, "");
    busy.write_all(rest).await.unwrap();
    assert_eq!(split(&heard(&mut busy).await).0, 202);
    assert!(TcpStream::connect(desk.address).await.is_err());
    desk.close().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let desk = Desk::with(Limits { drain_grace: Duration::from_millis(50), ..limits() }, 0).await;
    let mut dawdler = TcpStream::connect(desk.address).await.unwrap();
    dawdler.write_all(b"POST /hooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n").await.unwrap();
    assert_eq!(desk.open_post(HI).await.0, 202);
    desk.close().await;
}
