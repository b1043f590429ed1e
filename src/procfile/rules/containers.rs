//! What the containers of a process may have.

use std::collections::{BTreeMap, BTreeSet};

use super::{GI, MI, TI, adds_to_nothing, between, is_amount};
use crate::api::app::{
    ContainerCheck, ContainerMembers, Extras, Members, Mount, NO_CONTAINER, NO_TASK, Override, Process,
    TASK_DEFINITION, TaskMembers,
};
use crate::desired::command::NOTHING_BEFORE_ARGS;
use crate::desired::text;
use crate::procfile::problem::{Report, but};

/// What its container has, and those beside it.
pub(super) fn check(process: &Process, report: &mut Report<'_>) {
    let check = |given: Option<&ContainerCheck>, prefix: &str, report: &mut Report<'_>| {
        let Some(check) = given else { return };
        for (field, duration, least, most) in [
            ("interval", &check.interval, 5, 300),
            ("timeout", &check.timeout, 2, 60),
            ("startPeriod", &check.start_period, 0, 300),
        ] {
            let field = format!("{prefix}healthCheck.{field}");
            between(duration.as_deref(), least, most, &field, report);
        }
    };
    check(process.health_check.as_ref(), "", report);
    extras("", &process.extras, report);
    for (name, sidecar) in &process.sidecars {
        let prefix = format!("sidecars.{name}.");
        check(sidecar.health_check.as_ref(), &prefix, report);
        let field = format!("{prefix}stopTimeout");
        between(sidecar.stop_timeout.as_deref(), 2, 3_600, &field, report);
        extras(&prefix, &sidecar.extras, report);
        let words = (sidecar.command.as_ref(), &*sidecar.args, &*sidecar.entry_point);
        if adds_to_nothing(words) {
            report.of(&format!("{prefix}args"), NOTHING_BEFORE_ARGS);
        }
    }
    for (name, volume) in &process.volumes {
        if !text::is_name(name) {
            report.of("volumes", format!("{name}: {}", text::NO_NAME));
        }
        let efs = volume.efs.as_ref();
        let given = efs.and_then(|efs| Some((efs.access_point_id.as_ref()?, efs.root_directory.as_ref()?)));
        if given.is_some_and(|(_, directory)| directory != "/") {
            let message = "not with accessPointId: an access point has a directory of its own";
            report.of(&format!("volumes.{name}.efs.rootDirectory"), message);
        }
    }
    overrides(process, report);
    mounts(process, "", &process.mounts, report);
    for (name, sidecar) in &process.sidecars {
        mounts(process, &format!("sidecars.{name}."), &sidecar.mounts, report);
    }
    for (path, size) in &process.tmpfs {
        if !path.starts_with('/') {
            report.of("tmpfs", format!("{path}: must be an absolute path, such as /tmp"));
        } else if !text::is_mount(path) {
            report.of("tmpfs", format!("{path}: {}", text::NO_MOUNT));
        }
        if !is_amount(size, MI..=TI) {
            let message = "must be an amount of memory from 1Mi to 1Ti, such as 64Mi";
            report.of("tmpfs", format!("the size of {path} {message}{}", but(size)));
        }
    }
    if let Some(disk) = process.ephemeral_storage.as_deref() {
        let is_disk = is_amount(disk, 20.0 * GI..=200.0 * GI) && !is_amount(disk, 0.0..=20.0 * GI);
        if !is_disk {
            let message = "must be an amount of disk above 20Gi and up to 200Gi, such as 50Gi";
            report.of("ephemeralStorage", format!("{message}{}", but(disk)));
        }
    }
}

fn extras(prefix: &str, extras: &Extras, report: &mut Report<'_>) {
    let field = format!("{prefix}startTimeout");
    between(extras.start_timeout.as_deref(), 2, 3_600, &field, report);
    let period = extras.restart.as_ref();
    let period = period.and_then(|restart| restart.attempt_period.as_deref());
    let field = format!("{prefix}restart.attemptPeriod");
    between(period, 60, 1_800, &field, report);
}

fn overrides(process: &Process, report: &mut Report<'_>) {
    let mut seen = BTreeSet::new();
    for Override { on, set, remove } in &process.overrides {
        if !seen.insert(on) {
            report.of("overrides", format!("{on} is there twice"));
        }
        let none = Members::default();
        let Members { container, task } = set.as_ref().unwrap_or(&none);
        if on == TASK_DEFINITION {
            if *container != ContainerMembers::default() || !remove.is_empty() {
                report.of("overrides", format!("{on}: {NO_CONTAINER}"));
            }
        } else if *task != TaskMembers::default() {
            report.of("overrides", format!("{on}: {NO_TASK}"));
        }
    }
}

fn mounts(process: &Process, prefix: &str, mounts: &BTreeMap<String, Mount>, report: &mut Report<'_>) {
    let field = format!("{prefix}mounts");
    for (path, mount) in mounts {
        if !path.starts_with('/') {
            report.of(&field, format!("{path}: must be an absolute path, such as /data"));
        } else if !text::is_mount(path) {
            report.of(&field, format!("{path}: {}", text::NO_MOUNT));
        } else if path.contains(text::COLON) {
            report.of(&field, format!("{path}: {}", text::NO_COLON));
        } else if prefix.is_empty() && process.tmpfs.contains_key(path) {
            report.of(&field, format!("{path}: is also in tmpfs"));
        }
        let volume = &mount.volume;
        if !process.volumes.contains_key(volume) {
            report.of(&field, format!("{path}: {volume} is none of the volumes"));
        }
    }
}
