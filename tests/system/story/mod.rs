//! What an operator does with the box, from the first `apt install` to the last purge, and what happens to it meanwhile.
//!
//! Each step ends with a line that says how long it took. The files are in the order of the story.

mod install;
mod operate;
mod power;
mod removal;
mod trouble;
mod upgrade;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::place::Place;
use crate::shell::{Shell, ok, within};
use crate::world::World;

pub(crate) struct Story<'a> {
    place: &'a mut dyn Place,
    world: &'a World,
    gateway: &'a mut Gateway,
    shell: Shell,
    package: PathBuf,
    begun: Instant,
    step: Instant,
    /// The contact of the next lead.
    contact: u32,
    /// The leads so far, by their ids.
    leads: Vec<String>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(place: &'a mut dyn Place, world: &'a World, gateway: &'a mut Gateway, package: &Path) -> Self {
        let (shell, now) = (place.shell(), Instant::now());
        say(&format!("{} with {}", place.name(), package.display()));
        let package = package.to_owned();
        Self { place, world, gateway, shell, package, begun: now, step: now, contact: 1, leads: Vec::new() }
    }

    pub(crate) async fn tell(&mut self) {
        self.place.boot().await;
        self.did("a fresh Debian boots");
        self.install().await;
        self.configure().await;
        self.open_tunnel().await;
        self.first_lead().await;
        self.read_database().await;
        self.back_up();
        self.cut_tunnel().await;
        self.hang().await;
        self.power_cycle().await;
        self.crash_loop().await;
        self.upgrade().await;
        self.reboot().await;
        self.read_only_root().await;
    }

    /// The last steps, and the vendors' verdict.
    pub(crate) async fn end(&mut self) {
        self.remove().await;
        self.place.shut_down().await;
        assert_eq!(self.world.complaints(), Vec::<String>::new());
        assert_eq!(self.world.pins(), 0, "a PIN was entered");
        say(&format!("all of it in {} s, {} texts", self.begun.elapsed().as_secs(), self.world.texts().len()));
    }

    /// The step that has just ended.
    fn did(&mut self, what: &str) {
        say(&format!("{:>7.1} s  {what}", self.step.elapsed().as_secs_f64()));
        self.step = Instant::now();
    }

    /// A new lead is acknowledged, its text reaches the phone, and HubSpot shows its class.
    async fn lead(&mut self) {
        let contact = self.acknowledged().await;
        self.acted_on(contact).await;
    }

    /// A new urgent lead is acknowledged, within the time that a tunnel may take to come back.
    async fn acknowledged(&mut self) -> u32 {
        let contact = self.contact;
        self.contact += 1;
        let message = format!("I need a quote for 50 units by tomorrow ({contact})");
        let end = Instant::now() + Duration::from_mins(2) + self.place.seconds(20);
        loop {
            if let Some(lead) = self.world.post(contact, &message).await {
                self.leads.push(lead);
                return contact;
            }
            assert!(Instant::now() < end, "no lead is acknowledged:\n{}", self.journal());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn acted_on(&self, contact: u32) {
        let mark = format!("({contact})");
        let seen = || (self.world.texts().iter().any(|text| text.contains(&mark)), self.world.class(contact));
        let acted = || matches!(seen(), (true, Some(class)) if class == "URGENT_BUYER").then_some(());
        let in_time = within(self.place.seconds(30) + Duration::from_mins(1), acted).await;
        assert!(in_time.is_some(), "text and class: {:?}\n{}", seen(), self.journal());
    }

    /// Waits until the desk runs and takes leads.
    async fn up(&self) {
        self.shell
            .until("the desk is up", self.place.seconds(60), "systemctl is-active nightdesk; nightdesk status")
            .await;
    }

    fn journal(&self) -> String {
        let log = self.shell.try_sh("journalctl -n 80 --no-pager; systemctl --failed --no-pager").stdout;
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The package under a lower version, made in `folder`.
    fn older(&self, folder: &Path) -> PathBuf {
        ok(Command::new("dpkg-deb").arg("-R").arg(&self.package).arg(folder.join("tree")));
        let control = folder.join("tree/DEBIAN/control");
        let text = std::fs::read_to_string(&control).unwrap();
        let version = text.lines().find(|line| line.starts_with("Version: ")).unwrap();
        std::fs::write(&control, text.replace(version, "Version: 0.0.9-1")).unwrap();
        let older = folder.join("older.deb");
        ok(Command::new("dpkg-deb").args(["-b"]).arg(folder.join("tree")).arg(&older));
        older
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}
