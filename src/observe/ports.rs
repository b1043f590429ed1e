//! The host ports that services use, whoever has claimed them.

use crate::aws::{self, Aws};
use crate::model::desired::Place;
use crate::model::owner::{PROCESS_TAG, installation_and_app};
use crate::model::port::{Claim, PortOwner};

/// Returns a claim for each fixed host port that a service of this installation uses on a Platform's cluster.
pub async fn ports_in_use(aws: &dyn Aws, place: &Place, installation: &str) -> aws::Result<Vec<Claim>> {
    let mut in_use = Vec::new();
    let names = aws.list_services(&place.cluster).await?;
    if names.is_empty() {
        return Ok(in_use);
    }
    for service in aws.describe_services(&place.cluster, &names).await? {
        let Some((_, app)) = installation_and_app(&service.tags).filter(|(owner, _)| *owner == installation)
        else {
            continue;
        };
        let Some(process) = service.tags.get(PROCESS_TAG) else {
            continue;
        };
        let definition = aws.describe_task_definition(&service.task_definition.0).await?;
        let mappings = definition.into_iter().flat_map(|found| found.content.main.ports);
        in_use.extend(mappings.filter_map(|mapping| {
            let owner = PortOwner {
                platform: place.platform.clone(),
                app: app.clone(),
                process: process.to_string(),
                container_port: mapping.container_port,
            };
            Some(Claim::new(mapping.fixed_host_port()?, owner))
        }));
    }
    Ok(in_use)
}
