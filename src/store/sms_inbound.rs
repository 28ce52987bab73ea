//! Texts that came in. One in parts is put together as they come, in any order, and shown with a mark where one is missing.
//!
//! Called by the modem's task, which deletes a text from the SIM only after this was committed. The same PDU again is the
//! same text. Senders use references again and again (3GPP TS 23.040, 9.2.3.24.1), so a part belongs to a text only if
//! that waits for just this part, and began within a day.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{InboundSms, Timestamp};

/// How long a text waits for its parts: networks try no longer either.
const WINDOW: Duration = Duration::from_hours(24);

/// What a text, or a part of one, is once it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// Its PDU was kept before.
    Again,
    /// A part is missing, or can't be read.
    Unread,
    /// All of it is here.
    Whole(String),
}

/// One part as it is stored.
struct Part {
    index: u8,
    text: Option<String>,
    reason: Option<String>,
}

impl Tx<'_> {
    /// Keeps a text, or a part of one.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_inbound(self, modem: &str, sms: &InboundSms) -> Result<Inbound, StoreError> {
        const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM sms_inbound_parts WHERE modem = :modem AND pdu = :pdu)";
        const SQL: &str = "
            INSERT INTO sms_inbound_parts (inbound_id, part, at, modem, text, reason, pdu)
            VALUES (:inbound, :part, :at, :modem, :text, :reason, :pdu)";
        let pdu = named_params! { ":modem": modem, ":pdu": sms.pdu };
        if self.connection.prepare_cached(KNOWN)?.query_row(pdu, |row| row.get(0))? {
            return Ok(Inbound::Again);
        }
        let (_, total, part) = concat(sms);
        let inbound = match self.waiting(modem, sms)? {
            Some(id) => id,
            None => self.begin_inbound(modem, sms)?,
        };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":inbound": inbound, ":part": part, ":at": sms.at.to_string(), ":modem": modem,
            ":text": sms.text.as_ref().ok(), ":reason": sms.text.as_ref().err(), ":pdu": sms.pdu,
        })?;
        self.put_together(inbound, total, sms.at)
    }

    /// The newest text that waits for this part; one that came twice, only worded by another PDU, belongs to its text too.
    fn waiting(self, modem: &str, sms: &InboundSms) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "
            SELECT i.id FROM sms_inbound i
             WHERE i.modem = :modem AND i.number = :number AND i.reference = :reference AND i.total = :total
               AND i.whole_at IS NULL AND i.at > :since
               AND NOT EXISTS (SELECT 1 FROM sms_inbound_parts p
                                WHERE p.inbound_id = i.id AND p.part = :part AND p.text IS NOT :text)
             ORDER BY i.id DESC LIMIT 1";
        let (Some(reference), total, part) = concat(sms) else { return Ok(None) };
        let params = named_params! {
            ":modem": modem, ":number": sms.number, ":reference": reference, ":total": total, ":part": part,
            ":since": sms.at.before(WINDOW).to_string(), ":text": sms.text.as_ref().ok(),
        };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0)).optional()?)
    }

    fn begin_inbound(self, modem: &str, sms: &InboundSms) -> Result<i64, StoreError> {
        const SQL: &str = "
            INSERT INTO sms_inbound (at, modem, number, answerable, sent_at, class, reference, total, missing, text)
            VALUES (:at, :modem, :number, :answerable, :sent_at, :class, :reference, :total, :total, '')";
        let (reference, total, _) = concat(sms);
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":at": sms.at.to_string(), ":modem": modem, ":number": sms.number, ":answerable": sms.answerable,
            ":sent_at": rows::text(sms.sent_at), ":class": sms.class, ":reference": reference, ":total": total,
        })?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes the text as far as its parts are known.
    fn put_together(self, inbound: i64, total: u8, now: Timestamp) -> Result<Inbound, StoreError> {
        const PARTS: &str =
            "SELECT part, text, reason FROM sms_inbound_parts WHERE inbound_id = :id GROUP BY part ORDER BY part";
        const SQL: &str = "
            UPDATE sms_inbound SET missing = :missing, text = :text, reason = :reason, whole_at = :whole_at WHERE id = :id";
        let mut query = self.connection.prepare_cached(PARTS)?;
        let found = query.query_map(named_params! { ":id": inbound }, |row| {
            Ok(Part { index: row.get("part")?, text: row.get("text")?, reason: row.get("reason")? })
        })?;
        let parts: Vec<Part> = found.collect::<Result<_, _>>()?;
        let missing = usize::from(total).saturating_sub(parts.len());
        let whole_at = (missing == 0).then(|| now.to_string());
        let (text, reason) = (words(&parts, total), parts.iter().find_map(|part| part.reason.as_deref()));
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": inbound, ":missing": i64::try_from(missing).unwrap_or(i64::MAX), ":text": text, ":reason": reason,
            ":whole_at": whole_at,
        })?;
        Ok(if missing == 0 && reason.is_none() { Inbound::Whole(text) } else { Inbound::Unread })
    }
}

/// Reference, total and part of a text; one whose numbers make no sense stands for itself.
fn concat(sms: &InboundSms) -> (Option<u16>, u8, u8) {
    match sms.concat {
        Some((reference, total, part)) if (1..=total).contains(&part) && total > 1 => (Some(reference), total, part),
        Some(_) | None => (None, 1, 1),
    }
}

/// The whole text, with a mark where a part is missing or can't be read.
fn words(parts: &[Part], total: u8) -> String {
    let of = |n: u8| match parts.iter().find(|part| part.index == n) {
        Some(Part { text: Some(text), .. }) => text.clone(),
        Some(_) if total == 1 => "[can't be read]".to_owned(),
        Some(_) => format!("[part {n} of {total} can't be read]"),
        None => format!("[part {n} of {total} is missing]"),
    };
    (1..=total).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::sms_parts::tests::at;
    use super::*;

    const HOUR: u64 = 3_600;

    fn sms(seconds: u64, text: &str, concat: Option<(u16, u8, u8)>) -> InboundSms {
        InboundSms {
            at: at(seconds),
            number: "+15551230001".into(),
            answerable: true,
            sent_at: Some(at(seconds)),
            text: Ok(text.into()),
            class: None,
            concat,
            pdu: format!("{text} {seconds} {concat:?}"),
        }
    }

    fn part(seconds: u64, text: &str, n: u8) -> InboundSms {
        sms(seconds, text, Some((9, 3, n)))
    }

    /// Text, missing parts and reason of each text that was kept.
    fn kept(texts: &[InboundSms]) -> Vec<(String, u32, Option<String>)> {
        let mut store = Store::in_memory().unwrap();
        for sms in texts {
            store.transact(|tx| tx.keep_inbound("modem0", sms)).unwrap();
        }
        let mut query =
            store.connection.prepare("SELECT text, missing, reason, whole_at FROM sms_inbound ORDER BY id").unwrap();
        let found = query.query_map([], |row| {
            assert_eq!(row.get::<_, u32>(1)? == 0, row.get::<_, Option<String>>(3)?.is_some());
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        found.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn texts_are_put_together() {
        let whole = |text: &str| (text.to_owned(), 0, None);
        let open = |text: &str, missing: u32| (text.to_owned(), missing, None);
        let again = InboundSms { at: at(50), ..part(0, "a", 1) };
        let other = InboundSms { number: "+15559999999".into(), ..part(2, "z", 2) };
        let gap = open("a[part 2 of 3 is missing]c", 1);
        for (name, texts, want) in [
            ("one", vec![sms(0, "K7", None)], vec![whole("K7")]),
            (
                "the same words, sent twice",
                vec![sms(0, "K7", None), sms(9, "K7", None)],
                vec![whole("K7"), whole("K7")],
            ),
            ("in order", vec![part(0, "a", 1), part(1, "b", 2), part(2, "c", 3)], vec![whole("abc")]),
            ("out of order", vec![part(0, "c", 3), part(1, "a", 1), part(2, "b", 2)], vec![whole("abc")]),
            ("the same PDU", vec![part(0, "a", 1), again, part(1, "b", 2), part(2, "c", 3)], vec![whole("abc")]),
            (
                "sent again",
                vec![part(0, "a", 1), part(9, "a", 1), part(1, "b", 2), part(2, "c", 3)],
                vec![whole("abc")],
            ),
            ("one is missing", vec![part(0, "a", 1), part(2, "c", 3)], vec![gap.clone()]),
            (
                "a stranger's part",
                vec![part(0, "a", 1), other, part(2, "c", 3)],
                vec![gap.clone(), open("[part 1 of 3 is missing]z[part 3 of 3 is missing]", 2)],
            ),
            (
                "too late",
                vec![part(0, "a", 1), part(2, "c", 3), part(24 * HOUR + 3, "b", 2)],
                vec![gap.clone(), open("[part 1 of 3 is missing]b[part 3 of 3 is missing]", 2)],
            ),
            (
                "the reference is used again",
                vec![
                    part(0, "a", 1),
                    part(1, "b", 2),
                    part(2, "c", 3),
                    part(60, "d", 1),
                    part(61, "e", 2),
                    part(62, "f", 3),
                ],
                vec![whole("abc"), whole("def")],
            ),
            (
                "it is used again while one is open",
                vec![part(0, "a", 1), part(2, "c", 3), part(60, "d", 1), part(61, "e", 2), part(62, "f", 3)],
                vec![gap, whole("def")],
            ),
            (
                "a count of nonsense",
                vec![sms(0, "x", Some((9, 0, 0))), sms(1, "y", Some((9, 2, 3)))],
                vec![whole("x"), whole("y")],
            ),
        ] {
            assert_eq!(kept(&texts), want, "{name}");
        }
    }

    #[test]
    fn what_cant_be_read_is_kept_with_its_reason() {
        let unread = |sms: InboundSms| InboundSms { text: Err("it ends in mid-word".into()), ..sms };
        let reason = Some("it ends in mid-word".to_owned());
        assert_eq!(kept(&[unread(sms(0, "x", None))]), [("[can't be read]".to_owned(), 0, reason.clone())]);
        let parts = [part(0, "a", 1), unread(part(1, "b", 2)), part(2, "c", 3)];
        assert_eq!(kept(&parts), [("a[part 2 of 3 can't be read]c".to_owned(), 0, reason)]);
    }

    #[test]
    fn the_view_says_what_is_missing() {
        let mut store = Store::in_memory().unwrap();
        let now = Timestamp::now();
        let ago = |hours: u64, sms| InboundSms { at: now.before(Duration::from_secs(hours * HOUR)), ..sms };
        let texts = [ago(30, part(0, "a", 1)), ago(2, part(9, "b", 2)), ago(1, sms(0, "K7", None))];
        for sms in texts {
            store.transact(|tx| tx.keep_inbound("modem0", &sms)).unwrap();
        }
        let mut query = store.connection.prepare("SELECT state FROM v_inbound").unwrap();
        let states: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(states, ["whole", "waits for 2 of 3 parts", "2 of 3 parts never came"]);
    }
}
