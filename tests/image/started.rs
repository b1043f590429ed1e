//! What is in the image, started from its own file system and nothing else, as the user that it names: by root with chroot(8),
//! by others in a user namespace of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::Value;
use similar_asserts::assert_eq;
use tempfile::TempDir;

use super::support::control_plane::ControlPlane;
use super::support::controller::{Controller, Version, install};
use super::support::kubectl::Kubectl;
use super::{BUILT, printed};

const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// An image that is unpacked, with what a kubelet adds to it: the account's token, and the API server's address.
struct Pod {
    root: TempDir,
    /// Starts the image's program in there, with the arguments that it is given.
    start: PathBuf,
    beside: TempDir,
}

impl Pod {
    fn new() -> Self {
        let (root, beside) = (BUILT.unpack(), tempfile::tempdir().unwrap());
        // mkdtemp(3) makes it the owner's alone.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let pod = Pod {
            start: beside.path().join("start"),
            root,
            beside,
        };
        pod.starts_with("");
        pod
    }

    /// Writes the script, with these variables.
    fn starts_with(&self, variables: &str) {
        let is_root = printed(Command::new("id").arg("-u")).trim_end() == "0";
        let enter = if is_root {
            "chroot --userspec=65532:65532"
        } else {
            "unshare --user --map-root-user chroot"
        };
        let root = self.root.path().display();
        let script = format!(
            "#!/bin/sh\nunset KUBECONFIG HOME SSL_CERT_FILE SSL_CERT_DIR\n\
             {variables}exec {enter} {root} /empire-controller \"$@\"\n"
        );
        fs::write(&self.start, script).unwrap();
        fs::set_permissions(&self.start, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Gives it what a pod of the account `empire-controller` gets.
    fn joins(&self, administrator: &Kubectl) {
        let config = ["config", "view", "--raw", "--minify", "--output=json"];
        let config: Value = serde_json::from_str(&administrator.run(&config, "").unwrap()).unwrap();
        let cluster = &config["clusters"][0]["cluster"];
        let authority = cluster["certificate-authority-data"].as_str().unwrap();
        let authority = BASE64.decode(authority.as_bytes()).unwrap();
        let account = [
            "create",
            "token",
            "empire-controller",
            "--namespace=empire-system",
        ];
        let token = administrator.run(&account, "").unwrap();
        let folder = self.root.path().join(ACCOUNT);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("token"), token.trim_end()).unwrap();
        fs::write(folder.join("ca.crt"), authority).unwrap();
        fs::write(folder.join("namespace"), "empire-system").unwrap();
        let server = cluster["server"].as_str().unwrap().trim_start_matches("https://");
        let (host, port) = server.rsplit_once(':').unwrap();
        self.starts_with(&format!(
            "export KUBERNETES_SERVICE_HOST={host} KUBERNETES_SERVICE_PORT={port}\n"
        ));
    }
}

#[test]
fn the_program_says_its_version() {
    let said = printed(Command::new(Pod::new().start).arg("--version"));
    assert_eq!(
        said.trim_end(),
        concat!("empire-controller ", env!("CARGO_PKG_VERSION"))
    );
}

/// AWS, as far as it refuses all that it is asked: HTTPS on 127.0.0.1, with a certificate of an authority of its own.
struct Refuses {
    process: Child,
    url: String,
    authority: String,
}

const REFUSES: &str = r#"
import http.server, ssl, sys
class Refuses(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b"<ErrorResponse><Error><Code>InvalidInput</Code><Message>no such thing</Message></Error></ErrorResponse>"
        self.send_response(400)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Makes a certificate and its key in a folder.
fn certificate(folder: &Path, name: &str, arguments: &[&str]) -> [PathBuf; 2] {
    let [certificate, key] = ["pem", "key"].map(|extension| folder.join(name).with_extension(extension));
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}")])
        .args(arguments)
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key);
    printed(&mut openssl);
    [certificate, key]
}

impl Refuses {
    fn start(folder: &Path) -> Self {
        let [authority, its_key] = certificate(folder, "authority", &[]);
        let signed = [
            "-CA",
            authority.to_str().unwrap(),
            "-CAkey",
            its_key.to_str().unwrap(),
            "-addext",
            "basicConstraints=CA:FALSE",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ];
        let [certificate, key] = certificate(folder, "server", &signed);
        let mut process = Command::new("python3")
            .args(["-c", REFUSES])
            .arg(&certificate)
            .arg(&key)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        Refuses {
            process,
            url: format!("https://127.0.0.1:{}", port.trim_end()),
            authority: fs::read_to_string(authority).unwrap(),
        }
    }
}

impl Drop for Refuses {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until the Platform says this of itself.
fn wait_for(administrator: &Kubectl, controller: &Controller, message: &str) {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let path = "--output=jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
        let said = administrator
            .run(&["get", "platform", "staging", path], "")
            .unwrap();
        if said.contains(message) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not {message}, but {said}\n{}",
            controller.end_of_log()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_controller_gets_ready_and_trusts_the_authorities_in_its_image() {
    let control_plane = ControlPlane::start(true);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let pod = Pod::new();
    pod.joins(administrator);
    let authorities = pod.root.path().join(AUTHORITIES);
    let text = fs::read_to_string(&authorities).unwrap();
    assert!(text.matches("BEGIN CERTIFICATE").count() > 100);
    let aws = Refuses::start(pod.beside.path());
    let platform = ["apply", "--server-side", "-f", "deploy/examples/platform.yaml"];
    administrator.run(&platform, "").unwrap();

    let start = || {
        let version = Version {
            binary: &pod.start,
            log: "image.log",
        };
        let endpoint = [("AWS_ENDPOINT_URL".to_owned(), aws.url.clone())];
        // Ready, as its probe in deploy/base asks.
        Controller::launch_version(administrator, &version, &[], &endpoint).ready()
    };
    let controller = start();
    wait_for(administrator, &controller, "UnknownIssuer");
    drop(controller);
    fs::write(&authorities, text + &aws.authority).unwrap();
    let controller = start();
    wait_for(administrator, &controller, "no such thing");
}
