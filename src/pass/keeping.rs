//! How long the names are kept that an App releases.

use jiff::Timestamp;

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::desired::{self, NamespaceLabels};
use crate::model::keeping::Keeping;

const HOUR: i64 = 3_600;

/// Returns the rules by which an App releases names, and takes those of others. The time until which they are kept is a whole
/// hour, so that a change which is planned again in the next pass is mostly the same one.
pub(super) fn keeping(
    app: &App,
    platform: &Platform,
    namespace: &NamespaceLabels,
    now: Timestamp,
) -> Keeping {
    let until = desired::names_kept_for(platform).map(|seconds| {
        let until = now.as_second() + i64::from(seconds);
        text(until + (HOUR - until % HOUR) % HOUR)
    });
    Keeping {
        now: text(now.as_second()),
        until,
        takes: desired::takes_kept_names(app, platform, namespace),
    }
}

/// Returns a time as ownership records have it.
pub(super) fn text(second: i64) -> String {
    Timestamp::from_second(second)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::desired::fixtures::{app, platform};

    fn of(tenancy: &Value, namespace: &[(&str, &str)]) -> Keeping {
        let labels = namespace
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        let now = "2026-11-30T07:02:18.5Z".parse().unwrap();
        let platform = platform(json!({ "tenancy": tenancy }));
        keeping(&app(json!({})), &platform, &labels.collect(), now)
    }

    #[test]
    fn names_are_kept_for_a_week_or_as_long_as_the_platform_says_where_there_are_grants() {
        let until = |tenancy: Value| of(&tenancy, &[]).until;
        let granted = |keep: Value| json!({ "namespaceSelector": {}, "grants": [], "keepNamesFor": keep });
        assert_eq!(until(json!(null)), None);
        assert_eq!(until(json!({ "namespaceSelector": {} })), None);
        let week = Some("2026-12-07T08:00:00Z".into());
        assert_eq!(until(json!({ "namespaceSelector": {}, "grants": [] })), week);
        assert_eq!(until(granted(json!("168h"))), week);
        assert_eq!(
            until(granted(json!("57m42s"))).as_deref(),
            Some("2026-11-30T08:00:00Z")
        );
        assert_eq!(
            until(granted(json!("57m43s"))).as_deref(),
            Some("2026-11-30T09:00:00Z")
        );
        assert_eq!(until(granted(json!("0s"))), None);
    }

    #[test]
    fn names_of_others_are_taken_by_who_has_a_grant_for_that() {
        let takes = |grants: Value, namespace: &[(&str, &str)]| {
            of(&json!({ "namespaceSelector": {}, "grants": grants }), namespace).takes
        };
        let platform_team =
            json!({ "namespaceSelector": { "matchLabels": { "team": "platform" } }, "takeNames": true });
        assert!(takes(json!([platform_team]), &[("team", "platform")]));
        assert!(!takes(json!([platform_team]), &[("team", "shop")]));
        assert!(!takes(
            json!([{ "namespaceSelector": {}, "takeNames": false }]),
            &[]
        ));
        assert!(!takes(json!([{ "namespaceSelector": {} }]), &[]));
        assert!(!of(&json!({ "namespaceSelector": {} }), &[]).takes);
    }

    #[test]
    fn the_time_is_in_whole_seconds() {
        assert_eq!(of(&json!(null), &[]).now, "2026-11-30T07:02:18Z");
    }
}
