//! The log streams that an App's processes have in CloudWatch Logs, as its status tells of them.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::Logs;
use crate::api::app::{App, LogsStatus};
use crate::api::run::Run;
use crate::desired::no_process;
use crate::model::name::log_group;
use crate::model::owner::AppName;

/// The streams of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub process: String,
    pub region: String,
    pub group: String,
    /// The beginning of their names, up to the id of the task:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>.
    pub streams: String,
}

/// Streams that are asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub region: String,
    pub group: String,
    /// The beginning of their names; `None`: all of the group.
    pub prefix: Option<String>,
    pub sources: Vec<Source>,
}

impl Query {
    /// Returns whose stream it is. Names that only begin so are those of others.
    pub(super) fn source_of(&self, stream: &str) -> Option<&Source> {
        let mut sources = self.sources.iter();
        sources.find(|source| {
            let task = stream.strip_prefix(&source.streams);
            let is_whole = !source.streams.ends_with('/');
            task.is_some_and(|task| !task.contains('/') && (task.is_empty() || !is_whole))
        })
    }

    /// Returns the processes, as messages name them.
    pub(super) fn processes(&self) -> String {
        let names: Vec<&str> = self
            .sources
            .iter()
            .map(|source| source.process.as_str())
            .collect();
        names.join(", ")
    }
}

/// Returns the fewest queries: AWS takes few of them a second. All of a group is asked for at once where it is the App's own;
/// in one that others log to, too, each prefix by itself.
pub(super) fn queries(app: &App, sources: Vec<Source>) -> Vec<Query> {
    let platform = app.status.as_ref().and_then(|status| status.platform.as_ref());
    let name = AppName {
        namespace: app.namespace().unwrap_or_default().into(),
        name: app.name_any().into(),
    };
    let own = platform.map(|platform| log_group(&platform.cluster, &name));
    let mut by_streams: BTreeMap<(String, String, Option<String>), Vec<Source>> = BTreeMap::new();
    for source in sources {
        let prefix = Some(source.streams.clone()).filter(|_| own.as_ref() != Some(&source.group));
        let key = (source.region.clone(), source.group.clone(), prefix);
        by_streams.entry(key).or_default().push(source);
    }
    let query = |((region, group, prefix), sources): (_, Vec<Source>)| Query {
        region,
        group,
        prefix: match &*sources {
            [only] => Some(only.streams.clone()),
            _ => prefix,
        },
        sources,
    };
    by_streams.into_iter().map(query).collect()
}

/// Returns the stream of a Run.
pub(super) fn of_run(run: &Run) -> Result<Query, String> {
    let name = run.name_any();
    let status = run.status.as_ref();
    let log = status.and_then(|status| status.log.as_ref());
    let log = log.ok_or_else(|| {
        format!("Run {name} logs nowhere yet, as far as its status tells: it was not started, or nothing says where")
    })?;
    let Some(group) = &log.group else {
        let driver = &log.driver;
        return Err(format!(
            "Run {name} logs by the driver {driver}, and not to CloudWatch Logs: look there"
        ));
    };
    let stream = log.stream.as_ref();
    let stream = stream.ok_or_else(|| {
        format!(
            "Run {name} logs to log group {group}, in a stream that is not known (yet): aws logs tail {group}"
        )
    })?;
    let home = status.and_then(|status| status.platform.as_ref());
    let home = home.map(|platform| &platform.region);
    let region = log.region.as_ref().or(home);
    let region = region.ok_or_else(|| format!("Run {name} is on no Platform yet"))?;
    let (process, _) = parts(stream);
    let source = Source {
        process: process.into(),
        region: region.clone(),
        group: group.clone(),
        streams: stream.clone(),
    };
    Ok(Query {
        region: region.clone(),
        group: group.clone(),
        prefix: Some(stream.clone()),
        sources: vec![source],
    })
}

impl Source {
    /// Returns who has logged, as a line begins.
    pub(super) fn who(&self, container: &str, task: &str) -> String {
        /// Enough to tell those of a service.
        const ID: usize = 8;
        let short = task.get(..ID).unwrap_or(task);
        if container == self.process {
            format!("{container}/{short}")
        } else {
            format!("{}/{container}/{short}", self.process)
        }
    }
}

/// Returns the container and the id of the task of a stream.
pub(super) fn parts(stream: &str) -> (&str, &str) {
    let mut parts = stream.rsplit('/');
    let task = parts.next().unwrap_or(stream);
    (parts.next().unwrap_or_default(), task)
}

/// Returns where the processes log that are asked for, and of those that log elsewhere, where that is. It is an error if none is left.
pub(super) fn sources(app: &App, arguments: &Logs) -> Result<(Vec<Source>, Vec<String>), String> {
    let name = &arguments.name;
    let status = app.status.as_ref();
    let processes = status
        .map(|status| status.processes.as_slice())
        .unwrap_or_default();
    let mut known: BTreeMap<&str, Option<&LogsStatus>> = BTreeMap::new();
    known.extend(app.spec.processes.keys().map(|process| (process.as_str(), None)));
    known.extend(
        processes
            .iter()
            .map(|process| (process.name.as_str(), process.logs.as_ref())),
    );
    if let Some(process) = &arguments.process {
        if !known.contains_key(process.as_str()) {
            return Err(no_process(name, process, known.into_keys()));
        }
        known.retain(|known, _| known == process);
    }
    let home = status.and_then(|status| status.platform.as_ref());
    let home = home.map(|platform| platform.region.as_str());
    let (mut sources, mut elsewhere) = (Vec::new(), Vec::new());
    for (process, logs) in known {
        match source(process, logs, home, arguments.container.as_deref()) {
            Ok(source) => sources.push(source),
            Err(why) => elsewhere.push(format!("process {process} of App {name} {why}")),
        }
    }
    if sources.is_empty() {
        if elsewhere.is_empty() {
            return Err(format!("App {name} has no processes"));
        }
        return Err(elsewhere.join("; "));
    }
    Ok((sources, elsewhere))
}

fn source(
    process: &str,
    logs: Option<&LogsStatus>,
    home: Option<&str>,
    container: Option<&str>,
) -> Result<Source, String> {
    let Some(logs) = logs else {
        return Err(
            "logs as the container instances are set up, as far as its status tells: neither its Platform nor its manifest \
             says where"
                .into(),
        );
    };
    let LogsStatus {
        driver,
        group,
        region,
        stream_prefix,
    } = logs;
    if driver == "awsfirelens" {
        return Err(
            "logs to the log router of its tasks (awsfirelens), which sends it on: look there".into(),
        );
    }
    let Some(group) = group else {
        return Err(format!(
            "logs by the driver {driver}, and not to CloudWatch Logs: look there"
        ));
    };
    let Some(prefix) = stream_prefix else {
        return Err(format!(
            "logs to log group {group} without awslogs-stream-prefix, so that nothing tells its streams from others there: \
             aws logs tail {group}"
        ));
    };
    let region = region.as_deref().or(home);
    let region = region.ok_or("is on no Platform yet")?;
    Ok(Source {
        process: process.into(),
        region: region.into(),
        group: group.clone(),
        streams: format!("{prefix}/{}/", container.unwrap_or(process)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::Output;
    use crate::cli::cluster::ClusterArguments;

    fn asked(process: Option<&str>, container: Option<&str>) -> Logs {
        Logs {
            name: "acme".into(),
            process: process.map(Into::into),
            run: None,
            container: container.map(Into::into),
            follow: false,
            since: jiff::SignedDuration::from_mins(10),
            tail: None,
            cluster: ClusterArguments::default(),
            output: Output::Text,
        }
    }

    fn acme(logs: &[(&str, Value)]) -> App {
        let processes = logs.iter().map(|(name, logs)| {
            let mut process = json!({ "name": name });
            if !logs.is_null() {
                process["logs"] = logs.clone();
            }
            process
        });
        let wanted: serde_json::Map<String, Value> =
            logs.iter().map(|(name, _)| ((*name).into(), json!({}))).collect();
        serde_json::from_value(json!({
            "apiVersion": "empire.dev/v1alpha1",
            "kind": "App",
            "metadata": { "namespace": "shop", "name": "acme" },
            "spec": { "image": "registry.example.com/acme:v1", "processes": wanted },
            "status": {
                "observedGeneration": 1,
                "processes": processes.collect::<Vec<_>>(),
                "platform": { "name": "staging", "region": "eu-central-1", "cluster": "staging", "vpcId": "vpc-1" },
            },
        }))
        .unwrap()
    }

    fn to_group(group: &str, prefix: &str) -> Value {
        json!({ "driver": "awslogs", "group": group, "region": "us-east-1", "streamPrefix": prefix })
    }

    fn found(app: &App, asked: &Logs) -> Vec<String> {
        let (sources, _) = sources(app, asked).unwrap();
        let text = |source: Source| format!("{} {} {}", source.region, source.group, source.streams);
        sources.into_iter().map(text).collect()
    }

    #[test]
    fn each_process_has_its_streams_and_a_container_has_its_own() {
        let app = acme(&[("web", to_group("/g", "web")), ("worker", to_group("/g", "all"))]);
        let both = ["us-east-1 /g web/web/", "us-east-1 /g all/worker/"];
        assert_eq!(found(&app, &asked(None, None)), both);
        assert_eq!(found(&app, &asked(Some("worker"), None)), both[1..]);
        assert_eq!(
            found(&app, &asked(Some("web"), Some("proxy"))),
            ["us-east-1 /g web/proxy/"]
        );
        // Not said: as the tasks are.
        let at_home = json!({ "driver": "awslogs", "group": "/g", "streamPrefix": "web" });
        let app = acme(&[("web", at_home)]);
        assert_eq!(found(&app, &asked(None, None)), ["eu-central-1 /g web/web/"]);
    }

    #[test]
    fn who_logs_elsewhere_is_said_and_is_an_error_where_nobody_else_is_left() {
        let splunk = json!({ "driver": "splunk" });
        let app = acme(&[("web", to_group("/g", "web")), ("worker", splunk)]);
        let (found, notes) = sources(&app, &asked(None, None)).unwrap();
        assert_eq!(found.len(), 1);
        let said =
            "process worker of App acme logs by the driver splunk, and not to CloudWatch Logs: look there";
        assert_eq!(notes, [said]);
        assert_eq!(sources(&app, &asked(Some("worker"), None)).unwrap_err(), said);
        for (logs, words) in [
            (Value::Null, "as the container instances are set up"),
            (
                json!({ "driver": "awsfirelens" }),
                "to the log router of its tasks",
            ),
            (json!({ "driver": "awslogs", "group": "/g" }), "aws logs tail /g"),
        ] {
            let refused = sources(&acme(&[("web", logs)]), &asked(None, None)).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
        assert_eq!(
            sources(&app, &asked(Some("nightly"), None)).unwrap_err(),
            "App acme has no process nightly: it has web, worker"
        );
    }

    #[test]
    fn a_line_begins_with_process_and_task_and_with_the_container_if_that_is_another() {
        let source = Source {
            process: "web".into(),
            region: "us-east-1".into(),
            group: "/g".into(),
            streams: "web/web/".into(),
        };
        for (stream, who) in [
            ("web/web/0123456789abcdef", "web/01234567"),
            ("shop/acme/web/0123456789abcdef", "web/01234567"),
            ("web/proxy/0123", "web/proxy/0123"),
            ("strange", "web//strange"),
        ] {
            let (container, task) = parts(stream);
            assert_eq!(source.who(container, task), who);
        }
    }

    fn asked_together(app: &App) -> Vec<(String, Option<String>, String)> {
        let (sources, _) = sources(app, &asked(None, None)).unwrap();
        let queries = queries(app, sources).into_iter();
        queries
            .map(|query| (query.group.clone(), query.prefix.clone(), query.processes()))
            .collect()
    }

    #[test]
    fn an_apps_own_group_is_asked_for_once_and_a_shared_one_by_prefix() {
        const OWN: &str = "/empire/staging/shop/acme";
        let own = |prefix| to_group(OWN, prefix);
        let app = acme(&[
            ("web", own("web")),
            ("worker", own("worker")),
            ("job", to_group("/g", "job")),
        ]);
        assert_eq!(
            asked_together(&app),
            [
                (OWN.into(), None, "web, worker".into()),
                ("/g".into(), Some("job/job/".into()), "job".into()),
            ]
        );
        let app = acme(&[("web", own("web"))]);
        assert_eq!(
            asked_together(&app),
            [(OWN.into(), Some("web/web/".into()), "web".into())]
        );
    }

    #[test]
    fn a_stream_is_of_whom_its_whole_name_says() {
        let app = acme(&[
            ("web", to_group("/g", "all")),
            ("web-api", to_group("/g", "all/web")),
        ]);
        let (sources, _) = sources(&app, &asked(None, None)).unwrap();
        let queries = queries(&app, sources);
        let whose = |stream: &str| {
            let found = queries.iter().filter_map(|query| query.source_of(stream));
            found.map(|source| source.process.clone()).collect::<Vec<_>>()
        };
        assert_eq!(whose("all/web/0123"), ["web"]);
        assert_eq!(whose("all/web/web-api/0123"), ["web-api"]);
        assert_eq!(whose("all/web2/0123"), [""; 0]);
    }

    #[test]
    fn a_run_has_one_stream() {
        let run = |log: Value| -> Run {
            serde_json::from_value(json!({
                "apiVersion": "empire.dev/v1alpha1", "kind": "Run", "metadata": { "namespace": "shop", "name": "acme-1" },
                "spec": { "app": "acme" }, "status": { "observedGeneration": 1, "log": log },
            }))
            .unwrap()
        };
        let log = json!({ "driver": "awslogs", "group": "/g", "region": "us-east-1", "streamPrefix": "web", "stream": "web/web/0123" });
        let query = of_run(&run(log)).unwrap();
        assert_eq!(query.prefix.as_deref(), Some("web/web/0123"));
        assert_eq!(query.source_of("web/web/0123").unwrap().process, "web");
        assert_eq!(query.source_of("web/web/01234"), None);
        for (log, words) in [
            (Value::Null, "logs nowhere yet"),
            (json!({ "driver": "splunk" }), "by the driver splunk"),
            (json!({ "driver": "awslogs", "group": "/g" }), "aws logs tail /g"),
        ] {
            let refused = of_run(&run(log)).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
