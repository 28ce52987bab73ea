//! What a test, a person or the weather does to a modem that runs.

use std::sync::Arc;
use std::time::Duration;

use super::inbound::Inbound;
use super::machine::Machine;
use super::power::Counts;
use super::reports::Reports;
use super::setup::{Sim, Stuck};
use super::step::{Act, Cure, Lasting, Step, Trouble};
use super::storage::{Stored, tpdu_length};
use super::{Held, Modem};

/// A text of ours that somebody once left in a memory: sent, and only written.
const LEFT: [(u8, &str); 2] =
    [(3, "0001000B915155214365F7000005E8329BFD06"), (2, "0001000B915155214365F7000004F4F29C0E")];

impl Modem {
    /// The next time the modem passes this step, this happens to it.
    pub fn trouble(&self, step: Step, trouble: Trouble) {
        self.shared.touch(|machine| machine.arm(step, Act::Trouble(trouble), Lasting::Once));
    }

    /// After the modem has passed this step so often unharmed, this happens to it there.
    pub fn trouble_after(&self, spare: u32, step: Step, trouble: Trouble) {
        self.shared.touch(|machine| machine.arm_after(spare, step, trouble));
    }

    /// Every time the modem passes this step, this happens to it.
    pub fn trouble_forever(&self, step: Step, trouble: Trouble) {
        self.shared.touch(|machine| machine.arm(step, Act::Trouble(trouble), Lasting::Forever));
    }

    /// Every time the modem passes this step, this happens to it, until it is cured.
    pub fn trouble_until(&self, step: Step, trouble: Trouble, cure: Cure) {
        self.shared.touch(|machine| machine.arm(step, Act::Trouble(trouble), Lasting::Until(cure)));
    }

    /// Takes away all troubles that are still to come.
    pub fn heal(&self) {
        self.shared.touch(Machine::heal);
    }

    /// Breaks the modem for good: it takes the PDU and never answers, and the network never gets it.
    pub fn misbehave(&self) {
        self.trouble_forever(Step::CtrlZ, Trouble::Silent);
    }

    /// From now on it neither hears nor says anything until it is cured.
    pub fn hang(&self, until: Cure) {
        self.shared.touch(|machine| machine.hang(until));
    }

    /// Says a line nobody asked for.
    pub fn urc(&self, line: impl Into<String>) {
        self.shared.touch(|machine| machine.announce(line.into()));
    }

    /// Says it the next time the modem passes this step, before what follows there.
    pub fn urc_at(&self, step: Step, line: impl Into<String>) {
        self.shared.touch(|machine| machine.arm(step, Act::Urc(line.into()), Lasting::Once));
    }

    /// Says so many lines in a second for so long, whatever else goes on: chatter, and texts and reports that are
    /// about others.
    pub fn storm(&self, per_second: u32, lasts: Duration) {
        self.shared.touch(|machine| machine.begin_storm(per_second, lasts));
    }

    /// Stops the modem the next time it passes this step, until the hold is released, abandoned or dropped.
    #[must_use]
    pub fn hold(&self, step: Step) -> Held {
        let (id, reached) = self.shared.touch(|machine| machine.arm_hold(step));
        Held { shared: Arc::clone(&self.shared), id, reached }
    }

    /// A message comes in from the network: a whole PDU with its service centre, in hexadecimal.
    pub fn receive(&self, pdu: &str) {
        self.shared.touch(|machine| machine.receive(pdu));
    }

    /// A text comes in from a number, a short code or a name.
    pub fn text_in(&self, from: &str, text: &str) {
        self.inbound(&Inbound::new(from, text));
    }

    /// A text comes in, in the way it says.
    pub fn inbound(&self, inbound: &Inbound) {
        self.shared.touch(|machine| machine.text_in(inbound));
    }

    /// The next texts are stored without a word.
    pub fn lose_announcements(&self, count: usize) {
        self.shared.touch(|machine| machine.post.unannounced = count);
    }

    /// From now on texts are stored in this memory, wherever the client wanted them.
    pub fn store_in(&self, memory: &'static str) {
        self.shared.touch(|machine| machine.post.elsewhere = Some(memory));
    }

    /// Fills the first memory but for so many places with texts that came in long ago.
    pub fn fill(&self, but: usize) {
        self.shared.touch(|machine| machine.fill(but));
    }

    /// Somebody left a text that was sent, and one that wasn't, in the first memory.
    pub fn leave_drafts(&self) {
        self.shared.touch(|machine| {
            let [memory, ..] = machine.volatile.memories.clone();
            for (status, pdu) in LEFT {
                machine.store(Stored::new(&memory, status, tpdu_length(pdu), pdu));
            }
        });
    }

    /// Every text in its memories: the memory, the place, the PDU.
    #[must_use]
    pub fn stored(&self) -> Vec<(String, u32, String)> {
        let of = |stored: &Stored| (stored.memory.clone(), stored.index, stored.pdu.clone());
        super::super::lock(&self.shared.machine).stored.iter().map(of).collect()
    }

    /// The PDUs that were deleted.
    #[must_use]
    pub fn deleted(&self) -> Vec<String> {
        super::super::lock(&self.shared.machine).deleted.iter().map(|stored| stored.pdu.clone()).collect()
    }

    /// Texts that the network still keeps.
    #[must_use]
    pub fn waiting_texts(&self) -> usize {
        super::super::lock(&self.shared.machine).waiting_texts()
    }

    /// From now on the network reports this of every part (TP-ST), or nothing.
    pub fn report_with(&self, status: Option<u8>) {
        self.shared.touch(|machine| machine.setup.reports.statuses = Vec::from_iter(status));
    }

    /// From now on the network reports so.
    pub fn reports(&self, reports: Reports) {
        self.shared.touch(|machine| machine.setup.reports = reports);
    }

    /// The network registers the modem, or throws it out: `<stat>` of `AT+CREG` (1 home, 2 searching, 3 denied).
    pub fn set_network(&self, status: u8) {
        self.shared.touch(|machine| machine.set_network(status));
    }

    /// The SIM is like this from now on.
    pub fn set_sim(&self, sim: Sim) {
        self.shared.touch(|machine| machine.set_sim(sim));
    }

    /// The SIM has this service centre from now on; empty: none.
    pub fn set_centre(&self, number: &str) {
        self.shared.touch(|machine| number.clone_into(&mut machine.centre));
    }

    /// It echoes again.
    pub fn echo_on(&self) {
        self.shared.touch(|machine| machine.volatile.echo = true);
    }

    /// It forgets where texts and reports are to go (`AT+CNMI`), and says nothing of it.
    pub fn lose_indications(&self) {
        self.shared.touch(|machine| machine.volatile.indications = [0; 5]);
    }

    /// Somebody else leaves it in the middle of a PDU.
    pub fn leave_prompt(&self, prompt: Stuck) {
        self.shared.touch(|machine| machine.leave_prompt(prompt));
    }

    /// A reset by command makes it vanish for good from now on, or no longer.
    pub fn harmful_reset(&self, harmful: bool) {
        self.shared.touch(|machine| machine.setup.harmful_reset = harmful);
    }

    /// The modem starts anew in its place, as after a brown-out that was over at once.
    pub fn reboot(&self) {
        self.shared.touch(Machine::restart);
    }

    /// The same, but it says nothing of it.
    pub fn reset_silently(&self) {
        self.shared.touch(Machine::restart_silently);
    }

    /// Its power fails for a moment: it starts as from cold, which takes its time.
    pub fn brown_out(&self) {
        self.shared.touch(|machine| machine.start_anew(Cure::Power));
    }

    /// Its power is taken away and given back, as root's means would.
    pub fn power_cycle(&self) {
        self.shared.touch(Machine::power_cycle);
    }

    /// What root's means would call.
    #[must_use]
    pub fn power_switch(&self) -> Arc<dyn Fn() -> Result<(), String> + Send + Sync> {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || {
            shared.touch(Machine::power_cycle);
            Ok(())
        })
    }

    /// How often things were done to it.
    #[must_use]
    pub fn counts(&self) -> Counts {
        super::super::lock(&self.shared.machine).power.counts
    }

    /// The port vanishes and comes back after so long, or never.
    pub fn lose_port(&self, wait: Option<Duration>) {
        self.shared.touch(|machine| machine.lose_port(wait));
    }

    /// Pulls the plug: power and port are gone when this returns.
    pub async fn unplug(&self) {
        let mut there = self.shared.there.subscribe();
        self.shared.touch(Machine::unplug);
        drop(there.wait_for(|there| !there).await);
    }

    /// Plugs it in again: the port is there when this returns.
    pub async fn plug(&self) {
        let mut there = self.shared.there.subscribe();
        self.shared.touch(Machine::plug);
        drop(there.wait_for(|there| *there).await);
    }
}
