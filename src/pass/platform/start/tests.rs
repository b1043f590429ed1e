//! What is looked at, and what is in the way of looking.

use jiff::Timestamp;
use serde_json::json;

use super::{End, Facts, Request, Step, start};
use crate::api::condition::Reason;
use crate::api::platform::Platform;
use crate::desired::fixtures::platform_with;
use crate::model::class::Class;
use crate::pass::Installation;
use crate::pass::platform::{Leaving, Memory};
use crate::status::Verdict;

fn known() -> Installation {
    Installation::Known {
        id: "installation-1".into(),
        replaces: None,
    }
}

/// Made on this day of a month.
fn made(name: &str, day: u8, patch: serde_json::Value) -> Platform {
    let mut platform = platform_with(patch);
    platform.metadata.name = Some(name.into());
    let time = format!("2026-01-{day:02}T00:00:00Z");
    platform.metadata.creation_timestamp = serde_json::from_value(json!(time)).unwrap();
    platform
}

fn ports(first: u16, last: u16) -> serde_json::Value {
    json!({ "spec": { "network": { "hostPorts": { "first": first, "last": last } } } })
}

fn step(platform: &Platform, platforms: &[Platform], stopped: Option<Verdict>) -> Step {
    let installation = known();
    let facts = Facts {
        platforms,
        tenants: &[],
        installation: &installation,
        stopped,
        leaving: Leaving::NotDeleted,
        old_lists: Vec::new(),
    };
    start(&Memory::default(), platform, &facts, Timestamp::UNIX_EPOCH)
}

fn request(platform: &Platform) -> Request {
    match step(platform, &[], None) {
        Step::Reconcile(request) => *request,
        Step::Conclude(end) => panic!("{end:?}"),
    }
}

#[test]
fn the_ports_in_use_are_claimed_once_for_a_platform_at_a_place() {
    let platform = made("staging", 1, ports(9000, 9010));
    assert!(request(&platform).recovers);
    let mut memory = Memory::default();
    memory.recovered_ports(&platform);
    assert!(memory.has_recovered_ports(&platform));
    let mut again = platform.clone();
    again.metadata.uid = Some("another".into());
    assert!(!memory.has_recovered_ports(&again));
    memory.set_port_cursor(&again, 9004);
    assert!(!memory.has_recovered_ports(&again) && !memory.has_recovered_ports(&platform));
    assert_eq!(
        (memory.port_cursor(&again), memory.port_cursor(&platform)),
        (Some(9004), None)
    );
}

#[test]
fn nothing_is_looked_at_where_nothing_may_be_written() {
    let platform = made("staging", 1, json!({}));
    let verdict = Verdict::Reconciling(Reason::DefinitionsOutdated, "older".into());
    let Step::Conclude(End::Obstacle(class, found)) = step(&platform, &[], Some(verdict.clone())) else {
        panic!("it was looked at");
    };
    assert_eq!((class, found), (Class::Denied, verdict));
}

#[test]
fn of_two_whose_host_ports_overlap_on_one_cluster_the_older_is_looked_at() {
    let older = made("older", 1, ports(9000, 9010));
    let overlaps = |other: &Platform| match step(other, &[older.clone(), other.clone()], None) {
        Step::Reconcile(_) => None,
        Step::Conclude(End::Obstacle(class, verdict)) => Some((class, verdict)),
        Step::Conclude(end @ End::Reconciled(_)) => panic!("{end:?}"),
    };
    let message = "network.hostPorts overlaps that of the older Platform older on the same cluster";
    let conflict = || {
        let verdict = Verdict::Stalled(Reason::Conflict, message.into());
        Some((Class::Conflict, verdict))
    };
    let younger = made("younger", 2, ports(9010, 9020));
    assert_eq!(overlaps(&younger), conflict());
    // Made in the same second.
    assert_eq!(overlaps(&made("twin", 1, ports(9010, 9020))), conflict());
    assert_eq!(overlaps(&older), None);
    assert_eq!(overlaps(&made("first", 1, ports(9010, 9020))), None);
    assert_eq!(overlaps(&made("apart", 2, ports(9011, 9020))), None);
    let mut elsewhere = younger.clone();
    elsewhere.spec.region = "us-west-2".into();
    assert_eq!(overlaps(&elsewhere), None);
    let mut by_arn = younger;
    let cluster = by_arn.spec.cluster.clone().unwrap_or_default();
    by_arn.spec.cluster = Some(format!("arn:aws:ecs:eu-west-9:123456789012:cluster/{cluster}"));
    assert_eq!(overlaps(&by_arn), conflict());
}

/// Without grants no name is kept, and nothing is read for it, unless there were grants before.
#[test]
fn names_are_looked_for_where_they_may_be_kept() {
    let granted = json!({ "spec": { "tenancy": { "namespaceSelector": {}, "grants": [] } } });
    let zones = |patch| {
        let sweep = request(&made("staging", 1, patch)).kept;
        assert!(!sweep.all);
        sweep.zones.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(zones(json!({})), Vec::<String>::new());
    assert_eq!(zones(granted), ["Z-EXTERNAL", "Z-INTERNAL"]);
    assert_eq!(zones(json!({ "status": { "keptNames": 1 } })).len(), 2);
}

#[test]
fn a_platform_that_goes_leaves_kept_names_of_a_zone_to_another_that_stays() {
    let granted = |name: &str, external: &str| {
        let spec = json!({
            "tenancy": { "namespaceSelector": {}, "grants": [] },
            "dns": { "external": { "hostedZoneId": external } },
        });
        made(name, 1, json!({ "spec": spec }))
    };
    let installation = known();
    let zones = |platforms: &[Platform]| {
        let facts = Facts {
            platforms,
            tenants: &[],
            installation: &installation,
            stopped: None,
            leaving: Leaving::NamesFirst,
            old_lists: Vec::new(),
        };
        match start(&Memory::default(), &platforms[0], &facts, Timestamp::UNIX_EPOCH) {
            Step::Reconcile(request) => {
                assert!(request.kept.all);
                assert!(
                    !request.recovers,
                    "Apps may not be known, and nobody claims any more"
                );
                request.kept.zones.into_iter().collect::<Vec<_>>()
            }
            Step::Conclude(end) => panic!("{end:?}"),
        }
    };
    let (first, second) = (granted("first", "Z-EXTERNAL"), granted("second", "Z-OTHER"));
    assert_eq!(zones(std::slice::from_ref(&first)), ["Z-EXTERNAL", "Z-INTERNAL"]);
    assert_eq!(zones(&[first.clone(), second.clone()]), ["Z-EXTERNAL"]);
    let mut going = second;
    going.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-02T00:00:00Z")).unwrap();
    assert_eq!(zones(&[first, going]), ["Z-EXTERNAL", "Z-INTERNAL"]);
}

/// Nothing is made any more of one that goes.
#[test]
fn host_ports_that_overlap_are_not_in_the_way_of_a_deletion() {
    let older = made("older", 1, ports(9000, 9010));
    let younger = made("younger", 2, ports(9005, 9015));
    let (installation, platforms) = (known(), [older, younger]);
    let facts = Facts {
        platforms: &platforms,
        tenants: &[],
        installation: &installation,
        stopped: None,
        leaving: Leaving::NamesFirst,
        old_lists: Vec::new(),
    };
    let step = start(&Memory::default(), &platforms[1], &facts, Timestamp::UNIX_EPOCH);
    assert!(matches!(step, Step::Reconcile(_)), "{step:?}");
}
