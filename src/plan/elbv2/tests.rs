//! Load balancers, target groups and listeners: repairs, tags, what is in the way, and what may go.

use crate::change::{Change, Tagged, TagsWrite, TargetGroupWrite, Write};
use crate::model::desired::Desired;
use crate::model::load_balancer::{ListenerAction, Probe, Scheme};
use crate::model::owner::{Tags, missing_tags};
use crate::model::record::{RecordContent, RecordKind, RecordSet};
use crate::model::state::{LoadBalancerState, LoadBalancerStatus, Observed, TargetGroupState};
use crate::plan::ObstacleKind;
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{lines, pass, service_of};
use crate::plan::fixtures::{
    Process, app, arn, balancer, check as health_check, group, owner, owner_of, process, settled,
};

fn web() -> Process {
    process("web").internal()
}

fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(lines(desired, observed), expected);
}

fn balancer_of<'a>(world: &'a mut Observed, process: &str) -> &'a mut LoadBalancerState {
    world
        .load_balancers
        .get_mut(&balancer(process, Scheme::Internal))
        .unwrap()
}

fn group_of<'a>(world: &'a mut Observed, process: &str) -> &'a mut TargetGroupState {
    world
        .target_groups
        .get_mut(&group(process, Scheme::Internal))
        .unwrap()
}

/// Web's load balancer or target group, changed by hand, and what that leads to.
fn repair(change: impl Fn(&mut Observed), expected: &[&str]) {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    change(&mut world);
    check(&wanted, &world, expected);
}

#[test]
fn repairs_what_was_changed_by_hand() {
    repair(
        |world| balancer_of(world, "web").subnets = ["subnet-x".to_owned()].into(),
        &["set subnets of load balancer web-internal to subnet-internal-a, subnet-internal-b"],
    );
    repair(
        |world| balancer_of(world, "web").security_groups = ["sg-x".to_owned()].into(),
        &["set security groups of load balancer web-internal to sg-internal"],
    );
    repair(
        |world| group_of(world, "web").check = health_check("/by-hand"),
        &[
            "set health check of target group web-internal-group to /web every 10 s, timeout 5 s, 2 healthy, 3 unhealthy",
        ],
    );
    repair(
        |world| {
            group_of(world, "web")
                .attributes
                .as_mut()
                .unwrap()
                .deregistration_delay = 300;
        },
        &["set deregistration delay of target group web-internal-group to 30 s"],
    );
    repair(
        |world| balancer_of(world, "web").listeners = Some(Vec::new()),
        &["create listener HTTP 80 of load balancer web-internal to web-internal-group"],
    );
    repair(
        |world| {
            balancer_of(world, "web").listeners.as_mut().unwrap()[0].action =
                Some(ListenerAction::Forward(arn("group", "x")));
        },
        &["point listener HTTP 80 of load balancer web-internal at web-internal-group"],
    );
    repair(
        |world| balancer_of(world, "web").listeners.as_mut().unwrap()[0].action = None,
        &["point listener HTTP 80 of load balancer web-internal at web-internal-group"],
    );
    repair(
        |world| balancer_of(world, "web").listeners.as_mut().unwrap()[0].protocol = "HTTPS".into(),
        &["point listener HTTP 80 of load balancer web-internal at web-internal-group"],
    );
}

fn probe(path: &str, success_codes: &str) -> Probe {
    Probe::Http {
        path: path.into(),
        success_codes: success_codes.into(),
    }
}

#[test]
fn each_field_of_a_health_check_counts() {
    let change: [fn(&mut crate::model::load_balancer::HealthCheck); 7] = [
        |check| check.probe = probe("/else", "200-399"),
        |check| check.interval = 20,
        |check| check.timeout = 4,
        |check| check.healthy_threshold = 9,
        |check| check.unhealthy_threshold = 9,
        |check| check.probe = probe("/web", "200"),
        |check| check.probe = Probe::Tcp,
    ];
    for change in change {
        let wanted = app([web()]);
        let mut world = settled(&wanted);
        change(&mut group_of(&mut world, "web").check);
        let changes = plan(&wanted, &world).changes;
        assert!(
            matches!(&changes[..], [Change { write: Write::TargetGroup(TargetGroupWrite::Modify { check, .. }), .. }] if *check == health_check("/web"))
        );
    }
}

#[test]
fn what_was_not_read_is_no_drift() {
    repair(
        |world| {
            balancer_of(world, "web").listeners = None;
            group_of(world, "web").attributes = None;
        },
        &[],
    );
}

#[test]
fn without_wanted_security_groups_awss_default_one_is_right() {
    let mut wanted = app([web()]);
    let mut world = settled(&wanted);
    let balancing = wanted
        .processes
        .get_mut("web")
        .unwrap()
        .load_balancing
        .as_mut()
        .unwrap();
    balancing.load_balancer.security_groups.clear();
    balancer_of(&mut world, "web").security_groups = ["sg-default".to_owned()].into();
    check(&wanted, &world, &[]);
}

#[test]
fn a_listener_of_another_port_is_somebody_elses_and_stays() {
    repair(
        |world| {
            let listeners = balancer_of(world, "web").listeners.as_mut().unwrap();
            let mut other = listeners[0].clone();
            (other.port, other.arn) = (8443, arn("listener", "by-hand"));
            other.tags = Some(Tags::new());
            listeners.insert(0, other);
        },
        &[],
    );
}

#[test]
fn a_load_balancer_that_is_not_there_yet_or_failed_is_said_to_be() {
    repair(
        |world| balancer_of(world, "web").status = LoadBalancerStatus::Provisioning,
        &["~ web: waiting for load balancer web-internal to become active"],
    );
    repair(
        |world| balancer_of(world, "web").status = LoadBalancerStatus::Failed("no free addresses".into()),
        &["! web: load balancer web-internal failed to come up: no free addresses"],
    );
}

#[test]
fn what_is_in_the_way_is_named_and_untouched() {
    for (what, kind) in [("load balancer", 0), ("target group", 1)] {
        for tags in [
            Tags::new(),
            owner_of("installation-2", "shop", "acme").tags("web"),
            owner_of("installation-1", "shop", "acme2").tags("web"),
        ] {
            let wanted = app([web().check_path("/up").tagged("k", "v")]);
            let mut world = settled(&app([web()]));
            world.services.clear();
            let name = if kind == 0 {
                balancer_of(&mut world, "web").tags = tags;
                balancer("web", Scheme::Internal)
            } else {
                group_of(&mut world, "web").tags = tags;
                group("web", Scheme::Internal)
            };
            let plan = plan(&wanted, &world);
            let messages: Vec<_> = plan
                .obstacles
                .iter()
                .filter(|o| o.kind == ObstacleKind::Foreign)
                .map(|o| o.message.as_str())
                .collect();
            let expected = format!("{what} {name} exists and does not carry this App's ownership tags");
            let mut found = messages.iter();
            assert!(
                found.any(|message| message.starts_with(&expected)),
                "{messages:?}"
            );
            let touches = |change: &&Change| {
                let text = change.to_string();
                text.contains(&format!(" {name} ")) || text.contains("create service")
            };
            assert_eq!(plan.changes.iter().find(touches), None);
            // Nor is anything of it deleted when nobody wants it.
            let deleted = crate::plan::fixtures::plan(&app([]), &world).changes;
            assert!(
                deleted.iter().all(|change| !change.to_string().ends_with(&name)),
                "{deleted:?}"
            );
        }
    }
}

#[test]
fn tags_are_put_back_twenty_resources_a_call() {
    let names: Vec<String> = (10..22).map(|n| format!("p{n}")).collect();
    let processes = |tag: &'static str| {
        names
            .iter()
            .map(move |name| process(name).internal().tagged("team", tag))
    };
    let mut world = settled(&app(processes("old")));
    let wanted = app(processes("new"));
    let sizes: Vec<_> = plan(&wanted, &world)
        .changes
        .iter()
        .filter_map(|change| {
            let Write::Tags(TagsWrite::Add { resources, tags }) = &change.write else {
                return None;
            };
            assert_eq!(*tags, Tags::from([("team".into(), "new".into())]));
            let balancers = resources.iter().filter(|r| matches!(r, Tagged::LoadBalancer(_)));
            let balancers = balancers.count();
            Some((balancers, resources.len() - balancers))
        })
        .collect();
    assert_eq!(sizes, [(12, 8), (0, 4)]);
    pass(&wanted, &mut world);
    check(&wanted, &world, &[]);
}

#[test]
fn tags_that_differ_from_resource_to_resource_are_put_back_separately() {
    let wanted = app([web().tagged("a", "1").tagged("b", "2")]);
    let mut world = settled(&wanted);
    balancer_of(&mut world, "web").tags.remove("a");
    group_of(&mut world, "web").tags.remove("b");
    check(
        &wanted,
        &world,
        &["tag web-internal with a=1", "tag web-internal-group with b=2"],
    );
}

#[test]
fn only_tags_that_are_missing_or_differ_are_sent() {
    let tags =
        |pairs: &[(&str, &str)]| -> Tags { pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect() };
    let wanted = tags(&[("same", "1"), ("changed", "2"), ("gone", "3")]);
    let found = tags(&[("same", "1"), ("changed", "x"), ("extra", "4")]);
    assert_eq!(
        missing_tags(&wanted, &found),
        tags(&[("changed", "2"), ("gone", "3")])
    );
}

#[test]
fn a_process_tag_changed_by_hand_is_put_back_and_nothing_is_deleted() {
    let wanted = app([web().unnamed(), process("api").internal().unnamed()]);
    let mut world = settled(&wanted);
    balancer_of(&mut world, "web").tags = owner().tags("api");
    group_of(&mut world, "web").tags = owner().tags("gone");
    check(
        &wanted,
        &world,
        &["tag web-internal, web-internal-group with empire.dev/process=web"],
    );
}

#[test]
fn what_nobody_wants_goes_once_no_service_and_no_name_uses_it() {
    let leftover = || {
        let mut world = settled(&app([web()]));
        world.zones.values_mut().for_each(|zone| zone.records.clear());
        world
    };
    // The service is there, and unwanted: it goes first.
    check(&app([]), &leftover(), &["delete service shop_acme_web"]);
    // Wanted, but attached.
    let mut world = leftover();
    let unexposed = app([process("web")]);
    check(
        &unexposed,
        &world,
        &["~ web: waiting until no resolver can still name load balancer web-internal"],
    );
    // Detached, but the tasks behind it are still on their way out.
    let definition = settled(&unexposed).task_definitions.into_values().next().unwrap();
    let service = service_of(&mut world, "web");
    service.attachments.clear();
    service.task_definition = definition.arn.clone();
    let mut old = service.deployments[0].clone();
    old.primary = false;
    service.deployments.push(old);
    world.task_definitions.insert(definition.arn.clone(), definition);
    let rollout = "~ web: waiting for the rollout of service shop_acme_web";
    check(&unexposed, &world, &[rollout]);
    service_of(&mut world, "web").deployments.pop();
    // The load balancer first: AWS refuses to delete a target group in use.
    check(&unexposed, &world, &["delete load balancer web-internal"]);
    pass(&unexposed, &mut world);
    assert!(world.load_balancers.is_empty() && world.target_groups.is_empty());
}

#[test]
fn a_target_group_that_a_foreign_load_balancer_forwards_to_stays_and_is_named() {
    let mut world = settled(&app([web().unnamed()]));
    world.services.clear();
    group_of(&mut world, "web")
        .load_balancers
        .insert(arn("balancer", "theirs"));
    let nothing_wanted = app([]);
    pass(&nothing_wanted, &mut world);
    assert!(world.load_balancers.is_empty());
    check(
        &nothing_wanted,
        &world,
        &[
            "! web: process web: load balancer arn:loadbalancer/app/theirs/1 is not this App's and forwards to target group \
           web-internal-group, which nothing wants any more: let it forward elsewhere, and the target group goes",
        ],
    );
    group_of(&mut world, "web").load_balancers.clear();
    check(
        &nothing_wanted,
        &world,
        &["delete target group web-internal-group"],
    );
}

#[test]
fn a_load_balancer_stays_while_a_record_of_ours_names_it_even_without_a_service() {
    let mut world = settled(&app([web()]));
    world.services.clear();
    let left = lines(&app([]), &world);
    assert!(
        left[0].starts_with("change records in zone Z-INTERNAL: -acme-web"),
        "{left:#?}"
    );
    assert_eq!(left.len(), 1);
}

#[test]
fn a_weighted_record_holds_the_load_balancer_that_it_points_at() {
    let mut world = settled(&app([web().unnamed()]));
    world.services.clear();
    let target = world
        .load_balancers
        .values()
        .next()
        .unwrap()
        .dns_name
        .to_ascii_lowercase();
    let weighted = RecordSet {
        name: "shop.corp.example".into(),
        kind: RecordKind::Cname,
        content: RecordContent::Routed { target: Some(target) },
    };
    world
        .zones
        .get_mut("Z-INTERNAL")
        .unwrap()
        .records
        .push(weighted.into());
    check(
        &app([]),
        &world,
        &[
            "! web: process web: the CNAME record shop.corp.example is not this App's and points at load balancer \
             web-internal, which nothing wants any more: remove the record, and the load balancer goes too",
        ],
    );
}

#[test]
fn a_record_of_somebody_else_holds_our_load_balancer_and_is_said_to_be_in_the_way() {
    let mut world = settled(&app([web()]));
    world.services.clear();
    let stranger = owner_of("installation-1", "blog", "acme");
    for zone in world.zones.values_mut() {
        for record in &mut zone.records {
            if record.kind == RecordKind::Txt {
                *record = crate::plan::fixtures::txt(&record.name, &stranger.record_text("web")).into();
            }
        }
    }
    check(
        &app([]),
        &world,
        &[
            "! web: process web: the CNAME record acme-web.corp.example is not this App's and points at load balancer \
           web-internal, which nothing wants any more: remove the record, and the load balancer goes too",
        ],
    );
}
