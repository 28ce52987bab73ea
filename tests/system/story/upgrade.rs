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

        let installed = "dpkg-query -W -f '${Version}' nightdesk";
        let version = self.shell.sh(installed);
        let said = self.shell.fails(&format!("{APT} --allow-downgrades /root/older.deb"));
        assert!(said.contains("downgrade"), "{said}");
        assert_eq!(self.shell.sh(installed), version);
        self.up().await;
        self.did("a downgrade is refused, and the desk runs on");

        self.shell.sh(&format!("systemctl disable --now nightdesk; {APT} --reinstall /root/nightdesk.deb"));
        assert_eq!(self.shell.sh("systemctl is-active nightdesk || true"), "inactive");
        assert_eq!(self.shell.sh("systemctl is-enabled nightdesk || true"), "disabled");
        self.shell.sh("systemctl enable --now nightdesk");
        self.up().await;
        self.did("what was stopped and disabled stays so");
    }
}
