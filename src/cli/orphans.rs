//! `kubectl empire orphans`: what carries this installation's marks in AWS and whose App is gone, what Apps that are gone have
//! left behind there, and host ports likewise.
//! It reads and deletes nothing.

mod found;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};

use self::found::{Mark, Read, at};
use super::cluster::{ClusterArguments, OwnerArguments};
use super::{Ended, Failure, Output, print, terminal};
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::api::port_allocation::PortAllocation;
use crate::controller::{Connect, Sdk, message_of, settings_of};
use crate::desired::place;
use crate::model::owner::AppName;
use crate::screen;

/// The exit status where there are some.
const FOUND: u8 = 2;

/// Exit status: 0 for none, 2 for some, 1 for errors, and where not all could be read.
///
/// Nothing is written. It reads AWS as the controller does, with credentials from the SDK's default chain, and Apps of all
/// namespaces.
#[derive(Clone, Debug, Args)]
pub struct Orphans {
    /// The Platform at whose place to look [default: all of them]
    #[arg(long)]
    pub platform: Option<String>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    #[command(flatten)]
    pub owner: OwnerArguments,

    /// Format of what is printed
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// Prints them.
pub(super) async fn orphans(arguments: &Orphans) -> Ended {
    let cluster = arguments.cluster.connect().await?;
    let client = &cluster.client;
    let installation = arguments.owner.installation(client).await?;
    let owner = installation.id()?;
    let platforms = platforms(client, arguments.platform.as_deref()).await?;
    // An App that is made or deleted meanwhile is there at one of the two times.
    let mut apps = apps(client).await?;
    let sdk = Sdk::default();
    let mut read = Read::default();
    let mut seen = BTreeSet::new();
    for platform in &platforms {
        let settings = settings_of(platform);
        let account = sdk.connect(&settings).await;
        let place = place(platform);
        let scope = format!("{settings:?}");
        at(
            &*account,
            &place,
            owner,
            |part| seen.insert(format!("{scope} {part}")),
            &mut read,
        )
        .await?;
    }
    read.marks.extend(claims(client, &platforms).await?);
    apps.extend(self::apps(client).await?);
    let found = screen::Orphans {
        owner: owner.into(),
        orphans: without_app(read.marks, &apps),
        unread: read.unread,
    };
    let text = match arguments.output {
        Output::Json => serde_json::to_string_pretty(&found)? + "\n",
        Output::Text => terminal::painted(&found.text(terminal::width())),
    };
    print(text.as_bytes())?;
    Ok(match (found.unread.is_empty(), found.orphans.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => FOUND.into(),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// Keeps what belongs to none of the Apps, in order.
fn without_app(marks: Vec<Mark>, apps: &BTreeSet<AppName>) -> Vec<screen::Orphan> {
    let orphans = marks.into_iter().filter(|mark| !apps.contains(&mark.app));
    let orphans: BTreeSet<screen::Orphan> = orphans
        .map(|mark| screen::Orphan {
            platform: mark.platform,
            kind: mark.kind.into(),
            name: mark.name,
            app: mark.app.to_string(),
            process: mark.process,
            retained: mark.retained,
        })
        .collect();
    orphans.into_iter().collect()
}

async fn platforms(client: &Client, named: Option<&str>) -> Result<Vec<Platform>, Failure> {
    let api: Api<DeserializeGuard<Platform>> = Api::all(client.clone());
    let found = api.list(&ListParams::default()).await;
    let found = found.map_err(|error| format!("list the Platforms: {}", message_of(&error)))?;
    let readable = found.items.into_iter().filter_map(|guard| guard.0.ok());
    let platforms: Vec<Platform> = readable
        .filter(|platform| named.is_none_or(|name| platform.name_any() == name))
        .collect();
    match named {
        Some(name) if platforms.is_empty() => Err(format!("--platform: there is no Platform {name}").into()),
        Some(_) | None => Ok(platforms),
    }
}

async fn apps(client: &Client) -> Result<BTreeSet<AppName>, Failure> {
    let api: Api<App> = Api::all(client.clone());
    let found = api.list_metadata(&ListParams::default()).await;
    let found = found.map_err(|error| format!("list the Apps of all namespaces: {}", message_of(&error)))?;
    let name = |app: &kube::core::PartialObjectMeta<App>| AppName {
        namespace: app.namespace().unwrap_or_default().into(),
        name: app.name_any().into(),
    };
    Ok(found.items.iter().map(name).collect())
}

/// The host ports held at these Platforms.
async fn claims(client: &Client, platforms: &[Platform]) -> Result<Vec<Mark>, Failure> {
    let api: Api<DeserializeGuard<PortAllocation>> = Api::all(client.clone());
    let found = api.list(&ListParams::default()).await;
    let found = found.map_err(|error| format!("list the PortAllocations: {}", message_of(&error)))?;
    let readable = found.items.into_iter().filter_map(|guard| guard.0.ok());
    let here = readable.filter(|claim| {
        let mut names = platforms.iter().map(ResourceExt::name_any);
        names.any(|name| name == claim.spec.platform)
    });
    let marks = here.map(|claim| Mark {
        platform: claim.spec.platform.clone(),
        kind: "PortAllocation",
        name: claim.name_any(),
        app: AppName {
            namespace: claim.spec.app.namespace.as_str().into(),
            name: claim.spec.app.name.as_str().into(),
        },
        process: claim.spec.process.clone(),
        retained: claim.spec.retained.unwrap_or_default(),
    });
    Ok(marks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(kind: &'static str, name: &str, app: &str) -> Mark {
        let (namespace, app) = app.split_once('/').unwrap();
        Mark {
            platform: "staging".into(),
            kind,
            name: name.into(),
            app: AppName {
                namespace: namespace.into(),
                name: app.into(),
            },
            process: "web".into(),
            retained: false,
        }
    }

    #[test]
    fn only_what_has_no_app_is_an_orphan_and_each_is_named_once() {
        let marks = vec![
            mark("service", "shop_gone_web", "shop/gone"),
            mark("service", "shop_acme_web", "shop/acme"),
            mark("load balancer", "e-gone-web-1", "shop/gone"),
            mark("service", "shop_gone_web", "shop/gone"),
            mark("service", "blog_acme_web", "blog/acme"),
        ];
        let apps = [mark("service", "", "shop/acme").app].into();
        let names: Vec<String> = without_app(marks, &apps)
            .into_iter()
            .map(|orphan| orphan.name)
            .collect();
        assert_eq!(names, ["e-gone-web-1", "blog_acme_web", "shop_gone_web"]);
    }
}
