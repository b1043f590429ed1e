//! Names to ARNs. A change speaks in names, and most calls ask for ARNs.

use crate::change::Tagged;
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::load_balancer::{Listener, ListenerAction};
use crate::model::name::Arn;
use crate::model::release::Attempt;
use crate::model::schedule::{Schedule, ScheduleTarget};
use crate::model::service::{Attachment, TaskDefinition};
use crate::model::state::{LoadBalancerState, Observed};

/// The target groups of a service.
type Attached = Vec<Attachment<Arn>>;

/// Finds the ARNs in what was observed. A name that was not observed is a mistake of the plan.
pub struct Arns<'a> {
    pub desired: &'a Desired,
    pub observed: &'a Observed,
}

impl Arns<'_> {
    pub fn cluster_name(&self) -> &str {
        &self.desired.place.cluster
    }

    fn balancer(&self, name: &str) -> Result<&LoadBalancerState, Error> {
        let found = self.observed.load_balancers.get(name);
        found.ok_or_else(|| unknown("load balancer", name))
    }

    pub fn load_balancer(&self, name: &str) -> Result<Arn, Error> {
        self.balancer(name).map(|found| found.arn.clone())
    }

    pub fn target_group(&self, name: &str) -> Result<Arn, Error> {
        let found = self.observed.target_groups.get(name);
        let arn = found.map(|found| found.arn.clone());
        arn.ok_or_else(|| unknown("target group", name))
    }

    pub fn listener(&self, load_balancer: &str, port: u16) -> Result<Arn, Error> {
        let mut listeners = self.balancer(load_balancer)?.listeners.iter().flatten();
        let found = listeners.find(|listener| listener.port == port);
        let arn = found.map(|found| found.arn.clone());
        arn.ok_or_else(|| unknown("listener of", load_balancer))
    }

    pub fn action(&self, listener: &Listener) -> Result<ListenerAction<Arn>, Error> {
        Ok(match &listener.action {
            ListenerAction::Forward(group) => ListenerAction::Forward(self.target_group(group)?),
            ListenerAction::RedirectToHttps => ListenerAction::RedirectToHttps,
        })
    }

    pub fn tagged(&self, resources: &[Tagged]) -> Result<Vec<Arn>, Error> {
        let arn = |resource: &Tagged| match resource {
            Tagged::LoadBalancer(name) => self.load_balancer(name),
            Tagged::TargetGroup(name) => self.target_group(name),
            Tagged::Listener { load_balancer, port } => self.listener(load_balancer, *port),
        };
        resources.iter().map(arn).collect()
    }

    pub fn task_definition(&self, content: &TaskDefinition) -> Result<Arn, Error> {
        let found = self.observed.registered(content, &self.desired.owner);
        let arn = found.map(|known| known.arn.clone());
        arn.ok_or_else(|| unknown("task definition", &content.family))
    }

    pub fn service(&self, name: &str) -> Result<Arn, Error> {
        let found = self.observed.services.get(name);
        let arn = found.map(|found| found.arn.clone());
        arn.ok_or_else(|| unknown("service", name))
    }

    /// Returns the ARN of a service's scalable target.
    pub fn scalable_target(&self, service: &str) -> Result<Arn, Error> {
        let found = self.observed.scaling.get(service);
        let arn = found.and_then(|found| found.arn.clone());
        arn.ok_or_else(|| unknown("scalable target of", service))
    }

    pub fn log_group(&self, name: &str) -> Result<Arn, Error> {
        let found = self.observed.log_group.as_ref();
        let arn = found.and_then(|found| found.arn.clone());
        arn.ok_or_else(|| unknown("log group", name))
    }

    pub fn attachments(&self, attachments: &[Attachment<String>]) -> Result<Attached, Error> {
        let resolve = |attachment: &Attachment<String>| {
            Ok(Attachment {
                target_group: self.target_group(&attachment.target_group)?,
                container: attachment.container.clone(),
                container_port: attachment.container_port,
            })
        };
        attachments.iter().map(resolve).collect()
    }

    /// The parts of an update of a service that have ARNs, where it has them.
    pub fn of_update(
        &self,
        content: Option<&TaskDefinition>,
        attachments: Option<&[Attachment<String>]>,
    ) -> Result<(Option<Arn>, Option<Attached>), Error> {
        Ok((
            content.map(|content| self.task_definition(content)).transpose()?,
            attachments.map(|all| self.attachments(all)).transpose()?,
        ))
    }

    /// The cluster and the task definition that a schedule starts.
    pub fn target(&self, content: &TaskDefinition) -> Result<ScheduleTarget, Error> {
        let cluster = self.observed.cluster.clone();
        Ok(ScheduleTarget {
            cluster: cluster.ok_or_else(|| unknown("cluster of", &content.family))?,
            task_definition: self.task_definition(content)?,
        })
    }

    /// The attempt of the release phase that is recorded.
    pub fn release(&self) -> Result<&Attempt, Error> {
        let open = self.observed.release.open();
        open.ok_or_else(|| Error::Bug("a task is to be run, and no attempt is recorded".into()))
    }

    /// The schedule as it is, without its owner.
    pub fn released(&self, group: &str, name: &str) -> Result<(Schedule, ScheduleTarget), Error> {
        let found = self.observed.schedules.get(name);
        let released = found.and_then(|found| found.released(group));
        released.ok_or_else(|| unknown("schedule", name))
    }
}

fn unknown(what: &str, name: &str) -> Error {
    Error::Bug(format!(
        "a change names the {what} {name}, which was not observed"
    ))
}
