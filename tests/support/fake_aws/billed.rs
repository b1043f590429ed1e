//! Calls as AWS counts, throttles and bills them: a list by its pages, what is asked of many things by its batches.

use std::collections::BTreeMap;

use empire_controller::aws::{Result, answered, attempted};

use super::FakeAws;

/// By action, as IAM names it.
pub(crate) type Calls = BTreeMap<&'static str, usize>;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html>
pub(super) const SERVICES_PAGE: usize = 100;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>
pub(super) const SERVICES_BATCH: usize = 10;
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html>
pub(super) const BALANCING_PAGE: usize = 200;
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>
pub(super) const TAGS_BATCH: usize = 20;
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>
pub(super) const RECORDS_PAGE: usize = 300;
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html>
pub(super) const SCHEDULES_PAGE: usize = 100;
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html>
pub(super) const TARGETS_BATCH: usize = 50;

impl FakeAws {
    /// Takes the calls since the last time, whatever came of them.
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Counts a call, which draws on AWS's buckets where it has any.
    pub(super) fn bill(&self, action: &'static str) -> Result<()> {
        attempted(action, 1);
        *self.calls.lock().unwrap().entry(action).or_default() += 1;
        self.draw(action).inspect_err(answered)
    }

    /// Counts the calls that so many things take beyond the first one, which is counted already.
    pub(super) fn bill_more(&self, action: &'static str, things: usize, a_call: usize) {
        let more = things.div_ceil(a_call).saturating_sub(1);
        if more > 0 {
            attempted(action, u32::try_from(more).unwrap());
            *self.calls.lock().unwrap().entry(action).or_default() += more;
            self.draw_more(action, more);
        }
    }
}
