//! The controller itself: the binary that users get, as the service account that `deploy/base` makes, with what RBAC
//! grants that account and nothing more.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::kubectl::Kubectl;

/// Runs a command and kills it when stdin closes, so that it never outlives this test process.
pub(crate) const UNTIL_STDIN_CLOSES: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
{ read -r _; kill -9 "$command"; } <&3 >/dev/null 2>&1 &
wait "$command" 2>/dev/null
kill "$!" 2>/dev/null
"#;

/// Applies `crds`, and `deploy/base` without its Deployment: there are no nodes.
pub(crate) fn install(administrator: &Kubectl) {
    install_from(administrator, Path::new(env!("CARGO_MANIFEST_DIR")));
}

/// As [`install`], of the source of some version.
pub(crate) fn install_from(administrator: &Kubectl, repository: &Path) {
    for (flag, folder) in [("-f", "crds"), ("-k", "deploy/local/cluster")] {
        let folder = repository.join(folder);
        let folder = folder.to_str().unwrap();
        administrator
            .run(&["apply", "--server-side", "--force-conflicts", flag, folder], "")
            .unwrap();
    }
    // Those that this version has; what guards them is there at once.
    let files = std::fs::read_dir(repository.join("crds")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let definitions = files.filter(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        text.contains("\nkind: CustomResourceDefinition\n")
    });
    let definitions: Vec<String> = definitions
        .map(|file| format!("--filename={}", file.display()))
        .collect();
    assert!(definitions.len() >= 3, "{definitions:?}");
    let wait = ["wait", "--for=condition=Established", "--timeout=30s"];
    let definitions = definitions.iter().map(String::as_str);
    let wait: Vec<&str> = wait.into_iter().chain(definitions).collect();
    administrator.run(&wait, "").unwrap();
}

/// A controller's binary, and the name of its log, which is beside the kubeconfig.
pub(crate) struct Version<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) log: &'a str,
}

impl Version<'_> {
    fn this() -> Self {
        Version {
            binary: Path::new(env!("CARGO_BIN_EXE_empire-controller")),
            log: "controller.log",
        }
    }
}

/// A running controller. Dropped, it is gone as if by `kill -9`.
pub(crate) struct Controller {
    log: PathBuf,
    health: String,
    pub(super) process: Child,
}

impl Controller {
    /// One that has read everything and begins, alone: it need not wait for the Leases that one before it was killed with.
    pub(crate) fn start(administrator: &Kubectl, arguments: &[&str]) -> Self {
        let leases = [
            "delete",
            "leases",
            "--namespace=empire-system",
            "--selector=app.kubernetes.io/managed-by=empire-controller",
        ];
        administrator.run(&leases, "").unwrap();
        Controller::join(administrator, arguments)
    }

    /// One that has read everything, beside others.
    pub(crate) fn join(administrator: &Kubectl, arguments: &[&str]) -> Self {
        Controller::launch(administrator, arguments).ready()
    }

    /// One that has read everything, with the arguments and variables of a container.
    pub(crate) fn start_as(
        administrator: &Kubectl,
        arguments: &[String],
        variables: &[(String, String)],
    ) -> Self {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let version = Version::this();
        Controller::launch_version(administrator, &version, &arguments, variables).ready()
    }

    /// Waits until it has read everything.
    pub(crate) fn ready(self) -> Self {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_ready(&self.health) {
            assert!(Instant::now() < deadline, "not ready:\n{}", self.end_of_log());
            std::thread::sleep(Duration::from_millis(50));
        }
        self
    }

    /// One that may never be ready.
    pub(crate) fn launch(administrator: &Kubectl, arguments: &[&str]) -> Self {
        Controller::launch_version(administrator, &Version::this(), arguments, &[])
    }

    /// One whose calls to AWS are known by their access key.
    pub(super) fn launch_as(key: &str, administrator: &Kubectl, arguments: &[&str]) -> Self {
        let key = [("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned())];
        Controller::launch_version(administrator, &Version::this(), arguments, &key)
    }

    /// One of some version.
    pub(crate) fn launch_version(
        administrator: &Kubectl,
        version: &Version<'_>,
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> Self {
        let folder = administrator.kubeconfig.parent().unwrap();
        // Whoever listens there now is gone before the controller comes.
        let health = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let log = folder.join(version.log);
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let process = Command::new("sh")
            .args(["-c", UNTIL_STDIN_CLOSES, "sh"])
            .arg(version.binary)
            .arg("run")
            .args(["--health-address", &health])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig(administrator))
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("RUST_LOG", "info,empire_controller=debug")
            .env("NO_COLOR", "1")
            // Emulators take whatever comes.
            .env("EMPIRE_AWS_RATE", "1000")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Controller { log, health, process }
    }

    /// Where its health is served.
    pub(crate) fn address(&self) -> &str {
        &self.health
    }

    pub(crate) fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.process.stdin.take();
        let _ = self.process.wait();
    }
}

/// A kubeconfig for the controller's own service account.
fn kubeconfig(administrator: &Kubectl) -> PathBuf {
    let path = administrator.kubeconfig.with_file_name("controller.kubeconfig");
    std::fs::copy(&administrator.kubeconfig, &path).unwrap();
    let token = [
        "create",
        "token",
        "empire-controller",
        "--namespace=empire-system",
        "--duration=2h",
    ];
    let token = administrator.run(&token, "").unwrap();
    let controller = Kubectl {
        binary: administrator.binary.clone(),
        kubeconfig: path.clone(),
    };
    let token = format!("--token={}", token.trim());
    controller
        .run(&["config", "set-credentials", "controller", &token], "")
        .unwrap();
    controller
        .run(&["config", "set-context", "--current", "--user=controller"], "")
        .unwrap();
    path
}

fn is_ready(address: &str) -> bool {
    get(address, "/readyz", "*/*").is_ok_and(|reply| reply.starts_with("HTTP/1.1 200"))
}

/// Returns the reply of a controller's health server, head and all.
pub(crate) fn get(address: &str, path: &str, accept: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    let host = format!("Host: {address}\r\nAccept: {accept}\r\nConnection: close");
    connection.write_all(format!("GET {path} HTTP/1.1\r\n{host}\r\n\r\n").as_bytes())?;
    let mut reply = String::new();
    connection.read_to_string(&mut reply)?;
    Ok(reply)
}
