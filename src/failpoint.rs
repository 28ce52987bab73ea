//! Places where a test may stop the process, and rules that a test may remove to see the suite go red.
//!
//! Without the cargo feature `failpoints`, which no release build has, every function here is empty and disappears.
//! With it, `NIGHTDESK_FAILPOINT=name:nth:action;...` arms places: at its nth passage (`*`: at each) the process stops
//! itself (`stop`, for a `kill -9` from outside at exactly this point), or this thread stops while the others go on
//! (`park`), panics (`panic`), or brings the process down (`abort`). `NIGHTDESK_WITHOUT=rule` removes a rule.

/// A named place. Does nothing unless a test armed it.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_place: &str) {}

/// Whether a test removed this rule. Never, outside the test build.
#[cfg(not(feature = "failpoints"))]
#[inline]
#[must_use]
pub const fn removed(_rule: &str) -> bool {
    false
}

#[cfg(feature = "failpoints")]
pub use armed::{reach, removed, with_removed};

#[cfg(feature = "failpoints")]
mod armed {
    use std::cell::RefCell;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        place: String,
        /// `None`: every passage.
        nth: Option<u32>,
        action: String,
        passed: AtomicU32,
    }

    impl Armed {
        fn parse(text: &str) -> Option<Self> {
            let mut fields = text.splitn(3, ':').map(str::to_owned);
            let (place, nth, action) = (fields.next()?, fields.next()?, fields.next()?);
            let nth = if nth == "*" { None } else { Some(nth.parse().ok()?) };
            Some(Self { place, nth, action, passed: AtomicU32::new(0) })
        }

        fn is_due(&self) -> bool {
            let passage = self.passed.fetch_add(1, Ordering::SeqCst).saturating_add(1);
            self.nth.is_none_or(|nth| nth == passage)
        }
    }

    static ARMED: LazyLock<Vec<Armed>> = LazyLock::new(|| {
        let text = std::env::var("NIGHTDESK_FAILPOINT").unwrap_or_default();
        text.split(';').filter_map(Armed::parse).collect()
    });

    static REMOVED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("NIGHTDESK_WITHOUT").ok());

    thread_local! {
        static REMOVED_HERE: RefCell<Option<&'static str>> = const { RefCell::new(None) };
    }

    /// A named place. Stops, panics or aborts at the passage a test armed.
    ///
    /// # Panics
    /// When a test armed this place with `panic`.
    pub fn reach(place: &str) {
        let Some(armed) = ARMED.iter().find(|armed| armed.place == place).filter(|armed| armed.is_due()) else {
            return;
        };
        match armed.action.as_str() {
            "panic" => panic!("failpoint {place}"),
            "abort" => std::process::abort(),
            "park" => never_go_on(),
            // SIGSTOP halts every thread, this one perhaps a little later than the others: so it never goes on.
            _ => {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP).ok();
                never_go_on()
            }
        }
    }

    fn never_go_on() -> ! {
        loop {
            std::thread::park();
        }
    }

    /// Whether a test removed this rule, for the process or for this thread.
    #[must_use]
    pub fn removed(rule: &str) -> bool {
        REMOVED.as_deref() == Some(rule) || REMOVED_HERE.with_borrow(|here| *here == Some(rule))
    }

    /// Runs `body` on this thread with one rule removed.
    pub fn with_removed<T>(rule: Option<&'static str>, body: impl FnOnce() -> T) -> T {
        REMOVED_HERE.set(rule);
        let result = body();
        REMOVED_HERE.set(None);
        result
    }
}
