//! Passes over the Platform: the claims that no App's own pass sees to, and what happens where AWS answers nothing.

use serde_json::json;

use crate::crash::{Operation, check};
use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, staging, web, worker};
use crate::world::World;

const ACME: &str = "shop/acme";
const ZONE: &str = "route53:GetHostedZone";

fn claimed() -> PlatformFixture {
    staging().bridge_ports(9000, 9010)
}

/// With three ports of its own.
fn ported() -> AppFixture {
    acme()
        .process("api", web().exposed())
        .process("worker", worker().exposed())
}

fn denied() -> Disturbance {
    Disturbance::Refusal("AccessDenied", "not you")
}

/// Its finalizer was taken off by hand: the API server has it no more, and AWS has all of it.
fn gone(world: &mut World) {
    world.remove(ACME);
    for process in ["web", "api", "worker"] {
        let services = format!("shop_acme_{process}");
        let load_balancers = world.aws.load_balancers_of(ACME, process);
        let target_groups = world.aws.target_groups_of(ACME, process);
        let mut console = world.aws.by_hand();
        console.remove_service(&services);
        for name in &load_balancers {
            console.delete_load_balancer(name);
        }
        for name in &target_groups {
            console.delete_target_group(name);
        }
    }
    let mut console = world.aws.by_hand();
    for name in ["acme", "acme-web", "acme-api", "acme-worker"] {
        console.delete_records("ZINTERNAL", &format!("{name}.example.com"));
        console.delete_records("ZINTERNAL", &format!("_empire.{name}.example.com"));
    }
}

fn ports_of(world: &World, app: &str) -> Vec<String> {
    let mut lines = world.aws.summary();
    lines.retain(|line| line.starts_with("port ") && line.contains(app));
    lines
}

#[test]
fn arrives_when_killed_while_lost_claims_are_made_again() {
    let lose = |world: &mut World| {
        world.aws.by_hand().delete_claims(ACME);
        world.restart();
    };
    let before = World::settled(&claimed(), &ported());
    let mut world = before.fork();
    lose(&mut world);
    let writes: Vec<&str> = world.settle().iter().map(|write| write.action).collect();
    assert_eq!(writes, ["claims:Claim"; 3]);
    assert_eq!(ports_of(&world, ACME), ports_of(&before, ACME));
    assert!(check("recovery", &Operation::new(claimed(), Some(ported()), lose)) >= 3 * 7);
}

#[test]
fn arrives_when_killed_while_the_claims_of_an_app_that_is_gone_are_released() {
    let mut world = World::settled(&claimed(), &ported());
    gone(&mut world);
    let writes: Vec<&str> = world.settle().iter().map(|write| write.action).collect();
    assert_eq!(writes, ["claims:Release"; 3]);
    let sweep = Operation::new(claimed(), Some(ported()), gone);
    assert!(check("sweep", &sweep) >= 3 * 7);
}

/// Ports alone are looked for then.
#[test]
fn ports_are_released_though_log_groups_cannot_be_read() {
    let platform = claimed().log_groups(&json!({ "deletionPolicy": "Delete" }));
    let mut world = World::settled(&platform, &ported());
    gone(&mut world);
    world.aws.disturb_read("logs:", denied());
    world.settle();
    assert_eq!(ports_of(&world, ACME), Vec::<String>::new());
}

/// Somebody who was not asked took an App away, and left its tasks running.
#[test]
fn a_port_that_tasks_use_is_not_released_though_their_app_is_gone() {
    let mut world = World::settled(&claimed(), &ported());
    let before = ports_of(&world, ACME);
    world.remove(ACME);
    assert!(world.settle().is_empty());
    assert_eq!((before.len(), ports_of(&world, ACME)), (3, before));
}

/// It may be new, and have found its old claims.
#[test]
fn nothing_is_released_of_an_app_that_was_made_again_in_the_meantime() {
    let mut world = World::settled(&claimed(), &ported());
    gone(&mut world);
    world.hides_apps = true;
    world.apply(&ported());
    world.platform_pass();
    assert_eq!(ports_of(&world, ACME).len(), 3);
}

/// No port is handed out before those in use are claimed.
#[test]
fn an_app_waits_for_its_first_port_while_the_ports_in_use_cannot_be_read() {
    let mut world = World::settled(&claimed(), &app("other").process("web", web()));
    world.aws.by_hand().delete_claims("shop/other");
    world.restart();
    world.aws.disturb_read("ecs:ListServices", denied());
    world.apply(&acme());
    world.run(3);
    assert_eq!(ports_of(&world, ""), Vec::<String>::new());
    let reason = world.platform_reason();
    assert!(reason.starts_with("AccessDenied: ecs:ListServices: "), "{reason}");
    world.aws.calm();
    world.settle();
    world.assert_ready();
    assert_eq!(ports_of(&world, "other"), ["port 9000 of shop/other web"]);
    assert_eq!(world.platform_reason(), "Ready");
}

#[test]
fn a_zone_that_cannot_be_asked_for_reddens_the_platform_and_stops_no_app() {
    let mut world = World::settled(&staging(), &acme());
    for disturbance in [denied(), Disturbance::Timeout(When::Before)] {
        world.restart();
        world.aws.disturb_read(ZONE, disturbance);
        world.apply(&acme().image("registry.example/acme:v2"));
        world.run(30);
        assert_eq!(world.reason(ACME), "Ready");
        let reason = world.platform_reason();
        assert!(reason.contains(ZONE), "{reason}");
        world.aws.calm();
        world.run(100);
        assert_eq!(world.platform_reason(), "Ready");
    }
}

/// The list of its records says its name, and costs no further call.
#[test]
fn a_zone_is_asked_for_until_its_list_is_read_and_once_it_is_gone() {
    let mut world = World::sharing(&staging());
    world.apply(&acme());
    world.settle();
    let asked = |world: &World| world.aws.take_calls().get(ZONE).copied();
    assert_eq!(asked(&world), Some(1));
    world.run_seconds(3_600);
    assert_eq!(asked(&world), None);
    assert_eq!(world.platform_reason(), "Ready");

    world.aws.by_hand().delete_zone("ZINTERNAL");
    world.run_seconds(2 * 600);
    let reason = world.platform_reason();
    assert!(reason.starts_with("ZoneNotFound: "), "{reason}");
}

/// Seconds from one look to the next.
#[test]
fn a_platform_that_fails_is_looked_at_ever_more_seldom_until_it_heals() {
    let mut world = World::settled(&staging(), &app("acme").process("worker", worker()));
    world.restart();
    world.aws.disturb_read(ZONE, denied());
    let looks = |world: &mut World, seconds: u64| -> Vec<u64> {
        let (mut looks, start) = (Vec::new(), world.aws.now());
        while world.aws.now() < start + seconds {
            let before = world.aws.disturbed();
            world.pass_due();
            if world.aws.disturbed() > before {
                looks.push(world.aws.now() - start);
            }
            world.aws.advance(10);
        }
        looks
    };
    assert_eq!(looks(&mut world, 3_600), [0, 60, 180, 420, 900, 1_800, 2_700]);
    world.aws.calm();
    world.run(100);
    assert_eq!(world.platform_reason(), "Ready");
    world.aws.disturb_read(ZONE, denied());
    let again = looks(&mut world, 1_500);
    let pauses: Vec<u64> = again.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses[..3], [60, 120, 240]);
}

/// It makes few of the calls that its Apps need.
#[test]
fn a_call_that_is_denied_to_an_app_reddens_the_platform_until_it_heals() {
    let mut world = World::settled(&staging(), &acme());
    assert_eq!(world.platform_reason(), "Ready");
    world
        .aws
        .disturb_read("elasticloadbalancing:DescribeLoadBalancers", denied());
    world.run(2);
    let reason = world.platform_reason();
    assert!(
        reason.starts_with("AccessDenied: elasticloadbalancing:DescribeLoadBalancers: ")
            && reason.ends_with("(met by shop/acme)"),
        "{reason}"
    );
    world.aws.calm();
    world.run(2);
    assert_eq!(world.platform_reason(), "Ready");
    assert_eq!(world.reason(ACME), "Ready");

    // An App that is gone meets nothing any more.
    world.aws.disturb("ecs:UpdateService", "shop_acme_web", denied());
    world.apply(&acme().process("web", web().external().quantity(3)));
    world.run(2);
    assert!(world.platform_reason().starts_with("AccessDenied: "));
    world.delete(ACME);
    world.aws.calm();
    world.settle();
    assert_eq!(world.platform_reason(), "Ready");
}
