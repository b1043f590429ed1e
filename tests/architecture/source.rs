//! Rust source as tokens, and the paths in it: as much of the grammar as the import rules need, and no compiler.

/// A token and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The tokens of a file. Comments, and what is inside string and character literals, are left out.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < characters.len() {
        let end = token_end(&characters, at);
        let text: String = characters[at..end].iter().collect();
        if !is_silent(&text) {
            tokens.push(Token {
                text: text.clone(),
                line,
            });
        }
        line += text.matches('\n').count();
        at = end;
    }
    tokens
}

/// White space, comments and literals say nothing about what a module uses.
fn is_silent(text: &str) -> bool {
    let quote = text.trim_end_matches('#').chars().last();
    let literal = quote == Some('"') || (quote == Some('\'') && text.starts_with('\''));
    text.trim().is_empty() || text.starts_with("//") || text.starts_with("/*") || literal
}

fn token_end(characters: &[char], at: usize) -> usize {
    let rest = &characters[at..];
    let next = rest.get(1).copied().unwrap_or(' ');
    let length = match rest[0] {
        '/' if next == '/' => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        '/' if next == '*' => comment_length(rest),
        '"' => quoted_length(rest, '"'),
        'r' if raw_hashes(rest).is_some() => raw_length(rest),
        'b' if next == '"' => 1 + quoted_length(&rest[1..], '"'),
        // A lifetime has no closing quote.
        '\'' if next == '\\' || rest.get(2) == Some(&'\'') => quoted_length(rest, '\''),
        ':' if next == ':' => 2,
        c if is_word(c) => rest.iter().position(|c| !is_word(*c)).unwrap_or(rest.len()),
        _ => 1,
    };
    at + length
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment_length(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// How many `#` stand before the quote, if this is `r"…"`, `r#"…"#` and so on and not a word that begins with r.
fn raw_hashes(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some(hashes)
}

fn raw_length(rest: &[char]) -> usize {
    let hashes = raw_hashes(rest).unwrap_or_default();
    let closing: Vec<char> = ['"']
        .into_iter()
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let opening = 1 + closing.len();
    rest[opening..]
        .windows(closing.len())
        .position(|window| window == closing)
        .map_or(rest.len(), |at| opening + at + closing.len())
}

/// The tokens without the modules that only tests see.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(name) = test_module(&tokens[at..]) {
            at = item_end(tokens, at + name);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The names of the modules that only tests see.
pub(crate) fn test_modules(tokens: &[Token]) -> Vec<String> {
    let names = (0..tokens.len()).filter_map(|at| Some(at + test_module(&tokens[at..])?));
    names.map(|at| tokens[at].text.clone()).collect()
}

/// If the tokens begin with a module that only tests see: where its name is.
fn test_module(tokens: &[Token]) -> Option<usize> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    if !texts(tokens).take(ATTRIBUTE.len()).eq(ATTRIBUTE) {
        return None;
    }
    let visibility = texts(&tokens[ATTRIBUTE.len()..])
        .take_while(|text| ["pub", "(", "crate", "super", ")"].contains(text));
    let keyword = ATTRIBUTE.len() + visibility.count();
    (tokens.get(keyword)?.text == "mod").then_some(keyword + 1)
}

fn texts(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().map(|token| token.text.as_str())
}

/// Behind the `;` or the closing brace.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        let closes = tokens[at].text == "}" || tokens[at].text == ";";
        at += 1;
        if closes && depth == 0 {
            break;
        }
    }
    at
}

/// A path such as `crate::model::name`, written out: of `use a::{b, c::d}` there are two, and a glob ends in `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

impl Path {
    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        let prefix: Vec<&str> = prefix.split("::").collect();
        self.segments.len() >= prefix.len()
            && self.segments.iter().zip(&prefix).all(|(one, other)| one == other)
    }
}

/// Every path of two segments and more, and whatever a `use` names.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let imported = at > 0 && tokens[at - 1].text == "use";
        if is_segment(&tokens[at].text) {
            let mut tree = Vec::new();
            at = path_end(tokens, at, &[], &mut tree);
            found.extend(
                tree.into_iter()
                    .filter(|path| imported || path.segments.len() > 1),
            );
        } else {
            at += 1;
        }
    }
    found
}

fn is_segment(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads one path, and the branches if it ends in a group; says where it ends.
fn path_end(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[at].line;
    loop {
        segments.push(tokens[at].text.clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        match tokens.get(at + 1).map(|token| token.text.as_str()) {
            Some("{") => return group_end(tokens, at + 2, &segments, found),
            Some("*") => {
                segments.push("*".into());
                at += 2;
                break;
            }
            Some(text) if is_segment(text) => at += 1,
            // `Vec::<u8>::new`
            Some(_) | None => break,
        }
    }
    found.push(Path { segments, line });
    at
}

fn group_end(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "*" => {
                let segments = [prefix, &["*".into()]].concat();
                let line = token.line;
                found.push(Path { segments, line });
                at += 1;
            }
            // What an import is called here does not matter.
            "as" => at += 2,
            text if is_segment(text) => at = path_end(tokens, at, prefix, found),
            _ => at += 1,
        }
    }
    at
}

/// Writes `super::` and `self::` out from the crate's root. `module` is where the tokens' file is in the tree, and paths
/// in modules within the file are none the wiser: those are left out with the tests.
pub(crate) fn from_root(path: &Path, module: &[String]) -> Path {
    let ups = path
        .segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    let selves = usize::from(path.segments.first().is_some_and(|segment| segment == "self"));
    if ups + selves == 0 {
        return path.clone();
    }
    let parent = &module[..module.len().saturating_sub(ups)];
    let mut segments = vec!["crate".to_owned()];
    segments.extend(parent.iter().cloned());
    segments.extend(path.segments[ups + selves..].iter().cloned());
    Path {
        segments,
        line: path.line,
    }
}

#[cfg(test)]
mod tests {
    use super::{from_root, paths, test_modules, tokens, without_tests};

    fn check(source: &str, expected: &[&str]) {
        let found: Vec<String> = paths(&without_tests(&tokens(source)))
            .iter()
            .map(|path| path.segments.join("::"))
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn writes_every_import_out() {
        check("use std::fmt;", &["std::fmt"]);
        check("use kube;", &["kube"]);
        check(
            "pub use a::{b, c::{self, d as e}, f::*};",
            &["a::b", "a::c::self", "a::c::d", "a::f::*"],
        );
        check("let x: a::B<c::D> = e::f(1);", &["a::B", "c::D", "e::f"]);
        check("let x = Vec::<a::B>::new();", &["a::B"]);
        check("#[tokio::main] async fn main() { mod x; }", &["tokio::main"]);
    }

    #[test]
    fn comments_literals_and_tests_say_nothing() {
        check("// use a::b;\n/* a::b /* c::d */ e::f */ g::h();", &["g::h"]);
        check(
            r###"f("a::b \" c::d", r#"e::f"#, r##"x"# y::z"##, b"g::h", '"', i::j);"###,
            &["i::j"],
        );
        check("fn f<'a>(x: &'a str) { a::b('\\'') }", &["a::b"]);
        check(
            "#[cfg(test)]\nmod tests { use a::b; fn f() { {} } }\nuse c::d;",
            &["c::d"],
        );
        check("#[cfg(test)]\nmod tests;\nuse c::d;", &["c::d"]);
        check(
            "#[cfg(test)] pub(crate) mod fixtures { use a::b; } use c::d;",
            &["c::d"],
        );
    }

    #[test]
    fn knows_the_modules_that_only_tests_see() {
        let source =
            "mod a; #[cfg(test)] mod tests; #[cfg(test)] pub(crate) mod fixtures; #[cfg(unix)] mod b;";
        assert_eq!(test_modules(&tokens(source)), ["tests", "fixtures"]);
    }

    #[test]
    fn relative_paths_are_written_out_from_the_root() {
        let module = ["plan".to_owned(), "ecs".to_owned()];
        for (source, expected) in [
            ("use super::view::View;", "crate::plan::view::View"),
            ("use super::super::aws::Aws;", "crate::aws::Aws"),
            ("use self::x::Y;", "crate::plan::ecs::x::Y"),
            ("use crate::model::X;", "crate::model::X"),
        ] {
            let found = paths(&tokens(source));
            assert_eq!(from_root(&found[0], &module).segments.join("::"), expected);
        }
    }

    #[test]
    fn tokens_know_their_line() {
        let found = paths(&tokens("/* 1\n2 */\nfn f() {\n  a::b(\"x\ny\");\n  c::d();\n}"));
        assert_eq!(found.iter().map(|path| path.line).collect::<Vec<_>>(), [4, 6]);
    }
}
