//! The Apps of one namespace at one Platform, which share its limits.

use std::sync::Arc;

use kube::ResourceExt;

use super::binding::{default, is_leaving, recorded};
use crate::api::app::{App, AppStatus, Counted, PlatformRecord, TaskSize};
use crate::api::platform::Platform;
use crate::api::run::Run;
use crate::desired::{self, NamespaceLabels, Usage, Usages};
use crate::error::Error;

/// An App, as far as it matters to the others of its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sibling {
    age: Age,
    /// The name of the Platform that it is bound to, or names; without one it goes to the default one.
    platform: Option<Box<str>>,
    usage: Usage,
}

/// Older is less. A time of creation has whole seconds, so that names decide between the Apps of one manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    /// Seconds since the epoch; one that is yet to be created is younger than all others.
    created: i64,
    name: Box<str>,
}

impl Sibling {
    /// Makes one of an App as a cache shows it.
    pub fn of(app: &App) -> Self {
        Sibling::bound(app, recorded(app).as_ref())
    }

    /// Makes one of an App that is bound to the Platform of a record, if there is one.
    pub fn bound(app: &App, record: Option<&PlatformRecord>) -> Self {
        let bound = record.map(|record| record.name.clone());
        let platform = bound.or_else(|| app.spec.platform.clone());
        Sibling::at(platform, app, app.status.as_ref())
    }

    /// Makes one of an App at a Platform, by the status that it has or is about to have.
    pub(super) fn at(platform: Option<String>, app: &App, status: Option<&AppStatus>) -> Self {
        let created = app.metadata.creation_timestamp.as_ref();
        Sibling {
            age: Age {
                created: created.map_or(i64::MAX, |created| created.0.as_second()),
                name: app.name_any().into(),
            },
            usage: Usage::of(app, status, platform.as_deref()),
            platform: platform.map(Into::into),
        }
    }

    /// Makes one of a Run that is under way at a Platform. Its name is no App's.
    pub fn of_run(run: &Run, platform: &str, size: TaskSize) -> Self {
        let created = run.metadata.creation_timestamp.as_ref();
        Sibling {
            age: Age {
                created: created.map_or(i64::MAX, |created| created.0.as_second()),
                name: format!("run/{}", run.name_any()).into(),
            },
            platform: Some(platform.into()),
            usage: Usage::of_task(size),
        }
    }

    /// Returns true if it leaves others more room than before, by any limit.
    pub fn leaves_room(&self, before: &Sibling) -> bool {
        self.platform != before.platform || self.usage.is_less_than(&before.usage)
    }
}

/// An App within the limits of its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LetIn {
    /// The amounts that it is let in with.
    pub counted: Counted,
    /// They are more than those that it was let in with before, so that its status is to say so before any of it is made.
    pub grows: bool,
}

/// Lets an App in at its Platform, if the limits of its namespace leave it room. `None` if there are none.
pub(super) fn let_in(
    app: &App,
    status: Option<&AppStatus>,
    (platform, platforms): (&Platform, &[Platform]),
    namespace: &NamespaceLabels,
    siblings: &[Arc<Sibling>],
) -> Result<Option<LetIn>, Error> {
    if is_leaving(app) || !desired::has_limits(platform) {
        return Ok(None);
    }
    let name = platform.name_any();
    let own = Sibling::at(Some(name.clone()), app, status);
    let mut usages = Usages {
        own: own.usage,
        ..Usages::default()
    };
    // Most Apps are as they were, and need not know of the others.
    if own.usage.grows() {
        let is_default = default(platforms.iter()).is_ok_and(|default| default == name);
        let is_here = |sibling: &&Sibling| {
            sibling
                .platform
                .as_deref()
                .map_or(is_default, |platform| platform == name)
        };
        let all = siblings.iter().map(|sibling| &**sibling).filter(is_here);
        let mut others: Vec<&Sibling> = all.filter(|other| other.age.name != own.age.name).collect();
        others.sort_by(|one, other| one.age.cmp(&other.age));
        let (older, younger) = others
            .into_iter()
            .partition::<Vec<_>, _>(|other| other.age < own.age);
        let usage = |sibling: &Sibling| sibling.usage;
        usages.older = older.into_iter().map(usage).collect();
        usages.younger = younger.into_iter().map(usage).collect();
    }
    let let_in = desired::check_limits(app, platform, namespace, &usages)?;
    Ok(let_in.map(|grows| LetIn {
        counted: desired::counted(app, status, &name),
        grows,
    }))
}

/// Checks the size of a Run's task against the limits of its namespace at a Platform, beside all that is there: an App comes before
/// it, however young.
pub fn check_room_of_run(
    run: &Run,
    (app, size): (&App, TaskSize),
    (platform, platforms): (&Platform, &[Platform]),
    namespace: &NamespaceLabels,
    siblings: &[Arc<Sibling>],
) -> Result<(), Error> {
    if !desired::has_limits(platform) {
        return Ok(());
    }
    let name = platform.name_any();
    let is_default = default(platforms.iter()).is_ok_and(|default| default == name);
    let own = Sibling::of_run(run, &name, size);
    let others = siblings.iter().filter(|other| other.age.name != own.age.name);
    let is_here = |other: &&Arc<Sibling>| {
        let platform = other.platform.as_deref();
        platform.map_or(is_default, |platform| platform == name)
    };
    let usages = Usages {
        older: others.filter(is_here).map(|other| other.usage).collect(),
        own: Usage {
            asks: own.usage.asks,
            ..Usage::default()
        },
        younger: Vec::new(),
    };
    desired::check_limits(app, platform, namespace, &usages).map(|_| ())
}

/// Checks what an App asks for against the limits of its namespace at a Platform, one of all, by what its status says.
pub fn check_room(
    app: &App,
    status: Option<&AppStatus>,
    platforms: (&Platform, &[Platform]),
    namespace: &NamespaceLabels,
    siblings: &[Arc<Sibling>],
) -> Result<(), Error> {
    let_in(app, status, platforms, namespace, siblings).map(|_| ())
}

#[cfg(test)]
mod tests;
