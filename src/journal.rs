//! The log: every `tracing` event becomes one entry with the fields of its spans, written in one of three ways.
//!
//! On a terminal a readable line, as JSON for machines, and under systemd journal fields (`LEAD_ID=`, `JOB_ID=`,
//! `SOURCE=`, `CHANNEL=`), so that `journalctl -u nightdesk LEAD_ID=…` tells one lead's story. `main` calls [`init`]
//! once before anything else and [`flush`] at the end. Every room logs with `tracing` and knows nothing of this one.
//!
//! A lead's text must never forge a line or reach a terminal as an escape sequence, a log that can't be written must
//! never stop the desk, and with [`Content::Redacted`] no lead's words are written (see `entry`).

mod entry;
mod journald;
mod lines;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber, warn};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use self::entry::{Entry, Fields};
use self::journald::Queue;
use crate::model::Timestamp;

/// How the log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A level for the desk itself, and levels for parts of it: `info`, `debug`, `info,nightdesk::deliver=trace`.
    /// Other crates speak from `warn` up, unless named.
    pub level: String,
    /// Whether leads' words are written.
    pub content: Content,
    /// What an entry looks like.
    pub format: Format,
}

/// Whether the words of leads, prompts and answers are written to the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content {
    /// In full: the operator must not be blind at three in the morning.
    #[default]
    Full,
    /// Only how long they are.
    Redacted,
}

/// What an entry looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Journal fields if standard error is connected to the journal, lines for people otherwise.
    #[default]
    Auto,
    /// Lines for people on standard error; in colour on a terminal, unless `NO_COLOR` is set.
    Text,
    /// One JSON object a line on standard error.
    Json,
    /// Journal fields, wherever standard error leads to.
    Journal,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The level is not one; nothing else of the settings can be wrong.
    #[error("log level {0:?}: write off, error, warn, info, debug or trace, or target=level")]
    Level(String),
    /// There is a log already: a mistake of the program.
    #[error("the log was set up twice")]
    Twice,
}

/// The queue to the journal, for [`flush`].
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// How long [`flush`] may take: at the end of a stop nobody waits for a journal that hangs.
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// Sets up the log of this process.
///
/// # Errors
/// [`JournalError::Level`] is the operator's to mend; the others end the program.
pub fn init(settings: &Settings) -> Result<(), JournalError> {
    let levels = levels(&settings.level)?;
    let (sink, no_journal) = Sink::open(settings.format);
    let journal = Journal { content: settings.content, sink };
    tracing::subscriber::set_global_default(Registry::default().with(journal).with(levels))
        .map_err(|_| JournalError::Twice)?;
    if let Some(error) = no_journal {
        warn!(%error, "the journal takes no fields: the log is plain lines");
    }
    Ok(())
}

/// Waits, for two seconds at most, until the journal took what was logged. `main` calls it last.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_PATIENCE);
    }
}

/// The desk's own name in the `target` of its events.
const OURS: &str = "nightdesk";

/// What is let through. Spans are, whatever the level: an error needs the `lead_id` of the span it happened in.
fn levels(text: &str) -> Result<FilterFn<impl Fn(&tracing::Metadata<'_>) -> bool + use<>>, JournalError> {
    let level = |word: &str| match word {
        "off" | "error" | "warn" | "info" | "debug" | "trace" => word.parse::<LevelFilter>().ok(),
        _ => None,
    };
    let (mut targets, mut highest) = (Targets::new(), LevelFilter::INFO);
    for part in text.split(',').map(str::trim) {
        let named = part.split_once('=').filter(|(target, _)| !target.is_empty());
        let allowed =
            level(named.map_or(part, |(_, word)| word)).ok_or_else(|| JournalError::Level(text.to_owned()))?;
        targets = match named {
            Some((target, _)) => targets.with_target(target, allowed),
            None => targets.with_target(OURS, allowed).with_default(allowed.min(LevelFilter::WARN)),
        };
        highest = highest.max(allowed);
    }
    let enabled = move |meta: &tracing::Metadata<'_>| {
        (meta.is_span() && *meta.level() <= Level::INFO) || targets.would_enable(meta.target(), meta.level())
    };
    Ok(FilterFn::new(enabled).with_max_level_hint(highest))
}

/// Where entries go.
enum Sink {
    Text { out: Mutex<Box<dyn Write + Send>>, colours: bool },
    Json { out: Mutex<Box<dyn Write + Send>> },
    Journald(Arc<Queue>),
}

impl Sink {
    /// The sink for `format`, and why it is not the journal if it should have been.
    fn open(format: Format) -> (Self, Option<io::Error>) {
        let out = || Mutex::new(Box::new(io::stderr()) as Box<dyn Write + Send>);
        let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let journal = match format {
            Format::Json => return (Self::Json { out: out() }, None),
            Format::Text => false,
            Format::Auto => systemd_journal_logger::connected_to_journal(),
            Format::Journal => true,
        };
        match journal.then(journald::connect) {
            Some(Ok(queue)) => (Self::Journald(Arc::clone(QUEUE.get_or_init(|| queue))), None),
            Some(Err(error)) => (Self::Text { out: out(), colours }, Some(error)),
            None => (Self::Text { out: out(), colours }, None),
        }
    }

    fn write(&self, entry: Entry) {
        let (out, line) = match self {
            Self::Text { out, colours } => (out, lines::text(&entry, *colours)),
            Self::Json { out } => (out, lines::json(&entry)),
            Self::Journald(queue) => return queue.push(entry),
        };
        // One write a line, so that lines of several processes don't mix. A log that can't be written is no reason to stop.
        drop(out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()));
    }
}

/// The layer between `tracing` and a [`Sink`].
struct Journal {
    content: Content,
    sink: Sink,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Journal {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::new(self.content);
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::new(self.content);
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(inherited) = span.extensions().get::<Fields>() {
                fields.inherit(inherited);
            }
        }
        event.record(&mut fields);
        self.sink.write(Entry { at: Timestamp::now(), meta: event.metadata(), fields });
    }
}

#[cfg(test)]
mod tests;
