//! Calls that AWS denies to a Platform, as passes over its Apps have met them: of the calls that Apps need, a Platform's own
//! pass makes few. Lost with a restart, and found again by the first pass that is denied.

use std::collections::BTreeMap;

use crate::api::condition::Reason;
use crate::error::Error;
use crate::model::counted;
use crate::pass::met_by::with_apps;
use crate::status;

/// By App, the first call that was denied in its last pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials(BTreeMap<String, Error>);

impl Denials {
    /// Takes up what went wrong in a pass over an App. True if a denial of it, or that there is none any more, is news.
    /// AWS's message is none by itself: that of an expired signature has the time in it.
    pub(super) fn note(&mut self, app: &str, errors: &[Error]) -> bool {
        let denied = errors.iter().find(|error| call(error).is_some());
        let before = match denied {
            Some(denied) => self.0.insert(app.into(), denied.clone()),
            None => self.0.remove(app),
        };
        before.as_ref().and_then(call) != denied.and_then(call)
    }

    /// The call in AWS's words, and whose it was.
    pub(super) fn message(&self) -> Option<String> {
        let (app, denied) = self.0.first_key_value()?;
        let others = match self.0.len() {
            1 => String::new(),
            many => format!(" and {}", counted(many as u64 - 1, "other App")),
        };
        Some(with_apps(&denied.to_string(), &format!("{app}{others}")))
    }

    pub(super) fn forget(&mut self, app: &str) {
        self.0.remove(app);
    }
}

/// The operation and AWS's code, of a call that AWS does not allow.
fn call(error: &Error) -> Option<(&str, &str)> {
    let denied = error
        .aws()
        .filter(|_| status::reason_of(error) == Reason::AccessDenied)?;
    Some((denied.action, &denied.code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsError;

    fn denied(action: &'static str, message: &str) -> [Error; 1] {
        [AwsError::from_code(action, "AccessDeniedException", message).into()]
    }

    #[test]
    fn a_denial_is_news_once_and_so_is_its_end() {
        let mut denials = Denials::default();
        let list = |message| denied("ecs:ListServices", message);
        assert!(denials.note("shop/acme", &list("not you, at 12:00")));
        assert!(!denials.note("shop/acme", &list("not you, at 12:01")));
        assert!(denials.note("shop/acme", &denied("ecs:CreateService", "not you")));
        assert!(denials.note("shop/acme", &[]));
        assert!(!denials.note("shop/acme", &[Error::Bug("ours".into())]));
        assert_eq!(denials.message(), None);
    }

    #[test]
    fn a_platform_names_the_call_and_how_many_apps_met_it() {
        let mut denials = Denials::default();
        for app in ["shop/acme", "shop/other", "shop/third"] {
            denials.note(app, &denied("ecs:ListServices", "not you"));
        }
        assert_eq!(
            denials.message().as_deref(),
            Some("ecs:ListServices: AccessDeniedException: not you (met by shop/acme and 2 other Apps)")
        );
        denials.forget("shop/acme");
        assert!(
            denials
                .message()
                .is_some_and(|said| said.ends_with("(met by shop/other and 1 other App)"))
        );
    }
}
