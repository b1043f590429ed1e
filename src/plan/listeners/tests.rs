//! Listeners change in place; certificates come before they are needed and go when they are not.

use std::collections::BTreeMap;

use crate::change::{Deferred, Write};
use crate::model::desired::Desired;
use crate::model::load_balancer::Scheme;
use crate::model::state::{ListenerState, Observed};
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{apply, finish, legible, lines, lines_around, pass, refused, service_of};
use crate::plan::fixtures::{Process, app, balancer, process, settled};

fn web() -> Process {
    process("web").internal()
}

fn listeners(world: &mut Observed) -> &mut Vec<ListenerState> {
    let state = world.load_balancers.get_mut(&balancer("web", Scheme::Internal));
    state.unwrap().listeners.as_mut().unwrap()
}

/// Checks the writes of a pass, and that it leaves none for the next.
fn check(wanted: &Desired, world: &mut Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(pass(wanted, world), expected);
    similar_asserts::assert_eq!(lines(wanted, world), Vec::<String>::new());
}

#[test]
fn http_becomes_https_before_its_port_redirects_there() {
    let mut world = settled(&app([web()]));
    check(
        &app([web().https(&["c-1"])]),
        &mut world,
        &[
            "create listener HTTPS 443 of load balancer web-internal to web-internal-group with certificate c-1",
            "turn listener HTTP 80 of load balancer web-internal into a redirect to HTTPS",
        ],
    );
}

#[test]
fn https_becomes_http_before_its_listener_goes() {
    let wanted = app([web()]);
    let mut world = settled(&app([web().https(&["c-1"])]));
    check(
        &wanted,
        &mut world,
        &[
            "point listener HTTP 80 of load balancer web-internal at web-internal-group",
            "delete listener 443 of load balancer web-internal",
        ],
    );
}

#[test]
fn no_redirect_leads_to_a_listener_that_is_not_there() {
    let wanted = app([web().https(&["c-1"])]);
    let world = settled(&app([web()]));
    let create =
        "create listener HTTPS 443 of load balancer web-internal to web-internal-group with certificate c-1";
    assert_eq!(lines(&wanted, &world), [create]);
    // As if AWS had refused the certificate.
    let deferred = refused(&wanted, &world, create);
    assert_eq!(lines_around(&wanted, &world, &deferred), Vec::<String>::new());
}

#[test]
fn each_further_certificate_is_one_write() {
    let mut world = settled(&app([web().https(&["c-1"])]));
    check(
        &app([web().https(&["c-1", "c-2", "c-3"])]),
        &mut world,
        &[
            "add certificate c-2 to listener 443 of load balancer web-internal",
            "add certificate c-3 to listener 443 of load balancer web-internal",
        ],
    );
    check(
        &app([web().https(&["c-1", "c-3"])]),
        &mut world,
        &["remove certificate c-2 from listener 443 of load balancer web-internal"],
    );
}

#[test]
fn certificates_that_change_places_are_never_missing() {
    let mut world = settled(&app([web().https(&["c-1", "c-2"])]));
    check(
        &app([web().https(&["c-2", "c-1"])]),
        &mut world,
        &[
            "add certificate c-1 to listener 443 of load balancer web-internal",
            "point listener HTTPS 443 of load balancer web-internal at web-internal-group with certificate c-2",
        ],
    );
}

#[test]
fn a_replaced_certificate_is_one_write() {
    let mut world = settled(&app([web().https(&["c-1"])]));
    check(
        &app([web().https(&["c-9"])]),
        &mut world,
        &[
            "point listener HTTPS 443 of load balancer web-internal at web-internal-group with certificate c-9",
        ],
    );
}

#[test]
fn an_old_security_policy_is_replaced_and_an_unknown_one_is_not() {
    let wanted = app([web().https(&["c-1"])]);
    let mut world = settled(&wanted);
    listeners(&mut world)[0].security_policy = None;
    listeners(&mut world)[0].default_certificate = None;
    listeners(&mut world)[0].more_certificates = None;
    assert_eq!(lines(&wanted, &world), Vec::<String>::new());
    listeners(&mut world)[0].security_policy = Some("ELBSecurityPolicy-2016-08".into());
    check(
        &wanted,
        &mut world,
        &[
            "point listener HTTPS 443 of load balancer web-internal at web-internal-group with certificate c-1",
        ],
    );
}

#[test]
fn a_listener_more_keeps_the_target_group_and_one_less_too() {
    let mut world = settled(&app([web()]));
    let two = app([web().listener(8080, 8080)]);
    check(
        &two,
        &mut world,
        &["create listener HTTP 8080 of load balancer web-internal to web-internal-group"],
    );
    let mut one = web().listener(8080, 8080);
    one.listeners.remove(0);
    let one = app([one]);
    check(
        &one,
        &mut world,
        &["delete listener 80 of load balancer web-internal"],
    );
}

#[test]
fn a_listener_that_is_not_ours_or_whose_owner_is_unknown_stays() {
    let wanted = app([web()]);
    for tags in [None, Some(crate::model::owner::Tags::new())] {
        let mut world = settled(&wanted);
        let mut other = listeners(&mut world)[0].clone();
        (other.port, other.tags) = (8443, tags);
        listeners(&mut world).push(other);
        assert_eq!(lines(&wanted, &world), Vec::<String>::new());
    }
}

#[test]
fn a_second_container_port_comes_with_the_content_in_one_update() {
    let mut world = settled(&app([web()]));
    let wanted = app([web().listener(81, 9000)]);
    similar_asserts::assert_eq!(
        pass(&wanted, &mut world),
        [
            "create target group web-internal-second-group checking /web",
            "set deregistration delay of target group web-internal-second-group to 30 s",
            "create listener HTTP 81 of load balancer web-internal to web-internal-second-group",
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080, port 9000, 1 variables)",
            "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 8080, port 9000, 1 variables), \
             target groups [web-internal-group, web-internal-second-group]",
        ]
    );
    finish(&mut world);
    check(&wanted, &mut world, &[]);
}

#[test]
fn a_second_container_port_goes_with_the_content_and_its_listener_when_no_task_has_it() {
    let mut world = settled(&app([web().listener(81, 9000)]));
    let wanted = app([web()]);
    similar_asserts::assert_eq!(
        pass(&wanted, &mut world),
        [
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables)",
            "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables), \
             target groups [web-internal-group]",
        ]
    );
    finish(&mut world);
    check(
        &wanted,
        &mut world,
        &[
            "delete listener 81 of load balancer web-internal",
            "delete target group web-internal-second-group",
        ],
    );
}

#[test]
fn a_listener_that_leads_to_a_dropped_container_port_waits_until_no_task_has_that() {
    let mut world = settled(&app([web().listener(81, 9000)]));
    let wanted = app([web().listener(81, 8080)]);
    similar_asserts::assert_eq!(
        pass(&wanted, &mut world),
        [
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables)",
            "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables), \
             target groups [web-internal-group]",
        ]
    );
    finish(&mut world);
    check(
        &wanted,
        &mut world,
        &[
            "point listener HTTP 81 of load balancer web-internal at web-internal-group",
            "delete target group web-internal-second-group",
        ],
    );
}

#[test]
fn an_idle_timeout_is_set_where_it_is_known_to_be_another() {
    let mut world = settled(&app([web()]));
    let wanted = app([web().idle_timeout(120)]);
    check(
        &wanted,
        &mut world,
        &["set idle timeout of load balancer web-internal to 120 s"],
    );
    let state = world.load_balancers.get_mut(&balancer("web", Scheme::Internal));
    state.unwrap().attributes = None;
    check(&wanted, &mut world, &[]);
}

#[test]
fn a_default_certificate_is_displaced_only_when_it_is_among_the_others() {
    let wanted = app([web().https(&["c-2", "c-1"])]);
    let world = settled(&app([web().https(&["c-1", "c-2"])]));
    let add = "add certificate c-1 to listener 443 of load balancer web-internal";
    assert_eq!(lines(&wanted, &world), [add]);
    let deferred = refused(&wanted, &world, add);
    assert_eq!(lines_around(&wanted, &world, &deferred), Vec::<String>::new());
}

#[test]
fn no_redirect_leads_to_a_listener_that_lacks_a_certificate() {
    let wanted = app([web().https(&["c-1", "c-2"])]);
    let mut world = settled(&app([web()]));
    for change in plan(&wanted, &world).changes {
        apply(&mut world, &change);
    }
    let add = "add certificate c-2 to listener 443 of load balancer web-internal";
    assert_eq!(lines(&wanted, &world), [add]);
    let deferred = refused(&wanted, &world, add);
    assert_eq!(lines_around(&wanted, &world, &deferred), Vec::<String>::new());
}

#[test]
fn no_name_moves_to_a_load_balancer_that_lacks_a_listener_or_a_certificate() {
    for missing in [
        "create listener HTTP 80 of load balancer web-external as a redirect to HTTPS",
        "add certificate c-2 to listener 443 of load balancer web-external",
    ] {
        let wanted = app([process("web").external().https(&["c-1", "c-2"])]);
        let mut world = settled(&app([web()]));
        let mut deferred = Deferred::new();
        for _ in 0..10 {
            for change in crate::plan::plan(&wanted, &world, &deferred).changes {
                if legible(&change.to_string()) == missing {
                    deferred.insert(change);
                } else {
                    assert!(
                        !matches!(change.write, Write::Records(_)),
                        "{change} without: {missing}"
                    );
                    apply(&mut world, &change);
                }
            }
            finish(&mut world);
        }
        assert!(lines(&wanted, &world).iter().any(|line| line == missing));
    }
}

/// Web on these ports, each leading to a container port.
fn listening_on(listeners: &[(u16, u16)]) -> Desired {
    let mut web = web();
    web.listeners.clear();
    let web = listeners.iter().fold(web, |web, (port, container_port)| {
        web.listener(*port, *container_port)
    });
    app([web])
}

/// To which container port of the tasks that run each listener of web's leads.
fn routes(world: &mut Observed) -> BTreeMap<u16, Option<u16>> {
    let service = service_of(world, "web").clone();
    let attached = world.attached(&service);
    let listeners = listeners(world).clone();
    let leads_to = |listener: &ListenerState| {
        let group = world.target_group_by_arn(listener.forwards_to()?)?;
        let mut attached = attached.iter();
        let attachment = attached.find(|attachment| attachment.target_group == group.name)?;
        Some(attachment.container_port)
    };
    listeners
        .iter()
        .map(|listener| (listener.port, leads_to(listener)))
        .collect()
}

#[test]
fn a_port_that_stays_leads_to_where_it_led_whatever_comes_or_goes_beside_it() {
    let (one, other): (&[_], &[_]) = (&[(80, 8080)], &[(443, 9000), (80, 8080)]);
    let (turned, lower): (&[_], &[_]) = (&[(80, 8080), (443, 9000)], &[(79, 9000), (80, 8080)]);
    for (from, to) in [
        (one, other),
        (other, one),
        (one, turned),
        (turned, other),
        (other, turned),
        (one, lower),
        (lower, one),
        (lower, turned),
    ] {
        let mut world = settled(&listening_on(from));
        let wanted = listening_on(to);
        for _ in 0..5 {
            for _ in 0..20 {
                for change in plan(&wanted, &world).changes {
                    apply(&mut world, &change);
                    let led = routes(&mut world).get(&80).copied().flatten();
                    assert_eq!(led, Some(8080), "{from:?} to {to:?}, after: {change}");
                }
            }
            finish(&mut world);
        }
        assert_eq!(lines(&wanted, &world), Vec::<String>::new(), "{from:?} to {to:?}");
        let expected: BTreeMap<_, _> = to.iter().map(|(port, leads)| (*port, Some(*leads))).collect();
        assert_eq!(routes(&mut world), expected);
    }
}
