//! The blocks of code of a page for people.

/// The pages whose commands `tests/end_to_end/pages.rs` runs, each from its top to its end.
pub(crate) const WALKED: [&str; 7] = [
    "docs/quick-start.md",
    "docs/how-to/release.md",
    "docs/how-to/expose.md",
    "docs/how-to/cron.md",
    "docs/how-to/scale.md",
    "docs/how-to/restrict-a-tenant.md",
    "docs/how-to/debug.md",
];

/// A block of code, in the order of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The heading that it stands under, without its marks.
    pub(crate) heading: String,
    /// All that stands behind the opening fence: the language, and for commands that no test runs the reason why.
    pub(crate) info: String,
    pub(crate) text: String,
}

/// Returns the blocks of a page; those that are indented, too.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut heading) = (Vec::new(), String::new());
    let mut open: Option<(usize, Block)> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let (heading, info) = (heading.clone(), info.to_owned());
                let text = String::new();
                open = Some((indent, Block { heading, info, text }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
            (Some((indent, block)), None) => {
                block.text.push_str(line.get(*indent..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) => {
                if line.starts_with('#') {
                    line.trim_start_matches('#').trim().clone_into(&mut heading);
                }
            }
        }
    }
    blocks
}
