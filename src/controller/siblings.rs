//! The Apps of each namespace, as far as they share its limits: an index beside the cache, so that a pass need not go through
//! all Apps of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use kube::ResourceExt;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;

use super::memory::{app_key, lock};
use super::packed::PackedApp;
use crate::model::owner::AppName;
use crate::pass::Sibling;

/// By the name of the namespace.
#[derive(Default)]
pub(super) struct Siblings(Mutex<HashMap<String, Namespace>>);

#[derive(Default)]
struct Namespace {
    /// By name.
    apps: BTreeMap<String, Arc<Sibling>>,
    /// A pass has asked for them, so that some may wait for room.
    is_limited: bool,
}

impl Siblings {
    /// Returns the Apps of a namespace.
    pub(super) fn of(&self, namespace: &str) -> Vec<Arc<Sibling>> {
        let mut all = lock(&self.0);
        let Some(known) = all.get_mut(namespace) else {
            return Vec::new();
        };
        known.is_limited = true;
        known.apps.values().cloned().collect()
    }

    /// Notes what the watch shows. Returns the namespaces in which others may have room that they wait for.
    pub(super) fn heed(&self, event: &Event<PackedApp>, cache: &Store<PackedApp>) -> Vec<String> {
        let of = |app: &PackedApp, is_roomy: bool| is_roomy.then(|| app.namespace().unwrap_or_default());
        match event {
            Event::Apply(app) | Event::InitApply(app) => of(app, self.saw(app)).into_iter().collect(),
            Event::Delete(app) => of(app, self.removed(app)).into_iter().collect(),
            // Those that the list lacks have no event of their own.
            Event::InitDone => self.retain(|app| cache.get(&app_key(app)).is_some()),
            Event::Init => Vec::new(),
        }
    }

    fn saw(&self, app: &PackedApp) -> bool {
        let Some(sibling) = app.sibling() else {
            return self.removed(app);
        };
        let mut all = lock(&self.0);
        let namespace = all.entry(app.namespace().unwrap_or_default()).or_default();
        let before = namespace.apps.insert(app.name_any(), sibling.clone());
        namespace.is_limited && before.is_some_and(|before| sibling.leaves_room(&before))
    }

    fn removed(&self, app: &PackedApp) -> bool {
        let name = app.namespace().unwrap_or_default();
        let mut all = lock(&self.0);
        let Some(namespace) = all.get_mut(&name) else {
            return false;
        };
        let is_known = namespace.apps.remove(&app.name_any()).is_some();
        let is_limited = namespace.is_limited;
        if namespace.apps.is_empty() {
            all.remove(&name);
        }
        is_known && is_limited
    }

    fn retain(&self, is_there: impl Fn(&AppName) -> bool) -> Vec<String> {
        let mut roomy = Vec::new();
        lock(&self.0).retain(|name, namespace| {
            let before = namespace.apps.len();
            namespace.apps.retain(|app, _| {
                is_there(&AppName {
                    namespace: name.as_str().into(),
                    name: app.as_str().into(),
                })
            });
            if namespace.is_limited && namespace.apps.len() < before {
                roomy.push(name.clone());
            }
            !namespace.apps.is_empty()
        });
        roomy
    }
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::json;

    use super::*;
    use crate::desired::fixtures::app_with;

    /// An App of so many tasks.
    fn packed(name: &str, quantity: u32) -> PackedApp {
        let spec = json!({ "processes": { "worker": { "quantity": quantity } } });
        let app = app_with(json!({ "metadata": { "name": name }, "spec": spec }));
        PackedApp::new(DeserializeGuard(Ok(app)))
    }

    #[test]
    fn others_have_room_once_one_of_them_takes_less_or_goes_and_somebody_has_asked() {
        let siblings = Siblings::default();
        assert!(!siblings.saw(&packed("acme", 3)));
        assert!(!siblings.saw(&packed("acme", 2)), "nobody has asked");
        assert_eq!(siblings.of("shop").len(), 1);
        assert_eq!(siblings.of("bank").len(), 0);
        assert!(!siblings.saw(&packed("acme", 2)));
        assert!(!siblings.saw(&packed("acme", 3)));
        assert!(siblings.saw(&packed("acme", 1)));
        assert!(!siblings.saw(&packed("other", 1)));
        assert_eq!(siblings.of("shop").len(), 2);
        assert!(siblings.removed(&packed("acme", 1)));
        assert!(!siblings.removed(&packed("acme", 1)));
        assert_eq!(siblings.of("shop").len(), 1);
    }

    #[test]
    fn a_new_list_takes_away_those_that_it_lacks() {
        let siblings = Siblings::default();
        for name in ["acme", "other"] {
            siblings.saw(&packed(name, 1));
        }
        siblings.of("shop");
        assert_eq!(siblings.retain(|_| true), Vec::<String>::new());
        assert_eq!(siblings.retain(|app| app.to_string() == "shop/acme"), ["shop"]);
        assert_eq!(siblings.of("shop").len(), 1);
        assert_eq!(siblings.retain(|_| false), ["shop"]);
        assert_eq!(siblings.of("shop").len(), 0);
    }
}
