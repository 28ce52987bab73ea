//! From the package to the first text: what the README's installation chapter tells.

use super::Story;
use crate::gateway;
use crate::world::SECRETS;

/// The head of the answer to a webhook that no source is configured for.
const POST_UNKNOWN: &str = r#"bash -c '
exec 3<>/dev/tcp/127.0.0.1/8787
printf "POST /hooks/website HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}" >&3
head -n 1 <&3'"#;

impl Story<'_> {
    /// The older package, so that there is something to upgrade from.
    pub(super) async fn install(&mut self) {
        let sh = &self.shell;
        let folder = tempfile::tempdir().unwrap();
        sh.put(&self.older(folder.path()), "/root/older.deb");
        sh.put(&self.package, "/root/nightdesk.deb");
        sh.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y /root/older.deb");
        self.up_empty().await;
        assert_eq!(
            sh.sh("systemctl is-enabled nightdesk nightdesk-backup.timer nightdesk-alert.path"),
            "enabled\n".repeat(3).trim()
        );
        assert_eq!(sh.sh(POST_UNKNOWN).trim(), "HTTP/1.1 404 Not Found", "an empty desk refuses every source");
        let listening = sh.sh("ss -Hltn 'sport = :8787 or sport = :8788' | awk '{ print $4 }' | sort | tr '\\n' ' '");
        assert_eq!(listening.trim(), "127.0.0.1:8787 127.0.0.1:8788");
        for (path, want) in [
            ("/etc/nightdesk", "root:nightdesk 750"),
            ("/etc/nightdesk/nightdesk.toml", "root:nightdesk 640"),
            ("/etc/nightdesk/credentials", "root:root 700"),
            ("/etc/nightdesk/credentials.sealed", "root:root 700"),
            ("/etc/nightdesk/tunnel", "root:root 700"),
            ("/etc/nightdesk/modem-power", "root:root 700"),
            ("/var/lib/nightdesk", "nightdesk:nightdesk 750"),
            ("/var/lib/nightdesk/nightdesk.db", "nightdesk:nightdesk 640"),
            ("/run/nightdesk", "nightdesk:nightdesk 750"),
            ("/run/nightdesk/control.sock", "nightdesk:nightdesk 660"),
        ] {
            assert_eq!(sh.sh(&format!("stat -c '%U:%G %a' {path}")), want, "{path}");
        }
        self.did("apt installs the package: the desk stands, empty, and refuses every source");
        // Its own exit code, not that of a pipe.
        let analysed = "said=$(systemd-analyze security --no-pager --threshold=15 nightdesk.service)";
        let exposure = self.shell.sh(&format!("{analysed}; printf '%s\\n' \"$said\" | tail -n 1"));
        self.did(&format!("under the full sandbox: {exposure}"));
    }

    async fn up_empty(&self) {
        self.shell.until("the desk is up", self.place.seconds(30), "systemctl is-active nightdesk").await;
        let status = self.shell.sh("nightdesk status");
        for word in ["oncall", "sources", "llm", "modem", "crm"] {
            assert!(status.contains(word), "status doesn't tell to fill in {word}:\n{status}");
        }
    }

    /// Secrets by the command, one of them sealed to this machine, and the configuration.
    pub(super) async fn configure(&mut self) {
        let sh = &self.shell;
        let text = self.world.configuration(self.place.outside(), self.place.port());
        sh.write("/etc/nightdesk/nightdesk.toml", &text);
        let run = "systemctl show -P InvocationID nightdesk";
        let before = sh.sh(run);
        for (nth, (name, secret)) in SECRETS.iter().enumerate() {
            let sealed = if nth == 0 { "--sealed" } else { "" };
            assert_eq!(sh.sh(run), before, "it can't start again while one is missing, so it runs on");
            sh.sh(&format!("printf %s '{secret}' | nightdesk secrets set {sealed} {name}"));
        }
        assert_ne!(sh.sh(run), before, "the last secret is there, but the desk was not restarted");
        let list = sh.sh("nightdesk secrets list");
        for (name, secret) in SECRETS {
            assert!(list.contains(name) && !list.contains(secret), "{list}");
        }
        self.up().await;
        let stored =
            self.shell.sh("stat -c '%U:%G %a' /etc/nightdesk/credentials/* /etc/nightdesk/credentials.sealed/*");
        assert_eq!(stored, "root:root 600\n".repeat(SECRETS.len()).trim());
        self.did("secrets are set, one of them sealed; the desk runs with them");
    }

    pub(super) async fn open_tunnel(&mut self) {
        let sh = &self.shell;
        let at = self.place.outside();
        let (ssh, public) = (gateway::SSH, gateway::PUBLIC);
        let environment = format!("SSH_TO=root@{at}\nSSH_PORT={ssh}\nSSH_LISTEN={public}");
        sh.write("/etc/nightdesk/tunnel/office.env", &environment);
        sh.write("/etc/nightdesk/tunnel/office.known_hosts", &self.gateway.known_host(at));
        sh.sh("ssh-keygen -q -t ed25519 -N '' -f /etc/nightdesk/tunnel/office.key");
        self.gateway.admit(&sh.sh("cat /etc/nightdesk/tunnel/office.key.pub"));
        sh.sh("systemctl enable --now nightdesk-tunnel-ssh@office");
        let active = "systemctl is-active nightdesk-tunnel-ssh@office";
        sh.until("the tunnel is up", self.place.seconds(20), active).await;
        self.did("the tunnel stands");
    }

    /// The lead comes before the modem is there, and is texted once it is.
    pub(super) async fn first_lead(&mut self) {
        let contact = self.acknowledged().await;
        self.did("a signed webhook through the tunnel is acknowledged");
        self.place.plug_in().await;
        self.acted_on(contact).await;
        self.did("the modem is plugged in, the text is sent, HubSpot shows the class");
        let status = self.shell.sh("nightdesk status");
        assert!(status.contains("tunnel") && status.contains("office"), "{status}");
    }
}
