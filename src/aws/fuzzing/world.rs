//! One input, as clients of AWS are given it, and the text of what they read.

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::{Builder, Runtime};

use crate::aws::Result;
use crate::aws::clients::{AwsClients, Zones};
use crate::aws::unconnected::config;
use crate::metrics::Metrics;

const STATUSES: [u16; 10] = [200, 200, 200, 400, 403, 404, 413, 429, 500, 503];

/// Between two bodies.
const NEXT: &str = "\n---\n";

/// Bytes that the text of what was read may have for each byte that was read: the names of its fields are in it.
const GROWTH: usize = 512;

/// One input: the call, and the clients that are given its replies.
pub(super) struct World {
    pub(super) peer: Rc<Peer>,
    pub(super) call: usize,
    bytes: usize,
}

/// Clients, and what answers them.
pub(super) struct Peer {
    runtime: Option<Runtime>,
    /// With the clock that real clients have, since the credentials of a role run out.
    pub(super) loaded: Option<SdkConfig>,
    pub(super) clients: AwsClients,
    pub(super) answers: Answers,
}

thread_local! {
    /// Made once, since that takes longer than most calls do.
    static PEER: Rc<Peer> = {
        let answers = Answers::default();
        let config = answers.config();
        let runtime = Builder::new_current_thread().build().ok();
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(config.region().cloned());
        Rc::new(Peer {
            loaded: runtime.as_ref().map(|runtime| runtime.block_on(loader.load())),
            runtime,
            clients: AwsClients::new(&config, &Zones::default(), &Metrics::default()),
            answers,
        })
    };
}

impl World {
    /// Reads an input; `None` if it has no line.
    pub(super) fn of(data: &[u8]) -> Option<Self> {
        let end = data.iter().position(|byte| *byte == b'\n')?;
        let (line, bodies) = data.split_at(end);
        let [call, status, code @ ..] = line else {
            return None;
        };
        let code = str::from_utf8(code).ok().filter(|code| !code.is_empty());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_graphic()));
        let status = STATUSES[usize::from(status.wrapping_sub(b'0')) % STATUSES.len()];
        let peer = PEER.with(Rc::clone);
        peer.answers.set(status, code, split(&bodies[1..]));
        Some(World {
            peer,
            call: usize::from(call.wrapping_sub(b'a')),
            bytes: data.len(),
        })
    }

    /// Makes the calls, and checks the text of what was read.
    pub(super) fn check(&self, calls: impl Future<Output = String>) {
        let said = self.peer.runtime.as_ref().map(|runtime| runtime.block_on(calls));
        let bytes = said.as_ref().map(String::len);
        assert!(
            bytes.is_some_and(|bytes| bytes <= GROWTH * (self.bytes + 64)),
            "{bytes:?} bytes of {}",
            self.bytes
        );
    }
}

/// Returns what was read, or the error in its own words, as a text.
pub(super) fn said<T: Debug>(result: &Result<T>) -> String {
    match result {
        Ok(found) => format!("{found:?}"),
        Err(error) => format!("{error} {error:?} {:?}", error.class()),
    }
}

fn split(bodies: &[u8]) -> Vec<Vec<u8>> {
    let (mut split, mut rest) = (Vec::new(), bodies);
    let is_next = |window: &[u8]| window == NEXT.as_bytes();
    while let Some(at) = rest.windows(NEXT.len()).position(is_next) {
        split.push(rest[..at].to_vec());
        rest = &rest[at + NEXT.len()..];
    }
    split.push(rest.to_vec());
    split
}

#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Answer>>);

#[derive(Default)]
struct Answer {
    status: u16,
    code: Option<String>,
    /// The last one first.
    bodies: Vec<Vec<u8>>,
}

impl Answers {
    pub(super) fn set(&self, status: u16, code: Option<&str>, mut bodies: Vec<Vec<u8>>) {
        bodies.reverse();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Answer {
            status,
            code: code.map(ToOwned::to_owned),
            bodies,
        };
    }

    /// Without retries, so that one call is one request.
    pub(super) fn config(&self) -> SdkConfig {
        let answers = self.clone();
        let http = infallible_client_fn(move |_| answers.next());
        config(http)
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .build()
    }

    fn next(&self) -> http::Response<SdkBody> {
        let mut answer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body = match &mut *answer.bodies {
            [] => Vec::new(),
            [last] => last.clone(),
            [.., _] => answer.bodies.pop().unwrap_or_default(),
        };
        let mut reply = http::Response::builder().status(answer.status);
        if let Some(code) = &answer.code {
            reply = reply.header("x-amzn-errortype", code);
        }
        reply
            .body(SdkBody::from(body))
            .unwrap_or_else(|_| http::Response::new(SdkBody::empty()))
    }
}
