//! What the server says, and what it takes from nobody.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::metrics::RolloutStep;

async fn server() -> SocketAddr {
    server_within(LIMITS).await
}

async fn server_within(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new(false);
    metrics.rolled("staging", RolloutStep::Failed);
    let pages = Arc::new(Pages {
        health: Health::default(),
        metrics,
    });
    tokio::spawn(serve_within(limits, vec![listener], pages));
    address
}

/// Sends a request without a body, and returns all that comes back.
async fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{head}\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply.to_ascii_lowercase()
}

#[tokio::test]
async fn metrics_come_as_text_unless_open_metrics_is_asked_for() {
    let address = server().await;
    let text = ask(address, "GET /metrics HTTP/1.1").await;
    assert!(text.starts_with("http/1.1 200"), "{text}");
    assert!(
        text.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{text}"
    );
    assert!(text.contains("# type empire_rollouts_total counter"), "{text}");
    assert!(
        text.contains("connection: close") && !text.contains("# eof"),
        "{text}"
    );
    let open = ask(
        address,
        "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=1.0.0",
    )
    .await;
    assert!(
        open.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{open}"
    );
    assert!(open.contains("# type empire_rollouts counter"), "{open}");
    assert!(open.ends_with("# eof\n"), "{open}");
}

#[tokio::test]
async fn health_is_read_and_nothing_else_is_there() {
    let address = server().await;
    let check = async |head: &str, status: &str, body: &str| {
        let reply = ask(address, head).await;
        assert!(
            reply.starts_with(&format!("http/1.1 {status}")),
            "{head}: {reply}"
        );
        assert!(reply.ends_with(body), "{head}: {reply}");
    };
    check("GET /healthz HTTP/1.1", "200", "\r\n\r\nok\n").await;
    check("HEAD /healthz HTTP/1.1", "200", "\r\n\r\n").await;
    check("GET /readyz HTTP/1.1", "503", "have not been read yet\n").await;
    check("GET /queue HTTP/1.1", "200", "\r\n\r\n{}\n").await;
    check("GET / HTTP/1.1", "404", "are here\n").await;
    check("POST /metrics HTTP/1.1", "405", "only\n").await;
}

#[tokio::test]
async fn those_who_say_nothing_are_cut_off_so_that_all_are_served() {
    let limits = Limits {
        head: Duration::from_millis(300),
        connections: 2,
        ..LIMITS
    };
    let address = server_within(limits).await;
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let reply = ask(address, "GET /healthz HTTP/1.1").await;
    assert!(reply.ends_with("ok\n"), "{reply}");
    // Two at a time: it was the sixth.
    assert!(begun.elapsed() >= 2 * limits.head, "{:?}", begun.elapsed());
    for mut stream in silent {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    }
}
