//! The commands of the quick start and of the how-to pages, run as they stand there, from the top of each page to its end.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::manifests::merge;
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::page::{WALKED, blocks};
use crate::support::shell::Shell;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

/// Runs a page in the namespace `shop`, on a Platform `staging`. Returns the number of blocks of commands that were run.
fn walk(page: &str, shell: &Shell, place: &Place) -> usize {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut count = 0;
    for block in blocks(&text) {
        let file = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
        match (block.info.as_str(), file) {
            // Its ids are placeholders.
            ("yaml", Some("platform.yaml")) => {
                let mut platform: Value = serde_saphyr::from_str(&block.text).unwrap();
                merge(&mut platform, &json!({ "spec": place.platform["spec"] }));
                fs::write(shell.folder.path().join("platform.yaml"), platform.to_string()).unwrap();
            }
            ("yaml", Some(file)) => {
                let text = in_zones_of(place, &block.text);
                fs::write(shell.folder.path().join(file), text).unwrap();
            }
            ("sh", _) => {
                shell.run(&block);
                count += 1;
            }
            _ => {}
        }
    }
    count
}

/// The pages' names are in zones `example.com` and `internal.example.com`.
fn in_zones_of(place: &Place, text: &str) -> String {
    ["internal.", "acme.", "acme-*."]
        .iter()
        .fold(text.to_owned(), |text, start| {
            text.replace(&format!("{start}example.com"), &format!("{start}{}", place.zone))
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_quick_start_and_the_how_to_pages_do_what_they_say() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let _controller = Controller::start(administrator, &QUICK);
    let mut place = Place::under(administrator, Cloud::Ministack, "pages", "eu-central-2").await;
    let staging = json!({
        "metadata": {
            "name": "staging",
            "annotations": { "empire.dev/is-default-platform": "true" },
        },
        "spec": { "tasks": { "schedulerRoleArn": ROLE } },
    });
    merge(&mut place.platform, &staging);
    let programs = [
        &administrator.binary,
        Path::new(env!("CARGO_BIN_EXE_empire-controller")),
    ];
    let plugins = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_empire-controller"),
        plugins.path().join("kubectl-empire"),
    )
    .unwrap();
    let programs = programs.map(|program| program.parent().unwrap().to_owned());
    let programs = [&programs[..], &[plugins.path().to_owned()]].concat();
    let variables = vec![
        ("KUBECONFIG", administrator.kubeconfig.to_str().unwrap().into()),
        ("AWS_ACCESS_KEY_ID", "testing".into()),
        ("AWS_SECRET_ACCESS_KEY", "testing".into()),
    ];
    for page in WALKED {
        let shell = Shell::new(programs.clone(), variables.clone());
        let begins_with_nothing = page == "docs/quick-start.md";
        if !begins_with_nothing {
            place.apply(&place.platform);
            place.kubectl(&["create", "namespace", "shop"]);
        }
        let count = walk(page, &shell, &place);
        assert!(
            count > 0 || page == "docs/how-to/expose.md",
            "{page} has no commands"
        );
        if !begins_with_nothing {
            place.kubectl(&["delete", "namespace", "shop", "--timeout=90s"]);
        }
        place.kubectl(&["delete", "platform", "staging", "--timeout=90s"]);
        let left = place.aws.see().await;
        assert_eq!(left.services.len() + left.load_balancers.len(), 0, "{page}");
    }
}
