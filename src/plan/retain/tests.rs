//! Letting go, and taking over again.

use crate::change::{Change, PortWrite, ServiceWrite, Write};
use crate::model::desired::Desired;
use crate::model::owner::{APP_TAG, OWNER_TAG, Tags, adopted_tag, has_no_owner, left_by};
use crate::model::service::LaunchType;
use crate::model::state::{Observed, ServiceStatus};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{apply, lines, pass, service_of};
use crate::plan::fixtures::{EXTERNAL, INTERNAL, app, process, settled};

/// Web, which has names in both zones and a host port, and worker.
fn acme() -> Desired {
    let web = process("web").external().claimed();
    app([
        web.named(INTERNAL, "acme.corp.example")
            .named(EXTERNAL, "acme.example.com"),
        process("worker"),
    ])
}

fn leaving() -> Desired {
    let Desired { owner, place, .. } = acme();
    Desired::retaining(owner, place)
}

fn adopting() -> Desired {
    Desired {
        adopts: true,
        ..acme()
    }
}

fn retained() -> Observed {
    let mut world = settled(&acme());
    pass(&leaving(), &mut world);
    world
}

fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    assert_eq!(lines(desired, observed), expected);
}

#[test]
fn an_app_that_retains_takes_the_owner_off_and_nothing_else() {
    let mut world = settled(&acme());
    let before = world.clone();
    let done = pass(&leaving(), &mut world);
    assert_eq!(
        done,
        [
            "retain host port 9000 of container port 8080",
            "untag service shop_acme_web (Retain)",
            "untag service shop_acme_worker (Retain)",
            "untag listener 80 of web-external, web-external, web-external-group (Retain)",
            "change records in zone Z-EXTERNAL: -_empire.acme-web.example.com TXT, -_empire.acme.example.com TXT",
            "change records in zone Z-INTERNAL: -_empire.acme-web.corp.example TXT, -_empire.acme.corp.example TXT",
        ]
    );
    check(&leaving(), &world, &[]);
    assert!(plan(&leaving(), &world).is_settled());
    let lost = |tags: &Tags, before: &Tags| {
        let mut expected = before.clone();
        expected.remove(OWNER_TAG);
        assert_eq!(*tags, expected);
        assert_eq!(left_by(tags).as_ref(), Some(&acme().owner.app));
    };
    for (name, service) in &world.services {
        lost(&service.tags, &before.services[name].tags);
    }
    for (name, found) in &world.load_balancers {
        let before = &before.load_balancers[name];
        lost(&found.tags, &before.tags);
        let listeners = found.listeners.iter().flatten();
        for (listener, before) in listeners.zip(before.listeners.iter().flatten()) {
            lost(listener.tags.as_ref().unwrap(), before.tags.as_ref().unwrap());
        }
    }
    for (name, group) in &world.target_groups {
        lost(&group.tags, &before.target_groups[name].tags);
    }
    let attachments = |world: &Observed| -> Vec<_> {
        let services = world.services.values();
        services.map(|service| service.attachments.clone()).collect()
    };
    assert_eq!(attachments(&world), attachments(&before));
    for (zone, records) in &world.zones {
        assert_eq!(
            records.records.len() + 2,
            before.zones[zone].records.len(),
            "{zone}"
        );
    }
}

#[test]
fn a_pass_that_stopped_anywhere_leaves_the_rest_to_be_found() {
    let changes = |world: &Observed| plan(&leaving(), world).changes.len();
    for stop in 0.. {
        let mut world = settled(&acme());
        for _ in 0..stop {
            if let Some(change) = plan(&leaving(), &world).changes.first().cloned() {
                apply(&mut world, &change);
            }
        }
        let rest = changes(&world);
        pass(&leaving(), &mut world);
        assert_eq!(world, retained(), "after {stop}");
        if rest == 0 {
            assert!(stop > 4);
            return;
        }
    }
}

#[test]
fn what_was_deleted_before_goes_whoever_it_belongs_to() {
    let mut world = settled(&acme());
    service_of(&mut world, "worker").status = ServiceStatus::Draining;
    let changes = plan(&leaving(), &world).changes;
    let untagged = changes
        .iter()
        .filter(|c| matches!(c.write, Write::Service(ServiceWrite::Untag { .. })));
    assert_eq!(untagged.count(), 1);
}

#[test]
fn what_was_retained_is_in_the_way_and_says_whose_it_was_and_how_to_take_it_over() {
    let advice = "to take it over, annotate the App with empire.dev/adopt: \"true\"";
    let mut world = retained();
    let check = |world: &Observed, left: &str| {
        let plan = plan(&acme(), world);
        let expected =
            format!("exists and does not carry this App's ownership tags, nor anybody's{left}: {advice}");
        for what in ["service", "load balancer", "target group"] {
            let mut messages = plan.obstacles.iter().map(|obstacle| &obstacle.message);
            assert!(
                messages.any(|message| message.starts_with(what) && message.ends_with(&expected)),
                "{what}: {:?}",
                plan.obstacles
            );
        }
    };
    check(&world, " (App shop/acme has left it behind)");
    each_tags(&mut world, |tags| {
        tags.insert(APP_TAG.into(), "blog/front".into());
    });
    // Not which: tenants do not hear of others' Apps.
    check(&world, " (an App of another namespace has left it behind)");
    each_tags(&mut world, remove_all);
    check(&world, "");
}

fn each_tags(world: &mut Observed, mut edit: impl FnMut(&mut Tags)) {
    for service in world.services.values_mut() {
        edit(&mut service.tags);
    }
    for found in world.load_balancers.values_mut() {
        edit(&mut found.tags);
        let listeners = found.listeners.iter_mut().flatten();
        listeners
            .filter_map(|listener| listener.tags.as_mut())
            .for_each(&mut edit);
    }
    for group in world.target_groups.values_mut() {
        edit(&mut group.tags);
    }
}

/// As versions before 0.2.0 have left it.
fn remove_all(tags: &mut Tags) {
    tags.retain(|key, _| !key.starts_with("empire.dev/"));
}

/// All three tags come back, whichever of them were left.
#[test]
fn what_an_older_version_has_left_is_taken_over_in_as_many_writes() {
    let mut world = retained();
    each_tags(&mut world, remove_all);
    let with = |world: &Observed| pass(&adopting(), &mut world.clone()).len();
    assert_eq!(with(&world), with(&retained()));
    pass(&adopting(), &mut world);
    assert!(plan(&adopting(), &world).is_settled());
    let mut settled = settled(&acme());
    // Nothing says whose they were, so the services are adopted.
    for service in settled.services.values_mut() {
        service.tags.extend(adopted_tag());
    }
    let tags = |world: &Observed| -> Vec<Tags> {
        let mut all = Vec::new();
        each_tags(&mut world.clone(), |tags| all.push(tags.clone()));
        all
    };
    assert_eq!(tags(&world), tags(&settled));
}

#[test]
fn what_was_retained_is_taken_over_without_a_rollout() {
    let mut world = retained();
    let done = pass(&adopting(), &mut world);
    assert_eq!(
        done,
        [
            "tag listener 80 of web-external, web-external, web-external-group with empire.dev/app=shop/acme, \
             empire.dev/owner=installation-1, empire.dev/process=web",
            "tag service shop_acme_web with empire.dev/owner=installation-1",
            "tag service shop_acme_worker with empire.dev/owner=installation-1",
            "take back host port 9000 of container port 8080",
            "change records in zone Z-EXTERNAL: +_empire.acme-web.example.com TXT, +_empire.acme.example.com TXT",
            "change records in zone Z-INTERNAL: +_empire.acme-web.corp.example TXT, +_empire.acme.corp.example TXT",
        ]
    );
    assert!(plan(&adopting(), &world).is_settled());
    let mut before = settled(&acme());
    for zone in world.zones.values_mut().chain(before.zones.values_mut()) {
        zone.records.sort_by(|one, other| one.name.cmp(&other.name));
    }
    world.fresh.clear();
    assert_eq!(world, before);
}

/// Nothing else would find them: whatever the Platform's tags are, and however they sort.
#[test]
fn listeners_are_taken_over_no_later_than_their_load_balancer() {
    for stop in 0..3 {
        let (mut world, mut wanted) = (retained(), adopting());
        let web = wanted.processes.get_mut("web").unwrap();
        let tags = &mut web.load_balancing.as_mut().unwrap().load_balancer.tags;
        tags.insert("cost-center".into(), "42".into());
        let tags = tags.clone();
        for _ in 0..stop {
            let change = plan(&wanted, &world).changes.swap_remove(0);
            apply(&mut world, &change);
        }
        // The next pass knows no tags of listeners on ports that are wanted.
        let mut untagged = world
            .load_balancers
            .values()
            .flat_map(|l| l.listeners.iter().flatten());
        let is_marked =
            untagged.all(|listener| listener.tags.as_ref().is_some_and(|tags| !has_no_owner(tags)));
        let is_ours = |world: &Observed| world.load_balancers.values().all(|l| wanted.owner.owns(&l.tags));
        assert!(is_marked || !is_ours(&world), "after {stop}");
        pass(&wanted, &mut world);
        assert!(world.load_balancers.values().all(|l| l.tags == tags));
    }
}

#[test]
fn what_carries_anothers_tags_is_never_taken_over() {
    let mut world = retained();
    let tags = &mut service_of(&mut world, "worker").tags;
    tags.insert("empire.dev/owner".into(), "installation-2".into());
    let plan = plan(&adopting(), &world);
    let messages: Vec<&str> = plan.obstacles.iter().map(|o| o.message.as_str()).collect();
    assert_eq!(
        messages,
        ["service shop_acme_worker exists and does not carry this App's ownership tags"]
    );
    let touches = |change: &&Change| change.process() == Some("worker");
    assert_eq!(plan.changes.iter().filter(touches).count(), 0);
}

#[test]
fn a_service_made_by_other_means_is_tagged_first_and_then_repaired() {
    let mut world = retained();
    let worker = service_of(&mut world, "worker");
    worker.desired = 7;
    worker.running = 7;
    let mut wanted = adopting();
    for process in wanted.processes.values_mut() {
        if let crate::model::desired::Runs::Service(service) = &mut process.runs {
            service.quantity = Some(2);
        }
    }
    let done = pass(&wanted, &mut world);
    let tag = done
        .iter()
        .position(|line| line.starts_with("tag service shop_acme_worker"));
    let scale = done
        .iter()
        .position(|line| line == "update service shop_acme_worker: 2 tasks");
    assert!(tag.is_some() && tag < scale, "{done:?}");
}

#[test]
fn what_aws_cannot_change_keeps_a_service_from_being_taken_over() {
    let mut world = retained();
    let worker = service_of(&mut world, "worker");
    worker.launch_type = Some(LaunchType::Fargate);
    worker.unlike_ours = vec!["scheduling strategy DAEMON".into()];
    let plan = plan(&adopting(), &world);
    let messages: Vec<&str> = plan.obstacles.iter().map(|o| o.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "service shop_acme_worker cannot be taken over, since it has what no service of this App's can have, and what AWS \
             does not change: scheduling strategy DAEMON, launch type FARGATE; delete it"
        ]
    );
}

#[test]
fn a_retained_port_is_not_released_while_what_has_it_runs() {
    let world = retained();
    // Made again, without web.
    let wanted = app([process("worker")]);
    let releases = |change: &Change| matches!(change.write, Write::Port(PortWrite::Release(_)));
    assert!(!plan(&wanted, &world).changes.iter().any(releases));
    // Nor if it goes again.
    let Desired { owner, place, .. } = acme();
    let empty = Desired::empty(owner, place);
    assert!(plan(&empty, &world).is_settled());
    let mut gone = world;
    gone.services.remove("shop_acme_web");
    assert!(plan(&wanted, &gone).changes.iter().any(releases));
}
