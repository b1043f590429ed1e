//! Letting go of what was adopted, wherever a pass stops, and whatever cannot be read.

use super::*;
use crate::model::load_balancer::Scheme;
use crate::plan::ObstacleKind;
use crate::plan::fixtures::balancer;
use crate::plan::fixtures::world::remove_load_balancer;

/// The mark of the service is all that tells that they stay.
#[test]
fn a_service_is_nobodys_only_once_nothing_that_it_needs_is_ours() {
    let mut expected = adopted();
    pass(&leaving(), &mut expected);
    for stop in 0..=LEFT.len() {
        let mut world = adopted();
        for _ in 0..stop {
            let change = plan(&leaving(), &world).changes.swap_remove(0);
            apply(&mut world, &change);
        }
        if has_no_owner(&world.services["shop_acme_web"].tags) {
            assert_eq!(stop, LEFT.len());
            assert_left_whole(&world, "before the end");
        }
        // Told to delete all from here, it deletes all that is still the App's, and leaves nothing of it.
        let mut deleted = world.clone();
        settle_deleted(&mut deleted);
        let owner = leaving().owner;
        assert!(tags(&deleted).into_iter().all(|tags| !owner.owns(tags)), "{stop}");
        let was_left = has_no_owner(&world.services["shop_acme_web"].tags);
        assert_eq!(deleted.services.contains_key("shop_acme_web"), was_left, "{stop}");
        // A name that was let go of is as little the App's.
        let names = deleted.zones.values().flat_map(|zone| &zone.records);
        assert_eq!(names.count(), unowned_names(&world), "{stop}");

        pass(&leaving(), &mut world);
        assert_eq!(tags(&world), tags(&expected), "after {stop}");
        assert_eq!(world.zones, expected.zones, "after {stop}");
        assert_eq!(world.ports, expected.ports, "after {stop}");
    }
}

/// A load balancer that was let go of forwards to what is still to go, and somebody has to delete it.
fn settle_deleted(world: &mut Observed) {
    for _ in 0..9 {
        pass(&deleting(), world);
        finish(world);
        elapse(&deleting(), world);
    }
    if let [obstacle] = &*plan(&deleting(), world).obstacles {
        assert_eq!(obstacle.kind, ObstacleKind::Foreign);
        remove_load_balancer(world, &balancer("web", Scheme::InternetFacing));
        settle(&deleting(), world);
    }
}

fn unowned_names(world: &Observed) -> usize {
    let unowned = world.zones.values().map(|zone| {
        let pointers = zone.records.iter().filter(|record| record.marks().is_none());
        let is_owned = |name: &str| zone.records.iter().any(|record| record.marks() == Some(name));
        pointers.filter(|record| !is_owned(&record.name)).count()
    });
    unowned.sum()
}

/// Half of an adoption, or of a replacement, is there: what the service is attached to stays, and nothing else.
#[test]
fn what_a_service_is_not_attached_to_goes_however_far_a_replacement_has_come() {
    for (from, to) in [
        (made_by_others(), acme()),
        (adopted(), internal()),
        (adopted(), with(process("web"))),
        (adopted(), with_two_ports()),
        (settle_from(adopted(), &with_two_ports()), acme()),
    ] {
        for stop in 0.. {
            let mut world = from.clone();
            for _ in 0..stop {
                step(&to, &mut world);
            }
            let has_arrived = plan(&to, &world).is_settled();
            let written = settle(&leaving(), &mut world);
            assert_left_whole(&world, &format!("after {stop}: {written:?}"));
            if has_arrived {
                assert!(stop > 4, "{stop}");
                break;
            }
        }
    }
}

/// Its listener may forward to a target group that the service is not attached to any more.
#[test]
fn what_its_load_balancer_forwards_to_stays_with_it() {
    let mut world = settle_from(adopted(), &with_two_ports());
    while world.services["shop_acme_web"].attachments.len() > 1 {
        step(&acme(), &mut world);
    }
    assert_eq!(world.target_groups.len(), 2);
    let written = settle(&leaving(), &mut world);
    let untagged: Vec<&String> = written.iter().filter(|line| line.starts_with("untag ")).collect();
    assert_eq!(
        untagged,
        [
            "untag web-external-second-group (Retain)",
            "untag service shop_acme_worker (Retain)",
            "untag listener 80 of web-external, listener 81 of web-external, web-external (Retain)",
            "untag web-external-group (Retain)",
            "untag service shop_acme_web (Retain)",
        ]
    );
    assert_left_whole(&world, "the end");
}

/// Where the policy of a Platform is edited while an App retains what it has, what an adopted service needs is not deleted.
#[test]
fn a_service_is_last_also_where_all_is_retained() {
    let Desired { owner, place, .. } = acme();
    let retaining = Desired {
        adopted: STAYS,
        ..Desired::retaining(owner, place)
    };
    let mut expected = adopted();
    let written = pass(&retaining, &mut expected);
    assert_eq!(written.last().unwrap(), "untag service shop_acme_web (Retain)");
    for stop in 0..=written.len() {
        let mut world = adopted();
        for _ in 0..stop {
            step(&retaining, &mut world);
        }
        settle(&leaving(), &mut world);
        assert_left_whole(&world, &format!("after {stop}"));
        assert_eq!(tags(&world), tags(&expected), "after {stop}");
    }
}

/// Makes the first change, or waits where there is none.
fn step(desired: &Desired, world: &mut Observed) {
    if let Some(change) = plan(desired, world).changes.first() {
        apply(world, change);
    } else {
        finish(world);
        elapse(desired, world);
    }
}

#[test]
fn while_it_cannot_be_seen_what_stays_nothing_of_it_goes() {
    let remembered = Desired {
        adopted: Adopted {
            may_be_there: true,
            ..STAYS
        },
        ..leaving()
    };
    let mut unbalanced = adopted();
    unbalanced.unread.insert(Part::LoadBalancing);
    unbalanced.load_balancers.clear();
    unbalanced.target_groups.clear();
    let mut serviceless = adopted();
    serviceless.unread.insert(Part::Ecs);
    serviceless.services.clear();
    let mut neither = serviceless.clone();
    neither.unread.insert(Part::LoadBalancing);
    neither.load_balancers.clear();
    neither.target_groups.clear();
    for mut world in [unbalanced, serviceless, neither] {
        let before = world.clone();
        let written = pass(&remembered, &mut world);
        let harmless = |line: &String| line.contains("worker") || line.starts_with("retain host port");
        assert!(written.iter().all(harmless), "{written:?}");
        assert_eq!(world.zones, before.zones);
    }
}

#[test]
fn where_nothing_was_adopted_all_names_go_whatever_cannot_be_seen() {
    for parts in [
        vec![Part::LoadBalancing],
        vec![Part::Ecs],
        vec![Part::Ecs, Part::LoadBalancing],
    ] {
        let mut world = settled(&acme());
        if parts.contains(&Part::Ecs) {
            world.services.clear();
        }
        world.unread.extend(parts.clone());
        pass(&leaving(), &mut world);
        assert!(
            world.zones.values().all(|zone| zone.records.is_empty()),
            "{parts:?}"
        );
    }
}

#[test]
fn its_service_waits_for_a_zone_whose_list_is_old() {
    let mut world = adopted();
    for zone in world.zones.values_mut() {
        zone.is_old = true;
    }
    let written = pass(&leaving(), &mut world);
    assert_eq!(written, LEFT[..LEFT.len() - 1]);
    assert_eq!(
        lines(&leaving(), &world),
        [
            "~ web: waiting until the names of hosted zone Z-EXTERNAL can be read before service shop_acme_web goes"
        ]
    );
    for zone in world.zones.values_mut() {
        zone.is_old = false;
    }
    assert_eq!(pass(&leaving(), &mut world), LEFT[LEFT.len() - 1..]);
}

/// An older deployment may still have tasks behind it.
#[test]
fn what_is_not_attached_any_more_waits_for_the_rollout() {
    let mut world = adopted();
    // The rollout that detaches it is under way.
    let unexposed = with(process("web"));
    for _ in 0..9 {
        pass(&unexposed, &mut world);
        elapse(&unexposed, &mut world);
    }
    assert!(world.services["shop_acme_web"].attachments.is_empty());
    assert_eq!(world.load_balancers.len(), 1);
    pass(&leaving(), &mut world);
    assert_eq!(
        lines(&leaving(), &world),
        ["~ web: waiting for the rollout of service shop_acme_web"]
    );
    finish(&mut world);
    settle(&leaving(), &mut world);
    assert_left_whole(&world, "the end");
}
