//! The largest App that one may want. What grows with the cube of it would be seen here by how long it takes.

use super::converge;
use crate::plan::fixtures::{Process, app, nothing, process};

/// Returns the number of writes, but for the names, which travel together.
fn writes(processes: usize) -> [usize; 3] {
    let all = |shape: fn(Process) -> Process| {
        app((0..processes).map(|number| shape(process(&format!("p{number}")))))
    };
    let flipped = |process: Process| Process {
        names: process.clone().internal().names,
        ..process.external()
    };
    let mut world = nothing();
    [all(Process::internal), all(flipped), app([])].map(|wanted| {
        let written = converge(&wanted, &mut world);
        written.iter().filter(|line| !line.contains("zone")).count()
    })
}

#[test]
fn a_hundred_exposed_processes_take_a_hundred_times_the_writes_of_one() {
    let of_one = writes(1);
    assert!(of_one.iter().all(|writes| *writes > 2));
    assert_eq!(writes(100), of_one.map(|writes| writes * 100));
}
