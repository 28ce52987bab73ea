//! From the older package to the one under test, and no way back by mistake.

use super::Story;

const APT: &str = "DEBIAN_FRONTEND=noninteractive apt-get install -y";

impl Story<'_> {
    pub(super) async fn upgrade(&mut self) {
        let config = self.shell.sh("sha256sum /etc/nightdesk/nightdesk.toml");
        let stopped = "journalctl -u nightdesk --no-pager | grep -c 'stopped cleanly'";
        let before: u32 = self.shell.sh(stopped).parse().unwrap();
        self.shell.sh(&format!("{APT} /root/nightdesk.deb"));
        self.up().await;
        assert_eq!(self.shell.sh("sha256sum /etc/nightdesk/nightdesk.toml"), config, "the configuration was changed");
        let after: u32 = self.shell.sh(stopped).parse().unwrap();
        assert_eq!(after, before + 1, "the old desk was not drained");
        let count = "sqlite3 -readonly /var/lib/nightdesk/nightdesk.db 'SELECT count(*) FROM leads'";
        assert_eq!(self.shell.sh(count), self.leads.len().to_string());
        self.lead().await;
        self.did("the upgrade keeps configuration and leads, drains the old desk and starts the new one");

        // As a newer desk's migration would leave it.
        let schema = |to: &str| format!("sqlite3 /var/lib/nightdesk/nightdesk.db 'PRAGMA user_version = {to}'");
        let (installed, was) =
            ("dpkg-query -W -f '${Version}' nightdesk", self.shell.sh(&schema("").replace(" = ", "")));
        let version = self.shell.sh(installed);
        self.shell.sh(&format!("systemctl stop nightdesk; {}", schema("99")));
        let said = self.shell.fails(&format!("{APT} --allow-downgrades /root/older.deb"));
        assert!(said.contains("schema 99") && said.contains("newer nightdesk"), "{said}");
        assert_eq!(self.shell.sh(installed), version);
        let said = self.shell.fails("nightdesk check");
        assert!(said.contains("newer"), "{said}");
        self.shell.sh(&format!("{}; systemctl start nightdesk", schema(&was)));
        self.up().await;
        self.did("a downgrade below the database's schema is refused, and nothing is changed");

        self.shell.sh(&format!("systemctl disable --now nightdesk; {APT} --reinstall /root/nightdesk.deb"));
        assert_eq!(self.shell.sh("systemctl is-active nightdesk || true"), "inactive");
        assert_eq!(self.shell.sh("systemctl is-enabled nightdesk || true"), "disabled");
        self.shell.sh("systemctl enable --now nightdesk");
        self.up().await;
        self.did("what was stopped and disabled stays so");
    }
}
