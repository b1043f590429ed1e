//! What a Platform's message of a denial tells its operator alone: the App that met it, and AWS's own text, which names what it was
//! about. Its Apps, which repeat the message, may be other teams', and say no more than which call AWS does not allow.

const MET_BY: &str = " (met by ";

/// Adds who met a denial.
pub(super) fn with_apps(message: &str, apps: &str) -> String {
    format!("{message}{MET_BY}{apps})")
}

/// Returns a Platform's message of a denial as its Apps may read it: the call and AWS's code.
pub(super) fn call_alone(message: &str) -> &str {
    let said = message.split_once(MET_BY).map_or(message, |(said, _)| said);
    let end = said.match_indices(": ").nth(1).map(|(end, _)| end);
    end.map_or(said, |end| &said[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_denial_is_about_is_told_to_the_operator_and_to_no_other_app() {
        let denied = "ecs:UpdateService: AccessDeniedException: User: empire is not authorized to perform: ecs:UpdateService on \
                      resource: arn:aws:ecs:us-east-1:123456789012:service/default/shop_acme_web";
        let message = with_apps(denied, "shop/acme and 2 other Apps");
        assert_eq!(message, format!("{denied} (met by shop/acme and 2 other Apps)"));
        let call = "ecs:UpdateService: AccessDeniedException";
        assert_eq!(call_alone(&message), call);
        // Met by the Platform's own pass.
        assert_eq!(call_alone(denied), call);
        assert_eq!(call_alone("not you (met by shop/acme)"), "not you");
        assert_eq!(call_alone("not you"), "not you");
    }
}
