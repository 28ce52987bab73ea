//! What each modem did, which PINs were tried, and which devices must not be reset by command.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{ModemState, PinOutcome, PinTry, Timestamp, Turn};

/// Changes that are kept, of all modems together: years of a modem that is well, weeks of one that comes and goes.
const LOG_ROWS: i64 = 20_000;

fn outcome_of(row: &Row<'_>) -> Result<PinOutcome, StoreError> {
    let text: String = row.get("outcome")?;
    let known = [PinOutcome::Unknown, PinOutcome::Accepted, PinOutcome::Refused];
    known.into_iter().find(|known| known.name() == text).ok_or(StoreError::Alien { column: "outcome", value: text })
}

fn state_of(row: &Row<'_>) -> Result<ModemState, StoreError> {
    let text: String = row.get("state")?;
    ModemState::ALL
        .into_iter()
        .find(|known| known.name() == text)
        .ok_or(StoreError::Alien { column: "state", value: text })
}

impl Tx<'_> {
    /// Keeps a change of a modem's state; the same words again are no change.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_turn(self, modem: &str, turn: &Turn) -> Result<(), StoreError> {
        const LAST: &str = "
            SELECT state = :state AND reason IS :reason AND cure IS :cure AND next IS :next AND rung IS :rung
              FROM modem_log WHERE modem = :modem ORDER BY id DESC LIMIT 1";
        const SQL: &str = "
            INSERT INTO modem_log (modem, at, state, reason, cure, next, rung)
            VALUES (:modem, :at, :state, :reason, :cure, :next, :rung)";
        const OLD: &str = "DELETE FROM modem_log WHERE id <= :id";
        let Turn { at, state, reason, cure, next, rung, alarm: _ } = turn;
        let (state, at) = (ModemState::name(*state), at.to_string());
        // A rung that is tried again is news: each try counts.
        let same = named_params! {
            ":modem": modem, ":state": state, ":reason": reason, ":cure": cure, ":next": next, ":rung": rung,
        };
        let known: Option<bool> = self.connection.prepare_cached(LAST)?.query_row(same, |row| row.get(0)).optional()?;
        if known == Some(true) && rung.is_none() {
            return Ok(());
        }
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":modem": modem, ":at": at, ":state": state, ":reason": reason, ":cure": cure, ":next": next, ":rung": rung,
        })?;
        let old = self.connection.last_insert_rowid().saturating_sub(LOG_ROWS);
        self.connection.prepare_cached(OLD)?.execute(named_params! { ":id": old })?;
        Ok(())
    }

    /// The rungs of the recovery ladder that a modem tried since then, oldest first.
    pub(super) fn rungs(self, modem: &str, since: Timestamp) -> Result<Vec<(Timestamp, u8)>, StoreError> {
        const SQL: &str =
            "SELECT at, rung FROM modem_log WHERE modem = :modem AND at >= :since AND rung IS NOT NULL ORDER BY id";
        let params = named_params! { ":modem": modem, ":since": since.to_string() };
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then(params, |row| Ok((rows::parsed(row, "at")?, row.get("rung")?)))?.collect()
    }

    /// A modem's last change of state.
    pub(super) fn last_turn(self, modem: &str) -> Result<Option<(ModemState, Option<String>)>, StoreError> {
        const SQL: &str = "SELECT state, reason FROM modem_log WHERE modem = :modem ORDER BY id DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        let params = named_params! { ":modem": modem };
        query
            .query_row(params, |row| Ok(state_of(row).and_then(|state| Ok((state, row.get("reason")?)))))
            .optional()?
            .transpose()
    }

    /// Keeps a try of a PIN under each name of its SIM.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_pin(self, pin: &PinTry) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO modem_pins (sim, mark, at, outcome) VALUES (:sim, :mark, :at, :outcome)
                ON CONFLICT (sim, mark) DO UPDATE SET at = :at, outcome = :outcome";
        for sim in &pin.sims {
            self.connection.prepare_cached(SQL)?.execute(named_params! {
                ":sim": sim, ":mark": pin.mark, ":at": pin.at.to_string(), ":outcome": pin.outcome.name(),
            })?;
        }
        Ok(())
    }

    /// The last try of each PIN, oldest first; names of a SIM that shared a try share it here.
    pub(super) fn pins(self) -> Result<Vec<PinTry>, StoreError> {
        const SQL: &str = "SELECT * FROM modem_pins ORDER BY at, mark, outcome, sim";
        let mut query = self.connection.prepare_cached(SQL)?;
        let mut rows = query.query([])?;
        let mut tries: Vec<PinTry> = Vec::new();
        while let Some(row) = rows.next()? {
            let (sim, mark): (String, String) = (row.get("sim")?, row.get("mark")?);
            let (at, outcome) = (rows::parsed(row, "at")?, outcome_of(row)?);
            match tries.last_mut() {
                Some(last) if last.mark == mark && last.at == at && last.outcome == outcome => last.sims.push(sim),
                Some(_) | None => tries.push(PinTry { sims: vec![sim], mark, at, outcome }),
            }
        }
        Ok(tries)
    }

    /// Keeps that a device must not be reset by command.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_harm(self, device: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO modem_harmed (device, at) VALUES (:device, :now) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":device": device, ":now": now.to_string() })?;
        Ok(())
    }

    /// Devices that must not be reset by command.
    pub(super) fn harmed(self) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT device FROM modem_harmed ORDER BY at, device";
        self.connection.prepare_cached(SQL)?.query_and_then([], |row| Ok(row.get(0)?))?.collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Store;
    use super::super::sms_parts::tests::at;
    use super::*;

    pub(crate) fn turn(seconds: u64, state: ModemState, rung: Option<u8>) -> Turn {
        let reason = (state != ModemState::Ready).then(|| "it doesn't answer".to_owned());
        Turn { at: at(seconds), state, reason, cure: None, next: None, rung, alarm: false }
    }

    #[test]
    fn only_changes_are_kept() {
        use ModemState::{Ready, Recovering};
        let mut store = Store::in_memory().unwrap();
        for (seconds, modem, state, rung, want) in [
            (0, "modem0", Ready, None, 1),
            (1, "modem0", Ready, None, 1),
            (1, "modem1", Ready, None, 2),
            (2, "modem0", Recovering, None, 3),
            (3, "modem0", Recovering, Some(1), 4),
            (4, "modem0", Recovering, Some(1), 5),
            (5, "modem0", Ready, None, 6),
        ] {
            store.transact(|tx| tx.keep_turn(modem, &turn(seconds, state, rung))).unwrap();
            let count: u32 =
                store.connection.query_row("SELECT count(*) FROM modem_log", [], |row| row.get(0)).unwrap();
            assert_eq!(count, want, "{modem} after {seconds} s");
        }
        assert_eq!(store.transact(|tx| tx.rungs("modem0", at(4))).unwrap(), [(at(4), 1)]);
    }

    #[test]
    fn a_modem_that_comes_and_goes_does_not_fill_the_disk() {
        let mut store = Store::in_memory().unwrap();
        store
            .connection
            .execute("INSERT INTO modem_log (id, modem, at, state) VALUES (1, 'm', '', 'ready')", [])
            .unwrap();
        store
            .connection
            .execute("INSERT INTO modem_log (id, modem, at, state) VALUES (20000, 'm', '', 'absent')", [])
            .unwrap();
        store.transact(|tx| tx.keep_turn("m", &turn(0, ModemState::Ready, None))).unwrap();
        let ids: Vec<i64> = {
            let mut query = store.connection.prepare("SELECT id FROM modem_log ORDER BY id").unwrap();
            query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(ids, [20_000, 20_001]);
    }

    #[test]
    fn the_last_try_of_a_pin_counts() {
        let mut store = Store::in_memory().unwrap();
        let try_ = |sims: &[&str], mark: &str, seconds, outcome| PinTry {
            sims: sims.iter().map(|sim| (*sim).to_owned()).collect(),
            mark: mark.into(),
            at: at(seconds),
            outcome,
        };
        let both = ["/dev/ttyX", "8901"];
        for (name, pin, want) in [
            (
                "before the SIM is known",
                try_(&["/dev/ttyX"], "a", 0, PinOutcome::Unknown),
                vec![try_(&["/dev/ttyX"], "a", 0, PinOutcome::Unknown)],
            ),
            (
                "it was taken",
                try_(&both, "a", 1, PinOutcome::Accepted),
                vec![try_(&both, "a", 1, PinOutcome::Accepted)],
            ),
            (
                "another PIN",
                try_(&both, "b", 2, PinOutcome::Refused),
                vec![try_(&both, "a", 1, PinOutcome::Accepted), try_(&both, "b", 2, PinOutcome::Refused)],
            ),
        ] {
            let pins = store.transact(|tx| tx.keep_pin(&pin).and_then(|()| tx.pins()));
            assert_eq!(pins.unwrap(), want, "{name}");
        }
    }

    #[test]
    fn harm_is_kept_once() {
        let mut store = Store::in_memory().unwrap();
        for (seconds, device, want) in [
            (0, "350000", vec!["350000"]),
            (1, "350000", vec!["350000"]),
            (2, "/dev/ttyX", vec!["350000", "/dev/ttyX"]),
        ] {
            let harmed = store.transact(|tx| tx.keep_harm(device, at(seconds)).and_then(|()| tx.harmed()));
            assert_eq!(harmed.unwrap(), want, "after {seconds} s");
        }
    }

    #[test]
    fn the_view_shows_how_each_modem_was_last() {
        use ModemState::{Absent, Ready, Recovering};
        let mut store = Store::in_memory().unwrap();
        for (seconds, modem, state) in [(0, "modem1", Absent), (1, "modem0", Recovering), (2, "modem0", Ready)] {
            store.transact(|tx| tx.keep_turn(modem, &turn(seconds, state, None))).unwrap();
        }
        let mut query =
            store.connection.prepare("SELECT modem || ' ' || state || ' ' || parts_last_day FROM v_modem").unwrap();
        let rows: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, ["modem0 ready 0", "modem1 absent 0"]);
    }
}
