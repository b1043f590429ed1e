//! One process: the keys that Empire named otherwise than the API does, and all others as the API names them.

use std::rc::Rc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Map, Value as Json, json};

use super::fields::{Entries, TRANSLATED, convert, entries_of, field, limits};
use super::problem::{Path, Report, shown};
use super::yaml::{Node, Value};
use super::{Context, ports, words};
use crate::api::app::Process;
use crate::desired::shell;

/// ECS puts a command in place of the image's own, and leaves its entry point before it.
const OF_AN_ENTRY_POINT: &str = "an image that has an ENTRYPOINT gets each command as arguments of that, sh -c too: then no shell runs it, \
                                 unless the entry point ends with exec \"$@\"";

/// A process of the standard format: a command line.
pub(super) fn standard(command: &Node, context: Context<'_>, report: &mut Report<'_>) -> Option<Process> {
    // The process is the key.
    let path = Path::default().as_target("command");
    let mut reader = Reader {
        entries: Entries::new(),
        context,
        report,
        fields: Map::new(),
    };
    reader.command(command, &path, command.line);
    reader.finish()
}

/// A process of the extended format.
pub(super) fn extended(
    node: &Node,
    line: usize,
    context: Context<'_>,
    report: &mut Report<'_>,
) -> Option<Process> {
    let root = Path::default();
    let mut fields = Map::new();
    let entries = entries_of(node, &root, line, report)?;
    for (name, (line, value)) in &entries {
        if !TRANSLATED.contains(name) {
            field(name, value, context.schema, &root, *line, report, &mut fields);
        }
    }
    let mut reader = Reader {
        entries,
        context,
        report,
        fields,
    };
    match reader.entries.get("command").copied() {
        Some((line, value)) if value.is_null() => {
            let message =
                "is empty: say what the process runs, or leave command out, and the image's own runs";
            reader.report.at(&root.key("command"), line, message);
        }
        Some((line, value)) => reader.command(value, &root.key("command"), line),
        None => {}
    }
    if let Some((line, value)) = reader.given("environment") {
        reader.renamed("environment", "env", value, line);
    }
    if let Some((line, value)) = reader.given("ecs") {
        reader.ecs(value, line);
    }
    if let Some((line, value)) = reader.given("ports") {
        reader.ports(value, line);
    }
    reader.finish()
}

/// A process of which some has been read.
struct Reader<'a, 'r> {
    entries: Entries<'a>,
    context: Context<'a>,
    report: &'a mut Report<'r>,
    fields: Map<String, Json>,
}

impl<'a> Reader<'a, '_> {
    /// Returns the value of a key; null is as if there were none.
    fn given(&self, name: &str) -> Option<(usize, &'a Node)> {
        let (line, node) = self.entries.get(name)?;
        (!node.is_null()).then_some((*line, *node))
    }

    /// Text, split by Empire's rules, or a list of words.
    fn command(&mut self, node: &Node, path: &Path, line: usize) {
        self.report.place(path, line);
        let text = match &node.value {
            Value::Scalar(text) => match words::joined(&text.text, text.continued) {
                Ok(joined) => Some(joined),
                Err(message) => return self.report.at(path, line, message),
            },
            Value::List(_) | Value::Map(_) => None,
        };
        let text = text.as_deref();
        if self.fields.get("shell").and_then(Json::as_bool) == Some(true) {
            if let Some(text) = text {
                self.script(text.trim(), path);
            } else {
                let message = "must be text where shell is true: a shell is given a text, and args for the words after it";
                self.report.at(path, line, message);
            }
            return;
        }
        let words = match &node.value {
            Value::Scalar(_) if node.is_null() => Vec::new(),
            Value::Scalar(_) => match words::split(text.unwrap_or_default()) {
                Ok(words) => words,
                Err(message) => return self.report.at(path, line, message),
            },
            Value::List(items) => match self.listed(items, path) {
                Some(words) => words,
                None => return,
            },
            Value::Map(_) => return self.report.at(path, line, "must be text or a list of words"),
        };
        let Some((program, arguments)) = words.split_first() else {
            return self.set_command("", Vec::new());
        };
        if program.is_empty() {
            let message = "names no program: its first word is empty";
            return self.report.at(path, line, message);
        }
        if self.wants_a_shell(text, &words, path) {
            return;
        }
        match text {
            // Both split it alike: nothing is gained by writing it in another way.
            Some(text) if shell_words::split(text).is_ok_and(|ours| ours == words) => {
                self.set_command(text, Vec::new());
            }
            Some(_) | None => {
                self.report.place(&path.as_target("args"), line);
                self.set_command(&words::quote(program), arguments.to_vec());
            }
        }
    }

    /// A command line that a shell runs, as it is.
    fn script(&mut self, text: &str, path: &Path) {
        if let Some(message) = shell::needs(text, &[]).and_then(|needs| needs.of_bash()) {
            self.report.warn(path, &message);
        }
        self.report.warn_of_all(OF_AN_ENTRY_POINT);
        self.set_command(text, Vec::new());
    }

    /// Warns of a command that only a shell would understand, or wraps it for one, which is then done.
    fn wants_a_shell(&mut self, text: Option<&str>, words: &[String], path: &Path) -> bool {
        let given = self.fields.get("args").and_then(Json::as_array);
        let given: Vec<String> = given
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str().map(Into::into))
            .collect();
        let (line, further) = match text {
            Some(text) => (text.trim(), given),
            None => ("", [words, &given].concat()),
        };
        let Some(needs) = shell::needs(line, &further) else {
            return false;
        };
        let wrapped = shell::wrapped(line, &further);
        if self.context.wraps
            && let Some(wrapped) = wrapped
        {
            self.fields.remove("args");
            self.set_command(&wrapped, Vec::new());
            if let Some(message) = needs.of_bash() {
                self.report.warn(path, &message);
            }
            self.report.warn_of_all(OF_AN_ENTRY_POINT);
            return true;
        }
        let advice = match wrapped {
            Some(wrapped) if needs.may_be_shown(&wrapped) => {
                format!("write {}, as --shell does", shown(&wrapped))
            }
            Some(_) => format!("{}, as --shell does", needs.advice()),
            None => needs.advice(),
        };
        self.report.warn(path, &format!("{needs}: {advice}"));
        self.report.warn_of_all(OF_AN_ENTRY_POINT);
        false
    }

    /// The words of a list: the source text of what is there, so that `~` is one, and nothing at all is none.
    fn listed(&mut self, items: &[Rc<Node>], path: &Path) -> Option<Vec<String>> {
        let mut words = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.text().filter(|text| !text.is_empty() || !item.is_null()) {
                Some(text) => words.push(text.to_owned()),
                None => self
                    .report
                    .at(&path.item(index), item.line, "must be text, '' for an empty word"),
            }
        }
        (words.len() == items.len()).then_some(words)
    }

    /// The command, and what comes before the `args` that are given, if any are.
    fn set_command(&mut self, command: &str, mut arguments: Vec<String>) {
        self.fields.insert("command".into(), command.into());
        if let Some(Json::Array(given)) = self.fields.remove("args") {
            arguments.extend(given.iter().filter_map(Json::as_str).map(Into::into));
        }
        if !arguments.is_empty() {
            self.fields.insert("args".into(), arguments.into());
        }
    }

    /// Reads what is a field of the API by another name; one of the two can be given.
    fn renamed(&mut self, name: &str, field: &str, value: &Node, line: usize) {
        let path = Path::default().spelt(name, field);
        if self.given(field).is_some() {
            self.report
                .at(&path, line, format!("is there twice, also as {field}"));
        } else if let Some(schema) = property(self.context.schema, field) {
            let value = convert(value, schema, &path, line, self.report);
            self.fields.extend(value.map(|value| (field.into(), value)));
        }
    }

    /// `placement`, by Empire's names.
    fn ecs(&mut self, node: &Node, line: usize) {
        const KEYS: [(&str, &str); 2] = [
            ("placement_constraints", "constraints"),
            ("placement_strategy", "strategy"),
        ];
        let path = Path::default().spelt("ecs", "placement");
        if self.given("placement").is_some() {
            return self.report.at(&path, line, "is there twice, also as placement");
        }
        self.report.place(&path, line);
        let Some(entries) = entries_of(node, &path, line, self.report) else {
            return;
        };
        let mut placement = Map::new();
        for (name, (line, value)) in entries {
            let Some((_, field)) = KEYS.iter().find(|(known, _)| *known == name) else {
                let message = "there is no such key; there are placement_constraints, placement_strategy";
                self.report.at(&path.key(name), line, message);
                continue;
            };
            let schema =
                property(self.context.schema, "placement").and_then(|schema| property(schema, field));
            if let Some(schema) = schema
                && !value.is_null()
            {
                let value = convert(value, schema, &path.spelt(name, field), line, self.report);
                placement.extend(value.map(|value| ((*field).into(), value)));
            }
        }
        // Nothing asked for is the default, not the lack of any placement.
        placement.retain(|_, list| *list != json!([]));
        if !placement.is_empty() {
            self.fields.insert("placement".into(), placement.into());
        }
    }

    /// The listeners, beside what `expose` says of everything else.
    fn ports(&mut self, node: &Node, line: usize) {
        let path = Path::default().spelt("ports", "expose.listeners");
        let Some(listeners) = ports::exposure(node, &path, line, self.report) else {
            return;
        };
        for field in ["type", "listeners", "containerPort"] {
            self.report
                .place(&path.as_target(&format!("expose.{field}")), line);
        }
        if !self.fields.contains_key("expose") {
            self.report.place(&path.as_target("expose"), line);
        }
        let expose = self.fields.entry("expose").or_insert_with(|| json!({}));
        let Some(expose) = expose.as_object_mut() else {
            return;
        };
        match ["type", "listeners", "containerPort"]
            .iter()
            .find(|field| expose.contains_key(**field))
        {
            Some(field) => {
                let message = format!("says what expose.{field} says, too: use one of them");
                self.report.at(&path, line, message);
            }
            None => expose.extend(listeners),
        }
    }

    /// The process, once the schema has been asked.
    fn finish(self) -> Option<Process> {
        let process = Path::default();
        for (name, value) in &self.fields {
            if let Some(schema) = property(self.context.schema, name) {
                limits(value, schema, &process.key(name), self.report);
            }
        }
        match serde_json::from_value(Json::Object(self.fields)) {
            Ok(process) => Some(process),
            Err(error) => {
                if self.report.is_clean() {
                    self.report.of("", format!("cannot be carried over: {error}"));
                }
                None
            }
        }
    }
}

fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref()?.get(name)
}
