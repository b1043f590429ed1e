//! The port claims that the API server would hold: beside AWS, so that one fault counter covers both.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use empire_controller::claims::{ClaimWrites, Claimed, Claims};
use empire_controller::error::Error;
use empire_controller::model::owner::AppName;
use empire_controller::model::port::Claim;

use super::{FakeAws, State};

/// A cache's, which takes no call.
const SEEN: &str = "claims:Seen";
const LIST: &str = "claims:List";
const GET: &str = "claims:Get";
const CLAIM: &str = "claims:Claim";
const RELEASE: &str = "claims:Release";
const RETAIN: &str = "claims:Retain";

#[async_trait]
impl Claims for FakeAws {
    async fn seen(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error> {
        let mut state = self.lock();
        let found = claims_of(state.seen_claims(), platform, app).into_iter();
        let found = found.map(|claim| (claim, Some(app.to_string()))).collect();
        Ok(state.shorten(SEEN, found))
    }

    async fn live(&self, platform: &str, app: &AppName) -> Result<Vec<Claim>, Error> {
        let about = format!("{platform} {app}");
        let all = |state: &State| {
            let found = claims_of(&state.claims, platform, app).into_iter();
            Ok(Some(found.map(|claim| (claim, Some(app.to_string()))).collect()))
        };
        let found = self.list(LIST, &about, all);
        Ok(found
            .map_err(|error| kubernetes("list PortAllocations", &error))?
            .unwrap_or_default())
    }

    async fn at(&self, platform: &str, port: u16) -> Result<Option<Claim>, Error> {
        let held = |claim: &&Claim| claim.owner.platform == platform && claim.port == port;
        self.read(GET, &format!("{platform}-{port}"), |state| {
            Ok(state.claims.iter().find(held).cloned())
        })
        .map_err(|error| kubernetes("read PortAllocation", &error))
    }

    fn taken(&self, platform: &str) -> Option<Arc<BTreeSet<u16>>> {
        let state = self.lock();
        let claims = state.seen_claims().iter();
        let here = claims.filter(|claim| claim.owner.platform == platform);
        Some(Arc::new(here.map(|claim| claim.port).collect()))
    }

    fn holders(&self, platform: &str) -> BTreeSet<AppName> {
        let state = self.lock();
        let claims = state.seen_claims().iter();
        let here = claims.filter(|claim| claim.owner.platform == platform && !claim.retained);
        here.map(|claim| claim.owner.app.clone()).collect()
    }
}

#[async_trait]
impl ClaimWrites for FakeAws {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Error> {
        self.lock().race(claim);
        self.write(CLAIM, about(claim), |state| {
            let same_port =
                |held: &&Claim| held.port == claim.port && held.owner.platform == claim.owner.platform;
            match state.claims.iter().find(same_port) {
                Some(held) if held.is_same(claim) => Ok(Claimed::Yes),
                Some(_) => Ok(Claimed::Taken),
                None => {
                    state.claims.push(claim.clone());
                    Ok(Claimed::Yes)
                }
            }
        })
        .map_err(|error| kubernetes("create PortAllocation", &error))
    }

    async fn set_retained(&self, claim: &Claim, retained: bool) -> Result<(), Error> {
        self.write(RETAIN, about(claim), |state| {
            for held in state.claims.iter_mut().filter(|held| held.is_same(claim)) {
                held.retained = retained;
            }
            Ok(())
        })
        .map_err(|error| kubernetes("patch PortAllocation", &error))
    }

    async fn release(&self, claim: &Claim) -> Result<(), Error> {
        self.write(RELEASE, about(claim), |state| {
            state.claims.retain(|held| !held.is_same(claim));
            Ok(())
        })
        .map_err(|error| kubernetes("delete PortAllocation", &error))
    }
}

impl FakeAws {
    /// From here on, passes see the claims as they are now, unless they read them live.
    pub(crate) fn hide_claims(&self) {
        let mut state = self.lock();
        state.claims_before = Some(state.claims.clone());
    }

    /// From here on, so many claims are lost to another App's that is a moment faster.
    pub(crate) fn race_for_ports(&self, rivals: u16) {
        self.lock().rivals = rivals;
    }
}

impl State {
    fn seen_claims(&self) -> &[Claim] {
        self.claims_before.as_ref().unwrap_or(&self.claims)
    }

    fn race(&mut self, claim: &Claim) {
        if self.rivals > 0 {
            self.rivals -= 1;
            let mut rival = claim.clone();
            rival.owner.app.name = format!("rival{}", self.rivals).into();
            self.claims.push(rival);
        }
    }
}

fn claims_of(claims: &[Claim], platform: &str, app: &AppName) -> Vec<Claim> {
    let claims = claims.iter();
    let here = claims.filter(|claim| claim.owner.platform == platform && &claim.owner.app == app);
    here.cloned().collect()
}

fn about(claim: &Claim) -> String {
    let owner = &claim.owner;
    format!(
        "{} for {} {} {}",
        claim.port, owner.app, owner.process, owner.container_port
    )
}

fn kubernetes(action: &'static str, error: &empire_controller::aws::AwsError) -> Error {
    Error::Kubernetes {
        action,
        message: error.message.clone(),
    }
}
