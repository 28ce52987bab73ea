//! The table: every fault meets every family. `cargo test modem::matrix -- --nocapture` prints how each cell ended.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nightdesk::demo::sim::modem::{Cure, Family};

use super::cell::{self, Cell};
use super::row::{ANSWER, OVER, Row};
use super::rows;

/// Cells at the same time: they only calculate.
const PLAYERS: usize = 4;

#[test]
#[expect(clippy::print_stdout, reason = "the table is worth reading: `-- --nocapture` shows it")]
fn every_fault_ends_as_it_should_with_every_family() {
    let begun = Instant::now();
    // For whoever looks into one row.
    let wanted = std::env::var("ROW").unwrap_or_default();
    let rows: Vec<_> = rows::all().into_iter().filter(|row| row.name.contains(&wanted)).collect();
    let cells = rows.len() * Family::ALL.len();
    let (next, played) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(nth / Family::ALL.len()) else { return };
                    let cell = cell::play(row, Family::ALL[nth % Family::ALL.len()]);
                    played.lock().unwrap().push((nth, cell));
                }
            });
        }
    });
    let mut played = played.into_inner().unwrap();
    played.sort_by_key(|(nth, _)| *nth);
    let played: Vec<Cell> = played.into_iter().map(|(_, cell)| cell).collect();
    println!("{}", table(&rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), &played));
    println!("{cells} cells in {:.1} s", begun.elapsed().as_secs_f64());
    let wrong: Vec<String> = played
        .iter()
        .enumerate()
        .filter_map(|(nth, cell)| {
            let (row, family) = (&rows[nth / Family::ALL.len()], Family::ALL[nth % Family::ALL.len()]);
            cell.wrong.as_ref().map(|why| format!("{}, {}: {}: {why}", row.name, family.name(), cell.word))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {cells} cells:\n  {}", wrong.len(), wrong.join("\n  "));
}

fn table(names: &[&str], cells: &[Cell]) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut table = format!("{:width$}", "");
    for family in Family::ALL {
        write!(table, "  {:<10}", family.name()).unwrap();
    }
    for (name, cells) in names.iter().zip(cells.chunks(Family::ALL.len())) {
        write!(table, "\n{name:width$}").unwrap();
        for cell in cells {
            let word = if cell.wrong.is_some() { format!("{} !", cell.word) } else { cell.word.clone() };
            write!(table, "  {word:<10}").unwrap();
        }
    }
    table
}

/// What the table would say of a driver that isn't as good.
#[test]
fn a_cell_that_ends_otherwise_is_found_out() {
    for (name, row, family, why) in [
        ("it goes out", Row::new("").ends(OVER), Family::Ec25, "should have ended over"),
        (
            "nobody cures it",
            Row::new("").fault(|it| it.modem.hang(Cure::Power)).ends(OVER),
            Family::Sim800,
            "sends nothing",
        ),
        ("nobody is called", Row::new("").calls(3), Family::Ec25, "0 alarms"),
        ("no such text came", Row::new("").keeps(ANSWER), Family::Huawei, "was kept 0 times"),
        ("another fate", Row::new("").fate("failed-unknown"), Family::Generic, "its fate is Some(\"delivered\")"),
        (
            "a port is held too long",
            Row::new("").fault(|it| it.modem.lose_port(Some(Duration::ZERO))),
            Family::Ec25,
            "violations",
        ),
        ("told otherwise", Row::new("").check(|_| Err("no".into())), Family::Ec25, "no"),
    ] {
        let cell = cell::play(&row, family);
        assert!(cell.wrong.as_ref().is_some_and(|wrong| wrong.contains(why)), "{name}: {} {:?}", cell.word, cell.wrong);
    }
}
