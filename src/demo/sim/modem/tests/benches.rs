//! The bench: ports that move, that others hold, and devices that are no modem.

use super::*;

#[tokio::test(start_paused = true)]
async fn ports_are_found_where_they_are() {
    let mut bench = Bench::new();
    let modem = bench.modem("/dev/a", Setup::default());
    bench.other("/dev/gps", Other::Gps);
    let paths =
        |bench: &mut Bench| bench.candidates().iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    assert_eq!(paths(&mut bench), ["/dev/a", "/dev/gps"]);
    modem.unplug().await;
    assert_eq!(paths(&mut bench), ["/dev/gps"]);
    bench.rename("/dev/a", "/dev/b");
    modem.plug().await;
    assert_eq!(paths(&mut bench), ["/dev/b", "/dev/gps"]);
    assert!(bench.open(Path::new("/dev/a"), 9600).is_err());
    bench.refuse("/dev/b", Some(io::ErrorKind::PermissionDenied));
    assert_eq!(bench.open(Path::new("/dev/b"), 9600).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    bench.refuse("/dev/b", None);
    let mut client = Client(bench.open(Path::new("/dev/b"), 9600).unwrap());
    assert!(client.quick("AT\r").await.ends_with("OK"));
    drop(modem);
    drop(client);
    tokio::task::yield_now().await;
    assert!(bench.open(Path::new("/dev/b"), 9600).is_err(), "its modem is no more");
}

#[tokio::test(start_paused = true)]
async fn devices_that_are_no_modem() {
    for (other, want) in [(Other::Mute, ""), (Other::Gps, "$GPGGA"), (Other::Echo, "AT\r")] {
        let mut bench = Bench::new();
        bench.other("/dev/x", other);
        let mut client = Client(bench.open(Path::new("/dev/x"), 9600).unwrap());
        client.write("AT\r").await;
        let mut said = [0; 256];
        let read = timeout(Duration::from_secs(2), client.0.read(&mut said)).await;
        let said = read.map(|count| String::from_utf8_lossy(&said[..count.unwrap()]).into_owned()).unwrap_or_default();
        assert!(said.starts_with(want) && !said.contains("OK"), "{other:?}: {said}");
    }
}
