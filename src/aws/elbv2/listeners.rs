//! Listeners and their certificates: what each call sends.

use std::collections::BTreeSet;

use super::{
    ADD_CERTIFICATES, CREATE_LISTENER, DELETE_LISTENER, DESCRIBE_CERTIFICATES, MODIFY_LISTENER, PAGE,
    REMOVE_CERTIFICATES, read, write,
};
use crate::aws::Result;
use crate::aws::answer::Answering;
use crate::aws::clients::AwsClients;
use crate::aws::wire::{every_page, unless_absent};
use crate::model::load_balancer::{Listener, ListenerAction};
use crate::model::name::Arn;
use crate::model::state::ListenerState;

pub(super) async fn certificates(aws: &AwsClients, listener: &Arn) -> Result<Option<BTreeSet<String>>> {
    let ask = |marker| {
        let page = aws
            .elbv2
            .describe_listener_certificates()
            .listener_arn(&listener.0);
        let page = page.page_size(PAGE).set_marker(marker);
        page.send().answering(DESCRIBE_CERTIFICATES)
    };
    let found = every_page(DESCRIBE_CERTIFICATES, ask, |page| {
        (page.certificates, page.next_marker)
    })
    .await;
    Ok(unless_absent(found)?.map(|found| read::certificates(&found).collect()))
}

pub(super) async fn create(
    aws: &AwsClients,
    load_balancer: &Arn,
    listener: &Listener,
    action: &ListenerAction<Arn>,
) -> Result<ListenerState> {
    let Listener {
        port,
        protocol,
        certificates: _,
        action: _,
        tags,
    } = listener;
    let reply = aws
        .elbv2
        .create_listener()
        .load_balancer_arn(&load_balancer.0)
        .port((*port).into())
        .protocol(write::listener_protocol(*protocol))
        .set_certificates(write::default_certificate(listener))
        .set_ssl_policy(write::security_policy(listener))
        .default_actions(write::action(action))
        .set_tags(write::tags(tags))
        .send()
        .answering(CREATE_LISTENER)
        .await?;
    let created = reply.listeners().first();
    let created = created.ok_or_else(|| CREATE_LISTENER.bug("no listener in the reply"))?;
    read::listener(CREATE_LISTENER, created)
}

pub(super) async fn modify(
    aws: &AwsClients,
    arn: &Arn,
    listener: &Listener,
    action: &ListenerAction<Arn>,
) -> Result<ListenerState> {
    let reply = aws
        .elbv2
        .modify_listener()
        .listener_arn(&arn.0)
        .protocol(write::listener_protocol(listener.protocol))
        .set_certificates(write::default_certificate(listener))
        .set_ssl_policy(write::security_policy(listener))
        .default_actions(write::action(action))
        .send()
        .answering(MODIFY_LISTENER)
        .await?;
    let modified = reply.listeners().first();
    let modified = modified.ok_or_else(|| MODIFY_LISTENER.bug("no listener in the reply"))?;
    read::listener(MODIFY_LISTENER, modified)
}

pub(super) async fn delete(aws: &AwsClients, arn: &Arn) -> Result<()> {
    let call = aws.elbv2.delete_listener().listener_arn(&arn.0);
    let reply = call.send().answering(DELETE_LISTENER).await;
    unless_absent(reply).map(|_| ())
}

pub(super) async fn add_certificate(aws: &AwsClients, listener: &Arn, certificate: &str) -> Result<()> {
    aws.elbv2
        .add_listener_certificates()
        .listener_arn(&listener.0)
        .certificates(write::certificate(certificate))
        .send()
        .answering(ADD_CERTIFICATES)
        .await?;
    Ok(())
}

pub(super) async fn remove_certificate(aws: &AwsClients, listener: &Arn, certificate: &str) -> Result<()> {
    aws.elbv2
        .remove_listener_certificates()
        .listener_arn(&listener.0)
        .certificates(write::certificate(certificate))
        .send()
        .answering(REMOVE_CERTIFICATES)
        .await?;
    Ok(())
}
