//! Everything that goes wrong with a modem, in the order in which a modem meets it.

mod inbound;
mod network;
mod opening;
mod ports;
mod prompt;
mod recovery;
mod reports;
mod sims;
mod verdict;

use super::row::Row;

pub(super) fn all() -> Vec<Row> {
    [
        opening::rows(),
        sims::rows(),
        network::rows(),
        prompt::rows(),
        verdict::rows(),
        ports::rows(),
        recovery::rows(),
        reports::rows(),
        inbound::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
