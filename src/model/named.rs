//! The things of an App that can be asked for by name: each alone, so that no list can leave it out.

use super::desired::RecordKey;
use super::part::Part;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    Service(String),
    /// With its tags.
    LoadBalancer(String),
    /// The listeners of a load balancer, by its name.
    Listeners(String),
    /// With its tags, and the load balancers in front of it.
    TargetGroup(String),
    /// The scalable target of a service, by that one's name.
    ScalableTarget(String),
    Schedule(String),
    /// A DNS name and its ownership record.
    Name(RecordKey),
    /// With its tags.
    LogGroup(String),
    /// The task of the release phase's open attempt.
    ReleaseTask,
    /// The claim of a host port of the App's Platform.
    Port(u16),
}

impl Named {
    /// Returns the part that it is in; `None` for a claim, which is not AWS's.
    pub fn part(&self) -> Option<Part> {
        match self {
            Named::Service(_) => Some(Part::Ecs),
            Named::LoadBalancer(_) | Named::Listeners(_) | Named::TargetGroup(_) => Some(Part::LoadBalancing),
            Named::ScalableTarget(_) => Some(Part::Scaling),
            Named::Schedule(_) => Some(Part::Schedules),
            Named::Name(key) => Some(Part::Zone(key.zone.clone())),
            Named::LogGroup(_) => Some(Part::LogGroup),
            Named::ReleaseTask => Some(Part::Tasks),
            Named::Port(_) => None,
        }
    }

    /// Returns the word for it in an App's status; `None` where the status speaks of it elsewhere.
    pub fn key(&self) -> Option<String> {
        match self {
            Named::LoadBalancer(name) => Some(format!("LoadBalancer/{name}")),
            Named::TargetGroup(name) => Some(format!("TargetGroup/{name}")),
            Named::Schedule(name) => Some(format!("Schedule/{name}")),
            Named::Name(RecordKey { zone, name }) => Some(format!("Name/{zone}/{name}")),
            Named::Service(_)
            | Named::ScalableTarget(_)
            | Named::LogGroup(_)
            | Named::Listeners(_)
            | Named::ReleaseTask
            | Named::Port(_) => None,
        }
    }

    /// Returns the thing that a word of a status is about; `None` for a part, and for a word of a newer version.
    pub fn of_key(key: &str) -> Option<Self> {
        let (noun, name) = key.split_once('/')?;
        match noun {
            "LoadBalancer" => Some(Named::LoadBalancer(name.into())),
            "TargetGroup" => Some(Named::TargetGroup(name.into())),
            "Schedule" => Some(Named::Schedule(name.into())),
            "Name" => {
                let (zone, name) = name.split_once('/')?;
                Some(Named::Name(RecordKey {
                    zone: zone.into(),
                    name: name.into(),
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_for_a_thing_leads_back_to_it_and_is_no_word_for_a_part() {
        let name = RecordKey {
            zone: "Z1".into(),
            name: "acme.example.com".into(),
        };
        let all = [
            Named::LoadBalancer("e-acme-web-1".into()),
            Named::TargetGroup("e-acme-web-2".into()),
            Named::Schedule("acme-nightly-3".into()),
            Named::Name(name),
        ];
        for named in all {
            let key = named.key().unwrap();
            assert_eq!(Named::of_key(&key), Some(named.clone()));
            assert_ne!(key, named.part().unwrap().key());
        }
        let parts = [Part::LoadBalancing, Part::Schedules, Part::Zone("Z1".into())];
        assert!(parts.iter().all(|part| Named::of_key(&part.key()).is_none()));
    }
}
