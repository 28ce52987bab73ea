//! Connections that are kept for the next mail: a login over TLS costs a second, and servers count them.
//!
//! Called by the mailer around each mail. A connection is used by one mail at a time, is asked (`NOOP`) before it is used
//! again, and is closed after a minute without a mail. Sending never depends on one: a dead connection costs a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::session::{Pace, Session};

/// As many as a lane has workers at most; more are never idle at once.
const MOST: usize = 4;
/// Well below the five minutes after which servers hang up (RFC 5321, clause 4.5.3.2.7).
const IDLE: Duration = Duration::from_mins(1);

/// What is kept.
#[derive(Default)]
pub(super) struct Pool(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The one that was used last is last.
    idle: Vec<(Session, Instant)>,
    /// Somebody is already waiting to close what is idle for too long.
    swept: bool,
}

impl Pool {
    /// A connection that answers, if there is one.
    pub(super) async fn take(&self, pace: &Pace) -> Option<Session> {
        loop {
            let (mut session, since) = self.kept().idle.pop()?;
            if since.elapsed() < IDLE && session.noop(pace).await.is_ok() {
                return Some(session);
            }
        }
    }

    /// Keeps a connection, if there is room.
    pub(super) fn put(self: &Arc<Self>, session: Session) {
        let mut kept = self.kept();
        if kept.idle.len() < MOST {
            kept.idle.push((session, Instant::now()));
        }
        if !kept.swept {
            kept.swept = true;
            // Detached, because nobody waits for it: it holds no connection itself, and ends with the last one.
            let pool = Arc::downgrade(self);
            tokio::spawn(async move {
                let mut next = Instant::now().checked_add(IDLE);
                while let Some(due) = next {
                    sleep_until(due).await;
                    let Some(pool) = pool.upgrade() else { return };
                    next = pool.sweep().await;
                }
            });
        }
    }

    /// Closes what was idle for too long. When to look again; `None` if nothing is left.
    async fn sweep(&self) -> Option<Instant> {
        let (old, next) = self.sorted_out();
        for (session, _) in old {
            session.close(&Pace::new(IDLE, IDLE)).await;
        }
        next
    }

    fn sorted_out(&self) -> (Vec<(Session, Instant)>, Option<Instant>) {
        let mut kept = self.kept();
        let (old, young) = std::mem::take(&mut kept.idle).into_iter().partition(|(_, since)| since.elapsed() >= IDLE);
        kept.idle = young;
        let next = kept.idle.first().and_then(|(_, since)| since.checked_add(IDLE));
        kept.swept = next.is_some();
        (old, next)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
