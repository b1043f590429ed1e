//! Flux's image automation over the App of the page: see tests/gitops/setters/main.go.

use std::fs;
use std::process::Command;

use similar_asserts::assert_eq;

use super::page::{block, programs};

#[test]
fn markers_get_the_newest_image_and_nothing_else_changes() {
    let page = block("flux/acme.yaml");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.yaml");
    let update = |policies: &[&str]| {
        fs::write(&file, &page).unwrap();
        let output = Command::new(programs("setters").join("setters"))
            .arg(folder.path())
            .args(policies)
            .output()
            .unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{complaint}");
        fs::read_to_string(&file).unwrap()
    };
    let (acme, worker) = (
        "registry.example.com/acme:v1 #",
        "registry.example.com/worker:v1 #",
    );
    let updated = update(&[
        "shop:acme=registry.example.com/acme:v7",
        "shop:worker=registry.example.com/worker:v9",
    ]);
    let expected = page
        .replace(acme, "registry.example.com/acme:v7 #")
        .replace(worker, "registry.example.com/worker:v9 #");
    assert_eq!(updated, expected);
    assert_eq!(updated.matches("v7").count() + updated.matches("v9").count(), 2);

    // The policies of other places are nothing to it.
    let updated = update(&[
        "shop:worker=registry.example.com/worker:v9",
        "blog:acme=registry.example.com/acme:v7",
    ]);
    assert_eq!(updated, page.replace(worker, "registry.example.com/worker:v9 #"));
}
