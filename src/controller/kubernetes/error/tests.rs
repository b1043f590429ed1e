//! The API server's errors, as ours.

use kube::core::Status;

use super::{failed, is_gone, message_of};
use crate::model::class::Class;

fn refusal(code: u16, reason: &str, message: &str) -> kube::Error {
    kube::Error::Api(Box::new(Status::failure(message, reason).with_code(code)))
}

#[test]
fn each_refusal_has_its_class_and_keeps_its_words() {
    for (code, reason, class, text) in [
        (
            409,
            "Conflict",
            Class::Transient,
            "free the port: the object has changed in the meantime",
        ),
        (403, "Forbidden", Class::Denied, "free the port: in words"),
        (500, "InternalError", Class::Transient, "free the port: in words"),
        (422, "Invalid", Class::Transient, "free the port: in words"),
    ] {
        let error = failed("free the port")(refusal(code, reason, "in words"));
        assert_eq!(
            (error.class(), error.to_string().as_str()),
            (class, text),
            "{reason}"
        );
    }
}

#[test]
fn a_refusal_is_told_in_the_servers_words_alone() {
    assert_eq!(
        message_of(&refusal(403, "Forbidden", "apps is forbidden")),
        "apps is forbidden"
    );
    let lost = kube::Error::ReadEvents(std::io::Error::other("connection reset"));
    assert!(
        message_of(&lost).ends_with("connection reset"),
        "{}",
        message_of(&lost)
    );
}

#[test]
fn only_what_is_not_found_is_gone() {
    assert!(is_gone(&refusal(404, "NotFound", "no such app")));
    assert!(!is_gone(&refusal(409, "Conflict", "changed")));
    assert!(!is_gone(&refusal(403, "Forbidden", "no")));
}
