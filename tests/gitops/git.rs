//! A git repository on 127.0.0.1, served by git's own `git http-backend`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;

pub(crate) struct Repository {
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

impl Repository {
    /// One without a commit.
    pub(crate) async fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        git(
            folder.path(),
            &["init", "--bare", "--initial-branch=main", "apps.git"],
        );
        git(folder.path(), &["init", "--initial-branch=main", "work"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/apps.git", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(backend)
            .with_state(folder.path().to_owned());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Repository { url, folder }
    }

    /// Commits these files, an empty one being removed, and pushes. Returns the revision as Flux writes it.
    pub(crate) fn commit(&self, files: &[(&str, String)]) -> String {
        let work = self.folder.path().join("work");
        for (name, text) in files {
            let path = work.join(name);
            if text.is_empty() {
                fs::remove_file(path).unwrap();
            } else {
                fs::write(path, text).unwrap();
            }
        }
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--message=change"]);
        git(&work, &["push", "--quiet", "../apps.git", "main"]);
        let commit = git(&work, &["rev-parse", "HEAD"]);
        format!("main@sha1:{}", commit.trim_end())
    }
}

/// Runs git as nobody's settings would have it.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=developer",
            "-c",
            "user.email=developer@example.com",
        ])
        .args(arguments)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// The Common Gateway Interface, as far as `git http-backend` uses it.
async fn backend(State(folder): State<PathBuf>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| {
        let value = head.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROJECT_ROOT", folder)
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || answered(command, &body));
    let output = output.await.unwrap();
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut reply = Response::new(Body::from(output[end + 4..].to_vec()));
    for line in str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            let code = value.split(' ').next().unwrap();
            *reply.status_mut() = StatusCode::from_bytes(code.as_bytes()).unwrap();
        } else {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            reply
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    reply
}

fn answered(mut command: Command, body: &[u8]) -> Vec<u8> {
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // On a thread: it may answer before it has read all. A broken pipe is its way of not wanting more.
        scope.spawn(move || stdin.write_all(body));
        process.wait_with_output().unwrap().stdout
    })
}
