//! Patterns of what a tenant may name: `*` stands for any characters, none included, and everything else for itself.
//!
//! A pattern and a text are compared field by field, so that a `*` never takes a separator along that the pattern goes on
//! with: else `…:*:secret:shop/*` would let in `…:999999999999:secret:bank/key:secret:shop/`.

/// Returns true if a pattern lets an ARN in, as IAM compares ARNs: each of the six fields by itself, the last of which, the
/// resource, may hold further colons and slashes. A pattern with fewer fields that ends in `*` leaves the others open.
///
/// Sources: "each of the six colon-delimited components of the ARN is checked separately",
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>;
/// and a `*` at the end of a field "can expand to match beyond the colon boundaries",
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>, which is done at the end of
/// the pattern only. IAM's `?` is no wildcard here.
pub(super) fn arn(pattern: &str, arn: &str) -> bool {
    let (wanted, found) = (fields(pattern), fields(arn));
    let is_open = pattern.ends_with('*') && wanted.len() < found.len();
    (is_open || wanted.len() == found.len())
        && wanted
            .iter()
            .zip(&found)
            .all(|(wanted, found)| text(wanted, found))
}

/// The fields of an ARN: `arn:partition:service:region:account:resource`.
fn fields(arn: &str) -> Vec<&str> {
    arn.splitn(6, ':').collect()
}

/// Returns true if a pattern lets a text in that has no fields.
fn text(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place is as good as any: what follows a `*` may only come later.
        let Some((_, after)) = left.split_once(part) else {
            return false;
        };
        left = after;
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests;
