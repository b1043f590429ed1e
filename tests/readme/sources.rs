//! Each fact about AWS in docs/aws.md has its source, or is marked as uncertain.

use super::read;

const MARKS: [&str; 4] = ["[doc]", "[report]", "**uncertain**", "seen "];

/// Returns the rows of tables with a column `source` that have none, and how many rows there are.
fn without_source(text: &str) -> (Vec<&str>, usize) {
    let mut missing = Vec::new();
    let (mut asks, mut count) = (false, 0);
    for line in text.lines() {
        if !line.starts_with('|') {
            asks = false;
        } else if line.ends_with("| source |") {
            asks = true;
        } else if asks && !line.starts_with("|--") {
            count += 1;
            let source = line
                .trim_end_matches(" |")
                .rsplit(" | ")
                .next()
                .unwrap_or_default();
            if !MARKS.iter().any(|mark| source.contains(mark)) {
                missing.push(line);
            }
        }
    }
    (missing, count)
}

#[test]
fn every_fact_about_aws_has_its_source() {
    let text = read("docs/aws.md");
    let (missing, count) = without_source(&text);
    assert!(
        missing.is_empty() && count > 60,
        "{count} facts, without a source: {missing:#?}"
    );
    let bad = "| fact | source |\n|---|---|\n| a | [doc](https://example.com) |\n| b | everybody knows |\n\n| c | d |\n";
    assert_eq!(without_source(bad), (vec!["| b | everybody knows |"], 2));
}
