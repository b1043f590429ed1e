//! Files that lie beside a Procfile and say something else, told by their keys or their first lines.

use super::fields::Entries;
use super::yaml::{Node, Value};

/// A key that a file has, and what is under it.
type Key = (&'static str, Shape);

#[derive(Clone, Copy)]
enum Shape {
    Text,
    List,
    Map,
    /// A map of maps, of which none is a process.
    Maps,
}

use Shape::{List, Map, Maps, Text};

/// A file is that of the first row of which it has all keys.
const FILES: &[(&str, &[Key])] = &[
    ("a file of Docker Compose", &[("services", Maps)]),
    (
        "render.yaml of Render, or an app spec of DigitalOcean",
        &[("services", List)],
    ),
    ("a manifest of AWS Copilot", &[("name", Text), ("type", Text)]),
    ("a task definition of ECS", &[("containerDefinitions", List)]),
    ("apprunner.yaml of App Runner", &[("runtime", Text), ("run", Map)]),
    ("app.yaml of App Engine", &[("runtime", Text), ("handlers", List)]),
    (
        "app.yaml of App Engine",
        &[("runtime", Text), ("entrypoint", Text)],
    ),
    (
        "Dockerrun.aws.json of Elastic Beanstalk",
        &[("AWSEBDockerrunVersion", Text)],
    ),
    ("app.json of Heroku", &[("buildpacks", List)]),
    ("app.json of Heroku", &[("formation", Maps)]),
    ("app.json of Heroku", &[("environments", Maps)]),
    ("app.json of Heroku", &[("name", Text), ("env", Map)]),
    (
        "app.json of Heroku, or package.json of npm",
        &[("name", Text), ("scripts", Map)],
    ),
    ("package.json of npm", &[("scripts", Map), ("dependencies", Map)]),
    ("heroku.yml of Heroku", &[("build", Map), ("run", Map)]),
    ("heroku.yml of Heroku", &[("build", Maps)]),
    ("heroku.yml of Heroku", &[("setup", Map), ("build", Map)]),
    ("railway.json of Railway", &[("build", Map), ("deploy", Map)]),
    ("a manifest of Cloud Foundry", &[("applications", List)]),
    ("deploy.yml of Kamal", &[("service", Text), ("servers", List)]),
    ("deploy.yml of Kamal", &[("service", Text), ("servers", Map)]),
    ("serverless.yml", &[("service", Text), ("provider", Map)]),
];

/// Names the file that a map is, if it is no map of processes.
pub(super) fn by_keys(entries: &Entries<'_>) -> Option<&'static str> {
    let has = |(key, shape): &Key| entries.get(key).is_some_and(|(_, node)| is(node, *shape));
    FILES
        .iter()
        .find(|(_, keys)| keys.iter().all(has))
        .map(|(file, _)| *file)
}

fn is(node: &Node, shape: Shape) -> bool {
    let is_process =
        |key: &str| ["command", "noservice", "cron", "ports", "environment", "expose"].contains(&key);
    let is_foreign = |pairs: &[_]| {
        let mut keys = pairs
            .iter()
            .map(|(key, _): &(std::rc::Rc<Node>, _)| key.text().unwrap_or_default());
        !keys.any(is_process)
    };
    match (&node.value, shape) {
        (Value::Scalar(_), Text) | (Value::List(_), List) => true,
        (Value::Map(pairs), Map) => is_foreign(pairs),
        (Value::Map(pairs), Maps) => {
            let mut values = pairs.iter().map(|(_, value)| &value.value);
            !pairs.is_empty() && is_foreign(pairs) && values.all(|value| matches!(value, Value::Map(_)))
        }
        (Value::Scalar(_) | Value::List(_) | Value::Map(_), _) => false,
    }
}

/// Names the file that a text is, if it is neither a map nor lines of processes.
pub(super) fn by_lines(text: &str) -> Option<&'static str> {
    let lines = || {
        text.lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let is_section =
        |line: &str| line.starts_with('[') && line.ends_with(']') && line != "[]" && !line.contains(',');
    let is_variable = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let name = line.split_once('=').map_or("", |(name, _)| name);
        let name = name.trim_end();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if lines().any(is_section) && lines().any(|line| line.contains('=')) {
        let of_fly = ["[http_service]", "[[services]]", "[processes]", "[[vm]]", "[env]"];
        return Some(if lines().any(|line| of_fly.contains(&line)) {
            "fly.toml of Fly.io"
        } else {
            "a file of TOML or INI"
        });
    }
    if text.starts_with("#!") {
        return Some("a script");
    }
    if lines().next()?.starts_with("FROM ") {
        return Some("a Dockerfile");
    }
    lines()
        .all(is_variable)
        .then_some("a file of environment variables")
}
