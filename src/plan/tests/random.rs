//! Stories that nobody would think of, from a seed, so that a failure comes back.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::converge;
use crate::model::container::HostPort;
use crate::model::desired::Desired;
use crate::model::load_balancer::ListenerProtocol;
use crate::model::name::Arn;
use crate::model::port::PortRange;
use crate::model::record::RecordStyle;
use crate::model::scaling::{Metric, Range, ScalingPolicyState};
use crate::model::service::CircuitBreaker;
use crate::model::shared_map::SharedMap;
use crate::model::state::{Observed, ServiceState, TargetGroupState};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{apply, elapse, finish, remove_load_balancer};
use crate::plan::fixtures::{EXTERNAL, INTERNAL, Kind, Process, app, nothing, process, settled};

/// Everything that an App is, without ARNs, revisions and order.
pub(in crate::plan) fn assert_same(desired: &Desired, one: &Observed, other: &Observed) {
    similar_asserts::assert_eq!(essence(desired, one), essence(desired, other));
}

fn essence(desired: &Desired, observed: &Observed) -> BTreeMap<String, String> {
    let mut essence = BTreeMap::new();
    // Which of a process's target groups it is depends on the story; where it leads does not.
    let leads = |group: &TargetGroupState| {
        let of = |service: &ServiceState| {
            let mut attachments = service.attachments.iter();
            let attachment = attachments.find(|a| a.target_group == group.arn)?;
            Some(format!("to {} of {}", attachment.container_port, service.name))
        };
        let found = observed.services.values().find_map(of);
        found.unwrap_or_else(|| group.name.clone())
    };
    for service in observed.services.values() {
        let running = observed.running_definition(service).map(|known| {
            let mut content = known.content.clone();
            for port in &mut content.main.ports {
                // Which port it got depends on the story; that it is the claimed one does not.
                let claimed = observed.ports.claims.iter().any(|claim| {
                    port.host_port == HostPort::Fixed(claim.port)
                        && claim.owner.app == desired.owner.app
                        && claim.owner.container_port == port.container_port
                });
                if claimed {
                    port.host_port = HostPort::Claimed;
                }
            }
            content
        });
        let attached = service
            .attachments
            .iter()
            .map(|a| (&a.container, a.container_port));
        let attached: BTreeSet<_> = attached.collect();
        // Whatever it is within its range, AWS has it so.
        let target = observed.scaling.get(&service.name);
        let count = match target.map(|target| target.range) {
            Some(range) if range.nearest(service.desired) == service.desired => format!("{range}"),
            Some(_) | None => service.desired.to_string(),
        };
        let text = format!("{count} {:?} {attached:?} {running:?}", service.circuit_breaker);
        essence.insert(format!("service {}", service.name), text);
    }
    essence.extend(scaling(observed));
    for schedule in observed.schedules.values() {
        let arn = schedule.task_definition.as_ref().unwrap();
        let content = observed.task_definitions.get(arn).map(|known| &known.content);
        let text = format!("{:?} {:?} {content:?}", schedule.expression, schedule.enabled);
        essence.insert(format!("schedule {}", schedule.name), text);
    }
    for state in observed.load_balancers.values() {
        let listeners = state.listeners.as_ref().unwrap();
        let forwards = |arn: Option<&Arn>| {
            let group = arn.and_then(|arn| observed.target_group_by_arn(arn));
            group.map(leads)
        };
        let mut listeners: Vec<_> = listeners
            .iter()
            .map(|l| {
                // The default one may be among the others, too.
                let more = l.more_certificates.iter().flatten();
                let more = more.filter(|more| Some(*more) != l.default_certificate.as_ref());
                let certificates = (&l.default_certificate, more.collect::<Vec<_>>());
                (l.port, &l.protocol, forwards(l.forwards_to()), certificates)
            })
            .collect();
        listeners.sort();
        essence.insert(
            format!("load balancer {}", state.name),
            format!(
                "{:?} {:?} {:?} {listeners:?}",
                state.subnets, state.security_groups, state.attributes
            ),
        );
    }
    for state in observed.target_groups.values() {
        let in_front = observed.load_balancers.values();
        let in_front: Vec<_> = in_front
            .filter(|l| state.load_balancers.contains(&l.arn))
            .map(|l| &l.name)
            .collect();
        essence.insert(
            format!("target group {}", leads(state)),
            format!("{:?} {:?} {in_front:?}", state.check, state.attributes),
        );
    }
    for (id, zone) in &observed.zones {
        for record in &zone.records {
            let text = match record.target() {
                Some(target) => format!("{target} for {} s", record.ttl()),
                None => format!("{:?}", record.content),
            };
            essence.insert(format!("{id} {} {:?}", record.name, record.kind), text);
        }
    }
    for claim in &observed.ports.claims {
        let before = essence.insert(format!("claim of {:?}", claim.owner), String::new());
        assert_eq!(before, None, "two claims of one owner");
    }
    essence
}

fn scaling(observed: &Observed) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (service, target) in &observed.scaling {
        // Which of two target groups it is depends on the story.
        let metric = |found: &ScalingPolicyState| match &found.metric {
            Some(Metric::Requests(label)) => label.split('/').nth(1).map(Into::into),
            metric => metric.as_ref().map(|metric| format!("{metric:?}")),
        };
        let policies: Vec<_> = target
            .policies
            .values()
            .map(|p| (metric(p), p.value.clone()))
            .collect();
        let text = format!("{:?} {policies:?} {:?}", target.range, target.actions);
        found.push((format!("scaling of {service}"), text));
    }
    found
}

fn any_process(rng: &mut Rng, name: &str) -> Process {
    let mut any = process(name);
    any = match rng.u8(..4) {
        0 => any,
        1 => any.external(),
        _ => any.internal(),
    };
    if any.scheme.is_some() {
        if rng.bool() {
            any = any.claimed();
        }
        if rng.u8(..3) == 0 {
            any = any.style(RecordStyle::Alias);
        }
        if rng.u8(..3) == 0 {
            any = any.unnamed();
        }
        any = any.container_port(*[8080, 9090].get(rng.usize(..2)).unwrap());
        any = match rng.u8(..8) {
            0 => any.tcp(5000),
            1 => any.https(&["c-1"]),
            2 => any.https(&["c-2", "c-1"]),
            3 => any.listener(81, 9000),
            4 => any.https(&["c-1"]).listener(81, 9000).idle_timeout(120),
            5 => turned(any.listener(81, 9000)),
            _ => any,
        };
    }
    any.image(["v1", "v2", "v3"][rng.usize(..3)])
        .quantity(rng.u32(0..3))
        .check_path(["/", "/up"][rng.usize(..2)])
}

fn counts_requests(process: &Process) -> bool {
    let mut listeners = process.listeners.iter();
    listeners.all(|(_, protocol, other)| *protocol != ListenerProtocol::Tcp && other.is_none())
}

fn turned(mut process: Process) -> Process {
    process.listeners.reverse();
    process
}

pub(super) fn any_app(rng: &mut Rng) -> Desired {
    let mut processes = Vec::new();
    for name in ["web", "api", "worker"] {
        if rng.u8(..4) > 0 {
            processes.push(any_process(rng, name));
        }
    }
    // Of its own, so that the rest of a seed's story is what it was before there were schedules.
    let mut kinds = Rng::with_seed(rng.get_seed());
    for process in &mut processes {
        *process = match kinds.u8(..8) {
            0 => process.clone().at("cron(0 3 * * ? *)"),
            1 => process.clone().at("cron(0 4 * * ? *)"),
            2 => process.clone().by_hand(),
            _ => continue,
        };
    }
    for process in &mut processes {
        *process = match kinds.u8(..6) {
            0 => process.clone().beside("proxy:v1"),
            1 => process.clone().beside("proxy:v2"),
            _ => continue,
        };
    }
    for process in &mut processes {
        if !matches!(process.runs, Kind::Service) {
            continue;
        }
        *process = match kinds.u8(..6) {
            0 => process.clone().scaled(1, 3),
            1 if process.scheme.is_some() && counts_requests(process) => {
                process.clone().scaled(2, 9).by_requests(500)
            }
            1 => process
                .clone()
                .scaled(2, 9)
                .from("cron(0 8 * * ? *)", Some(3), None),
            _ => continue,
        };
    }
    // One name that goes from process to process.
    if let Some(exposed) = processes.iter_mut().find(|process| process.scheme.is_some()) {
        exposed.names.insert((INTERNAL, "shop.corp.example".into()));
    }
    let mut wanted = app(processes);
    // Two for each, and two for what was there before.
    wanted.place.host_ports = Some(PortRange {
        first: 9000,
        last: 9011,
    });
    wanted
}

/// Edits on top of edits, each cut off at some write, with time and hands in the console in between: all the while
/// nothing is refused (`world::apply` would panic), and in the end everything is as the last manifest wants it.
#[test]
fn any_story_ends_as_the_last_manifest_wants_it() {
    // And one in which a target group that was as good as gone led to a container port that went, too.
    for seed in (0..400).chain([1_473]) {
        let mut rng = Rng::with_seed(seed);
        let mut world = nothing();
        for _ in 0..rng.u8(1..5) {
            let wanted = any_app(&mut rng);
            for _ in 0..rng.u8(..12) {
                match rng.u8(..8) {
                    0 => finish(&mut world),
                    1 => elapse(&wanted, &mut world),
                    2 => meddle(&mut rng, &mut world),
                    _ => {
                        world.waits_over.clear();
                        let changes = plan(&wanted, &world).changes;
                        let cut = rng.usize(..=changes.len());
                        changes[..cut].iter().for_each(|change| apply(&mut world, change));
                    }
                }
            }
        }
        let wanted = any_app(&mut rng);
        let outcome = std::panic::catch_unwind(move || {
            converge(&wanted, &mut world);
            assert_same(&wanted, &world, &settled(&wanted));
            let nothing_wanted = app([]);
            converge(&nothing_wanted, &mut world);
            assert_eq!(essence(&nothing_wanted, &world), BTreeMap::new());
        });
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

/// Makes a change by hand to a thing that is managed here.
fn meddle(rng: &mut Rng, world: &mut Observed) {
    match rng.u8(..7) {
        0 => {
            if let Some(name) = any_key(rng, &world.load_balancers) {
                remove_load_balancer(world, &name);
            }
        }
        1 => {
            if let Some(name) = any_key(rng, &world.load_balancers) {
                let state = world.load_balancers.get_mut(&name).unwrap();
                state.listeners = Some(Vec::new());
                let in_front = state.arn.clone();
                for group in world.target_groups.values_mut() {
                    group.load_balancers.remove(&in_front);
                }
            }
        }
        2 => {
            if let Some(name) = any_key(rng, &world.services) {
                world.services.remove(&name);
            }
        }
        3 => {
            // Not its ownership record: with its load balancer gone, too, nothing would say that a name is ours.
            let zone = world.zones.get_mut([INTERNAL, EXTERNAL][rng.usize(..2)]).unwrap();
            let name = zone
                .records
                .iter()
                .find(|record| record.target().is_some())
                .cloned();
            zone.records.retain(|record| Some(record) != name.as_ref());
        }
        4 => {
            // AWS lets a target group go that no listener forwards to, whatever a service thinks of it.
            let unused = world
                .target_groups
                .values()
                .find(|group| group.load_balancers.is_empty());
            if let Some(name) = unused.map(|group| group.name.clone()) {
                world.target_groups.remove(&name);
            }
        }
        5 if rng.bool() => {
            for target in world.scaling.values_mut() {
                target.range = Range { min: 5, max: 6 };
                target.policies.clear();
            }
        }
        5 => {
            for service in world.services.values_mut() {
                service.desired = 7;
                service.zone_rebalancing = Some(false);
                service.circuit_breaker = Some(CircuitBreaker {
                    enable: false,
                    rollback: false,
                });
            }
        }
        _ => {
            for group in world.target_groups.values_mut() {
                group.check.interval = 77;
            }
        }
    }
}

fn any_key<V>(rng: &mut Rng, map: &SharedMap<String, V>) -> Option<String> {
    let keys: Vec<&String> = map.keys().collect();
    (!keys.is_empty()).then(|| keys[rng.usize(..keys.len())].clone())
}
