//! Exposure added, dropped, and its container port changed.

use super::replace::{NAMES, PROVISIONING, RETIRING, ROLLOUT, Story, external, internal};
use crate::plan::fixtures::process;
use crate::plan::fixtures::world::{pass, service_of};

#[test]
fn from_none_to_one_is_a_single_update_once_the_load_balancer_is_active() {
    let mut story = Story::begins_with(process("web").image("web:v1"));
    story
        .wants(external())
        .check(&[
            "create internet-facing application load balancer web-external",
            "create target group web-external-group checking /web",
            "set deregistration delay of target group web-external-group to 30 s",
            "create listener HTTP 80 of load balancer web-external to web-external-group",
            PROVISIONING,
            NAMES,
        ])
        .finish()
        .check(&[
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables)",
            "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 8080, 1 variables), \
             grace period 60 s, target groups [web-external-group]",
            ROLLOUT,
            NAMES,
        ])
        .finish()
        .check(&[
            "change records in zone Z-INTERNAL: +acme-web.corp.example CNAME web-external.ELB.example (TTL 60 s), \
             +_empire.acme-web.corp.example TXT",
        ])
        .converges();
}

#[test]
fn from_one_to_none_takes_the_names_away_waits_and_detaches_in_a_single_update() {
    let mut story = Story::begins_with(internal().claimed());
    story
        .wants(process("web"))
        .check(&[
            "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
             -_empire.acme-web.corp.example TXT",
            RETIRING,
        ])
        .elapse()
        .check(&[
            "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, 1 variables)",
            "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, 1 variables), grace period 0 s, \
             target groups []",
            ROLLOUT,
        ])
        .finish()
        .check(&[
            "delete load balancer web-internal",
            "delete target group web-internal-group",
            "release host port 9000 of container port 8080",
        ])
        .converges();
}

#[test]
fn while_exposure_is_on_its_way_out_only_the_count_follows() {
    let mut story = Story::begins_with(internal());
    story.wants(process("web").image("web:v2").quantity(5));
    pass(&story.wanted, &mut story.world);
    let service = service_of(&mut story.world, "web");
    assert_eq!((service.desired, service.deployments.len()), (5, 1));
    story.converges();
}

#[test]
fn exposure_dropped_and_wanted_again_in_the_wait_gets_its_names_back_and_nothing_else() {
    let mut story = Story::begins_with(internal());
    story.wants(process("web"));
    pass(&story.wanted, &mut story.world);
    story.wants(internal()).check(&[
        "change records in zone Z-INTERNAL: +acme-web.corp.example CNAME web-internal.ELB.example (TTL 60 s), \
         +_empire.acme-web.corp.example TXT",
    ]);
    story.converges();
}

#[test]
fn exposure_added_and_dropped_again_at_any_step_leaves_nothing_behind() {
    for steps in 0..6 {
        let mut story = Story::begins_with(process("web"));
        story.wants(internal());
        for step in 0..steps {
            if step % 2 == 0 {
                pass(&story.wanted, &mut story.world);
            } else {
                story.finish();
            }
        }
        story.wants(process("web")).converges();
    }
}

#[test]
fn a_changed_container_port_is_one_update_with_the_same_target_group() {
    let mut story = Story::begins_with(internal());
    story.wants(internal().container_port(9090)).check(&[
        "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 9090, 1 variables)",
        "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 9090, 1 variables), \
         target groups [web-internal-group]",
        ROLLOUT,
    ]);
    assert_eq!(
        service_of(&mut story.world, "web").attachments[0].container_port,
        9090
    );
    story.converges();
}

#[test]
fn a_changed_container_port_gives_the_old_host_port_back_when_no_task_has_it() {
    let mut story = Story::begins_with(internal().claimed());
    story.wants(internal().claimed().container_port(9090)).check(&[
        "claim host port 9001 for container port 9090",
        "register task definition shop_acme_web with web:v1 (256 CPU units, 512 MiB, port 9090 on host port 9001, 1 variables)",
        "update service shop_acme_web: web:v1 (256 CPU units, 512 MiB, port 9090 on host port 9001, 1 variables), \
         target groups [web-internal-group]",
        ROLLOUT,
    ]);
    story
        .finish()
        .check(&["release host port 9000 of container port 8080"]);
}
