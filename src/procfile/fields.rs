//! Fields of the API, read and limited by its own schema, so that none has to be named here.
//!
//! Types, limits, and rules that are nothing but a regular expression are taken from the schema. Rules between fields are
//! in `rules.rs`.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use regex_lite::Regex;
use serde_json::{Map, Value as Json};

use super::problem::{Path, Report, but};
use super::yaml::{Node, Value};

/// The keys of a process that are translated, rather than read by the schema alone.
pub(super) const TRANSLATED: [&str; 4] = ["command", "ecs", "environment", "ports"];

/// An entry of a map: its key's line, and its value.
pub(super) type Entries<'n> = BTreeMap<&'n str, (usize, &'n Node)>;

/// The entries of a map, merge keys followed. `complain` hears of what is wrong, with the key and the line.
pub(super) fn entries<'n>(
    node: &'n Node,
    complain: &mut impl FnMut(&str, usize, &str),
) -> Option<Entries<'n>> {
    let Value::Map(pairs) = &node.value else {
        return None;
    };
    let mut own = Entries::new();
    let mut merge = None;
    for (key, value) in pairs {
        let Value::Scalar(name) = &key.value else {
            complain("", key.line, "a key must be text");
            continue;
        };
        let entry = (key.line, &**value);
        let first = if name.plain && name.text == "<<" {
            merge.replace(entry)
        } else {
            own.insert(&name.text, entry)
        };
        if let Some((first, _)) = first {
            complain(
                &name.text,
                key.line,
                &format!("is there twice, first on line {first}"),
            );
        }
    }
    let sources = match merge {
        Some((
            _,
            Node {
                value: Value::List(items),
                ..
            },
        )) => items.iter().map(|item| &**item).collect(),
        Some((_, node)) => vec![node],
        None => Vec::new(),
    };
    for source in sources {
        match entries(source, complain) {
            // What is said in place comes before what is merged, and what is merged first before the rest.
            Some(merged) => merged.into_iter().for_each(|(name, entry)| {
                own.entry(name).or_insert(entry);
            }),
            None => complain("<<", source.line, "only maps can be merged"),
        }
    }
    Some(own)
}

/// The entries of a map within a process; `None`, with a problem, if it is no map.
pub(super) fn entries_of<'n>(
    node: &'n Node,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
) -> Option<Entries<'n>> {
    let entries = entries(node, &mut |key, line, message| {
        let path = if key.is_empty() {
            path.clone()
        } else {
            path.key(key)
        };
        report.at(&path, line, message);
    });
    if entries.is_none() {
        report.at(path, line, format!("must be a map{}", found(node, path)));
    }
    entries
}

/// A node as JSON of the type that a schema wants. `None`, with a problem, if it is something else.
pub(super) fn convert(
    node: &Node,
    schema: &JSONSchemaProps,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
) -> Option<Json> {
    report.place(path, line);
    let kind = schema.type_.as_deref().unwrap_or_default();
    let converted = match (kind, &node.value) {
        ("object", _) => return object(node, schema, path, line, report).map(Json::Object),
        ("array", Value::List(items)) => {
            let schema = match &schema.items {
                Some(JSONSchemaPropsOrArray::Schema(schema)) => schema,
                Some(JSONSchemaPropsOrArray::Schemas(_)) | None => return None,
            };
            let items = items.iter().enumerate();
            let converted =
                items.map(|(index, item)| convert(item, schema, &path.item(index), item.line, report));
            // Of a list that has lost an item, nothing more could be said.
            return converted
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<_>>()
                .map(Json::Array);
        }
        ("string", Value::Scalar(scalar)) => Some(Json::from(scalar.text.as_str())),
        ("integer", Value::Scalar(scalar)) if scalar.plain => integer(&scalar.text).map(Json::from),
        ("boolean", Value::Scalar(scalar)) if scalar.plain => boolean(&scalar.text).map(Json::from),
        _ => None,
    };
    if converted.is_none() {
        let wanted = match kind {
            "array" => "must be a list",
            "string" => "must be text",
            "integer" => "must be a whole number, without quotes and leading zeros",
            "boolean" => "must be true or false, without quotes",
            _ => "cannot be given here",
        };
        report.at(path, line, format!("{wanted}{}", found(node, path)));
    }
    converted
}

/// Ends a message on what must be with what is there.
pub(super) fn found(node: &Node, path: &Path) -> String {
    match &node.value {
        _ if node.is_null() => String::new(),
        Value::Scalar(_) if path.is_secret() => String::new(),
        Value::Scalar(scalar) => but(&scalar.text),
        Value::List(_) => ", not a list".into(),
        Value::Map(_) => ", not a map".into(),
    }
}

fn object(
    node: &Node,
    schema: &JSONSchemaProps,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
) -> Option<Map<String, Json>> {
    let entries = entries_of(node, path, line, report)?;
    let mut object = Map::new();
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &schema.additional_properties {
        for (name, (line, value)) in entries {
            let path = path.key(name);
            // A variable without a value is an empty one.
            let value = if value.is_null() {
                report.place(&path, line);
                Some(Json::from(""))
            } else {
                convert(value, values, &path, line, report)
            };
            object.extend(value.map(|value| (name.to_owned(), value)));
        }
        return Some(object);
    }
    for (name, (line, value)) in entries {
        field(name, value, schema, path, line, report, &mut object);
    }
    let required = schema.required.iter().flatten();
    let missing: Vec<_> = required.filter(|name| !object.contains_key(*name)).collect();
    for name in &missing {
        report.at(&path.key(name), line, "is needed");
    }
    missing.is_empty().then_some(object)
}

/// One field of an object, in the API's spelling or in snake case.
pub(super) fn field(
    name: &str,
    value: &Node,
    schema: &JSONSchemaProps,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
    object: &mut Map<String, Json>,
) {
    let properties = schema.properties.iter().flatten();
    let Some((target, schema)) = properties
        .into_iter()
        .find(|(field, _)| *field == name || snake(field) == name)
    else {
        // Those that are translated are keys of a process.
        let translated: &[&str] = if path.target.is_empty() { &TRANSLATED } else { &[] };
        let fields = schema
            .properties
            .iter()
            .flatten()
            .map(|(field, _)| field.as_str());
        let known: BTreeSet<&str> = fields.chain(translated.iter().copied()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        report.at(
            &path.key(name),
            line,
            format!("there is no such key; there are {}", known.join(", ")),
        );
        return;
    };
    let path = path.spelt(name, target);
    if object.contains_key(target) {
        report.at(&path, line, format!("is there twice, also as {target}"));
    } else if !value.is_null() {
        // What is null is left out, as the API server does.
        let value = convert(value, schema, &path, line, report);
        object.extend(value.map(|value| (target.clone(), value)));
    }
}

/// `healthyThreshold` as `healthy_threshold`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Leading zeros would be octal to YAML 1.1, and are not to YAML 1.2.
fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// As YAML 1.1 has them, which Empire read.
fn boolean(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let mut capitalized = lower.clone();
    capitalized.get_mut(..1)?.make_ascii_uppercase();
    if text != lower && text != capitalized && text != lower.to_ascii_uppercase() {
        return None;
    }
    match lower.as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// Reports what the API server's schema would refuse in a value of the right type.
pub(super) fn limits(value: &Json, schema: &JSONSchemaProps, path: &Path, report: &mut Report<'_>) {
    let mut refuse = |message: String| report.of(&path.target, message);
    let shown = |text: &str| {
        if path.is_secret() {
            String::new()
        } else {
            but(text)
        }
    };
    match value {
        Json::String(text) => {
            let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            if schema.max_length.is_some_and(|most| length > most) {
                refuse(format!(
                    "has more than {} characters",
                    schema.max_length.unwrap_or_default()
                ));
            }
            if schema.min_length.is_some_and(|least| length < least) {
                refuse("must not be empty".into());
            }
            if let Some(allowed) = &schema.enum_
                && !allowed.iter().any(|allowed| allowed.0 == *value)
            {
                let allowed: Vec<_> = allowed.iter().filter_map(|allowed| allowed.0.as_str()).collect();
                refuse(format!("must be one of {}{}", allowed.join(", "), shown(text)));
            }
            for (pattern, message) in patterns(schema) {
                if !pattern.is_match(text) {
                    refuse(if text.trim().is_empty() {
                        message.into()
                    } else {
                        format!("{message}{}", shown(text))
                    });
                }
            }
            let pattern = schema.pattern.as_deref().map(Regex::new);
            if let Some(Ok(pattern)) = pattern
                && !pattern.is_match(text)
            {
                refuse("must not have control characters, such as NUL".into());
            }
        }
        Json::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let (least, most) = (
                schema.minimum.unwrap_or(f64::MIN),
                schema.maximum.unwrap_or(f64::from(i32::MAX)),
            );
            if !(least..=most).contains(&number) {
                refuse(format!("must be from {least} to {most}, not {number}"));
            }
        }
        Json::Array(items) => {
            if schema
                .max_items
                .is_some_and(|most| items.len() as u64 > most.unsigned_abs())
            {
                refuse(format!(
                    "has more than {} items",
                    schema.max_items.unwrap_or_default()
                ));
            }
            same_twice(items, schema, path, report);
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    limits(item, schema, &path.item(index), report);
                }
            }
        }
        Json::Object(object) => {
            if schema
                .max_properties
                .is_some_and(|most| object.len() as u64 > most.unsigned_abs())
            {
                refuse(format!(
                    "has more than {} entries",
                    schema.max_properties.unwrap_or_default()
                ));
            }
            for (name, value) in object {
                let values = match &schema.additional_properties {
                    Some(JSONSchemaPropsOrBool::Schema(values)) => Some(&**values),
                    Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
                };
                let schema = schema
                    .properties
                    .as_ref()
                    .and_then(|properties| properties.get(name));
                if let Some(schema) = schema.or(values) {
                    limits(value, schema, &path.key(name), report);
                }
            }
        }
        Json::Null | Json::Bool(_) => {}
    }
}

/// Items that a list of this kind may have once only.
fn same_twice(items: &[Json], schema: &JSONSchemaProps, path: &Path, report: &mut Report<'_>) {
    let keys = schema.x_kubernetes_list_map_keys.as_deref().unwrap_or_default();
    let identity = |item: &Json| match schema.x_kubernetes_list_type.as_deref() {
        Some("set") => Some(item.to_string()),
        Some("map") => Some(
            keys.iter()
                .map(|key| item[key].to_string())
                .collect::<Vec<_>>()
                .join(" "),
        ),
        _ => None,
    };
    let mut seen = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(first) = identity(item).and_then(|identity| seen.insert(identity, index)) {
            let key = keys.first().map_or("", String::as_str);
            let what = if key.is_empty() {
                "the same".to_owned()
            } else {
                format!("the same {key}")
            };
            report.of(&path.item(index).target, format!("has {what} as [{first}]"));
        }
    }
}

/// The rules of a schema that are a regular expression and nothing else, and what they say.
pub(super) fn patterns(schema: &JSONSchemaProps) -> impl Iterator<Item = (Regex, &str)> {
    let rules = schema.x_kubernetes_validations.iter().flatten();
    rules.filter_map(|rule| {
        let pattern = rule.rule.strip_prefix("self.matches('")?.strip_suffix("')")?;
        let pattern = Regex::new(&pattern.replace(r"\\", r"\")).ok()?;
        Some((
            pattern,
            rule.message.as_deref().unwrap_or("is refused by the API server"),
        ))
    })
}
