//! What each change rests on.

use super::Basis;
use crate::change::{
    Change, ListenerWrite, LoadBalancerWrite, PortWrite, RecordBatch, ScalingStep, ScalingWrite,
    ScheduleWrite, ServiceWrite, Tagged, TagsWrite, TargetGroupWrite, Write,
};
use crate::model::desired::{Adopted, Desired, RecordKey};
use crate::model::name::Arn;
use crate::model::named::Named;
use crate::model::part::Part;
use crate::model::record::{RecordChange, RecordStyle};
use crate::model::scaling::Range;
use crate::model::service::{Attachment, ServiceUpdate};
use crate::model::state::Observed;
use crate::plan::fixtures::{INTERNAL, app, claim, owner, ownership, pointer, process, settled};

const SERVICE: &str = "shop_acme_web";

fn service() -> Named {
    Named::Service(SERVICE.into())
}

fn group(name: &str) -> Named {
    Named::TargetGroup(name.into())
}

fn balancer(name: &str) -> Named {
    Named::LoadBalancer(name.into())
}

fn arn(kind: &str, name: &str) -> Arn {
    Arn(format!(
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:{kind}/{name}/0123456789abcdef"
    ))
}

/// The service web, attached to the target groups `old` and `new` of load balancers of the same names.
fn attached() -> (Desired, Observed) {
    let desired = app([process("web").internal()]);
    let mut observed = settled(&desired);
    let state = std::mem::take(&mut observed.target_groups)
        .into_values()
        .next()
        .unwrap();
    let service = observed.services.get_mut(SERVICE).unwrap();
    service.attachments.clear();
    for name in ["old", "new"] {
        let mut group = state.clone();
        group.name = name.into();
        group.arn = arn("targetgroup", name);
        group.load_balancers = [arn("loadbalancer/app", name)].into();
        service.attachments.push(Attachment {
            target_group: group.arn.clone(),
            container: "web".into(),
            container_port: 8080,
        });
        observed.target_groups.insert(name.into(), group);
    }
    (desired, observed)
}

fn update(update: ServiceUpdate, attachments: Option<&[&str]>) -> Change {
    let attachment = |group: &&str| Attachment {
        target_group: (*group).into(),
        container: "web".into(),
        container_port: 8080,
    };
    Change::of(
        "web",
        ServiceWrite::Update {
            service: SERVICE.into(),
            update,
            task_definition: None,
            attachments: attachments.map(|groups| groups.iter().map(attachment).collect()),
            rollout: None,
        },
    )
}

#[track_caller]
fn check(change: impl Into<Change>, expected: Basis) {
    let (desired, observed) = attached();
    let change = change.into();
    let found = change.rests_on(&desired, &observed);
    assert_eq!(Some(found), Some(expected), "{change}");
}

#[test]
fn a_service_rests_on_itself_and_on_what_it_leaves() {
    let service_write = |write| Change::of("web", write);
    let name = || SERVICE.into();
    check(
        service_write(ServiceWrite::Untag { service: name() }),
        Basis::singly([service()]),
    );
    let deployment = Arn("arn:aws:ecs:us-east-1:123456789012:service-deployment/1".into());
    let stop = ServiceWrite::StopRollout {
        service: name(),
        deployment,
    };
    check(service_write(stop), Basis::singly([service()]));
    check(update(ServiceUpdate::default(), None), Basis::Lists);
    let strategy = ServiceUpdate {
        rolling: true,
        ..ServiceUpdate::default()
    };
    check(update(strategy, None), Basis::singly([service()]));
    // One comes, and none goes.
    let more = update(ServiceUpdate::default(), Some(&["old", "new", "newer"]));
    check(more, Basis::singly([service()]));
    let less = update(ServiceUpdate::default(), Some(&["new"]));
    let leaves = [service(), group("old"), balancer("old")];
    check(less, Basis::unnamed(leaves));
    let all = [
        service(),
        group("old"),
        balancer("old"),
        group("new"),
        balancer("new"),
    ];
    check(
        service_write(ServiceWrite::Delete { service: name() }),
        Basis::unnamed(all),
    );
}

/// Where no name is left that may lead to it, whatever is in front.
#[test]
fn a_service_without_names_rests_on_itself_and_on_its_names() {
    let (desired, mut observed) = attached();
    for zone in observed.zones.values_mut() {
        zone.records.clear();
    }
    let delete = Change::of(
        "web",
        ServiceWrite::Delete {
            service: SERVICE.into(),
        },
    );
    assert_eq!(delete.rests_on(&desired, &observed), Basis::unnamed([service()]));
    observed.unread.insert(Part::Zone(INTERNAL.into()));
    let Basis::Unnamed(all) = delete.rests_on(&desired, &observed) else {
        panic!("a name may be there");
    };
    assert_eq!(all.len(), 5);
}

#[test]
fn what_is_deleted_or_untagged_rests_on_itself_and_its_service() {
    let of_web = |write: crate::change::Write| Change::of("web", write);
    let load_balancer = || "old".to_owned();
    let delete = LoadBalancerWrite::Delete {
        load_balancer: load_balancer(),
    };
    check(
        of_web(delete.into()),
        Basis::unnamed([service(), balancer("old")]),
    );
    let subnets = LoadBalancerWrite::SetSubnets {
        load_balancer: load_balancer(),
        subnets: Vec::new(),
    };
    check(of_web(subnets.into()), Basis::Lists);
    let delete = TargetGroupWrite::Delete {
        target_group: "old".into(),
    };
    check(of_web(delete.into()), Basis::singly([service(), group("old")]));
    let listeners = Named::Listeners("old".into());
    let delete = ListenerWrite::Delete {
        load_balancer: load_balancer(),
        port: 81,
    };
    check(
        of_web(delete.into()),
        Basis::singly([service(), listeners.clone()]),
    );
    let delete = ScheduleWrite::Delete {
        group: "empire-1".into(),
        schedule: "acme-web-1".into(),
    };
    let schedule = Named::Schedule("acme-web-1".into());
    check(of_web(delete.into()), Basis::singly([service(), schedule]));
    let claim = || claim(9000, &owner(), "web", 8080);
    check(PortWrite::Release(claim()), Basis::singly([service()]));
    check(PortWrite::Claim(claim()), Basis::Lists);
    let untag = TagsWrite::Remove {
        resources: vec![
            Tagged::Listener {
                load_balancer: load_balancer(),
                port: 80,
            },
            Tagged::LoadBalancer(load_balancer()),
        ],
    };
    check(untag, Basis::singly([listeners, balancer("old")]));
}

#[test]
fn a_name_that_moves_rests_on_where_it_leads_then() {
    let (desired, _) = attached();
    let (RecordKey { name, .. }, wanted) = desired.records.first_key_value().unwrap();
    let record = |name: &str| pointer(name, RecordStyle::Cname { ttl: 60 }, "old");
    let batch = |changes: &[RecordChange]| RecordBatch {
        zone: INTERNAL.into(),
        changes: changes.to_vec(),
    };
    let made = RecordChange::Create(record(name));
    check(batch(std::slice::from_ref(&made)), Basis::Lists);
    let moved = [RecordChange::Delete(record(name)), made];
    let there = [service(), balancer(&wanted.load_balancer)];
    check(batch(&moved), Basis::singly(there));
    // AWS compares it: nothing of ours stays there.
    check(
        batch(&[RecordChange::Delete(record("other.corp.example"))]),
        Basis::singly([]),
    );
}

/// An ownership record that goes says whose service the name led to.
#[test]
fn a_name_that_goes_rests_on_its_service_where_that_may_have_been_adopted() {
    let (mut desired, observed) = attached();
    let gone = RecordChange::Delete(ownership("other.corp.example", &owner(), "web"));
    let batch = RecordBatch {
        zone: INTERNAL.into(),
        changes: vec![gone],
    };
    let change = Change::from(batch);
    for (stays, may_be_there, expected) in [
        (true, true, Basis::singly([service()])),
        (true, false, Basis::singly([])),
        (false, true, Basis::singly([])),
    ] {
        desired.adopted = Adopted { stays, may_be_there };
        assert_eq!(change.rests_on(&desired, &observed), expected);
    }
}

/// AWS may have scaled it, and its range, since the lists were read.
#[test]
fn the_count_of_a_scaled_service_rests_on_what_is_there_now() {
    let scaled = app([process("web").scaled(2, 4)]);
    let observed = settled(&scaled);
    let count = Change::of(
        "web",
        ServiceWrite::Update {
            service: SERVICE.into(),
            update: ServiceUpdate {
                desired_count: Some(2),
                ..ServiceUpdate::default()
            },
            task_definition: None,
            attachments: None,
            rollout: None,
        },
    );
    let target = Named::ScalableTarget(SERVICE.into());
    let expected = Basis::singly([service(), target.clone()]);
    assert_eq!(count.rests_on(&scaled, &observed), expected);
    // Whatever else goes along.
    let mut switched = count.clone();
    if let Write::Service(ServiceWrite::Update { attachments, .. }) = &mut switched.write {
        *attachments = Some(Vec::new());
    }
    let Basis::Singly(things) = switched.rests_on(&scaled, &observed) else {
        panic!("{switched:?}");
    };
    assert!(things.contains(&target) && things.contains(&service()));
    // What nobody scales is set by the list.
    let counted = app([process("web")]);
    assert_eq!(count.rests_on(&counted, &settled(&counted)), Basis::Lists);
    let step = |step| Change::of("web", ScalingWrite::new(SERVICE, step));
    for taking in [
        ScalingStep::SetRange(Range { min: 2, max: 4 }),
        ScalingStep::Deregister,
        ScalingStep::Untag,
    ] {
        let basis = step(taking).rests_on(&scaled, &observed);
        assert_eq!(basis, Basis::singly([target.clone()]));
    }
    let put = step(ScalingStep::DeletePolicy("empire-cpu".into()));
    assert_eq!(put.rests_on(&scaled, &observed), Basis::Lists);
}
