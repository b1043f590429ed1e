//! The end of a Platform's message that names the App which met a denial. Its Apps, which repeat the message, may be other
//! teams', and leave it out.

const MET_BY: &str = " (met by ";

/// Adds who met a denial.
pub(super) fn with_apps(message: &str, apps: &str) -> String {
    format!("{message}{MET_BY}{apps})")
}

/// Returns a Platform's message as its Apps may read it.
pub(super) fn without_apps(message: &str) -> &str {
    message.rsplit_once(MET_BY).map_or(message, |(said, _)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_named_to_the_operator_and_to_no_other_app() {
        let message = with_apps("ecs:ListServices: not you", "shop/acme and 2 other Apps");
        assert_eq!(
            message,
            "ecs:ListServices: not you (met by shop/acme and 2 other Apps)"
        );
        assert_eq!(without_apps(&message), "ecs:ListServices: not you");
        assert_eq!(without_apps("not you"), "not you");
    }
}
