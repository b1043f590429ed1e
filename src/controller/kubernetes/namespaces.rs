//! The labels of namespaces: a Platform's tenancy goes by them.

use std::collections::HashMap;
use std::sync::Mutex;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt};

use super::error::failed;
use super::watches;
use crate::controller::memory::lock;
use crate::desired::NamespaceLabels;
use crate::error::Error;
use crate::health::Health;

/// The labels that passes went by, as far as is known.
#[derive(Default)]
pub(crate) struct Namespaces(Mutex<HashMap<String, NamespaceLabels>>);

impl Namespaces {
    /// As they were when they were last seen.
    pub(in crate::controller) fn known(&self, namespace: &str) -> Option<NamespaceLabels> {
        lock(&self.0).get(namespace).cloned()
    }

    /// As they are.
    pub(crate) async fn read(&self, client: &Client, namespace: &str) -> Result<NamespaceLabels, Error> {
        let api: Api<Namespace> = Api::all(client.clone());
        let found = api
            .get_metadata_opt(namespace)
            .await
            .map_err(failed("get the namespace"))?;
        let labels = found.map(labels_of).unwrap_or_default();
        // What is known changes with the watch alone: one that finds nothing new would not wake the others.
        lock(&self.0)
            .entry(namespace.to_owned())
            .or_insert_with(|| labels.clone());
        Ok(labels)
    }

    /// True if a pass may have gone by others.
    pub(in crate::controller) fn learn(&self, namespace: &str, labels: &NamespaceLabels) -> bool {
        let before = lock(&self.0).insert(namespace.to_owned(), labels.clone());
        before.is_some_and(|before| &before != labels)
    }
}

fn labels_of(namespace: PartialObjectMeta<Namespace>) -> NamespaceLabels {
    namespace.metadata.labels.unwrap_or_default()
}

/// Tells of each namespace that the watch shows, with its labels, until the process ends.
pub(in crate::controller) async fn watch(
    client: Client,
    health: Health,
    seen: impl Fn(&str, &NamespaceLabels),
    stopped: impl Future<Output = ()>,
) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let events = watches::objects(api, watches::LARGE_PAGE);
    let events = watches::patient(events, watches::NAMESPACES, &health);
    let heed = |event: watcher::Result<watcher::Event<PartialObjectMeta<Namespace>>>| {
        let namespace = match event {
            Ok(watcher::Event::Apply(namespace) | watcher::Event::InitApply(namespace)) => namespace,
            // No App outlives its namespace; and an error is in the log of the watch.
            Ok(watcher::Event::Delete(_) | watcher::Event::Init | watcher::Event::InitDone) | Err(_) => {
                return;
            }
        };
        seen(&namespace.name_any(), &labels_of(namespace));
    };
    events
        .take_until(stopped)
        .for_each(async |event| heed(event))
        .await;
}
