//! The settings that a change sends, and the same as they are reported, so that an echo is not sent for ever.

use std::fmt::Debug;

use crate::change::{Change, ServiceWrite, Write};
use crate::model::echo::Echo;
use crate::model::service::{Capacity, ServiceUpdate};
use crate::model::state::{Observed, ServiceState};

/// One part of a service that an update sets.
struct Setting {
    name: String,
    echo: Echo,
    leave: fn(&mut ServiceUpdate),
}

/// Returns the settings that an update sends for a service, but for those that start a rollout on demand and for the count,
/// which is a number in any form.
fn settings(update: &ServiceUpdate, found: &ServiceState) -> Vec<Setting> {
    let ServiceUpdate {
        desired_count: _,
        deployment,
        zone_rebalancing,
        placement,
        constraints,
        grace_period,
        network,
        exec,
        capacity_providers,
        rolling: _,
        redeploy: _,
        secrets: _,
        again: _,
    } = update;
    let mut settings = Vec::new();
    let mut add =
        |name: &str, sent: Option<&dyn Debug>, reported: &[&dyn Debug], leave: fn(&mut ServiceUpdate)| {
            settings.extend(sent.map(|sent| Setting {
                name: format!("service {} {name}", found.name),
                echo: Echo::new(&[sent], reported),
                leave,
            }));
        };
    add(
        "deployment configuration",
        deployment.as_ref().map(|sent| sent as _),
        &[&found.deployment_percent, &found.circuit_breaker, &found.strategy],
        |update| update.deployment = None,
    );
    add(
        "zone rebalancing",
        zone_rebalancing.as_ref().map(|sent| sent as _),
        &[&found.zone_rebalancing],
        |update| update.zone_rebalancing = None,
    );
    add(
        "placement strategy",
        placement.as_ref().map(|sent| sent as _),
        &[&found.placement],
        |update| update.placement = None,
    );
    add(
        "placement constraints",
        constraints.as_ref().map(|sent| sent as _),
        &[&found.constraints],
        |update| update.constraints = None,
    );
    add(
        "health check grace period",
        grace_period.as_ref().map(|sent| sent as _),
        &[&found.grace_period],
        |update| update.grace_period = None,
    );
    add(
        "network",
        network.as_ref().map(|sent| sent as _),
        &[&found.network],
        |update| update.network = None,
    );
    add(
        "ECS Exec",
        exec.as_ref().map(|sent| sent as _),
        &[&found.exec],
        |update| update.exec = None,
    );
    add(
        "capacity providers",
        capacity_providers.as_ref().map(|sent| sent as _),
        &[&found.capacity_providers],
        |update| update.capacity_providers = None,
    );
    settings
}

/// Takes out of an update what AWS reports otherwise than it was sent before, and says what that is.
pub(super) fn without_echoes(
    observed: &Observed,
    found: &ServiceState,
    mut update: ServiceUpdate,
) -> (ServiceUpdate, Vec<(String, Echo)>) {
    let mut explained = Vec::new();
    for Setting { name, echo, leave } in settings(&update, found) {
        if observed.echoes.explains(&name, &echo) {
            leave(&mut update);
            explained.push((name, echo));
        }
    }
    (update, explained)
}

/// Returns the settings that a change sends, and each as it was before. Of those that start rollouts only the target
/// groups: a release that is taken back, by ECS or by hand, looks as it did before.
pub fn sent(change: &Change, observed: &Observed) -> Vec<(String, Echo)> {
    let Write::Service(ServiceWrite::Update {
        service,
        update,
        task_definition,
        attachments,
        ..
    }) = &change.write
    else {
        return change.echo(observed).into_iter().collect();
    };
    let mut sent = of_service(observed, service, update);
    if task_definition.is_none() && attachments.is_some() {
        sent.extend(change.echo(observed));
    }
    sent
}

/// The same, as the reply to a change shows it: `observed` is the world with the reply.
pub fn replies(change: &Change, observed: &Observed) -> Vec<(String, Echo)> {
    let mut replies = Vec::new();
    if let Write::Service(ServiceWrite::Create { service, .. }) = &change.write {
        let all = ServiceUpdate {
            deployment: Some(service.settings.deployment),
            zone_rebalancing: Some(service.settings.zone_rebalancing),
            placement: Some(service.settings.placement.clone()),
            constraints: Some(service.settings.constraints.clone()),
            grace_period: service.settings.grace_period,
            network: service.settings.network.clone(),
            exec: service.settings.exec.filter(|on| *on),
            capacity_providers: match &service.capacity {
                Capacity::LaunchType(_) => None,
                Capacity::Providers(all) => Some(all.clone()),
            },
            ..ServiceUpdate::default()
        };
        replies = of_service(observed, &service.name, &all);
    }
    if let Write::Service(ServiceWrite::Update { service, update, .. }) = &change.write {
        replies = of_service(observed, service, update);
        replies.extend(change.echo(observed));
    }
    replies
}

fn of_service(observed: &Observed, service: &str, update: &ServiceUpdate) -> Vec<(String, Echo)> {
    let found = observed.services.get(service).into_iter();
    let all = found.flat_map(|found| settings(update, found));
    all.map(|setting| (setting.name, setting.echo)).collect()
}
