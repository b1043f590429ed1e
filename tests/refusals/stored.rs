//! Objects that were stored before a rule was made, which they break.

use empire_controller::api::{definitions, to_yaml};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::{kubectl, until};

/// The definition of a kind in a group of this test's own, so that no other test sees it change: as it is, or of a version
/// before, without rules and without what the status says of tenancy.
fn definition(kind: &str, with_rules: bool) -> String {
    let mut definitions = definitions().into_iter();
    let found = definitions.find(|definition| definition.spec.names.kind == kind);
    let mut definition = json!(found.unwrap());
    if !with_rules {
        forget_rules(&mut definition);
        let status = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";
        definition
            .pointer_mut(status)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove("tenancy");
    }
    let definition: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
    let plural = &definition.spec.names.plural;
    to_yaml(&definition)
        .unwrap()
        .replace(
            &format!("{plural}.empire.dev"),
            &format!("{plural}.stored.example.com"),
        )
        .replace("group: empire.dev", "group: stored.example.com")
}

/// The rules of a schema about values, apart from their types.
const RULES: [&str; 9] = [
    "x-kubernetes-validations",
    "enum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
];

fn forget_rules(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for rule in RULES {
                // A property may have such a name.
                if !fields.get(rule).is_some_and(Value::is_object) {
                    fields.remove(rule);
                }
            }
            fields.values_mut().for_each(forget_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_rules),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn an_object_that_breaks_a_later_rule_can_be_annotated_told_of_its_state_and_freed() {
    // Breaks what rules there are at the root, and many below it.
    let name = format!("acme.{}", "a".repeat(60));
    let manifest = |image: &str| {
        format!(
            "{{apiVersion: stored.example.com/v1alpha1, kind: App, metadata: {{name: {name}, finalizers: [example.com/held]}}, \
             spec: {{image: {image}, platform: production, env: {{PORT: '1', A: b}}, secrets: {{A: b}}, taskRoleArn: a, \
             processes: {{web: {{command: '', image: '', cron: daily, timezone: '', noservice: true, quantity: 1, stopTimeout: 1h, \
             placement: {{strategy: [{{type: spread}}]}}, deploy: {{minimumHealthyPercent: 100, maximumPercent: 100}}, \
             expose: {{type: tcp, listeners: [{{port: 80, protocol: http}}, {{port: 81, protocol: tcp}}], certificateArns: [a], \
             hostnames: ['*'], idleTimeout: 1s, check: {{path: a, interval: 1s, timeout: 2s}}}}}}, 'true': {{command: a}}}}}}}}"
        )
    };
    let app = format!("apps.stored.example.com/{name}");
    let patch = |extra: &[&str], patch: &str| {
        let arguments = [&["patch", &app, "--type=merge", "--patch", patch], extra].concat();
        kubectl().run(&arguments, "")
    };
    kubectl()
        .run(&["apply", "-f", "-"], &definition("App", false))
        .unwrap();
    until("the definition is served", || {
        kubectl().run(&["apply", "-f", "-"], &manifest("a")).is_ok()
    });
    kubectl()
        .run(&["apply", "-f", "-"], &definition("App", true))
        .unwrap();
    until("the rules hold", || {
        let another = manifest("a").replace(&name, "another.one");
        kubectl()
            .run(&["apply", "--dry-run=server", "-f", "-"], &another)
            .is_err()
    });

    let complaint = kubectl().run(&["apply", "-f", "-"], &manifest("b")).unwrap_err();
    assert!(
        complaint.contains("metadata.name: an App's name has at most 63"),
        "{complaint}"
    );

    patch(
        &[],
        r#"{"metadata": {"annotations": {"example.com/seen": "true"}}}"#,
    )
    .unwrap();
    patch(
        &["--subresource=status"],
        r#"{"status": {"observedGeneration": 1, "url": "http://www.example.com", "platform": {"name": "staging",
            "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1"}}}"#,
    )
    .unwrap();
    kubectl().run(&["delete", &app, "--wait=false"], "").unwrap();
    patch(&[], r#"{"metadata": {"finalizers": null}}"#).unwrap();
    assert!(
        kubectl()
            .run(&["get", &app], "")
            .unwrap_err()
            .contains("NotFound")
    );
}

/// A Platform without a word about tenancy, as those before 0.2.0 may be.
#[test]
fn a_platform_that_was_stored_without_tenancy_is_open_and_can_be_edited_and_a_new_one_needs_it() {
    let platform = |name: &str, fields: &str| {
        format!(
            "{{apiVersion: stored.example.com/v1alpha1, kind: Platform, metadata: {{name: {name}}}, \
             spec: {{region: us-east-1, network: {{vpcId: vpc-1, mode: bridge}}, {fields}}}}}"
        )
    };
    let apply = |manifest: &str| kubectl().run(&["apply", "-f", "-"], manifest);
    apply(&definition("Platform", false)).unwrap();
    until("the definition is served", || {
        apply(&platform("staging", "")).is_ok()
    });
    apply(&definition("Platform", true)).unwrap();
    until("the rules hold", || {
        apply(&platform("another", ""))
            .is_err_and(|complaint| complaint.contains("write tenancy: {namespaceSelector: {}}"))
    });

    // Nobody has written it.
    let wide = || {
        let arguments = [
            "get",
            "platforms.stored.example.com/staging",
            "-o",
            "wide",
            "--no-headers",
        ];
        kubectl().run(&arguments, "").unwrap()
    };
    assert!(wide().contains("Open"), "{}", wide());
    apply(&platform("staging", "cluster: other")).unwrap();
    apply(&platform(
        "staging",
        "tenancy: {namespaceSelector: {}, grants: []}",
    ))
    .unwrap();
    apply(&platform("another", "tenancy: {namespaceSelector: {}}")).unwrap();
    // An old manifest would open it.
    let complaint = apply(&platform("staging", "cluster: other")).unwrap_err();
    assert!(
        complaint.contains("write tenancy: {namespaceSelector: {}}"),
        "{complaint}"
    );
}
