//! One process's trouble, or one App's, never holds back another's; and what fails says so.

use crate::fake_aws::{Disturbance, When, Write};
use crate::fixtures::{acme, app, staging, web, worker};
use crate::world::World;

const REFUSED: Disturbance = Disturbance::Refusal("ClientException", "No.");
const THROTTLED: Disturbance = Disturbance::Refusal("ThrottlingException", "Rate exceeded");
const DENIED: Disturbance = Disturbance::Refusal("AccessDeniedException", "You are not authorized");

#[test]
fn a_refused_task_definition_does_not_hold_back_the_others() {
    let mut world = World::new(&staging());
    world
        .aws
        .disturb("ecs:RegisterTaskDefinition", "shop_acme_worker", REFUSED);
    world.apply(&acme());
    world.settle();
    assert_eq!(world.aws.desired_count("shop_acme_web"), Some(2));
    assert_eq!(world.aws.desired_count("shop_acme_worker"), None);
    let reason = world.reason("shop/acme");
    assert!(
        reason.starts_with("Refused: process worker:") && reason.contains("No."),
        "{reason}"
    );

    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn a_refused_task_definition_does_not_hold_back_the_scaling_of_its_process() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world
        .aws
        .disturb("ecs:RegisterTaskDefinition", "shop_acme_worker", REFUSED);
    world.apply(&acme().process("worker", worker().quantity(4).env("A", "1")));
    world.settle();
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(4));
}

#[test]
fn a_denied_load_balancer_does_not_hold_back_the_worker() {
    let mut world = World::new(&staging());
    world
        .aws
        .disturb("elasticloadbalancing:CreateLoadBalancer", "", DENIED);
    world.apply(&acme());
    world.settle_or_not();
    assert_eq!(world.aws.desired_count("shop_acme_worker"), Some(1));
    assert_eq!(world.aws.desired_count("shop_acme_web"), None);
    let reason = world.reason("shop/acme");
    assert!(reason.starts_with("AccessDenied: "), "{reason}");

    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn throttling_ends_calls_of_its_kind_holds_up_no_other_and_leaves_ready_as_it_was() {
    let mut world = World::new(&staging());
    world.apply(&acme().process("api", web().exposed()));
    world.settle();
    let target_group = world.aws.target_groups_of("shop/acme", "web").remove(0);
    let balancers = ["web", "api"].map(|process| world.aws.load_balancers_of("shop/acme", process).remove(0));
    let mut console = world.aws.by_hand();
    for load_balancer in &balancers {
        console.set_subnets(load_balancer, &["subnet-x", "subnet-y"]);
    }
    console.set_check(&target_group, "/elsewhere", 30);
    drop(console);
    world
        .aws
        .disturb("elasticloadbalancing:SetSubnets", "", THROTTLED);
    world.aws.take_attempts();
    world.step();
    let attempts = world.aws.take_attempts();
    let calls: Vec<&str> = attempts
        .iter()
        .filter_map(|attempt| attempt.split(' ').next())
        .collect();
    assert_eq!(
        calls,
        [
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:ModifyTargetGroup"
        ]
    );
    world.assert_ready();

    world.aws.calm();
    assert_eq!(world.settle().len(), 2);
    world.assert_ready();
}

#[test]
fn a_throttled_first_pass_is_not_ready() {
    let mut world = World::new(&staging());
    world.aws.disturb("ecs:RegisterTaskDefinition", "", THROTTLED);
    world.apply(&acme());
    world.run(3);
    let reason = world.reason("shop/acme");
    assert!(!reason.starts_with("Ready"), "{reason}");
}

#[test]
fn one_broken_app_leaves_the_others_alone() {
    let mut world = World::new(&staging());
    world.aws.disturb("ecs:CreateService", "shop_acme_", REFUSED);
    world.apply(&acme());
    world.apply(&app("other").process("web", web()));
    world.settle_or_not();
    assert_eq!(world.reason("shop/other"), "Ready");
    assert!(world.reason("shop/acme").contains("No."));
}

#[test]
fn denied_reads_change_nothing_and_say_so() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    for read in [
        "ecs:ListServices",
        "ecs:DescribeServices",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "route53:ListResourceRecordSets",
    ] {
        world.aws.disturb_read(read, DENIED);
        world.aws.take_attempts();
        world.run(2);
        assert!(world.aws.take_attempts().is_empty(), "{read}");
        // Nothing has become of what is there.
        world.assert_ready();
        let conditions = world.status("shop/acme").conditions;
        let reconciling = conditions.iter().find(|c| c.type_ == "Reconciling").unwrap();
        assert_eq!(reconciling.reason, "AccessDenied", "{read}");
        assert!(
            reconciling.message.contains(read),
            "{read}: {}",
            reconciling.message
        );
        world.aws.calm();
    }
    world.settle();
    world.assert_ready();
}

#[test]
fn reads_that_time_out_leave_ready_as_it_was() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    world
        .aws
        .disturb_read("ecs:ListServices", Disturbance::Timeout(When::Before));
    world.run(2);
    world.assert_ready();
}

#[test]
fn a_load_balancer_that_fails_says_why() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.run(1);
    let name = world.aws.load_balancers_of("shop/acme", "web").remove(0);
    world
        .aws
        .by_hand()
        .fail_load_balancer(&name, "no addresses are left in subnet-c");
    world.settle();
    let reason = world.reason("shop/acme");
    assert!(reason.contains("no addresses are left in subnet-c"), "{reason}");
}

/// One of two names is somebody else's, created after the zone was read: the batch is refused, and only that name waits.
#[test]
fn a_name_that_is_taken_at_the_last_moment_does_not_hold_back_the_other() {
    use empire_controller::model::record::RecordKind;
    let mut world = World::new(&staging());
    world.apply(&acme());
    world
        .aws
        .on_next_write("route53:ChangeResourceRecordSets", |console| {
            console.foreign_record("ZINTERNAL", "acme.example.com", RecordKind::A, "192.0.2.1");
        });
    world.settle();
    assert!(
        world
            .aws
            .pointed_at("ZINTERNAL", "acme-web.example.com")
            .is_some()
    );
    assert!(world.aws.pointed_at("ZINTERNAL", "acme.example.com").is_none());
    let reason = world.reason("shop/acme");
    assert!(
        reason.starts_with("Conflict: ") && reason.contains("acme.example.com"),
        "{reason}"
    );
    world
        .aws
        .by_hand()
        .delete_records("ZINTERNAL", "acme.example.com");
    world.settle();
    world.assert_ready();
}

/// Two names that AWS refuses, each on its own: until they may be tried again, no batch with them is.
#[test]
fn two_refused_names_hold_back_neither_the_others_nor_the_next_ones() {
    const CHANGE: &str = "route53:ChangeResourceRecordSets";
    let mut world = World::new(&staging());
    let refused = Disturbance::Refusal("InvalidChangeBatch", "No.");
    for name in ["bad1.", "bad2."] {
        world.aws.disturb(CHANGE, name, refused.clone());
    }
    let with = |names: &[&str]| acme().process("web", web().external().quantity(2).hostnames(names));
    world.apply(&with(&["bad1.example.com", "bad2.example.com"]));
    let outcome = loop {
        let outcome = world.step().remove(0).result.unwrap();
        world.aws.advance(10);
        if !outcome.failures.is_empty() {
            break outcome;
        }
    };
    assert!(world.aws.pointed_at("ZINTERNAL", "acme.example.com").is_some());
    assert_eq!(outcome.failures.len(), 2, "{:#?}", outcome.failures);

    // Woken before its time, a pass sends nothing again.
    world.aws.take_attempts();
    let outcome = world.step().remove(0).result.unwrap();
    assert_eq!((outcome.backing_off.len(), outcome.failures.len()), (2, 0));
    assert_eq!(world.aws.take_attempts(), Vec::<String>::new());

    // An edit is tried as a whole.
    world.apply(&with(&[
        "bad1.example.com",
        "bad2.example.com",
        "good.example.com",
    ]));
    let outcome = world.step().remove(0).result.unwrap();
    assert_eq!((outcome.backing_off.len(), outcome.failures.len()), (0, 2));
    assert!(world.aws.pointed_at("ZINTERNAL", "good.example.com").is_some());
    world.settle_or_not();
    assert!(world.reason("shop/acme").starts_with("Refused: "));
}

/// A call that AWS will take a moment later is no failure, and costs nothing more.
#[test]
fn too_early_is_no_failure() {
    for (action, message) in [
        (
            "ecs:CreateService",
            "The target group does not have an associated load balancer.",
        ),
        (
            "ecs:CreateService",
            "Unable to Start a service that is still Draining.",
        ),
        ("ecs:CreateService", "Unable to assume the service linked role."),
    ] {
        let mut world = World::new(&staging());
        world.aws.disturb(
            action,
            "shop_acme_web",
            Disturbance::Refusal("InvalidParameterException", message),
        );
        world.apply(&acme());
        world.run(3);
        let reason = world.reason("shop/acme");
        assert!(
            reason.starts_with("Progressing") || reason.starts_with("RolloutInProgress"),
            "{reason}"
        );
        world.aws.calm();
        world.settle();
        world.assert_ready();
        assert_eq!(
            world.aws.writes().iter().filter(|write| write.is_aws()).count(),
            9
        );
    }
}

/// A cluster, or a zone, that is not there is the operator's matter; for an App that is being deleted it is no obstacle.
#[test]
fn a_cluster_that_is_gone_does_not_hold_back_a_deletion() {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    let gone = Disturbance::Refusal("ClusterNotFoundException", "Cluster not found.");
    world.aws.by_hand().remove_service("shop_acme_web");
    world.aws.by_hand().remove_service("shop_acme_worker");
    world.aws.disturb_read("ecs:ListServices", gone);
    world.run(2);
    assert!(world.reason("shop/acme").starts_with("ClusterNotFound: "));
    world.delete("shop/acme");
    world.settle();
    assert!(!world.holds("shop/acme"));
    assert!(world.aws.load_balancers_of("shop/acme", "web").is_empty());
    assert!(world.aws.target_groups_of("shop/acme", "web").is_empty());
}

/// The view of claims that passes share may be behind what was written, for as long as it likes.
#[test]
fn a_claim_made_just_before_a_crash_is_found_and_not_doubled() {
    let mut world = World::new(&staging().bridge_ports(9000, 9099));
    world.apply(&acme());
    world.run(1);
    world.aws.hide_claims();
    world
        .aws
        .disturb("claims:Claim", "", Disturbance::Crash(When::After));
    let writes = world.settle();
    assert_eq!(world.restarts, 1);
    world.assert_ready();
    let claims = |writes: &[Write], action| writes.iter().filter(|write| write.action == action).count();
    assert_eq!(claims(&writes, "claims:Claim"), 1, "{writes:#?}");
    world.delete("shop/acme");
    let writes = world.settle();
    assert!(!world.holds("shop/acme"));
    assert_eq!(claims(&writes, "claims:Release"), 1, "{writes:#?}");
}

/// An App that has its ports asks for none of the others', and reads no claims live.
#[test]
fn claims_are_read_live_only_before_the_first_and_at_the_end() {
    let mut world = World::new(&staging().bridge_ports(9000, 9099));
    world.apply(&acme());
    world.settle();
    let is_live = |read: &String| read.starts_with("claims:");
    world.run(100);
    assert!(!world.reads.iter().any(is_live), "{:?}", world.reads);
    world.delete("shop/acme");
    world.run(1);
    assert!(world.reads.iter().any(is_live), "{:?}", world.reads);
}

#[test]
fn a_race_for_host_ports_is_no_trouble_however_often_it_is_lost() {
    let mut world = World::new(&staging().bridge_ports(9000, 9099));
    world.aws.race_for_ports(70);
    world.apply(&acme());
    // The first pass claims the ports that are in use already, and hands out none.
    world.run(2);
    let attempts = world.aws.take_attempts();
    let claims = attempts
        .iter()
        .filter(|attempt| attempt.starts_with("claims:Claim"));
    assert_eq!(claims.count(), 71);
    assert!(
        attempts
            .iter()
            .any(|a| a.starts_with("ecs:CreateService shop_acme_web")),
        "{attempts:#?}"
    );
    world.settle();
    world.assert_ready();
}

/// The call that was refused, and one for the rest.
#[test]
fn a_refused_batch_of_23_names_with_2_culprits_takes_2_writes() {
    const CHANGE: &str = "route53:ChangeResourceRecordSets";
    const CULPRITS: [&str; 2] = ["n03.example.com", "n17.example.com"];
    let mut world = World::new(&staging());
    let names: Vec<String> = (0..20).map(|n| format!("n{n:02}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = Disturbance::Refusal(
        "InvalidChangeBatch",
        "[Tried to create resource record set [name='n03.example.com.', type='CNAME'] but it already exists, \
         Tried to create resource record set [name='n17.example.com.', type='CNAME'] but it already exists]",
    );
    for name in CULPRITS {
        world.aws.disturb(CHANGE, name, refused.clone());
    }
    let app = acme()
        .process("web", web().quantity(1).hostnames(&names[..10]))
        .process("api", web().quantity(1).hostnames(&names[10..]));
    world.apply(&app);
    let batches = loop {
        world.step();
        let mut attempts = world.aws.take_attempts();
        attempts.retain(|attempt| attempt.starts_with(CHANGE));
        if !attempts.is_empty() {
            break attempts;
        }
    };
    assert_eq!(batches.len(), 2, "{batches:#?}");
    for name in ["acme.example.com", "acme-web.example.com", "acme-api.example.com"] {
        assert!(world.aws.pointed_at("ZINTERNAL", name).is_some(), "{name}");
    }
    for name in names {
        let is_there = world.aws.pointed_at("ZINTERNAL", name).is_some();
        assert_eq!(is_there, !CULPRITS.contains(&name), "{name}");
    }
}
