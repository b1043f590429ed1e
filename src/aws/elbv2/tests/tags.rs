//! Tags, twenty resources a call.

use super::{BALANCER_ARN, GROUP_ARN, arn, member, reply, tags};
use crate::aws::replay::{self, Replay};
use crate::aws::{Elbv2, Elbv2Writes};
use crate::model::name::Arn;
use crate::model::owner::Tags;

#[tokio::test]
async fn adds_tags_to_resources_of_both_kinds_in_one_call() {
    let aws = Replay::new([reply("AddTags", "")]);
    let arns = [arn(BALANCER_ARN), arn(GROUP_ARN)];
    aws.clients.add_tags(&arns, &tags()).await.unwrap();
    assert_eq!(
        aws.only().form(),
        [
            "Action=AddTags".to_owned(),
            format!("ResourceArns.member.1={BALANCER_ARN}"),
            format!("ResourceArns.member.2={GROUP_ARN}"),
            "Tags.member.1.Key=cost-center".into(),
            "Tags.member.1.Value=42".into(),
            "Tags.member.2.Key=empire.dev/app".into(),
            "Tags.member.2.Value=shop/acme".into(),
        ]
    );
}

#[tokio::test]
async fn takes_tags_away_by_their_keys() {
    let aws = Replay::new([reply("RemoveTags", "")]);
    let arns = [arn(BALANCER_ARN), arn(GROUP_ARN)];
    let keys = ["empire.dev/owner", "empire.dev/app"];
    aws.clients.remove_tags(&arns, &keys).await.unwrap();
    assert_eq!(
        aws.only().form(),
        [
            "Action=RemoveTags".to_owned(),
            format!("ResourceArns.member.1={BALANCER_ARN}"),
            format!("ResourceArns.member.2={GROUP_ARN}"),
            "TagKeys.member.1=empire.dev/owner".into(),
            "TagKeys.member.2=empire.dev/app".into(),
        ]
    );
}

fn tagged(arns: &[Arn]) -> String {
    let description = |arn: &Arn| {
        format!(
            "<member><ResourceArn>{arn}</ResourceArn><Tags>\
             <member><Key>of</Key><Value>{arn}</Value></member><member><Key>bare</Key></member></Tags></member>"
        )
    };
    // AWS answers in an order of its own.
    let members: String = arns.iter().rev().map(description).collect();
    member("TagDescriptions", &members)
}

fn expected(arn: &Arn) -> Tags {
    Tags::from([("of".into(), arn.0.as_str().into()), ("bare".into(), "".into())])
}

fn arns(count: usize) -> Vec<Arn> {
    (0..count).map(|number| Arn(format!("arn:{number}"))).collect()
}

#[tokio::test]
async fn asks_for_the_tags_of_twenty_resources_a_call_and_keeps_their_order() {
    let arns = arns(41);
    let aws = Replay::new(arns.chunks(20).map(|batch| reply("DescribeTags", &tagged(batch))));
    let found = aws.clients.describe_tags(&arns).await.unwrap();
    assert_eq!(found, arns.iter().map(expected).collect::<Vec<_>>());
    let sent = aws.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[0].form().len(), 21);
    assert_eq!(sent[0].form()[20], "ResourceArns.member.20=arn:19");
    assert_eq!(
        sent[2].form(),
        ["Action=DescribeTags", "ResourceArns.member.1=arn:40"]
    );
}

#[tokio::test]
async fn one_resource_that_is_gone_does_not_hide_the_tags_of_the_others() {
    let arns = arns(3);
    let gone = || replay::xml_error(400, "TargetGroupNotFound", "One or more target groups not found");
    let aws = Replay::new([
        gone(),
        reply("DescribeTags", &tagged(&arns[..1])),
        gone(),
        reply("DescribeTags", &tagged(&arns[2..])),
    ]);
    let found = aws.clients.describe_tags(&arns).await.unwrap();
    assert_eq!(found, [expected(&arns[0]), Tags::new(), expected(&arns[2])]);
    assert_eq!(aws.sent()[2].form()[1], "ResourceArns.member.1=arn:1");
}

#[tokio::test]
async fn the_tags_of_nothing_take_no_call() {
    let aws = Replay::new([]);
    assert_eq!(aws.clients.describe_tags(&[]).await.unwrap(), Vec::<Tags>::new());
}
