//! The parts that requests and replies of all services share: pages, absence, numbers.

use futures::future::BoxFuture;

use super::Result;
use super::error::{AwsError, Call, Fault};

/// Returns the items of a list, read page by page. `take` takes from a page its items and the token of the next one; an
/// empty token is none.
///
/// A token that comes a second time is an error: following it would never end. The SDK's own paginators compare with the
/// last token only, and there are none for `ListResourceRecordSets` and `ListServiceDeployments`.
pub(super) async fn every_page<'a, Page, Item, Token>(
    call: Call,
    ask: impl Fn(Option<Token>) -> BoxFuture<'a, Result<Page>> + Send,
    take: impl Fn(Page) -> (Option<Vec<Item>>, Option<Token>) + Send,
) -> Result<Vec<Item>>
where
    Item: Send,
    Token: Clone + Default + PartialEq + Send,
{
    let (mut items, mut followed) = (Vec::new(), Vec::new());
    loop {
        let (page, next) = take(ask(followed.last().cloned()).await?);
        items.extend(page.into_iter().flatten());
        match next.filter(|next| *next != Token::default()) {
            None => return Ok(items),
            Some(next) if followed.contains(&next) => return Err(call.repeated(followed.len() + 1)),
            Some(next) => followed.push(next),
        }
    }
}

/// Returns `None` if the resource that the call named is not there.
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

/// Saturates: AWS refuses a larger number all the same.
pub(super) fn to_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
