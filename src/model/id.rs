//! Identifiers: `UUIDv7` (RFC 9562, section 5.7), so that rows made one after the other lie side by side on disk.
//!
//! Each kind is a type of its own; none of them can be mistaken for another or made from an unchecked text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::Timestamp;

fn row_id(now: Timestamp, random: [u8; 10]) -> Uuid {
    let ms = u64::try_from(now.as_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
}

/// What every kind of id can do: be made from a time and randomness, printed, parsed.
pub trait RowId: Sized + fmt::Display + FromStr {
    /// An id for a row made at `now`; `random` decides between rows of the same millisecond.
    fn new(now: Timestamp, random: [u8; 10]) -> Self;

    /// The same, with randomness of the process.
    #[must_use]
    fn fresh(now: Timestamp) -> Self {
        let mut random = [0_u8; 10];
        fastrand::fill(&mut random);
        Self::new(now, random)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl RowId for $name {
            fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(row_id(now, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// One webhook as it arrived.
    InboxId;
    /// One lead.
    LeadId;
    /// One job of the outbox.
    JobId;
    /// One start of the daemon; half of a lease.
    BootId;
}

/// One try of one job: the other half of a lease. Counts from 1 and never starts again, not even after a requeue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub u32);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
