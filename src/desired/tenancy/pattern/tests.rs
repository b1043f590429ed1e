//! Patterns: what they let in, and above all what not.

use super::{arn, text};

#[test]
fn a_star_stands_for_any_characters_slashes_too() {
    for (pattern, found, expected) in [
        ("a/b", "a/b", true),
        ("a/b", "a/b/c", false),
        ("*", "", true),
        ("*", "a/b", true),
        ("a*", "a", true),
        ("a/*", "a/b/c", true),
        ("a/*", "x/a/b", false),
        ("*c", "a/b/c", true),
        ("*c", "a/c/b", false),
        ("a*c", "a/b/c", true),
        ("a*a", "a", false),
        ("a*b*b", "ab", false),
        ("a*b*b", "abb", true),
        ("a*bc*d", "a-b-bc-d", true),
        ("a**c", "abc", true),
        ("a?c", "abc", false),
    ] {
        assert_eq!(text(pattern, found), expected, "{pattern} {found}");
    }
}

#[test]
fn arns_are_compared_field_by_field_as_iam_does() {
    const TOKEN: &str = "arn:aws:secretsmanager:eu-west-9:123456789012:secret:shop/token-a1b2c3";
    const ROLE: &str = "arn:aws:iam::123456789012:role/apps/acme";
    for (pattern, found, expected) in [
        (TOKEN, TOKEN, true),
        ("*", TOKEN, true),
        ("*", ROLE, true),
        // Each field by itself, empty ones too.
        ("arn:aws:secretsmanager:*:123456789012:secret:shop/*", TOKEN, true),
        (
            "arn:aws*:secretsmanager:eu-*-9:*:secret:shop/token-*",
            TOKEN,
            true,
        ),
        ("arn:*:*:*:*:*", TOKEN, true),
        ("arn:aws:iam:*:123456789012:role/apps/*", ROLE, true),
        ("arn:aws:iam::123456789012:role/*acme", ROLE, true),
        ("arn:aws:iam:123456789012:role/apps/*", ROLE, false),
        // In the resource, colons and slashes are characters like others.
        (
            "arn:aws:secretsmanager:eu-west-9:123456789012:secret:*",
            TOKEN,
            true,
        ),
        ("arn:aws:secretsmanager:eu-west-9:123456789012:*", TOKEN, true),
        (
            "arn:aws:secretsmanager:eu-west-9:123456789012:sec*/token-*",
            TOKEN,
            true,
        ),
        // What ends early and open leaves the rest open.
        ("arn:*", ROLE, true),
        ("arn:aws:iam::*", ROLE, true),
        ("arn:aws:iam::1234*", ROLE, true),
        ("arn:aws:iam::999*", ROLE, false),
        ("arn:aws:s*", ROLE, false),
        ("arn:aws:secretsmanager:eu-west-9:*", TOKEN, true),
        // What ends early and closed lets nothing in.
        ("arn:aws:iam::123456789012", ROLE, false),
        ("arn:aws:*:role/apps/acme", ROLE, false),
        ("arn:aws:iam*role/apps/acme", ROLE, false),
        ("arn:*acme", ROLE, false),
        // A field is not jumped over by a star that the pattern goes on behind.
        (
            "arn:aws:iam::*:role/apps/*",
            "arn:aws:iam::999999999999:role/admin:role/apps/x",
            false,
        ),
        (
            "arn:aws:secretsmanager:*:123456789012:secret:shop/*",
            "arn:aws:secretsmanager:eu-west-9:999999999999:secret:bank/key:123456789012:secret:shop/",
            false,
        ),
        (
            "arn:aws:secretsmanager:eu-west-9:*:secret:shop/*",
            "arn:aws:secretsmanager:eu-west-9:999999999999:secret:bank/key:secret:shop/",
            false,
        ),
        (
            "arn:aws:ssm*:123456789012:parameter/shop/*",
            "arn:aws:ssm:eu-west-9:123456789012:parameter/shop/key",
            false,
        ),
    ] {
        assert_eq!(arn(pattern, found), expected, "{pattern} {found}");
    }
}
