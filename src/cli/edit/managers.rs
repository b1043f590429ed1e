//! Who else writes an object: the tool that applies it, and the field managers that the API server remembers.

use kube::core::ObjectMeta;
use serde_json::Value;

/// Names the tool that applies an object from elsewhere, by the marks that it leaves on it.
pub(super) fn applier(metadata: &ObjectMeta) -> Option<String> {
    let label = |key: &str| Some(metadata.labels.as_ref()?.get(key)?.as_str());
    let annotation = |key: &str| Some(metadata.annotations.as_ref()?.get(key)?.as_str());
    let flux = |kind: &str, of: &str| {
        let name = label(&format!("{of}.toolkit.fluxcd.io/name"))?;
        let namespace = label(&format!("{of}.toolkit.fluxcd.io/namespace")).unwrap_or_default();
        Some(format!("Flux ({kind} {namespace}/{name})"))
    };
    let argo = || {
        let tracked = annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
        let name = tracked.or_else(|| label("argocd.argoproj.io/instance"))?;
        Some(format!("Argo CD (Application {name})"))
    };
    let helm = || {
        label("app.kubernetes.io/managed-by").filter(|tool| *tool == "Helm")?;
        let release = annotation("meta.helm.sh/release-name").unwrap_or_default();
        Some(format!("Helm (release {release})"))
    };
    flux("Kustomization", "kustomize")
        .or_else(|| flux("HelmRelease", "helm"))
        .or_else(argo)
        .or_else(helm)
}

/// Returns the managers, but one, that have set a field; the path is as `managedFields` writes it.
pub(super) fn sets(metadata: &ObjectMeta, path: &[&str], but: &str) -> Vec<String> {
    let has = |fields: &Value| {
        let mut fields = fields;
        for step in path {
            match fields.get(step) {
                Some(inner) => fields = inner,
                None => return false,
            }
        }
        true
    };
    let entries = metadata.managed_fields.iter().flatten();
    let owners = entries.filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| has(&fields.0)));
    let names = owners.filter_map(|entry| entry.manager.clone());
    let mut names: Vec<String> = names.filter(|name| name != but).collect();
    names.dedup();
    names
}
