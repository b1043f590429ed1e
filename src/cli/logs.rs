//! `kubectl empire logs`: what the tasks of an App have logged to CloudWatch Logs, of all tasks by time, with the AWS credentials of
//! whoever runs it.

mod merge;
mod print;
mod sources;
mod troubles;

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use kube::api::Api;
use tokio::time::{MissedTickBehavior, interval};

use self::merge::{Feed, Follow, earliest};
use self::print::Printer;
use self::sources::{Query, of_run, queries, sources};
use self::troubles::Troubles;
use super::cluster::{ClusterArguments, app_name};
use super::{Ended, Failure, Output};
use crate::api::run::Run;
use crate::aws::{AwsError, Fault, LogEvent, LogPage, LogQuery, LogReader};
use crate::config::{self, label};
use crate::controller::message_of;

/// What is new is asked for this often, and more seldom where there is more to ask for: AWS takes as few as 5 such calls a second
/// in an account (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>).
const TICK: Duration = Duration::from_secs(2);
const TICK_OF_EACH: Duration = Duration::from_millis(500);

/// So much, in milliseconds, a clock may be fast whose lines are shown all the same. Without an end, an App that logs faster than
/// it is read would be read for ever.
const SKEW: i64 = 300_000;

#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// The App
    #[arg(value_name = "APP", value_parser = app_name)]
    pub name: String,

    /// The process [default: all that log to CloudWatch Logs]
    #[arg(value_name = "PROCESS")]
    pub process: Option<String>,

    /// A Run of the App, in place of its processes
    #[arg(long, value_parser = label, conflicts_with_all = ["process", "container"])]
    pub run: Option<String>,

    /// Name of the container [default: that of the process]
    #[arg(long)]
    pub container: Option<String>,

    /// Go on with what is logged from now on, until stopped
    #[arg(long)]
    pub follow: bool,

    /// Begin so long ago, such as 90s, 10m, 2h or 3d
    #[arg(long, default_value = "10m", value_parser = ago)]
    pub since: SignedDuration,

    /// Begin with so many of the newest lines since then
    #[arg(long, value_name = "LINES")]
    pub tail: Option<usize>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of what is printed
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// Days, too, which no other duration here takes.
fn ago(text: &str) -> Result<SignedDuration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
    let hours = days.and_then(|days| days.checked_mul(24));
    let given = match hours {
        Some(hours) => SignedDuration::try_from_hours(hours).filter(|given| !given.is_negative()),
        None => config::duration(text)
            .ok()
            .and_then(|given| SignedDuration::try_from(given).ok()),
    };
    given
        .filter(|given| Timestamp::UNIX_EPOCH.checked_add(*given).is_ok())
        .ok_or_else(|| "must be a number and s, m, h or d, such as 10m".into())
}

/// Prints what was logged since, and goes on, if that is wanted.
pub(super) async fn logs(arguments: &Logs, program: &str) -> Ended {
    let asked = asked(arguments, program).await?;
    let now = Timestamp::now();
    let since = now.checked_sub(arguments.since).unwrap_or(Timestamp::UNIX_EPOCH);
    // AWS takes no time before 1970.
    let since = since.as_millisecond().max(0);
    let mut streams = Vec::new();
    for query in asked {
        streams.push(Stream {
            reader: LogReader::connect(&query.region).await,
            sent: LogQuery {
                group: query.group.clone(),
                stream_prefix: query.prefix.clone(),
                since,
                until: Some(now.as_millisecond().saturating_add(SKEW)),
            },
            follow: Follow::from(since),
            trouble: None,
            is_told: false,
            query,
        });
    }
    let printer = Printer::new(arguments.output);
    match run(&mut streams, arguments, &printer, program).await {
        // Whoever reads has seen enough.
        Err(error) if is_closed(&error) => Ok(ExitCode::SUCCESS),
        ended => ended.map(|()| ExitCode::SUCCESS),
    }
}

/// Returns what is to be read; says which processes log elsewhere.
async fn asked(arguments: &Logs, program: &str) -> Result<Vec<Query>, Failure> {
    let cluster = arguments.cluster.connect().await?;
    if let Some(name) = &arguments.run {
        let runs: Api<Run> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
        let run = runs.get(name).await;
        let run = run.map_err(|error| format!("read Run {name}: {}", message_of(&error)))?;
        if run.spec.app != arguments.name {
            return Err(format!("--run: Run {name} is one of App {}", run.spec.app).into());
        }
        return Ok(vec![of_run(&run)?]);
    }
    let app = cluster.app(&arguments.name).await?;
    let (sources, elsewhere) = sources(&app, arguments)?;
    for note in elsewhere {
        eprintln!("{program}: {note}");
    }
    Ok(queries(&app, sources))
}

fn is_closed(error: &Failure) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// What one query asks for.
struct Stream {
    query: Query,
    reader: LogReader,
    sent: LogQuery,
    follow: Follow,
    /// Why it is not read any more.
    trouble: Option<AwsError>,
    is_told: bool,
}

async fn run(
    streams: &mut [Stream],
    arguments: &Logs,
    printer: &Printer,
    program: &str,
) -> Result<(), Failure> {
    history(streams, arguments, printer, program).await?;
    tell(streams, program)?;
    if !arguments.follow {
        return Ok(());
    }
    let each = u32::try_from(streams.len()).unwrap_or(u32::MAX);
    let mut ticks = interval(TICK.max(TICK_OF_EACH.saturating_mul(each)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut news = Vec::new();
        for (index, stream) in streams.iter_mut().enumerate() {
            if stream.trouble.is_some() {
                continue;
            }
            match stream.news().await {
                Ok(events) => news.extend(events.into_iter().map(|event| (event, index))),
                Err(error) => stream.note(error, true, program),
            }
        }
        news.sort();
        for (event, index) in &news {
            printer.print(&streams[*index].query, event)?;
        }
        tell(streams, program)?;
    }
}

/// Says what cannot be read, once. It is an error if nothing is left to read.
fn tell(streams: &mut [Stream], program: &str) -> Result<(), Failure> {
    let is_all = streams.iter().all(|stream| stream.trouble.is_some());
    let untold = streams.iter_mut().filter(|stream| !stream.is_told);
    let mut troubles = Troubles::default();
    for stream in untold {
        if let Some(error) = &stream.trouble {
            troubles.add(&stream.query, error);
            stream.is_told = true;
        }
    }
    if is_all {
        return Err(troubles.texts().join("; ").into());
    }
    for text in troubles.texts() {
        eprintln!("{program}: {text}");
    }
    Ok(())
}

/// Prints what there is, of all streams by time, a page of each at a time. What was read is printed, whatever becomes of the rest.
async fn history(
    streams: &mut [Stream],
    arguments: &Logs,
    printer: &Printer,
    program: &str,
) -> Result<(), Failure> {
    let mut feeds: Vec<Feed> = streams.iter().map(|_| Feed::default()).collect();
    let mut newest = VecDeque::new();
    loop {
        for (stream, feed) in streams.iter_mut().zip(&mut feeds) {
            while feed.is_hungry() {
                match stream.page(feed.next(), arguments.follow).await {
                    Ok(page) => feed.take(page),
                    Err(error) => {
                        feed.end();
                        stream.note(error, arguments.follow, program);
                    }
                }
            }
        }
        let Some(index) = earliest(&feeds) else {
            break;
        };
        let Some(event) = feeds[index].pop() else {
            break;
        };
        let now = Timestamp::now().as_millisecond();
        streams[index].follow.saw(&event, now);
        match arguments.tail {
            None => printer.print(&streams[index].query, &event)?,
            Some(most) => {
                newest.push_back((index, event));
                newest.drain(..newest.len().saturating_sub(most));
            }
        }
    }
    for (index, event) in newest {
        printer.print(&streams[index].query, &event)?;
    }
    Ok(())
}

impl Stream {
    /// A group that is not there yet has nothing in it, for whoever waits for more.
    async fn page(&self, next: Option<&str>, may_be_absent: bool) -> Result<LogPage, AwsError> {
        let page = match self.reader.page(&self.sent, next).await {
            Err(error) if may_be_absent && error.fault == Fault::Absent => LogPage::default(),
            page => page?,
        };
        let events = page.events.into_iter();
        let is_asked_for = |event: &LogEvent| self.query.source_of(&event.stream).is_some();
        Ok(LogPage {
            events: events.filter(is_asked_for).collect(),
            next: page.next,
        })
    }

    /// Returns what was logged since the last time, also what AWS shows only now.
    async fn news(&mut self) -> Result<Vec<LogEvent>, AwsError> {
        let mut feed = Feed::default();
        (self.sent.since, self.sent.until) = (self.follow.since(), None);
        while feed.has_more() {
            let page = self.page(feed.next(), true).await?;
            feed.take(page);
        }
        Ok(self.follow.news(feed, Timestamp::now().as_millisecond()))
    }

    /// Notes what went wrong, and reads on only where that may pass.
    fn note(&mut self, error: AwsError, goes_on: bool, program: &str) {
        if goes_on && error.class().is_passing() {
            eprintln!("{program}: {error}; looking again");
        } else {
            self.trouble = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_so_long_ago() {
        let seconds = |text| ago(text).map(|given| given.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("10m"), Ok(600));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("3d"), Ok(259_200));
        for wrong in [
            "",
            "d",
            "-1d",
            "soon",
            "10",
            "99999999999999999d",
            "9223372036854775807d",
        ] {
            assert!(ago(wrong).is_err(), "{wrong}");
        }
    }
}
