//! Many at once: the same lead 64 times, and one bad request among 64 good ones.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use nightdesk::model::NewLead;
use nightdesk::model::Timestamp;
use nightdesk::store::{
    Arrival, Command, Gate, Opening, Reader, Received, Rider, Space, SpaceSettings, Store, StoreError, Tx, Writer,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::support::{Office, Post, exchange};

const CROWD: u32 = 64;

async fn post_all(office: &Office, posts: impl Iterator<Item = Post>) -> Vec<(u16, Value)> {
    let address = office.intake.unwrap();
    let mut exchanges = JoinSet::new();
    for post in posts {
        exchanges.spawn(async move { exchange(address, &post.bytes()).await.expect("an answer") });
    }
    let answers = exchanges.join_all().await;
    answers.into_iter().map(|(status, _, body)| (status, serde_json::from_slice(&body).unwrap())).collect()
}

#[tokio::test]
async fn the_same_lead_64_times_at_once_is_one_lead() {
    let office = Office::open().await;
    office.hubspot.set_contact("501", &[]);
    let lead = Post::hubspot("501", "We need 50 units by tomorrow");
    let answers = post_all(&office, (0..CROWD).map(|_| lead.clone())).await;
    let first: Vec<&Value> = answers.iter().filter(|(status, _)| *status == 202).map(|(_, answer)| answer).collect();
    let [first] = &first[..] else { panic!("one is new: {answers:?}") };
    let known = answers.iter().filter(|(status, answer)| *status == 200 && answer["duplicate_of"] == first["lead_id"]);
    assert_eq!(known.count(), 63);
    office.until_settled(1).await;
    assert_eq!(office.lines("SELECT count(*), repeats FROM v_leads"), [["1", "63"].map(str::to_owned)]);
    assert_eq!((office.modem.sent().len(), office.hubspot.notes_of("501").len()), (1, 1));
}

/// Reading one of 64 bodies panics: that one is a dead letter with its payload, the others never notice.
#[tokio::test]
async fn one_that_panics_the_gate_is_one_dead_letter() {
    let mut office = Office::new("").await;
    office.set_env("NIGHTDESK_FAILPOINT", "intake-parse:32:panic");
    office.start().await;
    let lead = |number: u32| json!({ "message": "How much is a tent?", "email": format!("a{number}@example.com") });
    let answers = post_all(&office, (0..CROWD).map(|number| Post::website(&lead(number)))).await;
    let count = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(202), count(200)), (63, 1));
    office.until_settled(63).await;
    let letters = office.lines("SELECT stage, class, payload LIKE '%How much is a tent?%' FROM v_failures");
    assert_eq!(letters, [["gate", "crash", "1"].map(str::to_owned)]);
}

/// Counts commits.
struct Counter(Arc<AtomicU32>);

impl Rider for Counter {
    fn ride(&mut self, _: Tx<'_>, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
    fn landed(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn lost(&mut self) {}
    fn next_ride(&mut self, _: Tx<'_>, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}

fn arrival(number: u32) -> Arrival {
    Arrival {
        received_at: Timestamp::now(),
        source: "website".to_owned(),
        method: "POST".to_owned(),
        target: "/hooks/website".to_owned(),
        headers: Vec::new(),
        body: format!("{number}").into_bytes(),
    }
}

fn gate(number: u32) -> Gate {
    Gate::Passed(NewLead {
        crm: None,
        record_id: None,
        name: None,
        email: None,
        phone_text: None,
        message: format!("lead {number}"),
        event_key: None,
        content_key: number.to_string(),
    })
}

type Storing = Pin<Box<dyn Future<Output = Result<Received, StoreError>>>>;

/// Of a group of 64 in one commit, one breaks a rule of the table or panics after its row was written: it alone is gone.
#[tokio::test]
async fn one_bad_row_of_a_group_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let commits = Arc::new(AtomicU32::new(0));
    let space = Space::new(folder.path(), SpaceSettings { low_water_bytes: 0, ballast_bytes: 0 });
    let store = Store::open(folder.path()).unwrap();
    let (writer, exit) = Writer::start(store, space, Box::new(Counter(Arc::clone(&commits)))).unwrap();
    let minute = Duration::from_mins(1);
    let opening = Opening {
        classify_on: None,
        deadline_after: Duration::ZERO,
        give_up_after: minute,
        read_give_up_after: minute,
    };
    for (bad, panics) in [(17, false), (40, true)] {
        // While the writer is held inside one command, 64 more queue up: they are the next group.
        let ((reached, standing), (release, released)) = (oneshot::channel(), mpsc::channel::<()>());
        let holder = writer.clone();
        let holding = tokio::spawn(async move {
            let hold = move |_: Tx<'_>| {
                reached.send(()).unwrap();
                Ok(released.recv().is_ok())
            };
            holder.run(Command::Outcome, hold).await
        });
        standing.await.unwrap();
        let before = commits.load(Ordering::SeqCst);
        let mut group: Vec<Storing> = (0..CROWD)
            .map(|number| {
                let (writer, opening, id) = (writer.clone(), opening.clone(), number + 100 * bad);
                let body = move |tx: Tx<'_>| {
                    let received = tx.receive(&arrival(id), &gate(id), &opening)?;
                    if number != bad {
                        return Ok(received);
                    }
                    assert!(!panics, "as a mistake of ours would");
                    tx.receive(&arrival(id), &Gate::Failed { reason: "none".to_owned() }, &opening)?;
                    tx.close_dead_letter(1, "in a way that the table doesn't know", Timestamp::now())?;
                    Ok(received)
                };
                Box::pin(async move { writer.run(Command::Intake, body).await }) as Storing
            })
            .collect();
        poll_fn(|context| {
            assert!(group.iter_mut().all(|storing| storing.as_mut().poll(context).is_pending()));
            Poll::Ready(())
        })
        .await;
        release.send(()).unwrap();
        assert!(holding.await.unwrap().unwrap());
        for (number, storing) in group.into_iter().enumerate() {
            let stored = storing.await;
            assert_eq!(matches!(stored, Ok(Received::Accepted(_))), number != bad as usize, "{number}: {stored:?}");
        }
        assert_eq!(commits.load(Ordering::SeqCst) - before, 2, "the held one, and one for the 64");
    }
    let counts = Reader::open(folder.path()).unwrap().counts().unwrap();
    assert_eq!((counts.leads, counts.dead_letters), (126, 0));
    drop(writer);
    tokio::task::spawn_blocking(move || exit.join().unwrap()).await.unwrap();
}
