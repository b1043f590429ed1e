//! What is known of the secrets that an App names, for its pass: out of what all Apps share, and read where nobody knows it.

use std::sync::Arc;

use kube::ResourceExt;

use super::super::clock;
use super::super::context::{Context, place_of, settings_of};
use super::super::memory::{Key, app_name};
use super::super::sweeper;
use crate::api::platform::Platform;
use crate::aws::{Kind, calling};
use crate::budget::Asker;
use crate::error::Error;
use crate::inventory::AskedFor;
use crate::lists::KnownSecrets;
use crate::model::owner::AppName;
use crate::model::rank::Rank;
use crate::pass::AskedSecrets;

pub(super) async fn read(
    context: &Arc<Context>,
    key: &Key,
    asked: &AskedSecrets,
    platforms: &[Platform],
) -> Result<KnownSecrets, Error> {
    let is_its = |platform: &&Platform| platform.name_any() == asked.platform;
    let Some(platform) = platforms.iter().find(is_its) else {
        return Err(Error::Bug(format!(
            "a pass asks for secrets at Platform {}",
            asked.platform
        )));
    };
    let aws = context.aws(platform).await?;
    let place = place_of(platform);
    context
        .readers
        .note(place.clone(), settings_of(platform), aws.clone());
    let app = app_name(key);
    let AppName { namespace, name } = &app;
    let kind = Kind::Pass(Asker {
        namespace: namespace.to_string(),
        app: name.to_string(),
        rank: if asked.is_edited { Rank::Edit } else { Rank::Resync },
    });
    let caller = context.caller(place.clone(), kind);
    let needs = AskedFor {
        all: &asked.all,
        needed: &asked.needed,
        is_edited: asked.is_edited,
    };
    let reading = context
        .inventory
        .secrets_of((&*aws, &place), &app, needs, &clock::now);
    let known = calling(caller, reading).await;
    sweeper::keep_new(context);
    Ok(known?)
}
