//! The Apps of each namespace, as far as they share its limits: an index beside the cache, so that a pass need not go through
//! all Apps of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};

use super::memory::{app_key, lock};
use super::packed::PackedApp;
use crate::error::Error;
use crate::model::owner::AppName;
use crate::pass::{Sibling, version};

/// Begins the names of Runs among those of Apps.
const RUN: &str = "run/";

fn is_run(name: &str) -> bool {
    name.starts_with(RUN)
}

/// By the name of the namespace.
#[derive(Default)]
pub(super) struct Siblings(Mutex<HashMap<String, Namespace>>);

#[derive(Default)]
struct Namespace {
    /// By name.
    apps: BTreeMap<String, Entry>,
    /// A pass has asked for them, so that some may wait for room.
    is_limited: bool,
}

impl Namespace {
    fn all(&self) -> Vec<Arc<Sibling>> {
        self.apps.values().filter_map(Entry::now).cloned().collect()
    }

    fn change(&mut self, app: &str, change: impl FnOnce(&mut Entry)) -> bool {
        let entry = self.apps.entry(app.into()).or_default();
        let before = entry.now().cloned();
        change(entry);
        let now = entry.now().cloned();
        if now.is_none() {
            self.apps.remove(app);
        }
        let leaves_room = |before: Arc<Sibling>| now.as_ref().is_none_or(|now| now.leaves_room(&before));
        self.is_limited && before.is_some_and(leaves_room)
    }
}

/// An App, as far as others are to know of it.
#[derive(Default)]
struct Entry {
    /// As the watch shows it.
    shown: Option<Arc<Sibling>>,
    /// As it was let in since, the latest last: else several Apps at once would each be given the same room.
    taken: Vec<Taken>,
}

struct Taken {
    sibling: Arc<Sibling>,
    /// The version of the object that the status made which says so.
    written: Option<u64>,
}

impl Entry {
    fn now(&self) -> Option<&Arc<Sibling>> {
        let taken = self.taken.last().map(|taken| &taken.sibling);
        taken.or(self.shown.as_ref())
    }
}

impl Siblings {
    /// Returns the Apps of a namespace.
    pub(super) fn of(&self, namespace: &str) -> Vec<Arc<Sibling>> {
        let mut all = lock(&self.0);
        let Some(known) = all.get_mut(namespace) else {
            return Vec::new();
        };
        known.is_limited = true;
        known.all()
    }

    /// Takes room for an App that has grown, if it passes a check beside all others: in one step, so that the others count it
    /// from then on.
    pub(super) fn take(
        &self,
        app: &AppName,
        grown: &Arc<Sibling>,
        check: impl FnOnce(&[Arc<Sibling>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut all = lock(&self.0);
        let namespace = all.entry(app.namespace.to_string()).or_default();
        namespace.is_limited = true;
        check(&namespace.all())?;
        namespace.change(&app.name, |entry| {
            entry.taken.push(Taken {
                sibling: grown.clone(),
                written: None,
            });
        });
        Ok(())
    }

    /// Notes the version of the object that a status made. Once the watch shows it, or a later one, that goes.
    pub(super) fn wrote(&self, app: &AppName, version: Option<u64>) {
        self.change(app, |entry| {
            for taken in &mut entry.taken {
                taken.written = taken.written.or(Some(version.unwrap_or_default()));
            }
        });
    }

    /// Lets go of what an App has taken in a pass that is over and has written no status. Returns true if others may have room
    /// that they wait for.
    pub(super) fn leave(&self, app: &AppName) -> bool {
        self.change(app, |entry| entry.taken.retain(|taken| taken.written.is_some()))
    }

    /// Notes what the watch shows. Returns the namespaces in which others may have room that they wait for.
    pub(super) fn heed(&self, event: &Event<PackedApp>, cache: &Store<PackedApp>) -> Vec<String> {
        let of = |app: &PackedApp, is_roomy: bool| is_roomy.then(|| app.namespace().unwrap_or_default());
        match event {
            Event::Apply(app) | Event::InitApply(app) => of(app, self.saw(app)).into_iter().collect(),
            Event::Delete(app) => of(app, self.removed(app)).into_iter().collect(),
            // Those that the list lacks have no event of their own.
            Event::InitDone => self.retain(|app| is_run(&app.name) || cache.get(&app_key(app)).is_some()),
            Event::Init => Vec::new(),
        }
    }

    /// Notes what the watch shows of a Run: nothing, if it is not under way. Returns true if others may have room that they wait for.
    pub(super) fn saw_run(&self, run: &AppName, sibling: Option<Arc<Sibling>>, shown: Option<u64>) -> bool {
        let mut all = lock(&self.0);
        if sibling.is_none() && !all.contains_key(&*run.namespace) {
            return false;
        }
        let namespace = all.entry(run.namespace.to_string()).or_default();
        let is_roomy = namespace.change(&run.name, |entry| {
            entry.shown = sibling;
            entry
                .taken
                .retain(|taken| taken.written.is_none_or(|written| Some(written) > shown));
        });
        if namespace.apps.is_empty() {
            all.remove(&*run.namespace);
        }
        is_roomy
    }

    /// Drops the Runs that are not there any more. Returns the namespaces in which others may have room.
    pub(super) fn retain_runs(&self, is_there: impl Fn(&str, &str) -> bool) -> Vec<String> {
        self.retain(|app| {
            let run = app.name.strip_prefix(RUN);
            run.is_none_or(|run| is_there(&app.namespace, run))
        })
    }

    fn saw(&self, app: &PackedApp) -> bool {
        // One that cannot be read any more goes on with what it has.
        let Some(sibling) = app.sibling() else {
            return false;
        };
        let shown = version(app.meta().resource_version.as_deref());
        let mut all = lock(&self.0);
        let namespace = all.entry(app.namespace().unwrap_or_default()).or_default();
        namespace.change(&app.name_any(), |entry| {
            entry.shown = Some(sibling.clone());
            entry
                .taken
                .retain(|taken| taken.written.is_none_or(|written| Some(written) > shown));
        })
    }

    fn removed(&self, app: &PackedApp) -> bool {
        let app = AppName {
            namespace: app.namespace().unwrap_or_default().into(),
            name: app.name_any().into(),
        };
        self.change(&app, |entry| *entry = Entry::default())
    }

    /// Changes what is known of an App. Returns true if others may have room that they wait for.
    fn change(&self, app: &AppName, change: impl FnOnce(&mut Entry)) -> bool {
        let mut all = lock(&self.0);
        let Some(namespace) = all.get_mut(&*app.namespace) else {
            return false;
        };
        let is_roomy = namespace.change(&app.name, change);
        if namespace.apps.is_empty() {
            all.remove(&*app.namespace);
        }
        is_roomy
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
    use kube::core::error_boundary::InvalidObject;
    use serde_json::json;

    use super::*;
    use crate::api::app::App;
    use crate::desired::fixtures::{app_with, namespace, platform};
    use crate::pass::check_room;

    /// An App of so many tasks.
    fn packed(name: &str, quantity: u32) -> PackedApp {
        let spec = json!({ "processes": { "worker": { "quantity": quantity } } });
        let app = app_with(json!({ "metadata": { "name": name }, "spec": spec }));
        PackedApp::from(DeserializeGuard(Ok(app)))
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

    fn name(app: &str) -> AppName {
        AppName {
            namespace: "shop".into(),
            name: app.into(),
        }
    }

    /// The App as the watch shows it at that version.
    fn at(name: &str, quantity: u32, version: &str) -> PackedApp {
        let spec = json!({ "processes": { "worker": { "quantity": quantity } } });
        let metadata = json!({ "name": name, "resourceVersion": version });
        PackedApp::from(DeserializeGuard(Ok(app_with(
            json!({ "metadata": metadata, "spec": spec }),
        ))))
    }

    /// An App of four tasks.
    fn four(name: &str) -> App {
        let spec = json!({ "platform": "staging", "processes": { "worker": { "quantity": 4 } } });
        app_with(json!({ "metadata": { "name": name }, "spec": spec }))
    }

    /// As it was let in.
    fn grown(name: &str) -> Arc<Sibling> {
        let mut app = four(name);
        let status = json!({
            "observedGeneration": 3, "platform": { "name": "staging", "region": "", "cluster": "", "vpcId": "" },
            "conditions": [], "counted": { "processes": 1, "tasks": 4, "cpu": 1024, "memory": 2048 },
        });
        app.status = serde_json::from_value(status).unwrap();
        Arc::new(Sibling::of(&app))
    }

    /// Two passes at once: each has found room by what there was before the other one took it. The younger one is first.
    #[test]
    fn room_that_one_app_has_taken_is_not_given_to_another_before_the_watch_shows_it() {
        let grant = json!({ "namespaceSelector": {}, "limits": { "tasks": 6 } });
        let tenancy = json!({ "namespaceSelector": {}, "grants": [grant] });
        let platforms = [platform(json!({ "tenancy": tenancy }))];
        let siblings = Siblings::default();
        let fits = |app: &str, others: &[Arc<Sibling>]| {
            check_room(
                &four(app),
                None,
                (&platforms[0], &platforms),
                &namespace(),
                others,
            )
        };
        let take = |app: &str| {
            siblings
                .take(&name(app), &grown(app), |others| fits(app, others))
                .is_ok()
        };
        let is_counted = || siblings.of("shop").contains(&grown("beta"));
        siblings.saw(&at("beta", 4, "8"));
        let seen = siblings.of("shop");
        assert!(fits("alpha", &seen).is_ok() && fits("beta", &seen).is_ok());
        assert!(take("beta"));
        siblings.saw(&at("alpha", 4, "7"));
        assert!(!take("alpha"));
        // An event from before its status was written says nothing of it.
        assert!(!siblings.saw(&at("beta", 4, "8")));
        siblings.wrote(&name("beta"), Some(10));
        siblings.saw(&at("beta", 4, "9"));
        assert!(!siblings.leave(&name("beta")), "its status says so");
        assert!(is_counted() && !take("alpha"));
        siblings.saw(&at("beta", 4, "10"));
        assert!(!is_counted(), "the watch shows what there is");
        assert!(take("alpha"));
    }

    #[test]
    fn room_that_no_status_says_is_given_back_when_the_pass_is_over() {
        let siblings = Siblings::default();
        siblings.saw(&at("beta", 1, "7"));
        let beta = grown("beta");
        assert!(siblings.take(&name("beta"), &beta, |_| Ok(())).is_ok());
        siblings.wrote(&name("beta"), Some(9));
        assert!(siblings.take(&name("beta"), &beta, |_| Ok(())).is_ok());
        siblings.leave(&name("beta"));
        assert!(
            siblings.of("shop").contains(&beta),
            "what a pass before has taken"
        );
        siblings.saw(&at("beta", 1, "9"));
        assert!(!siblings.of("shop").contains(&beta));
        assert!(siblings.take(&name("beta"), &beta, |_| Ok(())).is_ok());
        assert!(siblings.leave(&name("beta")), "others have room");
        assert!(!siblings.of("shop").contains(&beta));
        // Of an App that is gone, nothing stays.
        siblings.removed(&at("beta", 1, "11"));
        assert!(siblings.take(&name("beta"), &beta, |_| Ok(())).is_ok());
        siblings.leave(&name("beta"));
        assert_eq!(siblings.of("shop").len(), 0);
    }

    #[test]
    fn an_app_that_cannot_be_read_any_more_goes_on_with_what_it_has() {
        let siblings = Siblings::default();
        siblings.saw(&packed("acme", 3));
        let before = siblings.of("shop");
        let metadata = app_with(json!({})).metadata;
        let error = "no such field".into();
        let invalid = PackedApp::from(DeserializeGuard(Err(InvalidObject { error, metadata })));
        assert!(!siblings.saw(&invalid));
        assert_eq!(siblings.of("shop"), before);
        assert!(siblings.removed(&invalid));
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
