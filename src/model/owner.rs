//! Ownership. Nothing in AWS is modified or deleted unless this file says that it is ours.
//!
//! A resource is ours if its tags name this installation and this App; a DNS name is ours if the TXT record at
//! `_empire.<name>` does.

use std::fmt;

use compact_str::CompactString;

use super::keeping::kept_until;
use super::small_map::SmallMap;

/// Most keys and values are short, and in the map itself.
pub type Tags = SmallMap<CompactString, CompactString>;

pub const OWNER_TAG: &str = "empire.dev/owner";
pub const APP_TAG: &str = "empire.dev/app";
pub const PROCESS_TAG: &str = "empire.dev/process";
/// Marks a service that an App has adopted, and that stays when its App or process goes.
pub const ADOPTED_TAG: &str = "empire.dev/adopted";
const ADOPTED: &str = "true";

/// Returns true for tags that name no owner, neither us nor another. They may still name the App that has left it behind.
pub fn has_no_owner(tags: &Tags) -> bool {
    !tags.contains_key(OWNER_TAG)
}

/// Returns the App that has left something behind, as the tags say that stay: all of ours but the owner's.
pub fn left_by(tags: &Tags) -> Option<AppName> {
    app_of(tags).filter(|_| has_no_owner(tags))
}

/// Returns true for tags of what was adopted.
pub fn is_adopted(tags: &Tags) -> bool {
    tags.get(ADOPTED_TAG).is_some_and(|value| value == ADOPTED)
}

/// Returns the tag of what was adopted.
pub fn adopted_tag() -> Tags {
    Tags::from([(ADOPTED_TAG.into(), ADOPTED.into())])
}

/// An App's namespace and name, printed as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName {
    pub namespace: CompactString,
    pub name: CompactString,
}

impl AppName {
    /// Reads what `Display` writes.
    fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        Some(AppName {
            namespace: namespace.into(),
            name: name.into(),
        })
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Returns the tags that are missing or differ; a tag that is not wanted any more stays.
pub fn missing_tags(wanted: &Tags, found: &Tags) -> Tags {
    let missing = wanted
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value));
    missing.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// One App of one installation of the controller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub installation: String,
    pub app: AppName,
}

impl Owner {
    /// The tags of a resource of this App: who owns it, and nothing else.
    pub fn tags(&self, process: &str) -> Tags {
        Tags::from([
            (OWNER_TAG.into(), self.installation.as_str().into()),
            (APP_TAG.into(), self.app.to_string().into()),
            (PROCESS_TAG.into(), process.into()),
        ])
    }

    pub fn owns(&self, tags: &Tags) -> bool {
        // Asked for every resource again and again, so nothing is put together to compare with.
        let is_app = |tag: &CompactString| tag.split_once('/') == Some((&self.app.namespace, &self.app.name));
        self.shares(tags) && tags.get(APP_TAG).is_some_and(is_app)
    }

    /// Returns the tags by which this App adopts what is nobody's. What it had left behind itself is taken back as what it was.
    pub fn adopting_tags(&self, process: &str, found: &Tags) -> Tags {
        let mut tags = self.tags(process);
        if self.marks_adopted(found) {
            tags.extend(adopted_tag());
        }
        tags
    }

    /// Returns true if what is nobody's is marked as adopted when this App takes it over.
    pub fn marks_adopted(&self, found: &Tags) -> bool {
        is_adopted(found) || left_by(found).as_ref() != Some(&self.app)
    }

    /// The tags of what all processes of the App share.
    pub fn app_tags(&self) -> Tags {
        Tags::from([
            (OWNER_TAG.into(), self.installation.as_str().into()),
            (APP_TAG.into(), self.app.to_string().into()),
        ])
    }

    /// The process that a resource of this App belongs to; `None` if the resource is not this App's.
    pub fn process_of<'a>(&self, tags: &'a Tags) -> Option<&'a str> {
        if self.owns(tags) {
            tags.get(PROCESS_TAG).map(CompactString::as_str)
        } else {
            None
        }
    }

    /// The tags of what all Apps of the installation share.
    pub fn shared_tags(&self) -> Tags {
        Tags::from([(OWNER_TAG.into(), self.installation.as_str().into())])
    }

    pub fn shares(&self, tags: &Tags) -> bool {
        tags.get(OWNER_TAG)
            .is_some_and(|owner| *owner == self.installation)
    }

    /// The text of the ownership record of a DNS name, and of a schedule. The process is information, not ownership.
    pub fn record_text(&self, process: &str) -> String {
        format!(
            "{OWNER_TAG}={},{APP_TAG}={},{PROCESS_TAG}={process}",
            self.installation, self.app
        )
    }

    /// True for the ownership record of a name that is this App's. One that it has released, and that is kept, is nobody's.
    pub fn owns_record_text(&self, text: &str) -> bool {
        let names_it = text.starts_with(&format!(
            "{OWNER_TAG}={},{APP_TAG}={},",
            self.installation, self.app
        ));
        names_it && kept_until(text).is_none()
    }
}

/// Returns the process that an ownership record names.
pub fn process_in_record_text(text: &str) -> Option<&str> {
    text.split(',')
        .find_map(|part| part.strip_prefix(PROCESS_TAG)?.strip_prefix('='))
}

/// Returns the App that an ownership record names, of whichever installation.
pub fn app_in_record_text(text: &str) -> Option<&str> {
    text.split(',')
        .find_map(|part| part.strip_prefix(APP_TAG)?.strip_prefix('='))
}

/// Returns an ownership text without the owner: what it says of is nobody's, and was that App's.
pub fn left_text(text: &str) -> String {
    let is_owner = |part: &&str| {
        part.strip_prefix(OWNER_TAG)
            .is_some_and(|rest| rest.starts_with('='))
    };
    let parts: Vec<&str> = text.split(',').filter(|part| !is_owner(part)).collect();
    parts.join(",")
}

/// Returns the App that has left something behind, as the text says that [`left_text`] makes.
pub fn left_by_in_text(text: &str) -> Option<AppName> {
    let is_left = text.starts_with(APP_TAG);
    AppName::parse(app_in_record_text(text)?).filter(|_| is_left)
}

/// Returns an ownership text that says that this was adopted, as [`ADOPTED_TAG`] does.
pub fn adopted_text(text: &str) -> String {
    format!("{text},{ADOPTED_TAG}={ADOPTED}")
}

/// Returns true for the text of what was adopted.
pub fn is_adopted_by_text(text: &str) -> bool {
    let value = |part: &str| {
        part.strip_prefix(ADOPTED_TAG)?
            .strip_prefix('=')
            .map(|value| value == ADOPTED)
    };
    text.split(',').find_map(value).unwrap_or_default()
}

/// Returns the owner that an ownership record names.
pub fn owner_in_record_text(text: &str) -> Option<Owner> {
    let mut parts = text.split(',');
    let installation = parts.find_map(|part| part.strip_prefix(OWNER_TAG)?.strip_prefix('='))?;
    Some(Owner {
        installation: installation.into(),
        app: AppName::parse(app_in_record_text(text)?)?,
    })
}

/// Returns the App that tags name, whether it owns the thing or has left it behind.
fn app_of(tags: &Tags) -> Option<AppName> {
    AppName::parse(tags.get(APP_TAG)?)
}

/// The installation and the App (`namespace/name`) that tags name.
pub fn installation_and_app(tags: &Tags) -> Option<(&str, AppName)> {
    Some((tags.get(OWNER_TAG)?, app_of(tags)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(installation: &str, name: &str) -> Owner {
        Owner {
            installation: installation.into(),
            app: AppName {
                namespace: "shop".into(),
                name: name.into(),
            },
        }
    }

    #[test]
    fn owns_what_it_tagged_and_nothing_else() {
        let acme = owner("i-1", "acme");
        let tags = acme.tags("web");
        assert_eq!(acme.process_of(&tags), Some("web"));
        assert!(!owner("i-2", "acme").owns(&tags));
        assert!(!owner("i-1", "acme2").owns(&tags));
        assert!(!owner("i-1", "ac").owns(&tags));
        assert!(!acme.owns(&Tags::new()));
    }

    #[test]
    fn shares_what_its_installation_tagged() {
        let tags = owner("i-1", "acme").shared_tags();
        assert!(owner("i-1", "other").shares(&tags));
        assert!(!owner("i-2", "acme").shares(&tags));
        assert!(!owner("i-1", "acme").owns(&tags));
    }

    #[test]
    fn owns_the_names_whose_text_names_it() {
        let acme = owner("i-1", "acme");
        let text = acme.record_text("web");
        assert!(acme.owns_record_text(&text));
        assert!(!owner("i-1", "ac").owns_record_text(&text));
        assert!(!owner("i-1", "acme2").owns_record_text(&text));
        assert!(!owner("i-2", "acme").owns_record_text(&text));
        assert_eq!(app_in_record_text(&text), Some("shop/acme"));
        assert_eq!(process_in_record_text(&text), Some("web"));
        assert_eq!(owner_in_record_text(&text), Some(acme));
        assert_eq!(owner_in_record_text("v=spf1 -all"), None);
    }

    #[test]
    fn what_names_an_owner_is_somebodys_and_what_names_an_app_alone_was() {
        let mut tags = Tags::from([("cost-center".into(), "42".into())]);
        assert!(has_no_owner(&tags) && has_no_owner(&Tags::new()));
        assert_eq!(left_by(&tags), None);
        tags.insert(APP_TAG.into(), "blog/front".into());
        assert!(has_no_owner(&tags));
        assert_eq!(left_by(&tags).unwrap().to_string(), "blog/front");
        for theirs in ["i-1", "i-2"].map(|installation| owner(installation, "acme").tags("web")) {
            assert!(!has_no_owner(&theirs));
            assert_eq!(left_by(&theirs), None);
        }
    }

    #[test]
    fn a_text_that_has_lost_its_owner_is_nobodys_and_says_whose_it_was() {
        let acme = owner("i-1", "acme");
        let text = acme.record_text("web");
        let left = left_text(&text);
        assert_eq!(left, "empire.dev/app=shop/acme,empire.dev/process=web");
        assert_eq!(left_by_in_text(&left), Some(acme.app.clone()));
        assert_eq!(process_in_record_text(&left), Some("web"));
        assert!(!acme.owns_record_text(&left));
        assert_eq!(owner_in_record_text(&left), None);
        for other in [text.as_str(), "", "v=spf1 -all"] {
            assert_eq!(left_by_in_text(other), None, "{other}");
        }
    }

    #[test]
    fn what_others_made_is_marked_when_it_is_adopted_and_what_was_ones_own_is_not() {
        let acme = owner("i-1", "acme");
        let adopt = |found: &Tags| acme.adopting_tags("web", found);
        let left = |owner: &Owner| {
            let mut tags = owner.tags("web");
            tags.remove(OWNER_TAG);
            tags
        };
        for others in [Tags::new(), left(&owner("i-1", "acme2"))] {
            let tags = adopt(&others);
            assert!(is_adopted(&tags) && acme.owns(&tags));
        }
        // Also by another installation, such as in the cluster that it has moved from.
        for own in [left(&acme), left(&owner("i-2", "acme"))] {
            assert_eq!(adopt(&own), acme.tags("web"));
        }
        // What was adopted before is.
        let mut again = left(&acme);
        again.extend(adopted_tag());
        assert!(is_adopted(&adopt(&again)));
        assert!(!is_adopted(&Tags::from([(ADOPTED_TAG.into(), "false".into())])));
    }

    #[test]
    fn a_text_says_what_was_adopted_for_ever() {
        let acme = owner("i-1", "acme");
        let text = adopted_text(&acme.record_text("nightly"));
        assert!(is_adopted_by_text(&text) && acme.owns_record_text(&text));
        assert_eq!(process_in_record_text(&text), Some("nightly"));
        assert_eq!(owner_in_record_text(&text), Some(acme.clone()));
        let left = left_text(&text);
        assert!(is_adopted_by_text(&left));
        assert_eq!(left_by_in_text(&left), Some(acme.app.clone()));
        assert!(!is_adopted_by_text(&acme.record_text("nightly")));
    }

    #[test]
    fn reads_the_app_back_from_tags() {
        let tags = owner("i-1", "acme").tags("web");
        let (installation, app) = installation_and_app(&tags).unwrap();
        assert_eq!((installation, app.to_string().as_str()), ("i-1", "shop/acme"));
    }
}
