//! Everyday work: looking into the live database, the backup, a reboot, a read-only root.

use super::Story;

const COUNT: &str = "sqlite3 -readonly /var/lib/nightdesk/nightdesk.db 'SELECT count(*) FROM v_leads'";

impl Story<'_> {
    /// A member of the group reads the database, whatever the desk does, and nobody else.
    pub(super) async fn read_database(&mut self) {
        let sh = &self.shell;
        sh.sh("useradd --no-create-home --groups nightdesk clerk; useradd --no-create-home stranger");
        let leads = self.leads.len().to_string();
        let clerk = format!("runuser -u clerk -- {COUNT}");
        assert_eq!(sh.sh(&clerk), leads, "while it runs");
        sh.fails(&format!("runuser -u stranger -- {COUNT}"));
        sh.fails("runuser -u clerk -- sqlite3 /var/lib/nightdesk/nightdesk.db 'DELETE FROM leads'");
        assert!(sh.sh("runuser -u clerk -- nightdesk leads list").contains("Anna Berg"));

        self.drop_in("Restart=no");
        let sh = &self.shell;
        sh.sh("systemctl kill --signal=KILL nightdesk");
        sh.until("is dead", self.place.seconds(10), "systemctl is-failed nightdesk").await;
        assert_eq!(sh.sh(&clerk), leads, "after a kill");
        self.drop_in("");
        self.shell.sh("systemctl start nightdesk");
        self.up().await;
        self.shell.sh("systemctl stop nightdesk");
        assert_eq!(self.shell.sh(&clerk), leads, "after a stop");
        self.shell.sh("systemctl start nightdesk");
        self.up().await;
        self.did("a member of the group reads the database: live, after a kill, after a stop");
    }

    /// A change of the unit, or none.
    pub(super) fn drop_in(&self, service: &str) {
        let folder = "/etc/systemd/system/nightdesk.service.d";
        let change = match service {
            "" => format!("rm -f {folder}/test.conf"),
            lines => format!("mkdir -p {folder}; printf '[Service]\\n{lines}\\n' >{folder}/test.conf"),
        };
        self.shell.sh(&format!("{change}; systemctl daemon-reload"));
    }

    pub(super) fn back_up(&mut self) {
        self.shell.sh("systemctl start nightdesk-backup");
        let found = self.shell.sh("stat -c '%U %a' /var/lib/nightdesk/backups/nightdesk-*.db");
        assert_eq!(found, "nightdesk 640");
        let count = "sqlite3 -readonly /var/lib/nightdesk/backups/nightdesk-*.db 'PRAGMA quick_check; SELECT count(*) FROM leads'";
        assert_eq!(self.shell.sh(count), format!("ok\n{}", self.leads.len()));
        self.did("the timer's unit makes a backup");
    }

    pub(super) async fn reboot(&mut self) {
        self.boot_again().await;
        self.did("a reboot: the desk, the tunnel and the modem are back by themselves");
    }

    async fn boot_again(&mut self) {
        self.place.shut_down().await;
        self.place.boot().await;
        self.up().await;
        self.place.plug_in().await;
        self.lead().await;
    }

    /// Nothing but the data folder is on a disk that can be written.
    pub(super) async fn read_only_root(&mut self) {
        if !self.place.mount_root_read_only(true) {
            return;
        }
        self.boot_again().await;
        self.shell.fails("touch /etc/nightdesk/x");
        let said = self.shell.fails("echo secret | nightdesk secrets set some-secret");
        assert!(said.contains("read-only"), "{said}");
        self.place.mount_root_read_only(false);
        self.boot_again().await;
        self.did("a read-only root: all that the desk writes lies in its data folder");
    }
}
