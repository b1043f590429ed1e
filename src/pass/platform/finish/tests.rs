//! The verdict on a Platform, what of it is kept where a part cannot be read, and when the next pass comes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    End, Facts, Finished, Kept, Leaving, Memory, Outcome, Ports, Requeue, Verdict, finish, unwritten,
};
use crate::api::condition::Reason;
use crate::api::platform::{HostPortCounts, Openness, Platform, PlatformStatus};
use crate::aws::AwsError;
use crate::change::RecordBatch;
use crate::desired::fixtures::platform_with;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::exclusive::Exclusive;
use crate::model::owner::AppName;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use crate::model::service::CapacityProviderKind as Kind;
use crate::pass::Installation;
use crate::pass::platform::{OldList, Tenant};

/// With both zones named and one provider known, in the pass before.
fn platform(patch: Value) -> Platform {
    let mut platform = platform_with(patch);
    platform.metadata.generation = Some(3);
    platform.status = Some(PlatformStatus {
        observed_generation: 3,
        zones: serde_json::from_value(json!({ "internal": "corp.example", "external": "example.com" }))
            .unwrap(),
        ..PlatformStatus::default()
    });
    platform
}

fn tenant(name: &str) -> Tenant {
    Tenant {
        app: AppName {
            namespace: "shop".into(),
            name: name.into(),
        },
        platform: Some("staging".into()),
        holds: true,
        is_deleted: false,
    }
}

fn fine() -> Outcome {
    Outcome {
        internal_zone: Ok(Some("corp.example".into())),
        external_zone: Ok(Some("example.com".into())),
        capacity_providers: Ok([].into()),
        ports: Ok(None),
        kept: Kept::default(),
    }
}

fn failed(code: &str) -> Error {
    AwsError::from_code("route53:GetHostedZone", code, "in its words").into()
}

fn pass(
    memory: &mut Memory,
    platform: &Platform,
    tenants: &[Tenant],
    leaving: Leaving,
    end: End,
) -> Finished {
    let installation = Installation::Known {
        id: "installation-1".into(),
        replaces: None,
    };
    let facts = Facts {
        platforms: &[],
        tenants,
        installation: &installation,
        stopped: None,
        leaving,
        old_lists: Vec::new(),
    };
    concluded(memory, platform, &facts, end)
}

fn concluded(memory: &mut Memory, platform: &Platform, facts: &Facts<'_>, end: End) -> Finished {
    let (resync, now, jitter) = (Duration::from_mins(10), Timestamp::UNIX_EPOCH, 0.5);
    finish(memory, platform, facts, end, resync, now, jitter)
}

fn look(platform: &Platform, outcome: Outcome) -> Finished {
    let end = End::Reconciled(Box::new(outcome));
    pass(&mut Memory::default(), platform, &[], Leaving::NotDeleted, end)
}

/// Each condition as kubectl shows it.
fn conditions(finished: &Finished) -> Vec<String> {
    let status = finished.status.as_ref().unwrap();
    let line = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        format!("{} {} {}: {}", c.type_, c.status, c.reason, c.message)
    };
    status.conditions.iter().map(line).collect()
}

fn ready(finished: &Finished) -> String {
    conditions(finished).swap_remove(0)
}

#[test]
fn a_status_says_in_a_word_if_single_things_are_granted_and_is_not_written_for_that_where_they_are_not() {
    let status = |platform: &Platform| look(platform, fine()).status;
    let mut stored = platform(json!({ "spec": { "tenancy": { "namespaceSelector": {} } } }));
    // As the version before wrote it.
    let mut written = json!(status(&stored).unwrap());
    assert_eq!(written["tenancy"], "Open");
    written.as_object_mut().unwrap().remove("tenancy");
    stored.status = Some(serde_json::from_value(written).unwrap());
    assert_eq!(status(&stored), None);
    stored.spec.tenancy.as_mut().unwrap().grants = Some(Vec::new());
    assert_eq!(status(&stored).unwrap().tenancy, Openness::Granted);
}

#[test]
fn a_platform_without_trouble_is_ready_and_says_who_uses_it() {
    let platform = platform(json!({}));
    let elsewhere = Tenant {
        platform: Some("production".into()),
        ..tenant("other")
    };
    let finished = pass(
        &mut Memory::default(),
        &platform,
        &[tenant("acme"), elsewhere],
        Leaving::NotDeleted,
        End::Reconciled(Box::new(fine())),
    );
    assert_eq!(conditions(&finished), ["Ready True Available: in use by 1 App"]);
    assert_eq!(finished.status.as_ref().unwrap().apps, 1);
    assert_eq!(finished.requeue, Requeue::Resync(Duration::from_mins(10)));
    assert!(finished.troubles.is_empty());

    let mut known = platform;
    known.status = finished.status;
    let end = End::Reconciled(Box::new(fine()));
    let again = pass(
        &mut Memory::default(),
        &known,
        &[tenant("acme")],
        Leaving::NotDeleted,
        end,
    );
    assert_eq!(again.status, None);
}

#[test]
fn the_worst_trouble_is_the_verdict_and_the_later_of_two_that_are_as_bad() {
    let (throttled, denied) = (|| Err(failed("Throttling")), |code| Err(failed(code)));
    let providers = json!([{ "name": "managed", "weight": 1 }]);
    let platform = platform(json!({ "spec": {
        "network": { "mode": "bridge" }, "capacity": { "capacityProviders": providers },
    } }));
    let kinds = || Ok([("managed".to_owned(), Kind::ManagedInstances)].into());
    for (outcome, expected) in [
        (
            Outcome {
                internal_zone: denied("AccessDeniedException"),
                external_zone: Err(failed("Throttling")),
                ..fine()
            },
            "Ready False AccessDenied",
        ),
        (
            Outcome {
                internal_zone: denied("AccessDeniedException"),
                external_zone: Ok(None),
                ..fine()
            },
            "Ready False ZoneNotFound",
        ),
        (
            Outcome {
                internal_zone: Ok(None),
                external_zone: denied("AccessDeniedException"),
                ..fine()
            },
            "Ready False AccessDenied",
        ),
        (
            Outcome {
                internal_zone: throttled(),
                capacity_providers: kinds(),
                ..fine()
            },
            "Ready False InvalidPlatform",
        ),
        (
            Outcome {
                ports: Err(Error::Bug("ours".into())),
                capacity_providers: kinds(),
                internal_zone: Ok(None),
                ..fine()
            },
            "Ready False InternalError",
        ),
    ] {
        let found = look(&platform, outcome);
        assert!(
            ready(&found).starts_with(expected),
            "{expected}: {}",
            ready(&found)
        );
    }
}

#[test]
fn an_obstacle_is_the_verdict_and_what_was_known_stays() {
    let platform = platform(json!({}));
    let verdict = Verdict::Stalled(Reason::Conflict, "overlaps".into());
    let finished = pass(
        &mut Memory::default(),
        &platform,
        &[],
        Leaving::NotDeleted,
        End::Obstacle(Class::Conflict, verdict),
    );
    assert_eq!(
        conditions(&finished),
        [
            "Ready False Conflict: overlaps",
            "Stalled True Conflict: overlaps"
        ]
    );
    let status = finished.status.unwrap();
    assert_eq!(status.zones, platform.status.unwrap().zones);
    assert_eq!(finished.requeue, Requeue::After(Duration::from_mins(5)));
}

#[test]
fn a_zone_whose_read_fails_keeps_its_name_unless_it_may_be_another_zone() {
    let unread = || Outcome {
        internal_zone: Err(failed("AccessDeniedException")),
        ..fine()
    };
    let names = |platform: &Platform| {
        let zones = look(platform, unread()).status.unwrap().zones.unwrap();
        (zones.internal, zones.external)
    };
    let mut platform = platform(json!({}));
    let (corp, external) = (Some("corp.example".to_owned()), Some("example.com".to_owned()));
    assert_eq!(names(&platform), (corp.clone(), external.clone()));
    // Edited while nobody used it.
    platform.metadata.generation = Some(4);
    assert_eq!(names(&platform), (None, external.clone()));
    if let Some(status) = &mut platform.status {
        status.apps = 1;
    }
    assert_eq!(names(&platform), (corp, external));
}

#[test]
fn host_ports_are_counted_and_stay_where_they_cannot_be() {
    let mut platform =
        platform(json!({ "spec": { "network": { "hostPorts": { "first": 9000, "last": 9009 } } } }));
    let counts = |allocated, available| Some(HostPortCounts { allocated, available });
    let counted = |platform: &Platform, ports| look(platform, Outcome { ports, ..fine() });
    let ports = Ports {
        taken: Arc::new([9000, 9004, 7000].into()),
        ..Ports::default()
    };
    let finished = counted(&platform, Ok(Some(ports)));
    assert_eq!(finished.status.as_ref().unwrap().host_ports, counts(3, 8));
    platform.status = finished.status;
    let failed = Err(failed("AccessDeniedException"));
    let finished = counted(&platform, failed);
    assert_eq!(finished.status.unwrap().host_ports, counts(3, 8));
}

#[test]
fn ports_are_recovered_once_a_pass_has_looked_for_all_of_them() {
    let platform = platform(json!({}));
    let mut memory = Memory::default();
    let mut recovers = |ports| {
        let end = End::Reconciled(Box::new(Outcome { ports, ..fine() }));
        let finished = pass(&mut memory, &platform, &[], Leaving::NotDeleted, end);
        (finished.recovered, memory.has_recovered_ports(&platform))
    };
    assert_eq!(recovers(Err(failed("Throttling"))), (None, false));
    let recovered = |recovered| {
        Ok(Some(Ports {
            recovered,
            ..Ports::default()
        }))
    };
    assert_eq!(recovers(recovered(None)), (None, false));
    assert_eq!(recovers(recovered(Some(0))), (Some(0), true));
    assert_eq!(recovers(recovered(None)), (None, true));
}

#[test]
fn a_platform_that_fails_comes_back_later_each_time_and_at_once_forgets_when_it_heals() {
    let platform = platform(json!({}));
    let mut memory = Memory::default();
    let mut requeue = |code: Option<&str>| {
        let mut outcome = fine();
        if let Some(code) = code {
            outcome.internal_zone = Err(failed(code));
        }
        let end = End::Reconciled(Box::new(outcome));
        pass(&mut memory, &platform, &[], Leaving::NotDeleted, end).requeue
    };
    let denied = Some("AccessDeniedException");
    let minutes = |n| Requeue::After(Duration::from_mins(n));
    let found = [(); 6].map(|()| requeue(denied));
    assert_eq!(found, [1, 2, 4, 8, 15, 15].map(minutes));
    assert_eq!(requeue(None), Requeue::Resync(Duration::from_mins(10)));
    assert_eq!(requeue(denied), minutes(1));
    assert_eq!(requeue(None), Requeue::Resync(Duration::from_mins(10)));
    let throttled = [(); 3].map(|()| requeue(Some("Throttling")));
    let halves = [5, 10, 20].map(|seconds| Requeue::After(Duration::from_secs(seconds).mul_f64(0.5)));
    assert_eq!(throttled, halves);
}

/// Only an edit helps; and what is not asked of AWS may change all the same.
#[test]
fn what_only_an_edit_helps_is_looked_at_with_the_resync() {
    let providers = json!([{ "name": "managed", "weight": 1 }]);
    let platform = platform(json!({ "spec": {
        "network": { "mode": "bridge" }, "capacity": { "capacityProviders": providers },
    } }));
    let managed = Outcome {
        capacity_providers: Ok([("managed".to_owned(), Kind::ManagedInstances)].into()),
        ..fine()
    };
    let finished = look(&platform, managed);
    assert_eq!(finished.requeue, Requeue::Resync(Duration::from_mins(10)));
}

/// A status that cannot be written counts as one failure, whatever the pass itself came to.
#[test]
fn the_pass_comes_back_later_each_time_its_status_cannot_be_written() {
    let platform = platform(json!({}));
    let mut memory = Memory::default();
    let refused = Error::Kubernetes {
        action: "patch the status",
        message: "not now".into(),
    };
    let found = [(); 4].map(|()| {
        let end = End::Reconciled(Box::new(fine()));
        pass(&mut memory, &platform, &[], Leaving::NotDeleted, end);
        unwritten(&mut memory, &refused, 0.5)
    });
    let halves = [1, 2, 4, 8].map(|seconds| Requeue::After(Duration::from_secs(seconds).mul_f64(0.5)));
    assert_eq!(found, halves);
}

#[test]
fn a_disturbance_of_a_ready_platform_shows_after_three_passes() {
    let mut platform = platform(json!({}));
    let mut memory = Memory::default();
    let mut after = |code: Option<&str>, platform: &mut Platform| {
        let mut outcome = fine();
        if let Some(code) = code {
            outcome.internal_zone = Err(failed(code));
        }
        let end = End::Reconciled(Box::new(outcome));
        let finished = pass(&mut memory, platform, &[], Leaving::NotDeleted, end);
        if let Some(status) = finished.status {
            platform.status = Some(status);
        }
        let conditions = platform.status.iter().flat_map(|status| &status.conditions);
        conditions
            .map(|c| format!("{} {}", c.type_, c.status))
            .collect::<Vec<_>>()
    };
    assert_eq!(after(None, &mut platform), ["Ready True"]);
    for expected in [
        &["Ready True"][..],
        &["Ready True"],
        &["Ready True", "Reconciling True"],
    ] {
        assert_eq!(after(Some("Throttling"), &mut platform), expected);
    }
    assert_eq!(after(None, &mut platform), ["Ready True"]);
}

#[test]
fn a_denial_that_an_app_met_is_the_platforms_until_it_heals() {
    let platform = platform(json!({}));
    let mut memory = Memory::default();
    let denied = [AwsError::from_code("ecs:ListServices", "AccessDeniedException", "not you").into()];
    assert!(memory.note_denial("shop/acme", &denied));
    let look = |memory: &mut Memory| {
        let end = End::Reconciled(Box::new(fine()));
        ready(&pass(memory, &platform, &[], Leaving::NotDeleted, end))
    };
    assert_eq!(
        look(&mut memory),
        "Ready False AccessDenied: ecs:ListServices: AccessDeniedException: not you (met by shop/acme)"
    );
    assert!(memory.note_denial("shop/acme", &[]));
    assert_eq!(look(&mut memory), "Ready True Available: in use by 0 Apps");
}

#[test]
fn one_that_is_deleted_names_the_apps_that_go_first() {
    let platform = platform(json!({}));
    let tenants = [tenant("acme"), tenant("other")];
    let check = |leaving, resync, expected: &str| {
        let end = End::Reconciled(Box::new(fine()));
        let finished = pass(&mut Memory::default(), &platform, &tenants, leaving, end);
        assert_eq!(ready(&finished), expected);
        assert_eq!(finished.requeue, Requeue::Resync(Duration::from_secs(resync)));
        assert!(finished.troubles.is_empty());
    };
    let in_use = "Ready False Deleting: in use by 2 Apps, which go first: shop/acme, shop/other";
    check(Leaving::InUse, 600, in_use);
    let unsaid = Leaving::Unsaid("say what".into());
    check(unsaid, 20, &format!("{in_use}; say what"));
}

/// Its Apps go on by what was known, so it stays Ready; but its operator hears of it.
#[test]
fn a_list_that_is_not_read_any_more_is_said_of_a_ready_platform() {
    let installation = Installation::Known {
        id: "installation-1".into(),
        replaces: None,
    };
    let old = |kind, error| OldList {
        kind,
        read: Timestamp::from_millisecond(61_500).unwrap(),
        error,
    };
    let facts = Facts {
        platforms: &[],
        tenants: &[],
        installation: &installation,
        stopped: None,
        leaving: Leaving::NotDeleted,
        old_lists: vec![
            old("records", Some(failed("Throttling"))),
            old("services", Some(failed("ServiceUnavailable"))),
            old("schedules", None),
        ],
    };
    let end = End::Reconciled(Box::new(fine()));
    let finished = concluded(&mut Memory::default(), &platform(json!({})), &facts, end);
    let throttled = "the list of records in AWS is of 1970-01-01T00:01:01Z: route53:GetHostedZone: Throttling: in its words";
    let failing = "the list of services in AWS is of 1970-01-01T00:01:01Z: route53:GetHostedZone: ServiceUnavailable: in its words";
    let slow = "the list of schedules in AWS is of 1970-01-01T00:01:01Z: AWS's request rates let it be read no sooner";
    let expected = format!("Ready True Available: in use by 0 Apps; {throttled}; {failing}; {slow}");
    assert_eq!(ready(&finished), expected);
    assert_eq!(finished.requeue, Requeue::Resync(Duration::from_mins(10)));
    let expected = [
        (Reason::Throttled, throttled.to_owned()),
        (Reason::Unavailable, failing.to_owned()),
        (Reason::Throttled, slow.to_owned()),
    ];
    assert_eq!(finished.troubles, expected);
}

fn kept(count: Option<usize>) -> Outcome {
    Outcome {
        kept: Kept {
            count,
            ..Kept::default()
        },
        ..fine()
    }
}

#[test]
fn the_number_of_kept_names_is_shown_and_stays_while_it_is_not_known() {
    let mut platform = platform(json!({}));
    let counted =
        |platform: &Platform, outcome| look(platform, outcome).status.map(|status| status.kept_names);
    assert_eq!(counted(&platform, kept(Some(2))), Some(Some(2)));
    assert_eq!(counted(&platform, kept(Some(0))), Some(None));
    platform.status.as_mut().unwrap().kept_names = Some(2);
    assert_eq!(counted(&platform, kept(None)), Some(Some(2)));
    let unread = Outcome {
        kept: Kept {
            failed: Some(failed("AccessDenied")),
            ..Kept::default()
        },
        ..fine()
    };
    assert_eq!(counted(&platform, unread), Some(Some(2)));
}

/// Else what is kept then would stay for ever: where no number is, nobody looks.
#[test]
fn a_platform_that_had_grants_is_looked_at_until_none_is_kept_after_they_went() {
    let granted = json!({ "spec": { "tenancy": { "namespaceSelector": {}, "grants": [] } } });
    let mut granted = platform(granted);
    let counted = |platform: &Platform, count| {
        let finished = look(platform, kept(count));
        let status = finished.status.or_else(|| platform.status.clone());
        status.and_then(|status| status.kept_names)
    };
    // Before the first count, too.
    assert_eq!(counted(&granted, None), Some(0));
    assert_eq!(counted(&granted, Some(0)), Some(0));

    granted.status.as_mut().unwrap().kept_names = Some(0);
    granted.spec.tenancy.as_mut().unwrap().grants = None;
    let generation = |platform: &mut Platform, known, is| {
        platform.status.as_mut().unwrap().observed_generation = known;
        platform.metadata.generation = Some(is);
    };
    // A pass over an App may have begun before the edit.
    generation(&mut granted, 1, 2);
    assert_eq!(counted(&granted, Some(0)), Some(0));
    generation(&mut granted, 2, 2);
    assert_eq!(counted(&granted, None), Some(0));
    assert_eq!(counted(&granted, Some(1)), Some(1));
    assert_eq!(counted(&granted, Some(0)), None);
}

/// Who waits for one of them is woken, whatever else failed.
#[test]
fn names_that_were_removed_are_released_though_others_could_not_be() {
    let record = RecordSet {
        name: "_empire.acme.example.com".into(),
        kind: RecordKind::Txt,
        content: RecordContent::Values {
            ttl: 300,
            values: Vec::new(),
        },
    };
    let batch = RecordBatch {
        zone: "Z-INTERNAL".into(),
        changes: vec![RecordChange::Delete(record)],
    };
    let outcome = Outcome {
        kept: Kept {
            count: None,
            done: vec![batch.into()],
            failed: Some(failed("AccessDenied")),
        },
        ..fine()
    };
    let finished = look(&platform(json!({})), outcome);
    assert_eq!(
        finished.released,
        [Exclusive::name("Z-INTERNAL", "acme.example.com")].into()
    );
    assert!(
        ready(&finished).starts_with("Ready False AccessDenied"),
        "{}",
        ready(&finished)
    );
}

#[test]
fn one_that_is_deleted_goes_once_no_name_is_kept_whatever_else_is_wrong() {
    let platform = platform(json!({}));
    let check = |kept: Kept, may_go: bool, expected: &str| {
        let outcome = Outcome {
            internal_zone: Err(failed("AccessDenied")),
            kept,
            ..fine()
        };
        let end = End::Reconciled(Box::new(outcome));
        let finished = pass(&mut Memory::default(), &platform, &[], Leaving::NamesFirst, end);
        assert_eq!(finished.may_go, may_go);
        assert!(ready(&finished).starts_with(expected), "{}", ready(&finished));
    };
    check(kept(Some(0)).kept, true, "Ready False");
    check(kept(Some(1)).kept, false, "Ready False AccessDenied");
    check(kept(None).kept, false, "Ready False AccessDenied");
    let unread = Kept {
        failed: Some(failed("Throttling")),
        ..Kept::default()
    };
    check(unread, false, "Ready False AccessDenied");

    let end = End::Reconciled(Box::new(kept(Some(1))));
    let finished = pass(&mut Memory::default(), &platform, &[], Leaving::NamesFirst, end);
    assert_eq!(
        ready(&finished),
        "Ready False Deleting: removing the DNS names that are kept here for namespaces"
    );
    assert_eq!(finished.requeue, Requeue::Resync(Duration::from_secs(20)));
}
