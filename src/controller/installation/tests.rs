//! Under whose name to write, or why not to.

use super::Installation;

#[test]
fn a_known_owner_id_is_given_out() {
    assert_eq!(Installation::Known("id-1".into()).id(), Ok("id-1"));
}

#[test]
fn a_changed_one_is_not_and_the_words_say_how_to_go_on() {
    let changed = Installation::Changed {
        recorded: "id-before".into(),
        found: "id-now".into(),
    };
    let message = changed.id().unwrap_err();
    for part in [
        "ConfigMap empire-installation records owner id id-before",
        "is id-now",
        "--owner-id id-before",
    ] {
        assert!(message.contains(part), "{message}");
    }
}
