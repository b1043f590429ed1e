//! Calls that AWS denies to a Platform, as passes over its Apps have met them: of the calls that Apps need, a Platform's own
//! pass makes few. Lost with a restart, and found again by the first pass that is denied.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use super::lock;
use crate::api::condition::Reason;
use crate::aws::AwsError;
use crate::error::Error;
use crate::model::counted;
use crate::status;

/// By Platform, and by App.
#[derive(Debug, Default)]
pub(in crate::controller) struct Denials(Mutex<HashMap<String, BTreeMap<String, AwsError>>>);

impl Denials {
    /// Takes up the first call that was denied in a pass over an App, or that none was. True if that is news of its
    /// Platform. AWS's message is none by itself: that of an expired signature has the time in it.
    pub(in crate::controller) fn note(&self, platform: &str, app: &str, denied: Option<&AwsError>) -> bool {
        let mut all = lock(&self.0);
        let apps = all.entry(platform.into()).or_default();
        let call = |error: &AwsError| (error.action, error.code.clone());
        let before = match denied {
            Some(denied) => apps.insert(app.into(), denied.clone()),
            None => apps.remove(app),
        };
        before.as_ref().map(call) != denied.map(call)
    }

    /// The call in AWS's words, and whose it was.
    pub(in crate::controller) fn of(&self, platform: &str) -> Option<String> {
        let all = lock(&self.0);
        let apps = all.get(platform)?;
        let (app, denied) = apps.first_key_value()?;
        let others = match apps.len() {
            1 => String::new(),
            many => format!(" and {}", counted(many as u64 - 1, "other App")),
        };
        Some(format!("{denied} (met by {app}{others})"))
    }

    pub(in crate::controller) fn forget(&self, app: &str) {
        for apps in lock(&self.0).values_mut() {
            apps.remove(app);
        }
    }
}

/// The first call that AWS does not allow.
pub(in crate::controller) fn first(errors: impl IntoIterator<Item = Error>) -> Option<AwsError> {
    let mut errors = errors.into_iter();
    let denied = errors.find(|error| status::reason_of(error) == Reason::AccessDenied)?;
    match denied {
        Error::Aws(denied) => Some(denied),
        Error::Invalid(_)
        | Error::NotAllowed(_)
        | Error::Kubernetes { .. }
        | Error::Forbidden { .. }
        | Error::Outdated { .. }
        | Error::Fenced { .. }
        | Error::Bug(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(action: &'static str, message: &str) -> AwsError {
        AwsError::from_code(action, "AccessDeniedException", message)
    }

    #[test]
    fn a_denial_is_news_once_and_so_is_its_end() {
        let denials = Denials::default();
        let list = denied("ecs:ListServices", "not you, at 12:00");
        assert!(denials.note("staging", "shop/acme", Some(&list)));
        assert!(!denials.note(
            "staging",
            "shop/acme",
            Some(&denied("ecs:ListServices", "not you, at 12:01"))
        ));
        assert!(denials.note(
            "staging",
            "shop/acme",
            Some(&denied("ecs:CreateService", "not you"))
        ));
        assert!(denials.note("staging", "shop/acme", None));
        assert!(!denials.note("staging", "shop/acme", None));
        assert_eq!(denials.of("staging"), None);
    }

    #[test]
    fn a_platform_names_the_call_and_how_many_apps_met_it() {
        let denials = Denials::default();
        let list = denied("ecs:ListServices", "not you");
        for app in ["shop/acme", "shop/other", "shop/third"] {
            denials.note("staging", app, Some(&list));
        }
        assert_eq!(
            denials.of("staging").as_deref(),
            Some("ecs:ListServices: AccessDeniedException: not you (met by shop/acme and 2 other Apps)")
        );
        assert_eq!(denials.of("production"), None);
        denials.forget("shop/acme");
        assert!(
            denials
                .of("staging")
                .is_some_and(|said| said.ends_with("(met by shop/other and 1 other App)"))
        );
    }
}
