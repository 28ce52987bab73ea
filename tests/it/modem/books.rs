//! A ledger in memory: what the driver must not forget, for a desk that is stopped and started again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nightdesk::model::{Fact, Fate, InboundSms, Kept, Ledger, LedgerError, Memory, ModemState, PartKey, Timestamp};

/// What was kept, in order.
#[derive(Default)]
pub(super) struct Books {
    kept: Mutex<Vec<Fact>>,
    shut: AtomicBool,
}

impl Books {
    fn facts<T>(&self, look: impl Fn(&Fact) -> Option<T>) -> Vec<T> {
        self.kept.lock().unwrap().iter().filter_map(look).collect()
    }

    /// Nothing can be kept, or again.
    pub(super) fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::Relaxed);
    }

    /// Times a person was called: an alarm stands until the modem is ready.
    pub(super) fn alarms(&self) -> usize {
        let turns = self.facts(|fact| match fact {
            Fact::Turn(turn) => Some((turn.alarm, turn.state == ModemState::Ready)),
            Fact::Part(_) | Fact::Report(_) | Fact::Inbound(_) | Fact::Told(_) | Fact::Pin(_) | Fact::Harm { .. } => {
                None
            }
        });
        let (mut alarms, mut stands) = (0, false);
        for (alarm, ready) in turns {
            alarms += usize::from(alarm && !stands);
            stands = (stands || alarm) && !ready;
        }
        alarms
    }

    /// Devices that vanish when they are reset.
    pub(super) fn harmed(&self) -> usize {
        self.facts(|fact| matches!(fact, Fact::Harm { .. }).then_some(())).len()
    }

    /// The texts that came in, each once, their parts put together: number and text, or what is missing.
    pub(super) fn texts_in(&self) -> Vec<(String, String)> {
        let mut parts: Vec<InboundSms> = Vec::new();
        let all = self.facts(|fact| match fact {
            Fact::Inbound(text) => Some(text.clone()),
            Fact::Turn(_) | Fact::Part(_) | Fact::Report(_) | Fact::Told(_) | Fact::Pin(_) | Fact::Harm { .. } => None,
        });
        for text in all {
            if !parts.iter().any(|known| known.pdu == text.pdu) {
                parts.push(text);
            }
        }
        let mut texts = Vec::new();
        while !parts.is_empty() {
            let first = parts.remove(0);
            let key =
                |part: &InboundSms| part.concat.map(|(reference, total, _)| (part.number.clone(), reference, total));
            let mut all = vec![first.clone()];
            if first.concat.is_some() {
                all.extend(parts.extract_if(.., |part| key(part) == key(&first)));
                all.sort_by_key(|part| part.concat.map(|(_, _, index)| index));
            }
            let text = all.iter().map(|part| part.text.clone().unwrap_or_else(|why| format!("({why})"))).collect();
            texts.push((first.number.clone(), text));
        }
        texts
    }

    /// The best report on this part.
    pub(super) fn fate_of(&self, part: PartKey) -> Option<Fate> {
        let fates = self.facts(|fact| match fact {
            Fact::Report(report) if report.of == Some(part) => Some(report.fate),
            Fact::Report(_)
            | Fact::Turn(_)
            | Fact::Part(_)
            | Fact::Inbound(_)
            | Fact::Told(_)
            | Fact::Pin(_)
            | Fact::Harm { .. } => None,
        });
        fates.into_iter().reduce(Fate::then)
    }

    fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        let hour_ago = Timestamp::now().before(Duration::from_hours(1));
        for fact in self.kept.lock().unwrap().iter().cloned() {
            match fact {
                Fact::Turn(turn) => {
                    memory.rungs.extend(turn.rung.filter(|_| turn.at >= hour_ago).map(|rung| (turn.at, rung)));
                    memory.last = Some((turn.state, turn.reason));
                }
                Fact::Part(part) => {
                    memory.parts.retain(|known| known.key != part.key);
                    memory.parts.push(part);
                }
                Fact::Report(report) if report.of.is_none() => memory.reports.push(report),
                Fact::Report(report) => memory.reports.retain(|known| known.pdu != report.pdu),
                Fact::Pin(tried) => {
                    memory.pins.retain(|known| (&known.sims, &known.mark) != (&tried.sims, &tried.mark));
                    memory.pins.push(tried);
                }
                Fact::Harm { device } => memory.harmed.push(device),
                Fact::Inbound(_) | Fact::Told(_) => {}
            }
        }
        memory
    }
}

impl Ledger for Books {
    fn recall<'a>(&'a self, _: &'a str) -> Kept<'a, Memory> {
        Box::pin(async { Ok(self.memory()) })
    }

    fn keep<'a>(&'a self, _: &'a str, fact: Fact) -> Kept<'a, ()> {
        Box::pin(async move {
            if self.shut.load(Ordering::Relaxed) {
                return Err(LedgerError("the disk is full".into()));
            }
            self.kept.lock().unwrap().push(fact);
            Ok(())
        })
    }
}
