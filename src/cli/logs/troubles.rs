//! Why logs cannot be read, as whoever reads has to act on it.

use std::collections::BTreeMap;

use super::sources::Query;
use crate::aws::{AwsError, Fault};
use crate::model::class::Class;

/// Troubles with log groups: of those that are alike, the first, and the processes that they concern.
#[derive(Default)]
pub(super) struct Troubles<'a>(BTreeMap<Place<'a>, (Vec<String>, &'a AwsError)>);

/// Group, region and AWS's code.
type Place<'a> = (&'a str, &'a str, &'a str);

impl<'a> Troubles<'a> {
    pub(super) fn add(&mut self, query: &'a Query, error: &'a AwsError) {
        let place = (query.group.as_str(), query.region.as_str(), error.code.as_str());
        let (processes, _) = self.0.entry(place).or_insert((Vec::new(), error));
        processes.push(query.processes());
    }

    /// Returns a sentence for each.
    pub(super) fn texts(&self) -> Vec<String> {
        let places = self.0.iter();
        let text = |(place, (processes, error)): (&Place<'_>, &(Vec<String>, &AwsError))| {
            said(*place, &processes.join(", "), error)
        };
        places.map(text).collect()
    }
}

fn said((group, region, _): Place<'_>, processes: &str, error: &AwsError) -> String {
    let is_denied = error.fault == Fault::Failed(Class::Denied);
    if error.fault == Fault::Absent {
        format!(
            "there is no log group {group} in {region}, to which {processes} would log: nothing was logged there yet, or it was \
             deleted"
        )
    } else if error.is_about_credentials() {
        format!(
            "log in to AWS first, such as by aws sso login: logs are read with your own credentials: {error}"
        )
    } else if is_denied {
        format!(
            "your own AWS credentials have to allow logs:FilterLogEvents on log group {group} in {region}: {error}"
        )
    } else {
        format!("log group {group} in {region}: {error}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Source;
    use super::*;

    fn query(process: &str, group: &str) -> Query {
        let source = Source {
            process: process.into(),
            region: "us-east-1".into(),
            group: group.into(),
            streams: format!("{process}/{process}/"),
        };
        Query {
            region: source.region.clone(),
            group: source.group.clone(),
            prefix: None,
            sources: vec![source],
        }
    }

    fn of(queries: &[Query], code: &str) -> Vec<String> {
        let error = AwsError::from_code("logs:FilterLogEvents", code, "as AWS says it");
        let mut troubles = Troubles::default();
        for query in queries {
            troubles.add(query, &error);
        }
        troubles.texts()
    }

    #[test]
    fn a_refusal_says_whose_credentials_and_what_they_lack() {
        let queries = [query("web", "/empire/staging/shop/acme")];
        let of = |code| of(&queries, code).concat();
        assert_eq!(
            of("ResourceNotFoundException"),
            "there is no log group /empire/staging/shop/acme in us-east-1, to which web would log: nothing was logged there yet, or \
             it was deleted"
        );
        assert!(
            of("AccessDeniedException")
                .starts_with("your own AWS credentials have to allow logs:FilterLogEvents on")
        );
        assert!(of("InvalidParameterException").contains("as AWS says it"));
    }

    #[test]
    fn a_group_of_several_processes_is_told_once() {
        let queries = [
            query("web", "/ecs/staging"),
            query("worker", "/ecs/staging"),
            query("nightly", "/ecs/other"),
        ];
        let texts = of(&queries, "ResourceNotFoundException");
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[1].contains("/ecs/staging in us-east-1, to which web, worker would log"));
    }
}
