//! First lists that take little memory: one object at a time, or few.

use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use http::Uri;
use kube::runtime::watcher::{Config, Error, Event, Result, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// The number of objects that are read at a time, where a list does not stream: an App may have more than a megabyte.
pub(in crate::controller) const PAGE: u32 = 10;
/// Likewise of objects that are small.
pub(in crate::controller) const LARGE_PAGE: u32 = 500;

/// Watches objects whose first list comes as a stream (`sendInitialEvents`), and in pages of so many from an API server that
/// has no such streams: <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>.
pub(in crate::controller) fn objects<K>(api: Api<K>, page: u32) -> impl Stream<Item = Result<Event<K>>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let streamed = watcher(api.clone(), Config::default().streaming_lists());
    let paged = move || watcher(api.clone(), Config::default().page_size(page)).boxed();
    or_in_pages(streamed.boxed(), paged)
}

fn or_in_pages<K: Send + 'static>(
    streamed: BoxStream<'static, Result<Event<K>>>,
    paged: impl Fn() -> BoxStream<'static, Result<Event<K>>> + Send,
) -> impl Stream<Item = Result<Event<K>>> + Send {
    let (mut events, mut streams) = (streamed, true);
    stream::poll_fn(move |context| {
        loop {
            let polled = pin!(&mut events).poll_next(context);
            match &polled {
                Poll::Ready(Some(Err(error))) if streams && cannot_stream(error) => {
                    (events, streams) = (paged(), false);
                }
                Poll::Ready(_) | Poll::Pending => return polled,
            }
        }
    })
}

/// The answer of one without the feature, and of one that is too old to know it.
fn cannot_stream(error: &Error) -> bool {
    match error {
        Error::WatchStartFailed(kube::Error::Api(status)) => matches!(status.code, 400 | 422),
        Error::WatchStartFailed(_)
        | Error::InitialListFailed(_)
        | Error::WatchError(_)
        | Error::WatchFailed(_)
        | Error::NoResourceVersion => false,
    }
}

/// Returns another address for a list that kube would stream from whatever the API server has in its cache: after a
/// start, a controller must not act on an older world than the one before it did.
pub(in crate::controller::kubernetes) fn of_now(uri: &Uri) -> Option<Uri> {
    let query = uri
        .query()
        .filter(|query| query.contains("sendInitialEvents=true"))?;
    let pairs = query.split('&').filter(|pair| *pair != "resourceVersion=0");
    let query = pairs.collect::<Vec<_>>().join("&");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use kube::core::Status;

    use super::*;

    fn refused(code: u16) -> Result<Event<u8>> {
        let status = Status::failure("sendInitialEvents is forbidden", "Invalid").with_code(code);
        Err(Error::WatchStartFailed(kube::Error::Api(status.boxed())))
    }

    fn seen(streamed: Vec<Result<Event<u8>>>) -> Vec<String> {
        let paged = || stream::iter([Ok(Event::InitApply(7)), refused(422)]).boxed();
        let events = or_in_pages(stream::iter(streamed).boxed(), paged);
        let events: Vec<_> = events.collect().now_or_never().unwrap();
        let text = |event: Result<Event<u8>>| {
            event.map_or_else(|error| error.to_string(), |event| format!("{event:?}"))
        };
        events.into_iter().map(text).collect()
    }

    #[test]
    fn an_api_server_that_streams_no_lists_is_asked_for_pages_once() {
        for code in [400, 422] {
            let found = seen(vec![refused(code), Ok(Event::InitDone)]);
            assert_eq!(found[0], "InitApply(7)");
            // In pages, a refusal is one.
            assert!(found[1].starts_with("failed to start watching"), "{found:?}");
            assert_eq!(found.len(), 2);
        }
        for code in [403, 404, 410, 500] {
            let found = seen(vec![refused(code), Ok(Event::InitDone)]);
            assert!(found[0].starts_with("failed to start watching"), "{found:?}");
            assert_eq!(found[1], "InitDone");
        }
    }

    #[test]
    fn a_streamed_list_is_as_new_as_the_world_and_no_other_request_is_changed() {
        let check = |uri: &str, expected: Option<&str>| {
            let found = of_now(&uri.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected);
        };
        check(
            "/apis/empire.dev/v1alpha1/apps?&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0",
            Some(
                "/apis/empire.dev/v1alpha1/apps?&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            ),
        );
        check(
            "/apis/empire.dev/v1alpha1/apps?watch=true&resourceVersion=0",
            None,
        );
        check("/apis/empire.dev/v1alpha1/apps?limit=10", None);
        check("/apis/empire.dev/v1alpha1/apps", None);
    }
}
