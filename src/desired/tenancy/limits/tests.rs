//! What the Apps of a namespace may take together.

use serde_json::{Value, json};

use super::{Usages, check_limits, has_limits};
use crate::desired::fixtures::{app, namespace, platform};
use crate::desired::usage::{Amounts, Usage};
use crate::model::class::Class;

fn tasks(tasks: u64) -> Amounts {
    Amounts {
        apps: 1,
        tasks,
        ..Amounts::default()
    }
}

/// An App that asks for so many tasks, and has so many.
fn usage(asks: u64, has: u64) -> Usage {
    Usage {
        asks: tasks(asks),
        keeps: tasks(has),
        holds: tasks(has),
    }
}

/// Grants to the namespace, each with these limits, and one to another.
fn limited(limits: &[Value]) -> Value {
    let foreign = json!({
        "namespaceSelector": { "matchLabels": { "team": "bank" } }, "limits": { "apps": 7, "tasks": 70 },
    });
    let grant = |limits: &Value| json!({ "namespaceSelector": { "matchLabels": { "team": "retail" } }, "limits": limits });
    let grants: Vec<Value> = [foreign].into_iter().chain(limits.iter().map(grant)).collect();
    json!({ "tenancy": { "namespaceSelector": {}, "grants": grants } })
}

fn judged(spec: Value, older: &[Usage], own: Usage, younger: &[Usage]) -> Result<Option<bool>, String> {
    let usages = Usages {
        older: older.to_vec(),
        own,
        younger: younger.to_vec(),
    };
    let checked = check_limits(&app(json!({})), &platform(spec), &namespace(), &usages);
    checked.map_err(|error| {
        assert_eq!(error.class(), Class::Conflict);
        error.to_string()
    })
}

/// Under a limit of 10 tasks.
fn fits(older: &[Usage], own: Usage, younger: &[Usage]) -> bool {
    judged(limited(&[json!({ "tasks": 10 })]), older, own, younger).is_ok()
}

#[test]
fn up_to_the_limit_and_no_further() {
    assert!(fits(&[], usage(10, 0), &[]));
    assert!(!fits(&[], usage(11, 0), &[]));
    assert!(fits(&[usage(4, 4)], usage(6, 0), &[]));
    assert!(!fits(&[usage(4, 4)], usage(7, 0), &[]));
}

#[test]
fn older_apps_come_first_and_what_younger_ones_have_stays() {
    assert!(
        !fits(&[usage(8, 0)], usage(3, 0), &[]),
        "the older one grows first"
    );
    assert!(
        fits(&[], usage(8, 0), &[usage(3, 0)]),
        "the younger one has nothing yet"
    );
    assert!(!fits(&[], usage(8, 0), &[usage(3, 3)]), "and keeps what it has");
    assert!(fits(&[], usage(7, 0), &[usage(3, 3)]));
    // Of what shrinks, all is held until it is gone.
    assert!(!fits(&[usage(1, 8)], usage(3, 0), &[]));
    assert!(!fits(&[], usage(3, 0), &[usage(1, 8)]));
}

/// Else one that asks for too much would stop all others.
#[test]
fn an_older_one_that_is_refused_itself_takes_what_it_has() {
    assert!(fits(&[usage(100, 2)], usage(8, 0), &[]));
    assert!(!fits(&[usage(100, 2)], usage(9, 0), &[]));
    // Each in its turn: the second one does not fit beside the first, and the third does.
    assert!(fits(&[usage(6, 0), usage(5, 0)], usage(4, 0), &[]));
    assert!(!fits(&[usage(6, 0), usage(4, 0)], usage(1, 0), &[]));
    // Nor beside what is there already, of whatever age.
    assert!(fits(&[usage(6, 0)], usage(4, 0), &[usage(5, 5)]));
}

/// In whatever order they grow.
#[test]
fn nobody_gets_beyond_the_limit_together() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut apps = [usage(0, 0); 3];
        for place in order {
            apps[place].asks = tasks(10);
            let (older, rest) = apps.split_at(place);
            if fits(older, rest[0], &rest[1..]) {
                apps[place] = usage(10, 10);
            }
        }
        let total: u64 = apps.iter().map(|app| app.holds.tasks).sum();
        assert_eq!(total, 10, "{order:?}");
    }
}

#[test]
fn a_limit_below_what_there_is_refuses_growth_alone() {
    let others = [usage(30, 30)];
    for (own, expected) in [
        (usage(20, 20), true),
        (usage(15, 20), true),
        (usage(0, 20), true),
        (usage(21, 20), false),
        (usage(1, 0), false),
    ] {
        assert_eq!(fits(&others, own, &[]), expected, "{own:?}");
        assert_eq!(fits(&[], own, &others), expected, "{own:?}");
    }
}

#[test]
fn of_several_grants_the_largest_number_of_each_limit_holds() {
    let judged = |limits: &[Value]| judged(limited(limits), &[], usage(30, 0), &[]);
    assert!(judged(&[json!({ "tasks": 10 }), json!({ "tasks": 29 })]).is_err());
    assert_eq!(
        judged(&[json!({ "tasks": 30 }), json!({ "tasks": 10 })]),
        Ok(Some(true))
    );
    // A grant of other things lifts no limit.
    assert!(judged(&[json!({ "tasks": 10 }), json!(null), json!({ "cpu": 10 })]).is_err());
    // What no grant says is no limit, and 0 is one.
    assert_eq!(judged(&[json!({ "memory": 10 })]), Ok(Some(false)));
    assert!(judged(&[json!({ "tasks": 0 })]).is_err());
}

#[test]
fn where_no_grant_of_the_namespace_has_limits_there_are_none() {
    let none = limited(&[]);
    let tenancy = |tenancy: Value| json!({ "tenancy": tenancy });
    for (spec, expected) in [
        (tenancy(json!(null)), false),
        (tenancy(json!({ "namespaceSelector": {} })), false),
        (tenancy(json!({ "namespaceSelector": {}, "grants": [] })), false),
        (none, true),
    ] {
        assert_eq!(has_limits(&platform(spec.clone())), expected);
        assert_eq!(judged(spec, &[usage(9, 9)], usage(1_000_000, 0), &[]), Ok(None));
    }
}

#[test]
fn the_message_has_the_numbers_of_each_limit_that_is_exceeded() {
    let limits = [json!({ "tasks": 50, "apps": 3 }), json!({ "cpu": 9 })];
    let own = Usage {
        asks: Amounts {
            cpu: 10,
            ..tasks(1_000_000)
        },
        ..usage(0, 2)
    };
    let message = judged(
        limited(&limits),
        &[usage(11, 7)],
        own,
        &[usage(8, 4), usage(9, 1)],
    );
    assert_eq!(
        message.unwrap_err(),
        "tasks: Platform staging does not allow 1000000: tenancy.grants[1,2].limits.tasks gives namespace shop 50, of which \
         older Apps take 11 and younger ones have 5; this App has 2; cpu: Platform staging does not allow 10: \
         tenancy.grants[1,2].limits.cpu gives namespace shop 9, of which older Apps take 0 and younger ones have 0; this App \
         has 0"
    );
}

#[test]
fn what_a_platform_has_nothing_of_is_not_counted() {
    let own = Usage {
        asks: Amounts {
            load_balancers: 5,
            host_ports: 5,
            ..Amounts::default()
        },
        ..Usage::default()
    };
    let judged = |fields: Value| {
        let mut spec = limited(&[json!({ "loadBalancers": 4, "hostPorts": 4 })]);
        for (name, value) in fields.as_object().unwrap() {
            spec[name] = value.clone();
        }
        let refused = judged(spec, &[], own, &[]).err();
        let has = |name: &str| refused.as_ref().is_some_and(|message| message.contains(name));
        [has("loadBalancers"), has("hostPorts")]
    };
    let ports = json!({ "hostPorts": { "first": 9000, "last": 9999 } });
    assert_eq!(judged(json!({})), [true, false]);
    assert_eq!(judged(json!({ "network": ports })), [true, true]);
    assert_eq!(
        judged(json!({ "network": ports, "loadBalancing": { "provider": "None" } })),
        [false, true]
    );
}
