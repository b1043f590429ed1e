//! Command lines, split as Empire did, and written so that we split them the same.
//!
//! Empire's rules are almost those by which `desired` splits; where they differ for a command line, its words are what
//! has to stay.

/// The words of a command line. White space separates; single and double quotes group; a backslash takes the next
/// character as it is, but for single quotes; what stands in back-quotes is one piece, with them. There is no shell.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut escaped, mut single, mut double, mut back) = (false, false, false, false);
    for c in line.chars() {
        if escaped {
            word.get_or_insert_default().push(c);
            escaped = false;
            continue;
        }
        match c {
            '\\' if !single => escaped = true,
            ' ' | '\t' | '\r' | '\n' if !(single || double || back) => words.extend(word.take()),
            '"' if !single => {
                double = !double;
                word.get_or_insert_default();
            }
            '\'' if !double => {
                single = !single;
                word.get_or_insert_default();
            }
            c => {
                back ^= c == '`' && !single && !double;
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    match (escaped, single || double, back) {
        (true, ..) => Err("ends with a backslash, which takes the next character as it is"),
        (_, true, _) => Err("has a quote that is not closed"),
        (.., true) => Err("has a back-quote that is not closed"),
        (false, false, false) => Ok(words),
    }
}

/// Returns true if a line ends with a backslash that is not taken for itself.
pub(super) fn is_continued(line: &str) -> bool {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// A command line on one line, of which so many lines ended with a backslash in the source.
pub(super) fn joined(line: &str, times: usize) -> Result<String, &'static str> {
    let (breaks, spaces) = (line.matches("\\\n").count(), line.matches("\\ ").count());
    let line = line.replace("\\\n", "");
    // YAML puts a space where a line ended, except in a literal block.
    if breaks >= times {
        Ok(line)
    } else if breaks + spaces == times {
        Ok(line.replace("\\ ", " "))
    } else {
        Err("has a backslash at the end of a line, and others before a space: write it on one line")
    }
}

/// A word as a command line that is split into just that, by Empire's rules and by ours.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:,@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&[&str], &str>) {
        let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
        let found = split(line).map_err(|message| message.split(',').next().unwrap());
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn splits_as_empire_did() {
        check("./bin/web  -p\t1\n2\r3", Ok(&["./bin/web", "-p", "1", "2", "3"]));
        check("", Ok(&[]));
        check(" a ", Ok(&["a"]));
        check(r#"a 'b c' "d e" f'g 'h"#, Ok(&["a", "b c", "d e", "fg h"]));
        check(r"a\ b \'c", Ok(&["a b", "'c"]));
        check(r#"a "\n\"" '\n'"#, Ok(&["a", "n\"", r"\n"]));
        check(r#"a "it's" 'say "x"'"#, Ok(&["a", "it's", "say \"x\""]));
        check(
            "a $B && c | d > e; f &",
            Ok(&["a", "$B", "&&", "c", "|", "d", ">", "e;", "f", "&"]),
        );
        check("a # b", Ok(&["a", "#", "b"]));
        check("a `b c` '`'", Ok(&["a", "`b c`", "`"]));
        check("a \u{a0}b", Ok(&["a", "\u{a0}b"]));
    }

    #[test]
    fn keeps_an_empty_argument() {
        check("a '' \"\" b", Ok(&["a", "", "", "b"]));
        check("''", Ok(&[""]));
    }

    #[test]
    fn refuses_what_is_not_closed() {
        check("a 'b", Err("has a quote that is not closed"));
        check("a \"b", Err("has a quote that is not closed"));
        check("a `b", Err("has a back-quote that is not closed"));
        check("a b\\", Err("ends with a backslash"));
    }

    #[test]
    fn joins_what_a_backslash_continues() {
        assert_eq!(joined("a \\ b \\\nc", 2).unwrap(), "a  b c");
        assert_eq!(joined("a \\ b \\\nc", 1).unwrap(), "a \\ b c");
        assert_eq!(joined("a", 0).unwrap(), "a");
        assert!(joined("a\\ b \\ c", 1).is_err());
    }

    #[test]
    fn a_quoted_word_is_one_word_to_both() {
        for word in [
            "", "a", "a b", "it's", "'", "\\", "#a", "`", "\"", "a\rb", "a\n", "~", "$X", "é", "a\\",
        ] {
            let line = quote(word);
            assert_eq!(split(&line).unwrap(), [word], "{line}");
            assert_eq!(shell_words::split(&line).unwrap(), [word], "{line}");
        }
        assert_eq!(quote("./bin/web"), "./bin/web");
    }
}
