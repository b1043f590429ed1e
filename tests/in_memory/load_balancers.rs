//! Changes of a load balancer that AWS takes only in steps, or not at all: other subnets of its zones, more certificates than fit,
//! no security groups, a sixth target group.

use empire_controller::change::{Change, ListenerWrite, LoadBalancerWrite, Write};
use std::collections::BTreeSet;

use crate::fixtures::{
    AppFixture, PlatformFixture, ProcessFixture, acme, certificate, process, staging, web,
};
use crate::world::World;
use crate::write_counts::settled;

fn with(web: ProcessFixture) -> AppFixture {
    acme().process("web", web.external().quantity(2))
}

/// Returns the changes until nothing moves any more, the controller started anew before every pass if `restarts`.
fn done(world: &mut World, restarts: bool) -> Vec<Change> {
    let mut done = Vec::new();
    if restarts {
        for _ in 0..60 {
            world.restart();
            for pass in world.step() {
                done.extend(pass.result.iter().flat_map(|outcome| outcome.done.clone()));
            }
            world.aws.advance(10);
        }
    }
    world.settle_telling(&mut |_, pass| {
        done.extend(pass.result.iter().flat_map(|outcome| outcome.done.clone()));
    });
    done
}

fn subnets(done: &[Change]) -> Vec<String> {
    let set = done.iter().filter_map(|change| {
        let Write::LoadBalancer(LoadBalancerWrite::SetSubnets { subnets, .. }) = &change.write else {
            return None;
        };
        Some(subnets.join(" ").replace("subnet-", ""))
    });
    set.collect()
}

#[track_caller]
fn check_subnets(web: &ProcessFixture, from: &[&str], to: &[&str], expected: &[&str]) {
    for restarts in [false, true] {
        let before = staging().external_subnets(from);
        let mut world = settled(&before, &with(web.clone()));
        world.set_platform(&staging().external_subnets(to));
        assert_eq!(
            subnets(&done(&mut world, restarts)),
            expected,
            "restarts: {restarts}"
        );
        world.assert_ready();
        world.restart();
        assert!(world.settle().is_empty());
    }
}

#[test]
fn a_network_load_balancer_leaves_a_zone_before_it_comes_back_in_another_subnet() {
    let both = ["d", "c2 d", "c2", "c2 d2"];
    for web in [web().tcp(), web().tls(&["one"])] {
        check_subnets(
            &web,
            &["subnet-c", "subnet-d"],
            &["subnet-c2", "subnet-d2"],
            &both,
        );
    }
    let three = ["subnet-c", "subnet-d", "subnet-e"];
    check_subnets(
        &web().tcp(),
        &three,
        &["subnet-c", "subnet-d2", "subnet-e"],
        &["c e", "c d2 e"],
    );
    check_subnets(&web().tcp(), &three, &["subnet-c", "subnet-f"], &["c f"]);
}

#[test]
fn the_condition_says_that_a_zone_is_being_left() {
    let mut world = settled(&staging(), &with(web().tcp()));
    world.set_platform(&staging().external_subnets(&["subnet-c2", "subnet-d"]));
    world.step();
    let reason = world.reason("shop/acme");
    assert!(
        reason.starts_with("Progressing: web: waiting for load balancer "),
        "{reason}"
    );
    assert!(
        reason.contains("to leave an availability zone, for another subnet"),
        "{reason}"
    );
}

#[test]
fn an_application_load_balancer_changes_its_subnets_in_one_call() {
    let (from, to) = (["subnet-c", "subnet-d"], ["subnet-c2", "subnet-d2"]);
    check_subnets(&web(), &from, &to, &["c2 d2"]);
}

/// `default` and others: names that begin with the letters, counted.
fn certificates(default: &str, others: &[(&str, usize)]) -> Vec<String> {
    let others = others
        .iter()
        .flat_map(|(name, many)| (0..*many).map(move |n| format!("{name}{n}")));
    std::iter::once(default.to_owned()).chain(others).collect()
}

fn https(certificates: &[String]) -> AppFixture {
    let names: Vec<&str> = certificates.iter().map(String::as_str).collect();
    with(web().https(&names))
}

/// Plays the changes of certificates and says whether as many were served as fit, and never one wanted too few.
#[track_caller]
fn check_exchange(done: &[Change], before: &[String], after: &[String], quota: usize) {
    let arns =
        |names: &[String]| -> BTreeSet<String> { names.iter().map(|name| certificate(name)).collect() };
    let (mut served, wanted) = (arns(&before[1..]), arns(after));
    // Without the default one.
    let mut missing = wanted.difference(&served).count() - 1;
    for change in done {
        if let Write::Listener(ListenerWrite::AddCertificate { certificate, .. }) = &change.write {
            assert!(served.insert(certificate.clone()), "{change}");
            missing -= 1;
        }
        if let Write::Listener(ListenerWrite::RemoveCertificate { certificate, .. }) = &change.write {
            assert!(!wanted.contains(certificate), "{change}");
            assert!(missing == 0 || served.len() == quota, "too early: {change}");
            assert!(served.remove(certificate), "{change}");
        }
        assert!(served.len() <= quota, "{change}");
    }
    assert_eq!(served, arns(&after[1..]));
}

#[test]
fn at_the_quota_one_certificate_goes_out_and_one_comes_in() {
    for (quota, old, new) in [
        (25, 20, 20),
        (25, 14, 14),
        (25, 21, 5),
        (24, 21, 21),
        (40, 19, 21),
    ] {
        let before = certificates("d", &[("kept", 3), ("old", old)]);
        let after = certificates("d", &[("new", new), ("kept", 3)]);
        let mut world = World::new(&staging());
        world.aws.by_hand().set_certificate_quota(quota);
        world.apply(&https(&before));
        world.settle();
        world.apply(&https(&after));
        let done = done(&mut world, false);
        check_exchange(&done, &before, &after, quota);
        world.assert_ready();
        world.restart();
        assert!(world.settle().is_empty(), "{quota} {old} {new}");
    }
}

#[test]
fn at_the_quota_the_default_certificate_changes_too() {
    let ways = [
        // Another one that is new, and one that was among the others.
        (
            25,
            certificates("d", &[("old", 24)]),
            certificates("e", &[("new", 24)]),
        ),
        (
            24,
            certificates("d", &[("old", 24)]),
            certificates("old7", &[("new", 24)]),
        ),
        // The two change places, and nothing else can go.
        (
            4,
            certificates("a0", &[("b", 4)]),
            vec!["b0".into(), "a0".into(), "b1".into(), "b2".into(), "b3".into()],
        ),
    ];
    for (quota, before, after) in ways {
        let mut world = World::new(&staging());
        world.aws.by_hand().set_certificate_quota(quota);
        world.apply(&https(&before));
        world.settle();
        world.assert_ready();
        world.apply(&https(&after));
        for change in done(&mut world, false) {
            let old = format!("remove certificate {} ", certificate(&before[0]));
            assert!(!change.to_string().starts_with(&old), "{change}");
        }
        world.assert_ready();
        world.restart();
        assert!(world.settle().is_empty(), "{after:?}");
    }
}

/// All listeners of a load balancer share one quota.
#[test]
fn two_listeners_exchange_their_certificates_within_one_quota() {
    let web = |certificates: &[String]| {
        let names: Vec<&str> = certificates.iter().map(String::as_str).collect();
        let listeners = [(443, "https", 8080), (8443, "https", 8080)];
        with(web().listeners(&listeners).certificates(&names))
    };
    let mut world = settled(&staging(), &web(&certificates("d", &[("old", 12)])));
    world.apply(&web(&certificates("d", &[("new", 12)])));
    world.settle();
    world.assert_ready();
    world.restart();
    assert!(world.settle().is_empty());
}

#[test]
fn more_certificates_than_fit_are_an_error_that_names_the_quota_and_take_none_away_that_is_wanted() {
    let mut world = World::new(&staging());
    world.aws.by_hand().set_certificate_quota(10);
    world.apply(&https(&certificates("d", &[("a", 8)])));
    world.settle();
    world.assert_ready();
    world.apply(&https(&certificates("d", &[("a", 8), ("b", 4)])));
    let changes = done(&mut world, false);
    let removed = changes.iter().filter(|change| {
        matches!(
            change.write,
            Write::Listener(ListenerWrite::RemoveCertificate { .. })
        )
    });
    assert_eq!(removed.count(), 0);
    let added = changes.iter().filter(|change| {
        matches!(
            change.write,
            Write::Listener(ListenerWrite::AddCertificate { .. })
        )
    });
    assert_eq!(added.count(), 2);
    let reason = world.reason("shop/acme");
    assert!(reason.starts_with("QuotaReached: process web: "), "{reason}");
    assert!(reason.contains("TooManyCertificates"), "{reason}");
    world.aws.by_hand().set_certificate_quota(12);
    world.restart();
    world.settle();
    world.assert_ready();
}

#[test]
fn security_groups_that_the_platform_drops_do_not_stay_in_silence() {
    let dropped = |platform: PlatformFixture| platform.without_external_security_groups();
    let mut world = settled(&staging(), &with(web()));
    world.set_platform(&dropped(staging()).gave_external_security_group("sg-ext"));
    assert!(world.settle().is_empty());
    let reason = world.reason("shop/acme");
    assert!(
        reason.starts_with("InvalidPlatform: process web: load balancer "),
        "{reason}"
    );
    assert!(
        reason.contains("still has sg-ext, which the Platform no longer names"),
        "{reason}"
    );
    assert!(reason.contains("network.external.securityGroups"), "{reason}");

    world.set_platform(&staging().external_security_group("sg-default"));
    assert_eq!(world.settle().len(), 1);
    world.assert_ready();

    // One that never had any has AWS's own, and that is as wanted; and a network load balancer is replaced.
    settled(&dropped(staging()), &with(web()));
    let mut world = settled(&staging(), &with(web().tcp()));
    world.set_platform(&dropped(staging()).gave_external_security_group("sg-ext"));
    world.settle();
    world.assert_ready();
}

/// AWS then gives the VPC's default one, and reports it.
#[test]
fn tasks_lose_security_groups_that_the_platform_drops() {
    let platform = staging().awsvpc("sg-tasks");
    let job = process("./bin/job").cron("0 3 * * *");
    let mut world = settled(&platform, &with(web()).process("job", job));
    world.set_platform(
        &platform
            .without_task_security_groups()
            .gave_task_security_group("sg-tasks"),
    );
    let written: Vec<&str> = world.settle().iter().map(|write| write.action).collect();
    let service = "ecs:UpdateService";
    assert_eq!(written, [service, service, "scheduler:UpdateSchedule"]);
    world.assert_ready();
    world.restart();
    assert!(world.settle().is_empty());
}

/// With two target groups each, a service cannot have all three, and the first one's name went moments ago.
#[test]
fn a_third_load_balancer_waits_for_resolvers_also_when_the_status_is_lost() {
    let two = |web: ProcessFixture, protocol: &str| {
        web.listeners(&[(80, protocol, 8080), (81, protocol, 9000)])
            .quantity(2)
    };
    for loses_status in [false, true] {
        for steps in 1..40 {
            let mut world = settled(&staging(), &acme().process("web", two(web().internal(), "http")));
            world.apply(&acme().process("web", two(web().internal(), "tcp")));
            world.run(8);
            world.apply(&acme().process("web", web().unexposed().quantity(2)));
            world.run(steps);
            world.loses_status = loses_status;
            world.restart();
            world.apply(&acme().process("web", two(web().external(), "http")));
            world.settle();
            world.assert_ready();
        }
    }
}
