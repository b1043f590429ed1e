//! The names that an App wants, each with its zone and target.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform, platform_with};
use crate::model::desired::Desired;
use crate::model::record::RecordStyle;

fn zones(internal: &str, external: &str) -> Value {
    json!({ "status": { "zones": { "internal": internal, "external": external } } })
}

fn wanted(processes: Value, patch: Value) -> Result<Desired, String> {
    let built = build(&app(processes), &platform_with(patch), &owner(), &namespace());
    built
        .map(|built| built.desired)
        .map_err(|error| error.to_string())
}

/// `zone name process` of every name that is wanted.
#[track_caller]
fn check(processes: Value, patch: Value, expected: &[&str]) {
    let desired = wanted(processes, patch).unwrap();
    let found: Vec<String> = desired
        .records
        .iter()
        .map(|(key, record)| format!("{} {} {}", key.zone, key.name, record.process))
        .collect();
    assert_eq!(found, expected);
    for record in desired.records.values() {
        let balancing = desired.processes[&record.process]
            .load_balancing
            .as_ref()
            .unwrap();
        assert_eq!(record.load_balancer, balancing.load_balancer.name);
    }
}

#[track_caller]
fn refused(processes: Value, patch: Value, expected: &str) {
    let message = wanted(processes, patch).unwrap_err();
    assert!(message.contains(expected), "{message}");
}

fn exposed(name: &str, expose: Value) -> Value {
    json!({ name: { "command": "run", "expose": expose } })
}

#[test]
fn a_process_is_called_after_app_and_process_and_web_after_the_app_too() {
    check(
        exposed("api", json!({})),
        json!({}),
        &["Z-INTERNAL acme-api.corp.example api"],
    );
    check(
        exposed("web", json!({})),
        json!({}),
        &[
            "Z-INTERNAL acme-web.corp.example web",
            "Z-INTERNAL acme.corp.example web",
        ],
    );
    check(exposed("worker", json!({ "type": "none" })), json!({}), &[]);
}

#[test]
fn an_external_process_has_its_names_in_both_zones() {
    check(
        exposed("web", json!({ "external": true })),
        json!({}),
        &[
            "Z-EXTERNAL acme-web.example.com web",
            "Z-EXTERNAL acme.example.com web",
            "Z-INTERNAL acme-web.corp.example web",
            "Z-INTERNAL acme.corp.example web",
        ],
    );
}

#[test]
fn with_split_horizon_both_zones_have_the_same_name() {
    check(
        exposed(
            "api",
            json!({ "external": true, "hostnames": ["shop.example.com"] }),
        ),
        zones("example.com", "example.com"),
        &[
            "Z-EXTERNAL acme-api.example.com api",
            "Z-EXTERNAL shop.example.com api",
            "Z-INTERNAL acme-api.example.com api",
            "Z-INTERNAL shop.example.com api",
        ],
    );
    check(
        exposed("api", json!({ "hostnames": ["shop.example.com"] })),
        zones("example.com", "example.com"),
        &[
            "Z-INTERNAL acme-api.example.com api",
            "Z-INTERNAL shop.example.com api",
        ],
    );
}

#[test]
fn without_one_of_the_zones_names_live_in_the_other_or_nowhere() {
    let no_external =
        || json!({ "spec": { "dns": { "external": null } }, "status": { "zones": { "external": null } } });
    let no_internal =
        || json!({ "spec": { "dns": { "internal": null } }, "status": { "zones": { "internal": null } } });
    let no_dns = || json!({ "spec": { "dns": null }, "status": { "zones": null } });
    let (internal, external) = (
        || exposed("api", json!({})),
        || exposed("api", json!({ "external": true })),
    );
    check(
        internal(),
        no_external(),
        &["Z-INTERNAL acme-api.corp.example api"],
    );
    check(
        external(),
        no_external(),
        &["Z-INTERNAL acme-api.corp.example api"],
    );
    check(internal(), no_internal(), &[]);
    check(
        external(),
        no_internal(),
        &["Z-EXTERNAL acme-api.example.com api"],
    );
    check(internal(), no_dns(), &[]);
    check(external(), no_dns(), &[]);
}

#[test]
fn a_hostname_is_in_the_zone_of_its_longest_suffix() {
    let hostnames = |names: &[&str]| exposed("api", json!({ "external": true, "hostnames": names }));
    check(
        hostnames(&["x.corp.example", "a.b.example.com"]),
        json!({}),
        &[
            "Z-EXTERNAL a.b.example.com api",
            "Z-EXTERNAL acme-api.example.com api",
            "Z-INTERNAL acme-api.corp.example api",
            "Z-INTERNAL x.corp.example api",
        ],
    );
    check(
        hostnames(&["x.internal.example.com", "y.example.com"]),
        zones("internal.example.com", "example.com"),
        &[
            "Z-EXTERNAL acme-api.example.com api",
            "Z-EXTERNAL y.example.com api",
            "Z-INTERNAL acme-api.internal.example.com api",
            "Z-INTERNAL x.internal.example.com api",
        ],
    );
}

#[test]
fn a_hostname_that_no_zone_of_the_process_holds_is_refused() {
    for (expose, patch) in [
        (json!({ "hostnames": ["shop.example.org"] }), json!({})),
        // Ends like the zone, but not at a dot.
        (json!({ "hostnames": ["notcorp.example"] }), json!({})),
        (json!({ "hostnames": ["example"] }), json!({})),
        // In the external zone, which an internal process has no names in.
        (json!({ "hostnames": ["shop.example.com"] }), json!({})),
    ] {
        refused(
            exposed("api", expose.clone()),
            patch,
            "process api: expose.hostnames: ",
        );
        let message = wanted(exposed("api", expose), json!({})).unwrap_err();
        assert!(
            message.contains("corp.example") && !message.contains(" example.com"),
            "{message}"
        );
    }
    refused(
        exposed("api", json!({ "hostnames": ["shop.example.com"] })),
        json!({ "spec": { "dns": null } }),
        "process api: expose.hostnames: shop.example.com",
    );
}

#[test]
fn a_hostname_of_the_external_zone_does_not_fall_back_to_a_shorter_internal_one() {
    refused(
        exposed("api", json!({ "hostnames": ["a.shop.example.com"] })),
        zones("example.com", "shop.example.com"),
        "process api: expose.hostnames: a.shop.example.com",
    );
}

#[test]
fn names_compare_without_case_and_trailing_dot() {
    check(
        exposed("api", json!({ "hostnames": ["Shop.CORP.Example."] })),
        zones("Corp.Example.", "Example.com."),
        &[
            "Z-INTERNAL acme-api.corp.example api",
            "Z-INTERNAL shop.corp.example api",
        ],
    );
}

fn named(templates: &[&str]) -> Value {
    json!({ "spec": { "dns": { "nameTemplates": templates } } })
}

#[test]
fn a_platform_says_what_names_processes_get_by_themselves() {
    let both = || {
        json!({
            "web": { "command": "run", "expose": { "external": true } },
            "api": { "command": "run", "expose": {} },
        })
    };
    check(
        both(),
        named(&["{app}-{process}.{namespace}", "{app}.{namespace}"]),
        &[
            "Z-EXTERNAL acme-web.shop.example.com web",
            "Z-EXTERNAL acme.shop.example.com web",
            "Z-INTERNAL acme-api.shop.corp.example api",
            "Z-INTERNAL acme-web.shop.corp.example web",
            "Z-INTERNAL acme.shop.corp.example web",
        ],
    );
    check(
        exposed("web", json!({ "hostnames": ["www.corp.example"] })),
        named(&["{process}.{app}-{namespace}"]),
        &[
            "Z-INTERNAL web.acme-shop.corp.example web",
            "Z-INTERNAL www.corp.example web",
        ],
    );
    // Those of the version before.
    let default = named(&["{app}-{process}", "{app}"]);
    let records = |patch| wanted(both(), patch).unwrap().records;
    assert_eq!(records(default), records(json!({})));
    assert_eq!(records(named(&[])), records(json!({})));
}

#[test]
fn a_part_of_a_name_that_is_too_long_for_dns_is_refused() {
    let process = "p".repeat(50);
    let long = || exposed(&process, json!({}));
    let of = |template: &str| named(&[template]);
    refused(
        long(),
        of("{namespace}-{app}-{process}-long"),
        "has 65 characters, and DNS takes at most 63: the Platform's dns.nameTemplates",
    );
    assert!(wanted(long(), of("{namespace}-{app}.{process}-long")).is_ok());
}

#[test]
fn two_zones_of_the_same_name_are_known_as_such() {
    let twin = |patch: Value| {
        let place = wanted(json!({}), patch).unwrap().place;
        place.twin("Z-INTERNAL").cloned()
    };
    assert_eq!(
        twin(zones("Example.com.", "example.com")).as_deref(),
        Some("Z-EXTERNAL")
    );
    assert_eq!(twin(zones("corp.example.com", "example.com")), None);
    let one = json!({ "spec": { "dns": { "external": null } } });
    assert_eq!(twin(one), None);
    let unknown = json!({ "status": { "zones": { "external": null } } });
    assert_eq!(twin(unknown), None);
}

#[test]
fn the_zones_own_name_is_for_an_alias_only() {
    let apex = || exposed("api", json!({ "external": true, "hostnames": ["Example.com"] }));
    refused(
        apex(),
        json!({}),
        "process api: expose.hostnames: example.com is the zone's own name",
    );
    check(
        apex(),
        json!({ "spec": { "dns": { "recordType": "Alias" } } }),
        &[
            "Z-EXTERNAL acme-api.example.com api",
            "Z-EXTERNAL example.com api",
            "Z-INTERNAL acme-api.corp.example api",
        ],
    );
}

#[test]
fn two_processes_cannot_have_one_name() {
    let both = |web: &[&str], api: &[&str]| {
        json!({
            "web": { "command": "run", "expose": { "hostnames": web } },
            "api": { "command": "run", "expose": { "hostnames": api } },
        })
    };
    let shop = "shop.corp.example";
    for (web, api, name, blamed) in [
        (&[shop][..], &[shop][..], shop, "web"),
        (&["SHOP.corp.example"], &["shop.corp.example."], shop, "web"),
        // One that the other derives: whoever wrote it down is to blame.
        (&[], &["acme.corp.example"], "acme.corp.example", "api"),
        (&["acme-api.corp.example"], &[], "acme-api.corp.example", "web"),
    ] {
        let message = wanted(both(web, api), json!({})).unwrap_err();
        assert!(
            message.contains(name) && message.contains("process web") && message.contains("process api"),
            "{message}"
        );
        assert!(message.starts_with(&format!("process {blamed}: ")), "{message}");
    }
    // Two in zones of their own do no harm, nor does one name said twice.
    assert!(wanted(both(&[shop, shop], &["api.corp.example"]), json!({})).is_ok());
    check(
        exposed("api", json!({ "hostnames": ["acme-api.corp.example"] })),
        json!({}),
        &["Z-INTERNAL acme-api.corp.example api"],
    );
}

#[test]
fn records_are_names_with_a_ttl_of_a_minute_unless_the_platform_says_otherwise() {
    for (dns, style) in [
        (json!({}), RecordStyle::Cname { ttl: 60 }),
        (
            json!({ "recordType": "CNAME", "ttlSeconds": 5 }),
            RecordStyle::Cname { ttl: 5 },
        ),
        (json!({ "ttlSeconds": 300 }), RecordStyle::Cname { ttl: 300 }),
        (json!({ "recordType": "Alias" }), RecordStyle::Alias),
        (
            json!({ "recordType": "Alias", "ttlSeconds": 300 }),
            RecordStyle::Alias,
        ),
    ] {
        let app = app(exposed("web", json!({})));
        let desired = build(&app, &platform(json!({ "dns": dns })), &owner(), &namespace())
            .unwrap()
            .desired;
        assert!(
            desired.records.values().all(|record| record.style == style),
            "{dns}"
        );
        assert_eq!(desired.records.len(), 2);
    }
}
