//! Where a process logs, as people and `kubectl empire logs` read it.

use crate::api::app::LogsStatus;
use crate::model::container::Logging;
use crate::model::desired::Desired;
use crate::model::log::Log;
use crate::model::state::Observed;

/// Returns where the process's own container logs: as its service runs it, or else as it is wanted. `None` where nothing says.
pub(super) fn logs(desired: &Desired, observed: &Observed, process: &str) -> Option<LogsStatus> {
    let service = observed.service_of(&desired.owner, process);
    let running = service.and_then(|service| observed.running_definition(service));
    let wanted = desired.processes.get(process);
    let content = match running {
        Some(running) => &running.content,
        None => &wanted?.task_definition,
    };
    let logging = content.main.logging.as_ref();
    logging.map(|logging| of(logging, process))
}

fn of(logging: &Logging, process: &str) -> LogsStatus {
    let Log {
        driver,
        group,
        region,
        prefix,
        stream: _,
        task: _,
    } = Log::of(logging, process, None);
    LogsStatus {
        driver,
        group,
        region,
        stream_prefix: prefix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log_group::LogGroups;
    use crate::plan::fixtures::log_group::{GROUP, logging};
    use crate::plan::fixtures::{app, nothing, process, settled};

    #[test]
    fn it_is_where_the_tasks_that_run_log_and_before_there_are_any_where_they_will() {
        let before = app([process("web")]);
        let wanted = logging(before.clone(), LogGroups::Kept);
        assert_eq!(logs(&wanted, &settled(&before), "web"), None);
        let expected = LogsStatus {
            driver: "awslogs".into(),
            group: Some(GROUP.into()),
            region: None,
            stream_prefix: None,
        };
        assert_eq!(logs(&wanted, &nothing(), "web"), Some(expected.clone()));
        assert_eq!(logs(&before, &settled(&wanted), "web"), Some(expected));
        assert_eq!(logs(&before, &nothing(), "gone"), None);
    }

    /// A driver of another kind has options that are none of a log group.
    #[test]
    fn another_driver_is_named_alone() {
        let mut wanted = logging(app([process("web")]), LogGroups::None);
        let main = &mut wanted.processes.get_mut("web").unwrap().task_definition.main;
        main.logging.as_mut().unwrap().driver = "splunk".into();
        let found = logs(&wanted, &nothing(), "web").unwrap();
        assert_eq!((found.driver.as_str(), found.group), ("splunk", None));
    }
}
