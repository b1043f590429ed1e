//! Where the tasks of an App may run: on which instances, on which capacity, and behind which security groups.

use super::Allowed;
use super::lists::SECURITY_GROUPS;
use crate::api::app::{ConstraintType, Process, ProcessCapacity};
use crate::desired::capacity::{FARGATE, FARGATE_SPOT, providers};
use crate::error::Error;

impl Allowed<'_> {
    /// Checks what processes say of that themselves, where any does.
    pub(super) fn place(&self) -> Result<(), Error> {
        for (name, process) in &self.app.spec.processes {
            self.constraints(name, process)?;
            if let Some(capacity) = &process.capacity {
                self.capacity(name, capacity)?;
            }
            let field = format!("process {name}: securityGroups");
            let mut groups = process.security_groups.iter();
            groups.try_for_each(|group| self.pattern(&SECURITY_GROUPS, &field, group))?;
        }
        Ok(())
    }

    fn constraints(&self, name: &str, process: &Process) -> Result<(), Error> {
        let placement = process.placement.as_ref();
        let Some(constraint) = placement.and_then(|placement| placement.constraints.first()) else {
            return Ok(());
        };
        let kind = match constraint.type_ {
            ConstraintType::DistinctInstance => "distinctInstance",
            ConstraintType::MemberOf => "memberOf",
        };
        let field = format!("process {name}: placement.constraints");
        self.switch("constraints", |grant| grant.constraints, &field, kind)
    }

    /// Checks that a process has shares of what the Platform itself has, and no others: an operator offers one by weight 0. On a
    /// launch type there is none, which is no matter of who asks.
    fn capacity(&self, name: &str, own: &ProcessCapacity) -> Result<(), Error> {
        let (field, wanted) = if own.spot.is_some() {
            ("capacity.spot", vec![FARGATE, FARGATE_SPOT])
        } else {
            let names = own.capacity_providers.iter().map(|provider| &*provider.name);
            ("capacity.capacityProviders", names.collect())
        };
        let field = format!("process {name}: {field}");
        let first = wanted.first().copied().unwrap_or_default();
        self.switch("capacity", |grant| grant.capacity, &field, first)?;
        let all = providers(self.platform);
        let is_offered = |wanted: &&str| all.iter().any(|offered| offered.name == *wanted);
        let other = wanted.into_iter().find(|wanted| !is_offered(wanted));
        let Some(other) = other.filter(|_| !all.is_empty()) else {
            return Ok(());
        };
        Err(Error::NotAllowed(self.refusal(
            &field,
            other,
            "it is none of its capacity.capacityProviders, among which one may have weight 0",
        )))
    }
}
