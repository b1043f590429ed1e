//! The tables of docs/reference/status-fields.md are made of the definitions' own descriptions. `UPDATE_EXPECT=1 cargo test --test readme`
//! rewrites it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use similar_asserts::assert_eq;

use super::{code, read, schema};

const PAGE: &str = "docs/reference/status-fields.md";

/// Appends a row for each field, by its path, and after it those that are inside of it.
fn rows(schema: &Value, prefix: &str, table: &mut String) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let description = property["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "status.{path} has no description");
        let text = description
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|");
        writeln!(table, "| {} | {text} |", code(&path)).unwrap();
        // Those of a condition are Kubernetes' own.
        if path != "conditions" {
            rows(property, &format!("{path}."), table);
            rows(&property["items"], &format!("{path}."), table);
        }
    }
}

fn tables() -> String {
    let mut tables = String::new();
    for kind in ["App", "Platform", "Run"] {
        write!(tables, "\n## {kind}\n\n| `status` | meaning |\n|---|---|\n").unwrap();
        rows(&schema(kind)["properties"]["status"], "", &mut tables);
    }
    tables
}

#[test]
fn the_fields_of_a_status_are_those_of_the_definitions() {
    let (tables, page) = (tables(), read(PAGE));
    assert!(
        tables.contains("| `processes.submitted.progress.since` | "),
        "{tables}"
    );
    let head = page.split("\n## ").next().unwrap();
    let expected = format!("{head}{tables}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), &expected).unwrap();
    }
    assert_eq!(
        read(PAGE),
        expected,
        "UPDATE_EXPECT=1 cargo test --test readme rewrites {PAGE}"
    );
}
