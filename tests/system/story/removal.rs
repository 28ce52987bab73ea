//! Taking it off the box: the leads stay until somebody says otherwise.

use super::Story;

const DATABASE: &str = "/var/lib/nightdesk/nightdesk.db";

impl Story<'_> {
    pub(super) async fn remove(&mut self) {
        let leads = self.shell.sh(&format!("sqlite3 -readonly {DATABASE} 'SELECT count(*) FROM leads'"));
        self.shell.sh("apt-get remove -y nightdesk");
        assert_eq!(self.shell.sh("systemctl is-active nightdesk || true"), "inactive");
        self.shell
            .sh(&format!("test -s {DATABASE}; test -e /etc/nightdesk/nightdesk.toml; ! test -e /usr/bin/nightdesk"));
        let said = self.shell.sh("apt-get purge -y nightdesk 2>&1");
        assert!(said.contains("/var/lib/nightdesk"), "{said}");
        self.shell.sh(&format!("test -s {DATABASE}; ! test -e /etc/nightdesk"));
        self.did("remove and purge keep the leads, and say where; secrets and keys are gone");

        self.shell.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y /root/nightdesk.deb");
        self.up().await;
        assert_eq!(self.shell.sh(&format!("sqlite3 -readonly {DATABASE} 'SELECT count(*) FROM leads'")), leads);
        self.shell.sh("touch /var/lib/nightdesk/delete-on-purge; apt-get purge -y nightdesk");
        // A folder that something is mounted on stays, empty.
        assert_eq!(self.shell.sh("ls -A /var/lib/nightdesk 2>/dev/null || true"), "");
        self.did("installed again they are there; with the marker, purge deletes them");
    }
}
