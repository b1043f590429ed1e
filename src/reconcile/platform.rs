//! A Platform's own part: what AWS knows of its zones and capacity, and the claims and names that no App's own pass sees to.
//!
//! A part that cannot be read is an error of its own, and the rest goes on.

mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use crate::aws::Aws;
use crate::change::{Change, PortWrite};
use crate::claims::Claims;
use crate::error::Error;
use crate::lists::{Live, Zones};
use crate::model::desired::{Desired, Place};
use crate::model::log_group::LogGroups;
use crate::model::owner::{AppName, Owner};
use crate::model::service::CapacityProviderKind;
use crate::model::state::Observed;
use crate::observe::{Known, Unread, observe, ports_in_use};
pub use crate::plan::Bound;
use crate::plan::{recover, sweep};
use crate::write::{Arns, Refusal, Writer};
pub use kept::{Kept, Sweep};

#[derive(Clone, Debug)]
pub struct Request {
    pub place: Place,
    /// The owner id of this installation.
    pub installation: String,
    /// The ids of the hosted zones.
    pub internal_zone: Option<String>,
    pub external_zone: Option<String>,
    /// The capacity providers to ask for.
    pub capacity_providers: Vec<String>,
    pub apps: Bound,
    /// True if the host ports in use are to be claimed, as they are once after a start.
    pub recovers: bool,
    /// The names that are kept here.
    pub kept: Sweep,
}

/// The results, part by part.
#[derive(Debug)]
pub struct Outcome {
    /// The names of the hosted zones; `None` without one, and where AWS knows none of that id.
    pub internal_zone: Result<Option<String>, Error>,
    pub external_zone: Result<Option<String>, Error>,
    pub capacity_providers: Result<BTreeMap<String, CapacityProviderKind>, Error>,
    /// `None` without host ports.
    pub ports: Result<Option<Ports>, Error>,
    pub kept: Kept,
}

impl Outcome {
    /// Returns the error of a call that was not begun, since another replica may be about to write.
    pub fn fenced(&self) -> Option<&Error> {
        let Outcome {
            internal_zone,
            external_zone,
            capacity_providers,
            ports,
            kept,
        } = self;
        let swept = ports.iter().flatten().flat_map(|ports| &ports.unswept);
        let parts = [
            internal_zone.as_ref().err(),
            external_zone.as_ref().err(),
            capacity_providers.as_ref().err(),
            ports.as_ref().err(),
            kept.failed.as_ref(),
        ];
        let mut errors = parts.into_iter().flatten().chain(swept.map(|(_, error)| error));
        errors.find(|error| error.is_fenced())
    }
}

/// The host ports of a Platform.
#[derive(Debug, Default)]
pub struct Ports {
    /// The number of those in use that were claimed, if this pass looked for them.
    pub recovered: Option<usize>,
    pub done: Vec<Change>,
    /// Apps that are gone, and why their claims could not be released: neither the Platform's trouble nor another App's.
    pub unswept: Vec<(AppName, Error)>,
    pub taken: Arc<BTreeSet<u16>>,
}

/// Answers live, where a view of all Apps may be old.
#[async_trait]
pub trait Registry: Send + Sync {
    async fn is_there(&self, app: &AppName) -> Result<bool, Error>;
}

/// Reads with `aws`, `zones` and `claims`, and writes claims and records through the door alone.
pub async fn reconcile(
    aws: &dyn Aws,
    zones: &dyn Zones,
    claims: &dyn Claims,
    door: &dyn Writer,
    registry: &dyn Registry,
    request: &Request,
) -> Outcome {
    Outcome {
        internal_zone: zone_name(aws, zones, request.internal_zone.as_deref()).await,
        external_zone: zone_name(aws, zones, request.external_zone.as_deref()).await,
        capacity_providers: capacity(aws, &request.capacity_providers).await,
        ports: ports(aws, claims, door, registry, request).await,
        kept: kept::sweep(aws, zones, door, request).await,
    }
}

/// Asks AWS where the list of its records does not show it.
async fn zone_name(aws: &dyn Aws, zones: &dyn Zones, id: Option<&str>) -> Result<Option<String>, Error> {
    let Some(id) = id else {
        return Ok(None);
    };
    match zones.name(id) {
        Some(name) => Ok(Some(name)),
        None => Ok(aws.zone_name(id).await?),
    }
}

/// Asks each time, since a capacity provider may be replaced by another of the same name.
async fn capacity(aws: &dyn Aws, names: &[String]) -> Result<BTreeMap<String, CapacityProviderKind>, Error> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(aws.capacity_provider_kinds(names).await?)
}

async fn ports(
    aws: &dyn Aws,
    claims: &dyn Claims,
    door: &dyn Writer,
    registry: &dyn Registry,
    request: &Request,
) -> Result<Option<Ports>, Error> {
    let place = &request.place;
    if place.host_ports.is_none() {
        return Ok(None);
    }
    let taken = || {
        let unread = Error::Kubernetes {
            action: "list PortAllocations",
            message: "their first list is not complete".into(),
        };
        claims.taken(&place.platform).ok_or(unread)
    };
    let mut ports = Ports {
        taken: taken()?,
        ..Ports::default()
    };
    if request.recovers {
        let in_use = ports_in_use(aws, place, &request.installation).await?;
        for claim in recover(place, in_use, &ports.taken, &request.apps) {
            let (desired, observed) = (owned_by(&claim.owner.app, request), Observed::default());
            let change = PortWrite::Claim(claim).into();
            write(door, &desired, &observed, change, &mut ports.done).await?;
        }
        ports.recovered = Some(ports.done.len());
    }
    for app in claims.holders(&place.platform) {
        if request.apps.contains_key(&app) {
            continue;
        }
        let gone = owned_by(&app, request);
        if let Err(error) = release(aws, claims, door, registry, &gone, &mut ports.done).await {
            ports.unswept.push((app, error));
        }
    }
    ports.taken = taken()?;
    Ok(Some(ports))
}

/// Nothing, as this App would want it.
fn owned_by(app: &AppName, request: &Request) -> Desired {
    let owner = Owner {
        installation: request.installation.clone(),
        app: app.clone(),
    };
    let place = Place {
        // Ports alone are let go of.
        log_groups: LogGroups::None,
        ..request.place.clone()
    };
    Desired::empty(owner, place)
}

/// Releases the claims of an App that is gone.
async fn release(
    aws: &dyn Aws,
    claims: &dyn Claims,
    door: &dyn Writer,
    registry: &dyn Registry,
    gone: &Desired,
    done: &mut Vec<Change>,
) -> Result<(), Error> {
    let (observed, unread) = observe(aws, &Live(aws), claims, gone, Known::default()).await?;
    if let Some(Unread { error, .. }) = unread.into_iter().next() {
        return Err(error.into());
    }
    for change in sweep(gone, &observed) {
        // It may have been created again while we looked, and have found its old claim.
        if registry.is_there(&gone.owner.app).await? {
            break;
        }
        write(door, gone, &observed, change, done).await?;
    }
    Ok(())
}

async fn write(
    door: &dyn Writer,
    desired: &Desired,
    observed: &Observed,
    change: Change,
    done: &mut Vec<Change>,
) -> Result<(), Error> {
    match door.write(&change, &Arns { desired, observed }).await {
        Ok(_) => done.push(change),
        // Ports are no calls to AWS, and no budget is asked for records.
        Err(Refusal::PortTaken | Refusal::Later { .. } | Refusal::Throttled { .. }) => {}
        Err(Refusal::Fenced(error) | Refusal::Failed(error)) => return Err(error),
    }
    Ok(())
}
