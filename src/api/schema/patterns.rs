//! Rules of what a Platform says with a wildcard or a placeholder in it.

use schemars::Schema;
use serde_json::json;

use super::{rule, strings};

/// Patterns of ARNs, at most 100.
pub(in crate::api) fn arn_patterns(schema: &mut Schema) {
    let valid = rule(
        r"self.matches('^(arn:\\S+|[*])$')",
        "must be an ARN, in which * stands for any characters, such as arn:aws:iam::123456789012:role/apps/*",
    );
    strings(schema, 0, 100, 512, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// Characters of a pattern of a grant, in which `{namespace}` and `{app}` stand for names, and no other braces are.
fn template(characters: &str) -> String {
    format!("({characters}|[{{](namespace|app)[}}])+")
}

/// Patterns of ARNs for an App, at most 50.
pub(in crate::api) fn arn_templates(schema: &mut Schema) {
    let valid = rule(
        format!("self.matches('^(arn:{}|[*])$')", template(r"[^\\s{}]")),
        "must be an ARN, in which * stands for any characters, and {namespace} and {app} for the App's own, such as \
         arn:aws:iam::123456789012:role/{namespace}/*",
    );
    strings(schema, 0, 50, 512, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// Patterns of images for an App, at most 50.
pub(in crate::api) fn image_templates(schema: &mut Schema) {
    let valid = rule(
        format!(
            "self.matches('^{}$')",
            template(r"[^\\s\\x00-\\x1F\\x7F-\\x9F{}]")
        ),
        "must be a container image, in which * stands for any characters, and {namespace} and {app} for the App's own, such \
         as registry.example.com/{namespace}/*",
    );
    strings(schema, 0, 50, 512, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// Patterns of file systems in EFS, and of access points of one.
pub(in crate::api) fn file_system_patterns(most: usize) -> impl Fn(&mut Schema) {
    move |schema| {
        let valid = rule(
            "self.matches('^(fs-[0-9a-z*]+(/fsap-[0-9a-z*]+)?|[*])$')",
            "must be the id of a file system, or of one and an access point, in which * stands for any characters, such as \
             fs-0123456789abcdef0 or fs-0123456789abcdef0/fsap-*",
        );
        strings(schema, 0, most, 128, &valid);
        schema.insert("x-kubernetes-list-type".into(), json!("set"));
    }
}

/// Patterns of DNS names for an App, at most 50.
pub(in crate::api) fn hostname_templates(schema: &mut Schema) {
    let label = template("[-a-z0-9*]");
    let valid = rule(
        format!("self.matches('^({label}([.]{label})+|[*])$')"),
        "must be a full DNS name in lower case, in which * stands for any characters between two dots, and {namespace} and \
         {app} for the App's own, such as *.{namespace}.example.com",
    );
    strings(schema, 0, 50, 245, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// Some of these texts, each once.
pub(in crate::api) fn some_of(texts: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| {
        schema.insert("maxItems".into(), json!(texts.len()));
        schema.insert("items".into(), json!({ "type": "string", "enum": texts }));
        schema.insert("x-kubernetes-list-type".into(), json!("set"));
    }
}

/// Templates of DNS names without their zone, 1 to 4.
pub(in crate::api) fn name_templates(schema: &mut Schema) {
    let label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
    let filled = "self.replace('{app}', 'a').replace('{process}', 'a').replace('{namespace}', 'a')";
    let valid = rule(
        format!("self.contains('{{app}}') && {filled}.matches('^{label}([.]{label})*$')"),
        "must be a DNS name in lower case, without the zone's, with {app} in it, and {process} and {namespace} where they are \
         to be, such as {app}-{process}.{namespace}",
    );
    strings(schema, 1, 4, 128, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}
