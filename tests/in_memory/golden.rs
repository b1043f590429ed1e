//! Goldens, which a reader has judged: `tests/golden/*.txt`, rewritten by `UPDATE_EXPECT=1`.

use std::path::Path;

#[track_caller]
pub(crate) fn reads(text: &str, golden: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(golden);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    similar_asserts::assert_eq!(text, expected, "{golden}: UPDATE_EXPECT=1 rewrites it");
}
