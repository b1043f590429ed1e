//! The meaning of a deletion, by the definition of the object's kind.

use kube::core::ObjectMeta;

use crate::api::UNINSTALL_ANNOTATION;

/// The meaning of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The object's own, or one that is to take all with it.
    Meant,
    /// The object goes, and all that belongs to it in AWS stays as it is, with our tags.
    Keep,
    /// The annotation is missing. Holds what to do about it.
    Unsaid(String),
}

/// Returns the meaning of the deletion of an object whose definition this is.
pub fn deletion(name: &str, definition: &ObjectMeta) -> Deletion {
    if definition.deletion_timestamp.is_none() {
        return Deletion::Meant;
    }
    let annotations = definition.annotations.as_ref();
    let said = annotations.and_then(|all| all.get(UNINSTALL_ANNOTATION));
    match said.map(String::as_str) {
        Some("delete") => Deletion::Meant,
        Some("keep") => Deletion::Keep,
        Some(_) | None => Deletion::Unsaid(format!(
            "the CustomResourceDefinition {name} is being deleted, which deletes all that it defines; nothing is deleted in \
             AWS until it is annotated {UNINSTALL_ANNOTATION}: keep (everything goes on running, and is owned again when \
             the same is applied again) or {UNINSTALL_ANNOTATION}: delete (everything goes)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn definition(deleting: bool, said: Option<&str>) -> ObjectMeta {
        ObjectMeta {
            deletion_timestamp: deleting.then(|| Time("2026-01-02T03:04:05Z".parse().unwrap())),
            annotations: said.map(|said| [(UNINSTALL_ANNOTATION.into(), said.into())].into()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn only_a_definition_that_goes_and_says_so_takes_everything_with_it() {
        let check = |deleting, said, expected: Deletion| {
            let found = deletion("apps.empire.dev", &definition(deleting, said));
            assert_eq!(found, expected, "{deleting} {said:?}");
        };
        // While it stays, what is deleted was meant, also with an annotation that is already there.
        for said in [None, Some("keep"), Some("delete"), Some("yes")] {
            check(false, said, Deletion::Meant);
        }
        check(true, Some("delete"), Deletion::Meant);
        check(true, Some("keep"), Deletion::Keep);
        for said in [None, Some(""), Some("Delete"), Some("true")] {
            let Deletion::Unsaid(message) = deletion("apps.empire.dev", &definition(true, said)) else {
                panic!("{said:?}");
            };
            for part in [
                "apps.empire.dev is being deleted",
                "uninstall: keep",
                "uninstall: delete",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
