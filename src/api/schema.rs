//! Limits, and rules in CEL, that the schemas of several fields share.
//!
//! CEL rather than `pattern`, since a rule can say in words what is wrong. Every string, list and map has an upper limit:
//! the API server estimates what a rule costs from them, and refuses a definition that could cost too much.
//! <https://kubernetes.io/docs/reference/using-api/cel/>

pub(super) mod container;
pub(super) mod patterns;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::core::{Message, Rule};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::protection::kept_by_tools;

/// A DNS label: 1 to 63 lower case letters, digits and inner hyphens.
pub(super) const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

/// Whole hours, minutes and seconds, in digits that CEL's `duration()` cannot overflow on.
const DURATION: &str = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$";

/// The names of environment variables that Kubernetes itself allowed for most of its life, and shells can live with.
const VARIABLE: &str = "^[-._a-zA-Z][-._a-zA-Z0-9]*$";

/// The characters that AWS allows in the keys and values of tags: <https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html>.
const TAG: &str = r"^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$";

/// No control characters but tabs and line ends: no program can be given a NUL, and no log shows the others. As a pattern,
/// since a rule for each of thousands of values would cost the API server too much.
pub(super) const NO_CONTROLS: &str = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";

/// A rule that fails with fixed words.
pub(super) fn rule(rule: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(rule).message(Message::Message(message.into()))
}

/// A rule that fails with the words that a CEL expression makes.
pub(super) fn rule_saying(rule: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule::new(rule).message(Message::Expression(message.into()))
}

/// A rule at the root, where `metadata.name` is seen. The API server does not exempt what has not changed there, as it
/// does further down: without this exemption, a stored object that breaks a later rule could be neither annotated nor
/// freed of its finalizer.
pub(super) fn at_root(rule: Rule) -> Rule {
    Rule {
        rule: format!(
            "(oldSelf.hasValue() && oldSelf.value().spec == self.spec) || ({})",
            rule.rule
        ),
        ..rule
    }
    .optional_old_self(true)
}

/// A duration in whole seconds from `least` to `most`.
pub(super) fn between(least: &str, most: &str) -> Rule {
    rule(
        format!(
            "self != '' && self.matches('{DURATION}') && duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
        ),
        format!(
            "must be from {least} to {most}, in whole hours, minutes and seconds such as 90s, 1m30s or 1h"
        ),
    )
}

/// One duration shorter than another, both given as CEL. Text that is no duration is another rule's to refuse.
pub(super) fn shorter(one: &str, other: &str) -> String {
    format!(
        "!{one}.matches('{DURATION}') || !{other}.matches('{DURATION}') || {one} == '' || {other} == '' || \
         duration({one}) < duration({other})"
    )
}

/// A container image.
pub(super) fn image() -> Rule {
    rule(
        r"self.matches('^[^\\s\\x00-\\x1F\\x7F-\\x9F]+$')",
        "must be a container image, such as registry.example.com/acme:v42, without spaces and control characters",
    )
}

/// The ARN of an IAM role.
pub(super) fn role() -> Rule {
    rule(
        r"self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/\\S+$')",
        "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/apps/acme",
    )
}

/// Environment variables: at most 250, values of at most 32,768 characters, none of the names that are ours.
pub(super) fn environment(schema: &mut Schema) {
    limit_values(schema, 250, 32_768);
    schema.insert(
        "additionalProperties".into(),
        json!({ "type": "string", "maxLength": 32_768, "pattern": NO_CONTROLS }),
    );
    let [valid, reserved] = variable_names("env");
    add_rules(schema, &[valid, reserved, fits_a_task_definition()]);
}

/// Environment variables of a one-off run, of which all are sent in one call: at most 50, values of at most 4,096 characters.
pub(super) fn few_variables(schema: &mut Schema) {
    limit_values(schema, 50, 4_096);
    schema.insert(
        "additionalProperties".into(),
        json!({ "type": "string", "maxLength": 4_096, "pattern": NO_CONTROLS }),
    );
    add_rules(schema, &variable_names("env"));
}

/// Asks variables to have no more characters together than a task definition has bytes. `desired` counts all of it; this
/// keeps what can never run out of the API server. What is stored may stay.
fn fits_a_task_definition() -> Rule {
    rule(
        "oldSelf.orValue({}) == self || self.map(n, size(n) + size(self[n])).sum() <= 65536",
        "env: names and values have more characters than the 65,536 bytes that ECS takes for all of a task definition",
    )
    .optional_old_self(true)
}

/// Words of a command line: at most 100, of at most 4,096 characters.
pub(super) fn words(schema: &mut Schema) {
    schema.insert("maxItems".into(), json!(100));
    schema.insert(
        "items".into(),
        json!({ "type": "string", "maxLength": 4_096, "pattern": NO_CONTROLS }),
    );
}

/// No control characters, in words.
pub(super) fn no_controls() -> Rule {
    rule(
        format!("self.matches('{}')", NO_CONTROLS.replace('\\', r"\\")),
        "must not have control characters, such as NUL",
    )
}

/// Secrets: at most 250, named as environment variables are, each a secret or a parameter, by ARN or by name.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html>
pub(super) fn secrets(schema: &mut Schema) {
    limit_values(schema, 250, 512);
    let [valid, reserved] = variable_names("secrets");
    add_rules(schema, &[valid, reserved, named_secrets()]);
}

/// The rest `desired` asks: a pattern would cost too much for each of 25,000 secrets.
fn named_secrets() -> Rule {
    let begins =
        ["arn:", "/", "ssm:", "secretsmanager:"].map(|begin| format!("self[n].startsWith('{begin}')"));
    let named = format!("({})", begins.join(" || "));
    rule_saying(
        // Begins as it did before there were names, so that whoever compares the two sees that nothing more is refused.
        format!("self.all(n, self[n].startsWith('arn:')) || self.all(n, {named})"),
        format!(
            "'secrets: ' + self.filter(n, !{named})[0] + ': must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: secretsmanager:shop/db, /shop/db or ssm:db'"
        ),
    )
}

/// Of which service, `desired` asks.
fn secret_arns(field: &str) -> Rule {
    let arn = "self[n].startsWith('arn:')";
    rule_saying(
        format!("self.all(n, {arn})"),
        format!(
            "'{field}: ' + self.filter(n, !{arn})[0] + ': must be the ARN of a secret in Secrets Manager or of a parameter of SSM'"
        ),
    )
}

/// Names that a program can have in its environment, and none that is ours.
fn variable_names(field: &str) -> [Rule; 2] {
    let valid = format!("n.matches('{VARIABLE}')");
    let reserved = "(n == 'SOURCE' || n.startsWith('EMPIRE_'))";
    [
        rule_saying(
            format!("self.all(n, {valid})"),
            format!(
                "'{field}: ' + self.filter(n, !{valid})[0] + ': a name consists of letters, digits, _, - and ., and does not begin with a digit'"
            ),
        ),
        rule_saying(
            format!("self.all(n, !{reserved})"),
            format!(
                "'{field}: ' + self.filter(n, {reserved})[0] + ': SOURCE and names that begin with EMPIRE_ are reserved'"
            ),
        ),
    ]
}

/// Tags for AWS: 47, since a resource takes 50 and three are ours.
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html>
pub(super) fn tags(schema: &mut Schema) {
    limit_values(schema, 47, 256);
    let valid = format!("(n != '' && size(n) <= 128 && n.matches('{TAG}'))");
    let reserved = "(n.lowerAscii().startsWith('aws:') || n.startsWith('empire.dev/'))";
    add_rules(
        schema,
        &[
            rule_saying(
                format!("self.all(n, {valid})"),
                format!(
                    "'tags: ' + self.filter(n, !{valid})[0] + ': a key has 1 to 128 letters, digits, spaces and _ . : / = + - @'"
                ),
            ),
            rule_saying(
                format!("self.all(n, !{reserved})"),
                format!(
                    "'tags: ' + self.filter(n, {reserved})[0] + ': keys that begin with aws: or empire.dev/ are reserved'"
                ),
            ),
            rule_saying(
                format!("self.all(n, self[n].matches('{TAG}'))"),
                format!(
                    "'tags: the value of ' + self.filter(n, !self[n].matches('{TAG}'))[0] + ' has characters other than letters, digits, spaces and _ . : / = + - @'"
                ),
            ),
        ],
    );
}

/// Options of a log driver.
pub(super) fn options(schema: &mut Schema) {
    limit_values(schema, 50, 2_048);
}

/// Options of a log driver whose values are secrets.
pub(super) fn secret_options(schema: &mut Schema) {
    limit_values(schema, 50, 512);
    add_rules(schema, &[secret_arns("secretOptions")]);
}

/// ARNs of certificates, at most 25, each once.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
pub(super) fn certificates(schema: &mut Schema) {
    let valid = rule(
        r"self.matches('^arn:\\S+:(acm|iam):\\S+$')",
        "must be the ARN of a certificate, such as arn:aws:acm:us-east-1:123456789012:certificate/0123-4567",
    );
    strings(schema, 0, 25, 512, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// A label selector of Kubernetes, with limits.
pub(super) fn selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": "Labels and the values that they must have, at most 20.",
                "type": "object",
                "maxProperties": 20,
                "additionalProperties": { "type": "string", "maxLength": 63 },
            },
            "matchExpressions": {
                "description": "Requirements that must all be met, at most 20.",
                "type": "array",
                "maxItems": 20,
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "description": "A label.",
                            "type": "string",
                            "maxLength": 317,
                        },
                        "operator": {
                            "description": "What its value must be, or whether it must be there.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "With `In` and `NotIn`, the values, at most 50.",
                            "type": "array",
                            "maxItems": 50,
                            "x-kubernetes-list-type": "atomic",
                            "items": { "type": "string", "maxLength": 63 },
                        },
                    },
                    "x-kubernetes-validations": [rule(
                        "has(self.values) && size(self.values) > 0 ? self.operator in ['In', 'NotIn'] : self.operator in ['Exists', 'DoesNotExist']",
                        "namespaceSelector: In and NotIn need values, and Exists and DoesNotExist take none",
                    )],
                },
            },
        },
    })
}

/// Full DNS names, at most 10. 245 characters each, so that `_empire.` fits before them.
pub(super) fn hostnames(schema: &mut Schema) {
    let label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
    let valid = rule(
        format!("self.matches('^({label}[.])+{label}$')"),
        "must be a full DNS name in lower case, such as www.example.com, without wildcards and without a dot at its end",
    );
    strings(schema, 0, 10, 245, &valid);
    schema.insert("x-kubernetes-list-type".into(), json!("set"));
}

/// A set of AWS ids that begin with `prefix`, such as `subnet-`.
pub(super) fn ids(prefix: &'static str, least: usize, most: usize) -> impl Fn(&mut Schema) {
    move |schema| {
        strings(schema, least, most, 64, &id(prefix));
        schema.insert("x-kubernetes-list-type".into(), json!("set"));
    }
}

/// A list of strings that each keep a rule.
fn strings(schema: &mut Schema, least: usize, most: usize, length: usize, valid: &Rule) {
    if least > 0 {
        schema.insert("minItems".into(), json!(least));
    }
    schema.insert("maxItems".into(), json!(most));
    schema.insert(
        "items".into(),
        json!({ "type": "string", "maxLength": length, "x-kubernetes-validations": [valid] }),
    );
}

/// An AWS id that begins with `prefix`, such as `vpc-`.
pub(super) fn id(prefix: &str) -> Rule {
    rule(
        format!("self.matches('^{prefix}[0-9a-zA-Z-]+$')"),
        format!("must be an id that begins with {prefix}"),
    )
}

/// A map of strings that server-side apply takes as one value: an owner for each of hundreds of entries is no use.
fn limit_values(schema: &mut Schema, entries: usize, length: usize) {
    schema.insert("maxProperties".into(), json!(entries));
    schema.insert("x-kubernetes-map-type".into(), json!("atomic"));
    schema.insert(
        "additionalProperties".into(),
        json!({ "type": "string", "maxLength": length }),
    );
}

fn add_rules(schema: &mut Schema, rules: &[Rule]) {
    schema.insert("x-kubernetes-validations".into(), json!(rules));
}

/// Changes a definition where the derive cannot be told to.
///
/// It makes every optional field nullable, with a `null` among the values of an enum; a field that is not has its `null` dropped by the API server, so that `env:`
/// with nothing after it is the same as no `env`, for the rules as for us. It makes a default of everything that may be
/// left out, which the API server would write into the user's object; those that are wanted are in `status`, since
/// kstatus takes an object without a status for one that is as it should be. And the lines of a description end where
/// those of the source do, while `kubectl explain` breaks them itself.
pub(super) fn refined(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    definition.metadata.annotations = Some(kept_by_tools());
    let versions = definition.spec.versions.iter_mut();
    for schema in versions.filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut()) {
        refine(schema);
        let properties = schema.properties.as_mut();
        if let Some(status) = properties.and_then(|properties| properties.get_mut("status")) {
            status.default = Some(JSON(json!({ "observedGeneration": -1 })));
            let fields = status.properties.as_mut();
            if let Some(tenancy) = fields.and_then(|fields| fields.get_mut("tenancy")) {
                // The API server adds it as it reads: no write tells the Platforms of earlier versions.
                tenancy.default = Some(JSON(json!("Open")));
            }
        }
    }
    definition
}

fn refine(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.default = None;
    if let Some(values) = &mut schema.enum_ {
        values.retain(|JSON(value)| !value.is_null());
    }
    if let Some(description) = &mut schema.description {
        let paragraphs = description.split("\n\n").map(|text| text.replace('\n', " "));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
    {
        refine(property);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        refine(values);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        refine(items);
    }
}
