//! Patterns: what they let in, and above all what not.

use super::{Syntax, begins, text};

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
        ("arn:aws:secretsmanager:*:secret:shop/*", TOKEN, false),
        ("arn:aws:secretsmanager:*:secret:shop/token-*", TOKEN, false),
        ("arn:aws:secretsmanager:*:*:secret:shop/*", TOKEN, true),
        (
            "arn:aws:ssm*:123456789012:parameter/shop/*",
            "arn:aws:ssm:eu-west-9:123456789012:parameter/shop/key",
            false,
        ),
    ] {
        assert_eq!(Syntax::Arn.matches(pattern, found), expected, "{pattern} {found}");
    }
}

#[test]
fn a_registry_is_compared_by_itself() {
    for (pattern, image, expected) in [
        ("*", "acme", true),
        ("*", "registry.example.com/shop/acme:v1", true),
        ("acme:*", "acme:v1", true),
        (
            "registry.example.com/shop/*",
            "registry.example.com/shop/web/acme:v1",
            true,
        ),
        (
            "registry.example.com/shop/*",
            "registry.example.com/bank/acme:v1",
            false,
        ),
        (
            "registry.example.com/shop/acme@sha256:*",
            "registry.example.com/shop/acme:v1",
            false,
        ),
        ("*.example.com/acme", "registry.example.com/acme", true),
        // Neither as part of a registry nor in place of one.
        ("*.example.com/acme", "evil.test/a.example.com/acme", false),
        (
            "registry.example.com*",
            "registry.example.com.evil.test/acme",
            false,
        ),
        ("acme*", "acme.evil.test/image", false),
        // As it is written, whatever it is the same as.
        ("docker.io/library/acme:v1", "acme:v1", false),
    ] {
        assert_eq!(
            Syntax::Image.matches(pattern, image),
            expected,
            "{pattern} {image}"
        );
    }
}

#[test]
fn hostnames_are_compared_label_by_label() {
    for (pattern, name, expected) in [
        ("*", "www.shop.example.com", true),
        ("www.example.com", "www.example.com", true),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "www.bank.example.com", false),
        ("*.*.example.com", "www.bank.example.com", true),
        ("shop-*.example.com", "shop-web.example.com", true),
        ("shop-*.example.com", "shop-web.bank.example.com", false),
        ("www.*", "www.example.com", false),
        ("example.com", "www.example.com", false),
    ] {
        assert_eq!(
            Syntax::Hostname.matches(pattern, name),
            expected,
            "{pattern} {name}"
        );
    }
}

#[test]
fn what_is_known_in_part_is_let_in_where_a_whole_may_be() {
    const DB: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db-";
    for (resource, expected) in [
        ("*", true),
        ("secret:*", true),
        ("secret:shop/*", true),
        ("secret:shop/db-*", true),
        ("secret:shop/db-Ab*", true),
        ("secret:shop/db-AbCdEf", true),
        ("secret:shop/db-AbCdEf*", true),
        ("secret:shop/db-AbCdEf:password::", true),
        ("secret:*-AbCdEf", true),
        ("secret:*b-A*f:password::", true),
        ("secret:s*", true),
        // As an ARN that somebody has shortened: there is none.
        ("secret:shop/db", false),
        ("secret:shop/db-", false),
        ("secret:shop/db-AbCdE", false),
        // Others of which the name is the beginning, or the end.
        ("secret:shop/db-primary-AbCdEf", false),
        ("secret:shop/db-primary-*", false),
        ("secret:shop/db2-*", false),
        ("secret:eu/shop/db-*", false),
        ("secret:bank/*", false),
        ("parameter/*", false),
    ] {
        let pattern = format!("arn:aws:secretsmanager:us-east-1:123456789012:{resource}");
        assert_eq!(Syntax::Arn.may_match(&pattern, DB, 6), expected, "{pattern}");
    }
    for (pattern, expected) in [
        ("*", true),
        ("arn:aws:secretsmanager:us-east-1:*", true),
        ("arn:aws:secretsmanager:us-*:*:secret:shop/*", true),
        (
            "arn:aws:secretsmanager:us-east-1:999999999999:secret:shop/*",
            false,
        ),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:*", false),
        ("arn:aws:ssm:*:*:*", false),
        ("arn:aws:secretsmanager", false),
    ] {
        assert_eq!(Syntax::Arn.may_match(pattern, DB, 6), expected, "{pattern}");
    }
}

/// All patterns of up to five characters, against all that two unknown ones may turn out to be.
#[test]
fn nothing_is_refused_in_part_that_is_let_in_as_a_whole() {
    let texts = |longest: usize, characters: &[char]| {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|text| characters.iter().map(move |c| format!("{text}{c}")))
                .collect();
            all.extend(last.clone());
        }
        all
    };
    let rests = texts(3, &['a', 'b', ':']);
    let is_rest = |rest: &&String| {
        rest.chars().take(2).filter(|c| *c != ':').count() == 2
            && [None, Some(':')].contains(&rest.chars().nth(2))
    };
    let rests: Vec<&String> = rests.iter().filter(is_rest).collect();
    let mut let_in = 0;
    for pattern in texts(5, &['a', 'b', ':', '*']) {
        for known in ["", "a", "b", "ab", "ba"] {
            let whole = rests.iter().any(|rest| text(&pattern, &format!("{known}{rest}")));
            let part = begins(&pattern, known, 2);
            assert!(part || !whole, "{pattern} {known}");
            let_in += usize::from(whole);
        }
    }
    assert!(let_in > 1_000, "{let_in}");
}
