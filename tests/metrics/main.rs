//! The series of `/metrics`, the page that lists them, and the rules and the dashboard that are made of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test]")]

mod everything;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use empire_controller::metrics::Format;
use serde_json::{Value, json};
use similar_asserts::assert_eq;

use self::everything::{PLATFORMS, everything};

const PAGE: &str = "docs/reference/metrics.md";
/// The most series at ten Platforms, whatever happens.
const MOST: usize = 3_000;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// One metric, as the text format 0.0.4 describes it.
#[derive(Debug, Default)]
struct Described {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    series: usize,
}

fn described(text: &str) -> BTreeMap<String, Described> {
    let mut found: BTreeMap<String, Described> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            help.clone_into(&mut found.entry(name.into()).or_default().help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            kind.clone_into(&mut found.entry(name.into()).or_default().kind);
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            let of_histogram = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|part| name.strip_suffix(part))
                .find(|base| found.contains_key(*base));
            let metric = found.get_mut(of_histogram.unwrap_or(name)).unwrap();
            metric.series += 1;
            let labels = line
                .split_once('{')
                .map(|(_, rest)| rest.split_once("} ").unwrap().0);
            let labels = labels.into_iter().flat_map(|labels| labels.split("\","));
            let names = labels.map(|label| label.split_once('=').unwrap().0.to_owned());
            metric.labels.extend(names.filter(|name| name != "le"));
        }
    }
    found
}

fn text(per_app: bool) -> String {
    everything(per_app).text(Format::Prometheus).unwrap()
}

fn table(metrics: &BTreeMap<String, Described>) -> String {
    let mut table = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for (name, metric) in metrics {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, help) = (&metric.kind, metric.help.trim_end_matches('.'));
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    table
}

#[test]
fn the_page_lists_what_is_exported_and_nothing_else() {
    let metrics = described(&text(true));
    for (name, metric) in &metrics {
        assert!(metric.help.len() > 10 && metric.series > 0, "{name}: {metric:?}");
    }
    let page = read(PAGE);
    let head = page.split("| metric |").next().unwrap();
    let foot = page
        .split_once("| metric |")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .map(|(_, foot)| format!("\n{foot}"))
        .unwrap_or_default();
    let expected = format!("{head}{}{foot}", table(&metrics));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), &expected).unwrap();
    }
    assert_eq!(
        read(PAGE),
        expected,
        "UPDATE_EXPECT=1 cargo test --test metrics rewrites {PAGE}"
    );
}

#[test]
fn ten_platforms_have_fewer_than_three_thousand_series_and_none_of_an_app() {
    let metrics = described(&text(false));
    let series: usize = metrics.values().map(|metric| metric.series).sum();
    println!(
        "{series} series at {PLATFORMS} Platforms, in {} metrics",
        metrics.len()
    );
    assert!(series > 1_000 && series < MOST, "{series}");
    let labels: BTreeSet<&str> = metrics
        .values()
        .flat_map(|metric| metric.labels.iter().map(String::as_str))
        .collect();
    // `name` is that of a queue.
    let bounded = [
        "bucket",
        "code",
        "controller",
        "kind",
        "list",
        "method",
        "name",
        "operation",
        "phase",
        "platform",
        "priority",
        "reason",
        "result",
        "rollout",
        "service",
        "step",
        "version",
    ];
    assert_eq!(labels, bounded.into());
    let of_apps: BTreeSet<&str> = ["empire_app_ready", "empire_app_tasks"].into();
    let with_apps = described(&text(true));
    let added = with_apps.keys().filter(|name| !metrics.contains_key(*name));
    assert_eq!(added.map(String::as_str).collect::<BTreeSet<_>>(), of_apps);
    for name in of_apps {
        let labels = &with_apps[name].labels;
        assert!(
            labels.contains("namespace") && labels.contains("name"),
            "{labels:?}"
        );
    }
}

#[test]
fn both_formats_have_the_same_series() {
    let metrics = everything(true);
    let open = metrics.text(Format::OpenMetrics).unwrap();
    assert!(open.ends_with("# EOF\n"));
    // The bounds of buckets are written `1` in one and `1.0` in the other.
    let samples = |text: &str| -> BTreeMap<String, usize> {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            *samples.entry(name.to_owned()).or_default() += 1;
        }
        samples
    };
    assert_eq!(samples(&open), samples(&text(true)));
}

/// Runs promtool, which is built in the cache if it is not there yet.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Command::new(root.join("deploy/local/promtool/build"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "deploy/local/promtool/build failed");
    let folder = String::from_utf8(built.stdout).unwrap();
    let mut child = Command::new(Path::new(folder.trim()).join("promtool"))
        .args(arguments)
        .current_dir(root.join("deploy/monitoring"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Checks that promtool is content, and has nothing to remark where it is to be silent.
fn is_content(arguments: &[&str], input: &str) -> String {
    let output = promtool(arguments, input);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
    said
}

#[test]
fn promtool_has_nothing_to_say_of_the_metrics() {
    for per_app in [false, true] {
        assert_eq!(is_content(&["check", "metrics"], &text(per_app)), "");
    }
    // It would, of others.
    let bad = "# HELP requests Requests\n# TYPE requests counter\nrequests 1\n";
    assert!(!promtool(&["check", "metrics"], bad).status.success());
}

#[test]
fn the_alert_rules_are_right_and_each_fires_when_it_is_due() {
    is_content(&["check", "rules", "alerts.yaml"], "");
    is_content(&["test", "rules", "alerts_test.yaml"], "");
    let (alerts, tests) = (
        parsed("deploy/monitoring/alerts.yaml"),
        parsed("deploy/monitoring/alerts_test.yaml"),
    );
    let all_of = |value: &Value, name: &str| -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        texts_of(value, name, &mut found);
        found
    };
    let fired: BTreeSet<String> = tests["tests"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_array().unwrap())
        .filter(|test| !test["exp_alerts"].is_null())
        .map(|test| test["alertname"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(all_of(&alerts, "alert"), fired);
    none_is_unknown(&all_of(&alerts, "expr"));
}

fn parsed(file: &str) -> Value {
    serde_saphyr::from_str(&read(file)).unwrap()
}

/// Collects the texts of all fields of a name, however deep.
fn texts_of(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let (true, Some(text)) = (key == name, value.as_str()) {
                    found.insert(text.to_owned());
                }
                texts_of(value, name, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                texts_of(item, name, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fails if an expression names a metric of ours that is not exported, or none at all.
fn none_is_unknown(expressions: &BTreeSet<String>) {
    const OURS: [&str; 5] = [
        "controller_runtime_",
        "empire_",
        "leader_election_",
        "rest_client_",
        "workqueue_",
    ];
    let exported: BTreeSet<String> = described(&text(true))
        .into_iter()
        .flat_map(|(name, metric)| {
            let parts: &[&str] = if metric.kind == "histogram" {
                &["_bucket", "_sum", "_count"]
            } else {
                &[""]
            };
            parts
                .iter()
                .map(|part| format!("{name}{part}"))
                .collect::<Vec<_>>()
        })
        .collect();
    for expression in expressions {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<&str> = words
            .filter(|word| OURS.iter().any(|prefix| word.starts_with(prefix)))
            .collect();
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(exported.contains(name), "{name} is not exported: {expression}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_nothing_that_is_not_exported_and_says_all_of_it() {
    let dashboard: Value = serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap();
    let mut expressions = BTreeSet::new();
    texts_of(&dashboard, "expr", &mut expressions);
    assert!(expressions.len() > 20, "{expressions:?}");
    none_is_unknown(&expressions);
    let shown = expressions.iter().cloned().collect::<Vec<_>>().join("\n");
    let left_out = [
        // Sums of what is shown.
        "controller_runtime_reconcile_errors_total",
        "workqueue_unfinished_work_seconds",
    ];
    for name in described(&text(false)).keys() {
        assert_eq!(
            shown.contains(name.as_str()),
            !left_out.contains(&name.as_str()),
            "{name}"
        );
    }
    // promtool knows PromQL, and Grafana fills in its own variable.
    for expression in &expressions {
        let expression = expression.replace("$__rate_interval", "5m");
        let rules =
            json!({ "groups": [{ "name": "panel", "rules": [{ "record": "panel", "expr": expression }] }] });
        is_content(&["check", "rules"], &rules.to_string());
    }
    let mut places = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let place = &panel["gridPos"];
        assert!(
            places.insert((place["y"].as_u64(), place["x"].as_u64())),
            "{panel}"
        );
    }
}
