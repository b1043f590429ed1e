//! Host port claims, as the pipeline sees them. The controller keeps them as `PortAllocation` objects, whose name is
//! the port: creating one is atomic in the API server, so no two owners ever hold one port.
//!
//! Reads and writes are traits of their own, and only the door ([`crate::write`]) is given the second.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::model::owner::AppName;
use crate::model::port::Claim;

#[async_trait]
pub trait Claims: Send + Sync {
    /// Returns an App's claims on a Platform as they were last seen: what was written since may be missing.
    async fn seen(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error>;
    /// Reads an App's claims on a Platform live.
    async fn live(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error>;
    /// Reads the claim of one port of a Platform live, whoever holds it.
    async fn at(&self, platform: &str, port: u16) -> Result<Option<Claim>, Error>;
    /// Returns the claimed ports of a Platform, whoever holds them, as they were last seen; `None` before they ever were.
    fn taken(&self, platform: &str) -> Option<Arc<BTreeSet<u16>>>;
    /// Returns the Apps with claims on a Platform that are not retained, as they were last seen.
    fn holders(&self, platform: &str) -> BTreeSet<AppName>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    Yes,
    /// Somebody else was faster.
    Taken,
}

#[async_trait]
pub trait ClaimWrites: Send + Sync {
    /// Claims one port. A claim that its owner already holds is `Yes`.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Error>;
    /// Notes if a claim stays although its App is gone.
    async fn set_retained(&self, claim: &Claim, retained: bool) -> Result<(), Error>;
    /// Releases a port if this owner holds it; one that is free already, or another's, is left alone.
    async fn release(&self, claim: &Claim) -> Result<(), Error>;
}
