//! Tenancy: who may run Apps on a Platform, and what they may ask for.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::{Allowed, check_retain, openness};
use crate::api::condition::Reason;
use crate::api::platform::Openness;
use crate::desired::NamespaceLabels;
use crate::desired::fixtures::{app_with, build, namespace, owner, platform};
use crate::error::Error;
use crate::status::{Verdict, verdict_of_error};

const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/token-a1b2c3";

fn judged(app: Value, tenancy: Value, namespace: &NamespaceLabels) -> Result<(), String> {
    let (app, platform) = (
        app_with(json!({ "spec": app })),
        platform(json!({ "tenancy": tenancy })),
    );
    let allowed = Allowed::to(&app, &platform, namespace);
    allowed.check().map_err(|error| refusal(&error))
}

/// The message of the condition.
fn refusal(error: &Error) -> String {
    let Verdict::Stalled(Reason::NotAllowed, message) = verdict_of_error(error) else {
        panic!("{error}")
    };
    message
}

fn is_selected(selector: Value) -> bool {
    judged(json!({}), json!({ "namespaceSelector": selector }), &namespace()).is_ok()
}

#[test]
fn namespaces_are_selected_as_kubernetes_does() {
    for (selector, expected) in [
        (json!({}), true),
        (json!({ "matchLabels": { "team": "retail" } }), true),
        (json!({ "matchLabels": { "team": "bank" } }), false),
        (
            json!({ "matchLabels": { "team": "retail", "stage": "test" } }),
            false,
        ),
        (requirement("team", "In", &["bank", "retail"]), true),
        (requirement("team", "NotIn", &["retail"]), false),
        (requirement("stage", "NotIn", &["test"]), true),
        (requirement("team", "Exists", &[]), true),
        (requirement("stage", "Exists", &[]), false),
        (requirement("stage", "DoesNotExist", &[]), true),
        // The schema refuses it; should one be stored, it opens no door.
        (requirement("team", "Nonsense", &[]), false),
    ] {
        assert_eq!(is_selected(selector.clone()), expected, "{selector}");
    }
}

fn requirement(key: &str, operator: &str, values: &[&str]) -> Value {
    json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] })
}

#[test]
fn without_tenancy_any_namespace_and_neither_roles_nor_secrets() {
    let none = NamespaceLabels::new();
    assert_eq!(judged(json!({}), json!(null), &none), Ok(()));
    let role = judged(json!({ "taskRoleArn": ROLE }), json!(null), &none).unwrap_err();
    assert_eq!(
        role,
        format!(
            "taskRoleArn: Platform staging does not allow {ROLE}: it matches nothing in tenancy.taskRoleArns"
        )
    );
    let secret = judged(json!({ "secrets": { "TOKEN": SECRET } }), json!(null), &none).unwrap_err();
    assert_eq!(
        secret,
        format!(
            "secrets: TOKEN: Platform staging does not allow {SECRET}: it matches nothing in tenancy.secretArns"
        )
    );
}

#[test]
fn a_list_left_out_allows_nothing() {
    let tenancy = || json!({ "namespaceSelector": {} });
    for app in [
        json!({ "taskRoleArn": ROLE }),
        json!({ "secrets": { "TOKEN": SECRET } }),
    ] {
        assert!(judged(app, tenancy(), &namespace()).is_err());
    }
}

#[test]
fn what_a_pattern_matches_is_allowed_and_what_is_not_says_where_it_stands() {
    let tenancy = || {
        json!({
            "namespaceSelector": {},
            "taskRoleArns": ["arn:aws:iam::123456789012:role/other", "arn:aws:iam::123456789012:role/apps/*"],
            "secretArns": ["arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/*"],
        })
    };
    let app = |secret: &str| {
        json!({
            "taskRoleArn": ROLE, "secrets": { "TOKEN": SECRET },
            "processes": { "api": { "command": "run", "secrets": { "KEY": secret } } },
        })
    };
    assert_eq!(judged(app(SECRET), tenancy(), &namespace()), Ok(()));
    let foreign = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:bank/key";
    let message = judged(app(foreign), tenancy(), &namespace()).unwrap_err();
    assert!(
        message.starts_with("process api: secrets: KEY: Platform staging does not allow"),
        "{message}"
    );
}

#[test]
fn an_unselected_namespace_is_named() {
    let message = judged(
        json!({}),
        json!({ "namespaceSelector": { "matchLabels": { "team": "bank" } } }),
        &namespace(),
    );
    assert_eq!(
        message.unwrap_err(),
        "Platform staging takes no Apps of namespace shop: its tenancy.namespaceSelector does not select it"
    );
}

const CERTIFICATE: &str = "arn:aws:acm:eu-west-9:123456789012:certificate/shop-1";

/// All that an App can ask for: `web` is external with a certificate and a hostname, and `api` has an image of its own.
fn demanding() -> Value {
    json!({
        "metadata": { "annotations": { "empire.dev/adopt": "true" } },
        "spec": {
            "deletionPolicy": "Retain",
            "processes": {
                "web": {
                    "command": "run",
                    "expose": {
                        "type": "https", "external": true, "certificateArns": [CERTIFICATE],
                        "hostnames": ["www.example.com"],
                    },
                },
                "api": {
                    "command": "run", "image": "registry.example/api:v7",
                    "placement": { "constraints": [{ "type": "distinctInstance" }] },
                    "capacity": { "capacityProviders": [{ "name": "pool" }] },
                },
            },
        },
    })
}

/// A grant to all of namespace `shop`.
fn grant(fields: Value) -> Value {
    let mut grant = json!({ "namespaceSelector": { "matchLabels": { "team": "retail" } } });
    for (name, value) in fields.as_object().unwrap() {
        grant[name] = value.clone();
    }
    grant
}

/// The capacity of a Platform on which there may be shares.
fn pool() -> Value {
    json!({ "capacityProviders": [{ "name": "pool" }, { "name": "other" }] })
}

fn all() -> Value {
    grant(json!({
        "hostnames": ["acme.*", "acme.*.*", "acme-web.*.*", "www.example.com"],
        "certificateArns": ["arn:aws:acm:eu-west-9:123456789012:certificate/{namespace}-*"],
        "images": ["registry.example/{app}:*", "registry.example/api:*"],
        "external": true,
        "adopt": true,
        "retain": true,
        "constraints": true,
        "capacity": true,
    }))
}

/// What is built of an App at a Platform with these grants, and a foreign one before them.
fn granted(app: Value, grants: &[Value]) -> Result<(), String> {
    let foreign = json!({
        "namespaceSelector": { "matchLabels": { "team": "bank" } },
        "hostnames": ["*"], "certificateArns": ["*"], "images": ["*"], "external": true, "adopt": true, "retain": true,
        "constraints": true, "capacity": true,
    });
    let grants: Vec<Value> = [foreign].into_iter().chain(grants.iter().cloned()).collect();
    let platform =
        platform(json!({ "tenancy": { "namespaceSelector": {}, "grants": grants }, "capacity": pool() }));
    let built = build(&app_with(app), &platform, &owner(), &namespace());
    built.map(|_| ()).map_err(|error| refusal(&error))
}

#[test]
fn without_grants_all_is_open_but_roles_and_secrets() {
    for tenancy in [json!(null), json!({ "namespaceSelector": {} })] {
        let platform = platform(json!({ "tenancy": tenancy, "capacity": pool() }));
        assert!(build(&app_with(demanding()), &platform, &owner(), &namespace()).is_ok());
        assert_eq!(openness(&platform), Openness::Open);
    }
    let platform = platform(json!({ "tenancy": { "namespaceSelector": {}, "grants": [] } }));
    assert_eq!(openness(&platform), Openness::Granted);
}

#[test]
fn what_is_granted_is_allowed_by_one_grant_or_by_several() {
    assert_eq!(granted(demanding(), &[all()]), Ok(()));
    let single: Vec<Value> = all()
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "namespaceSelector")
        .map(|(name, value)| grant(json!({ name: value })))
        .collect();
    assert_eq!(granted(demanding(), &single), Ok(()));
}

#[test]
fn what_is_not_granted_is_refused_with_process_field_value_and_the_lists_that_were_asked() {
    const LEFT_OUT: &str = "Platform staging does not allow";
    for (field, less, expected) in [
        (
            "images",
            json!([]),
            "image: … registry.example/acme:v42: it matches nothing in tenancy.grants[1,2].images",
        ),
        (
            "images",
            json!(["registry.example/{app}:*"]),
            "process api: image: … registry.example/api:v7: it matches nothing in tenancy.grants[1,2].images",
        ),
        (
            "certificateArns",
            json!(["arn:aws:acm:eu-west-9:123456789012:certificate/{app}-*"]),
            "process web: expose.certificateArns: … arn:aws:acm:eu-west-9:123456789012:certificate/shop-1: it matches \
             nothing in tenancy.grants[1,2].certificateArns",
        ),
        (
            "hostnames",
            json!(["acme.*.*", "acme-web.*.*"]),
            "process web: expose.hostnames: … www.example.com: it matches nothing in tenancy.grants[1,2].hostnames",
        ),
        (
            "hostnames",
            json!([
                "acme.example.com",
                "*.corp.example",
                "www.example.com",
                "acme.corp.example"
            ]),
            "process web: expose: the name that it gets by itself: … acme-web.example.com: it matches nothing in \
             tenancy.grants[1,2].hostnames",
        ),
        (
            "external",
            json!(false),
            "process web: expose.external: … true: tenancy.grants[1,2].external is not true",
        ),
        (
            "adopt",
            json!(null),
            "metadata.annotations[empire.dev/adopt]: … true: tenancy.grants[1,2].adopt is not true",
        ),
        (
            "constraints",
            json!(null),
            "process api: placement.constraints: … distinctInstance: tenancy.grants[1,2].constraints is not true",
        ),
        (
            "capacity",
            json!(false),
            "process api: capacity.capacityProviders: … pool: tenancy.grants[1,2].capacity is not true",
        ),
        (
            "retain",
            json!(false),
            "deletionPolicy: … Retain: tenancy.grants[1,2].retain is not true",
        ),
    ] {
        let mut less_than_all = all();
        less_than_all[field] = less;
        assert_eq!(
            granted(demanding(), &[less_than_all, grant(json!({}))]).unwrap_err(),
            expected.replace('…', LEFT_OUT),
            "{field}"
        );
    }
}

#[test]
fn where_no_grant_selects_the_namespace_nothing_is_allowed_and_the_message_says_so() {
    for (app, field) in [
        (
            json!({}),
            "image: Platform staging does not allow registry.example/acme:v42: ",
        ),
        (
            json!({ "spec": { "secrets": { "TOKEN": SECRET } } }),
            &*format!(
                "secrets: TOKEN: Platform staging does not allow {SECRET}: it matches nothing in tenancy.secretArns, and "
            ),
        ),
    ] {
        assert_eq!(
            granted(app, &[]).unwrap_err(),
            format!("{field}none of tenancy.grants selects namespace shop")
        );
    }
}

#[test]
fn roles_and_secrets_are_those_of_the_old_lists_and_of_the_grants() {
    let app = || json!({ "taskRoleArn": ROLE, "secrets": { "TOKEN": SECRET } });
    let images = json!(["*"]);
    let secrets = json!(["arn:aws:secretsmanager:eu-west-9:123456789012:secret:{namespace}/*"]);
    let roles = json!(["arn:aws:iam::123456789012:role/apps/{app}"]);
    let tenancy = |old: Value, new: Value| {
        let mut tenancy = json!({ "namespaceSelector": {}, "grants": [grant(json!({ "images": images }))] });
        for (name, value) in old.as_object().unwrap() {
            tenancy[name] = value.clone();
        }
        for (name, value) in new.as_object().unwrap() {
            tenancy["grants"][0][name] = value.clone();
        }
        tenancy
    };
    let old_roles = json!(["arn:aws:iam::123456789012:role/apps/*"]);
    for allowed in [
        tenancy(
            json!({ "taskRoleArns": old_roles }),
            json!({ "secretArns": secrets }),
        ),
        tenancy(json!({}), json!({ "taskRoleArns": roles, "secretArns": secrets })),
    ] {
        assert_eq!(judged(app(), allowed, &namespace()), Ok(()));
    }
    assert_eq!(
        judged(
            app(),
            tenancy(json!({}), json!({ "secretArns": secrets })),
            &namespace()
        )
        .unwrap_err(),
        format!(
            "taskRoleArn: Platform staging does not allow {ROLE}: it matches nothing in tenancy.taskRoleArns and \
             tenancy.grants[0].taskRoleArns"
        )
    );
    // Only in grants are names put in.
    assert!(
        judged(
            app(),
            tenancy(json!({ "taskRoleArns": roles, "secretArns": secrets }), json!({})),
            &namespace()
        )
        .is_err()
    );
}

#[test]
fn a_zones_own_name_is_allowed_only_where_it_is_written_out() {
    let app = |host: &str| {
        json!({ "spec": { "processes": { "api": {
            "command": "run", "expose": { "type": "http", "external": true, "hostnames": [host] },
        } } } })
    };
    let built_as = |name: &str, host: &str, hostnames: Value| {
        let grant = grant(json!({ "images": ["*"], "external": true, "hostnames": hostnames }));
        let platform = platform(json!({
            "dns": { "recordType": "Alias" }, "tenancy": { "namespaceSelector": {}, "grants": [grant] },
        }));
        let mut app = app_with(app(host));
        app.metadata.name = Some(name.into());
        let built = build(&app, &platform, &owner(), &namespace());
        built.map(|_| ()).map_err(|error| refusal(&error))
    };
    let alias = |host: &str, hostnames: Value| built_as("acme", host, hostnames);
    let ours = ["acme-api.example.com", "acme-api.corp.example"];
    for patterns in [&["*"][..], &["*.com"], &["*.*"], &["example.*"]] {
        let patterns: Vec<&str> = patterns.iter().chain(&ours).copied().collect();
        assert_eq!(
            alias("example.com", json!(patterns)).unwrap_err(),
            "process api: expose.hostnames: Platform staging does not allow example.com: it is the zone's own name, which no \
             pattern matches, and is not written out in tenancy.grants[0].hostnames"
        );
    }
    // Nor has an App, or a namespace, the zone for being called so.
    assert!(built_as("example", "example.com", json!(["{app}.com", "*.*.*"])).is_err());
    assert_eq!(
        built_as("example", "example.com", json!(["example.com", "*.*.*"])),
        Ok(())
    );
    let written = ["example.com", ours[0], ours[1]];
    assert_eq!(alias("example.com", json!(written)), Ok(()));
    assert_eq!(alias("www.example.com", json!(["*"])), Ok(()));
}

#[test]
fn a_placement_without_constraints_needs_no_grant() {
    let app = json!({ "spec": { "processes": { "api": {
        "command": "run", "placement": { "constraints": [], "strategy": [{ "type": "random" }] },
    } } } });
    assert_eq!(granted(app, &[grant(json!({ "images": ["*"] }))]), Ok(()));
}

#[test]
fn a_platform_that_retains_by_itself_grants_it() {
    let deleted = app_with(json!({
        "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" }, "spec": { "deletionPolicy": "Retain" },
    }));
    let judged = |tenancy: Value, policy: Value| {
        let platform = platform(json!({ "tenancy": tenancy, "deletionPolicy": policy }));
        check_retain(&deleted, &platform, &namespace()).map_err(|error| refusal(&error))
    };
    let tenancy =
        |retain: bool| json!({ "namespaceSelector": {}, "grants": [grant(json!({ "retain": retain }))] });
    for (tenancy, policy) in [
        (json!(null), json!(null)),
        (tenancy(true), json!(null)),
        (tenancy(false), json!("Retain")),
    ] {
        assert_eq!(judged(tenancy, policy), Ok(()));
    }
    assert_eq!(
        judged(tenancy(false), json!("Delete")).unwrap_err(),
        "deletionPolicy: Platform staging does not allow Retain: tenancy.grants[0].retain is not true; it is neither removed \
         nor released until it is, or until deletionPolicy is Delete"
    );
}

#[test]
fn sidecars_are_allowed_by_a_word_only_and_then_asked_as_processes_are() {
    let check = |sidecar: Value, tenancy: Value| {
        let api = json!({ "command": "run", "sidecars": { "proxy": sidecar } });
        let app = json!({ "image": "registry.example/acme:v1", "processes": { "api": api } });
        judged(app, tenancy, &namespace())
    };
    let plain = || json!({ "image": "registry.example/proxy:v1" });
    let grant = |more: Value| {
        let mut grant = json!({ "namespaceSelector": {}, "images": ["registry.example/*"] });
        for (key, value) in more.as_object().unwrap() {
            grant[key] = value.clone();
        }
        json!({ "namespaceSelector": {}, "grants": [grant] })
    };
    let refused = |why: &str| {
        Err(format!(
            "process api: sidecars: Platform staging does not allow proxy: {why}"
        ))
    };
    assert_eq!(
        check(plain(), Value::Null),
        refused("tenancy.sidecars is not true")
    );
    assert_eq!(
        check(plain(), json!({ "namespaceSelector": {} })),
        refused("tenancy.sidecars is not true")
    );
    assert_eq!(
        check(plain(), grant(json!({}))),
        refused("neither tenancy.sidecars nor tenancy.grants[0].sidecars is true")
    );
    let other = json!({ "namespaceSelector": {}, "grants": [] });
    assert_eq!(
        check(plain(), other),
        Err("image: Platform staging does not allow registry.example/acme:v1: none of tenancy.grants selects namespace shop".into())
    );
    assert_eq!(
        check(plain(), json!({ "namespaceSelector": {}, "sidecars": true })),
        Ok(())
    );
    let granted = || grant(json!({ "sidecars": true }));
    assert_eq!(check(plain(), granted()), Ok(()));
    for (sidecar, expected) in [
        (
            json!({ "image": "elsewhere.example/proxy" }),
            "process api: sidecars.proxy.image: Platform staging does not allow elsewhere.example/proxy: it matches nothing in \
             tenancy.grants[0].images"
                .to_owned(),
        ),
        (
            json!({ "image": "registry.example/proxy", "secrets": { "A": SECRET } }),
            format!(
                "process api: sidecars.proxy.secrets: A: Platform staging does not allow {SECRET}: it matches nothing in \
                 tenancy.secretArns and tenancy.grants[0].secretArns"
            ),
        ),
        (
            json!({ "image": "registry.example/proxy", "repositoryCredentials": SECRET }),
            format!(
                "process api: sidecars.proxy.repositoryCredentials: Platform staging does not allow {SECRET}: it matches \
                 nothing in tenancy.secretArns and tenancy.grants[0].secretArns"
            ),
        ),
    ] {
        assert_eq!(check(sidecar, granted()), Err(expected));
    }
}

#[test]
fn a_shell_in_tasks_is_allowed_by_a_word_only() {
    let role = "arn:aws:iam::123456789012:role/apps/acme";
    let check = |exec: Value, tenancy: &Value| {
        let mut tenancy = tenancy.clone();
        if !tenancy.is_null() {
            tenancy["namespaceSelector"] = json!({});
            tenancy["taskRoleArns"] = json!(["*"]);
        }
        let api = json!({ "command": "run", "exec": exec });
        let app = json!({ "image": "a", "taskRoleArn": role, "processes": { "api": api } });
        judged(app, tenancy, &namespace())
    };
    let grants =
        |exec: Value| json!({ "grants": [{ "namespaceSelector": {}, "images": ["*"], "exec": exec }] });
    for (tenancy, why) in [
        (json!({}), Some("tenancy.exec is not true")),
        (json!({ "exec": false }), Some("tenancy.exec is not true")),
        (json!({ "exec": true }), None),
        (
            grants(json!(false)),
            Some("neither tenancy.exec nor tenancy.grants[0].exec is true"),
        ),
        (grants(json!(true)), None),
    ] {
        let refused = |why| format!("process api: exec: Platform staging does not allow true: {why}");
        assert_eq!(check(json!(true), &tenancy).err(), why.map(refused));
        // Nobody has to be asked to have none.
        assert_eq!(check(json!(false), &tenancy), Ok(()));
    }
}

#[test]
fn a_file_system_is_allowed_by_its_id_or_by_one_access_point() {
    let check = |efs: Value, tenancy: Value| {
        let api = json!({ "command": "run", "volumes": { "data": { "efs": efs }, "shared": {} } });
        let app = json!({ "image": "a", "processes": { "api": api } });
        judged(app, tenancy, &namespace())
    };
    let whole = || json!({ "fileSystemId": "fs-1" });
    let part = || json!({ "fileSystemId": "fs-1", "accessPointId": "fsap-2" });
    let patterns = |patterns: &[&str]| json!({ "namespaceSelector": {}, "fileSystems": patterns });
    let granted = |patterns: &[&str]| {
        let grant = json!({ "namespaceSelector": {}, "images": ["*"], "fileSystems": patterns });
        json!({ "namespaceSelector": {}, "grants": [grant] })
    };
    let refused = |asked: &str, why: &str| {
        Err(format!(
            "process api: volumes.data.efs: Platform staging does not allow {asked}: it matches nothing in {why}"
        ))
    };
    let old = "tenancy.fileSystems";
    let both = "tenancy.fileSystems and tenancy.grants[0].fileSystems";
    for (efs, tenancy, expected) in [
        (whole(), json!(null), refused("fs-1", old)),
        (whole(), patterns(&[]), refused("fs-1", old)),
        (whole(), patterns(&["fs-2"]), refused("fs-1", old)),
        (whole(), patterns(&["fs-1/fsap-2"]), refused("fs-1", old)),
        (whole(), patterns(&["fs-1/*"]), refused("fs-1", old)),
        (part(), patterns(&["fs-1/fsap-3"]), refused("fs-1/fsap-2", old)),
        (whole(), patterns(&["fs-1"]), Ok(())),
        (part(), patterns(&["fs-1"]), Ok(())),
        (part(), patterns(&["fs-1/fsap-2"]), Ok(())),
        (part(), patterns(&["fs-*/fsap-*"]), Ok(())),
        (whole(), patterns(&["*"]), Ok(())),
        (part(), patterns(&["*"]), Ok(())),
        (whole(), granted(&[]), refused("fs-1", both)),
        (part(), granted(&["fs-1/fsap-3"]), refused("fs-1/fsap-2", both)),
        (whole(), granted(&["fs-1"]), Ok(())),
        (part(), granted(&["fs-1/fsap-2"]), Ok(())),
    ] {
        assert_eq!(check(efs.clone(), tenancy.clone()), expected, "{efs} {tenancy}");
    }
    // A volume that is no file system needs nobody's word.
    let api = json!({ "command": "run", "volumes": { "shared": {} } });
    let app = json!({ "image": "a", "processes": { "api": api } });
    assert_eq!(judged(app, json!(null), &namespace()), Ok(()));
}
