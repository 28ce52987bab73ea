//! A folder of credentials: root's alone, one file a secret.
//!
//! Called by `secrets`. A file is there whole or not at all, also after a power cut: it is written under another name,
//! synced, renamed, and the folder is synced. The other name starts with a dot, which no credential's does, and which
//! systemd passes over; what a cut left behind is overwritten by the next try.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::super::CliError;
use crate::config::is_credential_name;

/// How a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is, readable by root.
    File,
    /// Encrypted with a key of this machine.
    Sealed,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Sealed => "sealed",
        }
    }

    /// The name under which systemd hands the secret over; a sealed one carries it inside.
    pub(super) fn credential(self, name: &str) -> String {
        match self {
            Self::File => format!("nightdesk_{name}"),
            Self::Sealed => format!("nightdesk-sealed_{name}"),
        }
    }
}

/// The folder of one kind.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The one that belongs to a configuration.
    pub(super) fn beside(config: &Path, kind: Kind) -> Self {
        Self(config.with_file_name(match kind {
            Kind::File => "credentials",
            Kind::Sealed => "credentials.sealed",
        }))
    }

    /// Finds out early what would keep a secret from being written.
    pub(super) fn may_write(&self) -> Result<(), CliError> {
        let there = self.0.ancestors().find(|above| above.exists()).unwrap_or(&self.0);
        access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| self.trouble(error.into()))
    }

    /// The secrets that are there, by name.
    pub(super) fn names(&self) -> Result<Vec<String>, CliError> {
        let names = match fs::read_dir(&self.0) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().into_string())).collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let names = names.map_err(|error| self.trouble(error))?;
        Ok(names.into_iter().flatten().filter(|name| is_credential_name(name)).collect())
    }

    /// Writes a secret over an older one. Returns where.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<PathBuf, CliError> {
        self.write(name, content).map_err(|error| self.trouble(error))
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let (new, path) = (self.0.join(format!(".{name}.new")), self.0.join(name));
        gone(fs::remove_file(&new))?;
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            drop(fs::remove_file(&new));
            return Err(error);
        }
        File::open(&self.0)?.sync_all()?;
        Ok(path)
    }

    /// Removes a secret that may be there. Returns where it was.
    pub(super) fn remove(&self, name: &str) -> Result<PathBuf, CliError> {
        let path = self.0.join(name);
        let removed = fs::remove_file(&path).and_then(|()| File::open(&self.0)?.sync_all());
        gone(removed).map_err(|error| self.trouble(error))?;
        Ok(path)
    }

    fn trouble(&self, source: io::Error) -> CliError {
        CliError::of_writing(self.0.clone(), source)
    }
}

/// Whatever isn't there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_there_whole_with_its_mode_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::beside(&home.path().join("nightdesk.toml"), Kind::File);
        folder.may_write().unwrap();
        assert_eq!(folder.names().unwrap(), Vec::<String>::new());
        let at = home.path().join("credentials");
        fs::create_dir(&at).unwrap();
        fs::write(at.join(".token.new"), "half of one, left by a power cut").unwrap();
        for content in ["first\n", "second\n"] {
            let path = folder.put("token", content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        assert_eq!(folder.names().unwrap(), ["token"]);
        assert_eq!(fs::read_dir(&at).unwrap().count(), 1, "nothing else is left");
        folder.remove("token").unwrap();
        folder.remove("token").unwrap();
        assert_eq!(folder.names().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_folder_is_made_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::beside(&home.path().join("nightdesk.toml"), Kind::Sealed);
        folder.put("token", b"x").unwrap();
        let mode = fs::metadata(home.path().join("credentials.sealed")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
}
