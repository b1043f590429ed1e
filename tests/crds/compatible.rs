//! Within `v1alpha1` fields are only added, and nothing is refused that an earlier version has stored: docs/upgrading.md.

use std::process::Command;

use empire_controller::api::definitions;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use similar_asserts::assert_eq;

/// A definition as the release had it that upgrades are tried from: the one of `deploy/local/release/build`.
fn released(file: &str) -> Value {
    let script = include_str!("../../deploy/local/release/build");
    let named = ["release=", "commit="].map(|key| {
        let line = script.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap()
    });
    let show = |commit: &str| {
        let output = Command::new("git")
            .args(["show", &format!("{commit}:crds/{file}")])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        output.status.success().then_some(output.stdout)
    };
    // A clone may lack the tag.
    let text = named.iter().find_map(|commit| show(commit));
    let text = text.unwrap_or_else(|| {
        panic!("the history here lacks {named:?} (a shallow clone? git fetch --unshallow --tags)")
    });
    let text = String::from_utf8(text).unwrap();
    let definition: CustomResourceDefinition = serde_saphyr::from_str(&text).unwrap();
    json!(definition)
}

/// Returns what of an older schema the newer one takes away or refuses, a line each.
fn faults(path: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{path}: {what}"));
    for key in [
        "type",
        "format",
        "default",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-list-map-keys",
    ] {
        if old.get(key) != new.get(key) {
            fault(&format!("another {key}"));
        }
    }
    for key in [
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
        "nullable",
    ] {
        if old.get(key) == Some(&json!(true)) && new.get(key) != Some(&json!(true)) {
            fault(&format!("no longer {key}"));
        }
    }
    if !new["pattern"].is_null() && new["pattern"] != old["pattern"] {
        fault("another pattern");
    }
    for (limit, wider) in [
        ("maxLength", 1.0),
        ("maxItems", 1.0),
        ("maxProperties", 1.0),
        ("maximum", 1.0),
        ("minLength", -1.0),
        ("minItems", -1.0),
        ("minProperties", -1.0),
        ("minimum", -1.0),
    ] {
        let of = |schema: &Value| schema[limit].as_f64().unwrap_or(f64::INFINITY * wider) * wider;
        if of(new) < of(old) {
            fault(&format!("a tighter {limit}"));
        }
    }
    let list = |schema: &Value, key: &str| schema[key].as_array().cloned().unwrap_or_default();
    let values = list(new, "enum");
    let gone = list(old, "enum")
        .into_iter()
        .any(|value| !values.contains(&value));
    if !values.is_empty() && (gone || old["enum"].is_null()) {
        fault("values that are no longer taken");
    }
    let required = list(old, "required");
    for name in list(new, "required")
        .iter()
        .filter(|name| !required.contains(name))
    {
        fault(&format!("newly required: {name}"));
    }
    let rules = |schema: &Value| list(schema, "x-kubernetes-validations");
    let known: Vec<Value> = rules(old).iter().map(|rule| rule["rule"].clone()).collect();
    for rule in rules(new) {
        // Those that see the old object too are asked about edits only.
        let is_of_edits = rule["optionalOldSelf"] == json!(true);
        let is_known = known.iter().any(|known| is_no_stricter(&rule["rule"], known));
        if !is_of_edits && !is_known && !spares_all_without_a_new_field(&rule, old) {
            fault(&format!("a new rule: {}", rule["rule"]));
        }
    }
    for (name, property) in old["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match new["properties"].get(name) {
            None => faults.push(format!("{path}: is gone")),
            Some(new) => faults.extend(self::faults(&path, property, new)),
        }
    }
    for (mark, inside) in [("[]", "items"), ("{}", "additionalProperties")] {
        match (old.get(inside), new.get(inside)) {
            (Some(old), Some(new)) => faults.extend(self::faults(&format!("{path}{mark}"), old, new)),
            (old, new) if old == new => {}
            _ => faults.push(format!("{path}: another {inside}")),
        }
    }
    faults
}

/// True for a rule that holds wherever a field is left out that the older schema does not have.
fn spares_all_without_a_new_field(rule: &Value, old: &Value) -> bool {
    let mut rest = rule["rule"].as_str().unwrap();
    // A conditional would reach around the guard.
    if rest.contains(" ? ") {
        return false;
    }
    let is_new = |path: &str| {
        let mut fields = path.split('.');
        let field = fields.try_fold(old, |schema, field| schema["properties"].get(field));
        field.is_none()
    };
    while let Some((path, more)) = rest
        .strip_prefix("!has(self.")
        .and_then(|rest| rest.split_once(") || "))
    {
        if is_new(path) {
            return true;
        }
        rest = more;
    }
    false
}

/// True for the same rule, and for one that holds in further cases, too.
fn is_no_stricter(rule: &Value, known: &Value) -> bool {
    let (rule, known) = (rule.as_str().unwrap(), known.as_str().unwrap());
    // A conditional would reach around what is before it.
    let is_more = |rest: &str| rest.starts_with(" || ") && !rule.contains(" ? ");
    rule.strip_prefix(known)
        .is_some_and(|rest| rest.is_empty() || is_more(rest))
}

/// Returns what of an older definition the newer one takes away.
fn faults_of(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["/spec/group", "/spec/names", "/spec/scope", "/metadata/name"] {
        if old.pointer(part) != new.pointer(part) {
            found.push(format!("another {part}"));
        }
    }
    for old in old["spec"]["versions"].as_array().unwrap() {
        let versions = new["spec"]["versions"].as_array().unwrap();
        let Some(new) = versions.iter().find(|new| new["name"] == old["name"]) else {
            found.push(format!("version {} is gone", old["name"]));
            continue;
        };
        for (key, by) in [
            ("additionalPrinterColumns", "name"),
            ("selectableFields", "jsonPath"),
        ] {
            let of = |version: &Value| -> Vec<Value> {
                let listed = version[key].as_array().cloned().unwrap_or_default();
                listed.iter().map(|listed| listed[by].clone()).collect()
            };
            let new = of(new);
            let lost = of(old).into_iter().filter(|listed| !new.contains(listed));
            found.extend(lost.map(|listed| format!("{key}: {listed} is gone")));
        }
        for key in ["served", "subresources"] {
            if old[key] != new[key] {
                found.push(format!("another {key}"));
            }
        }
        let schema = |version: &Value| version["schema"]["openAPIV3Schema"].clone();
        found.extend(faults("", &schema(old), &schema(new)));
    }
    found
}

#[test]
fn what_the_release_has_stored_is_taken_and_kept() {
    let files = ["app.yaml", "platform.yaml", "port_allocation.yaml"];
    for (file, new) in files.iter().zip(definitions()) {
        let (old, new) = (released(file), json!(new));
        assert_eq!(old["metadata"]["name"], new["metadata"]["name"]);
        assert_eq!(faults_of(&old, &new), [""; 0], "crds/{file}");
    }
}

/// There is nothing to convert as long as there is one version.
#[test]
fn there_is_one_version_which_is_stored() {
    for definition in definitions() {
        let versions = &definition.spec.versions;
        assert_eq!(versions.len(), 1);
        assert_eq!(
            (versions[0].name.as_str(), versions[0].storage),
            ("v1alpha1", true)
        );
        assert!(definition.spec.conversion.is_none());
    }
}

#[test]
fn whatever_is_taken_away_is_noticed() {
    let old = json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "type": "string", "maxLength": 9, "enum": ["x", "y"] },
        "b": { "type": "array", "items": { "type": "integer", "maximum": 5 } },
        "c": { "type": "object", "additionalProperties": { "type": "string", "pattern": "^a" } },
    } });
    assert_eq!(faults("", &old, &old), [""; 0]);
    let check = |pointer: &str, value: Value, expected: &[&str]| {
        let mut new = old.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = new.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(key);
        } else {
            parent.insert(key.into(), value);
        }
        assert_eq!(faults("", &old, &new), expected, "{pointer}");
    };
    check("/properties/a/maxLength", json!(10), &[]);
    check("/properties/a/maxLength", Value::Null, &[]);
    check("/properties/a/maxLength", json!(8), &[".a: a tighter maxLength"]);
    check("/properties/a/minLength", json!(1), &[".a: a tighter minLength"]);
    check("/properties/a/enum", json!(["x", "y", "z"]), &[]);
    check(
        "/properties/a/enum",
        json!(["x"]),
        &[".a: values that are no longer taken"],
    );
    check(
        "/properties/c/enum",
        json!(["x"]),
        &[".c: values that are no longer taken"],
    );
    check("/properties/a/type", json!("integer"), &[".a: another type"]);
    check("/properties/a/pattern", json!("^x"), &[".a: another pattern"]);
    check("/properties/b", Value::Null, &[".b: is gone"]);
    check("/properties/d", json!({ "type": "string" }), &[]);
    check(
        "/properties/b/items/maximum",
        json!(4),
        &[".b[]: a tighter maximum"],
    );
    check(
        "/properties/b/x-kubernetes-list-type",
        json!("set"),
        &[".b: another x-kubernetes-list-type"],
    );
    check(
        "/properties/c/additionalProperties/pattern",
        json!("^b"),
        &[".c{}: another pattern"],
    );
    check(
        "/properties/c/additionalProperties",
        Value::Null,
        &[".c: another additionalProperties"],
    );
    check("/required", json!([]), &[]);
    check("/required", json!(["a", "b"]), &[": newly required: \"b\""]);
    let rule = json!([{ "rule": "self.a != 'x'" }]);
    check(
        "/x-kubernetes-validations",
        rule,
        &[": a new rule: \"self.a != 'x'\""],
    );
    let ruled = |rule: &str| json!({ "type": "object", "x-kubernetes-validations": [{ "rule": rule }] });
    for (rule, is_new) in [
        ("has(self.a)", false),
        ("has(self.a) || has(self.d)", false),
        ("has(self.a) && has(self.d)", true),
        ("has(self.a) || has(self.d) ? false : true", true),
        ("has(self.d) || has(self.a)", true),
    ] {
        let found = faults("", &ruled("has(self.a)"), &ruled(rule));
        assert_eq!(!found.is_empty(), is_new, "{rule}");
    }
    let of_edits = json!([{ "rule": "self.a != 'x'", "optionalOldSelf": true }]);
    check("/x-kubernetes-validations", of_edits, &[]);
}
