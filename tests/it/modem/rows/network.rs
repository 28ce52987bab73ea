//! The network: lost, denied, back again, or for texts alone.

use std::time::Duration;

use crate::modem::row::{OVER, Row};

pub(super) fn rows() -> Vec<Row> {
    let without = |name: &str| Row::new(name).ends(OVER).over(|it| it.modem.set_network(1));
    vec![
        Row::new("roaming").fault(|it| it.modem.set_network(5)),
        Row::new("registered for texts alone").fault(|it| it.modem.set_network(6)),
        Row::new("roaming for texts alone").before(|it| it.modem.set_network(7)),
        Row::new("no network for 10 s").fault(|it| it.modem.set_network(2)).later(10, |it| it.modem.set_network(1)),
        without("no network").fault(|it| it.modem.set_network(2)),
        without("unknown to the network").fault(|it| it.modem.set_network(4)),
        without("no network from the start").before(|it| it.modem.set_network(0)),
        without("denied").fault(|it| it.modem.set_network(3)).works_within(5),
        without("emergency calls only, for long").fault(|it| it.modem.set_network(8)).calls(20),
        Row::new("signs in late").before(|it| {
            it.modem.set_network(2);
            let modem = std::sync::Arc::clone(&it.modem);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(70)).await;
                modem.set_network(1);
            });
        }),
    ]
}
