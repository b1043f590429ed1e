//! The first word of each doc comment: a named subject or a verb. One that opens with a clause ("What a call sends",
//! "Whether it is ours") makes its reader wait for the subject.

use super::{none, read, rust_files};

/// At most this share of the doc comments opens otherwise, in hundredths.
const SHARE: usize = 5;

/// Returns each doc comment's line, from 1, and its first word.
fn openings(source: &str) -> Vec<(usize, &str)> {
    let mut openings = Vec::new();
    let mut before = None;
    for (line, text) in source.lines().enumerate() {
        let text = text.trim_start();
        let mark = ["///", "//!"].into_iter().find(|mark| text.starts_with(mark));
        if let Some(mark) = mark
            && before != Some(mark)
        {
            let word = text[mark.len()..].split_whitespace().next().unwrap_or_default();
            openings.push((line + 1, word.trim_matches(|c: char| !c.is_alphabetic())));
        }
        before = mark;
    }
    openings
}

/// True of a word that begins a clause where a subject or a verb should be.
fn is_clause(word: &str) -> bool {
    ["What", "Whether", "Whoever", "Those", "Nobody", "Of"].contains(&word)
}

#[test]
fn doc_comments_open_with_a_subject_or_a_verb() {
    let (mut all, mut clauses) = (0, Vec::new());
    for file in ["src", "tests"].into_iter().flat_map(rust_files) {
        for (line, word) in openings(&read(&file)) {
            all += 1;
            if is_clause(word) {
                clauses.push(format!("{}:{line}: {word}", file.display()));
            }
        }
    }
    assert!(all > 1_000, "{all} doc comments");
    if clauses.len() * 100 >= all * SHARE {
        clauses.push(format!("{} of {all} doc comments", clauses.len()));
        none(&clauses);
    }
}

#[test]
fn only_the_first_line_of_a_doc_comment_opens_it() {
    let source = "//! Holds it.\n//! What else.\n\nuse a::b;\n\n/// What it is.\nfn f() {\n    // Of course.\n    let x = 1;\n}\n\n/// `Of`\n";
    assert_eq!(openings(source), [(1, "Holds"), (6, "What"), (12, "Of")]);
    assert!(is_clause("What") && !is_clause("Offers"));
}
