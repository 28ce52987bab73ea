//! One night at the desk: posts the samples, follows each lead in the database, and tells what happens as it happens.
//!
//! The world does its part beside it: a cable is pulled, an option is removed, a cause is mended. Nothing here knows how
//! the desk works; it looks where an operator would look.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::DemoError;
use super::folder::Keys;
use super::follow::{Follower, What};
use super::ledger::{self, Entry};
use super::page::Page;
use super::post;
use super::samples::{Around, Record, SAMPLES, Sample};
use super::tell;
use super::world::World;
use crate::control::{self, Request, Response};
use crate::model::{InboxId, Lead, LeadId, ModemState};
use crate::store::{ArrivalRow, DeadLetter, DeadLetterFilter, Reader};
use crate::wire::Wire;

/// Between two looks into the database.
const LOOK: Duration = Duration::from_millis(10);
/// The longest a lead of the demo may take: the failover clock is 3 s, and an emulated Pi on a busy box reads its first lead in ten.
const PATIENCE: Duration = Duration::from_secs(20);
/// All of it takes no longer than this.
const LIMIT: Duration = Duration::from_secs(35);

/// A night that is being told.
pub(super) struct Night<'a> {
    page: Page<'a>,
    world: &'a World,
    wire: Wire,
    reader: Reader,
    seen: HashSet<InboxId>,
    desk: SocketAddr,
    keys: &'a Keys,
    socket: PathBuf,
    limit: Instant,
    /// The modem's cable lies on the floor.
    unplugged: bool,
    entries: Vec<Entry>,
    answers: Vec<Option<u16>>,
}

impl<'a> Night<'a> {
    /// A night at the desk that listens on `desk`; `keys` are what senders prove themselves with.
    pub(super) fn new(
        page: Page<'a>,
        world: &'a World,
        desk: SocketAddr,
        keys: &'a Keys,
        storage: &crate::config::Storage,
    ) -> Result<Self, DemoError> {
        Ok(Self {
            page,
            world,
            wire: Wire::new(),
            reader: Reader::open(&storage.data_dir)?,
            seen: HashSet::new(),
            desk,
            keys,
            socket: storage.control_socket.clone(),
            limit: after(LIMIT),
            unplugged: false,
            entries: Vec::new(),
            answers: Vec::new(),
        })
    }

    pub(super) fn page(&mut self) -> &mut Page<'a> {
        &mut self.page
    }

    /// What became of the samples, and the statuses their senders got.
    pub(super) fn books(&self) -> (&[Entry], &[Option<u16>]) {
        (&self.entries, &self.answers)
    }

    /// All samples, one after the other.
    pub(super) async fn tell(&mut self) -> Result<(), DemoError> {
        self.page.heading("The modem")?;
        self.page.say("Its SIM asks for a PIN. Three wrong ones would lock it for good, so each try is on disk before it is made.")?;
        self.page.gap()?;
        self.modem_ready("takes the PIN at the first try, and the modem can send").await?;
        for (nth, sample) in SAMPLES.iter().enumerate() {
            let (entry, answer) = if Instant::now() < self.limit {
                self.sample(nth.saturating_add(1), sample).await?
            } else {
                (Entry { sample: sample.name, ..Entry::default() }, None)
            };
            self.entries.push(entry);
            self.answers.push(answer);
        }
        Ok(())
    }

    async fn sample(&mut self, nth: usize, sample: &Sample) -> Result<(Entry, Option<u16>), DemoError> {
        self.page.heading(&format!("{nth}. {}", sample.title))?;
        tell::sample(&mut self.page, sample)?;
        self.before(sample).await;
        let until = self.limit.min(after(PATIENCE));
        let (source, answer) = match sample.person.record {
            Record::Hubspot(contact) => {
                let (secret, payload) = (&self.keys.hubspot_client, sample.payload(contact));
                ("hubspot", post::hubspot(&self.wire, self.desk, secret, &payload).await)
            }
            Record::Salesforce(lead) => {
                let (secret, message) = (&self.keys.salesforce_hook, self.world.salesforce.outbound_message(lead));
                ("salesforce", post::salesforce(&self.wire, self.desk, secret, message).await)
            }
        };
        let arrival = self.arrival(Some(source))?;
        tell::answer(&mut self.page, &answer, arrival.as_ref())?;
        let answer = answer.ok().map(|answer| answer.status);
        let Some(arrival) = arrival else { return Ok((Entry { sample: sample.name, ..Entry::default() }, answer)) };
        let mut follower = Follower::default();
        self.arrived(&arrival, &mut follower, until).await?;
        self.after(sample, &arrival, &mut follower, until).await?;
        Ok((ledger::entry(&self.reader, sample.name, &arrival)?, answer))
    }

    /// What happens before a sample is posted.
    async fn before(&mut self, sample: &Sample) {
        match sample.around {
            Around::Nothing => {}
            Around::ModemUnplugged => {
                self.world.modem.unplug().await;
                self.unplugged = true;
            }
            Around::ModelDown => self.world.llm.down(),
            Around::OptionRemoved(label) => self.world.allow(label, false),
        }
    }

    /// What happens after it: the mending.
    async fn after(
        &mut self,
        sample: &Sample,
        arrival: &ArrivalRow,
        follower: &mut Follower,
        until: Instant,
    ) -> Result<(), DemoError> {
        match sample.around {
            Around::Nothing | Around::ModemUnplugged => {}
            Around::ModelDown => self.world.llm.up().await.map_err(DemoError::World)?,
            Around::OptionRemoved(label) => {
                self.world.allow(label, true);
                let letters = self.letters(|letter| arrival.lead_id.is_some() && letter.lead_id == arrival.lead_id)?;
                for letter in letters {
                    tell::mended(&mut self.page, letter.id)?;
                    self.requeue(letter.id).await?;
                }
                self.arrived(arrival, follower, until).await?;
            }
        }
        Ok(())
    }

    /// Somebody sees the cable.
    async fn plug(&mut self) -> Result<(), DemoError> {
        self.world.modem.plug().await;
        self.unplugged = false;
        self.page.gap()?;
        self.page.say("The modem is plugged in again. Its SIM has locked itself meanwhile:")?;
        self.page.gap()?;
        self.modem_ready("takes the PIN again, and the modem can send").await
    }

    /// The next webhook that was not told of yet, of this source or of any.
    fn arrival(&mut self, source: Option<&str>) -> Result<Option<ArrivalRow>, DemoError> {
        let is_next =
            |row: &ArrivalRow| !self.seen.contains(&row.id) && source.is_none_or(|source| row.source == source);
        let next = self.reader.arrivals()?.into_iter().find(is_next);
        self.seen.extend(next.iter().map(|row| row.id));
        Ok(next)
    }

    /// Tells what becomes of a webhook, until it is over or the time is.
    async fn arrived(
        &mut self,
        arrival: &ArrivalRow,
        follower: &mut Follower,
        until: Instant,
    ) -> Result<(), DemoError> {
        match (arrival.verdict.as_str(), arrival.lead_id) {
            ("accepted", Some(lead)) => self.follow(lead, follower, until).await,
            ("gate_failed", _) => {
                for letter in self.letters(|letter| letter.inbox_id == Some(arrival.id))? {
                    tell::dead_letter(&mut self.page, &letter)?;
                }
                Ok(())
            }
            (_, Some(lead)) => {
                let first = self.lead(lead)?;
                Ok(self.page.beside(&format!("it is lead {} again, and nothing is done twice", first.code))?)
            }
            (_, None) => Ok(()),
        }
    }

    async fn follow(&mut self, id: LeadId, follower: &mut Follower, until: Instant) -> Result<(), DemoError> {
        loop {
            // The lead first: once it has settled, the jobs that are read after it have all ended.
            let lead = self.lead(id)?;
            let jobs = self.reader.jobs(id)?;
            let rows = self.reader.timeline(id)?;
            for event in follower.news(&lead, &jobs, &rows) {
                let letters = self.letters(|letter| event.concerns(letter))?;
                tell::event(&mut self.page, self.world, &lead, &event, &letters)?;
                if self.unplugged && matches!(&event.what, What::Texted { .. }) {
                    self.plug().await?;
                }
            }
            if let Some(at) = lead.settled_at {
                return Ok(self.page.moment(at.since(lead.received_at), "settled")?);
            }
            if Instant::now() >= until {
                let open = jobs.iter().filter(|job| matches!(job.state.as_str(), "ready" | "leased" | "unknown"));
                let open: Vec<String> = open.map(|job| format!("{} on {}", job.kind, job.channel)).collect();
                return Ok(self.page.beside(&format!("it does not end in time; still open: {}", open.join(", ")))?);
            }
            sleep(LOOK).await;
        }
    }

    fn lead(&self, id: LeadId) -> Result<Lead, DemoError> {
        Ok(self.reader.find_lead(&id.to_string())?.ok_or(crate::store::StoreError::Orphaned(id))?)
    }

    fn letters(&self, wanted: impl Fn(&DeadLetter) -> bool) -> Result<Vec<DeadLetter>, DemoError> {
        let mut letters = self.reader.dead_letters(&DeadLetterFilter::default())?;
        letters.retain(wanted);
        Ok(letters)
    }

    async fn requeue(&mut self, id: i64) -> Result<(), DemoError> {
        let filter = DeadLetterFilter { id: Some(id), ..DeadLetterFilter::default() };
        match control::ask(&self.socket, &Request::Retry { filter }).await? {
            Response::Done { count: 1, .. } => Ok(()),
            other => Ok(self.page.beside(&format!("the desk won't: {other:?}"))?),
        }
    }

    /// Waits until texts can go out, and tells that; a modem that never comes up shows in what follows.
    async fn modem_ready(&mut self, how: &str) -> Result<(), DemoError> {
        let (begun, until) = (Instant::now(), after(PATIENCE));
        while Instant::now() < until {
            let asked = Request::ModemInfo { modem: "modem0".to_owned() };
            if let Response::Modem(info) = control::ask(&self.socket, &asked).await?
                && info.state == ModemState::Ready
            {
                return Ok(self.page.moment(begun.elapsed(), &format!("it {how}"))?);
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Tells what comes in by itself, until this future is dropped.
    pub(super) async fn watch(&mut self) -> Result<(), DemoError> {
        loop {
            while let Some(arrival) = self.arrival(None)? {
                self.page.heading(&format!("A webhook by {}", arrival.source))?;
                if let Some(id) = arrival.lead_id {
                    let lead = self.lead(id)?;
                    tell::visitor(&mut self.page, &lead)?;
                }
                let mut follower = Follower::default();
                self.arrived(&arrival, &mut follower, after(PATIENCE)).await?;
            }
            sleep(LOOK).await;
        }
    }
}

/// So much later than now.
fn after(span: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(span).unwrap_or(now)
}
