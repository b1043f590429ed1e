//! Patterns of what a tenant may name: a line with the pattern, and the name.

use crate::desired::tenancy::pattern::Syntax;

/// Steps of the comparison below that are worth their time.
const STEPS: usize = 1 << 18;

/// No pattern lets in what it would not if `*` stood for all characters; one without `*` lets in itself and nothing else.
pub fn pattern(data: &[u8]) {
    let Some((pattern, found)) = str::from_utf8(data).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let fits = (pattern.len().saturating_mul(found.len()) <= STEPS).then(|| is_like(pattern, found));
    for syntax in [Syntax::Arn, Syntax::Image, Syntax::Hostname] {
        let matches = syntax.matches(pattern, found);
        if !pattern.contains('*') {
            assert_eq!(matches, pattern == found, "{syntax:?}: {pattern} {found}");
        }
        let Some(fits) = fits else {
            continue;
        };
        assert!(!matches || fits, "{syntax:?}: {pattern} lets in {found}");
        if !pattern.contains([':', '/', '.']) && !found.contains([':', '/', '.']) {
            assert_eq!(matches, fits, "{syntax:?}: {pattern} {found}");
        }
    }
}

/// Compares in the plainest way: all ways to go on, character by character.
fn is_like(pattern: &str, found: &str) -> bool {
    let found: Vec<char> = found.chars().collect();
    // By how much of what was found is behind it: true if what is behind in the pattern may stand for that.
    let mut may = vec![false; found.len() + 1];
    may[0] = true;
    for next in pattern.chars() {
        let mut after = vec![false; found.len() + 1];
        for at in 0..=found.len() {
            after[at] = if next == '*' {
                may[at] || at > 0 && after[at - 1]
            } else {
                at > 0 && may[at - 1] && found[at - 1] == next
            };
        }
        may = after;
    }
    may[found.len()]
}
