//! Apps and Platforms, as the API server hands them over: as JSON, an App, a Platform, and the labels of the App's namespace.

use std::collections::BTreeMap;

use jiff::civil::date;
use serde::Deserialize;

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::change::Deferred;
use crate::desired::{
    Usage, Usages, build, build_unchecked, check_limits, check_retain, counted, kept_amounts, names_kept_for,
    never_started, openness, takes_kept_names,
};
use crate::model::owner::{AppName, Owner};
use crate::model::secret::Secrets;
use crate::model::state::Observed;
use crate::pass::{annotated, recorded, reports_holdings};
use crate::plan::plan;

#[derive(Deserialize)]
struct Input {
    app: App,
    platform: Platform,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Any App means something or is refused, alike each time and in messages that are not much longer than it is; and what it means
/// can be planned.
pub fn manifest(data: &[u8]) {
    let Ok(Input {
        app,
        platform,
        labels,
    }) = serde_json::from_slice(data)
    else {
        return;
    };
    let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
    let owner = Owner {
        installation: "installation-1".into(),
        app: AppName {
            namespace: text(&app.metadata.namespace),
            name: text(&app.metadata.name),
        },
    };
    let name = platform.metadata.name.as_deref();
    let status = app.status.as_ref();
    let usage = Usage::of(&app, status, name);
    let usages = Usages {
        older: vec![usage],
        own: usage,
        younger: vec![usage],
    };
    let mut said = Vec::new();
    said.extend(check_limits(&app, &platform, &labels, &usages).err());
    said.extend(check_retain(&app, &platform, &labels).err());
    said.extend(build(&app, &platform, &owner, &labels, &Secrets::default()).err());
    let _ = (
        openness(&platform),
        names_kept_for(&platform),
        takes_kept_names(&app, &platform, &labels),
    );
    let _ = (
        counted(&app, status, name.unwrap_or_default()),
        kept_amounts(&app, status, name.unwrap_or_default()),
    );
    let _ = (annotated(&app.metadata), recorded(&app), reports_holdings(&app));
    let mut messages: Vec<String> = said.iter().map(ToString::to_string).collect();
    match build_unchecked(&app, &platform, &owner, &Secrets::default()) {
        Ok(built) => {
            let again = build_unchecked(&app, &platform, &owner, &Secrets::default()).ok();
            assert_eq!(again.map(|again| again.desired).as_ref(), Some(&built.desired));
            messages.extend(never_started(&built.desired, date(2026, 11, 30)));
            messages.extend(built.warnings);
            let plan = plan(&built.desired, &Observed::default(), &Deferred::default());
            messages.extend(plan.changes.iter().map(ToString::to_string));
        }
        Err(error) => messages.push(error.to_string()),
    }
    for message in messages {
        assert!(
            message.len() <= 4 * data.len() + 2_000,
            "{} bytes: {message}",
            message.len()
        );
    }
}
