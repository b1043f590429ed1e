//! One view of all claims, whichever of the watch and our own writes is ahead.

use serde_json::json;

use super::*;

const PLATFORM: &str = "staging";

/// An object of a version, whose UID is that of its first version.
fn allocation(port: u16, app: &str, uid: &str, version: u64) -> Allocation {
    let object = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "PortAllocation",
        "metadata": { "name": format!("staging-{port}"), "uid": uid, "resourceVersion": version.to_string() },
        "spec": {
            "platform": PLATFORM,
            "port": port,
            "app": { "namespace": "shop", "name": app, "uid": "" },
            "process": "web",
            "containerPort": 8080,
        },
    });
    serde_json::from_value(object).unwrap()
}

fn filled(allocations: &[Allocation]) -> ClaimCache {
    let cache = ClaimCache::default();
    cache.heed(&Event::Init);
    for allocation in allocations {
        cache.heed(&Event::InitApply(allocation.clone()));
    }
    cache.heed(&Event::InitDone);
    cache
}

fn ports(cache: &ClaimCache, app: &str) -> Vec<u16> {
    let app = AppName {
        namespace: "shop".into(),
        name: app.into(),
    };
    let claims = cache.of(PLATFORM, &app).unwrap();
    claims.into_iter().map(|claim| claim.port).collect()
}

#[track_caller]
fn check(cache: &ClaimCache, taken: &[u16], of_acme: &[u16]) {
    let found = cache.taken(PLATFORM).unwrap();
    assert_eq!(found.iter().copied().collect::<Vec<_>>(), taken);
    assert_eq!(ports(cache, "acme"), of_acme);
}

#[test]
fn nothing_is_known_before_the_first_list_is_complete() {
    let cache = ClaimCache::default();
    cache.heed(&Event::Init);
    cache.heed(&Event::InitApply(allocation(9000, "acme", "a", 1)));
    assert_eq!(cache.taken(PLATFORM), None);
    cache.heed(&Event::InitDone);
    check(&cache, &[9000], &[9000]);
    assert!(cache.taken("production").unwrap().is_empty());
}

#[test]
fn the_set_of_taken_ports_is_one_for_all() {
    let cache = filled(&[allocation(9000, "acme", "a", 1), allocation(9001, "blog", "b", 2)]);
    let (one, other) = (cache.taken(PLATFORM).unwrap(), cache.taken(PLATFORM).unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    cache.heed(&Event::Delete(allocation(9001, "blog", "b", 3)));
    assert!(one.contains(&9001), "what a pass began with stays as it is");
    check(&cache, &[9000], &[9000]);
}

#[test]
fn what_we_wrote_is_there_before_the_watch_shows_it_and_what_we_freed_does_not_come_back() {
    let cache = filled(&[allocation(9000, "acme", "a", 10)]);
    let made = allocation(9001, "acme", "b", 12);
    cache.learn(&made);
    check(&cache, &[9000, 9001], &[9000, 9001]);
    cache.forget(&made);
    check(&cache, &[9000], &[9000]);
    // Only now does the watch show that it was made, and then that it went.
    cache.heed(&Event::Apply(made));
    check(&cache, &[9000], &[9000]);
    cache.heed(&Event::Delete(allocation(9001, "acme", "b", 13)));
    // The port is free, and another's before the watch of its old owner is through.
    cache.learn(&allocation(9001, "blog", "c", 14));
    cache.heed(&Event::Delete(allocation(9001, "acme", "b", 13)));
    check(&cache, &[9000, 9001], &[9000]);
}

#[test]
fn a_claim_that_the_watch_has_seen_go_is_not_learned_from_an_older_look() {
    let cache = filled(&[]);
    let held = allocation(9000, "blog", "a", 10);
    cache.heed(&Event::Apply(held.clone()));
    cache.heed(&Event::Delete(allocation(9000, "blog", "a", 11)));
    cache.learn(&held);
    check(&cache, &[], &[]);
}

#[test]
fn a_new_list_replaces_all_but_what_was_written_since_it_began() {
    let (old, kept) = (allocation(9000, "acme", "a", 1), allocation(9001, "acme", "b", 2));
    let cache = filled(&[old, kept.clone()]);
    cache.heed(&Event::Init);
    cache.learn(&allocation(9002, "acme", "c", 9));
    cache.heed(&Event::InitApply(kept.clone()));
    // Until it is complete, what was there counts.
    check(&cache, &[9000, 9001, 9002], &[9000, 9001, 9002]);
    cache.forget(&kept);
    cache.heed(&Event::InitDone);
    check(&cache, &[9002], &[9002]);
}

#[test]
fn a_newer_version_is_not_replaced_by_an_older_one() {
    let cache = filled(&[allocation(9000, "acme", "a", 1)]);
    let mut retained = allocation(9000, "acme", "a", 5);
    retained.0.as_mut().unwrap().spec.retained = Some(true);
    cache.learn(&retained);
    assert!(cache.holders(PLATFORM).is_empty());
    cache.heed(&Event::Apply(allocation(9000, "acme", "a", 3)));
    assert!(cache.holders(PLATFORM).is_empty());
    cache.heed(&Event::Apply(allocation(9000, "acme", "a", 7)));
    assert_eq!(cache.holders(PLATFORM).len(), 1);
}

#[test]
fn a_port_is_taken_by_the_name_of_an_object_that_cannot_be_decoded() {
    let odd = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "PortAllocation",
        "metadata": { "name": "staging-9007", "uid": "x", "resourceVersion": "1" },
        "spec": { "port": "many" },
    });
    let odd: Allocation = serde_json::from_value(odd).unwrap();
    assert!(odd.0.is_err());
    check(&filled(&[odd]), &[9007], &[]);
}
