//! Whom the unit runs as, and what files let it do: passwd(5), group(5), and the nine bits of a mode.
//!
//! Read from the files and not asked of the name service, which could hang; the package's user is a local one.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The user of the unit.
const NAME: &str = "nightdesk";
/// Its `SupplementaryGroups=`.
const SERIAL: &str = "dialout";

/// The user with its groups.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceUser {
    pub(super) uid: u32,
    gids: Vec<u32>,
}

impl ServiceUser {
    pub(super) fn find(etc: &Path) -> Option<Self> {
        let passwd = fs::read_to_string(etc.join("passwd")).ok()?;
        let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let (uid, gid) = fields.into_iter().find_map(|fields| match fields.as_slice() {
            [NAME, _, uid, gid, ..] => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        })?;
        let groups = fs::read_to_string(etc.join("group")).unwrap_or_default();
        let more = groups.lines().filter_map(|line| match line.split(':').collect::<Vec<_>>().as_slice() {
            [group, _, gid, members] if *group == SERIAL || members.split(',').any(|member| member == NAME) => {
                gid.parse().ok()
            }
            _ => None,
        });
        Some(Self { uid, gids: std::iter::once(gid).chain(more).collect() })
    }

    /// Whether it may read and write.
    pub(super) fn may_use(&self, file: &Metadata) -> bool {
        let shift = match (file.uid() == self.uid, self.gids.contains(&file.gid())) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        (file.mode() >> shift) & 0o6 == 0o6
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn owner_group_and_others_are_told_apart() {
        let etc = tempfile::tempdir().unwrap();
        fs::write(etc.path().join("passwd"), "root:x:0:0:::\nnightdesk:x:990:980:Desk:/var/lib/nightdesk:/bin/false\n")
            .unwrap();
        fs::write(etc.path().join("group"), "dialout:x:20:pi\nspi:x:30:pi,nightdesk\nnightdesk:x:980:\nadm:x:4:pi\n")
            .unwrap();
        let user = ServiceUser::find(etc.path()).unwrap();
        assert_eq!(user, ServiceUser { uid: 990, gids: vec![980, 20, 30] });
        let file = etc.path().join("file");
        fs::write(&file, "").unwrap();
        for (uid, gid, mode, want) in [
            (0, 20, 0o660, true),
            (0, 20, 0o640, false),
            (0, 4, 0o660, false),
            (0, 0, 0o666, true),
            (990, 0, 0o600, true),
            (990, 20, 0o060, false),
        ] {
            chown(&file, Some(uid), Some(gid)).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(user.may_use(&fs::metadata(&file).unwrap()), want, "{uid}:{gid} {mode:o}");
        }
        fs::write(etc.path().join("passwd"), "root:x:0:0:::\nbroken\n").unwrap();
        assert_eq!(ServiceUser::find(etc.path()), None);
    }
}
