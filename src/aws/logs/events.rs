//! What was logged: read in the name of a person, whose credentials the SDK finds, and never by the controller.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_cloudwatchlogs::types as sdk;

use crate::aws::Result;
use crate::aws::answer::Answering;
use crate::aws::clients::timeouts;
use crate::aws::credentials::checked;
use crate::aws::error::Call;
use crate::aws::wire::text;

const FILTER: Call = Call::read("logs:FilterLogEvents");

/// AWS takes few of these calls a second, and each person has them to share with all who read in the account:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>.
const ATTEMPTS: u32 = 8;

/// The log streams to read, and from when on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    pub group: String,
    /// `None`: all of the group.
    pub stream_prefix: Option<String>,
    /// Milliseconds since 1970.
    pub since: i64,
    /// Likewise; `None`: as far as there is something.
    pub until: Option<i64>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogEvent {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Unique in its log group.
    pub id: String,
    pub stream: String,
    pub message: String,
}

/// A part of the events of a query, in order of their times. There may be none in it, and another page all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    pub events: Vec<LogEvent>,
    /// Leads to the next page; `None` after the last.
    pub next: Option<String>,
}

/// Reads the events of one region.
#[derive(Clone, Debug)]
pub struct LogReader {
    client: aws_sdk_cloudwatchlogs::Client,
}

impl LogReader {
    /// Reads the environment and the profile files; connects, and asks for credentials, only in the first call.
    pub async fn connect(region: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts())
            .load()
            .await;
        LogReader {
            client: aws_sdk_cloudwatchlogs::Client::new(&checked(config)),
        }
    }

    /// Returns a page of what streams with the prefix have, those of several interleaved by time:
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>.
    pub async fn page(&self, query: &LogQuery, next: Option<&str>) -> Result<LogPage> {
        let reply = self
            .client
            .filter_log_events()
            .log_group_name(&query.group)
            .set_log_stream_name_prefix(query.stream_prefix.clone())
            .start_time(query.since)
            .set_end_time(query.until)
            .set_next_token(next.map(Into::into))
            .send()
            .answering(FILTER)
            .await?;
        Ok(LogPage {
            events: reply.events().iter().filter_map(read).collect(),
            next: text(reply.next_token()),
        })
    }
}

/// Returns nothing of an event without a time or a stream, which AWS never sends.
fn read(event: &sdk::FilteredLogEvent) -> Option<LogEvent> {
    let (timestamp, stream) = (event.timestamp()?, text(event.log_stream_name())?);
    let message = event.message().unwrap_or_default();
    Some(LogEvent {
        timestamp,
        id: event.event_id().unwrap_or_default().into(),
        stream,
        message: message.trim_end_matches(['\r', '\n']).into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::replay::{self, Replay};

    #[tokio::test]
    async fn a_page_is_asked_for_by_prefix_and_time_and_lines_end_without_their_end() {
        let event = json!({
            "logStreamName": "web/web/0123", "timestamp": 1_700_000_000_500_i64, "message": "hello\n",
            "ingestionTime": 1_700_000_001_000_i64, "eventId": "37",
        });
        let reply = json!({ "events": [event, { "message": "of no time" }], "searchedLogStreams": [], "nextToken": "t2" });
        let aws = Replay::new([replay::json(&reply)]);
        let reader = LogReader {
            client: aws.clients.logs.clone(),
        };
        let query = LogQuery {
            group: "/empire/staging/shop/acme".into(),
            stream_prefix: Some("web/web/".into()),
            since: 1_700_000_000_000,
            until: Some(1_700_000_060_000),
        };
        let page = reader.page(&query, Some("t1")).await.unwrap();
        let expected = LogEvent {
            timestamp: 1_700_000_000_500,
            id: "37".into(),
            stream: "web/web/0123".into(),
            message: "hello".into(),
        };
        assert_eq!(
            page,
            LogPage {
                events: vec![expected],
                next: Some("t2".into())
            }
        );
        let sent = aws.only();
        assert_eq!(sent.target, "FilterLogEvents");
        assert_eq!(
            sent.json(),
            json!({
                "logGroupName": "/empire/staging/shop/acme", "logStreamNamePrefix": "web/web/",
                "startTime": 1_700_000_000_000_i64, "endTime": 1_700_000_060_000_i64, "nextToken": "t1",
            })
        );
    }
}
