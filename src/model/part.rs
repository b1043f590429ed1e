//! The parts of AWS in which an App may hold something. Each is read as one, and may be out of reach by itself.

use std::collections::BTreeSet;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Services, their rollouts and task definitions.
    Ecs,
    /// Load balancers and target groups.
    LoadBalancing,
    /// A hosted zone, by its id.
    Zone(String),
    /// Scalable targets of services.
    Scaling,
    Schedules,
    /// The task of the release phase.
    Tasks,
    /// The App's log group.
    LogGroup,
    /// What secrets and parameters an App names stand for, and their versions.
    Secrets,
}

impl Part {
    /// The word for it in an App's status.
    pub fn key(&self) -> String {
        match self {
            Part::Ecs => "Services".into(),
            Part::LoadBalancing => "LoadBalancers".into(),
            Part::Zone(id) => format!("Zone/{id}"),
            Part::Scaling => "Scaling".into(),
            Part::Schedules => "Schedules".into(),
            Part::Tasks => "Tasks".into(),
            Part::LogGroup => "LogGroup".into(),
            Part::Secrets => "Secrets".into(),
        }
    }

    /// Returns what the controller's role needs for it besides `deploy/iam-policy.json`, as a hint for who meets a denial.
    pub fn added_policy(&self) -> Option<&'static str> {
        match self {
            Part::Scaling => Some("for scale, its role needs deploy/iam/autoscaling.json"),
            Part::LogGroup => {
                Some("for tasks.logging.group of a Platform, its role needs deploy/iam/logs.json")
            }
            Part::Secrets => {
                Some("for secrets by name and rollOnChange, its role needs deploy/iam/secrets.json")
            }
            Part::Ecs | Part::LoadBalancing | Part::Zone(_) | Part::Schedules | Part::Tasks => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Ecs => f.write_str("services"),
            Part::LoadBalancing => f.write_str("load balancers"),
            Part::Zone(id) => write!(f, "hosted zone {id}"),
            Part::Scaling => f.write_str("scalable targets"),
            Part::Schedules => f.write_str("schedules"),
            Part::Tasks => f.write_str("the task of the release phase"),
            Part::LogGroup => f.write_str("log groups"),
            Part::Secrets => f.write_str("secrets"),
        }
    }
}

/// The word in the status of an App that has adopted a service.
pub const ADOPTED: &str = "Adopted";

/// The evidence that an App holds something in a part that it wants nothing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// It is not read.
    No,
    /// It is read, and if it cannot be, nobody waits for it.
    Perhaps,
    /// It is read, and if it cannot be, what depends on it waits.
    Yes,
}

/// Where an App holds something, as far as is remembered. The default is an App of which nothing is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The keys of the parts, and [`ADOPTED`]; `None` if nothing says so.
    pub parts: Option<BTreeSet<String>>,
    /// It has never written anything.
    pub is_new: bool,
    /// Its status shows processes, and none of them on a schedule.
    pub shows_no_schedule: bool,
    /// The processes that its status shows to be scaled.
    pub scaled: BTreeSet<String>,
}

impl Holdings {
    pub fn evidence(&self, part: &Part) -> Evidence {
        let is_unlikely = self.is_new || (self.shows_no_schedule && *part == Part::Schedules);
        match &self.parts {
            // Many installations may not even look, so that it takes more than an attempt to make one.
            Some(parts)
                if *part == Part::Scaling && parts.contains(&part.key()) && self.scaled.is_empty() =>
            {
                Evidence::Perhaps
            }
            Some(parts) if parts.contains(&part.key()) => Evidence::Yes,
            Some(_) => Evidence::No,
            None if *part == Part::Scaling && self.is_new => Evidence::No,
            None if *part == Part::Scaling => Evidence::Perhaps,
            None if is_unlikely => Evidence::Perhaps,
            None => Evidence::Yes,
        }
    }

    /// Returns true if a service may be there that the App has adopted.
    pub fn may_have_adopted(&self) -> bool {
        match &self.parts {
            Some(parts) => parts.contains(ADOPTED),
            None => !self.is_new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_remembered_is_looked_for_and_missed_only_if_something_was_there() {
        let part = Part::LoadBalancing;
        let known = |parts: &[Part]| Holdings {
            parts: Some(parts.iter().map(Part::key).collect()),
            ..Holdings::default()
        };
        assert_eq!(known(std::slice::from_ref(&part)).evidence(&part), Evidence::Yes);
        assert_eq!(known(&[Part::Zone("Z1".into())]).evidence(&part), Evidence::No);
        assert_eq!(Holdings::default().evidence(&part), Evidence::Yes);
        let new = Holdings {
            is_new: true,
            ..Holdings::default()
        };
        assert_eq!(new.evidence(&part), Evidence::Perhaps);
        let clockless = Holdings {
            shows_no_schedule: true,
            ..Holdings::default()
        };
        assert_eq!(clockless.evidence(&Part::Schedules), Evidence::Perhaps);
        assert_eq!(clockless.evidence(&part), Evidence::Yes);
    }

    #[test]
    fn what_was_adopted_is_remembered_and_missed_where_a_status_was_lost() {
        let known = |words: &[&str]| Holdings {
            parts: Some(words.iter().map(|word| (*word).into()).collect()),
            ..Holdings::default()
        };
        assert!(known(&["LoadBalancers", ADOPTED]).may_have_adopted());
        assert!(!known(&["LoadBalancers"]).may_have_adopted());
        assert!(Holdings::default().may_have_adopted());
        let new = Holdings {
            is_new: true,
            ..Holdings::default()
        };
        assert!(!new.may_have_adopted());
    }
}
