//! Taking, renewing and giving back the Leases that this replica is to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::balance::{self, Holders};
use super::candidate::{Candidate, Next, Put, Record, Refused};
use super::store::LeaseStore;
use super::{Leases, Scope};
use crate::error::Error;
use crate::fence::Moment;
use crate::health::Health;

/// How the health endpoint calls it.
const LEASES: &str = "Leases";
/// By so much a replica is slower to take what is free for each Lease that it holds, so that accounts are shared out.
const COURTESY: Duration = Duration::from_millis(100);
const MOST_COURTESY: Duration = Duration::from_secs(1);

/// Campaigns for every Lease that is asked for, until one is lost to another replica: then this one must end. Calls
/// `acquired` for what it leads from then on, and `given` for what it has given to another replica, when no pass over it
/// runs any more. Takes nothing more once `stopping`, and renews what it holds for as long as it is polled.
pub(in crate::controller) async fn campaign(
    leases: &Leases,
    store: &LeaseStore,
    health: &Health,
    acquired: impl Fn(&[Scope]),
    given: impl Fn(&Scope),
    stopping: watch::Receiver<bool>,
) -> Error {
    let mut campaign = Campaign {
        leases,
        store,
        health,
        candidates: BTreeMap::new(),
        troubled: false,
        holders: BTreeMap::new(),
        unchanged_since: Moment::now(),
        giving: None,
    };
    let mut early = stopping.clone();
    loop {
        let is_stopping = *stopping.borrow();
        if is_stopping {
            campaign.candidates.retain(|_, candidate| candidate.is_leading());
        } else {
            campaign.enter();
        }
        match campaign.round().await {
            Ok(new) => acquired(&new),
            Err(error) => return error,
        }
        if let Some(scope) = campaign.share_out().await {
            given(&scope);
        }
        let idle = tokio::time::sleep(campaign.idle());
        tokio::select! {
            () = idle => {}
            () = leases.wanted.notified(), if !is_stopping => {}
            // The sender lives as long as anybody listens.
            _ = early.wait_for(|stopping| *stopping), if !is_stopping => {}
        }
    }
}

struct Campaign<'a> {
    leases: &'a Leases,
    store: &'a LeaseStore,
    health: &'a Health,
    candidates: BTreeMap<Scope, Candidate>,
    troubled: bool,
    /// By Lease, as last seen.
    holders: BTreeMap<Scope, Option<String>>,
    unchanged_since: Moment,
    /// A Lease whose passes are to end, and the replica that it goes to then.
    giving: Option<(Scope, String)>,
}

impl Campaign<'_> {
    /// Stands for the Leases that were asked for since.
    fn enter(&mut self) {
        let Leases { identity, pace, .. } = self.leases;
        for (scope, fence) in self.leases.all() {
            let enter = || Candidate::new(identity.clone(), *pace, fence, Moment::now());
            self.candidates.entry(scope).or_insert_with(enter);
        }
    }

    /// Looks, and writes what is due: renewals beside the look, so that neither waits for the other. Returns what is led
    /// from now on.
    async fn round(&mut self) -> Result<Vec<Scope>, Error> {
        let blind: BTreeSet<Scope> = self.those(Candidate::is_blind);
        let look = async {
            if blind.is_empty() {
                return None;
            }
            Some(self.store.list().await)
        };
        let (found, renewed) = join(
            look,
            self.put(self.due(&self.those(|candidate| !candidate.is_blind()))),
        )
        .await;
        let mut new = self.answered(renewed);
        match found {
            None => {}
            Some(Ok(found)) => self.observe(&blind, &found)?,
            Some(Err(error)) => self.failed(&error),
        }
        let taken = self.put(self.due(&blind)).await;
        new.extend(self.answered(taken));
        let mut holders = BTreeMap::new();
        for (scope, candidate) in &self.candidates {
            self.leases.held_by(scope, candidate.holder());
            holders.insert(scope.clone(), candidate.holder().map(Into::into));
        }
        if self.holders != holders {
            (self.holders, self.unchanged_since) = (holders, Moment::now());
        }
        Ok(new)
    }

    /// Decides what to give of what others ask for, one at a time, and lets its passes end. What is not given is renewed,
    /// which takes the request off the Lease.
    fn grant(&mut self) {
        if self.giving.is_some() {
            return;
        }
        let led = self
            .candidates
            .iter()
            .filter(|(_, candidate)| candidate.is_leading());
        let asked = led.filter_map(|(scope, candidate)| Some((scope, candidate.wanted_by()?)));
        let granted = balance::granted(&self.shares(), &self.leases.identity, asked);
        let Some((scope, to)) = granted.map(|(scope, to)| (scope.clone(), to.to_owned())) else {
            return;
        };
        if let Some(candidate) = self.candidates.get(&scope) {
            info!(
                lease = candidate.fence.lease(),
                to, "giving up {scope} once its passes have ended"
            );
            candidate.fence.close();
        }
        self.giving = Some((scope, to));
    }

    /// Who holds what counts: Apps without a Platform cost next to nothing.
    fn shares(&self) -> Holders<'_> {
        let counting = self
            .candidates
            .iter()
            .filter(|(scope, _)| **scope != Scope::NoPlatform);
        counting
            .map(|(scope, candidate)| (scope, candidate.holder()))
            .collect()
    }

    /// Sees that every replica leads about as much: gives what was granted, or asks for a Lease itself. Returns what was
    /// given.
    async fn share_out(&mut self) -> Option<Scope> {
        let Some((scope, to)) = &self.giving else {
            self.ask().await;
            return None;
        };
        let (scope, to) = (scope.clone(), to.clone());
        let candidate = self.candidates.get_mut(&scope)?;
        if !candidate.fence.is_idle() {
            return None;
        }
        self.giving = None;
        let lease = candidate.fence.lease().to_owned();
        let put = candidate.give(&to, self.leases.fence_anew(&scope))?;
        let answer = self.store.put(&lease, &put).await;
        match &answer {
            Ok(_) => info!(lease, to, "gave up {scope}"),
            Err(Refused::Conflict) => {}
            Err(Refused::Failed(error)) => self.failed(error),
        }
        if let Some(candidate) = self.candidates.get_mut(&scope) {
            candidate.gave(answer, Moment::now());
        }
        Some(scope)
    }

    /// Asks for a Lease if another replica has led more for long enough.
    async fn ask(&mut self) {
        let Leases {
            identity,
            rebalance_after,
            ..
        } = self.leases;
        let calm = Moment::now().boot.saturating_sub(self.unchanged_since.boot);
        if rebalance_after.is_zero() || calm < *rebalance_after {
            return;
        }
        let wanted = balance::wanted(&self.shares(), identity);
        let Some(candidate) = wanted.and_then(|scope| self.candidates.get(scope)) else {
            return;
        };
        let (lease, holder) = (candidate.fence.lease(), candidate.holder());
        let Some(put) = candidate.request() else {
            return;
        };
        match self.store.put(lease, &put).await {
            Ok(_) => {
                info!(lease, holder, "asking for it, since its holder leads more");
                self.unchanged_since = Moment::now();
            }
            // It was renewed meanwhile.
            Err(Refused::Conflict) => {}
            Err(Refused::Failed(error)) => self.failed(&error),
        }
    }

    fn those(&self, which: impl Fn(&Candidate) -> bool) -> BTreeSet<Scope> {
        let those = self.candidates.iter().filter(|(_, candidate)| which(candidate));
        those.map(|(scope, _)| scope.clone()).collect()
    }

    fn observe(&mut self, blind: &BTreeSet<Scope>, found: &BTreeMap<String, Record>) -> Result<(), Error> {
        let now = Moment::now();
        for scope in blind {
            let Some(candidate) = self.candidates.get_mut(scope) else {
                continue;
            };
            let lease = candidate.fence.lease().to_owned();
            let found = found.get(&lease).cloned();
            candidate.observe(found, now).map_err(|holder| Error::Kubernetes {
                action: "lead",
                message: format!(
                    "Lease {lease} of {scope} was lost to {holder}: this replica ends, and begins anew as a standby"
                ),
            })?;
        }
        self.health.succeeded(LEASES);
        // Before the renewals that answer what others ask, one way or the other.
        self.grant();
        Ok(())
    }

    /// Returns the writes that are due of these.
    fn due(&self, scopes: &BTreeSet<Scope>) -> Vec<(Scope, String, Put)> {
        let (now, courtesy) = (Moment::now(), self.courtesy());
        let due = |scope: &Scope| {
            let candidate = self.candidates.get(scope)?;
            match candidate.next(courtesy, now) {
                Next::Put(put) => Some((scope.clone(), candidate.fence.lease().to_owned(), put)),
                Next::Look | Next::Wait(_) => None,
            }
        };
        scopes.iter().filter_map(due).collect()
    }

    async fn put(&self, due: Vec<(Scope, String, Put)>) -> Vec<(Scope, Moment, Result<Record, Refused>)> {
        let put = |(scope, lease, put): (Scope, String, Put)| async move {
            let sent = Moment::now();
            (scope, sent, self.store.put(&lease, &put).await)
        };
        join_all(due.into_iter().map(put)).await
    }

    fn answered(&mut self, answers: Vec<(Scope, Moment, Result<Record, Refused>)>) -> Vec<Scope> {
        let (mut new, now) = (Vec::new(), Moment::now());
        for (scope, sent, answer) in answers {
            match &answer {
                Ok(_) => self.succeeded(),
                Err(Refused::Failed(error)) => self.failed(error),
                Err(Refused::Conflict) => {}
            }
            let Some(candidate) = self.candidates.get_mut(&scope) else {
                continue;
            };
            if candidate.answered(sent, answer, now) {
                info!(lease = candidate.fence.lease(), "leading {scope}");
                new.push(scope);
            }
        }
        new
    }

    fn succeeded(&mut self) {
        self.troubled = false;
        self.health.succeeded(LEASES);
    }

    /// Once in a row is worth a warning.
    fn failed(&mut self, error: &str) {
        self.health.failed(LEASES, error.to_owned());
        if std::mem::replace(&mut self.troubled, true) {
            debug!(error, "Leases cannot be seen to");
        } else {
            warn!(
                error,
                "Leases cannot be seen to: no write begins near the end of one"
            );
        }
    }

    fn courtesy(&self) -> Duration {
        let held = self
            .candidates
            .values()
            .filter(|candidate| candidate.is_leading())
            .count();
        let held = u32::try_from(held).unwrap_or(u32::MAX);
        COURTESY.saturating_mul(held).min(MOST_COURTESY)
    }

    /// Returns the time until the next round.
    fn idle(&self) -> Duration {
        let (now, look) = (Moment::now(), self.leases.pace.look());
        let courtesy = self.courtesy();
        let waits = self
            .candidates
            .values()
            .map(|candidate| match candidate.next(courtesy, now) {
                // One that was just found otherwise than it was is read again soon, but never in a hot loop.
                Next::Look | Next::Put(_) if self.troubled => look,
                Next::Look | Next::Put(_) => look / 10,
                Next::Wait(wait) if candidate.is_leading() => wait,
                Next::Wait(wait) => wait.min(look),
            });
        let idle = waits.min().unwrap_or(Duration::from_mins(1));
        // Passes that are to end do so soon.
        let idle = if self.giving.is_some() {
            idle.min(look / 10)
        } else {
            idle
        };
        idle.max(Duration::from_millis(1))
    }
}

/// Gives back every Lease that this replica holds, so that another need not wait. Whoever calls this has ended all passes.
pub(in crate::controller) async fn give_back(leases: &Leases, store: &LeaseStore) {
    for (_, fence) in leases.all() {
        fence.lost();
    }
    // A renewal that was under way may change one beneath us, once.
    for _ in 0..2 {
        let found = match store.list().await {
            Ok(found) => found,
            Err(error) => return warn!(error, "Leases are not given back, and end by themselves"),
        };
        let held = found
            .iter()
            .filter(|(_, record)| record.holder.as_ref() == Some(&leases.identity));
        let gave = held.map(|(lease, record)| {
            let put = record.given_back();
            async move { (lease, store.put(lease, &put).await) }
        });
        let mut is_done = true;
        for (lease, gave) in join_all(gave).await {
            match gave {
                Ok(_) => info!(lease, "given back"),
                Err(_) => is_done = false,
            }
        }
        if is_done {
            return;
        }
    }
    warn!("Leases are not given back, and end by themselves");
}
