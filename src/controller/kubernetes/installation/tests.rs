//! Under whose name to write, or why not to.

use super::Installation;

#[test]
fn a_known_owner_id_is_given_out() {
    assert_eq!(known("id-1", None).id(), Ok("id-1"));
}

#[test]
fn a_changed_one_is_not_and_the_words_say_how_to_go_on() {
    for (explicit, whose) in [
        (false, "this cluster's is id-now"),
        (true, "--owner-id is id-now"),
    ] {
        let changed = Installation::Changed {
            recorded: "id-before".into(),
            recorded_by: super::the_config_map(),
            found: "id-now".into(),
            explicit,
        };
        let message = changed.id().unwrap_err();
        for part in [
            "ConfigMap empire-installation records owner id id-before",
            whose,
            "--owner-id id-before",
            "--replace-owner-id id-before",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn an_app_of_another_owner_is_not_touched_unless_that_owner_is_named() {
    assert_eq!(known("id-1", None).contradiction("id-1"), None);
    assert_eq!(known("id-1", Some("id-0")).contradiction("id-1"), None);
    assert_eq!(known("id-1", Some("id-0")).contradiction("id-0"), None);
    for replaces in [None, Some("id-2")] {
        let message = known("id-1", replaces).contradiction("id-0").unwrap();
        for part in [
            "carries owner id id-0",
            "the controller's is id-1",
            "--owner-id id-0 ",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}

fn known(id: &str, replaces: Option<&str>) -> Installation {
    Installation::Known {
        id: id.into(),
        replaces: replaces.map(Into::into),
    }
}
