//! The pages for people tell of every field, condition, reason, column, command and flag there is, and of none that there is
//! not; their examples are written in them, and what they link to exists.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

mod commands;
mod links;
#[path = "../support/page.rs"]
mod page;
mod permissions;
mod pins;
mod runbook;
mod sources;
mod status;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use empire_controller::api::condition::ConditionType;
use empire_controller::api::definitions;
use empire_controller::api::run::{RunCondition, RunPhase};
use empire_controller::cli::{Arguments, Plugin};
use serde_json::{Value, json};
use similar_asserts::assert_eq;

const APP: &str = "docs/reference/app.md";
const PLATFORM: &str = "docs/reference/platform.md";
const RUN: &str = "docs/reference/run.md";
const STATUS: &str = "docs/reference/status.md";
const COMMANDS: &str = "docs/reference/commands.md";

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Returns the part of a page below a heading of the second level.
fn section(page: &str, heading: &str) -> String {
    let text = read(page);
    let begins = |part: &&str| part.lines().next() == Some(heading);
    text.split("\n## ").find(begins).unwrap().to_owned()
}

/// Returns the cells of the rows of the table of a page whose first heading is this.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(page);
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_start_matches('|').trim_end_matches('|');
        line.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with('|') || cells(line)[0] != heading);
    assert!(lines.next().is_some(), "no table of {page} begins with {heading}");
    let rows: Vec<_> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "the table of {heading} is empty");
    rows
}

fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let rows = table(page, heading);
    let cells: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(
        cells.len(),
        rows.len(),
        "the table of {heading} in {page} says something twice"
    );
    cells
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The definition of a kind, as JSON.
fn definition(kind: &str) -> Value {
    let definitions = definitions().map(|definition| json!(definition));
    definitions
        .into_iter()
        .find(|definition| definition["spec"]["names"]["kind"] == kind)
        .unwrap()
}

fn schema(kind: &str) -> Value {
    definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Paths such as `expose.check.path`, with `*` for the key of a map and nothing for the items of a list.
fn fields(schema: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        found.insert(path.clone());
        fields(property, &path, found);
        fields(&property["items"], &path, found);
        fields(&property["additionalProperties"], &format!("{path}.*"), found);
    }
}

fn fields_of(kind: &str, part: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    fields(&schema(kind)["properties"][part], "", &mut found);
    found
}

#[test]
fn every_field_of_an_app_has_a_row() {
    let fields = fields_of("App", "spec");
    let (of_processes, of_apps): (Vec<_>, Vec<_>) =
        fields.iter().partition(|field| field.starts_with("processes.*."));
    assert!(of_processes.len() > 10 && of_apps.len() >= 5, "{fields:?}");
    assert_eq!(
        first_cells(APP, "`spec`"),
        of_apps.into_iter().map(|field| code(field)).collect()
    );
    let of_processes = of_processes
        .into_iter()
        .map(|field| code(field.trim_start_matches("processes.*.")));
    assert_eq!(first_cells(APP, "`spec.processes.*`"), of_processes.collect());
}

#[test]
fn every_field_of_a_platform_has_a_row() {
    // What a Platform's sidecars have is what an App's have, and has its rows there.
    const SIDECARS: &str = "tasks.sidecars.*.";
    let section = section(PLATFORM, "Fields");
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| `") && !line.starts_with("| `spec` |"));
    let rows = rows.map(|line| {
        line.split(" | ")
            .next()
            .unwrap()
            .trim_start_matches("| ")
            .to_owned()
    });
    let fields = fields_of("Platform", "spec");
    let inside = |fields: &BTreeSet<String>, prefix: &str| -> BTreeSet<String> {
        let inside = fields.iter().filter_map(|field| field.strip_prefix(prefix));
        inside.map(str::to_owned).collect()
    };
    let of_apps = inside(&fields_of("App", "spec"), "processes.*.sidecars.*.");
    assert_eq!(inside(&fields, SIDECARS), of_apps);
    let fields = fields.iter().filter(|field| !field.starts_with(SIDECARS));
    assert_eq!(
        rows.collect::<BTreeSet<_>>(),
        fields.map(|field| code(field)).collect()
    );
}

#[test]
fn every_field_of_a_run_has_a_row() {
    let fields = fields_of("Run", "spec");
    assert_eq!(
        first_cells(RUN, "`spec`"),
        fields.iter().map(|field| code(field)).collect()
    );
    let conditions = [
        RunCondition::Complete,
        RunCondition::Failed,
        RunCondition::Finished,
        RunCondition::Reconciling,
        RunCondition::Stalled,
    ];
    assert_eq!(
        first_cells(RUN, "condition"),
        conditions.map(|condition| code(condition.as_str())).into()
    );
    assert_eq!(
        first_cells(RUN, "phase"),
        RunPhase::ALL.map(|phase| code(phase.as_str())).into()
    );
}

#[test]
fn every_condition_has_a_row() {
    let conditions = [
        ConditionType::Ready,
        ConditionType::Reconciling,
        ConditionType::Stalled,
    ];
    assert_eq!(
        first_cells(STATUS, "condition"),
        conditions.map(|condition| code(condition.as_str())).into()
    );
}

#[test]
fn every_column_is_named() {
    let rows = table(STATUS, "column of");
    for row in &rows {
        let definition = definition(&row[0]);
        let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"]
            .as_array()
            .unwrap();
        for column in columns {
            let name = code(column["name"].as_str().unwrap());
            assert!(row[1].contains(&name), "column {name} of {}", row[0]);
        }
    }
    assert_eq!(rows.len(), 4);
}

#[test]
fn every_flag_has_its_variable_and_default() {
    let command = Arguments::command();
    let run = command.find_subcommand("run").unwrap();
    let flags: BTreeSet<Vec<String>> = run
        .get_arguments()
        .filter(|argument| argument.get_long().is_some_and(|long| long != "help"))
        .map(|argument| {
            let default = argument
                .get_default_values()
                .first()
                .map(|value| value.to_str().unwrap());
            let variable = argument
                .get_env()
                .unwrap_or_else(|| panic!("{argument} has no variable"));
            vec![
                code(&format!("--{}", argument.get_long().unwrap())),
                code(variable.to_str().unwrap()),
                match (argument.get_id().as_str(), default) {
                    (_, Some(default)) => code(default),
                    ("owner_id", None) => "UID of the namespace `kube-system`".into(),
                    (_, None) => "none".into(),
                },
            ]
        })
        .collect();
    let rows = table(COMMANDS, "flag").into_iter().map(|row| row[..3].to_vec());
    assert_eq!(rows.collect::<BTreeSet<_>>(), flags);
}

#[test]
fn every_command_has_a_row() {
    let of = |program: clap::Command| -> BTreeSet<String> {
        let commands = program.get_subcommands().map(clap::Command::get_name);
        commands.map(code).collect()
    };
    let (program, plugin) = (of(Arguments::command()), of(Plugin::command()));
    let whose = |command: &String| match (program.contains(command), plugin.contains(command)) {
        (true, true) => "both",
        (true, false) => "`empire-controller`",
        (false, _) => "`kubectl empire`",
    };
    let commands = program.union(&plugin);
    let commands = commands.map(|command| vec![command.clone(), whose(command).to_owned()]);
    let rows = table(COMMANDS, "command")
        .into_iter()
        .map(|row| row[..2].to_vec());
    let rows: Vec<Vec<String>> = rows.collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), commands.collect());
    assert_eq!(rows.len(), program.union(&plugin).count(), "one row each");
}

#[test]
fn every_flag_of_the_plugin_is_named() {
    let section = section(COMMANDS, "kubectl empire");
    let plugin = Plugin::command();
    // `plan` and `procfile` are told of where they are told of.
    let own = |command: &&clap::Command| !["plan", "procfile", "man"].contains(&command.get_name());
    for command in plugin.get_subcommands().filter(own) {
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            let known = ["help"].contains(&flag) || section.contains(&code(&format!("--{flag}")));
            assert!(known, "{} --{flag}", command.get_name());
        }
    }
}

/// Adds the names of all fields of objects, down to the last.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        found.insert(name.clone());
        names(value, found);
    }
    for value in value.as_array().into_iter().flatten() {
        names(value, found);
    }
}

#[test]
fn every_field_that_the_plugin_prints_is_named() {
    for (heading, golden) in [
        ("of status", "status-json.txt"),
        ("of explain", "explanation-json.txt"),
        ("of orphans", "orphans-json.txt"),
        ("of an edit", "edits-json.txt"),
    ] {
        let printed: Value = serde_json::from_str(&read(&format!("tests/golden/{golden}"))).unwrap();
        let mut fields = BTreeSet::new();
        names(&printed, &mut fields);
        let rows = table(COMMANDS, heading).concat().join(" ");
        for field in fields {
            let paths = [
                format!("`{field}`"),
                format!(".{field}`"),
                format!(".{field}[]`"),
                format!("`{field}[]`"),
            ];
            assert!(paths.iter().any(|path| rows.contains(path)), "{heading}: {field}");
        }
    }
}

#[test]
fn the_screen_that_it_shows_is_one_that_was_printed() {
    let page = read(COMMANDS);
    let shown = page.split("kubectl empire status acme -n shop\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    assert!(shown.contains("\nPROCESS "), "{shown}");
    assert!(read("tests/golden/status-screens.txt").contains(shown));
}

/// Returns the keys of a manifest that its schema does not know.
fn unknown(manifest: &Value, schema: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in manifest.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let open = schema["additionalProperties"].is_object();
        let inner = if open {
            &schema["additionalProperties"]
        } else {
            &schema["properties"][key]
        };
        if inner.is_null() {
            found.push(path);
        } else {
            found.extend(unknown(value, inner, &path));
        }
    }
    found
}

#[test]
fn the_examples_are_written_in_fields_that_exist() {
    let pages = links::pages().into_iter().map(|page| read(&page));
    let blocks = pages.flat_map(|text| {
        let blocks = text.split("```yaml\n").skip(1);
        let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned());
        blocks.collect::<Vec<_>>()
    });
    let files = ["app", "platform"].map(|name| read(&format!("deploy/examples/{name}.yaml")));
    let mut kinds = BTreeSet::new();
    for text in blocks.chain(files) {
        let manifest: Value = serde_saphyr::from_str(&text).unwrap();
        if manifest["apiVersion"] == "empire.dev/v1alpha1" {
            let kind = manifest["kind"].as_str().unwrap().to_owned();
            let unknown = unknown(&manifest["spec"], &schema(&kind)["properties"]["spec"], "spec");
            assert!(unknown.is_empty(), "{kind}: {unknown:?}");
            kinds.insert(kind);
        }
    }
    assert_eq!(kinds, ["App", "Platform", "Run"].map(str::to_owned).into());
    let bad = json!({ "processes": { "web": { "expose": { "port": 80 } } } });
    let unknown = unknown(&bad, &schema("App")["properties"]["spec"], "spec");
    assert_eq!(unknown, ["spec.processes.web.expose.port"]);
}

#[test]
fn what_kubectl_get_is_shown_to_print_is_what_it_prints() {
    let definition = definition("App");
    let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"]
        .as_array()
        .unwrap();
    let shown = columns
        .iter()
        .filter(|column| column["priority"].as_i64().unwrap_or(0) == 0);
    let names = shown.map(|column| column["name"].as_str().unwrap().to_uppercase());
    let expected: Vec<String> = ["NAME".to_owned()].into_iter().chain(names).collect();
    let readme = read("README.md");
    let header = readme.lines().find(|line| line.starts_with("NAME ")).unwrap();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), expected);
}

#[test]
fn the_plan_that_it_shows_is_one_that_was_printed() {
    let page = read(COMMANDS);
    let shown = page.split("plan -f app.yaml\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    assert!(shown.contains("Plan: "), "{shown}");
    assert!(read("tests/golden/plan.txt").contains(shown));
}

#[test]
fn every_field_of_a_plan_is_named() {
    let golden = read("tests/golden/plan-json.txt");
    let plan = golden.split("== ").nth(1).unwrap().split_once('\n').unwrap().1;
    let plan: Value = serde_json::from_str(plan).unwrap();
    let named = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let rows = table(COMMANDS, "field");
    let row = |start: &str| -> BTreeSet<String> {
        let row = rows.iter().find(|row| row[0].starts_with(start)).unwrap();
        row[1]
            .split('`')
            .skip(1)
            .step_by(2)
            .map(ToOwned::to_owned)
            .collect()
    };
    let section = section(COMMANDS, "What an edit would do");
    for field in named(&plan) {
        assert!(section.contains(&format!("`{field}")), "{field}");
    }
    let step = &plan["steps"][0];
    assert_eq!(
        named(step),
        BTreeSet::from(["changes".to_owned(), "waits".to_owned()])
    );
    assert!(row("`steps[].changes[]`").is_superset(&named(&step["changes"][0])));
    assert_eq!(row("`steps[].waits[]`"), named(&step["waits"][0]));
    assert_eq!(row("`summary`"), named(&plan["summary"]));
}
