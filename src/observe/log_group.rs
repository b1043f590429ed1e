//! The log group of an App.

use super::Unread;
use super::details::Details;
use crate::aws::{self, Aws};
use crate::model::desired::Desired;
use crate::model::name;
use crate::model::named::Named;
use crate::model::part::{Evidence, Part};
use crate::model::state::Observed;

/// Reads it, unless an earlier pass has left it.
pub(super) async fn read(
    aws: &dyn Aws,
    desired: &Desired,
    details: &Details,
    observed: &mut Observed,
) -> aws::Result<()> {
    if let Some(known) = details.log_group() {
        observed.log_group = Some(known.clone());
        return Ok(());
    }
    again(aws, desired, observed).await
}

/// Reads it by name.
pub(super) async fn again(aws: &dyn Aws, desired: &Desired, observed: &mut Observed) -> aws::Result<()> {
    let name = name::log_group(&desired.place.cluster, &desired.owner.app);
    observed.log_group = aws.log_group(&name).await?;
    observed.fresh.insert(Named::LogGroup(name));
    Ok(())
}

/// Returns the group as a part that could not be read, if it is missed. Also where it waits in line: nothing else of the pass does.
pub(super) fn missed(desired: &Desired, evidence: Evidence, read: aws::Result<()>) -> Option<Unread> {
    let part = Part::LogGroup;
    let is_missed = evidence == Evidence::Yes && desired.misses_log_group() || desired.wants(&part);
    let error = read.err().filter(|_| is_missed)?;
    Some(Unread { part, error })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::aws::{AwsError, Fault};
    use crate::budget::Bucket;
    use crate::model::desired::Place;
    use crate::model::log_group::LogGroups;
    use crate::plan::fixtures::log_group::logging;
    use crate::plan::fixtures::{app, process};

    fn failed(fault: Fault) -> aws::Result<()> {
        let error = AwsError::from_code("logs:DescribeLogGroups", "AccessDeniedException", "no");
        Err(AwsError { fault, ..error })
    }

    #[test]
    fn a_read_that_waits_in_line_ends_no_pass() {
        let fault = Fault::Later {
            until: Timestamp::UNIX_EPOCH,
            bucket: Bucket::LogReads,
        };
        let wanted = logging(app([process("web")]), LogGroups::Kept);
        let unread = missed(&wanted, Evidence::No, failed(fault)).unwrap();
        assert!(unread.is_in_line());
    }

    #[test]
    fn a_group_that_stays_is_missed_by_nobody_who_does_not_log_there() {
        let missed_by = |rule, evidence| {
            let quiet = app([process("web")]);
            let place = Place {
                log_groups: rule,
                ..quiet.place.clone()
            };
            let quiet = Desired { place, ..quiet };
            missed(&quiet, evidence, failed(Fault::NotListed)).is_some()
        };
        assert!(!missed_by(LogGroups::Kept, Evidence::Yes));
        assert!(missed_by(LogGroups::Deleted, Evidence::Yes));
        assert!(!missed_by(LogGroups::Deleted, Evidence::Perhaps));
    }
}
