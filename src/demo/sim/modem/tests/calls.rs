//! Phones that a modem calls.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_goes_as_the_called_phone_has_it() {
    let second = Duration::from_secs;
    for (callee, hangs_up, want, lasted) in [
        (Callee::Rings, true, "OK|OK", 20),
        (Callee::Busy, false, "OK|BUSY", 1),
        (Callee::Unreachable, false, "OK|NO CARRIER", 1),
        (Callee::Declines(second(7)), false, "OK|NO CARRIER", 7),
        (Callee::NoAnswer(second(15)), false, "OK|NO ANSWER", 15),
        (Callee::PicksUp(second(5)), true, "OK|CONNECT|OK", 20),
    ] {
        let (mut client, modem) = ready(Setup::default()).await;
        modem.callee(callee);
        client.write("ATD+15551234567;\r").await;
        let mut said = client.heard_until(second(19)).await;
        tokio::time::sleep_until(modem.shared.start + second(20) + Duration::from_millis(50)).await;
        if hangs_up {
            said = format!("{said}|{}", client.quick("AT+CHUP\r").await);
        }
        assert_eq!(said, want, "{callee:?}");
        let calls = modem.calls();
        let [Rung { to, lasted: Some(time), .. }] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(to, "+15551234567");
        assert!(time.as_secs().abs_diff(lasted) < 12 && (hangs_up || time.as_secs() == lasted), "{callee:?}: {time:?}");
        assert_eq!(modem.violations(), [""; 0], "{callee:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn some_have_no_voice_and_no_modem_is_called_wrongly() {
    for (family, dials, hangs_up) in [
        (Family::Ec25, "OK", "OK"),
        (Family::Sim800, "OK", "OK"),
        (Family::Generic, "OK", "ERROR"),
        (Family::Huawei, "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORT"),
    ] {
        let (mut client, modem) = ready(Setup::family(family)).await;
        assert_eq!(client.quick("ATD+15551234567;\r").await, dials, "{}", family.name());
        assert_eq!(client.quick("AT+CHUP\r").await, hangs_up, "{}", family.name());
        assert_eq!(client.quick("ATH\r").await, "OK", "{}", family.name());
        assert_eq!(modem.calls().len(), usize::from(dials == "OK"));
        assert!(modem.calls().iter().all(|call| call.lasted.is_some()), "{}", family.name());
        assert_eq!(modem.violations(), [""; 0]);
    }
    let (mut client, modem) = ready(Setup::default()).await;
    for (nth, command) in ["ATD+15551234567", "ATD5551234567;", "ATD+15551234567i;", "ATD;"].into_iter().enumerate() {
        assert_eq!(client.quick(&format!("{command}\r")).await, "ERROR", "{command}");
        assert_eq!(modem.violations().len(), nth + 1, "{command}");
    }
    client.quick("ATD+15551234567;\r").await;
    assert_eq!(client.quick("ATD+15551234568;\r").await, "ERROR");
    client.quick("AT+CMGS=19\r").await;
    assert_eq!(modem.violations().len(), 6, "a second call, and a text in the middle of one");
    let (mut client, modem) = ready(Setup::default()).await;
    modem.set_network(2);
    assert_eq!(client.quick("ATD+15551234567;\r").await, "NO CARRIER");
}
