//! Flux's source-controller and kustomize-controller, which sync a git repository of Apps.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use similar_asserts::assert_eq;

use super::ALONE;
use super::aws::Seen;
use super::git::Repository;
use super::page::{block, manifest, programs};
use super::place::{Cloud, Place};
use super::support::controller::UNTIL_STDIN_CLOSES;

/// A controller of Flux, which ends when it is dropped, or when this process does.
struct Program(Child);

impl Program {
    fn start(name: &str, folder: &Path, place: &Place, arguments: &[String]) -> Self {
        let log = File::create(folder.join(format!("{name}.log"))).unwrap();
        let process = Command::new("sh")
            .args(["-c", UNTIL_STDIN_CLOSES, "sh"])
            .arg(programs("flux").join(name))
            .args(["--metrics-addr=127.0.0.1:0", "--enable-leader-election=false"])
            .arg(format!("--health-addr={}", free_address()))
            .args(arguments)
            .env("KUBECONFIG", &place.kubectl.kubeconfig)
            .env("RUNTIME_NAMESPACE", "flux-system")
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Program(process)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.stdin.take();
        let _ = self.0.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

struct Flux {
    _source: Program,
    _kustomize: Program,
    folder: tempfile::TempDir,
}

impl Flux {
    fn start(place: &Place) -> Self {
        let definitions = programs("flux").join("crds");
        let definitions = definitions.to_str().unwrap();
        place.kubectl(&["apply", "--server-side", "-f", definitions]);
        place.kubectl(&[
            "wait",
            "--for=condition=Established",
            "--timeout=30s",
            "-f",
            definitions,
        ]);
        place.kubectl(&["create", "namespace", "flux-system"]);
        let folder = tempfile::tempdir().unwrap();
        let storage = free_address();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let arguments = [
            format!("--storage-path={}", data.display()),
            format!("--storage-addr={storage}"),
            format!("--storage-adv-addr={storage}"),
        ];
        Flux {
            _source: Program::start("source-controller", folder.path(), place, &arguments),
            _kustomize: Program::start("kustomize-controller", folder.path(), place, &[]),
            folder,
        }
    }

    fn logs(&self) -> String {
        let logs = ["source-controller", "kustomize-controller"].map(|name| {
            let log = std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap();
            let lines: Vec<_> = log.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        });
        logs.join("\n")
    }
}

fn get(place: &Place, kind: &str, name: &str) -> Value {
    serde_json::from_str(&place.kubectl(&["get", kind, name, "-o", "json"])).unwrap()
}

fn condition<'a>(object: &'a Value, name: &str) -> &'a Value {
    let all = object["status"]["conditions"].as_array().into_iter().flatten();
    let mut named = all.filter(|condition| condition["type"] == name);
    named.next().unwrap_or(&Value::Null)
}

/// Asks for a sync now, as `flux reconcile kustomization apps --with-source` does, and returns the Kustomization after it.
async fn sync(place: &Place, flux: &Flux, token: &str) -> Value {
    for kind in ["gitrepository", "kustomization"] {
        let requested = format!("reconcile.fluxcd.io/requestedAt={token}");
        place.kubectl(&["annotate", "--overwrite", kind, "apps", &requested]);
        let what = format!("Flux has handled {token} of its {kind}");
        let handled = place.eventually(&what, async || {
            let found = get(place, kind, "apps");
            (found["status"]["lastHandledReconcileAt"] == token).then_some(())
        });
        let patience = std::time::Duration::from_secs(80);
        assert!(
            tokio::time::timeout(patience, handled).await.is_ok(),
            "never: {what}\n{}\n{}",
            get(place, kind, "apps"),
            flux.logs()
        );
    }
    get(place, "kustomization", "apps")
}

/// Waits until the Kustomization is Ready, or not, at a revision, and returns the condition.
async fn ready(place: &Place, flux: &Flux, revision: &str, status: &str) -> Value {
    let attempted = place.eventually("the Kustomization has judged the revision", async || {
        let found = get(place, "kustomization", "apps");
        let ready = condition(&found, "Ready").clone();
        let done = found["status"]["lastAttemptedRevision"] == revision && ready["status"] == status;
        done.then_some(ready)
    });
    let patience = std::time::Duration::from_secs(85);
    let Ok(ready) = tokio::time::timeout(patience, attempted).await else {
        panic!(
            "never {status} at {revision}\n{}\n{}",
            get(place, "kustomization", "apps"),
            flux.logs()
        );
    };
    ready
}

fn versions(place: &Place) -> String {
    let path = "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}";
    place.kubectl(&["get", "apps.empire.dev,platforms,portallocations", "-o", path])
}

/// Returns the number of requests by which anything of ours was written, dry runs aside, as the API server counts them.
fn api_writes(place: &Place) -> u64 {
    let metrics = place.kubectl(&["get", "--raw", "/metrics"]);
    let lines = metrics.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && line.contains("group=\"empire.dev\"")
            && line.contains("dry_run=\"\"")
            && ["APPLY", "PATCH", "POST", "PUT", "DELETE"]
                .iter()
                .any(|verb| line.contains(&format!("verb=\"{verb}\"")))
    });
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn flux_syncs_a_repository_of_apps() {
    let _alone = ALONE.lock().await;
    let place = Place::new(Cloud::Ministack, "flux", "us-east-1").await;
    let is_default = "empire.dev/is-default-platform=true";
    place.kubectl(&["annotate", "platform", &place.name, is_default]);
    let repository = Repository::serve().await;
    let flux = Flux::start(&place);
    place.kubectl(&["create", "serviceaccount", "flux"]);
    place.apply(&manifest("flux/rights.yaml", &place.name));
    let mut source = manifest("flux/source.yaml", &place.name);
    source["spec"]["url"] = json!(repository.url);
    let acme = block("flux/acme.yaml");
    let second = acme.replace("{name: acme}", "{name: shop}");

    // The Kustomization is Ready when the Apps are.
    let first = repository.commit(&[("acme.yaml", acme.clone()), ("shop.yaml", second)]);
    place.proxy.delay(std::time::Duration::from_millis(300));
    place.apply(&source);
    place.apply(&manifest("flux/apps.yaml", &place.name));
    let waiting = place.eventually("Flux waits for health", async || {
        let found = get(&place, "kustomization", "apps");
        let message = condition(&found, "Reconciling")["message"].as_str()?.to_owned();
        message.contains("Running health checks").then_some(found)
    });
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(80), waiting).await;
    let Ok(waiting) = waiting else {
        panic!("{}\n{}", get(&place, "kustomization", "apps"), flux.logs());
    };
    assert_ne!(condition(&waiting, "Ready")["status"], "True");
    place.proxy.delay(std::time::Duration::ZERO);
    let judged = ready(&place, &flux, &first, "True").await;
    for app in ["acme", "shop"] {
        let app = get(&place, "app", app);
        let own = condition(&app, "Ready");
        assert_eq!(own["status"], "True", "{app}");
        assert!(judged["lastTransitionTime"].as_str() >= own["lastTransitionTime"].as_str());
    }

    // Ten syncs of an unchanged repository write nothing.
    place.looked_at_again().await;
    place.proxy.take_writes();
    let before = (versions(&place), api_writes(&place));
    assert!(before.1 > 0, "the API server counts");
    for number in 0..10 {
        let after = sync(&place, &flux, &format!("unchanged-{number}")).await;
        assert_eq!(condition(&after, "Ready")["status"], "True", "{after}");
    }
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    assert_eq!((versions(&place), api_writes(&place)), before);

    // A new image is a commit.
    let released = acme.replace("acme:v1", "acme:v2");
    let second_commit = repository.commit(&[("acme.yaml", released.clone())]);
    sync(&place, &flux, "released").await;
    ready(&place, &flux, &second_commit, "True").await;
    assert_eq!(
        place.aws.see().await.services["acme_web"].image,
        "registry.example.com/acme:v2"
    );

    // A manifest that the API server refuses fails the Kustomization with the refusal, and nothing is applied.
    let refused = released.replace("quantity: 2", "quantity: -2");
    let commit = repository.commit(&[("acme.yaml", refused)]);
    sync(&place, &flux, "refused").await;
    let failed = ready(&place, &flux, &commit, "False").await;
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("spec.processes.web.quantity") && message.contains("acme"),
        "{failed}"
    );

    // So does one that only the controller can judge.
    let stalled = released.replace("command: ./bin/web", "command: ./bin/web 'unclosed");
    let commit = repository.commit(&[("acme.yaml", stalled)]);
    sync(&place, &flux, "stalled").await;
    let failed = ready(&place, &flux, &commit, "False").await;
    assert_eq!(failed["reason"], "HealthCheckFailed", "{failed}");
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("App/flux/acme"), "{failed}");
    let own = place.condition("acme", "Stalled", "InvalidSpec").await;
    assert!(own.contains("web"), "{own}");
    let commit = repository.commit(&[("acme.yaml", released)]);
    sync(&place, &flux, "mended").await;
    ready(&place, &flux, &commit, "True").await;

    // An App that leaves the repository is deleted, with all that it has.
    let commit = repository.commit(&[("shop.yaml", String::new())]);
    sync(&place, &flux, "pruned").await;
    ready(&place, &flux, &commit, "True").await;
    place.wait("app", "shop", "delete");
    let left = place.aws.see().await.services;
    assert!(left.keys().all(|name| name.starts_with("acme_")), "{left:?}");

    // Deleting the Kustomization waits until the last App is gone, with all that it had.
    place.kubectl(&["delete", "kustomization", "apps", "--timeout=80s"]);
    assert_eq!(place.kubectl(&["get", "apps.empire.dev", "-o", "name"]), "");
    assert_eq!(place.aws.see().await, Seen::default());
}
