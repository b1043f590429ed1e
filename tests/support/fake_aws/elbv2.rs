//! Elastic Load Balancing v2: what each call does. Names are unique, creates are idempotent for equal settings only, and
//! nothing goes while something else forwards to it.

mod listeners;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, Scheme,
    TargetGroup, TargetGroupAttributes, TargetProtocol,
};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::Tags;
use empire_controller::model::state::{
    ListenerState, LoadBalancerState, LoadBalancerStatus, TargetGroupState,
};

use super::billed::{BALANCING_PAGE, TAGS_BATCH};
use super::short::whose;
use super::{FakeAws, LEAVING, PROVISIONING, RELEASING, State, refuse};
use listeners::reported;
pub(super) use state::{Balancing, Elbv2, Group};
use state::{check_health, check_name, check_subnets};

const DESCRIBE_LOAD_BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
const DESCRIBE_TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
const DESCRIBE_TAGS: &str = "elasticloadbalancing:DescribeTags";
const DESCRIBE_LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const DESCRIBE_CERTIFICATES: &str = "elasticloadbalancing:DescribeListenerCertificates";
const DESCRIBE_BALANCER_ATTRIBUTES: &str = "elasticloadbalancing:DescribeLoadBalancerAttributes";
const DESCRIBE_ATTRIBUTES: &str = "elasticloadbalancing:DescribeTargetGroupAttributes";
const CREATE_LOAD_BALANCER: &str = "elasticloadbalancing:CreateLoadBalancer";
const SET_SUBNETS: &str = "elasticloadbalancing:SetSubnets";
const SET_SECURITY_GROUPS: &str = "elasticloadbalancing:SetSecurityGroups";
const MODIFY_BALANCER_ATTRIBUTES: &str = "elasticloadbalancing:ModifyLoadBalancerAttributes";
const DELETE_LOAD_BALANCER: &str = "elasticloadbalancing:DeleteLoadBalancer";
const CREATE_TARGET_GROUP: &str = "elasticloadbalancing:CreateTargetGroup";
const MODIFY_TARGET_GROUP: &str = "elasticloadbalancing:ModifyTargetGroup";
const MODIFY_ATTRIBUTES: &str = "elasticloadbalancing:ModifyTargetGroupAttributes";
const DELETE_TARGET_GROUP: &str = "elasticloadbalancing:DeleteTargetGroup";
const CREATE_LISTENER: &str = "elasticloadbalancing:CreateListener";
const MODIFY_LISTENER: &str = "elasticloadbalancing:ModifyListener";
const DELETE_LISTENER: &str = "elasticloadbalancing:DeleteListener";
const ADD_CERTIFICATES: &str = "elasticloadbalancing:AddListenerCertificates";
const REMOVE_CERTIFICATES: &str = "elasticloadbalancing:RemoveListenerCertificates";
const ADD_TAGS: &str = "elasticloadbalancing:AddTags";
const REMOVE_TAGS: &str = "elasticloadbalancing:RemoveTags";

const NO_LOAD_BALANCER: &str = "LoadBalancerNotFound";
const NO_TARGET_GROUP: &str = "TargetGroupNotFound";
const INVALID: &str = "ValidationError";

const RESOURCES_PER_TAGGING: usize = 20;

#[async_trait]
impl aws::Elbv2 for FakeAws {
    async fn each_load_balancer(&self, keep: &mut (dyn FnMut(LoadBalancerState) + Send)) -> Result<()> {
        let all = |state: &State| {
            let elbv2 = &state.elbv2;
            let all = elbv2.load_balancers.iter();
            let listed =
                all.map(|(arn, found)| (elbv2.load_balancer_state(arn), whose(&found.settings.tags)));
            Ok(Some(listed.collect()))
        };
        let found = self.list(DESCRIBE_LOAD_BALANCERS, "", all)?.unwrap_or_default();
        self.bill_more(DESCRIBE_LOAD_BALANCERS, found.len(), BALANCING_PAGE);
        found.into_iter().for_each(keep);
        Ok(())
    }

    async fn describe_load_balancers_named(&self, names: &[String]) -> Result<Vec<LoadBalancerState>> {
        let mut all = Vec::new();
        for name in names {
            all.extend(self.read(DESCRIBE_LOAD_BALANCERS, name, |state| {
                let found = state.elbv2.by_name(name);
                Ok(found.map(|(arn, _)| state.elbv2.load_balancer_state(arn)))
            })?);
        }
        Ok(all)
    }

    async fn each_target_group(&self, keep: &mut (dyn FnMut(TargetGroupState) + Send)) -> Result<()> {
        let all = |state: &State| {
            let elbv2 = &state.elbv2;
            let fronts = elbv2.fronts();
            let shown = |arn| {
                let front = fronts.get(arn).copied();
                state.echo.target_group(elbv2.target_group_behind(arn, front))
            };
            let all = elbv2.target_groups.iter();
            let listed = all.map(|(arn, found)| (shown(arn), whose(&found.settings.tags)));
            Ok(Some(listed.collect()))
        };
        let found = self.list(DESCRIBE_TARGET_GROUPS, "", all)?.unwrap_or_default();
        self.bill_more(DESCRIBE_TARGET_GROUPS, found.len(), BALANCING_PAGE);
        found.into_iter().for_each(keep);
        Ok(())
    }

    async fn describe_target_groups_named(&self, names: &[String]) -> Result<Vec<TargetGroupState>> {
        let mut all = Vec::new();
        for name in names {
            all.extend(self.read(DESCRIBE_TARGET_GROUPS, name, |state| {
                let found = state.elbv2.group_by_name(name);
                Ok(found.map(|(arn, _)| state.echo.target_group(state.elbv2.target_group_state(arn))))
            })?);
        }
        Ok(all)
    }

    async fn describe_tags(&self, arns: &[Arn]) -> Result<Vec<Tags>> {
        let names: Vec<&str> = arns.iter().map(|arn| arn.0.as_str()).collect();
        let found: Vec<Tags> = self.read(DESCRIBE_TAGS, &names.join(" "), |state| {
            let tags = |arn| state.elbv2.tags(arn).cloned().unwrap_or_default();
            Ok(arns.iter().map(|arn| state.echo.tags(tags(arn))).collect())
        })?;
        self.bill_more(DESCRIBE_TAGS, arns.len(), TAGS_BATCH);
        Ok(self.lock().shorten_tags(DESCRIBE_TAGS, found))
    }

    async fn describe_listeners(&self, load_balancer: &Arn) -> Result<Option<Vec<ListenerState>>> {
        self.read(DESCRIBE_LISTENERS, &load_balancer.0, |state| {
            let found = state.elbv2.load_balancers.get(load_balancer);
            Ok(found.map(|found| {
                let listeners = found.listeners.iter();
                listeners
                    .map(|(listener, _)| state.echo.listener(reported(listener)))
                    .collect()
            }))
        })
    }

    async fn describe_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
    ) -> Result<Option<LoadBalancerAttributes>> {
        self.read(DESCRIBE_BALANCER_ATTRIBUTES, &load_balancer.0, |state| {
            let found = state.elbv2.load_balancers.get(load_balancer);
            Ok(found.and_then(|found| found.settings.attributes))
        })
    }

    async fn describe_listener_certificates(&self, listener: &Arn) -> Result<Option<BTreeSet<String>>> {
        self.read(DESCRIBE_CERTIFICATES, &listener.0, |state| {
            let all = state.elbv2.load_balancers.values();
            let mut all = all.flat_map(|found| &found.listeners);
            let found = all.find(|(known, _)| &known.arn == listener);
            Ok(found.map(|(known, _)| known.more_certificates.clone().unwrap_or_default()))
        })
    }

    async fn describe_target_group_attributes(
        &self,
        target_group: &Arn,
    ) -> Result<Option<TargetGroupAttributes>> {
        self.read(DESCRIBE_ATTRIBUTES, &target_group.0, |state| {
            let found = state.elbv2.target_groups.get(target_group);
            Ok(found.map(|found| state.echo.attributes(found.settings.attributes.clone())))
        })
    }
}

#[async_trait]
impl aws::Elbv2Writes for FakeAws {
    async fn create_load_balancer(&self, load_balancer: &LoadBalancer) -> Result<LoadBalancerState> {
        let mut settings = load_balancer.clone();
        let name = settings.name.clone();
        let about = format!("{name} {}", settings.scheme.as_str());
        self.write(CREATE_LOAD_BALANCER, about, |state| {
            check_name(CREATE_LOAD_BALANCER, &name)?;
            let subnets: Vec<String> = settings.subnets.iter().cloned().collect();
            check_subnets(CREATE_LOAD_BALANCER, &subnets, 2)?;
            let is_network = settings.kind == LoadBalancerKind::Network;
            if settings.security_groups.is_empty() && !is_network {
                settings.security_groups.insert("sg-default".into());
            }
            // No create call takes them.
            settings.attributes = (!is_network).then_some(LoadBalancerAttributes::AS_CREATED);
            let reply = |state: &State, arn: &Arn| LoadBalancerState {
                tags: load_balancer.tags.clone(),
                listeners: Some(Vec::new()),
                attributes: load_balancer
                    .attributes
                    .map(|_| LoadBalancerAttributes::AS_CREATED),
                ..state.elbv2.load_balancer_state(arn)
            };
            if let Some((arn, found)) = state.elbv2.by_name(&name) {
                settings.attributes = found.settings.attributes;
                if found.settings == settings {
                    return Ok(reply(state, arn));
                }
                let message = format!(
                    "A load balancer with the same name '{name}' exists, but with different settings"
                );
                return refuse(CREATE_LOAD_BALANCER, "DuplicateLoadBalancerName", message);
            }
            let kind = if is_network { "net" } else { "app" };
            let arn = state.arn("elasticloadbalancing", &format!("loadbalancer/{kind}/{name}"));
            let internal = settings.scheme == Scheme::Internal && !is_network;
            let internal = if internal { "internal-" } else { "" };
            let id = state.id();
            let domain = if is_network {
                "elb.us-east-1.amazonaws.com"
            } else {
                "us-east-1.elb.amazonaws.com"
            };
            let balancing = Balancing {
                dns_name: format!("{internal}{name}-{id}.{domain}"),
                zone_id: "Z35SXDOTRQ7X7K".into(),
                active_at: state.now + PROVISIONING,
                status: LoadBalancerStatus::Provisioning,
                listeners: Vec::new(),
                leaving: BTreeMap::new(),
                settings,
            };
            state.elbv2.load_balancers.insert(arn.clone(), balancing);
            Ok(reply(state, &arn))
        })
    }

    async fn set_subnets(&self, load_balancer: &Arn, subnets: &[String]) -> Result<()> {
        self.write(
            SET_SUBNETS,
            format!("{load_balancer} {}", subnets.join(" ")),
            |state| {
                let until = state.now + LEAVING;
                let Some(found) = state.elbv2.load_balancers.get_mut(load_balancer) else {
                    return refuse(
                        SET_SUBNETS,
                        NO_LOAD_BALANCER,
                        "One or more load balancers not found",
                    );
                };
                found.set_subnets(SET_SUBNETS, subnets, until)
            },
        )
    }

    async fn set_security_groups(&self, load_balancer: &Arn, security_groups: &[String]) -> Result<()> {
        let about = format!("{load_balancer} {}", security_groups.join(" "));
        self.write(SET_SECURITY_GROUPS, about, |state| {
            let Some(found) = state.elbv2.load_balancers.get_mut(load_balancer) else {
                return refuse(
                    SET_SECURITY_GROUPS,
                    NO_LOAD_BALANCER,
                    "One or more load balancers not found",
                );
            };
            if security_groups.is_empty() {
                return refuse(
                    SET_SECURITY_GROUPS,
                    INVALID,
                    "At least one security group must be specified",
                );
            }
            if found.settings.security_groups.is_empty() {
                let message =
                    "You cannot set security groups on a load balancer that was created without any";
                return refuse(SET_SECURITY_GROUPS, "InvalidConfigurationRequest", message);
            }
            found.settings.security_groups = security_groups.iter().cloned().collect();
            Ok(())
        })
    }

    async fn modify_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
        attributes: LoadBalancerAttributes,
    ) -> Result<()> {
        const CALL: &str = MODIFY_BALANCER_ATTRIBUTES;
        let LoadBalancerAttributes { idle_timeout } = attributes;
        self.write(CALL, format!("{load_balancer} {idle_timeout}"), |state| {
            let Some(found) = state.elbv2.load_balancers.get_mut(load_balancer) else {
                return refuse(CALL, NO_LOAD_BALANCER, "One or more load balancers not found");
            };
            if found.settings.attributes.is_none() || !(1..=4_000).contains(&idle_timeout) {
                return refuse(
                    CALL,
                    "InvalidConfigurationRequest",
                    "idle_timeout is not valid here",
                );
            }
            found.settings.attributes = Some(attributes);
            Ok(())
        })
    }

    async fn delete_load_balancer(&self, load_balancer: &Arn) -> Result<()> {
        self.write(DELETE_LOAD_BALANCER, load_balancer.0.clone(), |state| {
            // One that is gone is what was asked for.
            if let Some(gone) = state.elbv2.load_balancers.remove(load_balancer) {
                let served = gone
                    .listeners
                    .into_iter()
                    .filter_map(|(listener, _)| listener.forwards_to().cloned());
                let until = state.now + RELEASING;
                let released = served.map(|group| (group, (load_balancer.clone(), until)));
                state.elbv2.releasing.extend(released);
            }
            Ok(())
        })
    }

    async fn create_target_group(&self, target_group: &TargetGroup) -> Result<TargetGroupState> {
        let name = target_group.name.clone();
        self.write(CREATE_TARGET_GROUP, name.clone(), |state| {
            check_name(CREATE_TARGET_GROUP, &name)?;
            check_health(CREATE_TARGET_GROUP, target_group.protocol, &target_group.check)?;
            let attributes = target_group.attributes.as_created();
            let reply = |state: &State, arn: &Arn| TargetGroupState {
                tags: target_group.tags.clone(),
                attributes: Some(attributes.clone()),
                ..state.elbv2.target_group_state(arn)
            };
            if let Some((arn, found)) = state.elbv2.group_by_name(&name) {
                // No create call takes attributes, so they make no difference.
                let attributes = target_group.attributes.clone();
                if (TargetGroup {
                    attributes,
                    ..found.settings.clone()
                }) == *target_group
                {
                    return Ok(reply(state, arn));
                }
                let message =
                    format!("A target group with the same name '{name}' exists, but with different settings");
                return refuse(CREATE_TARGET_GROUP, "DuplicateTargetGroupName", message);
            }
            let arn = state.arn("elasticloadbalancing", &format!("targetgroup/{name}"));
            let settings = TargetGroup {
                attributes: attributes.clone(),
                ..target_group.clone()
            };
            state.elbv2.target_groups.insert(arn.clone(), Group { settings });
            Ok(reply(state, &arn))
        })
    }

    async fn modify_target_group(&self, target_group: &Arn, check: &HealthCheck) -> Result<()> {
        self.write(
            MODIFY_TARGET_GROUP,
            format!("{target_group} {:?}", check.probe),
            |state| match state.elbv2.target_groups.get_mut(target_group) {
                Some(found) => {
                    check_health(MODIFY_TARGET_GROUP, found.settings.protocol, check)?;
                    found.settings.check = check.clone();
                    Ok(())
                }
                None => refuse(
                    MODIFY_TARGET_GROUP,
                    NO_TARGET_GROUP,
                    "One or more target groups not found",
                ),
            },
        )
    }

    async fn modify_target_group_attributes(
        &self,
        target_group: &Arn,
        attributes: &TargetGroupAttributes,
    ) -> Result<()> {
        self.write(MODIFY_ATTRIBUTES, target_group.0.clone(), |state| {
            if attributes.deregistration_delay > 3_600 {
                return refuse(MODIFY_ATTRIBUTES, INVALID, "deregistration_delay is out of range");
            }
            match state.elbv2.target_groups.get_mut(target_group) {
                Some(found) => {
                    let for_network = attributes.preserve_client_ip.or(attributes.cross_zone).is_some();
                    if for_network && found.settings.protocol != TargetProtocol::Tcp {
                        let message = "preserve_client_ip.enabled is not supported for this target group";
                        return refuse(MODIFY_ATTRIBUTES, "InvalidConfigurationRequest", message);
                    }
                    found.settings.attributes = attributes.clone();
                    Ok(())
                }
                None => refuse(
                    MODIFY_ATTRIBUTES,
                    NO_TARGET_GROUP,
                    "One or more target groups not found",
                ),
            }
        })
    }

    async fn delete_target_group(&self, target_group: &Arn) -> Result<()> {
        self.write(DELETE_TARGET_GROUP, target_group.0.clone(), |state| {
            let elbv2 = &mut state.elbv2;
            if elbv2.in_front_of(target_group).is_some() || elbv2.releasing.contains_key(target_group) {
                let message =
                    format!("Target group '{target_group}' is currently in use by a listener or a rule");
                return refuse(DELETE_TARGET_GROUP, "ResourceInUse", message);
            }
            elbv2.target_groups.remove(target_group);
            Ok(())
        })
    }

    async fn create_listener(
        &self,
        load_balancer: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        let about = format!("{load_balancer} {} to {action:?}", listener.port);
        self.write(CREATE_LISTENER, about, |state| {
            state.create_listener(CREATE_LISTENER, load_balancer, listener, action)
        })
    }

    async fn modify_listener(
        &self,
        arn: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        self.write(MODIFY_LISTENER, format!("{arn} to {action:?}"), |state| {
            state.modify_listener(MODIFY_LISTENER, arn, listener, action)
        })
    }

    async fn delete_listener(&self, arn: &Arn) -> Result<()> {
        self.write(DELETE_LISTENER, arn.0.clone(), |state| {
            state.delete_listener(arn);
            Ok(())
        })
    }

    async fn add_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()> {
        self.write(ADD_CERTIFICATES, format!("{listener} {certificate}"), |state| {
            state.add_certificate(ADD_CERTIFICATES, listener, certificate)
        })
    }

    async fn remove_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()> {
        self.write(
            REMOVE_CERTIFICATES,
            format!("{listener} {certificate}"),
            |state| state.remove_certificate(REMOVE_CERTIFICATES, listener, certificate),
        )
    }

    async fn add_tags(&self, arns: &[Arn], tags: &Tags) -> Result<()> {
        let names: Vec<&str> = arns.iter().map(|arn| arn.0.as_str()).collect();
        self.write(ADD_TAGS, names.join(" "), |state| {
            if arns.len() > RESOURCES_PER_TAGGING {
                return refuse(ADD_TAGS, INVALID, "At most 20 resources can be tagged at once");
            }
            for arn in arns {
                match state.elbv2.tags_of(arn) {
                    Some(known) => known.extend(tags.clone()),
                    None => return refuse(ADD_TAGS, NO_LOAD_BALANCER, format!("'{arn}' not found")),
                }
            }
            Ok(())
        })
    }

    async fn remove_tags(&self, arns: &[Arn], keys: &[&str]) -> Result<()> {
        let names: Vec<&str> = arns.iter().map(|arn| arn.0.as_str()).collect();
        self.write(REMOVE_TAGS, names.join(" "), |state| {
            if arns.len() > RESOURCES_PER_TAGGING {
                return refuse(
                    REMOVE_TAGS,
                    INVALID,
                    "At most 20 resources can be untagged at once",
                );
            }
            for arn in arns {
                match state.elbv2.tags_of(arn) {
                    Some(known) => known.retain(|key, _| !keys.contains(&key.as_str())),
                    None => return refuse(REMOVE_TAGS, NO_LOAD_BALANCER, format!("'{arn}' not found")),
                }
            }
            Ok(())
        })
    }
}
