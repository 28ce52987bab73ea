//! The writer: one thread, one connection, one transaction for everything that has queued up.
//!
//! Each command is a SAVEPOINT of its own, so that a bad row fails alone; the group is one COMMIT, so that many requests
//! share one fsync. Replies leave only after the COMMIT. A failed COMMIT fails the whole group, and the connection is
//! opened again. A [`Rider`] may add to every transaction: the outbox claims its due jobs there, so that a new lead's
//! first job is inserted and claimed in one commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Space, Store, StoreError, Tx};
use crate::failpoint;
use crate::model::Timestamp;

/// Commands of one commit. Enough for a burst of webhooks, few enough that the oldest reply is not kept waiting.
const GROUP: usize = 128;
/// Commands that may wait. More than the connections the intake accepts, so it fills only when the disk stands still.
const QUEUE: usize = 1_024;
/// While commands come thick and fast, a group waits for more as long as the last commit took, this long at most: in a
/// burst that saves at least half of the syncs and of the pages written, and costs an answer no more than it waits anyhow.
/// The commands of a lone lead come one after the other, each because of the one before: they are not kept waiting.
const GATHER: Duration = Duration::from_millis(10);
/// Nobody is waited for beyond this many: they share a sync well, and while they are written the next ones are read.
const COMPANY: usize = 48;
/// How often the writer looks for more meanwhile.
const LOOK: Duration = Duration::from_micros(100);
/// How long an outcome that nobody waits for may wait for company.
const PATIENCE: Duration = Duration::from_millis(40);
/// How long the writer rests after a commit that failed: a full disk is not hammered.
const REST: Duration = Duration::from_millis(250);
/// The writer comes up for air at least this often: it shows that it lives, and looks at the disk.
const BREATH: Duration = Duration::from_secs(1);

/// What a command is for. A full disk refuses new leads and keeps room for the rest, which is written first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// The outcome of an effect, or a person's wish.
    Outcome,
    /// An outcome nobody waits for: it doesn't ask for a commit of its own at once.
    Aftermath,
    /// A new lead.
    Intake,
}

/// What rides along in every transaction.
pub trait Rider: Send {
    /// Adds to the transaction that is about to be committed.
    ///
    /// # Errors
    /// Anything the store says; the rider's part is rolled back, the commands' part is not.
    fn ride(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError>;
    /// The transaction is on disk.
    fn landed(&mut self);
    /// The transaction is gone: forget what was added.
    fn lost(&mut self);
    /// When to ride again although no command came; `None` when nothing waits.
    ///
    /// # Errors
    /// Anything the store says.
    fn next_ride(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
}

/// One command in the queue: it runs inside its savepoint, and is answered after the commit.
trait Queued: Send {
    fn kind(&self) -> Command;
    fn run(&mut self, tx: Tx<'_>) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Pending<T, F> {
    kind: Command,
    body: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(Tx<'_>) -> Result<T, StoreError> + Send> Queued for Pending<T, F> {
    fn kind(&self) -> Command {
        self.kind
    }

    fn run(&mut self, tx: Tx<'_>) -> Result<(), StoreError> {
        let body = self.body.take().ok_or(StoreError::Stopped)?;
        self.value = Some(body(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let value = outcome.and_then(|()| value.ok_or(StoreError::Stopped));
        // Nobody waits any more when the client hung up; what it sent is stored all the same.
        drop(reply.send(value));
    }
}

/// The way to the writer. Cheap to clone; when the last one is gone the writer ends.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Box<dyn Queued>>,
    beat: Arc<AtomicU64>,
    refuses: Arc<AtomicBool>,
}

/// The writer thread has ended: the join handle of it.
pub type WriterExit = std::thread::JoinHandle<()>;

impl Writer {
    /// Starts the writer thread over `store`. It must be called inside the runtime, whose timer the thread borrows.
    ///
    /// # Errors
    /// When the thread can't be made.
    pub fn start(store: Store, space: Space, rider: Box<dyn Rider>) -> std::io::Result<(Self, WriterExit)> {
        let (queue, commands) = mpsc::channel(QUEUE);
        let (beat, refuses) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let shell =
            Shell { store, space, rider, beat: Arc::clone(&beat), refuses: Arc::clone(&refuses), told_low: None };
        let runtime = Handle::current();
        let thread =
            std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || shell.run(commands, &runtime))?;
        Ok((Self { queue, beat, refuses }, thread))
    }

    /// Runs `body` inside the next group and waits until it is on disk.
    ///
    /// # Errors
    /// `body`'s own error (only its savepoint is rolled back), [`StoreError::Commit`] when the group's commit failed,
    /// [`StoreError::Full`] for new leads while the disk is nearly full.
    pub async fn run<T: Send + 'static>(
        &self,
        kind: Command,
        body: impl FnOnce(Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { kind, body: Some(body), value: None, reply };
        self.queue.send(Box::new(pending)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// Whether new leads are refused at the moment: the disk is nearly full, or the last commit failed.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.refuses.load(Ordering::Relaxed)
    }

    /// How often the writer thread came round: it lives as long as this grows.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beat.load(Ordering::Relaxed)
    }
}

/// A command and what it will be told; gone when it was told already.
type Answer = (Option<Box<dyn Queued>>, Result<(), StoreError>);

struct Shell {
    store: Store,
    space: Space,
    rider: Box<dyn Rider>,
    beat: Arc<AtomicU64>,
    refuses: Arc<AtomicBool>,
    /// What the alerts say about the disk; `None` until they were looked at.
    told_low: Option<bool>,
}

/// Waits until somebody comes who waits for an answer, or patience ends.
async fn linger(group: &mut Vec<Box<dyn Queued>>, commands: &mut mpsc::Receiver<Box<dyn Queued>>) {
    let company = async {
        while group.len() < GROUP
            && group.iter().all(|queued| queued.kind() == Command::Aftermath)
            && let Some(next) = commands.recv().await
        {
            group.push(next);
        }
    };
    let _came_in_time = timeout(PATIENCE, company).await.is_ok();
}

/// Adds what has queued up, and what comes within `most`; a lull of half of that is the end.
#[expect(
    clippy::disallowed_methods,
    reason = "this thread is the writer's own, and the runtime's timer ticks by the ms"
)]
fn gather(group: &mut Vec<Box<dyn Queued>>, commands: &mut mpsc::Receiver<Box<dyn Queued>>, most: Duration) {
    let (begun, lull) = (Instant::now(), most.checked_div(2).unwrap_or_default());
    let mut newest = begun;
    loop {
        while group.len() < GROUP
            && let Ok(next) = commands.try_recv()
        {
            group.push(next);
            newest = Instant::now();
        }
        if group.len() >= COMPANY || begun.elapsed() >= most || newest.elapsed() >= lull {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

impl Shell {
    fn run(mut self, mut commands: mpsc::Receiver<Box<dyn Queued>>, runtime: &Handle) {
        let (mut wait, mut took, mut together) = (Duration::ZERO, Duration::ZERO, 0);
        loop {
            let idle = Instant::now();
            let first = runtime.block_on(async { timeout(wait, commands.recv()).await });
            self.beat.fetch_add(1, Ordering::Relaxed);
            let mut group = match first {
                Ok(Some(first)) => vec![first],
                Ok(None) => break,
                Err(_) => Vec::new(),
            };
            let dense = together > 1 && idle.elapsed() < took;
            if !group.is_empty() {
                runtime.block_on(linger(&mut group, &mut commands));
            }
            gather(&mut group, &mut commands, if dense { took } else { Duration::ZERO });
            together = group.len();
            group.sort_by_key(|queued| queued.kind());
            let begun = Instant::now();
            let committed = self.commit(group);
            took = begun.elapsed().min(GATHER);
            wait = match committed {
                Ok(()) => self.until_next_ride(),
                Err(error) => {
                    tracing::error!(%error, "the database can't be written; trying again");
                    REST
                }
            };
        }
        self.store.checkpoint();
    }

    fn until_next_ride(&mut self) -> Duration {
        let now = Timestamp::now();
        let rider = &mut self.rider;
        match self.store.look(|tx| rider.next_ride(tx, now)) {
            Ok(Some(at)) => at.since(now).min(BREATH),
            Ok(None) => BREATH,
            Err(error) => {
                tracing::error!(%error, "the next due job can't be found");
                REST
            }
        }
    }

    /// One group: commands, rider, COMMIT, answers. An error means that the database itself is in trouble.
    fn commit(&mut self, group: Vec<Box<dyn Queued>>) -> Result<(), StoreError> {
        let low = self.space.is_low();
        let mut answers: Vec<Answer> = group.into_iter().map(|queued| (Some(queued), Ok(()))).collect();
        let committed = self.transaction(&mut answers, low);
        self.refuses.store(low || committed.is_err(), Ordering::Relaxed);
        match committed {
            Ok(rode) => {
                failpoint::reach("after-commit");
                if rode.is_ok() {
                    self.rider.landed();
                }
                for (queued, result) in answers {
                    if let Some(queued) = queued {
                        queued.answer(result);
                    }
                }
                rode
            }
            Err(error) => {
                self.rider.lost();
                let words = error.to_string();
                for queued in answers.into_iter().filter_map(|(queued, _)| queued) {
                    queued.answer(Err(StoreError::Commit(words.clone())));
                }
                self.store.roll_back();
                self.store.reopen()?;
                Err(error)
            }
        }
    }

    /// Everything between BEGIN and COMMIT. The outer error: nothing is stored. The inner one is the rider's: what the
    /// commands did is stored, what the rider did is not.
    fn transaction(&mut self, answers: &mut [Answer], low: bool) -> Result<Result<(), StoreError>, StoreError> {
        self.store.begin()?;
        for (slot, result) in answers {
            let Some(queued) = slot else { continue };
            let refused = low && queued.kind() == Command::Intake;
            *result = if refused { Err(StoreError::Full) } else { self.one(queued.as_mut()) };
            self.store.still_open()?;
            if failpoint::removed("ack-after-commit")
                && queued.kind() == Command::Intake
                && result.is_ok()
                && let Some(queued) = slot.take()
            {
                queued.answer(Ok(()));
                failpoint::reach("acked-before-commit");
            }
        }
        // Not a moment earlier: what the commands made is due by now, and else would wait for a commit of its own.
        let now = Timestamp::now();
        self.tend_alert(low, now);
        let rode = self.ride(now);
        if rode.is_err() {
            self.rider.lost();
        }
        self.store.still_open()?;
        failpoint::reach("before-commit");
        self.store.commit().map(|()| rode)
    }

    fn ride(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let (rider, store) = (&mut self.rider, &self.store);
        caught(store, || in_savepoint(store, |tx| rider.ride(tx, now)))
    }

    fn one(&self, queued: &mut dyn Queued) -> Result<(), StoreError> {
        caught(&self.store, || in_savepoint(&self.store, |tx| queued.run(tx)))
    }

    /// Raises or clears the alert about the disk when its state has changed.
    fn tend_alert(&mut self, low: bool, now: Timestamp) {
        const KEY: &str = "disk:low";
        if self.told_low == Some(low) {
            return;
        }
        let told = in_savepoint(&self.store, |tx| {
            if !low {
                return tx.clear_alert(KEY, now);
            }
            let text = "the disk is nearly full: new leads are refused with 503 until there is room";
            tx.alert(KEY, text, "free some space; everything accepted so far is safe and goes on", now)
        });
        match told {
            Ok(()) => self.told_low = Some(low),
            Err(error) => tracing::error!(%error, "the alert about the disk can't be written"),
        }
    }
}

/// A panic inside a savepoint rolls that savepoint back and no more.
fn caught(store: &Store, body: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        store.connection.execute_batch("ROLLBACK TO command; RELEASE command")?;
        Err(StoreError::Panicked)
    })
}

fn in_savepoint<T>(store: &Store, body: impl FnOnce(Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let connection = &store.connection;
    connection.prepare_cached("SAVEPOINT command")?.execute([])?;
    let result = body(Tx { connection });
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
    }
    connection.prepare_cached("RELEASE command")?.execute([])?;
    result
}

/// A rider that adds nothing and only notes when it rode: for tests of a writer and of what stands around one.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Passenger(Arc<std::sync::Mutex<Option<Timestamp>>>);

#[cfg(test)]
impl Passenger {
    fn rode_last(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap()
    }
}

#[cfg(test)]
impl Rider for Passenger {
    fn ride(&mut self, _: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = Some(now);
        Ok(())
    }
    fn landed(&mut self) {}
    fn lost(&mut self) {}
    fn next_ride(&mut self, _: Tx<'_>, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SpaceSettings;

    /// A job that a command makes at the end of a long group is claimed in the same commit.
    #[tokio::test]
    async fn the_rider_comes_after_the_commands_by_the_clock_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(folder.path(), SpaceSettings { low_water_bytes: 1, ballast_bytes: 4_096 });
        let passenger = Passenger::default();
        let store = Store::open(folder.path()).unwrap();
        let (writer, exit) = Writer::start(store, space, Box::new(passenger.clone())).unwrap();
        let a_tick_later = |_: Tx<'_>| {
            let begun = Timestamp::now();
            let mut now = begun;
            while now == begun {
                now = Timestamp::now();
            }
            Ok(now)
        };
        let made = writer.run(Command::Outcome, a_tick_later).await.unwrap();
        let rode = passenger.rode_last().unwrap();
        assert!(rode >= made, "{rode} is before {made}");
        drop(writer);
        exit.join().unwrap();
    }
}
