//! SIMs: PINs and their tries, SIMs that are missing or broken, and what a client mustn't do with them.

use super::*;

async fn told(setup: Setup, said: &[(&str, &str)]) -> Modem {
    let (mut client, modem) = ready(setup).await;
    client.ask("AT+CMEE=1\r").await;
    for (command, want) in said {
        let heard = client.quick(&format!("{command}\r")).await;
        let heard = heard.split('|').filter(|line| !line.starts_with("+QUSIM")).collect::<Vec<_>>().join("|");
        assert_eq!(heard, *want, "{command} in {said:?}");
    }
    modem
}

#[tokio::test(start_paused = true)]
async fn states_of_a_sim() {
    for (sim, state, message) in [
        (Sim::Absent, "+CME ERROR: 10", "+CMS ERROR: 310"),
        (Sim::Failed, "+CME ERROR: 13", "+CMS ERROR: 313"),
        (Sim::Puk, "+CPIN: SIM PUK|OK", "+CMS ERROR: 316"),
        (Sim::Fine, "+CPIN: READY|OK", "OK"),
    ] {
        let modem = told(Setup::default().sim(sim), &[("AT+CMGF=0", message), ("AT+CPIN?", state)]).await;
        assert_eq!(modem.violations(), [""; 0], "{sim:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pins_are_counted_and_mistakes_seen() {
    let pin = |digits: &'static str| -> &'static str {
        match digits {
            "good" => "AT+CPIN=\"1234\"",
            "bad" => "AT+CPIN=\"0000\"",
            "worse" => "AT+CPIN=\"1111\"",
            _ => "AT+CPIN=\"12345678\",\"1234\"",
        }
    };
    let no = "+CME ERROR: 16";
    for (name, said, violations) in [
        ("good", vec![("AT+CPIN?", "+CPIN: SIM PIN|OK"), (pin("good"), "OK|+CPIN: READY")], 0),
        ("refused once", vec![(pin("bad"), no), ("AT+CPINR", "+CPINR: SIM PIN,2,3|+CPINR: SIM PUK,10,10|OK")], 0),
        ("the same again", vec![(pin("bad"), no), (pin("bad"), no)], 2),
        ("another with two tries left", vec![(pin("bad"), no), (pin("good"), "OK|+CPIN: READY")], 1),
        ("a PUK", vec![(pin("puk"), no)], 1),
        (
            "until it blocks",
            vec![(pin("bad"), no), (pin("worse"), no), ("AT+CPIN=\"2222\"", "+CME ERROR: 12"), (pin("good"), no)],
            3,
        ),
        ("asking on though told", vec![("AT+CPIN?", "+CPIN: SIM PIN|OK"), ("AT+CMGF=0", "+CMS ERROR: 311")], 1),
        ("told by a refusal", vec![("AT+CMGF=0", "+CMS ERROR: 311"), ("AT+CMGF=0", "+CMS ERROR: 311")], 1),
    ] {
        let modem = told(Setup::default().pin("1234"), &said).await;
        assert_eq!(modem.violations().len(), violations, "{name}: {:?}", modem.violations());
        assert!(!format!("{:?}{:?}", modem.commands(), modem.violations()).contains("1234"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_whose_fate_is_unknown_is_spent() {
    for (name, step, look, again, violations) in [
        ("never seen", Step::Command("AT+CPIN="), false, "AT+CPIN=\"1234\"", 1),
        ("taken without a word", Step::Executed("AT+CPIN="), false, "AT", 0),
        ("taken, and seen to be", Step::Executed("AT+CPIN="), true, "AT+CPIN=\"1234\"", 0),
        ("taken, but not looked at", Step::Executed("AT+CPIN="), false, "AT+CPIN=\"1234\"", 1),
    ] {
        let (mut client, modem) = ready(Setup::default().pin("1234")).await;
        modem.trouble(step, Trouble::Silent);
        client.write("AT+CPIN=\"1234\"\r").await;
        client.heard().await;
        if name == "never seen" {
            assert_eq!(client.ask("AT+CPIN?\r").await, "+CPIN: SIM PIN|OK");
            // It never reached the SIM, but who can know?
        } else if look {
            assert_eq!(client.ask("AT+CPIN?\r").await, "+CPIN: READY|OK");
        }
        modem.reboot();
        client.heard().await;
        client.ask(&format!("{again}\r")).await;
        let violations = if name == "never seen" { 0 } else { violations };
        assert_eq!(modem.violations().len(), violations, "{name}: {:?}", modem.violations());
    }
}

#[tokio::test(start_paused = true)]
async fn mistakes_that_wear_out_or_forget() {
    for (said, violations) in [
        (&[("ATZ", "OK")][..], 0),
        (&[("ATZ", "OK"), ("AT&F", "AT&F\r|OK")], 1),
        (&[("AT&W", "OK")], 1),
        (&[("AT+CMGD=1,4", "OK")], 1),
        (&[("AT+CMGL=4", "OK"), ("AT+CMGD=1,4", "OK")], 0),
        (&[("AT+CMGD=0", "OK")], 0),
    ] {
        let modem = told(Setup::default(), said).await;
        assert_eq!(modem.violations().len(), violations, "{said:?}: {:?}", modem.violations());
    }
}
