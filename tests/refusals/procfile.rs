//! The `procfile` command takes the manifests that the API server takes, and refuses those that it refuses.
//!
//! The command cannot evaluate the API's rules; that it knows them all is seen here, by every manifest of the tables.

use empire_controller::procfile::{Identity, to_yaml, translate};
use serde_json::Value;

use super::accepted;

/// The processes of an App as a Procfile; `None` if a Procfile cannot say what the manifest does.
fn from_manifest(manifest: &str) -> Option<(String, Identity, Value)> {
    let app: Value = serde_saphyr::from_str(manifest).ok()?;
    let spec = app["spec"].as_object()?;
    if app["kind"] != "App"
        || spec
            .keys()
            .any(|key| !["image", "platform", "processes"].contains(&key.as_str()))
    {
        return None;
    }
    let text = |value: &Value| value.as_str().map(Into::into);
    let identity = Identity {
        name: text(&app["metadata"]["name"])?,
        image: text(&spec["image"])?,
        platform: spec.get("platform").and_then(text),
    };
    let processes = spec.get("processes")?.clone();
    let text = serde_saphyr::to_string(&processes).ok()?;
    Some((text, identity, processes))
}

/// Checks a manifest that the API server takes.
pub(super) fn agrees_to_take(manifest: &str) {
    let Some((text, identity, processes)) = from_manifest(manifest) else {
        return;
    };
    match translate(text.as_bytes(), &identity) {
        Ok(app) => {
            let expected: std::collections::BTreeMap<_, _> = serde_json::from_value(processes).unwrap();
            assert_eq!(app.spec.processes, expected, "{manifest}");
        }
        Err(problems) => {
            panic!("the API server takes it, the procfile command does not:\n{manifest}\n{problems:#?}")
        }
    }
}

/// Checks a manifest that the API server refuses with this complaint.
pub(super) fn agrees_to_refuse(manifest: &str, complaint: &str) {
    // YAML 1.1's truth values are names to the command, which quotes them.
    if !complaint.contains("spec.processes") || complaint.contains("YAML takes it") {
        return;
    }
    let Some((text, identity, _)) = from_manifest(manifest) else {
        return;
    };
    assert!(
        translate(text.as_bytes(), &identity).is_err(),
        "the API server refuses it, the procfile command does not:\n{manifest}\n{complaint}"
    );
}

#[test]
fn what_the_procfile_command_prints_is_accepted() {
    let certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0123-4567";
    for text in [
        "web: ./bin/web\nworker: bundle exec worker\n".to_owned(),
        "on: a\nno: b\n010: c\n1e3: d\n0x1f: e\n".into(),
        "web: {command: [a, 30, yes, ~, '', \"\\t\\r\\n\\u2028\\ufeff\", 'a: b', '# c', '- d', '{', '@', '`', '%']}".into(),
        "api: {command: a, environment: {A: 1.50, B: on, C: 80:30, D: 0644, E: , F: ~, G: 2001-01-01, H: 1_000, I: '=', J: '<<', \
         K: \"two\\nlines\\n\", L: ' x ', M: '*', N: 0b1, O: +1, P: .inf, Q: 1:20:30, on: y, no: n, Y: 'null'}}"
            .into(),
        "api: {command: a, environment: {A: \"\\t\\r\\n\\U0001F600\"}}".into(),
        "nightly: {command: a, cron: '* * * * ? *'}\nonce: {command: b, noservice: on}\n".into(),
        "web: {command: a, ports: ['80:3000', '8080:3001']}".into(),
        "api: {command: a, ports: [22, '5432:5433']}".into(),
        format!("api: {{command: a, ports: [80, 443], expose: {{certificate_arns: ['{certificate}'], external: yes}}}}"),
        format!("api: {{command: a, ports: [443: {{protocol: SSL}}], expose: {{certificate_arns: ['{certificate}']}}}}"),
        "api: {command: a, ecs: {placement_constraints: [{type: memberOf, expression: 'a =~ b'}, {type: distinctInstance}], \
         placement_strategy: [{type: spread, field: host}, {type: random}, {type: binpack, field: MEMORY}]}}"
            .into(),
        "web:\n  command: ./bin/web\n  expose:\n    type: http\n    external: true\n    check:\n      path: /health\n      healthy_threshold: 2\n      unhealthy_threshold: 10\n".into(),
        format!("api: {{command: [{}, a], environment: {{A: '{}'}}}}", "é".repeat(4_096), "é".repeat(32_768)),
    ] {
        let identity = Identity {
            name: "acme".into(),
            image: "registry.example.com/acme:v42".into(),
            platform: None,
        };
        let app = translate(text.as_bytes(), &identity).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"));
        let yaml = to_yaml(&app).unwrap();
        accepted(&yaml);
        // And is to the API server what it is to us.
        let args = ["apply", "--dry-run=server", "-o", "json", "-f", "-"];
        let stored: Value = serde_json::from_str(&super::kubectl().run(&args, &yaml).unwrap()).unwrap();
        assert_eq!(stored["spec"], serde_json::to_value(&app.spec).unwrap(), "{yaml}");
    }
}
