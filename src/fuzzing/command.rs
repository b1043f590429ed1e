//! Command lines, as a shell would read them: the line, and further words, `--` between two of them.

use crate::desired::shell::{needs, wrapped};

/// Characters of a remark on a command line, which names some of its signs.
const REMARK: usize = 2_000;

/// Any command line is judged in few words; one that gets a shell wants no other.
pub fn command(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut words = text.split("\n--\n");
    let line = words.next().unwrap_or_default();
    let args: Vec<String> = words.map(ToOwned::to_owned).collect();
    if let Some(needs) = needs(line, &args) {
        let remark = format!("{needs}: {} {:?}", needs.advice(), needs.of_bash());
        assert!(remark.chars().count() <= REMARK, "{remark}");
        assert!(!remark.contains(char::is_control), "{remark:?}");
    }
    if let Some(wrapped) = wrapped(line, &args) {
        let words = shell_words::split(&wrapped).unwrap_or_default();
        assert!(
            matches!(&*words, [sh, option, _] if sh == "sh" && option == "-c"),
            "{wrapped}"
        );
        assert_eq!(needs(&wrapped, &[]), None, "{wrapped}");
    }
}
