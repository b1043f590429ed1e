//! The `plan` command: prints the changes that the controller would make for an App, and makes none.
//!
//! It reads what the loop reads and plans as the loop plans. The App's spec is the file's, if there is one; everything
//! else that the loop goes by, the record of the Platform and the status above all, is the cluster's.

mod manifest;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};

use self::manifest::MANIFEST_LIMIT;
use super::cluster::{ClusterArguments, OwnerArguments};
use super::{Ended, Failure, Output, print, read, source};
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::config::duration;
use crate::controller::{ClaimCache, Connect, KubeClaims, Namespaces, Sdk, message_of, settings_of};
use crate::desired;
use crate::dry_run::{DryRun, Heading, dry_run, json, text};
use crate::metrics::Metrics;
use crate::observe::{Known, KnownSecrets, live_secrets};
use crate::pass::{Binding, Sibling, asked_secrets, bind, check_room, request, wanted, yesterday};
use crate::reconcile::Request;
use crate::status::Verdict;

/// Exit status: 0 for nothing to do, 2 for changes, 1 for errors, and where nothing can be done about what is in the way.
///
/// Nothing is written, neither to AWS nor to the cluster.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// The App as the cluster has it; or which of the Apps in the file
    #[arg(value_name = "NAME", required_unless_present = "filename")]
    pub name: Option<String>,

    /// A manifest with the App as it is to be, or `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    pub filename: Option<PathBuf>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of the plan
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,

    /// Plan as if the App were deleted
    #[arg(long)]
    pub delete: bool,

    #[command(flatten)]
    pub owner: OwnerArguments,

    /// Time for which the controller lets a replaced load balancer go on serving
    #[arg(long, env = "EMPIRE_RETIRE_AFTER", default_value = "5m", value_parser = duration)]
    pub retire_after: Duration,
}

/// Prints what would change for an App.
pub(super) async fn plan(arguments: &Plan) -> Ended {
    let file = arguments.filename.as_deref();
    let manifest = file.map(|file| read(file, MANIFEST_LIMIT)).transpose()?;
    let Preview {
        text,
        warnings,
        conclusion,
    } = preview(arguments, manifest.as_deref(), &Sdk::default()).await?;
    for warning in warnings {
        eprintln!("empire-controller: warning: {warning}");
    }
    print(text.as_bytes())?;
    Ok(conclusion.exit_status().into())
}

/// The printed plan, and whether there is anything to do.
#[derive(Debug)]
struct Preview {
    text: String,
    warnings: Vec<String>,
    conclusion: Conclusion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conclusion {
    NothingToDo,
    Changes,
    /// Nothing can be done, and yet something is not as wanted.
    InTheWay,
}

impl Conclusion {
    fn of(dry_run: &DryRun) -> Self {
        if !(dry_run.failures.is_empty() && dry_run.unread.is_empty()) {
            Conclusion::InTheWay
        } else if dry_run.changes().next().is_some() {
            Conclusion::Changes
        } else if !dry_run.obstacles.is_empty() {
            Conclusion::InTheWay
        } else {
            Conclusion::NothingToDo
        }
    }

    /// The status with which the command ends.
    fn exit_status(self) -> u8 {
        match self {
            Conclusion::NothingToDo => 0,
            Conclusion::InTheWay => 1,
            Conclusion::Changes => 2,
        }
    }
}

/// `manifest` is what the file holds, if the App is given by one.
async fn preview(plan: &Plan, manifest: Option<&[u8]>, connect: &dyn Connect) -> Result<Preview, Failure> {
    let file = plan.filename.as_deref().map(source).unwrap_or_default();
    let manifest = manifest
        .map(|manifest| manifest::find(manifest, plan.name.as_deref()))
        .transpose()
        .map_err(|error| format!("{file}: {error}"))?;
    let cluster = plan.cluster.connect().await?;
    let client = &cluster.client;
    let mut warnings = Vec::new();
    let mut app = match manifest {
        Some(manifest) => {
            let namespace = &cluster.namespace;
            let applied = manifest::as_applied(client, manifest, plan, namespace, &mut warnings).await;
            applied.map_err(|error| format!("{file}: {error}"))?
        }
        None => cluster.app(plan.name.as_deref().unwrap_or_default()).await?,
    };
    if plan.delete {
        app.metadata
            .deletion_timestamp
            .get_or_insert(Time(Timestamp::now()));
    }
    let platforms = platforms(client).await?;
    let installation = plan.owner.installation(client).await?;
    let namespace = app.namespace().unwrap_or_default();
    let labels = Namespaces::default().read(client, &namespace).await?;
    let binding = bind(&app, &platforms, &installation).map_err(|verdict| said(&verdict))?;
    let aws = connect.connect(&settings_of(binding.platform)).await;
    let with = |known: &KnownSecrets| {
        let status = app.status.as_ref();
        wanted(&app, status, (&binding, &labels), known, Timestamp::now())
    };
    // Nothing is read for whoever may not be here.
    let mut built = with(&KnownSecrets::default())?;
    let mut secrets_failed = None;
    if let Some(asked) = asked_secrets(&app, app.status.as_ref(), binding.platform, true) {
        let known = live_secrets(&*aws, &asked.all).await?;
        built = with(&known)?;
        secrets_failed = known.failed;
    }
    let siblings = siblings(client, &namespace, binding.platform).await?;
    let (status, at) = (app.status.as_ref(), (binding.platform, &*platforms));
    check_room(&app, status, at, &labels, &siblings)?;
    warnings.extend(built.warnings);
    warnings.extend(desired::never_started(
        &built.desired,
        yesterday(Timestamp::now()),
    ));

    let Binding { platform, owner, .. } = &binding;
    let status = app.status.as_ref();
    let whole = request(&app, status, platform, plan.retire_after, Timestamp::now());
    let known = Known {
        // The Platform's own pass sees to it.
        ports_recovered: true,
        secrets_failed,
        ..whole.known.clone()
    };
    let cache = ClaimCache::default();
    let claims = KubeClaims {
        client,
        platform,
        cache: &cache,
        metrics: &Metrics::default(),
    };
    claims.fill().await?;
    let heading = Heading {
        app: owner.app.to_string(),
        platform: platform.name_any(),
        suspended: whole.suspended,
        deleting: app.metadata.deletion_timestamp.is_some(),
    };
    let dry_run = dry_run(&*aws, &claims, &built.desired, Request { known, ..whole }).await?;
    let mut unread = dry_run.unread.iter();
    if let Some(unread) = unread.find(|unread| unread.error.is_about_credentials()) {
        return Err(unread.error.clone().into());
    }
    Ok(Preview {
        text: match plan.output {
            Output::Text => text(&heading, &dry_run),
            Output::Json => json(&heading, &dry_run)? + "\n",
        },
        warnings,
        conclusion: Conclusion::of(&dry_run),
    })
}

/// Reading is enough, but of more than a tenant may read.
const RIGHTS: &str = "; plan reads Platforms, PortAllocations, the App's namespace and the ConfigMap empire-installation, and AWS: \
                      an operator gives these rights with the ClusterRole view, bound for the whole cluster";

/// Lists the Platforms that can be read.
async fn platforms(client: &Client) -> Result<Vec<Platform>, Failure> {
    let all: Api<DeserializeGuard<Platform>> = Api::all(client.clone());
    let found = all.list(&ListParams::default()).await;
    let denied = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.is_forbidden());
    let found = found.map_err(|error| {
        let hint = if denied(&error) { RIGHTS } else { "" };
        format!("list the Platforms: {}{hint}", message_of(&error))
    })?;
    Ok(found.items.into_iter().filter_map(|guard| guard.0.ok()).collect())
}

/// Lists the Apps of a namespace that can be read, where the Platform limits what they take.
async fn siblings(
    client: &Client,
    namespace: &str,
    platform: &Platform,
) -> Result<Vec<Arc<Sibling>>, Failure> {
    if !desired::has_limits(platform) {
        return Ok(Vec::new());
    }
    let all: Api<DeserializeGuard<App>> = Api::namespaced(client.clone(), namespace);
    let found = all.list(&ListParams::default()).await;
    let found =
        found.map_err(|error| format!("list the Apps of namespace {namespace}: {}", message_of(&error)))?;
    let apps = found.items.iter().filter_map(|guard| guard.0.as_ref().ok());
    Ok(apps.map(|app| Arc::new(Sibling::of(app))).collect())
}

/// A verdict on an App that comes to no plan.
fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Reconciling(reason, message)
        | Verdict::Stalled(reason, message)
        | Verdict::Disturbed(reason, message)
        | Verdict::Lasting(reason, message)
        | Verdict::Denied(reason, message) => format!("{}: {message}", reason.as_str()),
        Verdict::Ready(message) | Verdict::Suspended(message) => message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Change, ServiceWrite};
    use crate::dry_run::Step;
    use crate::error::Error;
    use crate::plan::{Obstacle, ObstacleKind};

    #[test]
    fn the_exit_status_says_whether_there_is_anything_to_do() {
        let change = || {
            Change::of(
                "web",
                ServiceWrite::Delete {
                    service: "shop_acme_web".into(),
                },
            )
        };
        let obstacle = || Obstacle {
            process: "web".into(),
            kind: ObstacleKind::Foreign,
            message: "is taken".into(),
        };
        let check = |changes: &[Change], obstacles: &[Obstacle], failures: &[(Change, Error)], status| {
            let dry_run = DryRun {
                steps: vec![Step {
                    changes: changes.to_vec(),
                    waits: Vec::new(),
                }],
                obstacles: obstacles.to_vec(),
                unread: Vec::new(),
                failures: failures.to_vec(),
            };
            assert_eq!(Conclusion::of(&dry_run).exit_status(), status);
        };
        let failure = (change(), Error::Bug("again and again".into()));
        check(&[], &[], &[], 0);
        check(&[change()], &[], &[], 2);
        check(&[change()], &[obstacle()], &[], 2);
        check(&[], &[obstacle()], &[], 1);
        check(&[change()], &[], &[failure], 1);
    }
}
