//! The port claims that the API server would hold: beside AWS, so that one fault counter covers both.

use async_trait::async_trait;
use empire_controller::claims::{Claimed, Claims};
use empire_controller::error::Error;
use empire_controller::model::port::Claim;

use super::{FakeAws, State};

const LIST: &str = "claims:List";
const CLAIM: &str = "claims:Claim";
const FREE: &str = "claims:Free";
const RETAIN: &str = "claims:Retain";

#[async_trait]
impl Claims for FakeAws {
    async fn list(&self, platform: &str) -> Result<Vec<Claim>, Error> {
        let of_platform = |claim: &&Claim| claim.owner.platform == platform;
        self.read(LIST, platform, |state| {
            Ok(state.claims.iter().filter(of_platform).cloned().collect())
        })
        .map_err(|error| kubernetes("list PortAllocations", &error))
    }

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

    async fn free(&self, claim: &Claim) -> Result<(), Error> {
        self.write(FREE, about(claim), |state| {
            state.claims.retain(|held| !held.is_same(claim));
            Ok(())
        })
        .map_err(|error| kubernetes("delete PortAllocation", &error))
    }
}

impl FakeAws {
    /// From here on, so many claims are lost to another App's that is a moment faster.
    pub(crate) fn race_for_ports(&self, rivals: u16) {
        self.lock().rivals = rivals;
    }
}

impl State {
    fn race(&mut self, claim: &Claim) {
        if self.rivals > 0 {
            self.rivals -= 1;
            let mut rival = claim.clone();
            rival.owner.app.name = format!("rival{}", self.rivals);
            self.claims.push(rival);
        }
    }
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
