//! What each caller's calls draw, through the SDK's own clients, whose endpoint throttles.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_ecs::config::http::HttpResponse;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use futures::FutureExt;

use super::*;
use crate::aws::clients::retries;
use crate::aws::replay::config;
use crate::aws::{AwsClients, Ecs, EcsWrites, Zones};
use crate::budget::Shares;
use crate::metrics::Metrics;
use crate::model::rank::Rank;

/// Of the rates that AWS documents: 20 service reads and 10 service writes at once, and then 4 and 1 a second.
const SHARE: f64 = 0.2;

/// Clients with the retries of real ones, whose endpoint answers so, and the number of requests that it has seen.
fn clients(status: u16, body: &'static str) -> (AwsClients, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let http = infallible_client_fn(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let status = status.try_into().unwrap();
        HttpResponse::new(status, SdkBody::from(body))
            .try_into_http1x()
            .unwrap()
    });
    let config = config(http).into_builder().retry_config(retries()).build();
    let clients = AwsClients::new(&config, &Zones::default(), &Metrics::default());
    (clients, requests)
}

const THROTTLED: &str = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}";
const NONE: &str = "{\"services\":[],\"failures\":[]}";

fn app() -> Asker {
    Asker {
        namespace: "shop".into(),
        app: "acme".into(),
        rank: Rank::Edit,
    }
}

fn caller_of(budget: &Arc<Mutex<Budget>>, kind: Kind) -> Arc<Caller> {
    Caller::new(budget.clone(), Place::default(), kind, || Timestamp::UNIX_EPOCH)
}

fn budget() -> Arc<Mutex<Budget>> {
    Arc::new(Mutex::new(Budget::new(Shares::all(SHARE))))
}

/// Counts the writes that there are tokens for.
fn tokens(budget: &Arc<Mutex<Budget>>, bucket: Bucket) -> usize {
    let mut budget = budget.lock().unwrap();
    budget.give_up("shop", "acme", Timestamp::MAX);
    let mut ask = || budget.ask(Timestamp::UNIX_EPOCH, &Place::default(), bucket, &app(), "count");
    std::iter::from_fn(|| (ask() == Answer::Go).then_some(())).count()
}

#[tokio::test]
async fn each_call_draws_one_token_and_the_first_read_of_a_pass_leaves_some() {
    for (kind, reads) in [
        // With the one that either has in any case.
        (Kind::Pass(app()), 16),
        (Kind::Sweep, 11),
        (Kind::Look, 20),
        (Kind::Other, 30),
    ] {
        let ((aws, requests), budget) = (clients(200, NONE), budget());
        let names = ["web".to_owned()];
        let read = || {
            calling(
                caller_of(&budget, kind.clone()),
                aws.describe_services("default", &names),
            )
        };
        let mut refused = None;
        for _ in 0..30 {
            refused = refused.or(read().await.err());
        }
        assert_eq!(requests.load(Ordering::Relaxed), reads, "{kind:?}");
        let left = 20_usize.saturating_sub(reads);
        assert_eq!(tokens(&budget, Bucket::EcsServiceReads), left, "{kind:?}");
        assert_eq!(refused.is_some(), reads < 30, "{kind:?}");
        if let Some(error) = refused {
            let (until, bucket) = error.later().unwrap();
            assert_eq!(bucket, Bucket::EcsServiceReads);
            assert!(until > Timestamp::UNIX_EPOCH, "{error:?}");
            assert!(error.message.contains("ecs/service-reads"), "{error}");
        }
    }
}

/// A pass that stopped halfway would read all of it again.
#[tokio::test]
async fn a_pass_that_may_read_once_reads_on() {
    let ((aws, requests), budget) = (clients(200, NONE), budget());
    let names: Vec<String> = (0..250).map(|n| format!("web-{n}")).collect();
    let pass = async {
        for _ in 0..2 {
            assert!(aws.describe_services("default", &names).await.is_ok());
        }
    };
    calling(caller_of(&budget, Kind::Pass(app())), pass).await;
    assert_eq!(requests.load(Ordering::Relaxed), 50);
    let next = calling(
        caller_of(&budget, Kind::Pass(app())),
        aws.describe_services("default", &names[..1]),
    );
    assert!(next.await.unwrap_err().later().is_some());
    assert_eq!(requests.load(Ordering::Relaxed), 50, "nothing was sent");
}

#[tokio::test]
async fn the_sdk_does_not_retry_a_throttled_write_of_a_pass_and_its_bucket_learns() {
    let write = async |kind: Option<Kind>| {
        let ((aws, requests), budget) = (clients(400, THROTTLED), budget());
        let write = aws.delete_service("default", "web");
        let error = match kind {
            Some(kind) => calling(caller_of(&budget, kind), write).await,
            None => write.await,
        };
        assert_eq!(error.unwrap_err().code, "ThrottlingException");
        (
            requests.load(Ordering::Relaxed),
            tokens(&budget, Bucket::EcsServiceWrites),
        )
    };
    assert_eq!(write(Some(Kind::Pass(app()))).await, (1, 0));
    assert_eq!(write(Some(Kind::Other)).await, (3, 0));
    assert_eq!(write(None).await, (3, 10), "no budget is told");
}

/// The door has asked for the token of the first one.
#[tokio::test]
async fn a_write_draws_a_token_for_each_attempt() {
    let ((aws, requests), budget) = (clients(503, ""), budget());
    let caller = caller_of(&budget, Kind::Pass(app()));
    let write = async {
        assert_eq!(caller.ask_to_write(Bucket::EcsServiceWrites, "web"), Answer::Go);
        aws.delete_service("default", "web").await
    };
    assert!(calling(caller.clone(), write).await.is_err());
    assert_eq!(requests.load(Ordering::Relaxed), 3);
    assert_eq!(tokens(&budget, Bucket::EcsServiceWrites), 7);
}

#[test]
fn a_write_keeps_its_turn_until_it_is_begun_and_gives_back_what_it_does_not_use() {
    let (budget, bucket) = (budget(), Bucket::EcsServiceWrites);
    let caller = caller_of(&budget, Kind::Pass(app()));
    for what in ["web", "web", "worker"] {
        assert_eq!(caller.ask_to_write(bucket, what), Answer::Go);
    }
    caller.take_turn(bucket, "web");
    calls(&caller, "ecs:DeleteService");
    assert_eq!(tokens(&budget, bucket), 8, "one sent, and one to come");

    let budget = self::budget();
    let caller = caller_of(&budget, Kind::Pass(app()));
    for what in ["web", "web", "worker"] {
        assert_eq!(caller.ask_to_write(bucket, what), Answer::Go);
    }
    caller.take_turn(bucket, "web");
    calls(&caller, "ecs:DeleteService");
    assert_eq!(caller.ask_to_write(bucket, "web"), Answer::Go, "once more");
    calls(&caller, "ecs:DeleteService");
    drop(caller);
    assert_eq!(tokens(&budget, bucket), 8, "the worker's is given back");
}

fn calls(caller: &Arc<Caller>, action: &'static str) {
    calling(caller.clone(), async { attempted(action, 1) })
        .now_or_never()
        .unwrap();
}

/// What a write rests on is read in its turn, whoever else reads.
#[test]
fn a_pass_that_has_a_turn_to_write_does_not_wait_to_read() {
    let budget = budget();
    let reads = |caller: Arc<Caller>| {
        let read = async {
            in_turn("ecs:DescribeServices")?;
            attempted("ecs:DescribeServices", 1);
            Ok::<(), AwsError>(())
        };
        calling(caller, read).now_or_never().unwrap().is_ok()
    };
    let pass = || caller_of(&budget, Kind::Pass(app()));
    let read = (0..1_000).take_while(|_| reads(pass())).count();
    assert!(read < 100, "the bucket has an end");
    let caller = pass();
    assert_eq!(caller.ask_to_write(Bucket::EcsServiceWrites, "web"), Answer::Go);
    assert!(reads(caller.clone()));
    caller.take_turn(Bucket::EcsServiceWrites, "web");
    assert!(!reads(caller));
}

#[test]
fn what_is_given_back_after_a_throttle_is_no_token() {
    let (budget, bucket) = (budget(), Bucket::EcsServiceWrites);
    let caller = caller_of(&budget, Kind::Pass(app()));
    for what in ["web", "worker"] {
        assert_eq!(caller.ask_to_write(bucket, what), Answer::Go);
    }
    let throttled = AwsError::from_code("ecs:DeleteService", "ThrottlingException", "No.");
    calling(caller.clone(), async { answered(&throttled) })
        .now_or_never()
        .unwrap();
    drop(caller);
    assert_eq!(tokens(&budget, bucket), 0);
}
