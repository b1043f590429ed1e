//! Calls whose refusal tells something about a load balancer that no read tells: the next plan goes another way.

use std::collections::BTreeSet;

use super::{Applied, listener_at, load_balancer_arn};
use crate::aws::{Aws, Fault};
use crate::error::Error;
use crate::model::class::Class;
use crate::model::state::{LoadBalancerState, Observed};

/// Only a step on the way adds subnets to those that are there. One that AWS does not take, in whatever words, is not the
/// next one to add; but what is refused twice is an error.
pub(super) async fn set_subnets(
    aws: &dyn Aws,
    observed: &mut Observed,
    load_balancer: &str,
    subnets: &[String],
) -> Result<Applied, Error> {
    let arn = load_balancer_arn(observed, load_balancer)?;
    let wanted: BTreeSet<String> = subnets.iter().cloned().collect();
    let result = aws.set_subnets(&arn, subnets).await;
    let Some(state) = observed.load_balancers.get_mut(load_balancer) else {
        return Ok(result.map(|()| Applied::Done)?);
    };
    let Err(error) = result else {
        state.subnets = wanted;
        // Another call may be taken now.
        observed.zones_taken.remove(load_balancer);
        return Ok(Applied::Done);
    };
    let adds = wanted.len() > state.subnets.len() && wanted.is_superset(&state.subnets);
    let is_taken = error.fault == Fault::ZoneTaken || adds && error.fault == Fault::Failed(Class::Refused);
    let taken = observed.zones_taken.entry(load_balancer.into()).or_default();
    if is_taken && taken.insert(wanted) {
        Ok(Applied::Replan)
    } else {
        Err(error.into())
    }
}

/// Nothing says how many certificates a load balancer takes, which an account can have raised, before it is too many.
pub(super) async fn add_certificate(
    aws: &dyn Aws,
    observed: &mut Observed,
    load_balancer: &str,
    port: u16,
    certificate: &str,
) -> Result<Applied, Error> {
    let found = listener_at(observed, load_balancer, port)?;
    let Err(error) = aws.add_listener_certificate(&found.arn, certificate).await else {
        let known = found.more_certificates.get_or_insert_default();
        known.insert(certificate.into());
        return Ok(Applied::Done);
    };
    let state = observed.load_balancers.get(load_balancer);
    let count = state.map_or(0, LoadBalancerState::more_certificates);
    let before = observed.certificate_limits.get(load_balancer);
    if error.fault == Fault::Full && before.is_none_or(|limit| count < *limit) {
        observed.certificate_limits.insert(load_balancer.into(), count);
        Ok(Applied::Replan)
    } else {
        Err(error.into())
    }
}
