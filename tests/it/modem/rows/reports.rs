//! Status reports in every shape that networks and modems give them.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Family, Reports};

use crate::modem::row::Row;

pub(super) fn rows() -> Vec<Row> {
    [shapes(), memories(), restarts()].into_iter().flatten().collect()
}

fn shapes() -> Vec<Row> {
    let row = |name: &str| Row::new(format!("report {name}"));
    vec![
        row("before the reference")
            .setup(|it| it.reports(Reports { early: true, ..Reports::default() }))
            .fate("delivered"),
        row("three times").setup(|it| it.reports(Reports { times: 3, ..Reports::default() })).fate("delivered"),
        row("first temporary, then final")
            .setup(|it| {
                let (statuses, delay) = (vec![0x20, 0x21, 0x00], Duration::from_secs(20));
                it.reports(Reports { statuses, delay, ..Reports::default() })
            })
            .fate("delivered"),
        row("delivered, then failed")
            .setup(|it| it.reports(Reports { statuses: vec![0x00, 0x46], ..Reports::default() }))
            .fate("delivered"),
        row("unconfirmed").setup(|it| it.report_status(Some(0x01))).fate("delivered-unconfirmed"),
        row("failed for good").setup(|it| it.report_status(Some(0x46))).fate("failed-permanent"),
        row("given up").setup(|it| it.report_status(Some(0x63))).fate("failed-temporary-gave-up"),
        row("reserved").setup(|it| it.report_status(Some(0x99))).fate("failed-unknown"),
        row("names a national number")
            .setup(|it| it.reports(Reports { national: true, ..Reports::default() }))
            .fate("delivered"),
        row("with octets behind it")
            .setup(|it| it.reports(Reports { trailing: true, ..Reports::default() }))
            .fate("delivered"),
        row("after 2 minutes").setup(|it| it.report_delay(Duration::from_mins(2))).fate("delivered"),
        row("of a text whose reference is 0").setup(|it| it.last_reference(255)).fate("delivered"),
        row("of three parts in all shapes")
            .setup(|it| {
                let of = Reports { early: true, times: 2, national: true, trailing: true, ..Reports::default() };
                it.last_reference(254).reports(of)
            })
            .long()
            .fate("delivered"),
        row("never comes").setup(|it| it.report_status(None)),
    ]
}

/// Not straight through.
fn memories() -> Vec<Row> {
    vec![
        Row::new("reports only into memory")
            .only(|family| family != Family::Sim800)
            .setup(|it| it.report_modes(&[0, 2]))
            .fate("delivered"),
        Row::new("reports into memory, only listed")
            .only(|family| family != Family::Sim800)
            .setup(|it| it.report_modes(&[0, 2]).unreadable_reports())
            .fate("delivered"),
        Row::new("no reports offered").setup(|it| it.report_modes(&[0])),
    ]
}

fn restarts() -> Vec<Row> {
    vec![
        Row::new("report after a restart of the modem")
            .setup(|it| it.report_delay(Duration::from_secs(90)))
            .later(20, |it| it.modem.reboot())
            .later(100, |_| ())
            .fate("delivered"),
        Row::new("report after a restart without a word")
            .setup(|it| it.report_delay(Duration::from_secs(200)))
            .later(20, |it| it.modem.reset_silently())
            .later(210, |_| ())
            .fate("delivered"),
        Row::new("report after a restart of the desk")
            .setup(|it| it.report_delay(Duration::from_secs(30)))
            .restarts()
            .fate("delivered"),
        // The others go on without their port, and tell nobody.
        Row::new("report after the port came back")
            .only(Family::is_usb)
            .setup(|it| it.report_delay(Duration::from_secs(30)))
            .later(10, |it| it.modem.lose_port(Some(Duration::from_secs(40))))
            .fate("delivered"),
    ]
}
