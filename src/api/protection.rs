//! Protection of the definitions: deleting one deletes every object of its kind, and with the Apps all that they have in
//! AWS.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// On a definition: what its deletion means, `delete` or `keep`.
pub const UNINSTALL_ANNOTATION: &str = "empire.dev/uninstall";

const POLICY: &str = "empire-definitions";

/// Annotations by which tools that prune or uninstall leave an object where it is.
pub(super) fn kept_by_tools() -> BTreeMap<String, String> {
    [
        // https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource
        ("helm.sh/resource-policy", "keep"),
        // https://fluxcd.io/flux/components/kustomize/kustomizations/#prune
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        // https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
        ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into()
}

/// The policy by which the API server refuses to delete a definition that does not say what is meant, and its binding.
/// It cannot ask whether there are any Apps, and so asks always.
pub fn protection() -> [Value; 2] {
    let metadata = json!({ "name": POLICY, "annotations": kept_by_tools() });
    let annotation = format!("oldObject.metadata.?annotations[?'{UNINSTALL_ANNOTATION}'].orValue('')");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            // With the API server's defaults: the field is applied as a whole, so that otherwise kubectl would conflict
            // with Helm over what both apply alike.
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "resourceRules": [{
                    "apiGroups": ["apiextensions.k8s.io"],
                    "apiVersions": ["*"],
                    "operations": ["DELETE"],
                    "resources": ["customresourcedefinitions"],
                    "scope": "*",
                }],
            },
            // One that is being deleted is deleted once more by the API server itself, when nothing of its kind is left.
            "matchConditions": [{
                "name": "definitions-of-ours",
                "expression":
                    "oldObject.spec.group == 'empire.dev' && !has(oldObject.metadata.deletionTimestamp)",
            }],
            "validations": [{
                "expression": format!("{annotation} in ['delete', 'keep']"),
                "messageExpression": format!(
                    "'deleting ' + oldObject.metadata.name + ' deletes every ' + oldObject.spec.names.kind + ' there is, and with \
                     the Apps what they have in AWS; annotate it with {UNINSTALL_ANNOTATION}: keep (everything goes on running, \
                     and is owned again when the same is applied again) or {UNINSTALL_ANNOTATION}: delete (everything goes) \
                     before you delete it'"
                ),
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": { "policyName": POLICY, "validationActions": ["Deny"] },
    });
    [policy, binding]
}
