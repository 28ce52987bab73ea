//! What an operator sees: lines, JSON and journal fields, with a writer or a sender that keeps what it is given.

use std::sync::mpsc;

use log::kv::{Error, Key, Value, VisitSource};
use tracing::{debug, error, error_span, info, info_span, warn};

use super::*;

/// A writer that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logging(level: &str, content: Content, sink: Sink, body: impl FnOnce()) {
    let subscriber = Registry::default().with(Journal { content, sink }).with(levels(level).unwrap());
    tracing::subscriber::with_default(subscriber, body);
}

/// What `body` logs as text, each line without its time.
fn lines_of(level: &str, content: Content, body: impl FnOnce()) -> Vec<String> {
    let kept = Kept::default();
    logging(level, content, Sink::Text { out: Mutex::new(Box::new(kept.clone())), colours: false }, body);
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let timeless = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.parse::<Timestamp>().is_ok(), "{line:?}");
        rest.to_owned()
    };
    text.lines().map(timeless).collect()
}

#[test]
fn a_line_has_level_message_and_the_fields_of_its_spans() {
    let lines = lines_of("info", Content::Full, || {
        let job = info_span!("job", job_id = 7, channel = "sms:modem0", attempt = tracing::field::Empty);
        info_span!("lead", lead_id = "0192", channel = "none").in_scope(|| {
            job.in_scope(|| info!("outside"));
            info_span!("job", job_id = 8, channel = "sms:modem0", attempt = tracing::field::Empty).in_scope(|| {
                tracing::Span::current().record("attempt", 2);
                warn!(fault = %"transient", tries = 1.5, urgent = true, "no answer from the modem");
                info!(attempt = 3, text = "two words", empty = "");
            });
        });
    });
    let want = [
        " INFO outside job_id=7 channel=sms:modem0",
        " WARN no answer from the modem lead_id=0192 channel=sms:modem0 job_id=8 attempt=2 fault=transient tries=1.5 urgent=true",
        r#" INFO  lead_id=0192 channel=sms:modem0 job_id=8 attempt=3 text="two words" empty="""#,
    ];
    // `job` was made outside of `lead`: it inherits nothing from where it is entered.
    assert_eq!(lines, want);
}

#[test]
fn content_is_redacted_in_spans_and_events_and_long_values_are_cut() {
    let say = || {
        info_span!("lead", payload = "<b>Grüße</b>").in_scope(|| {
            info!(clean_text = %"Grüße", prompt = "four", answer = ?Some(1), request = 12345, response = "", sms_text = "K7", lane = "sms", "said");
        });
    };
    let want = " INFO said payload=\"[12 chars]\" clean_text=\"[5 chars]\" prompt=\"[4 chars]\" answer=\"[7 chars]\" \
                request=\"[5 chars]\" response=\"[0 chars]\" sms_text=\"[2 chars]\" lane=sms";
    assert_eq!(lines_of("info", Content::Redacted, say), [want]);
    let full = lines_of("info", Content::Full, say).concat();
    assert!(full.contains("payload=<b>Grüße</b> clean_text=Grüße prompt=four answer=Some(1) request=12345"), "{full}");

    let long = "é".repeat(10_000);
    let cut = lines_of("info", Content::Full, || info!(payload = long, "long")).concat();
    assert!(cut.ends_with("é… [1808 chars more]\""), "{}", cut.len());
}

#[test]
fn no_text_forges_a_line_or_reaches_the_terminal_as_an_escape() {
    let hostile = "x\n2026-11-23T00:00:00.000Z  INFO all is well\r\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{200b}\u{e0041}\0\u{7f} a=\"b\\";
    let ways: [fn(&str); 3] =
        [|t| info!(payload = t, "got"), |t| info!("{t}"), |t| info_span!("lead", name = %t).in_scope(|| info!("in"))];
    for way in ways {
        let lines = lines_of("info", Content::Full, || way(hostile));
        assert_eq!(lines.len(), 1);
        let safe = |c: char| c == ' ' || c.is_ascii_graphic();
        assert!(lines[0].chars().all(safe), "{:?}", lines[0]);
    }
    let quoted = lines_of("info", Content::Full, || info!(payload = "a\" lead_id=\"forged", "got"));
    assert_eq!(quoted, [r#" INFO got payload="a\" lead_id=\"forged""#]);
}

#[test]
fn json_is_one_object_a_line_and_as_safe() {
    let kept = Kept::default();
    logging("info", Content::Full, Sink::Json { out: Mutex::new(Box::new(kept.clone())) }, || {
        info_span!("lead", lead_id = "0192").in_scope(|| info!(tries = 2, payload = "\u{9b}\n\u{e0041}", "got"));
    });
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    assert_eq!((rest, line.is_ascii()), ("", true), "{line}");
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(value["level"], "INFO");
    assert_eq!(value["target"], "nightdesk::journal::tests");
    assert_eq!(value["message"], "got");
    assert_eq!(value["fields"], serde_json::json!({"lead_id": "0192", "tries": 2, "payload": "\u{9b}\n\u{e0041}"}));
}

#[test]
fn colours_only_where_asked() {
    for (colours, wanted) in [(false, 0), (true, 6)] {
        let kept = Kept::default();
        logging("info", Content::Full, Sink::Text { out: Mutex::new(Box::new(kept.clone())), colours }, || {
            error!(a = 1, "no modem");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\u{1b}').count(), wanted, "colours: {colours}");
    }
}

#[test]
fn levels_let_through_what_they_say() {
    let say = || {
        debug!("d");
        info!("i");
        warn!(target: "hyper::proto", "hw");
        info!(target: "hyper::proto", "hi");
        error_span!("lead", lead_id = 1).in_scope(|| info_span!("job", job_id = 2).in_scope(|| error!("e")));
    };
    for (level, want) in [
        ("off", vec![]),
        ("error", vec!["e"]),
        ("warn", vec!["hw", "e"]),
        ("info", vec!["i", "hw", "e"]),
        ("debug", vec!["d", "i", "hw", "e"]),
        ("warn, hyper=info, nightdesk::journal=debug", vec!["d", "i", "hw", "hi", "e"]),
        ("info,nightdesk::store=trace", vec!["i", "hw", "e"]),
    ] {
        let lines = lines_of(level, Content::Full, say);
        let said: Vec<&str> = lines.iter().map(|line| line.get(6..).unwrap().split(' ').next().unwrap()).collect();
        assert_eq!(said, want, "{level}");
        let error = lines.iter().find(|line| line.starts_with("ERROR"));
        assert!(error.is_none_or(|line| line.ends_with("e lead_id=1 job_id=2")), "{level}: spans are for errors too");
    }
    for wrong in ["", "verbose", "INFO", "info,", "3", "nightdesk", "nightdesk=loud", "=debug", "info debug"] {
        assert!(matches!(levels(wrong), Err(JournalError::Level(text)) if text == wrong), "{wrong:?}");
    }
}

/// One entry as journald gets it.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    level: log::Level,
    message: String,
    fields: Vec<(String, String)>,
}

impl<'kvs> VisitSource<'kvs> for Sent {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.fields.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

impl Sent {
    fn of(record: &log::Record<'_>) -> Self {
        let mut sent = Self { level: record.level(), message: record.args().to_string(), fields: vec![] };
        record.key_values().visit(&mut sent).unwrap();
        sent
    }
}

/// Starts the feeder with a journald that takes an entry only if told so (`true`) and refuses it otherwise.
fn journald(queue: &Arc<Queue>) -> (mpsc::Sender<bool>, mpsc::Receiver<Sent>) {
    let (verdicts, next) = mpsc::channel();
    let (to, sent) = mpsc::channel();
    let queue = Arc::clone(queue);
    std::thread::spawn(move || {
        queue.feed(|record| {
            if !next.recv().unwrap_or(true) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            to.send(Sent::of(record)).map_err(|_| io::ErrorKind::BrokenPipe.into())
        });
    });
    (verdicts, sent)
}

#[test]
fn the_journal_gets_every_field_and_no_name_twice() {
    let queue = Arc::new(Queue::default());
    logging("info", Content::Full, Sink::Journald(Arc::clone(&queue)), || {
        info_span!("lead", lead_id = "0192", source = "web").in_scope(|| {
            warn!(source = "form", priority = 1, syslog_raw = 2, payload = "a\nMESSAGE=forged", "two\nlines");
        });
    });
    let (verdicts, sent) = journald(&queue);
    drop(verdicts);
    queue.flush(Duration::from_secs(10));
    let fields = [
        ("lead_id", "0192"),
        ("source", "form"),
        ("nightdesk_priority", "1"),
        ("nightdesk_syslog_raw", "2"),
        ("payload", "a\\nMESSAGE=forged"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let want = Sent { level: log::Level::Warn, message: "two\\nlines".to_owned(), fields };
    assert_eq!(sent.try_recv(), Ok(want));
}

#[test]
fn the_journal_s_message_says_why() {
    let queue = Arc::new(Queue::default());
    logging("info", Content::Full, Sink::Journald(Arc::clone(&queue)), || {
        warn!(reason = "the port is\ngone", "sms did not succeed");
        warn!(error = %io::Error::from(io::ErrorKind::NotFound), "no backup");
        warn!(reason = "gone", "the port is gone");
        info!(lead_id = "0192", "accepted");
    });
    let (verdicts, sent) = journald(&queue);
    drop(verdicts);
    queue.flush(Duration::from_secs(10));
    let messages: Vec<String> = sent.try_iter().map(|sent| sent.message).collect();
    let want =
        ["sms did not succeed: the port is\\ngone", "no backup: entity not found", "the port is gone", "accepted"];
    assert_eq!(messages, want);
}

#[test]
fn a_journal_that_hangs_or_refuses_costs_lines_and_is_told() {
    let queue = Arc::new(Queue::default());
    let say = |count: usize| {
        logging("info", Content::Full, Sink::Journald(Arc::clone(&queue)), || (0..count).for_each(|n| info!("n{n}")));
    };
    say(journald::ROOM + 3); // nobody takes them: returns all the same
    queue.flush(Duration::from_millis(1));

    let (verdicts, sent) = journald(&queue);
    for taken in [false, false, true] {
        verdicts.send(taken).unwrap(); // that three are missing, then n0: refused; that four are missing: taken
    }
    drop(verdicts);
    queue.flush(Duration::from_secs(10));
    let messages: Vec<String> = sent.try_iter().map(|sent| sent.message).collect();
    assert_eq!(messages[0], "4 log entries are missing here: the journal did not take them");
    assert_eq!(messages.len(), journald::ROOM);
    assert_eq!(messages.last().map(String::as_str), Some(format!("n{}", journald::ROOM - 1).as_str()));
}
