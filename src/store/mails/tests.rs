//! Mails as the rules ask for them, and what is left of them when their lead is deleted.

use std::time::Duration;

use rusqlite::ToSql;

use super::*;
use crate::model::{Channel, Lane, MailTask, NewJob, Priority, RowId, Suppressed, Task};
use crate::store::Store;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn hash(n: u8) -> AddressHash {
    AddressHash::new([n; 16])
}

fn days(n: u64) -> Duration {
    Duration::from_hours(n.saturating_mul(24))
}

/// The job of a mail to a lead of its own.
fn job(tx: Tx<'_>, n: u8) -> Result<Job, StoreError> {
    let (lead, name) = (LeadId::new(NOW, [n; 10]), format!("A{n}"));
    let row = "INSERT INTO leads (id, code, source, received_at, raw_message) VALUES (:id, :code, 's', :at, '')";
    let params = named_params! { ":id": lead.to_string(), ":code": name, ":at": NOW.to_string() };
    tx.connection.execute(row, params)?;
    let mail = MailTask {
        to: "anna@example.com".into(),
        name: None,
        subject: format!("Subject {n}"),
        text: String::new(),
        html: String::new(),
        unsubscribe: None,
        repeat: false,
    };
    let new = NewJob {
        lead,
        task: Task::Mail(mail),
        channel: Channel::new(Lane::Mail, "smtp"),
        priority: Priority::Normal,
        due_at: NOW,
        deadline_at: NOW,
    };
    let id = tx.insert_job(&new, NOW)?;
    Ok(tx.job(id)?.unwrap().0)
}

#[test]
fn one_mail_a_week_and_address() {
    let mut store = Store::in_memory().unwrap();
    store
        .transact(|tx| {
            let (first, second, other) = (job(tx, 1)?, job(tx, 2)?, job(tx, 3)?);
            tx.add_mail(&first, hash(1), "<1@x>", MailState::Sent, NOW.before(days(8)))?;
            tx.add_mail(&other, hash(2), "<3@x>", MailState::Sent, NOW)?;
            let last = |days_ago, except| tx.mailed_since(hash(1), NOW.before(days(days_ago)), except);
            assert_eq!((last(7, None)?, last(9, None)?), (None, Some(first.lead)), "long ago, and not so long");
            tx.add_mail(&second, hash(1), "<2@x>", MailState::Unknown, NOW.before(days(1)))?;
            assert_eq!(last(7, None)?, Some(second.lead), "it may have arrived");
            assert_eq!(last(7, Some(second.id))?, None, "the job that asks");
            assert_eq!(last(9, Some(second.id))?, Some(first.lead));
            assert_eq!((last(7, Some(first.id))?, last(1, None)?), (Some(second.lead), None));
            assert!(tx.forget_mail(second.id)? && !tx.forget_mail(second.id)?);
            assert_eq!(last(7, None)?, None, "it did not leave after all");
            Ok(())
        })
        .unwrap();
}

#[test]
fn all_mails_are_counted_and_the_first_of_them_told() {
    let mut store = Store::in_memory().unwrap();
    let ago = |minutes| NOW.before(Duration::from_mins(minutes));
    store
        .transact(|tx| {
            assert_eq!(tx.mails_since(ago(60))?, MailCount::default());
            let jobs = [job(tx, 1)?, job(tx, 2)?, job(tx, 3)?];
            for ((nth, job), minutes) in (1..).zip(&jobs).zip([90, 50, 10]) {
                tx.add_mail(job, hash(nth), "<x>", MailState::Unknown, ago(minutes))?;
            }
            assert_eq!(tx.mails_since(ago(60))?, MailCount { count: 2, oldest: Some(ago(50)) });
            // It was found to have been sent: the later word counts, and there is still one mail.
            tx.add_mail(&jobs[1], hash(2), "<x>", MailState::Sent, ago(5))?;
            assert_eq!(tx.mails_since(ago(60))?, MailCount { count: 2, oldest: Some(ago(10)) });
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_deleted_lead_leaves_the_suppression_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store
        .transact(|tx| {
            let (gone, kept) = (job(tx, 1)?, job(tx, 2)?);
            tx.add_mail(&gone, hash(1), "<1@x>", MailState::Sent, NOW)?;
            tx.add_mail(&kept, hash(2), "<2@x>", MailState::Sent, NOW.before(days(1)))?;
            tx.suppress(hash(1), Suppressed::Unsubscribed, NOW)?;
            let lead = gone.lead.to_string();
            for table in ["jobs", "inbox", "mails"] {
                tx.connection.execute(&format!("DELETE FROM {table} WHERE lead_id = :lead"), [&lead])?;
            }
            tx.connection.execute("DELETE FROM leads WHERE id = :lead", [&lead])?;
            assert_eq!(tx.suppressed(hash(1))?, Some(Suppressed::Unsubscribed));
            Ok(())
        })
        .unwrap();
    let mails = Reader::open(folder.path()).unwrap().mails(9).unwrap();
    let shown = mails.iter().map(|mail| (mail.code.as_deref(), mail.subject.as_deref(), mail.state.as_str()));
    assert_eq!(shown.collect::<Vec<_>>(), [(Some("A2"), Some("Subject 2"), "sent")]);
}

/// Also a mail whose lead and job are gone is one that was sent.
#[test]
fn a_mail_is_listed_without_its_lead() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store
        .transact(|tx| {
            let job = job(tx, 1)?;
            tx.add_mail(&job, hash(1), "<1@x>", MailState::Unknown, NOW)?;
            tx.connection.execute_batch("DELETE FROM jobs; DELETE FROM leads").map_err(StoreError::from)
        })
        .unwrap();
    let mails = Reader::open(folder.path()).unwrap().mails(9).unwrap();
    let want =
        MailRow { at: NOW.to_string(), code: None, state: "unknown".into(), subject: None, message_id: "<1@x>".into() };
    assert_eq!(mails, [want]);
}

#[test]
fn both_questions_use_their_index() {
    let store = Store::in_memory().unwrap();
    let steps = |sql: &str, params: &[(&str, &dyn ToSql)]| -> Vec<String> {
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        plan.query_map(params, |row| row.get(3)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(
        steps(LAST_TO, named_params! { ":hash": "", ":since": "", ":except": "" }),
        ["SEARCH mails USING INDEX mails_address (address_hash=? AND at>?)"]
    );
    assert_eq!(steps(SINCE, named_params! { ":since": "" }), ["SEARCH mails USING COVERING INDEX mails_at (at>?)"]);
}
