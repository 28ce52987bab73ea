//! Which process holds a device or a socket, by the links in `/proc/PID/fd` (proc(5)).
//!
//! Read once. Only root sees the files of other users' processes: what isn't seen makes the picture incomplete, and is said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A process that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Process {
    pub(in crate::cli) pid: u32,
    /// The start of its program's name.
    pub(in crate::cli) name: String,
    files: Vec<PathBuf>,
}

/// All that run.
#[derive(Debug)]
pub(in crate::cli) struct Processes {
    all: Vec<Process>,
    /// Whether the files of all of them could be seen.
    pub(in crate::cli) complete: bool,
}

impl Processes {
    pub(in crate::cli) fn scan(proc: &Path) -> Self {
        let mut scanned = Self { all: Vec::new(), complete: true };
        for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Ok(name) = fs::read_to_string(entry.path().join("comm")) else { continue };
            let files = match fs::read_dir(entry.path().join("fd")) {
                Ok(links) => links.flatten().filter_map(|link| fs::read_link(link.path()).ok()).collect(),
                Err(error) => {
                    // One that has ended meanwhile holds nothing.
                    scanned.complete &= error.kind() == io::ErrorKind::NotFound;
                    Vec::new()
                }
            };
            scanned.all.push(Process { pid, name: name.trim().to_owned(), files });
        }
        scanned.all.sort_by_key(|process| process.pid);
        scanned
    }

    /// Those that have this file or device open.
    pub(in crate::cli) fn holding(&self, file: &Path) -> Vec<&Process> {
        self.all.iter().filter(|process| process.files.iter().any(|held| held == file)).collect()
    }

    /// The one that has this socket open.
    pub(super) fn of_socket(&self, inode: u64) -> Option<&Process> {
        self.holding(Path::new(&format!("socket:[{inode}]"))).first().copied()
    }

    /// Whether a program of this name runs.
    pub(super) fn runs(&self, name: &str) -> bool {
        self.all.iter().any(|process| process.name == name)
    }
}
