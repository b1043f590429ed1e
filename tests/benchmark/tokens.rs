//! The part of docs/benchmarks.md that is about AWS's token buckets, and its pictures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::fake_aws::Given;
use crate::first_write::{Restart, Waits, edits, restart};
use crate::makespan::{Phase, live};
use crate::plot::plot;
use crate::{count, row};

const ALL: [(Given, &str); 3] = [
    (Given::AsDocumented, "as documented"),
    (Given::Half, "half of it"),
    (Given::SecondTenant, "a second tenant takes half"),
];

/// Measures fleets of so many Apps, and draws what is as documented.
pub(crate) fn tokens(size: usize) -> String {
    let mut text = format!("## Makespan of {} Apps\n\n", count(size));
    text += "Seconds from the change of all Apps at once to the last one that is done.\n\n";
    text += &row(
        "change",
        [
            "AWS gives",
            "the bucket's time",
            "one App alone",
            "makespan",
            "by the floor",
            "throttles",
            "most used bucket",
        ]
        .map(String::from)
        .into_iter(),
    );
    text += &row(
        "---",
        ["---", "---:", "---:", "---:", "---:", "---:", "---"]
            .map(String::from)
            .into_iter(),
    );
    let lives = ALL.map(|(given, _)| live(size, given));
    for n in 0..lives[0].len() {
        for (life, (_, given)) in lives.iter().zip(ALL) {
            text += &phase(&life[n], given);
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    text += "\n";
    for phase in &lives[0] {
        let title = format!(
            "{}: tokens taken of each bucket, {} Apps",
            phase.name,
            count(size)
        );
        let file = format!("images/tokens-{}.svg", phase.name.replace(' ', "-"));
        fs::write(
            root.join("docs").join(&file),
            plot(&title, &phase.buckets, phase.time()),
        )
        .unwrap();
        let _ = write!(text, "![{title}]({file})\n\n");
    }
    text += &first(size);
    text
}

fn phase(phase: &Phase, given: &str) -> String {
    let Phase {
        name,
        floor,
        took,
        buckets,
        ..
    } = phase;
    eprintln!("{name}, {given}: {:?}", buckets.throttled());
    let (limit, used) = phase.limit();
    let cells = [
        given.into(),
        format!("{:.0} ({})", floor.buckets, floor.bucket),
        floor.own.to_string(),
        took.as_ref()
            .map_or_else(|_| format!("not in {}", phase.time()), u64::to_string),
        took.as_ref()
            .map_or_else(|_| "–".into(), |_| format!("{:.2}", phase.ratio())),
        count(buckets.throttled().values().sum()),
        format!("{limit}, {:.0} %", 100.0 * used),
    ];
    row(name, cells.into_iter())
}

/// A restart, and edits while all is read.
fn first(size: usize) -> String {
    let restarted = restart(size);
    let Restart { took, buckets, .. } = &restarted;
    let mut text = format!(
        "## A restart, and edits during a sweep, of {} Apps\n\n",
        count(size)
    );
    let took = took
        .as_ref()
        .map_or_else(|_| "not in two hours".into(), |took| format!("{took} s"));
    let _ = write!(
        text,
        "The first pass over all Apps after a restart: {took}, {} calls, {} writes, {} throttles.\n\n",
        count(restarted.calls.values().sum()),
        restarted.writes(),
        count(buckets.throttled().values().sum()),
    );
    text += "One Ready App after the other is given another image, one in 3 s. Seconds from the edit to the first write for it:\n\n";
    text += &row(
        "edits",
        ["p50", "p99", "longest", "throttles"]
            .map(String::from)
            .into_iter(),
    );
    text += &row("---", ["---:"; 4].map(String::from).into_iter());
    for (name, starts) in [
        ("while the lists are swept in their turn", false),
        ("after a restart", true),
    ] {
        let waits = edits(size, starts);
        text += &row(name, cells(&waits).into_iter());
    }
    text
}

fn cells(waits: &Waits) -> [String; 4] {
    [
        waits.percentile(50).to_string(),
        waits.percentile(99).to_string(),
        waits.percentile(100).to_string(),
        count(waits.buckets.throttled().values().sum()),
    ]
}
