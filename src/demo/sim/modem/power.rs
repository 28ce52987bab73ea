//! Power, port and wits: how a modem restarts, vanishes, hangs, and is brought back.
//!
//! A module on a UART keeps its port while it starts; on USB the port goes away for a while (GSM 07.07 reset by
//! `AT+CFUN=1,1`; the makers' hardware guides). A port that is held while the modem is gone makes the kernel give
//! it another name, so that is a mistake as well.

use std::time::Duration;

use super::agenda::Event;
use super::family::Bus;
use super::machine::{Machine, Mode};
use super::setup::{Sim, Stuck, Volatile};
use super::step::{Cure, Lasting, Out};
use super::typing::ESC;

/// How often things were done to the modem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its port was opened, and something written.
    pub opened: u32,
    /// It was told to start anew.
    pub resets: u32,
    /// Its radio was switched off.
    pub radio_off: u32,
    /// Its power was taken away by root's means.
    pub power_cycles: u32,
}

/// Whether its port is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Port {
    #[default]
    There,
    Gone,
    /// And its plug is out.
    Unplugged,
}

/// Whether it can be talked to.
#[derive(Debug, Default)]
pub(super) struct Power {
    pub(super) counts: Counts,
    port: Port,
    /// A client has the port open.
    held: bool,
    /// It starts, or stalls, and hears nothing before this.
    deaf_until: Duration,
    hang: Option<Cure>,
    /// It waits for the first `AT` to tell its speed, and eats that.
    unsynced: bool,
    /// The speed at which the client speaks.
    speed: Option<u32>,
}

impl Machine {
    pub(super) fn port_is_there(&self) -> bool {
        self.power.port == Port::There
    }

    /// It hears and answers.
    pub(super) fn is_awake(&self) -> bool {
        self.port_is_there() && self.now >= self.power.deaf_until && self.power.hang.is_none()
    }

    /// Whether the client's speed is the modem's.
    fn understands(&self) -> bool {
        let own = self.volatile.speed.or(self.setup.speed);
        own.zip(self.power.speed).is_none_or(|(own, speed)| own == speed)
    }

    fn is_auto_baud(&self) -> bool {
        matches!(self.nature.bus, Bus::Uart { auto_baud: true, .. }) && self.setup.speed.is_none()
    }

    /// What is left of what the modem says when it arrives.
    pub(super) fn on_the_wire(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.is_awake() {
            None
        } else if self.power.unsynced || !self.understands() {
            Some(garbled(bytes))
        } else {
            Some(bytes.to_vec())
        }
    }

    /// What is left of what the client says when it arrives.
    pub(super) fn heard<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if let Some(cure) = self.power.hang {
            self.half_hear(bytes, cure);
            return None;
        }
        if !self.is_awake() {
            return None;
        }
        if !self.understands() {
            self.bytes(bytes);
            return None;
        }
        if self.power.unsynced {
            let end = bytes.iter().position(|byte| *byte == b'\r')?;
            self.power.unsynced = false;
            return bytes.get(end.saturating_add(1)..).filter(|rest| !rest.is_empty());
        }
        Some(bytes)
    }

    /// It says nothing, but some orders get through.
    fn half_hear(&mut self, bytes: &[u8], cure: Cure) {
        for byte in bytes {
            match *byte {
                ESC => self.line.clear(),
                b'\r' => {
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).to_ascii_uppercase();
                    let Some(order) = line.strip_prefix("AT+CFUN=") else { continue };
                    self.note_command(&line);
                    match order {
                        "1,1" if cure <= Cure::Reset => self.reset_by_command(),
                        "1" if cure <= Cure::Radio && self.volatile.functions != 1 => {
                            self.switch_radio(1);
                            self.finish("OK");
                        }
                        "0" | "4" if cure <= Cure::Radio => self.switch_radio(4),
                        _ => {}
                    }
                }
                byte => self.line.push(byte),
            }
        }
        self.line.truncate(64);
    }

    /// A client has the port for itself.
    pub(super) fn hold(&mut self) {
        self.power.held = true;
    }

    /// A client opens the port.
    pub(super) fn connect(&mut self, speed: Option<u32>) {
        self.power.speed = speed;
        self.power.counts.opened = self.power.counts.opened.saturating_add(1);
        self.cure(Cure::Reopen);
        if self.setup.noise > 0 {
            let mut noise = fastrand::Rng::with_seed(self.power.counts.opened.into());
            let noise: Vec<u8> = (0..self.setup.noise).map(|_| noise.u8(..)).collect();
            self.bytes(&noise);
        }
    }

    /// It speaks at another speed.
    pub(super) fn change_speed(&mut self, speed: u32) {
        self.power.speed = Some(speed);
    }

    /// It closes it again.
    pub(super) fn disconnect(&mut self) {
        self.power.held = false;
    }

    pub(super) const fn is_held(&self) -> bool {
        self.power.held
    }

    /// Whatever this helps against is over.
    pub(super) fn cure(&mut self, by: Cure) {
        if self.power.hang.is_some_and(|needed| needed <= by) {
            self.power.hang = None;
            self.come_to();
        }
        self.armed.retain(|armed| !matches!(armed.lasting, Lasting::Until(needed) if needed <= by));
    }

    pub(super) fn hang(&mut self, until: Cure) {
        self.come_to();
        self.power.hang = Some(until);
    }

    pub(super) fn stall(&mut self, time: Duration) {
        self.come_to();
        self.power.deaf_until = self.now.saturating_add(time);
        self.agenda.add(self.power.deaf_until, Event::Awake);
    }

    /// What was under way is forgotten.
    fn come_to(&mut self) {
        self.mode = Mode::Command;
        self.line.clear();
        self.input.clear();
        self.waiting = None;
    }

    /// Starts anew in its place, and says so.
    pub(super) fn restart(&mut self) {
        self.restart_silently();
        for (ms, line) in self.nature.boot {
            if *ms == 0 {
                self.say(line);
            } else {
                self.say_at(self.now.saturating_add(Duration::from_millis(*ms)), line);
            }
        }
    }

    /// Starts anew in its place, without a word.
    pub(super) fn restart_silently(&mut self) {
        self.lose_power();
        self.cure(Cure::Reset);
        self.begin_habits(self.now);
    }

    /// What was under way is gone, the SIM is locked again, references start from the beginning.
    pub(super) fn lose_power(&mut self) {
        self.volatile = Volatile::new(&self.setup);
        self.hang_up();
        self.come_to();
        self.forget_lines();
        self.agenda.start_anew();
        self.card.lose_power(&self.setup);
        (self.owed, self.reference, self.wait_until) = (0, self.setup.reference, Duration::ZERO);
    }

    /// `AT+CFUN=1,1`.
    pub(super) fn reset_by_command(&mut self) {
        self.power.counts.resets = self.power.counts.resets.saturating_add(1);
        self.start_anew(Cure::Reset);
        if self.setup.harmful_reset {
            self.agenda.start_anew();
            self.vanish(None);
        }
    }

    /// Root's means: the power is taken away and given back.
    pub(super) fn power_cycle(&mut self) {
        self.power.counts.power_cycles = self.power.counts.power_cycles.saturating_add(1);
        self.start_anew(Cure::Power);
    }

    /// Starts as from cold, which takes its time.
    pub(super) fn start_anew(&mut self, cures: Cure) {
        self.lose_power();
        let up = match self.nature.bus {
            Bus::Uart { deaf_ms, .. } => {
                let up = self.now.saturating_add(Duration::from_millis(deaf_ms));
                self.power.deaf_until = up;
                self.power.unsynced = self.is_auto_baud();
                if self.power.port == Port::Gone {
                    self.agenda.add(up, Event::Returns);
                }
                up
            }
            Bus::Usb { gone_ms } => {
                let wait = Duration::from_millis(gone_ms);
                self.power.deaf_until = self.now;
                self.vanish(Some(wait));
                self.now.saturating_add(wait)
            }
        };
        self.boot(up);
        self.cure(cures);
    }

    /// It is up at that time.
    fn boot(&mut self, up: Duration) {
        for (ms, line) in self.nature.boot {
            self.say_at(up.saturating_add(Duration::from_millis(*ms)), line);
        }
        self.begin_habits(up);
        self.card.starts_until = up.saturating_add(self.setup.sim_busy.div_f32(2.0));
        let locked = match self.card.state {
            Sim::Fine if self.setup.radio_off => return,
            Sim::Fine => return self.card_opened(up),
            Sim::Pin => "+CPIN: SIM PIN",
            Sim::Puk => "+CPIN: SIM PUK",
            Sim::Absent | Sim::Failed => "+CPIN: NOT INSERTED",
        };
        if self.nature.tells_sim {
            self.say_at(self.card.starts_until, locked);
        }
    }

    /// What it says again and again begins.
    pub(super) fn begin_habits(&mut self, from: Duration) {
        for (ms, line) in self.nature.habits {
            let every = Duration::from_millis(*ms);
            self.agenda.add(from.saturating_add(every), Event::Habit { every, line });
        }
    }

    /// The port goes away, for so long.
    pub(super) fn vanish(&mut self, wait: Option<Duration>) {
        self.out.push(Out::HangUp);
        if self.power.port == Port::Unplugged {
            return;
        }
        self.power.port = Port::Gone;
        if let Some(wait) = wait {
            self.agenda.add(self.now.saturating_add(wait), Event::Returns);
        }
    }

    /// The port goes away as when somebody pulls its cable: a modem on USB has no power then.
    pub(super) fn lose_port(&mut self, wait: Option<Duration>) {
        if self.setup.family.is_usb() {
            self.lose_power();
            self.power.deaf_until = self.now;
            self.vanish(wait);
            if let Some(wait) = wait {
                self.boot(self.now.saturating_add(wait));
            }
            self.cure(Cure::Power);
        } else {
            self.come_to();
            self.vanish(wait);
        }
    }

    /// The port is there again.
    pub(super) fn return_port(&mut self) {
        if self.power.port == Port::Gone && self.power.held {
            self.violations.push("the port was still held when the modem came back".to_owned());
        }
        if self.power.port == Port::Gone {
            self.power.port = Port::There;
        }
    }

    /// Somebody pulls the plug.
    pub(super) fn unplug(&mut self) {
        self.lose_power();
        self.vanish(None);
        self.power.port = Port::Unplugged;
    }

    /// Somebody plugs it in: the port is there at once.
    pub(super) fn plug(&mut self) {
        self.power.port = Port::Gone;
        self.return_port();
        self.power.unsynced = self.is_auto_baud();
        self.power.deaf_until = self.now;
        self.boot(self.now);
        self.cure(Cure::Power);
    }

    /// Somebody left it in the middle of a PDU.
    pub(super) fn leave_prompt(&mut self, prompt: Stuck) {
        self.come_to();
        self.stick(prompt);
    }
}

/// What comes of bytes at a wrong speed.
fn garbled(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.rotate_left(3) ^ 0xA5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cures_are_in_order() {
        assert!(Cure::Reopen < Cure::Radio && Cure::Radio < Cure::Reset && Cure::Reset < Cure::Power);
    }

    #[test]
    fn noise_is_no_answer() {
        for text in ["\r\nOK\r\n", "\r\n> ", "AT\r"] {
            let noise = garbled(text.as_bytes());
            assert!(!noise.windows(2).any(|pair| pair == b"OK" || pair == b"> "), "{noise:?}");
        }
    }
}
