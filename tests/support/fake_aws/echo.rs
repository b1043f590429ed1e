//! Echoes: settings that AWS reports otherwise than they were sent. Other ways than those in the tests may follow, and
//! nothing in the controller may depend on which.

use empire_controller::model::load_balancer::TargetGroupAttributes;
use empire_controller::model::log_group::LogGroupState;
use empire_controller::model::owner::Tags;
use empire_controller::model::scaling::ScalableTargetState;
use empire_controller::model::schedule::ScheduleState;
use empire_controller::model::service::TaskDefinition;
use empire_controller::model::state::{ListenerState, ServiceState, TargetGroupState};

use super::FakeAws;

/// One way of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Echo {
    Definition(fn(&mut TaskDefinition)),
    Service(fn(&mut ServiceState)),
    /// Only by DescribeServices, and not in the reply to a write.
    Described(fn(&mut ServiceState)),
    TargetGroup(fn(&mut TargetGroupState)),
    Attributes(fn(&mut TargetGroupAttributes)),
    Listener(fn(&mut ListenerState)),
    Schedule(fn(&mut ScheduleState)),
    ScalableTarget(fn(&mut ScalableTargetState)),
    LogGroup(fn(&mut LogGroupState)),
    /// Echoes the tags of load balancers and target groups.
    Tags(fn(&mut Tags)),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Echoes(Vec<Echo>);

macro_rules! reports {
    ($($name:ident, $kind:ident, $state:ty;)*) => {
        impl Echoes {
            $(
                #[must_use]
                pub(super) fn $name(&self, mut state: $state) -> $state {
                    for echo in &self.0 {
                        if let Echo::$kind(echo) = echo {
                            echo(&mut state);
                        }
                    }
                    state
                }
            )*
        }
    };
}

reports! {
    definition, Definition, TaskDefinition;
    service, Service, ServiceState;
    described, Described, ServiceState;
    target_group, TargetGroup, TargetGroupState;
    attributes, Attributes, TargetGroupAttributes;
    listener, Listener, ListenerState;
    schedule, Schedule, ScheduleState;
    scalable_target, ScalableTarget, ScalableTargetState;
    log_group, LogGroup, LogGroupState;
    tags, Tags, Tags;
}

impl FakeAws {
    pub(crate) fn echo(&self, echo: Echo) {
        self.lock().echo.0.push(echo);
    }
}
