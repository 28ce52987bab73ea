//! `nightdesk demo`: the real daemon in a simulated world, and eleven leads that show what it does.
//!
//! [`run`] writes a configuration and secrets into a fresh folder, loads them as the daemon does, starts the daemon in
//! this process with the simulators of [`sim`] around it, posts signed webhooks and tells the story from the database
//! and the simulators. Nothing leaves this machine.

mod crms;
mod folder;
mod follow;
mod frame;
mod ledger;
mod night;
mod page;
mod people;
mod post;
mod samples;
pub mod sim;
mod tell;
mod verdict;
mod world;

use std::io::{self, Write};

use crate::app::{self, AppError};
use crate::config::{Config, Problems, Secrets};
use crate::control::ControlError;
use crate::service::Signals;
use crate::store::StoreError;

use folder::{Folder, Keys};
use frame::Addresses;
use ledger::Entry;
use night::Night;
use page::Page;
use world::World;

pub use world::Culprit;

/// How the demo runs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Stop after the samples; exit 0 only if every lead ended as it should
    #[arg(long)]
    pub once: bool,
    /// Print what became of each sample as JSON, and nothing else
    #[arg(long, requires = "once")]
    pub json: bool,
    /// Make one of the simulators misbehave, to see that the demo notices
    #[arg(long, hide = true, value_enum, value_name = "WHO")]
    pub misbehave: Option<Culprit>,
}

/// Why the demo could not be given.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its folder.
    #[error("the demo's folder can't be made")]
    Folder(#[source] io::Error),
    /// Its simulators.
    #[error("the simulated world can't be set up")]
    World(#[source] io::Error),
    /// Its own configuration: a mistake of the program.
    #[error("the demo's configuration is wrong")]
    Config(#[from] Problems),
    /// The desk.
    #[error("the desk can't run")]
    App(#[from] AppError),
    /// The desk's database.
    #[error("the database can't be read")]
    Store(#[from] StoreError),
    /// The desk's socket.
    #[error("the desk can't be asked")]
    Control(#[from] ControlError),
    /// Nobody reads the story.
    #[error("the story can't be written")]
    Out(#[from] io::Error),
}

/// Gives the demo; tells whether every lead ended as it should.
///
/// # Errors
/// When it could not be given to its end.
pub async fn run(options: &Options, out: &mut dyn Write) -> Result<bool, DemoError> {
    if !options.json {
        return Ok(give(options, out).await?.faults.is_empty());
    }
    let books = give(options, &mut io::sink()).await?;
    let text = serde_json::to_string(&books.entries).map_err(io::Error::from)?;
    writeln!(out, "{text}")?;
    for fault in &books.faults {
        writeln!(io::stderr(), "{fault}")?;
    }
    Ok(books.faults.is_empty())
}

/// What is left when the story is told.
struct Books {
    entries: Vec<Entry>,
    faults: Vec<String>,
}

/// Everything but the desk: its folder, and the world around it.
struct Stage {
    folder: Folder,
    keys: Keys,
    world: World,
    config: Config,
}

impl Stage {
    async fn set(options: &Options) -> Result<Self, DemoError> {
        let folder = Folder::create().map_err(DemoError::Folder)?;
        let keys = Keys::fresh();
        let world = World::spawn(&keys, &folder.port()).await.map_err(DemoError::World)?;
        folder.furnish(&keys, &world).map_err(DemoError::Folder)?;
        if let Some(culprit) = options.misbehave {
            world.misbehave(culprit);
        }
        let config = Config::load(&folder.config())?;
        Ok(Self { folder, keys, world, config })
    }
}

async fn give(options: &Options, out: &mut dyn Write) -> Result<Books, DemoError> {
    let stage = Stage::set(options).await?;
    let secrets = Secrets::load(&stage.config, None)?;
    let mut signals = Signals::install().map_err(AppError::System)?;
    let mut desk = app::start(&stage.config, &secrets).await?;
    let addresses = Addresses { intake: desk.intake, admin: desk.admin };
    let mut books = Books { entries: Vec::new(), faults: vec!["it was interrupted".to_owned()] };
    let result = tokio::select! {
        told = tell(options, out, &stage, addresses, &mut books) => told,
        _ = signals.asked_to_stop() => Ok(()),
        room = desk.room_ended() => Err(AppError::RoomEnded(room).into()),
    };
    // The world goes last: what is in flight must find it.
    desk.drain().await;
    result.map(|()| books)
}

async fn tell(
    options: &Options,
    out: &mut dyn Write,
    stage: &Stage,
    addresses: Addresses,
    books: &mut Books,
) -> Result<(), DemoError> {
    let Stage { folder, keys, world, config } = stage;
    let mut night = Night::new(Page::new(out), world, addresses.intake, keys, &config.storage)?;
    frame::opening(night.page(), folder, addresses)?;
    tokio::select! {
        told = night.tell() => told?,
        () = people::live(world) => {}
    }
    let (entries, answers) = night.books();
    *books = Books { entries: entries.to_vec(), faults: verdict::faults(entries, answers, world) };
    frame::closing(night.page(), folder, &books.entries, &books.faults)?;
    if options.once {
        return Ok(());
    }
    frame::standing(night.page(), folder, addresses)?;
    tokio::select! {
        watched = night.watch() => watched,
        () = people::live(world) => Ok(()),
    }
}
