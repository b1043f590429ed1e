//! The health endpoints, and what they go by. `/readyz` says whether the controller sees what changes in the cluster and
//! may act on it; `/healthz`, whether it gets anywhere. Both name what is wrong in their bodies. `/queue` shows what waits.

mod server;

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;

pub use self::server::serve;

/// The time for which a watch may fail until the controller is not ready.
const FAILING: Duration = Duration::from_mins(1);
/// The time that a pass may take until the controller is taken to be stuck. A call ends within a minute by itself, and a pass
/// that writes much makes hundreds.
const STUCK: Duration = Duration::from_mins(30);

/// Shared by whatever has something to say about the controller's health.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

/// Something wrong with the cluster that an operator must set right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub message: String,
    /// Nothing may be written to AWS before.
    pub stops_writes: bool,
}

#[derive(Default)]
struct State {
    /// The caches are filled, and Apps are being reconciled.
    started: bool,
    /// By what is watched or asked for.
    watches: BTreeMap<&'static str, Watch>,
    obstacle: Option<Obstacle>,
    /// When each pass that is under way began.
    passes: BTreeMap<u64, (String, Instant)>,
    begun: u64,
    /// Gives what waits for a pass, as JSON.
    queue: Option<ShowQueue>,
}

type ShowQueue = Arc<dyn Fn() -> String + Send + Sync>;

#[derive(Default)]
struct Watch {
    /// Since when it fails, and how.
    failing: Option<(Instant, String)>,
    successes: u64,
}

/// A pass under way, until it is dropped.
pub struct Running {
    health: Health,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.health.lock().passes.remove(&self.number);
    }
}

impl Health {
    pub fn started(&self) {
        self.lock().started = true;
    }

    pub fn succeeded(&self, watch: &'static str) {
        let mut state = self.lock();
        let watch = state.watches.entry(watch).or_default();
        watch.failing = None;
        watch.successes += 1;
    }

    pub fn failed(&self, watch: &'static str, why: String) {
        let mut state = self.lock();
        let watch = state.watches.entry(watch).or_default();
        let since = watch.failing.take().map_or_else(Instant::now, |(since, _)| since);
        watch.failing = Some((since, why));
    }

    /// Returns the number of times that a watch has succeeded.
    pub fn successes(&self, watch: &'static str) -> u64 {
        self.lock().watches.get(watch).map_or(0, |watch| watch.successes)
    }

    /// Sets what is in the way. Returns true if that is something else than before.
    pub fn set_obstacle(&self, obstacle: Option<Obstacle>) -> bool {
        let mut state = self.lock();
        let changed = state.obstacle != obstacle;
        state.obstacle = obstacle;
        changed
    }

    pub fn obstacle(&self) -> Option<Obstacle> {
        self.lock().obstacle.clone()
    }

    /// Notes that a pass over an object has begun.
    pub fn pass(&self, object: String) -> Running {
        let mut state = self.lock();
        state.begun += 1;
        let number = state.begun;
        state.passes.insert(number, (object, Instant::now()));
        Running {
            health: self.clone(),
            number,
        }
    }

    /// Sets what `/queue` shows: JSON.
    pub fn show_queue(&self, show: impl Fn() -> String + Send + Sync + 'static) {
        self.lock().queue = Some(Arc::new(show));
    }

    fn queue(&self) -> String {
        let show = self.lock().queue.clone();
        show.map_or_else(|| "{}".into(), |show| show())
    }

    /// Everything that keeps the controller from seeing or doing what it should.
    fn unready(&self, now: Instant) -> Vec<String> {
        let state = self.lock();
        let obstacle = state.obstacle.iter().map(|obstacle| obstacle.message.clone());
        let mut why: Vec<String> = obstacle.collect();
        for (name, watch) in &state.watches {
            if let Some((since, words)) = &watch.failing
                && now.duration_since(*since) >= FAILING
            {
                let seconds = now.duration_since(*since).as_secs();
                why.push(format!("{name}: failing for {seconds} s: {words}"));
            }
        }
        if !state.started && why.is_empty() {
            why.push("the Apps and Platforms of the cluster have not been read yet".into());
        }
        why
    }

    /// The passes that take longer than any pass should.
    fn stuck(&self, now: Instant) -> Vec<String> {
        let state = self.lock();
        let passes = state.passes.values();
        let late = passes.filter(|(_, begun)| now.duration_since(*begun) >= STUCK);
        late.map(|(object, begun)| {
            let seconds = now.duration_since(*begun).as_secs();
            format!("the pass over {object} has taken {seconds} s and has not ended")
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every statement leaves it whole, so what a panic left behind is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sockets of an address. `[::]` stands for both families, however the node is set up: where IPv6 is off it is
/// `0.0.0.0`, and where IPv6 sockets take no IPv4 it is both.
pub async fn bind(address: SocketAddr) -> Result<Vec<TcpListener>, Error> {
    let named = |error: Error| Error::new(error.kind(), format!("--health-address {address}: {error}"));
    let first = TcpListener::bind(address).await;
    if address.ip() != Ipv6Addr::UNSPECIFIED {
        return Ok(vec![first.map_err(named)?]);
    }
    let port = first
        .as_ref()
        .ok()
        .and_then(|first| Some(first.local_addr().ok()?.port()));
    let port = port.unwrap_or(address.port());
    let second = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(vec![first, second]),
        // The usual case: the first one takes both families, and the second is in its way.
        (Ok(first), Err(_)) => Ok(vec![first]),
        (Err(error), Ok(second)) if error.kind() != ErrorKind::AddrInUse => Ok(vec![second]),
        (Err(error), _) => Err(named(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_watch_that_fails_for_a_minute_is_not_ready_until_it_succeeds() {
        let health = Health::default();
        assert_eq!(health.unready(after(0)).len(), 1);
        health.started();
        assert!(health.unready(after(0)).is_empty());
        health.failed("apps", "refused".into());
        assert!(health.unready(after(50)).is_empty());
        assert!(health.unready(after(61))[0].starts_with("apps: failing for 6"));
        // Failing again is no new beginning.
        health.failed("apps", "still refused".into());
        assert!(health.unready(after(61))[0].ends_with("still refused"));
        // Another watch is no consolation.
        health.succeeded("platforms");
        assert_eq!(health.unready(after(61)).len(), 1);
        health.succeeded("apps");
        assert!(health.unready(after(600)).is_empty());
        assert_eq!((health.successes("apps"), health.successes("namespaces")), (1, 0));
    }

    #[test]
    fn what_is_in_the_way_is_not_ready_at_once() {
        let health = Health::default();
        health.started();
        let old = || Obstacle {
            message: "old".into(),
            stops_writes: true,
        };
        assert!(health.set_obstacle(Some(old())));
        assert!(!health.set_obstacle(Some(old())));
        assert_eq!(health.unready(after(0)), ["old"]);
        assert!(health.set_obstacle(None));
        assert!(health.unready(after(0)).is_empty());
    }

    #[test]
    fn a_pass_that_does_not_end_is_stuck() {
        let health = Health::default();
        let running = health.pass("shop/acme".into());
        drop(health.pass("shop/other".into()));
        assert!(health.stuck(after(60)).is_empty());
        let stuck = health.stuck(after(31 * 60));
        assert!(stuck.len() == 1 && stuck[0].contains("shop/acme"), "{stuck:?}");
        drop(running);
        assert!(health.stuck(after(31 * 60)).is_empty());
    }

    #[tokio::test]
    async fn the_default_address_is_heard_on_both_families() {
        let listeners = bind((Ipv6Addr::UNSPECIFIED, 0).into()).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        tokio::spawn(serve(listeners, Health::default(), Metrics::default()));
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let other = tokio::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await;
        // A machine without IPv6 has no such address.
        assert!(other.is_ok() || TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named_with_its_flag() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind(address).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("--health-address {address}: ")),
            "{error}"
        );
    }
}
