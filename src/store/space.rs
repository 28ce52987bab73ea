//! Room on the disk: below a low-water mark no new lead is taken, and a ballast file is given up so that outcomes and
//! alerts can still be written. Both come back by themselves when there is room again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// How often the disk is asked. Between two looks at most a few megabytes can arrive.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How much room the desk keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceSettings {
    /// Below this no new lead is accepted.
    pub low_water_bytes: u64,
    /// Size of the file that is given up then.
    pub ballast_bytes: u64,
}

/// The disk under the data folder.
#[derive(Debug)]
pub struct Space {
    folder: PathBuf,
    settings: SpaceSettings,
    looked: Option<Instant>,
    low: bool,
}

impl Space {
    /// Watches the disk under `folder`.
    #[must_use]
    pub fn new(folder: &Path, settings: SpaceSettings) -> Self {
        Self { folder: folder.to_owned(), settings, looked: None, low: false }
    }

    /// Whether room is short, as of at most a second ago. Gives the ballast up when it becomes short, and takes it back
    /// when there is room for it again.
    pub fn is_low(&mut self) -> bool {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return self.low;
        }
        self.looked = Some(Instant::now());
        let Some(free) = self.free_bytes() else { return self.low };
        // The released ballast is not room: it belongs to outcomes. So recovery asks for that much more.
        let wanted = if self.low {
            self.settings.low_water_bytes.saturating_add(self.settings.ballast_bytes)
        } else {
            self.settings.low_water_bytes
        };
        let low = free < wanted;
        if low && !self.low {
            self.drop_ballast();
        }
        if !low && let Err(error) = self.take_ballast() {
            tracing::warn!(%error, "the ballast file can't be made");
        }
        self.low = low;
        low
    }

    /// Bytes free for us; `None` when the disk can't be asked.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.folder)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    fn drop_ballast(&self) {
        match std::fs::remove_file(self.ballast()) {
            Ok(()) => tracing::warn!("the disk is nearly full: ballast released"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the ballast file can't be removed"),
        }
    }

    fn take_ballast(&self) -> io::Result<()> {
        let there = std::fs::metadata(self.ballast()).map_or(0, |file| file.len());
        if there == self.settings.ballast_bytes {
            return Ok(());
        }
        let file = File::create(self.ballast())?;
        let taken = fallocate(&file, FallocateFlags::empty(), 0, self.settings.ballast_bytes);
        if taken.is_err() {
            self.drop_ballast();
        }
        Ok(taken?)
    }
}

/// Bytes free under `folder` for whoever isn't root.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    statvfs(folder).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballast_comes_and_goes_with_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::new(folder.path(), SpaceSettings { low_water_bytes: 1, ballast_bytes: 4_096 });
        assert!(!space.is_low());
        assert_eq!(std::fs::metadata(folder.path().join("ballast")).unwrap().len(), 4_096);
        space.settings.low_water_bytes = u64::MAX;
        space.looked = None;
        assert!(space.is_low());
        assert!(!folder.path().join("ballast").exists());
        space.settings.low_water_bytes = 1;
        space.looked = None;
        assert!(!space.is_low());
        assert!(folder.path().join("ballast").exists());
    }
}
