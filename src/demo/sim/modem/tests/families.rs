//! Each family as a client meets it: who it is, what it takes and refuses, and its start from cold.

use super::*;

/// A client on a bench whose modem was plugged in just now, or runs.
pub(super) struct OnBench {
    pub(super) bench: Bench,
    pub(super) modem: Modem,
    pub(super) client: Option<Client<BenchPort>>,
}

impl OnBench {
    pub(super) fn new(setup: Setup) -> Self {
        let bench = Bench::new();
        let modem = bench.modem("/dev/modem", setup);
        Self { bench, modem, client: None }
    }

    pub(super) fn open(&mut self) -> std::io::Result<()> {
        self.open_at(115_200)
    }

    pub(super) fn open_at(&mut self, baud: u32) -> std::io::Result<()> {
        drop(self.client.take());
        self.client = Some(Client(self.bench.open(Path::new("/dev/modem"), baud)?));
        Ok(())
    }

    pub(super) async fn quick(&mut self, command: &str) -> String {
        self.client.as_mut().unwrap().quick(&format!("{command}\r")).await
    }

    /// What it says unasked within so many seconds.
    pub(super) async fn hears(&mut self, seconds: u64) -> String {
        let start = Instant::now();
        let mut all = Vec::new();
        while start.elapsed() < Duration::from_secs(seconds) {
            let some = self.client.as_mut().unwrap().heard_until(Duration::from_millis(100)).await;
            all.extend(Some(some).filter(|some| !some.is_empty()));
        }
        all.join("|")
    }
}

#[tokio::test(start_paused = true)]
async fn who_they_are_and_what_they_know() {
    use Family::{Ec25, Generic, Huawei, Sim800};
    for (family, command, want) in [
        (Sim800, "AT+CGMI", "SIMCOM_Ltd|OK"),
        (Sim800, "AT+CCID", "89014103211118510720F|OK"),
        (Sim800, "AT+QCCID", "ERROR"),
        (Sim800, "AT+SPIC", "+SPIC: 3,3,10,10|OK"),
        (Sim800, "AT+CEREG=1", "ERROR"),
        (Sim800, "AT+CPMS=\"ME\",\"ME\",\"ME\"", "+CMS ERROR: 303"),
        (Sim800, "AT+CPMS=\"SM\",\"SM\",\"SM\"", "+CPMS: 0,15,0,15,0,15|OK"),
        (Sim800, "AT+CNMI=2,1,0,2,0", "+CMS ERROR: 303"),
        (Sim800, "AT+CNMI=2,1,0,1,0", "OK"),
        (Sim800, "AT+COPS?", "+COPS: 0,0,\"Simulated\"|OK"),
        (Huawei, "AT+CGMI", "huawei\r|OK"),
        (Huawei, "AT+CPINR", "COMMAND NOT SUPPORT"),
        (Huawei, "AT^CPIN?", "^CPIN: READY,,10,3,10,3\r|OK"),
        (Huawei, "AT^ICCID?", "^ICCID: 89014103211118510720\r|OK"),
        (Huawei, "AT+CLAC", "&C\r|&D\r|&F\r|E\r|+CMGS\r|+CMGL\r|OK"),
        (Huawei, "AT+CNMI=2,1,0,2,0", "OK"),
        (Ec25, "AT+CEREG?", "+CEREG: 0,1|OK"),
        (Ec25, "AT+QCCID", "+QCCID: 89014103211118510720|OK"),
        (Ec25, "AT+QPINC=\"SC\"", "+QPINC: \"SC\",3,10|OK"),
        (Ec25, "AT+COPS?", "+COPS: 0,0,\"Simulated\",7|OK"),
        (Ec25, "AT+SPIC", "ERROR"),
        (Generic, "AT+CPIN?", "+CPIN: READY"),
        (Generic, "AT+CCID", "ERROR"),
        (Generic, "AT+CSMS=0", "ERROR"),
        (Generic, "AT+CGREG?", "ERROR"),
        (Generic, "AT+CNMI=2,1,0,1,0", "+CMS ERROR: 303"),
        (Generic, "AT+CNMI=2,1,0,2,0", "OK"),
        (Generic, "AT+CPMS=?", "+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))|OK"),
        (Generic, "AT+CMGS=19", "> "),
    ] {
        let mut it = OnBench::new(Setup::family(family));
        it.open().unwrap();
        it.quick("ATE0").await;
        assert_eq!(it.quick(command).await, want, "{} {command}", family.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_from_cold_with_a_pin() {
    let sms_ready = |family| match family {
        Family::Sim800 => "+CPIN: READY|Call Ready|SMS Ready",
        Family::Huawei => "^SIMST:1|^SRVST:2",
        Family::Ec25 => "+CPIN: READY|+QUSIM: 1|+QIND: SMS DONE",
        Family::Generic => "+WIND: 4",
    };
    for (family, attempts) in
        [(Family::Sim800, "AT+SPIC"), (Family::Huawei, "AT^CPIN?"), (Family::Ec25, "AT+CPINR"), (Family::Generic, "AT")]
    {
        let name = family.name();
        let mut it = OnBench::new(Setup::family(family).pin("1234"));
        it.modem.power_cycle();
        assert_eq!(it.open().is_err(), family.is_usb(), "{name}: a port on USB is away while the modem starts");
        tokio::time::sleep(Duration::from_secs(20)).await;
        it.open().unwrap();
        // The first may be eaten.
        it.quick("AT").await;
        assert_eq!(it.quick("AT").await, "AT\r|OK", "{name}: echo is on");
        assert_eq!(it.quick("ATE0").await, "ATE0\r|OK", "{name}");
        it.quick("AT+CMEE=1").await;
        assert!(it.quick("AT+CPIN?").await.starts_with("+CPIN: SIM PIN"), "{name}");
        assert!(it.quick(attempts).await.ends_with("OK"), "{name}");
        let unlocked = it.quick("AT+CPIN=\"1234\"").await;
        assert!(unlocked.starts_with("OK"), "{name}: {unlocked}");
        assert_eq!(it.quick("AT+CMGF=0").await, "+CMS ERROR: 314", "{name}: the SIM is busy");
        let said = format!("{unlocked}|{}", it.hears(8).await);
        let own = |line: &&str| sms_ready(family).contains(line);
        assert_eq!(said.split('|').filter(own).collect::<Vec<_>>().join("|"), sms_ready(family), "{name}: {said}");
        assert_eq!(it.quick("AT+CMGF=0").await, "OK", "{name}");
        assert!(it.quick("AT+CREG?").await.contains("+CREG: 0,1"), "{name}");
        it.quick("AT+CMGS=19").await;
        assert!(it.client.as_mut().unwrap().quick(&format!("{HELLO}\x1a")).await.starts_with("+CMGS: 1|OK"), "{name}");
        assert_eq!(it.modem.violations(), [""; 0], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn some_never_stop_talking() {
    let mut it = OnBench::new(Setup::family(Family::Huawei));
    it.open().unwrap();
    it.quick("AT").await;
    let said = it.hears(100).await;
    assert_eq!((said.matches("^BOOT").count(), said.matches("^RSSI").count()), (3, 9), "{said}");
    it.quick("AT^CURC=0").await;
    let said = it.hears(100).await;
    assert_eq!((said.matches("^BOOT").count(), said.matches("^RSSI").count()), (3, 0), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_text_goes_out_from_every_family() {
    for family in Family::ALL {
        let mut it = OnBench::new(Setup::family(family).report_delay(Duration::from_millis(10)));
        it.open().unwrap();
        for command in ["ATE0", "AT+CNMI=2,1,0,1,0", "AT+CNMI=2,1,0,2,0"] {
            it.quick(command).await;
        }
        assert!(it.quick("AT+CMGS=19").await.ends_with("> "));
        let said = it.client.as_mut().unwrap().quick(&format!("{HELLO}\x1a")).await;
        assert!(said.starts_with("+CMGS: 1|OK|+CDS"), "{}: {said}", family.name());
        assert_eq!((it.modem.parts_sent(), it.modem.violations()), (1, vec![]), "{}", family.name());
    }
}
