//! Runs beside an App that is edited, suspended and released, while calls fail, tasks go as they like and the controller dies.

use empire_controller::api::run::RunPhase;
use fastrand::Rng;
use serde_json::json;

use super::world;
use crate::fake_aws::{Disturbance, Fate, When};
use crate::fixtures::acme;
use crate::random::{seeds, some};
use crate::world::{OneRun, World};

const FATES: [Fate; 8] = [
    Fate::Exits(0),
    Fate::Exits(3),
    Fate::Refused("RESOURCE:MEMORY"),
    Fate::NeverStarts,
    Fate::Hangs,
    Fate::Lost,
    Fate::LostEarly,
    Fate::Interrupted,
];

fn disturb(random: &mut Rng, world: &mut World) -> String {
    let n = random.usize(..4);
    let disturbance = some(
        random,
        &[
            Disturbance::Crash(When::Before),
            Disturbance::Crash(When::After),
            Disturbance::Timeout(When::Before),
            Disturbance::Timeout(When::After),
            Disturbance::Refusal("ThrottlingException", "Rate exceeded"),
            Disturbance::Refusal("AccessDeniedException", "not you"),
        ],
    );
    let told = format!("write {n}: {disturbance:?}");
    world.aws.disturb_write(n, disturbance);
    told
}

/// Its program has run once at most, at any time.
fn check(world: &World, one: &OneRun, at: &str) {
    let tasks = world.aws.by_hand().tasks_of(&token(one));
    let ran = tasks.iter().filter(|task| task.has_started).count();
    assert!(ran <= 1, "{at}: {tasks:#?}");
}

fn token(one: &OneRun) -> String {
    format!("run-{}-", one.run.metadata.uid.as_deref().unwrap())
}

fn road(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let mut world = world();
    world
        .aws
        .by_hand()
        .list_tasks_after(some(&mut random, &[0, 5, 30]));
    let mut runs: Vec<OneRun> = Vec::new();
    let mut road = Vec::new();
    // Longer than ECS tells of a task, from one look at all Runs to the next.
    let (mut was_away, mut looked) = (false, 0);
    for step in 0..random.u64(4..16) {
        match random.u8(..9) {
            0 | 1 => {
                let fate = some(&mut random, &FATES);
                road.push(format!("a Run, {fate:?}"));
                world.aws.by_hand().run_tasks(&[fate]);
                let timeout = some(&mut random, &["60s", "10m", "2h"]);
                let spec =
                    json!({ "app": "acme", "process": "worker", "command": "rake", "timeout": timeout });
                runs.push(OneRun::new(&world, &format!("r{step}"), &spec));
            }
            2 => road.push(disturb(&mut random, &mut world)),
            3 => {
                let app = some(
                    &mut random,
                    &[acme(), acme().suspended(), acme().image("acme:v2")],
                );
                road.push(format!("{app:?}"));
                world.apply(&app);
                world.run(some(&mut random, &[1, 5, 40]));
            }
            4 => {
                if let Some(one) = runs.last_mut().filter(|one| !one.is_gone) {
                    road.push("the last Run is deleted".into());
                    one.delete(&world);
                }
            }
            5 => {
                road.push("the controller starts again".into());
                world.restart();
                for one in &mut runs {
                    one.restart(&world);
                }
            }
            6 => {
                let away = some(&mut random, &[60, 20 * 60, 2 * 3_600]);
                road.push(format!("{away} s without a pass"));
                world.aws.advance(away);
            }
            _ => {
                for one in &mut runs {
                    for _ in 0..random.u8(1..5) {
                        world.step_run(one);
                    }
                }
                looked = world.aws.now();
            }
        }
        was_away |= world.aws.now() - looked > 50 * 60;
        for one in &runs {
            check(&world, one, &format!("seed {seed}: {road:#?}"));
        }
    }
    world.aws.calm();
    world.apply(&acme());
    world.settle();
    world.finish_runs(&mut runs);
    for one in &runs {
        let at = format!("seed {seed}: {road:#?}\n{:?}", one.run.status);
        check(&world, one, &at);
        let tasks = world.aws.by_hand().tasks_of(&token(one));
        let going = tasks.iter().filter(|task| !task.is_stopped()).count();
        assert_eq!(going, 0, "{at}: {tasks:#?}");
        let phase = one.run.status.as_ref().and_then(|status| status.phase);
        let by_itself = tasks
            .iter()
            .filter(|task| task.stop_code.as_deref() == Some("EssentialContainerExited"));
        let codes: Vec<i32> = by_itself
            .flat_map(|task| &task.containers)
            .filter_map(|container| container.exit_code)
            .collect();
        match phase {
            _ if one.is_gone => {}
            Some(RunPhase::Succeeded) => assert_eq!(codes, [0], "{at}"),
            Some(RunPhase::Failed) => assert!(codes != [0], "{at}"),
            Some(RunPhase::Unknown) => assert!(was_away, "{at}"),
            other => panic!("{other:?}: {at}"),
        }
    }
    // Nothing of it has moved the App.
    world.assert_ready();
    assert!(world.settle().is_empty(), "seed {seed}");
}

#[test]
fn every_command_runs_once_at_most_and_its_end_is_told() {
    for seed in seeds().step_by(6) {
        road(seed);
    }
}
