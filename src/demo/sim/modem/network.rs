//! The network as the modem sees it: whether it is taken in, and what comes from there (3GPP TS 27.007, clause 7.2).

use std::time::Duration;

use super::agenda::Event;
use super::commands::{Reply, done, line, numbers};
use super::inbound::{Arrival, Inbound};
use super::machine::Machine;
use super::setup::Sim;
use super::storage::{Stored, tpdu_length};

use Reply::{Cme, Error};

/// `<stat>` with which short messages can be sent: home, roaming, and the two "SMS only" ones.
const REGISTERED: [u8; 4] = [1, 5, 6, 7];
/// What must be acknowledged gets this long (TS 24.011, timer TR2M, rounded).
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(15);
/// Until the network takes in a modem that looks for it.
pub(super) const ATTACH: Duration = Duration::from_secs(4);

/// How texts come in.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// What the network keeps for a modem that isn't there, or whose memory is full.
    held: Vec<Arrival>,
    /// So many are stored without a word.
    pub(super) unannounced: usize,
    /// They are stored here, wherever the client wanted them.
    pub(super) elsewhere: Option<&'static str>,
    reference: u16,
}

impl Machine {
    /// `<stat>` right now.
    pub(super) fn registration(&self) -> u8 {
        if self.volatile.functions != 1 || self.card.state != Sim::Fine {
            0
        } else if self.now < self.attached_at {
            2
        } else {
            self.network
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        REGISTERED.contains(&self.registration())
    }

    /// Whether the network reaches the modem, and the modem its client.
    pub(super) fn is_on_air(&self) -> bool {
        self.is_registered() && self.is_awake()
    }

    /// Looks for the network from then on.
    pub(super) fn search(&mut self, from: Duration) {
        self.attached_at = from.saturating_add(ATTACH);
        self.agenda.add(self.attached_at, Event::Registered);
    }

    /// `AT+CREG`, `AT+CGREG` and `AT+CEREG`.
    pub(super) fn registration_command(&mut self, name: &str, tail: &str) -> Reply {
        let at = ["CREG", "CGREG", "CEREG"].iter().position(|known| *known == name);
        let status = self.registration();
        let Some(mode) = at.and_then(|at| self.volatile.registration.get_mut(at)) else { return Error };
        match (tail, tail.strip_prefix('=').and_then(numbers).as_deref()) {
            ("?", _) => line(format!("+{name}: {mode},{status}")),
            (_, Some([value @ 0..=2])) => {
                *mode = *value;
                done()
            }
            _ => Cme(50),
        }
    }

    /// `AT+COPS?`.
    pub(super) fn operator(&self) -> Reply {
        match (self.is_registered(), self.nature.tells_technology) {
            (false, _) => line("+COPS: 0"),
            (true, true) => line("+COPS: 0,0,\"Simulated\",7"),
            (true, false) => line("+COPS: 0,0,\"Simulated\""),
        }
    }

    /// The network registers the modem or throws it out.
    pub(super) fn set_network(&mut self, status: u8) {
        self.network = status;
        self.tell_registration();
        self.let_in();
    }

    /// The modem says how it stands with the network, if it was asked to.
    pub(super) fn tell_registration(&mut self) {
        let status = self.registration();
        for (name, mode) in ["CREG", "CGREG", "CEREG"].into_iter().zip(self.volatile.registration) {
            if mode > 0 && self.knows(name) {
                self.announce(format!("+{name}: {status}"));
            }
        }
    }

    /// A text comes in from the network, part by part.
    pub(super) fn text_in(&mut self, inbound: &Inbound) {
        self.post.reference = self.post.reference.wrapping_add(1);
        let arrivals = inbound.arrivals(self.post.reference, self.clock());
        self.post.held.extend(arrivals);
        self.let_in();
    }

    /// A message comes in from the network: a whole PDU.
    pub(super) fn receive(&mut self, pdu: &str) {
        self.post.held.push(Arrival { pdu: pdu.to_owned(), class: None });
        self.let_in();
    }

    /// Texts the network still keeps.
    pub(super) fn waiting_texts(&self) -> usize {
        self.post.held.len()
    }

    /// Takes in what the network keeps, as far as there is room.
    pub(super) fn let_in(&mut self) {
        while self.is_on_air() && !self.post.held.is_empty() {
            let arrival = self.post.held.remove(0);
            if !self.take_in(&arrival) {
                return self.post.held.insert(0, arrival);
            }
        }
    }

    fn take_in(&mut self, arrival: &Arrival) -> bool {
        let (length, pdu) = (tpdu_length(&arrival.pdu), &arrival.pdu);
        let [_, mt, ..] = self.volatile.indications;
        if mt == 2 || (mt > 0 && arrival.class == Some(0)) {
            self.hand_over(&format!("+CMT: ,{length}\r\n{pdu}"));
            return true;
        }
        let [.., receiving] = &self.volatile.memories;
        let memory = match (self.post.elsewhere, arrival.class) {
            (Some(elsewhere), _) => elsewhere,
            (None, Some(2)) => "SM",
            (None, _) => receiving.as_str(),
        };
        let memory = memory.to_owned();
        let Some(index) = self.store(Stored::new(&memory, 0, length, pdu)) else { return false };
        if self.post.unannounced > 0 {
            self.post.unannounced = self.post.unannounced.saturating_sub(1);
        } else if mt == 1 {
            self.announce(format!("+CMTI: \"{memory}\",{index}"));
        }
        true
    }

    /// Gives the client something that the modem doesn't keep. It may have to say that it has it.
    pub(super) fn hand_over(&mut self, lines: &str) {
        self.announce(lines.to_owned());
        if self.volatile.acknowledge {
            self.owed = self.owed.saturating_add(1);
            self.agenda.add(self.now.saturating_add(ACKNOWLEDGE_WITHIN), Event::Unacknowledged);
        }
    }

    /// Nobody said that it has what was handed over: nothing is handed over any more.
    pub(super) fn unacknowledged(&mut self) {
        if self.owed > 0 {
            self.owed = 0;
            let [mode, _, bm, _, bfr] = self.volatile.indications;
            self.volatile.indications = [mode, 0, bm, 0, bfr];
        }
    }
}
