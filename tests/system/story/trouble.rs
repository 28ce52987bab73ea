//! What goes wrong while nobody is there: the line is cut, the desk hangs, the desk crashes again and again.

use std::time::{Duration, Instant};

use super::Story;

/// Tells the story's alert apart from others.
const HOOK: &str = "#!/bin/sh\nprintf '%s\\n' \"$1\" >>/root/alerted";

impl Story<'_> {
    /// Nobody does anything: systemd and ssh put it right.
    pub(super) async fn cut_tunnel(&mut self) {
        let restarts = "systemctl show -P NRestarts nightdesk-tunnel-ssh@office";
        let before: u32 = self.shell.sh(restarts).parse().unwrap();
        self.gateway.cut();
        self.shell.until("ssh notices", self.place.seconds(60), &format!("test $({restarts}) -gt {before}")).await;
        self.lead().await;
        self.did("the tunnel is cut: it comes back by itself, and a lead through it");
    }

    /// The shipped watchdog waits two minutes; here it is the same, only sooner.
    pub(super) async fn hang(&mut self) {
        self.drop_in("WatchdogSec=20s\\nTimeoutStopSec=5s");
        self.shell.sh("systemctl restart nightdesk");
        self.up().await;
        self.shell.sh("systemctl kill --signal=STOP nightdesk");
        let restarted = "test \"$(systemctl show -P NRestarts nightdesk)\" -ge 1; systemctl is-active nightdesk";
        self.shell.until("the watchdog restarts it", self.place.seconds(60), restarted).await;
        let said = self.shell.sh("journalctl -u nightdesk --no-pager | grep -ci watchdog");
        assert_ne!(said, "0");
        self.drop_in("");
        self.up().await;
        self.lead().await;
        self.did("kill -STOP: the watchdog restarts it");
    }

    /// The sandboxed desk asks, root's unit does it: here the commands only leave a mark.
    pub(super) async fn power_cycle(&mut self) {
        let sh = &self.shell;
        let ask = "nightdesk modem power-cycle modem0";
        let said = sh.fails(ask);
        assert!(said.contains("enable --now nightdesk-modem-power@modem0.path"), "{said}");
        sh.write("/etc/nightdesk/modem-power/modem0", "echo done >/run/nightdesk-modem-power/mark");
        sh.sh(&format!("systemctl enable --now nightdesk-modem-power@modem0.path; {ask}"));
        sh.until("root's unit runs", self.place.seconds(20), "test -s /run/nightdesk-modem-power/mark").await;
        sh.sh("! test -e /run/nightdesk/power-cycle-modem0");
        let said = sh.fails(ask);
        assert!(said.contains("still coming back"), "{said}");
        self.did("a modem is power-cycled by root's unit when the desk asks, once a minute at most");
    }

    /// A binary that can't run: the pace slows, the operator is told once, no PIN is tried, and once mended all is well.
    pub(super) async fn crash_loop(&mut self) {
        self.shell.write("/etc/nightdesk/alert.d/test", HOOK);
        self.shell.sh("chmod 755 /etc/nightdesk/alert.d/test");
        self.drop_in("ExecStart=\\nExecStart=/bin/false");
        let begun = Instant::now();
        self.shell.try_sh("systemctl restart nightdesk");
        self.shell.until("the operator is told", self.place.seconds(120), "test -s /root/alerted").await;
        let told = self.shell.sh("cat /root/alerted");
        assert_eq!(told.lines().count(), 1, "{told}");
        let restarts: u32 = self.shell.sh("systemctl show -P NRestarts nightdesk").parse().unwrap();
        assert!((4..=8).contains(&restarts), "{restarts} restarts until then");
        // Two seconds between any two starts, and the two waits that were over by then: 5 s and 10 s.
        assert!(begun.elapsed() >= Duration::from_secs(20), "the pace doesn't slow");
        self.drop_in("");
        // Nobody restarts it: the next start is its own.
        self.shell.until("it is back by itself", self.place.seconds(120), "systemctl is-active nightdesk").await;
        self.up().await;
        let status = self.shell.sh("nightdesk status");
        assert!(status.contains("in a row"), "status doesn't tell of the crash loop:\n{status}");
        assert_eq!(self.shell.sh("cat /root/alerted"), told, "told again, and it isn't even down any more");
        self.lead().await;
        self.did(&format!("a crash loop: {restarts} starts, ever slower, one alert: {told}"));
    }
}
