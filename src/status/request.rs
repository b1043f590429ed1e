//! The request id in a message. AWS's support asks for it; it is no news by itself: the same trouble met by another
//! request keeps the message of the first, or each pass would patch the status and write an Event.

use crate::error::Error;

const OPENING: &str = " (request id ";

/// The error, and the id of the AWS request that met it.
pub(super) fn with_request(error: &Error) -> String {
    if let Error::Aws(failure) = error
        && let Some(id) = &failure.request_id
    {
        return format!("{error}{OPENING}{id})");
    }
    error.to_string()
}

/// True if two messages differ in their request ids at most.
pub fn is_same(one: &str, other: &str) -> bool {
    without_requests(one) == without_requests(other)
}

/// The message without request ids. One that was cut short may end in half an id.
pub fn without_requests(message: &str) -> String {
    let mut parts = message.split(OPENING);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(')').map_or("", |(_, after)| after));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsError;

    fn denied(request_id: Option<&str>) -> Error {
        AwsError {
            request_id: request_id.map(Into::into),
            ..AwsError::from_code("ecs:CreateService", "AccessDeniedException", "no (none)")
        }
        .into()
    }

    #[test]
    fn a_message_names_the_request_where_there_was_one() {
        let words = "ecs:CreateService: AccessDeniedException: no (none)";
        assert_eq!(with_request(&denied(None)), words);
        assert_eq!(
            with_request(&denied(Some("r-1"))),
            format!("{words} (request id r-1)")
        );
        assert_eq!(with_request(&Error::Bug("ours".into())), "ours");
    }

    #[test]
    fn messages_are_the_same_but_for_their_request_ids() {
        let check = |one: &str, other: &str, same| assert_eq!(is_same(one, other), same, "{one} / {other}");
        check("a (request id 1)", "a (request id 2)", true);
        check(
            "a (request id 1); b (request id 3); c",
            "a (request id 2); b (request id 4); c",
            true,
        );
        check("a (request id 1)", "a", true);
        check("a (request id 1", "a (request id 2…", true);
        check("a (request id 1); b", "a (request id 1); c", false);
        check("a (b)", "a (c)", false);
    }
}
