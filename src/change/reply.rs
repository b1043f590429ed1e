//! The answer to a write, and what it makes of what was observed: the one model of a write's effect on our side, for
//! the loop, the dry run and the tests.

use super::{Change, Write};
use crate::model::name::Arn;
use crate::model::release::Started;
use crate::model::schedule::ScheduleState;
use crate::model::state::{
    ListenerState, LoadBalancerState, Observed, ServiceState, TargetGroupState, TaskDefinitionState,
};

/// The part of an answer that was not sent.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Nothing is news.
    Done,
    LoadBalancer(LoadBalancerState),
    TargetGroup(TargetGroupState),
    Listener(ListenerState),
    TaskDefinition(TaskDefinitionState),
    Service(ServiceState),
    /// The ARN, unless the endpoint tells none.
    ScalableTarget(Option<Arn>),
    ScheduleGroup(Arn),
    Schedule(ScheduleState),
    Started(Started),
}

/// Makes of the world before a write the world after it.
pub fn fold(observed: &mut Observed, change: &Change, reply: Reply) {
    match &change.write {
        Write::Port(write) => write.fold(observed),
        Write::LoadBalancer(write) => write.fold(observed, reply),
        Write::TargetGroup(write) => write.fold(observed, reply),
        Write::Listener(write) => write.fold(observed, reply),
        Write::TaskDefinition(write) => write.fold(observed, reply),
        Write::Service(write) => write.fold(observed, change.process(), reply),
        Write::Scaling(write) => write.fold(observed, reply),
        Write::Schedule(write) => write.fold(observed, reply),
        Write::LogGroup(write) => write.fold(observed),
        Write::Task(write) => write.fold(observed, reply),
        Write::Tags(write) => write.fold(observed),
        Write::Records(batch) => batch.fold(observed),
    }
    observed.fresh.extend(change.things());
}
