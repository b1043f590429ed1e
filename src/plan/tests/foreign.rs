//! Nothing is touched that is not ours: thousands of worlds that cannot be, from a seed, so that a failure comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use fastrand::Rng;

use super::random::any_app;
use super::worker;
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, LogGroupStep, LogGroupWrite, PortWrite, RecordBatch,
    Registration, ScalingStep, ScalingWrite, ScheduleWrite, ServiceWrite, Tagged, TagsWrite,
    TargetGroupWrite, Write,
};
use crate::model::desired::{Desired, DesiredProcess};
use crate::model::load_balancer::Scheme;
use crate::model::log_group::{LogGroupState, LogGroups};
use crate::model::name::{Arn, family};
use crate::model::owner::{OWNER_TAG, Owner, Tags, adopted_tag, has_no_owner};
use crate::model::record::{
    RecordChange, RecordContent, RecordKind, RecordSet, RecordStyle, normalize, txt_text,
};
use crate::model::state::{LoadBalancerStatus, Observed, Rollout, ServiceState, ServiceStatus};
use crate::plan::fixtures::log_group::{GROUP, logging};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::{
    EXTERNAL, app, arn, balancer, definition, deployment, owner, owner_of, pointer, settled, txt,
};

/// Not even a world that cannot be makes the plan panic, or touch what is not ours.
#[test]
fn in_any_world_at_all_only_what_is_ours_is_touched() {
    let mut touched = 0;
    for seed in 0..2_500 {
        let mut rng = Rng::with_seed(seed);
        let mut wanted = any_app(&mut rng);
        let world = any_world(&mut rng);
        match rng.u8(..4) {
            0 => wanted.adopts = true,
            1 => wanted = Desired::retaining(wanted.owner, wanted.place),
            _ => {}
        }
        wanted.adopted.stays = rng.bool();
        let rules = [LogGroups::None, LogGroups::Kept, LogGroups::Deleted];
        let rule = rules[rng.usize(..rules.len())];
        if rule != LogGroups::None {
            wanted = logging(wanted, rule);
        }
        let plan = plan(&wanted, &world);
        for change in &plan.changes {
            let verdict = std::panic::catch_unwind(|| check_change(&wanted, &world, change));
            assert!(verdict.is_ok(), "seed {seed}: {change:?}");
            touched += 1;
        }
        let distinct: BTreeSet<String> = plan.changes.iter().map(|c| format!("{c:?}")).collect();
        assert_eq!(
            distinct.len(),
            plan.changes.len(),
            "seed {seed}: the same change twice"
        );
    }
    assert!(
        touched > 2_500,
        "only {touched} changes: such worlds prove nothing"
    );
}

#[expect(clippy::too_many_lines, reason = "one arm a change")]
fn check_change(wanted: &Desired, world: &Observed, change: &Change) {
    let ours = |tags: Option<&Tags>| tags.is_some_and(|tags| wanted.owner.owns(tags));
    let our_balancer = |name: &String| ours(world.load_balancers.get(name).map(|state| &state.tags));
    let group = |name: &String| ours(world.target_groups.get(name).map(|state| &state.tags));
    let service = |name: &String| ours(world.services.get(name).map(|state| &state.tags));
    let may_tag = |tags: &Tags| wanted.owner.owns(tags) || wanted.adopts && has_no_owner(tags);
    let leaves = |name: &String| {
        let found = world.services.get(name);
        found.is_some_and(|found| wanted.leaves(found))
    };
    let claims = &world.ports.claims;
    match &change.write {
        Write::Task(_) => assert!(world.release.open().is_some()),
        Write::Port(PortWrite::Claim(claim)) => {
            assert!(!world.ports.is_taken(claim.port));
            assert_eq!(claim.owner.app, wanted.owner.app);
        }
        Write::Port(PortWrite::Release(claim)) => {
            assert!(claims.contains(claim) && claim.owner.app == wanted.owner.app);
        }
        Write::LoadBalancer(LoadBalancerWrite::Create { load_balancer, .. }) => {
            assert!(!world.load_balancers.contains_key(&load_balancer.name));
        }
        Write::TargetGroup(TargetGroupWrite::Create { target_group, .. }) => {
            assert!(!world.target_groups.contains_key(&target_group.name));
        }
        Write::LoadBalancer(
            LoadBalancerWrite::SetSubnets { load_balancer, .. }
            | LoadBalancerWrite::SetSecurityGroups { load_balancer, .. }
            | LoadBalancerWrite::ModifyAttributes { load_balancer, .. },
        )
        | Write::Listener(
            ListenerWrite::AddCertificate { load_balancer, .. }
            | ListenerWrite::RemoveCertificate { load_balancer, .. },
        ) => {
            assert!(our_balancer(load_balancer));
        }
        Write::Listener(
            ListenerWrite::Create {
                load_balancer,
                listener,
                ..
            }
            | ListenerWrite::Modify {
                load_balancer,
                listener,
                ..
            },
        ) => {
            let leads = listener.target_group().is_none_or(|name| group(&name.to_owned()));
            assert!(our_balancer(load_balancer) && leads);
        }
        Write::Listener(ListenerWrite::Delete {
            load_balancer, port, ..
        }) => {
            let listeners = world.load_balancers[load_balancer].listeners.as_ref().unwrap();
            let found = listeners.iter().find(|l| l.port == *port).unwrap();
            assert!(our_balancer(load_balancer) && ours(found.tags.as_ref()));
        }
        Write::LoadBalancer(LoadBalancerWrite::Delete { load_balancer, .. }) => {
            assert!(our_balancer(load_balancer));
            assert!(
                !is_named(wanted, world, load_balancer),
                "a name of ours points there"
            );
            assert!(
                !is_used(wanted, world, load_balancer),
                "a service of ours is behind it"
            );
        }
        Write::TargetGroup(
            TargetGroupWrite::Modify { target_group, .. }
            | TargetGroupWrite::ModifyAttributes { target_group, .. },
        ) => {
            assert!(group(target_group));
        }
        Write::TargetGroup(TargetGroupWrite::Delete { target_group, .. }) => {
            assert!(group(target_group));
            let arn = &world.target_groups[target_group].arn;
            let ours = |service: &&ServiceState| wanted.owner.owns(&service.tags);
            let mut attachments = world.services.values().filter(ours).flat_map(|s| &s.attachments);
            assert!(attachments.all(|attachment| &attachment.target_group != arn));
        }
        Write::TaskDefinition(Registration { content, .. }) => {
            assert!(world.registered(content, &wanted.owner).is_none());
        }
        Write::Service(ServiceWrite::Create { service, .. }) => {
            assert!(!world.services.contains_key(&service.name));
        }
        Write::Service(ServiceWrite::Update {
            service: name,
            attachments,
            ..
        }) => {
            assert!(service(name));
            assert_eq!(world.services[name].status, ServiceStatus::Active);
            assert!(
                attachments
                    .iter()
                    .flatten()
                    .all(|attachment| group(&attachment.target_group))
            );
        }
        Write::Service(ServiceWrite::Delete { service: name }) => {
            let stays = wanted
                .processes
                .get(change.process().unwrap())
                .and_then(DesiredProcess::service);
            assert!(service(name) && stays.is_none() && !leaves(name));
        }
        Write::Service(ServiceWrite::StopRollout { service: name, .. }) => assert!(service(name)),
        Write::Service(ServiceWrite::Tag { service: name, .. }) => {
            assert!(may_tag(&world.services[name].tags));
        }
        Write::Service(ServiceWrite::Untag { service: name, .. }) => {
            assert!(wanted.retains && service(name) || leaves(name) && is_alone(wanted, world, name));
        }
        Write::Port(PortWrite::Retain(claim)) => {
            assert!(wanted.retains || leaves(&family(&wanted.owner.app, &claim.owner.process)));
            assert_eq!(claim.owner.app, wanted.owner.app);
        }
        Write::Port(PortWrite::TakeBack(claim)) => assert_eq!(claim.owner.app, wanted.owner.app),
        Write::Tags(TagsWrite::Remove { resources }) => {
            let mut tags = resources.iter().map(|resource| tags_of(world, resource));
            assert!(tags.all(|tags| wanted.owner.owns(tags)));
            let mut resources = resources.iter();
            assert!(wanted.retains || resources.all(|resource| is_left(wanted, world, resource)));
        }
        Write::Scaling(ScalingWrite { service: name, step }) => match (step, world.scaling.get(name)) {
            (ScalingStep::Register { .. }, found) => assert!(found.is_none() && service(name)),
            (ScalingStep::Tag(_), Some(found)) => assert!(may_tag(&found.tags)),
            (ScalingStep::Untag, Some(found)) => {
                let is_let_go = wanted.retains || leaves(name) || !service(name);
                assert!(wanted.owner.owns(&found.tags) && is_let_go);
            }
            (_, found) => assert!(found.is_some_and(|found| wanted.owner.owns(&found.tags))),
        },
        Write::LogGroup(LogGroupWrite { name, step }) => {
            let found = world.log_group.as_ref().filter(|found| found.name == *name);
            let is_ours = found.is_some_and(|found| wanted.owner.owns(&found.tags));
            match step {
                LogGroupStep::Create { .. } => assert!(found.is_none()),
                LogGroupStep::Tag(_) => assert!(may_tag(&found.unwrap().tags)),
                LogGroupStep::SetRetention(_) | LogGroupStep::AssociateKey(_) => assert!(is_ours),
                LogGroupStep::Untag => assert!(is_ours && (wanted.retains || wanted.adopted.stays)),
                LogGroupStep::Delete => {
                    let is_used = world
                        .services
                        .values()
                        .any(|found| wanted.owner.owns(&found.tags));
                    assert!(is_ours && !is_used && wanted.place.log_groups == LogGroups::Deleted);
                }
            }
        }
        Write::Schedule(ScheduleWrite::CreateGroup { .. }) => assert!(world.schedule_group.is_none()),
        Write::Schedule(ScheduleWrite::Create { schedule, .. }) => {
            let group = world.schedule_group.as_ref().unwrap();
            assert!(wanted.owner.shares(&group.tags) && !world.schedules.contains_key(&schedule.name));
        }
        Write::Schedule(ScheduleWrite::Update { schedule, .. }) => {
            let found = &world.schedules[&schedule.name];
            assert!(found.is_of(&wanted.owner) || wanted.adopts && found.has_no_owner());
        }
        Write::Schedule(ScheduleWrite::Delete { schedule, .. } | ScheduleWrite::Release { schedule, .. }) => {
            let mut ours = world.schedules_of(&wanted.owner);
            let found = ours.find(|found| &found.name == schedule).unwrap();
            let is_released = matches!(change.write, Write::Schedule(ScheduleWrite::Release { .. }));
            let stays = wanted.retains || wanted.adopted.stays && found.is_adopted();
            assert_eq!(is_released, stays);
        }
        Write::Tags(TagsWrite::Add { resources, .. }) => {
            let mut tags = resources.iter().map(|resource| tags_of(world, resource));
            assert!(tags.all(may_tag));
        }
        Write::Records(RecordBatch { zone, changes }) => {
            for change in changes {
                check_record(wanted, world, zone, change);
            }
        }
    }
}

fn tags_of<'a>(world: &'a Observed, resource: &Tagged) -> &'a Tags {
    match resource {
        Tagged::LoadBalancer(name)
        | Tagged::Listener {
            load_balancer: name, ..
        } => &world.load_balancers[name].tags,
        Tagged::TargetGroup(name) => &world.target_groups[name].tags,
    }
}

/// A service that stays has no target group of ours for itself any more when it is let go of.
fn is_alone(wanted: &Desired, world: &Observed, service: &str) -> bool {
    let mut attachments = world.services[service].attachments.iter();
    attachments.all(|attachment| {
        let group = world.target_group_by_arn(&attachment.target_group);
        let is_others = |name: &String| {
            let is_attached = |found: &&ServiceState| {
                let mut others = found.attachments.iter();
                found.name != service && others.any(|other| other.target_group == attachment.target_group)
            };
            let mut balancings = wanted
                .processes
                .values()
                .flat_map(|process| &process.load_balancing);
            balancings.any(|balancing| balancing.slots.contains(name))
                || world.services.values().any(|found| is_attached(&found))
        };
        group.is_none_or(|group| !wanted.owner.owns(&group.tags) || is_others(&group.name))
    })
}

/// A service that stays is attached to it.
fn is_left(wanted: &Desired, world: &Observed, resource: &Tagged) -> bool {
    match resource {
        Tagged::LoadBalancer(name)
        | Tagged::Listener {
            load_balancer: name, ..
        } => wanted.left_balancers(world).any(|found| &found.name == name),
        Tagged::TargetGroup(name) => {
            let services = world.services.values().filter(|found| wanted.leaves(found));
            let mut attachments = services.flat_map(|service| &service.attachments);
            let group = &world.target_groups[name];
            attachments.any(|attachment| attachment.target_group == group.arn)
                || wanted
                    .left_balancers(world)
                    .any(|found| group.load_balancers.contains(&found.arn))
        }
    }
}

fn check_record(wanted: &Desired, world: &Observed, zone: &str, change: &RecordChange) {
    let records = &world.zones[zone].records;
    match change {
        RecordChange::Delete(record) => {
            assert!(records.iter().any(|known| **known == *record), "not as listed");
            let name = record.name.strip_prefix("_empire.").unwrap_or(&record.name);
            assert!(is_ours(&wanted.owner, world, records, name), "{name} is not ours");
        }
        RecordChange::Create(record) => {
            let name = record.name.strip_prefix("_empire.").unwrap_or(&record.name);
            let texts = records.iter().filter(|r| r.name == format!("_empire.{name}"));
            let theirs = texts.filter(|r| r.kind == RecordKind::Txt && !owns_text(&wanted.owner, r));
            assert_eq!(theirs.count(), 0, "{name} is somebody else's");
            assert!(
                wanted
                    .records
                    .keys()
                    .any(|key| key.zone == zone && key.name == name)
            );
        }
    }
}

fn owns_text(owner: &Owner, record: &RecordSet) -> bool {
    match &record.content {
        RecordContent::Values { values, .. } => values
            .first()
            .is_some_and(|value| owner.owns_record_text(&txt_text(value))),
        RecordContent::Alias { .. } | RecordContent::Routed { .. } => false,
    }
}

/// By docs/aws.md#names: its TXT says so, or it has none and points at a load balancer with our tags.
fn is_ours(owner: &Owner, world: &Observed, records: &[Arc<RecordSet>], name: &str) -> bool {
    let text = records
        .iter()
        .find(|r| r.name == format!("_empire.{name}") && r.kind == RecordKind::Txt);
    if let Some(text) = text {
        return owns_text(owner, text);
    }
    let targets = records
        .iter()
        .filter(|r| r.name == name)
        .filter_map(|record| record.target());
    let ours: BTreeSet<String> = world
        .load_balancers
        .values()
        .filter(|state| owner.owns(&state.tags))
        .map(|state| normalize(&state.dns_name))
        .collect();
    targets.into_iter().any(|target| ours.contains(&target))
}

fn is_named(wanted: &Desired, world: &Observed, load_balancer: &str) -> bool {
    let dns_name = normalize(&world.load_balancers[load_balancer].dns_name);
    world.zones.values().any(|zone| {
        zone.records.iter().any(|record| {
            record.target().as_ref() == Some(&dns_name)
                && is_ours(&wanted.owner, world, &zone.records, &record.name)
        })
    })
}

fn is_used(wanted: &Desired, world: &Observed, load_balancer: &str) -> bool {
    let in_front = &world.load_balancers[load_balancer].arn;
    let mut services = world.services.values().filter(|s| wanted.owner.owns(&s.tags));
    services.any(|service| {
        service.attachments.iter().any(|attachment| {
            world
                .target_group_by_arn(&attachment.target_group)
                .is_some_and(|group| {
                    wanted.owner.owns(&group.tags) && group.load_balancers.contains(in_front)
                })
        })
    })
}

/// Parts of two Apps' worlds, each thing with any owner, in any state, with parts missing.
fn any_world(rng: &mut Rng) -> Observed {
    let mut world = settled(&any_app(rng));
    world.log_group = (rng.u8(..3) > 0).then(|| {
        let mut tags = owner().app_tags();
        any_owner(rng, &mut tags);
        LogGroupState {
            name: GROUP.into(),
            arn: Some(arn("log-group", GROUP)),
            retention_days: rng.bool().then_some(1),
            kms_key: None,
            tags,
        }
    });
    let more = settled(&any_app(rng));
    world.load_balancers.extend(more.load_balancers);
    world.target_groups.extend(more.target_groups);
    world.task_definitions.extend(more.task_definitions);
    world.ports.recovered = rng.u8(..4) > 0;
    for claim in more.ports.claims {
        if !world.ports.claims.contains(&claim) {
            world.ports.claims.push(claim);
        }
    }
    for zone in world.zones.values_mut() {
        any_records(rng, &mut zone.records);
    }
    let groups: Vec<Arn> = world
        .target_groups
        .values()
        .map(|group| group.arn.clone())
        .collect();
    let balancers: Vec<Arn> = world.load_balancers.values().map(|l| l.arn.clone()).collect();
    for service in world.services.values_mut() {
        any_owner(rng, &mut service.tags);
        if rng.u8(..5) == 0 {
            service.status = ServiceStatus::Draining;
        }
        if rng.u8(..3) == 0 {
            let rollout = [Rollout::InProgress, Rollout::Failed][rng.usize(..2)];
            service
                .deployments
                .push(deployment(&service.task_definition, 1, rollout));
        }
        if rng.u8(..6) == 0 {
            service.deployments.clear();
        }
        for attachment in &mut service.attachments {
            if rng.bool() {
                let any = groups.get(rng.usize(..=groups.len()));
                attachment.target_group = any.cloned().unwrap_or_else(|| arn("group", "ghost"));
            }
        }
    }
    for target in world.scaling.values_mut() {
        any_owner(rng, &mut target.tags);
        target.range.max += rng.u32(..2);
    }
    for state in world.load_balancers.values_mut() {
        any_owner(rng, &mut state.tags);
        state.status = match rng.u8(..4) {
            0 => LoadBalancerStatus::Provisioning,
            1 => LoadBalancerStatus::Failed("no addresses".into()),
            _ => LoadBalancerStatus::Active,
        };
        if rng.u8(..4) == 0 {
            state.listeners = None;
        }
        if rng.u8(..4) == 0 {
            world.waits_over.insert(state.name.clone());
        }
    }
    for group in world.target_groups.values_mut() {
        any_owner(rng, &mut group.tags);
        if rng.u8(..3) == 0 {
            group.load_balancers = balancers.iter().filter(|_| rng.bool()).cloned().collect();
        }
        if rng.u8(..4) == 0 {
            group.attributes = None;
        }
    }
    if rng.u8(..4) == 0 {
        let stray = definition(
            app([worker()]).processes["worker"].task_definition.clone(),
            &Tags::new(),
            9,
        );
        world.task_definitions = [(stray.arn.clone(), stray)].into_iter().collect();
    }
    Arc::make_mut(&mut world.ports.taken).insert(rng.u16(8999..9005));
    if rng.u8(..8) == 0 {
        world.zones.remove(EXTERNAL);
    }
    world
}

fn any_owner(rng: &mut Rng, tags: &mut Tags) {
    *tags = match rng.u8(..10) {
        5 => {
            tags.extend(adopted_tag());
            return;
        }
        4 => {
            tags.remove(OWNER_TAG);
            return;
        }
        0 => owner_of("installation-2", "shop", "acme").tags("web"),
        1 => owner_of("installation-1", "shop", "acme2").tags("web"),
        2 => Tags::new(),
        3 => owner().tags(["web", "api", "worker", "gone"][rng.usize(..4)]),
        _ => return,
    };
}

fn any_records(rng: &mut Rng, records: &mut Vec<Arc<RecordSet>>) {
    records.retain(|_| rng.u8(..5) > 0);
    for record in records.iter_mut() {
        let text = match rng.u8(..8) {
            0 => owner_of("installation-2", "shop", "acme").record_text("web"),
            1 => owner_of("installation-1", "blog", "acme").record_text("web"),
            2 => "v=spf1 -all".into(),
            _ => continue,
        };
        if record.kind == RecordKind::Txt {
            *record = txt(&record.name, &text).into();
        }
    }
    for name in [
        "www.corp.example",
        "acme-web.corp.example",
        "acme-web.example.com",
    ] {
        if rng.u8(..4) > 0 {
            continue;
        }
        let scheme = [Scheme::Internal, Scheme::InternetFacing][rng.usize(..2)];
        let target = match rng.u8(..3) {
            0 => "elsewhere".to_owned(),
            _ => balancer(["web", "api"][rng.usize(..2)], scheme),
        };
        let style = [RecordStyle::Alias, RecordStyle::Cname { ttl: 5 }][rng.usize(..2)];
        let mut record = pointer(name, style, &target);
        if rng.u8(..4) == 0 {
            record.kind = RecordKind::Other("AAAA".into());
        }
        records.push(record.into());
    }
}
