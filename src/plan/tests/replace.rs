//! docs/replacing-a-load-balancer.md, step by step: one load balancer replaced by another, and a change of mind at every step.

use super::{converge, random};
use crate::change::Deferred;
use crate::model::desired::Desired;
use crate::model::load_balancer::Scheme;
use crate::model::record::RecordStyle;
use crate::model::state::Observed;
use crate::plan::fixtures::plan;
use crate::plan::fixtures::world::{elapse, finish, lines, lines_around, pass, pass_around, service_of};
use crate::plan::fixtures::{Process, app, balancer, process, settled};

pub(super) const ROLLOUT: &str = "~ web: waiting for the rollout of service shop_acme_web";
pub(super) const PROVISIONING: &str = "~ web: waiting for load balancer web-external to become active";
pub(super) const NAMES: &str =
    "~ web: waiting for load balancer web-external to serve before names point to it";
pub(super) const RETIRING: &str =
    "~ web: waiting until no resolver can still name load balancer web-internal";
const ATTACH_BOTH: &str =
    "update service shop_acme_web: target groups [web-internal-group, web-external-group]";
const ATTACH_NEW: &str = "update service shop_acme_web: target groups [web-external-group]";

pub(super) struct Story {
    pub wanted: Desired,
    pub world: Observed,
}

impl Story {
    pub(super) fn begins_with(process: Process) -> Self {
        let wanted = app([process]);
        let world = settled(&wanted);
        Story { wanted, world }
    }

    pub(super) fn wants(&mut self, process: Process) -> &mut Self {
        self.wanted = app([process]);
        self
    }

    /// One pass: what it writes, and what it then waits for.
    #[track_caller]
    pub(super) fn check(&mut self, expected: &[&str]) -> &mut Self {
        let mut said = pass(&self.wanted, &mut self.world);
        said.extend(lines(&self.wanted, &self.world));
        similar_asserts::assert_eq!(said, expected);
        self
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        finish(&mut self.world);
        self
    }

    pub(super) fn elapse(&mut self) -> &mut Self {
        elapse(&self.wanted, &mut self.world);
        self
    }

    /// To the end, and that is just what a first attempt would have come to.
    pub(super) fn converges(&mut self) {
        converge(&self.wanted, &mut self.world);
        random::assert_same(&self.wanted, &self.world, &settled(&self.wanted));
    }
}

pub(super) fn internal() -> Process {
    process("web").internal()
}

/// In the internal zone only, so that there is one batch to read.
pub(super) fn external() -> Process {
    let mut external = process("web").external();
    external.names = internal().names;
    external
}

/// As far as `steps` of a flip from internal to external.
fn flipped(steps: usize) -> Story {
    let mut story = Story::begins_with(internal());
    story.wants(external());
    let ways: [fn(&mut Story); 8] = [
        |story| {
            pass(&story.wanted, &mut story.world);
        },
        |story| finish(&mut story.world),
        |story| {
            pass(&story.wanted, &mut story.world);
        },
        |story| finish(&mut story.world),
        |story| {
            pass(&story.wanted, &mut story.world);
        },
        |story| elapse(&story.wanted, &mut story.world),
        |story| {
            pass(&story.wanted, &mut story.world);
        },
        |story| finish(&mut story.world),
    ];
    for way in &ways[..steps] {
        way(&mut story);
    }
    story
}

#[test]
fn a_flip_attaches_moves_the_names_waits_detaches_and_only_then_deletes() {
    let mut story = Story::begins_with(internal());
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
        // (b)
        .finish()
        .check(&[ATTACH_BOTH, ROLLOUT, NAMES])
        // (c)
        .finish()
        .check(&[
            "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
             +acme-web.corp.example CNAME web-external.ELB.example (TTL 60 s)",
            RETIRING,
        ])
        .finish()
        .check(&[RETIRING])
        // (d)
        .elapse()
        .check(&[ATTACH_NEW, ROLLOUT])
        // (e)
        .finish()
        .check(&["delete load balancer web-internal", "delete target group web-internal-group"])
        .check(&[])
        .converges();
}

#[test]
fn a_load_balancer_that_retires_is_reported_until_it_is_gone_or_named_again() {
    let old = ("web".to_owned(), balancer("web", Scheme::Internal));
    for (steps, retiring) in [(0, false), (4, false), (5, true), (6, true), (8, true)] {
        let story = flipped(steps);
        let plan = plan(&story.wanted, &story.world);
        assert_eq!(
            plan.retiring.contains(&old),
            retiring,
            "after {steps} steps: {plan:#?}"
        );
    }
    let mut story = flipped(5);
    story.wants(internal());
    pass(&story.wanted, &mut story.world);
    let retiring = plan(&story.wanted, &story.world).retiring;
    assert_eq!(
        Vec::from_iter(retiring),
        [("web".into(), balancer("web", Scheme::InternetFacing))]
    );
}

#[test]
fn without_names_the_wait_begins_when_the_new_load_balancer_is_attached() {
    let mut story = Story::begins_with(internal().unnamed());
    story.wants(external().unnamed());
    pass(&story.wanted, &mut story.world);
    story
        .finish()
        .check(&[ATTACH_BOTH, ROLLOUT])
        .finish()
        .check(&[RETIRING])
        .elapse()
        .check(&[ATTACH_NEW, ROLLOUT])
        .converges();
}

#[test]
fn a_name_in_one_zone_alone_still_holds_the_old_load_balancer() {
    let mut story = Story::begins_with(process("web").external());
    story.wants(internal().named(crate::plan::fixtures::EXTERNAL, "acme-web.example.com"));
    for _ in 0..2 {
        pass(&story.wanted, &mut story.world);
        story.finish();
    }
    // The batch of the external zone is refused; that of the internal one goes through.
    let plan = plan(&story.wanted, &story.world);
    let mut refused = Deferred::from_iter(plan.changes);
    refused.retain(|change| change.to_string().contains("Z-EXTERNAL"));
    assert_eq!(refused.len(), 1);
    pass_around(&story.wanted, &mut story.world, &refused);
    story.elapse();
    similar_asserts::assert_eq!(lines_around(&story.wanted, &story.world, &refused), [""; 0]);
}

#[test]
fn a_flip_back_at_any_step_ends_where_it_began() {
    for steps in 0..=8 {
        let mut story = flipped(steps);
        story.wants(internal()).converges();
    }
}

#[test]
fn a_flip_back_and_forth_at_any_two_steps_ends_at_the_last_wish() {
    for steps in 0..=8 {
        for back in 0..=4 {
            let mut story = flipped(steps);
            story.wants(internal());
            for step in 0..back {
                if step % 2 == 0 {
                    pass(&story.wanted, &mut story.world);
                } else {
                    story.finish();
                }
            }
            story.wants(external()).converges();
        }
    }
}

#[test]
fn a_flip_that_is_taken_back_before_the_service_knew_just_deletes_the_new_one() {
    flipped(2).wants(internal()).check(&[
        "delete load balancer web-external",
        "delete target group web-external-group",
    ]);
}

#[test]
fn a_flip_that_is_taken_back_once_attached_detaches_the_new_one_without_a_gap() {
    let waiting = "~ web: waiting until no resolver can still name load balancer web-external";
    flipped(4)
        .wants(internal())
        .check(&[waiting])
        .elapse()
        .check(&[
            "update service shop_acme_web: target groups [web-internal-group]",
            ROLLOUT,
        ])
        .finish()
        .check(&[
            "delete load balancer web-external",
            "delete target group web-external-group",
        ])
        .converges();
}

#[test]
fn a_flip_that_is_taken_back_in_the_wait_moves_the_names_back_at_once() {
    flipped(5).wants(internal()).check(&[
        "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-external.ELB.example (TTL 60 s), \
         +acme-web.corp.example CNAME web-internal.ELB.example (TTL 60 s)",
        "~ web: waiting until no resolver can still name load balancer web-external",
    ]);
}

#[test]
fn changed_content_goes_before_the_flip_in_an_update_of_its_own() {
    let mut story = Story::begins_with(internal());
    story.wants(external().image("web:v2"));
    pass(&story.wanted, &mut story.world);
    let service = service_of(&mut story.world, "web");
    assert_eq!((service.deployments.len(), service.attachments.len()), (2, 1));
    story
        .check(&[ROLLOUT, PROVISIONING, NAMES])
        .finish()
        .check(&[ATTACH_BOTH, ROLLOUT, NAMES])
        .converges();
}

#[test]
fn changed_content_goes_at_any_step_of_a_flip_and_nothing_is_attached_or_detached_before_it_is_rolled_out() {
    for steps in 0..=8 {
        let mut story = flipped(steps);
        story.wants(external().image("web:v2"));
        let attached = service_of(&mut story.world, "web").attachments.clone();
        pass(&story.wanted, &mut story.world);
        let service = service_of(&mut story.world, "web");
        assert_eq!(service.attachments, attached, "after {steps} steps");
        assert!(service.deployments.len() > 1, "after {steps} steps");
        story.converges();
    }
}

#[test]
fn a_rollout_that_never_completes_moves_no_name() {
    let mut story = flipped(3);
    for _ in 0..3 {
        story.check(&[ROLLOUT, NAMES]);
    }
    // And takes an edit at once.
    story.wants(external().image("web:v2")).check(&[
        "register task definition shop_acme_web with web:v2 (256 CPU units, 512 MiB, port 8080, 1 variables)",
        "update service shop_acme_web: web:v2 (256 CPU units, 512 MiB, port 8080, 1 variables)",
        ROLLOUT,
        NAMES,
    ]);
}

#[test]
fn the_count_follows_at_any_step() {
    for steps in 0..=8 {
        let mut story = flipped(steps);
        story.wants(external().quantity(7));
        pass(&story.wanted, &mut story.world);
        assert_eq!(
            service_of(&mut story.world, "web").desired,
            7,
            "after {steps} steps"
        );
        story.converges();
    }
}

#[test]
fn a_changed_container_port_in_the_middle_of_a_flip_reaches_both_target_groups() {
    let mut story = flipped(4);
    story.wants(external().container_port(9090));
    pass(&story.wanted, &mut story.world);
    let attachments = &service_of(&mut story.world, "web").attachments;
    assert_eq!(attachments.len(), 2);
    assert!(
        attachments.iter().all(|a| a.container_port == 9090),
        "{attachments:?}"
    );
    story.converges();
}

#[test]
fn a_changed_container_port_does_not_wait_for_the_load_balancer_of_a_flip() {
    let mut story = Story::begins_with(internal());
    story.wants(external().container_port(9090));
    let create = plan(&story.wanted, &story.world).changes.remove(0);
    assert!(
        create.to_string().starts_with("create internet-facing"),
        "{create}"
    );
    pass_around(&story.wanted, &mut story.world, &[create].into());
    let ports = |story: &mut Story| -> Vec<u16> {
        let attachments = &service_of(&mut story.world, "web").attachments;
        attachments.iter().map(|a| a.container_port).collect()
    };
    assert_eq!(ports(&mut story), [9090]);
    // But for the one that it is attached to: AWS refuses a target group without a listener.
    let mut story = Story::begins_with(internal());
    let old = story.world.load_balancers.values_mut().next().unwrap();
    old.listeners = Some(Vec::new());
    story
        .world
        .target_groups
        .values_mut()
        .for_each(|group| group.load_balancers.clear());
    story.wants(internal().container_port(9090));
    let listener = plan(&story.wanted, &story.world).changes.remove(0);
    assert!(listener.to_string().starts_with("create listener"), "{listener}");
    pass_around(&story.wanted, &mut story.world, &[listener].into());
    assert_eq!(ports(&mut story), [8080]);
}

#[test]
fn removing_the_process_in_the_middle_of_a_flip_leaves_nothing_behind() {
    for steps in 0..=8 {
        let mut story = flipped(steps);
        story.wanted = app([]);
        story.converges();
    }
}

#[test]
fn a_flip_and_another_record_type_move_the_name_once() {
    let mut story = Story::begins_with(internal());
    story.wants(external().style(RecordStyle::Alias));
    for _ in 0..2 {
        pass(&story.wanted, &mut story.world);
        story.finish();
    }
    story.check(&[
        "change records in zone Z-INTERNAL: -acme-web.corp.example CNAME web-internal.ELB.example. (TTL 60 s), \
         +acme-web.corp.example A alias of web-external.ELB.example",
        RETIRING,
    ]);
}
