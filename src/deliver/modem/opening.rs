//! From a port to a modem that can be used: opening, finding it among several, its speed, and the opening dialogue.

use std::io;
use std::path::{Path, PathBuf};

use tracing::{debug, info, warn};

use super::actor::{Actor, Ended, Leave, ended, failed, silent};
use super::course::Event;
use super::inbox;
use super::init::{Facts, Init, Next};
use super::line::Line;
use super::overheard::Overheard;
use super::{Ports, probe};
use crate::model::{Failure, Fault, ModemState, Timestamp};

/// Speeds of modems on real serial lines, most likely first. USB modems take any.
const SPEEDS: [u32; 6] = [115_200, 9_600, 57_600, 38_400, 19_200, 460_800];

/// Memories that texts and reports may lie in, whatever the modem was told.
const OTHERS: [&str; 3] = ["SR", "SM", "ME"];

impl<P: Ports> Actor<P> {
    /// Opens the configured port, or looks for one.
    pub(super) async fn open(&mut self) -> (Option<Line<P::Port>>, Ended) {
        let path = match (&self.settings.port, &self.port) {
            (Some(path), _) | (None, Some(path)) => path.clone(),
            (None, None) => match self.find().await {
                Some(found) => found,
                None => return (None, failed(Event::NotThere, nobody_answers())),
            },
        };
        let opened = self.ports.open(&path, self.speed.unwrap_or(self.settings.baud));
        match opened {
            Ok(port) => {
                let shown = path.display().to_string();
                self.board.show(|info| {
                    info.port = Some(shown);
                    info.opened = info.opened.saturating_add(1);
                });
                self.port = Some(path);
                (Some(self.line(port)), ended(Event::Opened))
            }
            Err(error) => {
                // Found by looking: when it is gone, it may be back under another name, or be another one.
                (self.port, self.speed) = (None, None);
                (None, failed(Event::NotThere, absent(&path, &error)))
            }
        }
    }

    fn line(&self, port: P::Port) -> Line<P::Port> {
        Line::new(port, Overheard::new(self.traffic.clone()), self.settings.timings.gap)
    }

    /// The first port behind which a modem answers.
    async fn find(&mut self) -> Option<PathBuf> {
        for path in self.ports.candidates() {
            match probe(&mut self.ports, &path, self.settings.baud).await {
                Ok(Some(identity)) => {
                    info!(port = %path.display(), make = identity.make, model = identity.model, "a modem answers");
                    return Some(path);
                }
                Ok(None) => debug!(port = %path.display(), "nothing answers like a modem"),
                Err(error) => debug!(port = %path.display(), %error, "can't be looked at"),
            }
        }
        None
    }

    pub(super) async fn initialise(&mut self, line: &mut Line<P::Port>) -> Result<Ended, Leave> {
        // A modem in trouble is tried again and again: that is no news.
        if !matches!(self.board.state(), ModemState::SimLocked | ModemState::Recovering | ModemState::Searching) {
            self.board.tell(ModemState::Initialising, None, None);
        }
        if !self.keyring.is_recalled() {
            self.recall().await;
        }
        if !self.wake(line).await? {
            return Ok(silent());
        }
        // A restart that was heard before this is dealt with by what follows.
        line.overheard.take_restarted();
        let port = self.port.as_deref().unwrap_or(Path::new("/")).display().to_string();
        let mut init = Init::new(self.settings.smsc.clone(), port.clone());
        let mut echo_off = false;
        loop {
            let ask = init.ask(&mut self.keyring);
            let answer = line.command(&ask.command, ask.prefix, ask.within).await?;
            if !std::mem::replace(&mut echo_off, true) {
                line.overheard.take_echo(); // the first command switched it off, and may have been echoed itself
            }
            let mut next = init.on(&answer, &mut self.keyring, Timestamp::now());
            while let Next::Keep(tried) = next {
                next = init.kept(self.keeper.keep_pin(tried).await);
            }
            match next {
                Next::Ask | Next::Keep(_) => {}
                Next::AskAfter(wait) => {
                    let failure = Failure::new(Fault::Transient, "the modem is still starting");
                    let event = self.refuse_for(Some(line), wait, &failure).await?;
                    if event == Event::Asked {
                        return Ok(ended(event));
                    }
                }
                Next::Ready(facts) => return self.fit(line, facts, &port).await,
                Next::Blocked(blocked) => return Ok(failed(blocked.event, blocked.failure)),
            }
        }
    }

    /// Everything but the network is there: what came in meanwhile is read first.
    async fn fit(&mut self, line: &mut Line<P::Port>, facts: Facts, port: &str) -> Result<Ended, Leave> {
        line.echo_is_off = !line.overheard.take_echo();
        debug!(reports = facts.reports(), memory = facts.memory, "modem initialised");
        self.budget.sim_is(facts.identity.iccid.clone().unwrap_or_else(|| port.to_owned()));
        if facts.centre.is_none() {
            warn!(
                modem = self.settings.name,
                "the SIM knows no service centre: without smsc in the configuration nothing can be sent"
            );
        }
        let spent = self.budget.spent(self.time.now());
        self.board.show(|info| {
            info.identity = facts.identity.clone();
            info.centre.clone_from(&facts.centre);
            info.reports = Some(facts.reports());
            info.spent = spent;
        });
        let listed = inbox::sweep(line, &mut self.keeper).await?;
        (self.facts, self.indication, self.others) = (facts, None, OTHERS.to_vec());
        if self.harmed.contains(&self.device()) {
            self.course.spare();
        }
        if !listed && !line.wake().await? {
            return Ok(silent());
        }
        Ok(ended(Event::Fit))
    }

    /// Wakes the modem, at whatever speed it speaks if that isn't known yet.
    async fn wake(&mut self, line: &mut Line<P::Port>) -> Result<bool, Leave> {
        if line.wake().await? {
            self.speed.get_or_insert(self.settings.baud);
            return Ok(true);
        }
        if self.speed.is_some() {
            return Ok(false);
        }
        for speed in SPEEDS.into_iter().filter(|speed| *speed != self.settings.baud) {
            if self.stop.is_cancelled() {
                return Err(Leave::Stop);
            }
            self.ports.set_speed(line.port(), speed)?;
            if line.wake().await? {
                info!(modem = self.settings.name, speed, "the modem answers at another speed than the configured one");
                self.speed = Some(speed);
                return Ok(true);
            }
        }
        self.ports.set_speed(line.port(), self.settings.baud)?;
        Ok(false)
    }
}

fn nobody_answers() -> Failure {
    let cure = "plug the modem in; `nightdesk modem list` shows the ports and what answers";
    Failure::new(Fault::Transient, "no port has a modem behind it that answers").cure(cure)
}

fn absent(port: &Path, error: &io::Error) -> Failure {
    let port = port.display();
    let failure = Failure::new(Fault::Transient, format!("the modem's port {port} can't be opened: {error}"));
    failure.cure(match error.kind() {
        io::ErrorKind::PermissionDenied => "let the service's user into the group dialout",
        io::ErrorKind::ResourceBusy => "stop the other program that uses the port, such as ModemManager",
        _ => "plug the modem in, or correct the port in the configuration",
    })
}
