//! The manifests of docs/gitops.md, each by the name in its first line, so that the page shows what the tests apply.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the text of the block that begins with `# <name>`.
pub(crate) fn block(name: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    let start = format!("```yaml\n# {name}\n");
    let (_, rest) = page
        .split_once(&start)
        .unwrap_or_else(|| panic!("no block {name}"));
    rest.split("```").next().unwrap().to_owned()
}

/// Returns the manifest of a block, in another namespace than the page's `shop`.
pub(crate) fn manifest(name: &str, namespace: &str) -> Value {
    let text = block(name).replace("namespace: shop", &format!("namespace: {namespace}"));
    let text = text.replace("targetNamespace: shop", &format!("targetNamespace: {namespace}"));
    serde_saphyr::from_str(&text).unwrap()
}

/// Returns the folder of the programs of a Go module of these tests, which may have to be built first.
pub(crate) fn programs(module: &str) -> PathBuf {
    let output = Command::new(root().join("deploy/local/go"))
        .arg(root().join("tests/gitops").join(module))
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{module} was not built; it said why on stderr"
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
