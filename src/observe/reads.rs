//! The reads of one pass: which parts of AWS it asks for, and which it could not read.

use std::collections::BTreeSet;
use std::fmt;

use super::Details;
use super::load_balancing::{self, Described};
use super::singly::{recall, singly};
use crate::aws::{self, Aws, AwsError, Fault};
use crate::error::Error;
use crate::lists::Lists;
use crate::model::desired::Desired;
use crate::model::held::Held;
use crate::model::named::Named;
use crate::model::part::{Evidence, Part};
use crate::model::state::Observed;

/// A part of AWS that could not be read, and why.
#[derive(Clone, Debug)]
pub struct Unread {
    pub part: Part,
    pub error: AwsError,
}

impl Unread {
    /// True if it waits in line for AWS's request rates.
    pub fn is_in_line(&self) -> bool {
        self.error.later().is_some()
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unread { part, error } = self;
        write!(
            f,
            "{part} cannot be read, and what depends on that waits: {error}"
        )
    }
}

/// The reads of one pass.
pub(super) struct Reads<'a> {
    pub aws: &'a dyn Aws,
    pub lists: &'a dyn Lists,
    pub desired: &'a Desired,
    pub details: &'a Details,
    pub unread: Vec<Unread>,
}

impl Reads<'_> {
    /// True if a part is read: not one that an App neither wants nor has.
    pub(super) fn asks(&self, part: &Part, evidence: Evidence) -> bool {
        evidence > Evidence::No || self.desired.wants(part)
    }

    /// Returns the part that was read; `None`, and remembers why, if it could not be read. What is not listed yet ends the
    /// pass, as does a read that waits in line.
    pub(super) fn take<T>(
        &mut self,
        part: Part,
        evidence: Evidence,
        read: aws::Result<T>,
    ) -> Result<Option<T>, Error> {
        Ok(match read {
            Ok(found) => Some(found),
            Err(error) if matches!(error.fault, Fault::NotListed | Fault::Later { .. }) => {
                return Err(error.into());
            }
            Err(error) => {
                if evidence == Evidence::Yes || self.desired.wants(&part) {
                    self.unread.push(Unread { part, error });
                }
                None
            }
        })
    }

    pub(super) fn has_missed(&self, part: &Part) -> bool {
        self.unread.iter().any(|unread| &unread.part == part)
    }

    /// True if it was read, or was to be.
    pub(super) async fn load_balancing(
        &mut self,
        evidence: Evidence,
        observed: &mut Observed,
    ) -> Result<bool, Error> {
        if !self.desired.place.load_balancing || !self.asks(&Part::LoadBalancing, evidence) {
            return Ok(false);
        }
        let read = load_balancing::read(self.aws, self.lists, self.desired, self.details).await;
        if let Some(Described { found, fresh }) = self.take(Part::LoadBalancing, evidence, read)? {
            (observed.load_balancers, observed.target_groups) = (found.load_balancers, found.target_groups);
            observed.fresh.extend(fresh);
        }
        Ok(true)
    }

    /// Whatever a list of tasks leaves out, an attempt that is open is looked for.
    pub(super) async fn release(&mut self, observed: &mut Observed) {
        if observed.release.open().is_some() {
            let task = BTreeSet::from([Named::ReleaseTask]);
            let failed = Box::pin(singly(self.aws, self.desired, observed, &task)).await;
            self.unread.extend(failed.into_iter().map(|(_, unread)| unread));
        }
    }

    pub(super) async fn recall(&mut self, aws: &dyn Aws, held: &Held, observed: &mut Observed) {
        observed.unread = self.unread.iter().map(|unread| unread.part.clone()).collect();
        let unread = recall(aws, self.desired, held, observed).await;
        self.unread.extend(unread);
    }
}
