//! Who else writes an object: the tool that applies it, and the field managers that the API server remembers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::core::ObjectMeta;
use serde_json::Value;

/// A field, by the name that messages give it and by its path.
#[derive(Clone, Debug)]
pub(super) struct Field {
    name: String,
    path: Vec<String>,
}

impl Field {
    pub(super) fn of(path: &[&str]) -> Self {
        Field::named(&path.join("."), path)
    }

    pub(super) fn named(name: &str, path: &[&str]) -> Self {
        Field {
            name: name.into(),
            path: path.iter().map(|&step| step.to_owned()).collect(),
        }
    }

    fn is_in(&self, manifest: &Value) -> bool {
        let mut inner = Some(manifest);
        for step in &self.path {
            inner = inner.and_then(|inner| inner.get(step));
        }
        inner.is_some()
    }

    /// As `managedFields` writes paths.
    fn is_of(&self, entry: &ManagedFieldsEntry) -> bool {
        let mut inner = entry.fields_v1.as_ref().map(|fields| &fields.0);
        for step in &self.path {
            inner = inner.and_then(|inner| inner.get(format!("f:{step}")));
        }
        inner.is_some()
    }
}

/// Who applies an object again and again, from a manifest that is kept elsewhere.
enum Applier {
    /// A tool that leaves a mark on what it applies, and that comes back by itself.
    Tool(String),
    /// Field managers of server-side apply.
    ServerSide(Vec<String>),
    /// `kubectl apply`, with the manifest that it has left.
    ClientSide(Value),
}

/// Says which of these fields, that are set by `own` now, another sets to its own value again.
pub(super) fn warnings(metadata: &ObjectMeta, fields: &[Field], own: &str) -> Vec<String> {
    let Some(applier) = applier(metadata) else {
        return Vec::new();
    };
    let names = |fields: &[&Field]| {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        names.join(", ")
    };
    let (set, unset): (Vec<&Field>, Vec<&Field>) = fields
        .iter()
        .partition(|field| is_set_by(&applier, metadata, field, own));
    let mut found = Vec::new();
    if !set.is_empty() {
        let managers = managers(metadata, own, |entry| set.iter().any(|field| field.is_of(entry))).join(", ");
        let names = names(&set);
        found.push(match &applier {
            Applier::Tool(tool) => format!(
                "{tool} applies this App, and {managers} has set {names}: this will be reverted, change it at its source"
            ),
            Applier::ServerSide(_) => format!(
                "{managers} applies this App server-side, and has set {names}: its next apply reverts this, or is refused as a \
                 conflict; change it at its source"
            ),
            Applier::ClientSide(_) => format!(
                "kubectl apply has set {names}: the next one reverts this, unless the manifest is changed, too"
            ),
        });
    }
    // With a server-side apply, a field that was changed here is no longer its manager's.
    let might = |field: &&Field| match &applier {
        Applier::Tool(_) => true,
        Applier::ServerSide(_) => {
            let mut entries = metadata.managed_fields.iter().flatten();
            entries.any(|entry| entry.manager.as_deref() == Some(own) && field.is_of(entry))
        }
        Applier::ClientSide(_) => false,
    };
    let unset: Vec<&Field> = unset.into_iter().filter(might).collect();
    if !unset.is_empty() {
        let who = match applier {
            Applier::Tool(tool) => tool,
            Applier::ServerSide(managers) => managers.join(", "),
            Applier::ClientSide(_) => "kubectl apply".into(),
        };
        found.push(format!(
            "{who} applies this App: should its manifest ever set {}, this is reverted",
            names(&unset)
        ));
    }
    found
}

fn is_set_by(applier: &Applier, metadata: &ObjectMeta, field: &Field, own: &str) -> bool {
    match applier {
        Applier::Tool(_) => !managers(metadata, own, |entry| field.is_of(entry)).is_empty(),
        Applier::ServerSide(_) => {
            !managers(metadata, own, |entry| is_apply(entry) && field.is_of(entry)).is_empty()
        }
        Applier::ClientSide(manifest) => field.is_in(manifest),
    }
}

fn applier(metadata: &ObjectMeta) -> Option<Applier> {
    if let Some(tool) = tool(metadata) {
        return Some(Applier::Tool(tool));
    }
    let spec = Field::of(&["spec"]);
    let managers = managers(metadata, "", |entry| is_apply(entry) && spec.is_of(entry));
    if !managers.is_empty() {
        return Some(Applier::ServerSide(managers));
    }
    let left = annotation(metadata, "kubectl.kubernetes.io/last-applied-configuration")?;
    serde_json::from_str(left).ok().map(Applier::ClientSide)
}

/// Names the tool that applies an object from elsewhere, by the marks that it leaves on it.
fn tool(metadata: &ObjectMeta) -> Option<String> {
    let label = |key: &str| Some(metadata.labels.as_ref()?.get(key)?.as_str());
    let flux = |kind: &str, of: &str| {
        let name = label(&format!("{of}.toolkit.fluxcd.io/name"))?;
        let namespace = label(&format!("{of}.toolkit.fluxcd.io/namespace")).unwrap_or_default();
        Some(format!("Flux ({kind} {namespace}/{name})"))
    };
    let argo = || {
        let tracked =
            annotation(metadata, "argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
        let name = tracked.or_else(|| label("argocd.argoproj.io/instance"))?;
        Some(format!("Argo CD (Application {name})"))
    };
    let helm = || {
        label("app.kubernetes.io/managed-by").filter(|tool| *tool == "Helm")?;
        let release = annotation(metadata, "meta.helm.sh/release-name").unwrap_or_default();
        Some(format!("Helm (release {release})"))
    };
    flux("Kustomization", "kustomize")
        .or_else(|| flux("HelmRelease", "helm"))
        .or_else(argo)
        .or_else(helm)
}

fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    Some(metadata.annotations.as_ref()?.get(key)?.as_str())
}

fn is_apply(entry: &ManagedFieldsEntry) -> bool {
    entry.operation.as_deref() == Some("Apply")
}

/// Returns the managers, but one, of the entries that are meant.
fn managers(metadata: &ObjectMeta, but: &str, is_meant: impl Fn(&ManagedFieldsEntry) -> bool) -> Vec<String> {
    let entries = metadata.managed_fields.iter().flatten();
    let entries = entries.filter(|entry| is_meant(entry));
    let names = entries.filter_map(|entry| entry.manager.clone());
    let mut names: Vec<String> = names.filter(|name| name != but).collect();
    names.dedup();
    names
}
