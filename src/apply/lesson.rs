//! Refusals that tell what no read tells: the next plan goes another way. Each is learned from once in a pass.

use crate::aws::{AwsError, Fault};
use crate::change::{Change, ListenerWrite, LoadBalancerWrite, ServiceWrite, Write};
use crate::model::class::Class;
use crate::model::service::ServiceUpdate;
use crate::model::small_set::SmallSet;
use crate::model::state::{LoadBalancerState, Observed};

/// True if a new plan does better than the change that was refused.
pub(super) fn learn(observed: &mut Observed, change: &Change, error: &AwsError) -> bool {
    if let Write::LoadBalancer(LoadBalancerWrite::SetSubnets {
        load_balancer,
        subnets,
    }) = &change.write
    {
        subnets_taken(observed, load_balancer, subnets, error)
    } else if let Write::Listener(ListenerWrite::AddCertificate { load_balancer, .. }) = &change.write {
        is_full(observed, load_balancer, error)
    } else if let Write::Service(ServiceWrite::Update {
        service,
        update,
        task_definition,
        ..
    }) = &change.write
    {
        service_update(observed, service, update, task_definition.is_some(), error)
    } else {
        false
    }
}

/// Only a step on the way adds subnets to those that are there. One that AWS does not take, in whatever words, is not the
/// next one to add; but what is refused twice is an error.
fn subnets_taken(observed: &mut Observed, name: &str, subnets: &[String], error: &AwsError) -> bool {
    let Some(state) = observed.load_balancers.get(name) else {
        return false;
    };
    let wanted: SmallSet<String> = subnets.iter().cloned().collect();
    let adds = wanted.len() > state.subnets.len() && wanted.is_superset(&state.subnets);
    let is_taken = error.fault == Fault::ZoneTaken || adds && error.fault == Fault::Failed(Class::Refused);
    let taken = observed.zones_taken.entry(name.into()).or_default();
    is_taken && taken.insert(wanted)
}

/// Nothing says how many certificates a load balancer takes, which an account can have raised, before it is too many.
fn is_full(observed: &mut Observed, name: &str, error: &AwsError) -> bool {
    let state = observed.load_balancers.get(name);
    let count = state.map_or(0, LoadBalancerState::more_certificates);
    let before = observed.certificate_limits.get(name);
    let is_news = error.fault == Fault::Full && before.is_none_or(|limit| count < *limit);
    if is_news {
        observed.certificate_limits.insert(name.into(), count);
    }
    is_news
}

fn service_update(
    observed: &mut Observed,
    service: &str,
    update: &ServiceUpdate,
    is_release: bool,
    error: &AwsError,
) -> bool {
    match error.fault {
        // It goes out without the grace period, and that after it.
        Fault::GracePeriod => {
            update.grace_period.is_some() && observed.grace_period_follows.insert(service.into())
        }
        // What the service runs was deregistered since it was read: its content is registered again.
        Fault::Inactive if !is_release => {
            let running = observed.services.get(service).map(|found| &found.task_definition);
            let running = running.and_then(|arn| observed.task_definitions.get_mut(arn));
            running.is_some_and(|running| std::mem::take(&mut running.active))
        }
        Fault::Inactive
        | Fault::Absent
        | Fault::Pending
        | Fault::Stale
        | Fault::Full
        | Fault::ZoneTaken
        | Fault::Fenced
        | Fault::NotListed
        | Fault::Later { .. }
        | Fault::Failed(_) => false,
    }
}
