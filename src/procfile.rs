//! A Procfile's text, in every format that Empire read and in that of the API itself, to an [`App`].
//!
//! Nothing is dropped: a part that cannot be carried over is a [`Problem`] with its line, and all of them are reported at
//! once; a part that does something else here than elsewhere is carried over with a warning. Nothing is added either: a
//! field that the text leaves out, the App leaves out, and `desired` has the defaults.
//!
//! `yaml.rs`, or else `lines.rs`, reads the text into a tree; the schema of the API makes a process of that, which is then
//! checked by the API's rules, so that the API server takes the App.

mod empire;
mod fields;
mod lines;
mod neighbour;
mod once;
mod ports;
mod problem;
mod process;
mod rules;
mod words;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrBool,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use crate::api::app::{App, AppSpec, Process, Release};
pub use problem::Problem;
use problem::{Found, Path, Report};
use yaml::{Node, Value};

/// Bytes that a Procfile may have.
pub const LIMIT: usize = yaml::TEXT;

/// The fields of an App that no Procfile has.
#[derive(Clone, Debug)]
pub struct Identity {
    /// A DNS label.
    pub name: String,
    pub image: String,
    pub platform: Option<String>,
}

/// An App, and warnings about the parts of its Procfile that do something else here than elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Translated {
    pub app: App,
    /// In the order of the text.
    pub warnings: Vec<Problem>,
}

/// Returns the App of a Procfile, or everything that cannot be carried over, in the order of the text.
pub fn translate(text: &[u8], identity: &Identity) -> Result<App, Vec<Problem>> {
    translate_with(text, identity, false).map(|translated| translated.app)
}

/// Returns the warnings, too. With `wraps`, a command that needs a shell gets one.
pub fn translate_with(text: &[u8], identity: &Identity, wraps: bool) -> Result<Translated, Vec<Problem>> {
    translate_by(&schema(), text, identity, wraps)
}

pub(crate) fn translate_by(
    schema: &JSONSchemaProps,
    text: &[u8],
    identity: &Identity,
    wraps: bool,
) -> Result<Translated, Vec<Problem>> {
    let mut found = Found::default();
    let context = Context {
        app: &identity.name,
        schema,
        wraps,
    };
    let (processes, release) = match read(text) {
        Ok(root) => processes(&root, context, &mut found),
        Err(problems) => {
            found.problems = problems;
            (BTreeMap::new(), None)
        }
    };
    let Found { problems, warnings } = found.in_order();
    if !problems.is_empty() {
        return Err(problems);
    }
    let app = App {
        metadata: ObjectMeta {
            name: Some(identity.name.clone()),
            ..ObjectMeta::default()
        },
        spec: AppSpec {
            platform: identity.platform.clone(),
            image: identity.image.clone(),
            release,
            processes,
            ..AppSpec::default()
        },
        status: None,
    };
    Ok(Translated { app, warnings })
}

/// The settings that all processes of a Procfile share.
#[derive(Clone, Copy)]
struct Context<'a> {
    app: &'a str,
    /// The API's schema of a process.
    schema: &'a JSONSchemaProps,
    wraps: bool,
}

/// Writes an App as YAML that `kubectl apply --server-side -f -` takes. Texts that any YAML reader could take for something
/// else are quoted.
pub fn to_yaml(app: &App) -> Result<String, serde_saphyr::ser_error::Error> {
    unfolded(app)
}

/// Writes each text on one line: to us, a backslash before the end of a line continues it.
pub(crate) fn unfolded(value: &impl Serialize) -> Result<String, serde_saphyr::ser_error::Error> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut yaml = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut yaml, value, options)?;
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    Ok(yaml)
}

/// Returns the tree of a text, which must hold something.
fn read(text: &[u8]) -> Result<Rc<Node>, Vec<Problem>> {
    let whole = |line, message: &str| vec![Problem::new(line, None, "", message)];
    if text.len() > LIMIT {
        return Err(whole(0, &format!("has more than {LIMIT} bytes")));
    }
    if is_utf_16(text) {
        return Err(whole(1, "is UTF-16 text: save it as UTF-8"));
    }
    let text = str::from_utf8(text).map_err(|error| {
        let before = &text[..error.valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        whole(line, "is not UTF-8 text")
    })?;
    let root = yaml::read(text);
    let is_map = matches!(&root, Ok(Some(root)) if matches!(root.value, Value::Map(_)) && !has_comment_of_slashes(root));
    if is_map || matches!(root, Ok(None)) {
        return root.map_err(|problem| vec![problem]).and_then(something);
    }
    match (neighbour::by_lines(text), lines::read(text)) {
        (Some(file), _) => Err(whole(1, &not_a_procfile(file))),
        (None, Some(processes)) => processes,
        (None, None) => root.map_err(|problem| vec![problem]).and_then(something),
    }
}

fn something(root: Option<Rc<Node>>) -> Result<Rc<Node>, Vec<Problem>> {
    let message = "has no processes, such as `web: ./bin/web`";
    root.filter(|root| !root.is_null())
        .ok_or_else(|| vec![Problem::new(1, None, "", message)])
}

fn not_a_procfile(file: &str) -> String {
    format!("is {file}, and no Procfile: that has a line per process, such as `web: ./bin/web`")
}

/// Returns true for a text that begins with the mark of UTF-16, or with a zero beside an ASCII character.
fn is_utf_16(text: &[u8]) -> bool {
    text.starts_with(b"\xff\xfe")
        || text.starts_with(b"\xfe\xff")
        || matches!(text, [0, a, 0, b, ..] | [a, 0, b, 0, ..] if *a > 0 && *b > 0)
}

/// Returns true if YAML has taken a comment that begins with `//` for a process, since there is a colon in it.
fn has_comment_of_slashes(root: &Node) -> bool {
    match &root.value {
        Value::Map(pairs) => {
            let mut keys = pairs.iter().filter_map(|(key, _)| key.text());
            keys.any(|key| key.starts_with("//"))
        }
        Value::Scalar(_) | Value::List(_) => false,
    }
}

/// Returns the processes; and the release phase, if a line is one.
fn processes(
    root: &Node,
    context: Context<'_>,
    found: &mut Found,
) -> (BTreeMap<String, Process>, Option<Release>) {
    let (mut processes, mut release) = (BTreeMap::new(), None);
    let entries = fields::entries(root, &mut |process, line, message| {
        let process = (!process.is_empty()).then_some(process);
        found.problems.push(Problem::new(line, process, "", message));
    });
    let mut whole = |message: &str| found.problems.push(Problem::new(root.line, None, "", message));
    let Some(entries) = entries else {
        whole("must be a map of processes by name, such as `web: ./bin/web`");
        return (processes, release);
    };
    if entries.contains_key("apiVersion") && entries.contains_key("kind") {
        whole("is a Kubernetes manifest; the Procfile of an App is its spec.processes");
        return (processes, release);
    }
    if let Some(file) = neighbour::by_keys(&entries) {
        whole(&not_a_procfile(file));
        return (processes, release);
    }
    match entries.len() {
        0 => whole("has no processes, such as `web: ./bin/web`"),
        1..=100 => {}
        _ => whole("has more than 100 processes"),
    }
    for (name, (line, node)) in entries {
        let mut report = Report::new(name, line, found);
        if let Some(message) = wrong_name(name) {
            report.of("", message);
        }
        let process = match &node.value {
            Value::Map(_) => process::extended(node, line, context, &mut report),
            Value::Scalar(_) => process::standard(node, context, &mut report),
            Value::List(_) => {
                report.at(&Path::default(), line, "must be a command, or a map that has one");
                continue;
            }
        };
        if let Some(mut process) = process {
            let is_line = matches!(node.value, Value::Scalar(_));
            empire::settle(name, &mut process);
            if once::check(context.app, name, &mut process, is_line, &mut report) {
                release = Some(Release {
                    process: name.to_owned(),
                    timeout: None,
                });
            }
            rules::check(context.app, name, &process, &mut report);
            processes.insert(name.to_owned(), process);
        }
    }
    (processes, release)
}

fn wrong_name(name: &str) -> Option<String> {
    if ["true", "false"].contains(&name) {
        return Some("cannot be a name: YAML takes it for a truth value".into());
    }
    if is_label(name) {
        return None;
    }
    let message = "a name has at most 63 lower case letters, digits and inner hyphens";
    let right = name.to_ascii_lowercase().replace(['_', '.', ' '], "-");
    let right = right.trim_matches('-');
    Some(if is_label(right) {
        format!("{message}: write {right}")
    } else {
        message.into()
    })
}

fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let outer = |c: char| inner(c) && c != '-';
    name.len() <= 63 && name.starts_with(outer) && name.ends_with(outer) && name.chars().all(inner)
}

/// Returns the API's schema of a process.
pub(crate) fn schema() -> JSONSchemaProps {
    let [app, ..] = crate::api::definitions();
    let schema = app
        .spec
        .versions
        .into_iter()
        .find_map(|version| version.schema?.open_api_v3_schema);
    let spec = schema.and_then(|mut schema| schema.properties.as_mut()?.remove("spec"));
    let processes = spec.and_then(|mut spec| spec.properties.as_mut()?.remove("processes"));
    match processes.and_then(|processes| processes.additional_properties) {
        Some(JSONSchemaPropsOrBool::Schema(process)) => *process,
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => JSONSchemaProps::default(),
    }
}
