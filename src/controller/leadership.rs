//! Who writes: one Lease for each AWS account, and one for what has no account, which is Apps without a Platform.
//!
//! Every replica watches all Apps and Platforms and keeps its caches filled. It begins a pass only over what it leads, and the
//! pass runs inside of the [fence](crate::fence) of that Lease. A Lease is asked for when the first object is met that needs
//! it.

mod balance;
pub(super) mod campaign;
mod candidate;
pub(super) mod store;

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::sync::Mutex;
use std::time::Duration;

use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use serde_json::{Value, json};
use tokio::sync::Notify;

use self::candidate::Pace;
use super::known_run::KnownRun;
use super::memory::lock;
use super::packed::PackedApp;
use crate::api::app::PlatformRecord;
use crate::api::platform::Platform;
use crate::fence::{Fence, Moment};
use crate::model::name::digest;
use crate::pass::{account, platform_of};

/// What one Lease is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// An AWS account, by its id.
    Account(String),
    /// The account that the controller's own credentials are of: that of Platforms without a role.
    OwnAccount,
    /// Apps that have no Platform.
    NoPlatform,
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Scope::Account(account) => write!(f, "account {account}"),
            Scope::OwnAccount => f.write_str("the controller's own account"),
            Scope::NoPlatform => f.write_str("Apps without a Platform"),
        }
    }
}

impl Scope {
    pub(super) fn of_account(account: Option<String>) -> Self {
        account.map_or(Scope::OwnAccount, Scope::Account)
    }

    /// By its role alone: the account is never asked for.
    pub(super) fn of_platform(platform: &DeserializeGuard<Platform>) -> Self {
        match &platform.0 {
            Ok(platform) => Scope::of_account(account(platform)),
            Err(_) => Scope::NoPlatform,
        }
    }

    /// By what is recorded on the App: what it has is there, whatever became of its Platform. Else by the Platform that it
    /// names, or would get. An account that no Platform has, and in which nothing can be written, is nobody's, since whoever
    /// edits an App could invent some.
    pub(super) fn of_app(app: &PackedApp, platforms: &Store<DeserializeGuard<Platform>>) -> Self {
        if let Some(record) = app.recorded() {
            return Scope::of_record(&record, platforms);
        }
        let platforms = platforms.state();
        let known: Vec<&Platform> = platforms
            .iter()
            .filter_map(|platform| platform.0.as_ref().ok())
            .collect();
        let platform = app.outline().0.ok().and_then(|app| platform_of(&app, &known));
        platform.map_or(Scope::NoPlatform, |platform| Scope::of_account(account(platform)))
    }

    /// By where its task is; else as its App.
    pub(super) fn of_run(
        run: &KnownRun,
        apps: &Store<PackedApp>,
        platforms: &Store<DeserializeGuard<Platform>>,
    ) -> Self {
        if let Some(record) = &run.record {
            return Scope::of_record(record, platforms);
        }
        let app = ObjectRef::new(&run.app).within(&run.namespace().unwrap_or_default());
        let app = apps.get(&app);
        app.map_or(Scope::NoPlatform, |app| Scope::of_app(&app, platforms))
    }

    /// By what is recorded.
    pub(super) fn of_record(record: &PlatformRecord, platforms: &Store<DeserializeGuard<Platform>>) -> Self {
        let platforms = platforms.state();
        let mut known = platforms.iter().filter_map(|platform| platform.0.as_ref().ok());
        if known.any(|platform| account(platform) == record.account) {
            Scope::of_account(record.account.clone())
        } else {
            Scope::NoPlatform
        }
    }

    /// Names the Lease: of this installation, so that two of them never wait for each other.
    fn lease(&self, installation: &str) -> String {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let scope = match self {
            Scope::Account(account) if is_plain(account) => account.clone(),
            Scope::Account(account) => digest(account),
            Scope::OwnAccount => "own-account".into(),
            Scope::NoPlatform => "no-platform".into(),
        };
        format!("empire-{scope}-{}", digest(installation))
    }
}

/// The Leases that this replica holds, or would.
pub(super) struct Leases {
    installation: String,
    /// No other process has it, not even the one that this one replaces in its pod.
    pub(super) identity: String,
    pub(super) pace: Pace,
    /// Who holds them must have been the same for so long before one is asked for; zero if none ever is.
    rebalance_after: Duration,
    known: Mutex<BTreeMap<Scope, Known>>,
    wanted: Notify,
}

#[derive(Clone, Debug)]
struct Known {
    fence: Fence,
    holder: Option<String>,
}

impl Leases {
    /// Makes none yet. `name` is the pod's, or the host's.
    pub(super) fn new(installation: &str, name: &str, duration: Duration, rebalance_after: Duration) -> Self {
        Leases {
            installation: installation.into(),
            identity: format!("{name}_{:016x}", fastrand::u64(..)),
            pace: Pace { duration },
            rebalance_after,
            known: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    /// Returns the fence of a Lease that this replica holds, and is not about to give back. One that nobody has asked for yet
    /// is asked for.
    pub(super) fn led(&self, scope: &Scope) -> Option<Fence> {
        let mut known = lock(&self.known);
        if let Some(known) = known.get(scope) {
            return Some(known.fence.clone()).filter(Fence::is_open);
        }
        let (fence, holder) = (self.fence(scope), None);
        known.insert(scope.clone(), Known { fence, holder });
        self.wanted.notify_one();
        None
    }

    fn fence(&self, scope: &Scope) -> Fence {
        Fence::new(scope.lease(&self.installation), self.pace.duration)
    }

    /// Returns another fence for a Lease that is given away: what was begun behind the one before can never go on, should
    /// the Lease come back.
    fn fence_anew(&self, scope: &Scope) -> Fence {
        let fence = self.fence(scope);
        if let Some(known) = lock(&self.known).get_mut(scope) {
            known.fence = fence.clone();
        }
        fence
    }

    /// True if the pass that asks runs under the Lease of this scope. Outside of passes, nothing is asked.
    pub(super) fn is_under(&self, scope: &Scope) -> bool {
        crate::fence::current().is_none_or(|fence| fence.lease() == scope.lease(&self.installation))
    }

    /// True if this replica leads it. One that nobody has asked for yet is not asked for.
    pub(super) fn leads(&self, scope: &Scope) -> bool {
        let known = lock(&self.known);
        known.get(scope).is_some_and(|known| known.fence.is_held())
    }

    /// Returns the names of the Leases that were asked for, and if each is this replica's for now: one that could not be
    /// renewed in time is nobody's, as long as no other has taken it.
    pub(super) fn held(&self) -> Vec<(String, bool)> {
        let (known, now) = (lock(&self.known), Moment::now());
        let lease = |Known { fence, .. }: &Known| (fence.lease().to_owned(), !fence.left(now).is_zero());
        known.values().map(lease).collect()
    }

    /// Lets no pass read AWS any more.
    pub(super) fn close(&self) {
        for known in lock(&self.known).values() {
            known.fence.close();
        }
    }

    /// Returns the Leases, as `/queue` shows them: for what, who holds each, and if that is this replica.
    pub(super) fn report(&self) -> Value {
        let (known, now) = (lock(&self.known), Moment::now());
        let lease = |(scope, Known { fence, holder }): (&Scope, &Known)| {
            json!({
                "for": scope.to_string(),
                "lease": fence.lease(),
                "holder": holder,
                "leading": fence.is_held(),
                "secondsLeft": fence.is_held().then(|| fence.left(now).as_secs()),
            })
        };
        known.iter().map(lease).collect()
    }

    fn all(&self) -> Vec<(Scope, Fence)> {
        let known = lock(&self.known);
        known
            .iter()
            .map(|(scope, known)| (scope.clone(), known.fence.clone()))
            .collect()
    }

    fn held_by(&self, scope: &Scope, holder: Option<&str>) {
        if let Some(known) = lock(&self.known).get_mut(scope) {
            known.holder = holder.map(Into::into);
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::{reflector, watcher};

    use super::*;
    use crate::desired::fixtures::{app_with, platform_with};
    use crate::fence;
    use crate::pass::RECORD_ANNOTATION;

    const OTHER: &str = "arn:aws:iam::123456789012:role/empire";

    fn scope(app: Value, platforms: &[Value]) -> Scope {
        let (store, mut writer) = reflector::store::<DeserializeGuard<Platform>>();
        for platform in platforms {
            let platform = DeserializeGuard(Ok(platform_with(platform.clone())));
            writer.apply_watcher_event(&watcher::Event::Apply(platform));
        }
        Scope::of_app(&PackedApp::from(DeserializeGuard(Ok(app_with(app)))), &store)
    }

    fn platform(name: &str, role: Option<&str>) -> Value {
        json!({ "metadata": { "name": name }, "spec": { "roleArn": role } })
    }

    #[test]
    fn an_app_belongs_to_the_account_of_its_platform() {
        let there = Scope::Account("123456789012".into());
        let platforms = [platform("own", None), platform("other", Some(OTHER))];
        let on = |name: Option<&str>| json!({ "spec": { "platform": name } });
        assert_eq!(scope(on(Some("own")), &platforms), Scope::OwnAccount);
        assert_eq!(scope(on(Some("other")), &platforms), there);
        assert_eq!(scope(on(Some("gone")), &platforms), Scope::NoPlatform);
        assert_eq!(scope(on(None), &platforms), Scope::NoPlatform, "no default");
        // What it has stays where it is, whatever becomes of its Platform.
        let record = json!({
            "name": "gone", "account": "123456789012", "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1",
        });
        let recorded = json!({ "metadata": { "annotations": { RECORD_ANNOTATION: record.to_string() } } });
        assert_eq!(scope(recorded.clone(), &platforms), there);
        assert_eq!(
            scope(recorded, &[platform("own", None)]),
            Scope::NoPlatform,
            "invented"
        );
    }

    #[test]
    fn leases_have_valid_names_which_two_installations_do_not_share() {
        let account = Scope::Account("123456789012".into());
        let scopes = [
            account.clone(),
            Scope::OwnAccount,
            Scope::NoPlatform,
            Scope::Account("a:B".into()),
        ];
        let names: Vec<String> = scopes.iter().map(|scope| scope.lease("Blue_1")).collect();
        for name in &names {
            let is_valid = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            assert!(name.bytes().all(is_valid) && name.len() < 64, "{name}");
        }
        assert!(names[0].starts_with("empire-123456789012-"), "{names:?}");
        assert_ne!(account.lease("Blue_1"), account.lease("Blue_2"));
    }

    #[tokio::test]
    async fn a_pass_goes_on_under_its_own_lease_only_and_under_none_that_was_given_away() {
        let leases = Leases::new("blue", "pod", Duration::from_secs(12), Duration::ZERO);
        let (here, there) = (
            Scope::Account("123456789012".into()),
            Scope::Account("210987654321".into()),
        );
        assert!(leases.is_under(&here) && leases.is_under(&there), "a dry run");
        for scope in [&here, &there] {
            assert!(leases.led(scope).is_none());
        }
        for (_, fence) in leases.all() {
            fence.renewed(Moment::now());
        }
        let before = leases.led(&here).unwrap();
        // Its Platform was made anew with a role in another account while it ran.
        let asked = async { (leases.is_under(&here), leases.is_under(&there)) };
        assert_eq!(fence::under(before.clone(), asked).await, (true, false));
        before.close();
        assert!(
            leases.led(&here).is_none() && leases.leads(&here),
            "its passes end"
        );
        assert!(leases.led(&there).is_some());
        before.lost();
        let again = leases.fence_anew(&here);
        again.renewed(Moment::now());
        assert!(leases.led(&here).is_some());
        let asked = async { (fence::may_read().is_ok(), fence::may_write().is_ok()) };
        assert_eq!(fence::under(before, asked).await, (false, false));
    }

    #[test]
    fn a_lease_is_asked_for_once_and_led_when_it_is_held() {
        let leases = Leases::new("blue", "pod", Duration::from_secs(12), Duration::ZERO);
        assert!(!leases.leads(&Scope::OwnAccount) && leases.all().is_empty());
        assert!(leases.led(&Scope::OwnAccount).is_none());
        let (_, fence) = leases.all().remove(0);
        fence.renewed(Moment::now());
        assert!(leases.led(&Scope::OwnAccount).is_some() && leases.leads(&Scope::OwnAccount));
        assert_eq!(leases.held(), [(fence.lease().to_owned(), true)]);
        assert_eq!(leases.all().len(), 1);
        assert_eq!(leases.report()[0]["leading"], true);
        let again = Leases::new("blue", "pod", Duration::from_secs(12), Duration::ZERO);
        assert_ne!(leases.identity, again.identity, "two processes of one pod");
    }
}
