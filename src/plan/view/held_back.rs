//! The changes that wait for the release phase, or for a secret.

use super::View;
use crate::change::{Change, PortWrite, ScalingStep, ServiceWrite, Write};
use crate::model::service::ServiceUpdate;

impl View<'_> {
    /// True for a change that waits for the release phase, or for a secret of its process: all but what neither gives a process
    /// new content nor takes anything away from the one that serves.
    pub(in crate::plan) fn holds_back(&self, change: &Change) -> bool {
        let lacks_a_secret = self.lacks_a_secret(change);
        (self.is_closed || lacks_a_secret)
            && match &change.write {
                // A task of the release phase runs what is registered.
                Write::Task(_) | Write::TaskDefinition(_) => lacks_a_secret,
                Write::Tags(_)
                | Write::LogGroup(_)
                | Write::Service(ServiceWrite::Tag { .. } | ServiceWrite::StopRollout { .. }) => false,
                Write::Scaling(write) => match write.step {
                    // Of a process that is to be no service any more it goes with that.
                    ScalingStep::Deregister | ScalingStep::Untag => {
                        let wanted = change.process().and_then(|process| self.process(process));
                        wanted.is_none_or(|wanted| wanted.service().is_none())
                    }
                    ScalingStep::Register { .. }
                    | ScalingStep::SetRange(_)
                    | ScalingStep::PutPolicy(_)
                    | ScalingStep::DeletePolicy(_)
                    | ScalingStep::PutAction { .. }
                    | ScalingStep::DeleteAction(_)
                    | ScalingStep::Tag(_) => false,
                },
                Write::Port(write) => match write {
                    PortWrite::Claim(_) | PortWrite::TakeBack(_) => false,
                    PortWrite::Release(_) | PortWrite::Retain(_) => true,
                },
                Write::Service(ServiceWrite::Update {
                    update,
                    task_definition,
                    attachments,
                    rollout,
                    service: _,
                }) => {
                    let rest = ServiceUpdate {
                        desired_count: None,
                        exec: None,
                        // Without it, ECS takes no update after a rollback.
                        grace_period: update.grace_period.filter(|seconds| *seconds > 0),
                        ..update.clone()
                    };
                    !rest.is_empty()
                        || task_definition.is_some()
                        || attachments.is_some()
                        || rollout.is_some()
                }
                Write::Service(
                    ServiceWrite::Create { .. } | ServiceWrite::Delete { .. } | ServiceWrite::Untag { .. },
                )
                | Write::LoadBalancer(_)
                | Write::TargetGroup(_)
                | Write::Listener(_)
                | Write::Schedule(_)
                | Write::Records(_) => true,
            }
    }

    /// Its process names a secret whose ARN is not known.
    fn lacks_a_secret(&self, change: &Change) -> bool {
        let wanted = change.process().and_then(|process| self.process(process));
        wanted.is_some_and(|wanted| wanted.awaited_secret.is_some())
    }
}
