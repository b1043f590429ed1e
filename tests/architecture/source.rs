//! Rust source as tokens, and the paths in it: the lexer is proc-macro2's, and of the grammar there is as much as the import
//! rules need. Of a macro's arguments no parser could say more.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A word, a bracket or a punctuation character, `::` being one; and its line, from 1. Literals are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Returns the tokens of a file. Comments and literals say nothing about what a module uses.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(source.parse().unwrap(), &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut after_colon = false;
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: &str, line| {
            let text = text.to_owned();
            tokens.push(Token { text, line });
        };
        match tree {
            TokenTree::Literal(_) => {}
            TokenTree::Ident(word) => push(&word.to_string(), line),
            TokenTree::Punct(mark) if after_colon && mark.as_char() == ':' => {
                after_colon = false;
                tokens.last_mut().unwrap().text = "::".into();
            }
            TokenTree::Punct(mark) => {
                after_colon = mark.as_char() == ':' && mark.spacing() == Spacing::Joint;
                push(&mark.to_string(), line);
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket | Delimiter::None => ("[", "]"),
                };
                push(open, line);
                flatten(group.stream(), tokens);
                let line = group.span_close().start().line;
                tokens.push(Token {
                    text: close.into(),
                    line,
                });
            }
        }
    }
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

/// If the tokens begin with a module that only tests see, or fuzzers: where its name is.
fn test_module(tokens: &[Token]) -> Option<usize> {
    const TESTS: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];
    const FUZZERS: &[&str] = &[
        "#", "[", "cfg", "(", "any", "(", "test", ",", "fuzzing", ")", ")", "]",
    ];
    let begins = |attribute: &&&[&str]| texts(tokens).take(attribute.len()).eq(attribute.iter().copied());
    let attribute = [TESTS, FUZZERS].iter().find(begins)?.len();
    let visibility =
        texts(&tokens[attribute..]).take_while(|text| ["pub", "(", "crate", "super", ")"].contains(text));
    let keyword = attribute + visibility.count();
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
        let source = "mod a; #[cfg(test)] mod tests; #[cfg(test)] pub(crate) mod fixtures; #[cfg(unix)] mod b; #[cfg(any(test, fuzzing))] pub mod c; #[cfg(any(unix, test))] mod d;";
        assert_eq!(test_modules(&tokens(source)), ["tests", "fixtures", "c"]);
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
