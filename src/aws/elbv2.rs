//! Elastic Load Balancing v2 through the SDK: what each call sends. How replies are read is in `read.rs`,
//! what calls are made of in `write.rs`.

mod listeners;
mod read;
mod write;

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{each_page, every_page, to_i32, unless_absent};
use super::{Elbv2, Elbv2Writes, Result};
use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, LoadBalancer, LoadBalancerAttributes, TARGET_GROUP_PORT,
    TargetGroup, TargetGroupAttributes,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::state::{ListenerState, LoadBalancerState, TargetGroupState};

const DESCRIBE_LOAD_BALANCERS: Call = Call::read("elasticloadbalancing:DescribeLoadBalancers");
const DESCRIBE_TARGET_GROUPS: Call = Call::read("elasticloadbalancing:DescribeTargetGroups");
const DESCRIBE_TAGS: Call = Call::read("elasticloadbalancing:DescribeTags");
const DESCRIBE_LISTENERS: Call = Call::read("elasticloadbalancing:DescribeListeners");
const DESCRIBE_CERTIFICATES: Call = Call::read("elasticloadbalancing:DescribeListenerCertificates");
const DESCRIBE_BALANCER_ATTRIBUTES: Call = Call::read("elasticloadbalancing:DescribeLoadBalancerAttributes");
const DESCRIBE_ATTRIBUTES: Call = Call::read("elasticloadbalancing:DescribeTargetGroupAttributes");
const CREATE_LOAD_BALANCER: Call = Call::create("elasticloadbalancing:CreateLoadBalancer");
const SET_SUBNETS: Call = Call::modify("elasticloadbalancing:SetSubnets");
const SET_SECURITY_GROUPS: Call = Call::modify("elasticloadbalancing:SetSecurityGroups");
const MODIFY_BALANCER_ATTRIBUTES: Call = Call::modify("elasticloadbalancing:ModifyLoadBalancerAttributes");
const DELETE_LOAD_BALANCER: Call = Call::delete("elasticloadbalancing:DeleteLoadBalancer");
const CREATE_TARGET_GROUP: Call = Call::create("elasticloadbalancing:CreateTargetGroup");
const MODIFY_TARGET_GROUP: Call = Call::modify("elasticloadbalancing:ModifyTargetGroup");
const MODIFY_ATTRIBUTES: Call = Call::modify("elasticloadbalancing:ModifyTargetGroupAttributes");
const DELETE_TARGET_GROUP: Call = Call::delete("elasticloadbalancing:DeleteTargetGroup");
const CREATE_LISTENER: Call = Call::create("elasticloadbalancing:CreateListener");
const MODIFY_LISTENER: Call = Call::modify("elasticloadbalancing:ModifyListener");
const DELETE_LISTENER: Call = Call::delete("elasticloadbalancing:DeleteListener");
const ADD_CERTIFICATES: Call = Call::modify("elasticloadbalancing:AddListenerCertificates");
const REMOVE_CERTIFICATES: Call = Call::modify("elasticloadbalancing:RemoveListenerCertificates");
const ADD_TAGS: Call = Call::modify("elasticloadbalancing:AddTags");
const REMOVE_TAGS: Call = Call::modify("elasticloadbalancing:RemoveTags");

/// Half of what AWS gives at most: a page, with the SDK's copies of it, takes 3 kB of memory for each thing in it.
const PAGE: i32 = 200;
const TAGS_BATCH: usize = 20;

/// The port that ECS registered each target with.
const TRAFFIC_PORT: &str = "traffic-port";
const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";
/// Attributes of target groups of network load balancers; their load balancer has the second, too:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html>.
const PRESERVE_CLIENT_IP: &str = "preserve_client_ip.enabled";
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
const DEREGISTRATION_DELAY: &str = "deregistration_delay.timeout_seconds";

#[async_trait]
impl Elbv2 for AwsClients {
    async fn each_load_balancer(&self, keep: &mut (dyn FnMut(LoadBalancerState) + Send)) -> Result<()> {
        let ask = |marker| {
            let page = self.elbv2.describe_load_balancers().page_size(PAGE);
            page.set_marker(marker).send().answering(DESCRIBE_LOAD_BALANCERS)
        };
        each_page(DESCRIBE_LOAD_BALANCERS, ask, keep, |page| {
            let found = page.load_balancers.iter().flatten();
            let found = found.map(|found| read::load_balancer(DESCRIBE_LOAD_BALANCERS, found));
            Ok((found.collect::<Result<_>>()?, page.next_marker))
        })
        .await
    }

    async fn describe_load_balancers_named(&self, names: &[String]) -> Result<Vec<LoadBalancerState>> {
        let mut found = Vec::new();
        for name in names {
            let reply = self
                .elbv2
                .describe_load_balancers()
                .names(name)
                .send()
                .answering(DESCRIBE_LOAD_BALANCERS)
                .await;
            let Some(reply) = unless_absent(reply)? else {
                continue;
            };
            for load_balancer in reply.load_balancers() {
                found.push(read::load_balancer(DESCRIBE_LOAD_BALANCERS, load_balancer)?);
            }
        }
        Ok(found)
    }

    async fn each_target_group(&self, keep: &mut (dyn FnMut(TargetGroupState) + Send)) -> Result<()> {
        let ask = |marker| {
            let page = self.elbv2.describe_target_groups().page_size(PAGE);
            page.set_marker(marker).send().answering(DESCRIBE_TARGET_GROUPS)
        };
        each_page(DESCRIBE_TARGET_GROUPS, ask, keep, |page| {
            let found = page.target_groups.iter().flatten();
            let found = found.map(|found| read::target_group(DESCRIBE_TARGET_GROUPS, found));
            Ok((found.collect::<Result<_>>()?, page.next_marker))
        })
        .await
    }

    async fn describe_target_groups_named(&self, names: &[String]) -> Result<Vec<TargetGroupState>> {
        let mut found = Vec::new();
        for name in names {
            let ask = self.elbv2.describe_target_groups().names(name).send();
            let reply = ask.answering(DESCRIBE_TARGET_GROUPS).await;
            let Some(reply) = unless_absent(reply)? else {
                continue;
            };
            for target_group in reply.target_groups() {
                found.push(read::target_group(DESCRIBE_TARGET_GROUPS, target_group)?);
            }
        }
        Ok(found)
    }

    async fn describe_tags(&self, arns: &[Arn]) -> Result<Vec<Tags>> {
        let mut all = Vec::new();
        for batch in arns.chunks(TAGS_BATCH) {
            match unless_absent(self.describe_tags_together(batch).await)? {
                Some(tags) => all.extend(tags),
                // One that is gone fails the whole call, and AWS's message does not always say which.
                None => {
                    for arn in batch {
                        let one =
                            unless_absent(self.describe_tags_together(std::slice::from_ref(arn)).await)?;
                        all.extend(one.unwrap_or_else(|| vec![Tags::new()]));
                    }
                }
            }
        }
        Ok(all)
    }

    async fn describe_listeners(&self, load_balancer: &Arn) -> Result<Option<Vec<ListenerState>>> {
        let ask = |marker| {
            let page = self
                .elbv2
                .describe_listeners()
                .load_balancer_arn(&load_balancer.0);
            let page = page.page_size(PAGE).set_marker(marker);
            page.send().answering(DESCRIBE_LISTENERS)
        };
        let found = every_page(DESCRIBE_LISTENERS, ask, |page| (page.listeners, page.next_marker)).await;
        let Some(found) = unless_absent(found)? else {
            return Ok(None);
        };
        let found: Result<_> = found
            .iter()
            .map(|listener| read::listener(DESCRIBE_LISTENERS, listener))
            .collect();
        found.map(Some)
    }

    async fn describe_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
    ) -> Result<Option<LoadBalancerAttributes>> {
        let reply = self
            .elbv2
            .describe_load_balancer_attributes()
            .load_balancer_arn(&load_balancer.0)
            .send()
            .answering(DESCRIBE_BALANCER_ATTRIBUTES)
            .await;
        Ok(unless_absent(reply)?.and_then(|reply| read::load_balancer_attributes(reply.attributes())))
    }

    async fn describe_listener_certificates(&self, listener: &Arn) -> Result<Option<BTreeSet<String>>> {
        listeners::certificates(self, listener).await
    }

    async fn describe_target_group_attributes(
        &self,
        target_group: &Arn,
    ) -> Result<Option<TargetGroupAttributes>> {
        let reply = self
            .elbv2
            .describe_target_group_attributes()
            .target_group_arn(&target_group.0)
            .send()
            .answering(DESCRIBE_ATTRIBUTES)
            .await;
        Ok(unless_absent(reply)?.map(|reply| read::attributes(reply.attributes())))
    }
}

#[async_trait]
impl Elbv2Writes for AwsClients {
    async fn create_load_balancer(&self, load_balancer: &LoadBalancer) -> Result<LoadBalancerState> {
        let LoadBalancer {
            name,
            kind,
            scheme,
            subnets,
            security_groups,
            // No create call takes them.
            attributes: _,
            tags,
        } = load_balancer;
        let security_groups: Vec<String> = security_groups.iter().cloned().collect();
        let reply = self
            .elbv2
            .create_load_balancer()
            .name(name)
            .r#type(write::kind(*kind))
            .scheme(write::scheme(*scheme))
            .set_subnets(Some(subnets.iter().cloned().collect()))
            // Without any, AWS takes the VPC's default group; a network load balancer then has none.
            .set_security_groups(Some(security_groups).filter(|groups| !groups.is_empty()))
            .set_tags(write::tags(tags))
            .send()
            .answering(CREATE_LOAD_BALANCER)
            .await?;
        let created = reply.load_balancers().first();
        let created = created.ok_or_else(|| CREATE_LOAD_BALANCER.bug("no load balancer in the reply"))?;
        Ok(LoadBalancerState {
            tags: tags.clone(),
            listeners: Some(Vec::new()),
            attributes: load_balancer
                .attributes
                .map(|_| LoadBalancerAttributes::AS_CREATED),
            ..read::load_balancer(CREATE_LOAD_BALANCER, created)?
        })
    }

    async fn set_subnets(&self, load_balancer: &Arn, subnets: &[String]) -> Result<()> {
        self.elbv2
            .set_subnets()
            .load_balancer_arn(&load_balancer.0)
            .set_subnets(Some(subnets.to_vec()))
            .send()
            .answering(SET_SUBNETS)
            .await?;
        Ok(())
    }

    async fn set_security_groups(&self, load_balancer: &Arn, security_groups: &[String]) -> Result<()> {
        self.elbv2
            .set_security_groups()
            .load_balancer_arn(&load_balancer.0)
            .set_security_groups(Some(security_groups.to_vec()))
            .send()
            .answering(SET_SECURITY_GROUPS)
            .await?;
        Ok(())
    }

    async fn modify_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
        attributes: LoadBalancerAttributes,
    ) -> Result<()> {
        self.elbv2
            .modify_load_balancer_attributes()
            .load_balancer_arn(&load_balancer.0)
            .attributes(write::load_balancer_attributes(attributes))
            .send()
            .answering(MODIFY_BALANCER_ATTRIBUTES)
            .await?;
        Ok(())
    }

    async fn delete_load_balancer(&self, load_balancer: &Arn) -> Result<()> {
        let call = self
            .elbv2
            .delete_load_balancer()
            .load_balancer_arn(&load_balancer.0);
        let reply = call.send().answering(DELETE_LOAD_BALANCER).await;
        unless_absent(reply).map(|_| ())
    }

    async fn create_target_group(&self, target_group: &TargetGroup) -> Result<TargetGroupState> {
        let TargetGroup {
            name,
            vpc,
            protocol,
            target_type,
            check,
            // No create call takes them.
            attributes,
            tags,
        } = target_group;
        let reply = self
            .elbv2
            .create_target_group()
            .name(name)
            .vpc_id(vpc)
            .protocol(write::protocol(*protocol))
            .port(TARGET_GROUP_PORT.into())
            .target_type(write::target_type(*target_type))
            .health_check_enabled(true)
            .health_check_protocol(write::check_protocol(check))
            .health_check_port(TRAFFIC_PORT)
            .set_health_check_path(write::check_path(check))
            .health_check_interval_seconds(to_i32(check.interval))
            .health_check_timeout_seconds(to_i32(check.timeout))
            .healthy_threshold_count(to_i32(check.healthy_threshold))
            .unhealthy_threshold_count(to_i32(check.unhealthy_threshold))
            .set_matcher(write::matcher(check))
            .set_tags(write::tags(tags))
            .send()
            .answering(CREATE_TARGET_GROUP)
            .await?;
        let created = reply.target_groups().first();
        let created = created.ok_or_else(|| CREATE_TARGET_GROUP.bug("no target group in the reply"))?;
        Ok(TargetGroupState {
            tags: tags.clone(),
            attributes: Some(attributes.as_created()),
            ..read::target_group(CREATE_TARGET_GROUP, created)?
        })
    }

    async fn modify_target_group(&self, target_group: &Arn, check: &HealthCheck) -> Result<()> {
        self.elbv2
            .modify_target_group()
            .target_group_arn(&target_group.0)
            .health_check_enabled(true)
            .health_check_protocol(write::check_protocol(check))
            .health_check_port(TRAFFIC_PORT)
            .set_health_check_path(write::check_path(check))
            .health_check_interval_seconds(to_i32(check.interval))
            .health_check_timeout_seconds(to_i32(check.timeout))
            .healthy_threshold_count(to_i32(check.healthy_threshold))
            .unhealthy_threshold_count(to_i32(check.unhealthy_threshold))
            .set_matcher(write::matcher(check))
            .send()
            .answering(MODIFY_TARGET_GROUP)
            .await?;
        Ok(())
    }

    async fn modify_target_group_attributes(
        &self,
        target_group: &Arn,
        attributes: &TargetGroupAttributes,
    ) -> Result<()> {
        self.elbv2
            .modify_target_group_attributes()
            .target_group_arn(&target_group.0)
            .set_attributes(Some(write::attributes(attributes)))
            .send()
            .answering(MODIFY_ATTRIBUTES)
            .await?;
        Ok(())
    }

    async fn delete_target_group(&self, target_group: &Arn) -> Result<()> {
        let call = self.elbv2.delete_target_group().target_group_arn(&target_group.0);
        let reply = call.send().answering(DELETE_TARGET_GROUP).await;
        unless_absent(reply).map(|_| ())
    }

    async fn create_listener(
        &self,
        load_balancer: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        listeners::create(self, load_balancer, listener, action).await
    }

    async fn modify_listener(
        &self,
        arn: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        listeners::modify(self, arn, listener, action).await
    }

    async fn delete_listener(&self, arn: &Arn) -> Result<()> {
        listeners::delete(self, arn).await
    }

    async fn add_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()> {
        listeners::add_certificate(self, listener, certificate).await
    }

    async fn remove_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()> {
        listeners::remove_certificate(self, listener, certificate).await
    }

    async fn add_tags(&self, arns: &[Arn], tags: &Tags) -> Result<()> {
        self.elbv2
            .add_tags()
            .set_resource_arns(Some(arns.iter().map(|arn| arn.0.clone()).collect()))
            .set_tags(write::tags(tags))
            .send()
            .answering(ADD_TAGS)
            .await?;
        Ok(())
    }

    async fn remove_tags(&self, arns: &[Arn], keys: &[&str]) -> Result<()> {
        self.elbv2
            .remove_tags()
            .set_resource_arns(Some(arns.iter().map(|arn| arn.0.clone()).collect()))
            .set_tag_keys(Some(keys.iter().map(|key| (*key).into()).collect()))
            .send()
            .answering(REMOVE_TAGS)
            .await?;
        Ok(())
    }
}

impl AwsClients {
    /// In the order asked for; AWS answers in its own.
    async fn describe_tags_together(&self, arns: &[Arn]) -> Result<Vec<Tags>> {
        let reply = self
            .elbv2
            .describe_tags()
            .set_resource_arns(Some(arns.iter().map(|arn| arn.0.clone()).collect()))
            .send()
            .answering(DESCRIBE_TAGS)
            .await?;
        let mut by_arn = read::tags(reply.tag_descriptions());
        Ok(arns
            .iter()
            .map(|arn| by_arn.remove(&arn.0).unwrap_or_default())
            .collect())
    }
}

#[cfg(test)]
pub(super) mod tests;
