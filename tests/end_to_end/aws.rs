//! The state of AWS, read through the SDK and past the controller: everything of one region, and both zones.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{PortMapping, Service, ServiceField, TaskDefinition};
use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer};
use aws_sdk_route53::types::ResourceRecordSet;

#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) route53: aws_sdk_route53::Client,
    pub(crate) scheduler: aws_sdk_scheduler::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) cluster: String,
    pub(crate) zones: Vec<String>,
}

/// The parts that tests speak of, in an order of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// By `<app>_<process>`: those that are not gone or going.
    pub(crate) services: BTreeMap<String, SeenService>,
    /// `scheme`, and its listeners' ports.
    pub(crate) load_balancers: Vec<(String, Vec<i32>)>,
    /// The health checks' paths, where they ask for one; ministack says so of all.
    pub(crate) target_groups: Vec<String>,
    /// Names of the records that lead to a load balancer, in all zones, without the ownership records.
    pub(crate) names: Vec<String>,
    /// Those of `names` whose load balancer is not there (any more).
    pub(crate) dangling_names: Vec<String>,
    pub(crate) ownership_records: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenService {
    pub(crate) desired: i32,
    pub(crate) image: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) host_port: Option<i32>,
    pub(crate) target_groups: usize,
}

impl Aws {
    pub(crate) async fn see(&self) -> Seen {
        let mut seen = Seen::default();
        for service in self.services().await {
            let (process, service) = self.see_service(&service).await;
            assert_eq!(
                seen.services.insert(process, service),
                None,
                "two services of one name"
            );
        }
        let mut addresses = BTreeSet::new();
        for balancer in self.load_balancers().await {
            addresses.insert(balancer.dns_name().unwrap().to_ascii_lowercase());
            let arn = balancer.load_balancer_arn().unwrap();
            let listeners = self
                .elbv2
                .describe_listeners()
                .load_balancer_arn(arn)
                .send()
                .await
                .unwrap();
            let mut ports: Vec<i32> = listeners.listeners().iter().filter_map(Listener::port).collect();
            ports.sort_unstable();
            // moto leaves the scheme out if it was not sent, so it must have been.
            seen.load_balancers
                .push((balancer.scheme().unwrap().as_str().into(), ports));
        }
        let groups = self.elbv2.describe_target_groups().send().await.unwrap();
        let paths = groups.target_groups().iter();
        seen.target_groups = paths
            .map(|group| group.health_check_path().unwrap_or_default().into())
            .collect();
        for record in self.records().await {
            let name = record.name().trim_end_matches('.');
            if name.starts_with("_empire.") {
                seen.ownership_records += 1;
            } else {
                seen.names.push(name.into());
                let target = match record.alias_target() {
                    Some(alias) => alias.dns_name(),
                    None => record.resource_records()[0].value(),
                };
                if !addresses.contains(&target.trim_end_matches('.').to_ascii_lowercase()) {
                    seen.dangling_names.push(name.into());
                }
            }
        }
        seen.load_balancers.sort();
        seen.target_groups.sort();
        seen.names.sort();
        seen.dangling_names.sort();
        seen
    }

    /// Without those that are gone or going: moto lists them for ever.
    pub(crate) async fn services(&self) -> Vec<Service> {
        let listed = self
            .ecs
            .list_services()
            .cluster(&self.cluster)
            .max_results(100)
            .send()
            .await
            .unwrap();
        let mut services = Vec::new();
        for arns in listed.service_arns().chunks(10) {
            // With tags, as the controller asks: Moto keeps with or without for all callers at once, so that to ask
            // without them here hides the tags from a controller that asks at the same time.
            let request = self.ecs.describe_services().cluster(&self.cluster);
            let request = request.include(ServiceField::Tags);
            let described = request.set_services(Some(arns.to_vec())).send().await.unwrap();
            services.extend(
                described
                    .services()
                    .iter()
                    .filter(|s| s.status() == Some("ACTIVE"))
                    .cloned(),
            );
        }
        services
    }

    pub(crate) async fn load_balancers(&self) -> Vec<LoadBalancer> {
        let balancers = self.elbv2.describe_load_balancers().send().await.unwrap();
        balancers.load_balancers().to_vec()
    }

    /// In all zones, but for those that a zone itself is made of.
    pub(crate) async fn records(&self) -> Vec<ResourceRecordSet> {
        let mut records = Vec::new();
        for zone in &self.zones {
            let request = self.route53.list_resource_record_sets().hosted_zone_id(zone);
            let listed = request.send().await.unwrap();
            let ours = |record: &&ResourceRecordSet| !["NS", "SOA"].contains(&record.r#type().as_str());
            records.extend(listed.resource_record_sets().iter().filter(ours).cloned());
        }
        records
    }

    async fn task_definition(&self, arn: &str) -> TaskDefinition {
        let described = self
            .ecs
            .describe_task_definition()
            .task_definition(arn)
            .send()
            .await
            .unwrap();
        described.task_definition().unwrap().clone()
    }

    /// Returns the number of revisions of a process's task definition.
    pub(crate) async fn revisions(&self, family: &str) -> usize {
        let request = self
            .ecs
            .list_task_definitions()
            .family_prefix(family)
            .send()
            .await
            .unwrap();
        request.task_definition_arns().len()
    }

    async fn see_service(&self, service: &Service) -> (String, SeenService) {
        let definition = self.task_definition(service.task_definition().unwrap()).await;
        let container = definition.container_definitions().first().unwrap();
        let environment = container.environment().iter();
        let environment = environment.map(|e| (e.name().unwrap().into(), e.value().unwrap().into()));
        let (_namespace, process) = service.service_name().unwrap().split_once('_').unwrap();
        let seen = SeenService {
            desired: service.desired_count(),
            image: container.image().unwrap().into(),
            environment: environment.collect(),
            host_port: container.port_mappings().first().and_then(PortMapping::host_port),
            target_groups: service.load_balancers().len(),
        };
        (process.into(), seen)
    }
}
