//! Each command of each page is run by a test, or its block says why not.

use super::links::pages;
use super::page::{Block, WALKED, blocks};
use super::read;

/// The pages with commands that a test of their own runs, by the headings that it takes.
const FOLLOWED: [(&str, &str); 1] = [("docs/upgrading.md", "tests/end_to_end/backup.rs")];

/// Begins, behind the language, the reason why no test runs a block.
const REASON: &str = " not run: ";

/// Returns the language of a block, if commands are written in it, and the reason for not running it: an empty one where it
/// is run.
fn commands(block: &Block) -> Option<&str> {
    let (language, rest) = block
        .info
        .split_at(block.info.find(' ').unwrap_or(block.info.len()));
    ["sh", "bash", "shell", "console"]
        .contains(&language)
        .then(|| rest.strip_prefix(REASON).unwrap_or_default())
}

#[test]
fn every_command_is_run_or_says_why_not() {
    let mut count = 0;
    for page in pages() {
        let followed = FOLLOWED.iter().find(|(followed, _)| *followed == page);
        if let Some((page, test)) = followed {
            assert!(read(test).contains(page), "{test} does not read {page}");
        }
        let is_run = followed.is_some() || WALKED.contains(&page.as_str());
        for block in blocks(&read(&page)) {
            let Some(reason) = commands(&block) else { continue };
            count += 1;
            let says_why = reason.len() > 10;
            let heading = &block.heading;
            assert!(
                says_why || (is_run && block.info == "sh"),
                "{page}, {heading}: no test runs this, and it does not say why: {}",
                block.text
            );
        }
    }
    assert!(count > 30, "{count} blocks are too few to be all");
}

#[test]
fn a_command_that_nobody_runs_is_noticed() {
    let block = |info: &str| Block {
        heading: String::new(),
        info: info.into(),
        text: String::new(),
    };
    assert_eq!(commands(&block("yaml")), None);
    assert_eq!(commands(&block("sh")), Some(""));
    assert_eq!(commands(&block("sh not run: no account")), Some("no account"));
    let text = "# A\n```sh\nls\n```\n## B\n1. b\n\n   ```yaml\n   a:\n     b\n   ```\n";
    let found = blocks(text);
    let texts: Vec<_> = found
        .iter()
        .map(|block| (block.heading.as_str(), block.text.as_str()))
        .collect();
    assert_eq!(texts, [("A", "ls\n"), ("B", "a:\n  b\n")]);
}
