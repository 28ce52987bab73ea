//! From a port to a modem that is ready: noise, speeds, prompts left open, commands that are refused, other devices.

use std::io::ErrorKind;
use std::time::Duration;

use nightdesk::demo::sim::modem::{Family, Other, Setup, Step, Stuck, Trouble};
use tokio::time::sleep;

use crate::modem::row::{IN_TIME, OVER, Row};
use crate::modem::scene::PORT;

/// Under another name.
const ELSEWHERE: &str = "/dev/serial/by-id/modem-elsewhere";

pub(super) fn rows() -> Vec<Row> {
    [noise(), refusals(), other_devices(), talk()].into_iter().flatten().collect()
}

fn noise() -> Vec<Row> {
    vec![
        Row::new("nothing wrong").fate("delivered"),
        Row::new("noise greets").setup(|it| it.noise(400)),
        Row::new("a prompt out of nothing")
            .before(|it| it.modem.trouble(Step::Command("AT"), Trouble::Say("\r\n> ".into()))),
        Row::new("another speed").only(|family| !family.is_usb()).setup(|it| it.speed(9600)),
        Row::new("a rare speed").only(|family| !family.is_usb()).setup(|it| it.speed(460_800)),
        Row::new("left in a PDU, ESC helps").setup(|it| it.stuck(Stuck::Esc)),
        Row::new("left in a PDU, only Ctrl-Z helps").setup(|it| it.stuck(Stuck::CtrlZ)),
        // Whatever is typed belongs to that PDU; what comes of it is none, and another way is as good.
        Row::new("left in a PDU in between")
            .fault(|it| it.modem.leave_prompt(Stuck::CtrlZ))
            .ends(&["sent", "retried", "over", "refused"]),
        Row::new("starts from cold").before(|it| it.modem.power_cycle()),
        Row::new("starts from cold, SIM busy for 20 s")
            .setup(|it| it.sim_busy(Duration::from_secs(20)))
            .before(|it| it.modem.power_cycle()),
        Row::new("radio off at every start").setup(Setup::radio_off),
        Row::new("the same after a restart").setup(Setup::radio_off).fault(|it| it.modem.reboot()).ends(IN_TIME),
        Row::new("please wait, once its radio is on").setup(|it| it.radio_off().please_wait(Duration::from_secs(6))),
        Row::new("every command takes its time").setup(|it| it.answer_delay(Duration::from_millis(400))),
    ]
}

fn refusals() -> Vec<Row> {
    let refused = |command: &'static str| -> Row {
        Row::new(format!("{command} is refused")).fault(|_| ()).before(match command {
            "ATE0" => |it| it.modem.trouble_forever(Step::Command("ATE0"), Trouble::Error),
            "AT+CMEE" => |it| it.modem.trouble_forever(Step::Command("AT+CMEE"), Trouble::Error),
            "AT+CPMS" => |it| it.modem.trouble_forever(Step::Command("AT+CPMS"), Trouble::Cms(303)),
            "AT+CNMI" => |it| it.modem.trouble_forever(Step::Command("AT+CNMI"), Trouble::Cms(303)),
            "AT+CSMS" => |it| it.modem.trouble_forever(Step::Command("AT+CSMS"), Trouble::Cms(303)),
            "AT+COPS" => |it| it.modem.trouble_forever(Step::Command("AT+COPS"), Trouble::Cme(4)),
            "AT+CGMI" => |it| it.modem.trouble_forever(Step::Command("AT+CG"), Trouble::Error),
            _ => |it| it.modem.trouble_forever(Step::Command("AT+CSQ"), Trouble::Cme(100)),
        })
    };
    // Without a choice of memories its reports can't be read: they lie in one of their own.
    let readable =
        |row: Row| if row.name.contains("CPMS") { row.only(|family| family != Family::Generic) } else { row };
    let all = ["ATE0", "AT+CMEE", "AT+CPMS", "AT+CNMI", "AT+CSMS", "AT+COPS", "AT+CGMI", "AT+CSQ"];
    all.map(refused).map(readable).to_vec()
}

fn other_devices() -> Vec<Row> {
    vec![
        Row::new("found among other devices").before(|it| {
            it.settings.port = None;
            for (name, other) in [("a-gps", Other::Gps), ("b-mute", Other::Mute), ("c-echo", Other::Echo)] {
                it.bench.other(format!("/dev/serial/by-id/{name}"), other);
            }
        }),
        Row::new("found again under another name")
            .before(|it| it.settings.port = None)
            .fault(|it| {
                it.modem.lose_port(Some(Duration::from_secs(10)));
                it.bench.rename(PORT, ELSEWHERE);
            })
            .ends(IN_TIME),
        Row::new("held by another program for 20 s").before(|it| {
            it.bench.refuse(PORT, Some(ErrorKind::ResourceBusy));
            let bench = it.bench.clone();
            tokio::spawn(async move {
                sleep(Duration::from_secs(20)).await;
                bench.refuse(PORT, None);
            });
        }),
        Row::new("nobody may open its port")
            .before(|it| it.bench.refuse(PORT, Some(ErrorKind::PermissionDenied)))
            .ends(OVER)
            .calls(3)
            .over(|it| it.bench.refuse(PORT, None)),
    ]
}

/// Lines nobody asked for.
fn talk() -> Vec<Row> {
    vec![
        Row::new("a storm while it starts").before(|it| it.modem.storm(20, Duration::from_mins(1))),
        Row::new("a storm while it sends").fault(|it| it.modem.storm(50, Duration::from_secs(40))),
        Row::new("a line before each echo").before(|it| {
            it.modem.trouble_forever(Step::Command("ATE0"), Trouble::Error);
            for _ in 0..60 {
                it.modem.urc_at(Step::FirstByte, "+CIEV: 2,4");
            }
        }),
        Row::new("a line at each step of a text").fault(|it| {
            for step in [Step::Command("AT+CMGS"), Step::Prompted, Step::CtrlZ, Step::Accepted, Step::Referenced] {
                it.modem.urc_at(step, "^RSSI:17");
            }
        }),
        Row::new("announcements at each step of a text").fault(|it| {
            for step in [Step::Command("AT+CMGS"), Step::Prompted, Step::CtrlZ, Step::Accepted, Step::Referenced] {
                it.modem.urc_at(step, "+CMTI: \"SM\",9");
            }
        }),
        Row::new("a report on others before the OK").fault(|it| {
            let of_others = "+CDS: 25\r\n07912180551500F006FF0B915155559999F9621122814195006211228141950000";
            it.modem.urc_at(Step::Referenced, of_others);
        }),
        Row::new("chatter everywhere").setup(|it| it.chatter(7)),
    ]
}
