//! How a test interferes with the modem: what is armed at a step happens when the machine passes it.
//!
//! In this order: unsolicited lines, a hold, a trouble. A hold that is let go meets the trouble that is armed behind it.

use std::time::Duration;

use tokio::sync::oneshot;

use super::agenda::Event;
use super::machine::{Machine, Mode, Next, Pdu, Waiting};
use super::step::{Act, Armed, Cure, Lasting, Out, Step, Trouble};

/// What a storm brings beside the modem's own chatter: a report, a flash and a broadcast that are about nobody we know.
const OF_OTHERS: [&str; 4] = [
    "+CDS: 25\r\n07912180551500F006FF0B915155559999F9621122814195006211228141950000",
    "+CMT: ,24\r\n07912180551500F0040B915155559999F900106211228141950005E8329BFD06",
    "+CBM: 10\r\n00100320011168",
    "+CREG: 5",
];

impl Machine {
    /// Passes a step: what is armed there happens in the order unsolicited lines, hold, trouble.
    pub(super) fn pass(&mut self, step: Step, next: Next) {
        while let Some(Act::Urc(line)) = self.take_armed(step, |act| matches!(act, Act::Urc(_))) {
            self.say(&line);
        }
        if let Some(rng) = &mut self.rng
            && !matches!(step, Step::PduByte | Step::FirstByte | Step::Executed(_))
            && rng.bool()
        {
            let line = rng.choice(self.nature.chatter).copied().unwrap_or("RING");
            self.say(line);
        }
        let id = self.armed.iter().find(|armed| self.is_at(armed, step) && matches!(armed.act, Act::Hold(_)));
        let id = id.map_or(0, |armed| armed.id);
        if let Some(Act::Hold(Some(reached))) = self.take_armed(step, |act| matches!(act, Act::Hold(_))) {
            self.out.push(Out::Reached(reached, self.current.clone()));
            self.waiting = Some(Waiting { id, step, next, until: None });
            return;
        }
        self.suffer(step, next);
    }

    fn is_at(&self, armed: &Armed, step: Step) -> bool {
        match (armed.step, step) {
            (Step::Command(prefix), Step::Command(_)) | (Step::Executed(prefix), Step::Executed(_)) => {
                self.current.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
            (armed, step) => armed == step,
        }
    }

    fn take_armed(&mut self, step: Step, kind: impl Fn(&Act) -> bool) -> Option<Act> {
        let at = self.armed.iter().position(|armed| self.is_at(armed, step) && kind(&armed.act))?;
        if let Some(Armed { spare: spare @ 1.., .. }) = self.armed.get_mut(at) {
            *spare = spare.saturating_sub(1);
            return None;
        }
        match self.armed.get(at) {
            Some(Armed { lasting: Lasting::Forever | Lasting::Until(_), act: Act::Trouble(trouble), .. }) => {
                Some(Act::Trouble(trouble.clone()))
            }
            _ => Some(self.armed.remove(at).act),
        }
    }

    /// Meets the trouble that is armed here, or goes on.
    fn suffer(&mut self, step: Step, next: Next) {
        let trouble = match self.take_armed(step, |act| matches!(act, Act::Trouble(_))) {
            Some(Act::Trouble(trouble)) => trouble,
            _ if matches!(step, Step::Command(_)) && !self.setup.answer_delay.is_zero() => {
                Trouble::Late(self.setup.answer_delay)
            }
            _ => return self.go(next),
        };
        if let Trouble::Late(by) = trouble {
            self.waiting = Some(Waiting { id: 0, step, next, until: Some(self.now.saturating_add(by)) });
            return;
        }
        let deaf = trouble == Trouble::Silent && matches!(step, Step::Prompted | Step::PduByte);
        let unprompted = trouble == Trouble::Silent && is_send(&next);
        if !deaf {
            self.mode = Mode::Command;
        } else if let Mode::Pdu(pdu) = &mut self.mode {
            pdu.deaf = true;
        }
        if unprompted {
            self.mode = Mode::Pdu(Pdu::default());
        }
        self.strike(trouble);
    }

    fn strike(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Silent | Trouble::Late(_) => {}
            Trouble::Cms(number) => self.finish(&format!("+CMS ERROR: {number}")),
            Trouble::Cme(number) => self.finish_cme(number),
            Trouble::Error => self.finish("ERROR"),
            Trouble::Say(text) => {
                self.bytes(text.as_bytes());
                self.spoke = true;
            }
            Trouble::Stall(time) => self.stall(time),
            Trouble::Hang(until) => self.hang(until),
            Trouble::HangUp => self.out.push(Out::HangUp),
            Trouble::Gone(wait) => self.lose_port(wait),
            Trouble::Reboot => self.restart(),
            Trouble::SilentReset => self.restart_silently(),
            Trouble::BrownOut => self.start_anew(Cure::Power),
        }
    }

    /// Says lines without end for so long, so many in a second, whatever else goes on.
    pub(super) fn begin_storm(&mut self, per_second: u32, lasts: Duration) {
        let every = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::from_secs(1));
        self.storm(every, self.now.saturating_add(lasts), 0);
    }

    pub(super) fn storm(&mut self, every: Duration, until: Duration, nth: usize) {
        let lines = self.nature.chatter;
        let line = match nth.checked_sub(lines.len()) {
            None => lines.get(nth),
            Some(nth) => OF_OTHERS.get(nth),
        };
        let line = line.copied().unwrap_or("RING");
        self.say(line);
        let next = self.now.saturating_add(every);
        if next < until {
            let last = nth.saturating_add(1) >= lines.len().saturating_add(OF_OTHERS.len());
            let nth = if last { 0 } else { nth.saturating_add(1) };
            self.agenda.add(next, Event::Storm { every, until, nth });
        }
    }

    /// Arms a step.
    pub(super) fn arm(&mut self, step: Step, act: Act, lasting: Lasting) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        self.armed.push(Armed { id: self.last_id, step, act, lasting, spare: 0 });
        self.last_id
    }

    /// Arms a step for the time after it was passed so often.
    pub(super) fn arm_after(&mut self, spare: u32, step: Step, trouble: Trouble) {
        let id = self.arm(step, Act::Trouble(trouble), Lasting::Once);
        for armed in self.armed.iter_mut().filter(|armed| armed.id == id) {
            armed.spare = spare;
        }
    }

    /// Arms a hold; the receiver hears of it when the step is reached.
    pub(super) fn arm_hold(&mut self, step: Step) -> (u64, oneshot::Receiver<String>) {
        let (tell, reached) = oneshot::channel();
        (self.arm(step, Act::Hold(Some(tell)), Lasting::Once), reached)
    }

    /// Takes away the troubles that are still to come. Holds stay: their tests still wait for them.
    pub(super) fn heal(&mut self) {
        self.armed.retain(|armed| !matches!(armed.act, Act::Trouble(_)));
    }

    /// Ends a hold. Abandoned: what was asked for is lost, and no answer comes.
    pub(super) fn let_go(&mut self, id: u64, go_on: bool) {
        self.armed.retain(|armed| armed.id != id);
        if self.waiting.as_ref().is_some_and(|waiting| waiting.id == id)
            && let Some(waiting) = self.waiting.take()
        {
            if go_on {
                self.suffer(waiting.step, waiting.next);
            } else {
                self.mode = Mode::Command;
            }
            self.work(false);
        }
    }
}

/// Whether this is the command that asks for a prompt.
fn is_send(next: &Next) -> bool {
    matches!(next, Next::Run(line) if line.to_ascii_uppercase().starts_with("AT+CMGS="))
}
