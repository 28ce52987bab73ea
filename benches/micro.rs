//! The three pure or nearly pure parts that every lead passes, by criterion: `cargo bench --bench micro`.
//!
//! The sanitiser's time per byte must not grow with the length, whatever the input (`growth` tells the ratios first); a
//! request of a group must cost the database far less than the commit it shares; encoding a text is nothing beside the
//! modem that sends it.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a measurement that can't be made ends the program; its numbers are small"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nightdesk::deliver::modem::pdu::{Destination, Wish};
use nightdesk::model::{Channel, Lane, NewLead, Phone, Timestamp};
use nightdesk::sanitize;
use nightdesk::store::{Arrival, Gate, Opening, Store};

/// What makes parsers, and the search for quotes and signatures, slow.
const HOSTILE: [&str; 20] = [
    "<",
    "&",
    "<!--",
    "<!-- -->",
    "&amp;",
    "&amp;lt;",
    "<div>",
    "<svg>",
    "<script>",
    "<a b=\"",
    "<![CDATA[",
    "%25",
    "%20",
    "message: ",
    "> x\n",
    "> 5\n",
    "On 2025 x\n",
    "a@b wrote:\n> x\n",
    "-- \nx\n",
    "!\n> x\n",
];

/// Longer than any message.
fn no_cap() -> sanitize::Settings {
    sanitize::Settings { max_chars: usize::MAX, ..sanitize::Settings::default() }
}

/// Time a byte, at lengths that differ 16-fold: markup as a mail program makes it, and the kinds that make parsers slow.
fn sanitiser(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sanitize::clean");
    let settings = no_cap();
    for (name, unit) in [
        ("mail", "<div><p>We need <b>50</b> tents &amp; a floor by <i>Friday</i>.</p><br>\n</div>"),
        ("open tags", "<div>"),
        ("entities", "&amp;lt;&#x41;"),
        ("brackets", "<<>><!--"),
    ] {
        for bytes in [4 * 1024, 64 * 1024] {
            let text = unit.repeat(bytes / unit.len());
            group.throughput(Throughput::Bytes(u64::try_from(text.len()).unwrap()));
            group.bench_with_input(BenchmarkId::new(name, bytes), &text, |bencher, text| {
                bencher.iter(|| sanitize::clean(black_box(text), &settings));
            });
        }
    }
    group.finish();
}

/// Twice the input must take twice the time, whatever it is made of: tells the ratio for input that is made to be slow.
fn growth(_: &mut Criterion) {
    const BYTES: usize = 256 * 1024;
    let settings = no_cap();
    for unit in HOSTILE {
        let [once, twice] = [BYTES, 2 * BYTES].map(|bytes| {
            let text = unit.repeat(bytes / unit.len());
            let time = |_| {
                let start = Instant::now();
                black_box(sanitize::clean(black_box(&text), &settings));
                start.elapsed()
            };
            (0..5).map(time).min().unwrap()
        });
        eprintln!("{:>5.2} x, {once:>9.1?} -> {twice:>9.1?}  {unit:?}", twice.as_secs_f64() / once.as_secs_f64());
    }
}

/// Groups of requests in one transaction of a database on the disk; criterion's elements are the requests.
fn receive(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("receive");
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    for size in [1_u64, 16, 64] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut next = 0;
        group.throughput(Throughput::Elements(size));
        group.bench_function(BenchmarkId::new("group of", size), |bencher| {
            bencher.iter(|| {
                store
                    .transact(|tx| {
                        for _ in 0..size {
                            next += 1;
                            let (arrival, gate, opening) = lead(next);
                            tx.receive(&arrival, &gate, &opening)?;
                        }
                        Ok(())
                    })
                    .unwrap();
            });
        });
    }
    group.finish();
}

fn lead(n: u64) -> (Arrival, Gate, Opening) {
    let message = format!("We need a quote for {n} tents by tomorrow.");
    let arrival = Arrival {
        received_at: Timestamp::now(),
        source: "website".to_owned(),
        method: "POST".to_owned(),
        target: "/hooks/website".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: format!("{{\"message\":\"{message}\"}}").into_bytes(),
    };
    let new = NewLead {
        crm: None,
        record_id: None,
        name: Some("Anna Berg".to_owned()),
        email: Some(format!("anna{n}@example.com")),
        phone_text: None,
        message,
        event_key: Some(format!("event-{n}")),
        content_key: format!("{n:064x}"),
    };
    let opening = Opening {
        classify_on: Some(Channel::new(Lane::Llm, "openai")),
        deadline_after: Duration::from_secs(45),
        give_up_after: Duration::from_hours(24),
        read_give_up_after: Duration::from_hours(72),
    };
    (arrival, Gate::Passed(new), opening)
}

fn pdu(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pdu encode");
    let to = Destination::from(&"+15551230001".parse::<Phone>().unwrap());
    for (name, text) in [
        ("one part, GSM-7", "Urgent lead K7: Anna Berg, +46812345678: 50 tents by tomorrow.".to_owned()),
        ("four parts, UCS-2", "Dringend, K7: Zelte für 上海, bis morgen. ".repeat(6)),
    ] {
        group.bench_function(name, |bencher| {
            let wish = Wish { to: &to, text: &text, status_report: true, reference: 7, validity: None };
            bencher.iter(|| black_box(&wish).encode());
        });
    }
    group.finish();
}

criterion_group!(benches, growth, sanitiser, receive, pdu);
criterion_main!(benches);
