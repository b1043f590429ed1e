//! What the services' requests and replies have in common.

use super::Result;
use super::error::{AwsError, Fault};

/// `None` if what the call named is not there.
pub(super) fn unless_absent<T>(reply: Result<T>) -> Result<Option<T>> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(AwsError {
            fault: Fault::Absent, ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Only in an update does an empty list say anything: take away what is there. Elsewhere some calls, and some launch
/// types, refuse one.
pub(super) fn unless_empty<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    Some(items.collect()).filter(|items: &Vec<T>| !items.is_empty())
}

/// AWS counts with signed numbers that are never negative.
pub(super) fn from_i32(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// What exceeds it is refused by AWS all the same.
pub(super) fn to_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
