//! Names that their App has released and that are kept for its namespace: the ownership record stays, is no App's any more, and
//! says until when.

/// Stands behind the text of an ownership record. No App's name has a comma in it.
const FREE_UNTIL: &str = ",free until ";

/// The rules by which an App releases names, and takes those that others have released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// The time of the pass: RFC 3339, UTC, whole seconds. Two of them are in the order of their texts.
    pub now: String,
    /// The time until which a name that the App releases is kept for its namespace. `None`: it is free at once.
    pub until: Option<String>,
    /// True if the App may take names that are kept for other namespaces.
    pub takes: bool,
}

impl Keeping {
    /// Returns true if a name is kept no longer.
    pub fn is_over(&self, until: &str) -> bool {
        is_over(until, &self.now)
    }
}

/// Returns true if a name is kept no longer at a time, both as ownership records have them.
pub fn is_over(until: &str, now: &str) -> bool {
    until <= now
}

/// Returns the text of an ownership record whose App has released the name.
pub fn kept_text(text: &str, until: &str) -> String {
    format!("{text}{FREE_UNTIL}{until}")
}

/// Returns until when an ownership record keeps a name that its App has released; `None` if it has not.
pub fn kept_until(text: &str) -> Option<&str> {
    text.split_once(FREE_UNTIL).map(|(_, until)| until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owner::{AppName, Owner, owner_in_record_text, process_in_record_text};

    #[test]
    fn a_kept_name_is_its_apps_no_longer_and_still_says_whose_it_was() {
        let acme = Owner {
            installation: "i-1".into(),
            app: AppName {
                namespace: "shop".into(),
                name: "acme".into(),
            },
        };
        let text = acme.record_text("web");
        assert_eq!(kept_until(&text), None);
        let kept = kept_text(&text, "2026-12-07T08:00:00Z");
        assert_eq!(
            kept,
            "empire.dev/owner=i-1,empire.dev/app=shop/acme,empire.dev/process=web,free until 2026-12-07T08:00:00Z"
        );
        assert_eq!(kept_until(&kept), Some("2026-12-07T08:00:00Z"));
        assert!(acme.owns_record_text(&text) && !acme.owns_record_text(&kept));
        assert_eq!(owner_in_record_text(&kept), Some(acme));
        assert_eq!(process_in_record_text(&kept), Some("web"));
    }

    #[test]
    fn a_name_is_free_at_the_time_that_it_says() {
        let at = |now: &str| Keeping {
            now: now.into(),
            ..Keeping::default()
        };
        let until = "2026-12-07T08:00:00Z";
        assert!(!at("2026-12-07T07:59:59Z").is_over(until));
        assert!(at(until).is_over(until));
        assert!(at("2027-01-01T00:00:00Z").is_over(until));
        // Where no time is known, none is over; nor is what a hand has written there.
        assert!(!Keeping::default().is_over(until));
        assert!(!at("2026-12-07T08:00:00Z").is_over("next week"));
    }
}
