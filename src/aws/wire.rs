//! The parts that requests and replies of all services share: pages, absence, numbers.

use futures::future::BoxFuture;

use super::Result;
use super::error::{AwsError, Call, Fault};

/// More than any list has: of services, so many pages are 200,000; of record sets, 600,000.
const PAGES: usize = 2_000;

/// The pages of a list that were read so far.
///
/// A token that comes a second time is an error, and so are more pages than any list has: following it would never end. The SDK's own paginators compare with the
/// last token only, and there are none for `ListResourceRecordSets` and `ListServiceDeployments`.
#[derive(Clone, Debug)]
pub struct Pages<Item, Token> {
    items: Vec<Item>,
    followed: Vec<Token>,
}

impl<Item, Token> Default for Pages<Item, Token> {
    fn default() -> Self {
        Pages {
            items: Vec::new(),
            followed: Vec::new(),
        }
    }
}

impl<Item, Token: Clone + Default + PartialEq> Pages<Item, Token> {
    /// Returns where the next page begins; `None` for the first one.
    pub fn next(&self) -> Option<&Token> {
        self.followed.last()
    }

    /// Adds a page, and the token of the next one; an empty token is none. True if another one follows.
    pub fn add(&mut self, action: &'static str, page: Vec<Item>, next: Option<Token>) -> Result<bool> {
        self.items.extend(page);
        let Some(next) = next.filter(|next| *next != Token::default()) else {
            return Ok(false);
        };
        if self.followed.contains(&next) {
            return Err(Call::of(action).repeated(self.followed.len() + 1));
        }
        if self.followed.len() >= PAGES {
            return Err(Call::of(action).endless(PAGES));
        }
        self.followed.push(next);
        Ok(true)
    }

    /// Takes the items of the pages that were read since the last time.
    pub fn take_items(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }
}

/// Returns the items of a list, read page by page: see [`each_page`].
pub(super) async fn every_page<'a, Page, Item, Token>(
    call: Call,
    ask: impl Fn(Option<Token>) -> BoxFuture<'a, Result<Page>> + Send,
    take: impl Fn(Page) -> (Option<Vec<Item>>, Option<Token>) + Send,
) -> Result<Vec<Item>>
where
    Item: Send,
    Token: Clone + Default + PartialEq + Send,
{
    let mut all = Vec::new();
    let take = move |page| {
        let (items, next) = take(page);
        Ok((items.unwrap_or_default(), next))
    };
    each_page(call, ask, &mut |item| all.push(item), take).await?;
    Ok(all)
}

/// Reads a list page by page, and gives its items to `keep` before it reads the next page. `take` takes from a page its items, as
/// we keep them, since the SDK's are many times as large, and the token of the next one.
pub(super) async fn each_page<'a, Page, Item, Token>(
    call: Call,
    ask: impl Fn(Option<Token>) -> BoxFuture<'a, Result<Page>> + Send,
    keep: &mut (dyn FnMut(Item) + Send),
    take: impl Fn(Page) -> Result<(Vec<Item>, Option<Token>)> + Send,
) -> Result<()>
where
    Item: Send,
    Token: Clone + Default + PartialEq + Send,
{
    let mut pages = Pages::default();
    loop {
        let (page, next) = take(ask(pages.next().cloned()).await?)?;
        let more = pages.add(call.action(), page, next)?;
        pages.take_items().into_iter().for_each(&mut *keep);
        if !more {
            return Ok(());
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

/// A text that is set: AWS leaves some out, and reports others as empty.
pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
