//! Leases in the API server: listed, and written by compare-and-swap on the version of the object.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};

use super::candidate::{Put, Record, Refused};
use crate::controller::kubernetes::message_of;

/// The label of our Leases.
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "empire-controller");

/// Names the replica that asks for a Lease. As `spec.preferredHolder`, which API servers drop unless coordinated leader
/// election is switched on: <https://kubernetes.io/docs/concepts/cluster-administration/coordinated-leader-election/>.
const WANTED_BY: &str = "empire.dev/wanted-by";

/// The Leases of one namespace.
pub(in crate::controller) struct LeaseStore {
    api: Api<Lease>,
    /// Of a Lease that does not say how long it is held.
    duration: Duration,
    /// A request that takes longer has failed.
    limit: Duration,
}

impl LeaseStore {
    pub(in crate::controller) fn new(client: &Client, namespace: &str, duration: Duration) -> Self {
        LeaseStore {
            api: Api::namespaced(client.clone(), namespace),
            duration,
            limit: duration / 5,
        }
    }

    /// Returns the Leases by name. One request, however many there are: they are small.
    pub(in crate::controller) async fn list(&self) -> Result<BTreeMap<String, Record>, String> {
        let ours = ListParams::default().labels(&format!("{}={}", LABEL.0, LABEL.1));
        let found = self.within("list Leases", self.api.list(&ours)).await;
        let found = found.map_err(|error| format!("list Leases: {}", message_of(&error)))?;
        let leases = found
            .into_iter()
            .map(|lease| (lease.name_any(), self.record(&lease)));
        Ok(leases.collect())
    }

    pub(in crate::controller) async fn put(&self, name: &str, put: &Put) -> Result<Record, Refused> {
        let now = MicroTime(Timestamp::now());
        let metadata = ObjectMeta {
            name: Some(name.into()),
            labels: Some([(LABEL.0.into(), LABEL.1.into())].into()),
            annotations: put
                .wanted_by
                .clone()
                .map(|asks| [(WANTED_BY.into(), asks)].into()),
            resource_version: put.replaces.clone(),
            ..ObjectMeta::default()
        };
        let seconds = put.duration.as_secs() + u64::from(put.duration.subsec_nanos() > 0);
        let spec = LeaseSpec {
            holder_identity: Some(put.holder.clone()),
            lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            lease_transitions: Some(put.transitions),
            acquire_time: Some(put.acquired.map_or_else(|| now.clone(), MicroTime)),
            renew_time: Some(put.renewed.map_or(now, MicroTime)),
            ..LeaseSpec::default()
        };
        let lease = Lease {
            metadata,
            spec: Some(spec),
        };
        let parameters = PostParams::default();
        let written = if put.replaces.is_none() {
            self.within("create a Lease", self.api.create(&parameters, &lease))
                .await
        } else {
            self.within("renew a Lease", self.api.replace(name, &parameters, &lease))
                .await
        };
        match written {
            Ok(lease) => Ok(self.record(&lease)),
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Err(Refused::Conflict),
            Err(error) => Err(Refused::Failed(message_of(&error))),
        }
    }

    /// An answer that comes too late is none.
    async fn within<T>(
        &self,
        action: &'static str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> kube::Result<T> {
        let late = |_| {
            let seconds = self.limit.as_secs_f32();
            Err(kube::Error::Service(
                format!("{action}: no answer within {seconds} s").into(),
            ))
        };
        tokio::time::timeout(self.limit, request)
            .await
            .unwrap_or_else(late)
    }

    fn record(&self, lease: &Lease) -> Record {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        Record {
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            duration: seconds.map_or(self.duration, Duration::from_secs),
            transitions: spec.lease_transitions.unwrap_or_default(),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
            wanted_by: lease.annotations().get(WANTED_BY).cloned(),
            version: lease.resource_version().unwrap_or_default(),
        }
    }
}
