//! Fleets of Apps on the in-memory AWS, on virtual time: rewrites the tables of docs/benchmarks.md.
//!
//! `cargo bench --bench fleet -- 100 10000` has fleets of these sizes; without a size, 100, 500 and 1,000.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that finds something else than it expects is over"
)]
#![expect(
    dead_code,
    unused_imports,
    reason = "the stories of tests/in_memory need more of what stands in for AWS"
)]

#[path = "../support/fake_aws/mod.rs"]
mod fake_aws;
#[path = "../support/first_write.rs"]
mod first_write;
#[path = "../support/fixtures.rs"]
mod fixtures;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/makespan.rs"]
mod makespan;
mod plot;
mod tokens;
#[path = "../support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fleet::{Fleet, Phase};
use rustix::time::{ClockId, clock_gettime};

const PAGE: &str = "docs/benchmarks.md";
/// The tables stand between these lines of the page.
const MARKS: [&str; 2] = ["<!-- tables -->\n", "<!-- end of tables -->\n"];
const SIZES: [usize; 3] = [100, 500, 1_000];
/// The largest fleet of these that is measured at AWS's token buckets, whose time grows with it.
const AT_BUCKETS: usize = 1_000;

/// A fleet's life.
struct Life {
    size: usize,
    phases: Vec<Phase>,
    processor: Duration,
}

fn main() {
    // cargo bench passes a flag of its own.
    let sizes = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let sizes = sizes.map(|size| size.parse().expect("a number of Apps"));
    let mut sizes: Vec<usize> = sizes.collect();
    if sizes.is_empty() {
        sizes = SIZES.into();
    }
    let lives: Vec<Life> = sizes.into_iter().map(live).collect();
    let begun = processor_time();
    let at_buckets = lives
        .iter()
        .map(|life| life.size)
        .filter(|size| *size <= AT_BUCKETS);
    let mut tables = at_buckets
        .max()
        .map(|size| tokens::tokens(size) + "\n")
        .unwrap_or_default();
    eprintln!(
        "at buckets: {} s",
        processor_time().saturating_sub(begun).as_secs()
    );
    tables += &self::tables(&lives);
    print!("{tables}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    let page = [before, MARKS[0], "\n", &tables, "\n", MARKS[1], after].concat();
    fs::write(file, page).unwrap();
}

fn live(size: usize) -> Life {
    let begun = processor_time();
    let phases = Fleet::new(size).live();
    let life = Life {
        size,
        phases,
        processor: processor_time().saturating_sub(begun),
    };
    eprintln!("{size} Apps: {} s", life.processor.as_secs());
    life
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.try_into().unwrap()
}

fn tables(lives: &[Life]) -> String {
    let (first, phases) = (&lives[0], lives[0].phases.len());
    let mut text = String::from("## All calls\n\nIn brackets, those of them that write.\n\n");
    text += &head("", lives);
    for n in 0..phases {
        let cells = lives.iter().map(|life| {
            let phase = &life.phases[n];
            match phase.writes() {
                0 => count(phase.total()),
                writes => format!("{} ({})", count(phase.total()), count(writes)),
            }
        });
        text += &row(first.phases[n].name, cells);
    }
    let seconds = lives
        .iter()
        .map(|life| format!("{:.1}", life.processor.as_secs_f64()));
    text += &row("CPU seconds of all this, the in-memory AWS included", seconds);
    text += "\n## Patches of the API server\n\nStatuses of Apps; plus, in brackets, finalizers put on and taken off.\n\n";
    text += &head("", lives);
    for n in 0..phases {
        let cells = lives.iter().map(|life| {
            let patches = life.phases[n].patches;
            match patches.metadata {
                0 => count(patches.statuses),
                metadata => format!("{} ({})", count(patches.statuses), count(metadata)),
            }
        });
        text += &row(first.phases[n].name, cells);
    }
    text += "\n## Calls by operation\n";
    for n in 0..phases {
        let all = lives.iter().flat_map(|life| life.phases[n].calls.keys());
        let actions: BTreeSet<&&str> = all.collect();
        if actions.is_empty() {
            continue;
        }
        text += &["\n### ", first.phases[n].name, "\n\n"].concat();
        text += &head("operation", lives);
        for action in actions {
            let calls = |life: &Life| life.phases[n].calls.get(*action).copied().unwrap_or_default();
            text += &row(action, lives.iter().map(|life| count(calls(life))));
        }
    }
    text
}

fn head(first: &str, lives: &[Life]) -> String {
    let sizes = lives.iter().map(|life| format!("{} Apps", count(life.size)));
    row(first, sizes) + &row("---", lives.iter().map(|_| "---:".into()))
}

fn row(first: &str, cells: impl Iterator<Item = String>) -> String {
    let cells = cells.fold(format!("| {first} |"), |row, cell| format!("{row} {cell} |"));
    cells.replace("|  |", "| |") + "\n"
}

/// With a comma for each thousand.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}
