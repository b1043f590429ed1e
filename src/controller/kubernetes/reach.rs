//! The way to the API server: as kubectl goes, through a proxy where there is one, with an error that names the address.

use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kube::{Client, Config};
use tokio::time::timeout;
use tracing::warn;

use super::definitions::API_SERVER;
use super::error::message_of;
use super::transport::PATIENCE;
use crate::health::Health;

/// Connects, and asks the API server for its version: whether it answers at all, and within 30 s.
pub async fn reach(config: Config) -> Result<Client, String> {
    let server = Server::new(config)?;
    let answer = server.answer(PATIENCE).await;
    answer.unwrap_or_else(Err)
}

/// As [`reach`], for as long as the API server takes connections and says nothing, as one does that is not up yet: with a
/// warning for each 30 s of it.
pub async fn reach_at_last(config: Config, health: &Health) -> Result<Client, String> {
    let server = Server::new(config)?;
    loop {
        match server.answer(PATIENCE).await {
            Ok(answer) => return answer,
            Err(silent) => {
                warn!("{silent}; it is asked again");
                health.failed(API_SERVER, silent);
            }
        }
    }
}

struct Server {
    client: Client,
    /// Its address, and the proxy on the way.
    named: String,
}

impl Server {
    fn new(config: Config) -> Result<Self, String> {
        let (config, named) = proxied(config);
        match Client::try_from(config) {
            Ok(client) => Ok(Server { client, named }),
            Err(error) => Err(format!("{named}: {}", message_of(&error))),
        }
    }

    /// Asks for the version. The outer error is silence.
    async fn answer(&self, patience: Duration) -> Result<Result<Client, String>, String> {
        let Server { client, named } = self;
        match timeout(patience, client.apiserver_version()).await {
            // A hardened cluster may not tell everybody, but it has answered.
            Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => Ok(Ok(client.clone())),
            Ok(Ok(_)) => Ok(Ok(client.clone())),
            Ok(Err(error)) => Ok(Err(format!("{named}: {}", message_of(&error)))),
            Err(_) => Err(format!("{named}: no reply within {} s", patience.as_secs_f64())),
        }
    }
}

/// Leaves out a proxy that the API server is not to be reached through. Returns how the way there is called.
fn proxied(mut config: Config) -> (Config, String) {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let either = |upper: &str, lower: &str| set(upper).or_else(|| set(lower));
    let (proxy, none) = (
        either("HTTPS_PROXY", "https_proxy"),
        either("NO_PROXY", "no_proxy"),
    );
    if !is_proxied(&config, proxy.as_deref(), none.as_deref()) {
        config.proxy_url = None;
    }
    // Its user and password are nobody's business.
    let proxy = config.proxy_url.as_ref().and_then(|proxy| proxy.authority());
    let proxy = proxy.map(|proxy| proxy.as_str().rsplit('@').next().unwrap_or_default());
    let through = proxy
        .map(|proxy| format!(" through the proxy {proxy}"))
        .unwrap_or_default();
    let named = format!("the API server at {}{through}", config.cluster_url);
    (config, named)
}

/// False for a proxy that the environment sets for other addresses than the API server's. One that the kubeconfig file
/// itself names always counts. kube holds `NO_PROXY` against the proxy's own address, kubectl against the server's, and
/// kubectl goes to no address of the machine itself by a proxy of the environment:
/// <https://pkg.go.dev/net/http#ProxyFromEnvironment>.
fn is_proxied(config: &Config, of_environment: Option<&str>, no_proxy: Option<&str>) -> bool {
    let Some(proxy) = &config.proxy_url else {
        return false;
    };
    let is_of_environment = of_environment
        .and_then(|of| of.parse().ok())
        .is_some_and(|of: http::Uri| &of == proxy);
    if !is_of_environment {
        return true;
    }
    let host = config.cluster_url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let matcher = Matcher::builder()
        .all(proxy.to_string())
        .no(no_proxy.unwrap_or_default())
        .build();
    !is_local && matcher.intercept(&config.cluster_url).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(server: &str, proxy: Option<&str>) -> Config {
        let mut config = Config::new(server.parse().unwrap());
        config.proxy_url = proxy.map(|proxy| proxy.parse().unwrap());
        config
    }

    #[test]
    fn the_proxy_of_the_environment_is_for_what_no_proxy_leaves_and_that_of_the_file_for_all() {
        let (of_file, of_environment) = ("http://file.example.com:3128", "http://proxy.example.com:3128");
        let check = |server: &str, proxy: Option<&str>, no_proxy: &str, expected: bool| {
            let config = config(server, proxy);
            let found = is_proxied(&config, Some(of_environment), Some(no_proxy));
            assert_eq!(found, expected, "{server} by {proxy:?} but {no_proxy}");
        };
        let server = "https://k8s.example.com:6443";
        check(server, None, "", false);
        check(server, Some(of_environment), "", true);
        check(server, Some(of_environment), "other.example.com,10.0.0.0/8", true);
        check(server, Some(of_environment), ".example.com", false);
        check(server, Some(of_environment), "k8s.example.com", false);
        check("https://10.1.2.3:6443", Some(of_environment), "10.0.0.0/8", false);
        check(server, Some(of_file), ".example.com", true);
        check("https://127.0.0.1:6443", Some(of_file), "", true);
        for local in [
            "https://127.0.0.1:6443",
            "https://localhost:6443",
            "https://[::1]:6443",
        ] {
            check(local, Some(of_environment), "", false);
        }
    }

    #[tokio::test]
    async fn an_api_server_that_says_nothing_is_named_and_not_waited_for() {
        // Its backlog takes the connection.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let server = Server::new(config(&url, None)).unwrap();
        let answer = server.answer(Duration::from_millis(100)).await;
        let named = format!("the API server at {url}/: no reply within 0.1 s");
        assert_eq!(answer.err().unwrap(), named);
    }

    #[tokio::test]
    async fn an_api_server_out_of_reach_is_named_with_the_proxy_and_without_its_password() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let error = reach(config(&format!("https://{address}"), None))
            .await
            .err()
            .unwrap();
        assert!(
            error.starts_with(&format!("the API server at https://{address}/: ")),
            "{error}"
        );
        let proxy = format!("http://user:secret@{address}");
        let error = reach(config("https://k8s.example.com", Some(&proxy)))
            .await
            .err()
            .unwrap();
        let named = format!("the API server at https://k8s.example.com/ through the proxy {address}: ");
        assert!(error.starts_with(&named) && !error.contains("secret"), "{error}");
    }
}
