//! Watches that come back soon after the API server does, and say how they are.
//!
//! kube's watcher emits nothing when a watch begins again, so that its own backoff is reset by the next event, however
//! late that is, and nobody can tell a watch that is well from one that is not. So the responses themselves are noted, by
//! `transport`.

pub(super) mod lists;

use std::time::{Duration, Instant};

use futures::{Stream, StreamExt, TryStreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{Error, Event, Result};
use tracing::{debug, warn};

pub(in crate::controller) use self::lists::{LARGE_PAGE, PAGE, objects};
use super::error::message_of;
use crate::health::Health;

/// After the first failure.
const SHORTEST: Duration = Duration::from_millis(500);
/// However long the API server is away: an edit is seen this long after its return at the latest.
const LONGEST: Duration = Duration::from_secs(15);
/// A history that is gone twice within this time is waited for like any other failure.
const RELIST: Duration = Duration::from_secs(5);

pub(in crate::controller) const APPS: &str = "watch of Apps";
pub(in crate::controller) const PLATFORMS: &str = "watch of Platforms";
pub(in crate::controller) const CLAIMS: &str = "watch of PortAllocations";
pub(in crate::controller) const RUNS: &str = "watch of Runs";
pub(in crate::controller) const NAMESPACES: &str = "watch of namespaces";

/// Returns the name of the watch that a request begins, if it is one of ours.
pub(super) fn watched(path: &str, query: &str) -> Option<&'static str> {
    if !query.split('&').any(|pair| pair == "watch=true") {
        return None;
    }
    match path.rsplit('/').next() {
        Some("apps") => Some(APPS),
        Some("platforms") => Some(PLATFORMS),
        Some("portallocations") => Some(CLAIMS),
        Some("runs") => Some(RUNS),
        Some("namespaces") => Some(NAMESPACES),
        Some(_) | None => None,
    }
}

/// The events of a watch, which waits between failures, and not at all before it lists again where the API server has
/// forgotten what came next (410).
pub(in crate::controller) fn patient<K, E>(
    events: E,
    watch: &'static str,
    health: &Health,
) -> impl Stream<Item = Result<Event<K>>> + Send + use<K, E>
where
    K: Send,
    E: Stream<Item = Result<Event<K>>> + Send,
{
    let noted = health.clone();
    let mut relisted: Option<Instant> = None;
    let events = events.filter(move |event| {
        let is_gone = event.as_ref().is_err_and(is_gone);
        let relists = is_gone && relisted.is_none_or(|at| at.elapsed() > RELIST);
        if relists {
            relisted = Some(Instant::now());
        }
        std::future::ready(!relists)
    });
    let events = events
        .inspect_ok({
            let health = health.clone();
            move |event| match event {
                // The list is still to come.
                Event::Init => {}
                Event::InitApply(_) | Event::InitDone | Event::Apply(_) | Event::Delete(_) => {
                    health.succeeded(watch);
                }
            }
        })
        .inspect_err(move |error| {
            let why = why(error);
            if noted.obstacle().is_some() {
                // Said already, once, with what to do about it.
                debug!(watch, error = why, "watch failed");
            } else if is_forbidden(error) {
                warn!(
                    watch,
                    error = why,
                    "watch denied, and begins again: the service account lacks what deploy/base/rbac.yaml grants"
                );
            } else {
                warn!(watch, error = why, "watch failed, and begins again");
            }
            noted.failed(watch, why);
        });
    let patience = Patience {
        health: health.clone(),
        watch,
        successes: 0,
        failures: 0,
    };
    events.backoff(patience)
}

fn is_gone(error: &Error) -> bool {
    match error {
        Error::WatchError(status) => status.code == 410,
        Error::InitialListFailed(_)
        | Error::WatchStartFailed(_)
        | Error::WatchFailed(_)
        | Error::NoResourceVersion => false,
    }
}

fn is_forbidden(error: &Error) -> bool {
    match error {
        Error::WatchError(status)
        | Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status))
        | Error::WatchFailed(kube::Error::Api(status)) => status.is_forbidden(),
        Error::InitialListFailed(_)
        | Error::WatchStartFailed(_)
        | Error::WatchFailed(_)
        | Error::NoResourceVersion => false,
    }
}

/// In message, down to the cause.
fn why(error: &Error) -> String {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            message_of(error)
        }
        Error::WatchError(status) => status.message.clone(),
        Error::NoResourceVersion => error.to_string(),
    }
}

/// Doubles with each failure since the watch last succeeded.
struct Patience {
    health: Health,
    watch: &'static str,
    successes: u64,
    failures: u32,
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let successes = self.health.successes(self.watch);
        if self.successes != successes {
            (self.successes, self.failures) = (successes, 0);
        }
        let wait = SHORTEST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // What failed together does not come back together.
        Some(wait.mul_f64(0.75 + 0.25 * fastrand::f64()))
    }
}

impl Backoff for Patience {
    /// Does nothing: each list that begins counts as a success here, also if it fails.
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use kube::core::Status;

    use super::*;

    fn expired() -> Result<Event<u8>> {
        let status = Status::failure("too old resource version", "Expired").with_code(410);
        Err(Error::WatchError(status.boxed()))
    }

    fn seen(events: Vec<Result<Event<u8>>>) -> (Vec<Result<Event<u8>>>, Health) {
        let health = Health::default();
        let events = patient(stream::iter(events), APPS, &health);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        (runtime.block_on(events.collect()), health)
    }

    #[test]
    fn a_watch_whose_history_is_gone_lists_again_at_once() {
        let (seen, health) = seen(vec![
            Ok(Event::InitDone),
            expired(),
            Ok(Event::Init),
            Ok(Event::InitDone),
        ]);
        assert!(seen.iter().all(Result::is_ok), "{seen:?}");
        assert_eq!(health.successes(APPS), 2);
    }

    #[test]
    fn one_that_is_gone_again_at_once_waits() {
        let (seen, _) = seen(vec![expired(), Ok(Event::Init), expired(), Ok(Event::InitDone)]);
        assert_eq!(seen.iter().filter(|event| event.is_err()).count(), 1);
    }

    #[test]
    fn the_wait_doubles_to_15_seconds_and_begins_anew_after_a_success() {
        let health = Health::default();
        let mut patience = Patience {
            health: health.clone(),
            watch: APPS,
            successes: 0,
            failures: 0,
        };
        let mut waits = |number: usize| -> Vec<f64> {
            patience
                .by_ref()
                .take(number)
                .map(|wait| wait.as_secs_f64())
                .collect()
        };
        for (wait, longest) in waits(8)
            .into_iter()
            .zip([0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0])
        {
            assert!(wait <= longest && wait >= 0.7 * longest, "{wait} of {longest}");
        }
        health.succeeded(PLATFORMS);
        assert!(waits(1)[0] > 10.0);
        health.succeeded(APPS);
        assert!(waits(1)[0] <= 0.5);
    }

    #[test]
    fn a_watch_is_known_by_its_request() {
        let check = |uri: &str, expected| {
            let uri: http::Uri = uri.parse().unwrap();
            assert_eq!(
                watched(uri.path(), uri.query().unwrap_or_default()),
                expected,
                "{uri}"
            );
        };
        check(
            "/apis/empire.dev/v1alpha1/apps?watch=true&timeoutSeconds=290",
            Some(APPS),
        );
        check("/apis/empire.dev/v1alpha1/platforms?&watch=true", Some(PLATFORMS));
        check(
            "/api/v1/namespaces?timeoutSeconds=290&watch=true",
            Some(NAMESPACES),
        );
        check("/apis/empire.dev/v1alpha1/apps?limit=500", None);
        check(
            "/apis/empire.dev/v1alpha1/portallocations?watch=true",
            Some(CLAIMS),
        );
        check("/apis/empire.dev/v1alpha1/runs?watch=true", Some(RUNS));
        check("/apis/empire.dev/v1alpha1/others?watch=true", None);
    }
}
