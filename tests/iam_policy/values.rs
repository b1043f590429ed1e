//! The controller reads no value of a secret: none of its policies could let it.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls that return the values of secrets and parameters, or what they were encrypted with, as IAM names them. A `*` in an action
/// would let in more than its text says.
const READERS: [&str; 7] = [
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:GetParameterHistory",
    "kms:Decrypt",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Returns true for a pattern of actions, with `*` and `?`, that lets this one in.
fn lets_in(pattern: &[u8], action: &[u8]) -> bool {
    match (pattern.split_first(), action.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => lets_in(rest, action),
        (Some((b'*', rest)), Some((_, tail))) => lets_in(rest, action) || lets_in(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => lets_in(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one.eq_ignore_ascii_case(other) && lets_in(rest, tail),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[test]
fn nothing_that_is_deployed_may_read_the_value_of_a_secret() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut all = Vec::new();
    files(&deploy, &mut all);
    let mut policies = 0;
    for path in all {
        // What is no text is no policy.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let is_policy = text.contains("\"Statement\"");
        policies += usize::from(is_policy);
        assert!(!text.contains(r#""Action": "*""#), "{}", path.display());
        for reader in READERS {
            assert!(!text.contains(reader), "{}: {reader}", path.display());
        }
        for word in text.split('"').filter(|_| is_policy) {
            let is_pattern = word.contains('*') && !word.contains(char::is_whitespace);
            let is_action = is_pattern && !word.starts_with("arn:") && word.contains(':');
            for reader in READERS.iter().filter(|_| is_action) {
                assert!(
                    !lets_in(word.as_bytes(), reader.as_bytes()),
                    "{}: {word} lets in {reader}",
                    path.display()
                );
            }
        }
    }
    assert!(policies > 1, "{policies} policies were looked at");
}

#[test]
fn a_pattern_of_actions_is_read_as_iam_reads_it() {
    for (pattern, is_let_in) in [
        ("ssm:*", true),
        ("ssm:Get*", true),
        ("*:GetParameter", true),
        ("SSM:getparameter", true),
        ("ssm:GetParamete?", true),
        ("ssm:Describe*", false),
        ("ssm:GetParameters", false),
    ] {
        let found = lets_in(pattern.as_bytes(), b"ssm:GetParameter");
        assert_eq!(found, is_let_in, "{pattern}");
    }
}
