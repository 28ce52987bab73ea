//! The modems' memory, and what Twilio says by itself: the store behind the trait, with what a fact means, in one
//! transaction.
//!
//! A running desk keeps facts through its writer, so that they share commits; while none runs, whoever uses a modem by
//! hand holds the data folder and keeps them itself. A fact that can't be kept is the caller's error, never dropped.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::deliver::twilio;
use crate::failpoint;
use crate::model::{BootId, Fact, Kept, Ledger, LedgerError, Memory, ModemState, RowId, Timestamp, Told, Turn};
use crate::outbox::{Desk, SharedDesk};
use crate::store::{Command, Inbound, Store, StoreError, Tx, Writer};

use super::{AppError, wiring};

/// The ledger of a running desk.
pub(super) struct Online {
    desk: SharedDesk,
    writer: Writer,
}

impl Online {
    pub(super) fn new(desk: SharedDesk, writer: Writer) -> Self {
        Self { desk, writer }
    }
}

impl Ledger for Online {
    fn recall<'a>(&'a self, modem: &'a str) -> Kept<'a, Memory> {
        let (desk, modem) = (self.desk.clone(), modem.to_owned());
        Box::pin(async move {
            let boot = desk.lock().boot();
            let recalled = self.writer.run(Command::Outcome, move |tx| tx.recall(&modem, boot, Timestamp::now()));
            recalled.await.map_err(not_kept)
        })
    }

    fn keep<'a>(&'a self, modem: &'a str, fact: Fact) -> Kept<'a, ()> {
        let (desk, modem) = (self.desk.clone(), modem.to_owned());
        Box::pin(async move {
            let is_text = matches!(fact, Fact::Inbound(_));
            let kept = self.writer.run(Command::Outcome, move |tx| {
                keep(tx, &mut desk.lock(), &modem, &fact, Timestamp::now(), fastrand::f64())
            });
            kept.await.map_err(not_kept)?;
            if is_text {
                failpoint::reach("kept-inbound");
            }
            Ok(())
        })
    }
}

/// The ledger while no desk runs.
struct Offline {
    files: Mutex<(Store, Desk)>,
}

/// Opens the files of a desk that doesn't run, for a modem that is used by hand. They are locked while it lives.
///
/// # Errors
/// [`StoreError::Locked`] when a desk does run.
pub fn offline_ledger(config: &Config) -> Result<Arc<dyn Ledger>, AppError> {
    let store = Store::open(&config.storage.data_dir)?;
    let desk = Desk::new(wiring::desk(config, None)?, BootId::fresh(Timestamp::now()));
    Ok(Arc::new(Offline { files: Mutex::new((store, desk)) }))
}

impl Offline {
    fn transact<T>(&self, body: impl FnOnce(Tx<'_>, &mut Desk) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, desk) = &mut *files;
        store.transact(|tx| body(tx, desk)).map_err(not_kept)
    }
}

impl Ledger for Offline {
    fn recall<'a>(&'a self, modem: &'a str) -> Kept<'a, Memory> {
        Box::pin(async move { self.transact(|tx, desk| tx.recall(modem, desk.boot(), Timestamp::now())) })
    }

    fn keep<'a>(&'a self, modem: &'a str, fact: Fact) -> Kept<'a, ()> {
        Box::pin(
            async move { self.transact(|tx, desk| keep(tx, desk, modem, &fact, Timestamp::now(), fastrand::f64())) },
        )
    }
}

fn not_kept(error: StoreError) -> LedgerError {
    LedgerError(Box::new(error))
}

/// Keeps a fact, and does what it means.
fn keep(tx: Tx<'_>, desk: &mut Desk, modem: &str, fact: &Fact, now: Timestamp, jitter: f64) -> Result<(), StoreError> {
    match fact {
        Fact::Turn(turn) => {
            tx.keep_turn(modem, turn)?;
            if turn.state == ModemState::Ready {
                desk.is_ready(tx, modem, now)?;
            }
            tend_alarm(tx, modem, turn, now)
        }
        Fact::Part(part) => desk.written(tx, modem, part, now, jitter),
        Fact::Report(report) => desk.reported(tx, modem, report, now, jitter),
        Fact::Inbound(sms) => {
            let kept = tx.keep_inbound(modem, sms)?;
            if kept != Inbound::Again {
                tracing::info!(modem, number = sms.number, part = ?sms.concat, sms_text = sms.text.as_deref().ok(), "a text came in");
            }
            match kept {
                Inbound::Whole(text) if sms.answerable => desk.heard(tx, &sms.number, &text, now)?,
                Inbound::Whole(_) | Inbound::Unread | Inbound::Again => {}
            }
            failpoint::reach("heard-inbound");
            Ok(())
        }
        Fact::Told(told) => became(tx, desk, modem, told, now, jitter),
        Fact::Pin(pin) => tx.keep_pin(pin),
        Fact::Harm { device } => tx.keep_harm(device, now),
    }
}

/// A vendor's word on a text of his counts as much as his answer to a question.
fn became(tx: Tx<'_>, desk: &Desk, vendor: &str, told: &Told, now: Timestamp, jitter: f64) -> Result<(), StoreError> {
    let Some((fate, why)) = twilio::fate_of(told) else { return Ok(()) };
    let Told { reference, status, code } = told;
    let is_ours = desk.told(tx, vendor, reference, (fate, why.as_ref()), now, jitter)?;
    tracing::info!(vendor, reference, status, code, is_ours, "a vendor told what became of a text");
    Ok(())
}

/// A person is told of a modem that needs one, until it is ready again.
fn tend_alarm(tx: Tx<'_>, modem: &str, turn: &Turn, now: Timestamp) -> Result<(), StoreError> {
    let key = format!("modem:{modem}");
    if turn.state == ModemState::Ready {
        return tx.clear_alert(&key, now);
    }
    if !turn.alarm {
        return Ok(());
    }
    let reason = turn.reason.as_deref().unwrap_or_else(|| turn.state.name());
    let cure = turn.cure.as_deref().unwrap_or("look at the modem: `nightdesk modem doctor`");
    tx.alert(&key, &format!("the modem {modem} needs a person: {reason}"), cure, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, PartKey, PinOutcome, PinTry, SmsPart, TextKey};
    use crate::store::Reader;

    struct Scene {
        folder: tempfile::TempDir,
        ledger: Arc<dyn Ledger>,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let ledger = offline_ledger(&Self::config(folder.path())).unwrap();
            Self { folder, ledger }
        }

        fn config(folder: &std::path::Path) -> Config {
            let text = format!(
                "[storage]\ndata-dir = \"{}\"\n[modem.modem0]\nport = \"/dev/x\"\nparts-per-hour = 5\nparts-per-day = 20",
                folder.display()
            );
            Config::parse(&text).unwrap()
        }

        async fn keep(&self, fact: Fact) {
            self.ledger.keep("modem0", fact).await.unwrap();
        }

        /// Key and text of the alerts that stand.
        fn alerts(&self) -> Vec<(String, String)> {
            let alerts = Reader::open(self.folder.path()).unwrap().alerts().unwrap();
            alerts.into_iter().map(|alert| (alert.key, alert.text)).collect()
        }
    }

    fn turn(state: ModemState, alarm: bool) -> Fact {
        let reason = (state != ModemState::Ready).then(|| "the SIM wants its PUK".to_owned());
        Fact::Turn(Turn { at: Timestamp::now(), state, reason, cure: None, next: None, rung: None, alarm })
    }

    fn part(n: u8) -> Fact {
        let text = TextKey { job: JobId::new(Timestamp::now(), [n; 10]), generation: 1 };
        Fact::Part(SmsPart {
            key: PartKey { text, part: 1 },
            total: 1,
            number: "+15551230001".into(),
            sim: "8901".into(),
            at: Timestamp::now(),
            accepted: true,
            reference: Some(n),
            fate: None,
        })
    }

    #[tokio::test]
    async fn an_alarm_stands_until_the_modem_is_ready() {
        use ModemState::{Ready, Recovering, SimLocked};
        let scene = Scene::new();
        let alarm = "the modem modem0 needs a person: the SIM wants its PUK";
        for (name, state, alarmed, want) in [
            ("trouble that mends itself", Recovering, false, None),
            ("a person is needed", SimLocked, true, Some(alarm)),
            ("no news", SimLocked, false, Some(alarm)),
            ("ready", Ready, false, None),
        ] {
            scene.keep(turn(state, alarmed)).await;
            let alerts = scene.alerts();
            assert_eq!(alerts.first().map(|(_, text)| text.as_str()), want, "{name}");
            assert!(alerts.iter().all(|(key, _)| key == "modem:modem0"), "{name}");
        }
    }

    #[tokio::test]
    async fn spending_is_told_in_time() {
        let scene = Scene::new();
        for (n, want) in [
            (3, None),
            (4, Some("the SIM of modem0 has sent 4 parts in the last hour, of 5 that are allowed")),
            (5, Some("the SIM of modem0 may send no more: 5 parts in the last hour, and 5 are allowed")),
        ] {
            while scene.ledger.recall("modem0").await.unwrap().parts.len() < n {
                scene.keep(part(fastrand::u8(..))).await;
            }
            let alerts = scene.alerts();
            assert_eq!(
                alerts.first().map(|(key, text)| (key.as_str(), text.as_str())),
                want.map(|text| ("spend:modem0", text))
            );
            assert!(alerts.len() <= 1);
        }
    }

    #[tokio::test]
    async fn what_was_kept_outlives_the_ledger() {
        let scene = Scene::new();
        let pin =
            PinTry { sims: vec!["8901".into()], mark: "m".into(), at: Timestamp::now(), outcome: PinOutcome::Unknown };
        scene.keep(Fact::Pin(pin.clone())).await;
        let config = Scene::config(scene.folder.path());
        let second = offline_ledger(&config);
        assert!(matches!(second, Err(AppError::Store(StoreError::Locked(_)))), "its files are locked");
        drop(scene.ledger);
        let memory = offline_ledger(&config).unwrap().recall("modem0").await.unwrap();
        assert_eq!(memory.pins, [pin]);
    }
}
