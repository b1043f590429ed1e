//! The names of everything. A name is a function of the thing that it names, so that a second attempt finds what the
//! first one made; a setting that AWS cannot change in place is part of the name.

use std::fmt;

use data_encoding::Encoding;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::load_balancer::{LoadBalancerKind, Scheme, TargetProtocol, TargetType};
use super::owner::{AppName, Owner};

/// An Amazon resource name: opaque, but for the revision at the end of a task definition's, and the name in one of load
/// balancing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Arn(pub String);

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Arn {
    /// Returns the revisions of the same family that came before this one, the newest first. ECS counts from 1:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>.
    pub fn earlier_revisions(&self) -> impl Iterator<Item = Arn> {
        let (family, revision) = self.0.rsplit_once(':').unwrap_or_default();
        let revision: u64 = revision.parse().unwrap_or_default();
        (1..revision).rev().map(move |n| Arn(format!("{family}:{n}")))
    }

    /// Returns the id of the account:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    pub fn account(&self) -> Option<&str> {
        self.0.split(':').nth(4).filter(|account| !account.is_empty())
    }

    /// Returns the name in the ARN of a load balancer or a target group, which is type, name and id:
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html>.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit('/').nth(1)
    }
}

/// Returns what follows the last slash of an ARN: the id of a task, or the name of a service or a cluster, which holds no slash,
/// whether the ARN is of the short form or the long one. What has no slash is a name already.
pub fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The task definition family and the service name of a process. `_` cannot occur in a Kubernetes name, so no two
/// processes share one.
pub fn family(app: &AppName, process: &str) -> String {
    format!("{}{process}", family_prefix(app))
}

/// Returns the prefix of every service name of an App.
pub fn family_prefix(app: &AppName) -> String {
    format!("{}_{}_", app.namespace, app.name)
}

/// The process that a service name of this App belongs to.
pub fn process_of_family<'a>(app: &AppName, family: &'a str) -> Option<&'a str> {
    family.strip_prefix(&family_prefix(app))
}

/// Returns the prefix of the names of an App's load balancers and target groups. Other Apps may have the same: only tags
/// tell them apart.
pub fn load_balancer_prefix(app: &AppName) -> String {
    format!("e-{}-", truncate(&app.name, 7))
}

/// The log group of an App. No part of it can have a slash, so no two Apps of a cluster share one; and with at most 8 + 255 + 1 +
/// 63 + 1 + 63 characters it is shorter than the 512 that CloudWatch Logs takes.
pub fn log_group(cluster: &str, app: &AppName) -> String {
    format!("{}{}/{}", log_groups(cluster), app.namespace, app.name)
}

/// The beginning of the names of all log groups that are made for Apps.
pub const LOG_GROUPS: &str = "/empire/";

/// The beginning of the names of the log groups of a cluster's Apps.
pub fn log_groups(cluster: &str) -> String {
    format!("{LOG_GROUPS}{}/", last_segment(cluster))
}

/// The schedule group of an installation.
pub fn schedule_group(installation: &str) -> String {
    format!("empire-{}", hash(&[installation]))
}

/// Returns the prefix of the names of an App's schedules. Other Apps may have the same: [`is_schedule_of`] tells them apart.
pub fn schedule_prefix(app: &AppName) -> String {
    format!("{}-", truncate(&app.name, 16))
}

/// At most 54 characters, where AWS allows 64. The first half of the hash is the App's, so that a list of names shows
/// the owner of each, without a call for each.
pub fn schedule_name(owner: &Owner, process: &str) -> String {
    let app = app_hash(owner);
    let process_hash = hash_of(&[&app, process], 10);
    format!(
        "{}{}-{app}{process_hash}",
        schedule_prefix(&owner.app),
        truncate(process, 16)
    )
}

/// Returns true if a schedule of this name may be the App's; its description says whether it is.
pub fn is_schedule_of(owner: &Owner, name: &str) -> bool {
    let hashes = name.rsplit('-').next().unwrap_or_default();
    hashes.len() == 20
        && hashes.starts_with(&app_hash(owner))
        && name.starts_with(&schedule_prefix(&owner.app))
}

fn app_hash(owner: &Owner) -> String {
    let Owner { installation, app } = owner;
    hash_of(&[installation, &app.namespace, &app.name], 10)
}

/// The parts of a load balancer that AWS cannot change: one of them changed is another load balancer.
#[derive(Clone, Debug)]
pub struct LoadBalancerIdentity<'a> {
    pub owner: &'a Owner,
    pub process: &'a str,
    pub kind: LoadBalancerKind,
    pub scheme: Scheme,
    pub vpc: &'a str,
    /// A network load balancer made without security groups can never have any.
    pub has_security_groups: bool,
}

/// At most 31 characters, where AWS allows 32.
pub fn load_balancer_name(identity: &LoadBalancerIdentity<'_>) -> String {
    let LoadBalancerIdentity {
        owner,
        process,
        kind,
        scheme,
        vpc,
        has_security_groups,
    } = identity;
    let app = &owner.app;
    let mut parts = vec![
        owner.installation.as_str(),
        &app.namespace,
        &app.name,
        process,
        kind.as_str(),
        scheme.as_str(),
        vpc,
    ];
    match (kind, has_security_groups) {
        (LoadBalancerKind::Network, true) => parts.push("security groups"),
        (LoadBalancerKind::Network, false) | (LoadBalancerKind::Application, _) => {}
    }
    with_hash(app, process, &hash(&parts))
}

/// A target group belongs to one load balancer, so its name depends on that one's. `index` tells those of one process
/// apart. Neither the port itself nor a listener's is in the name: a changed container port, or a listener more or
/// less, keeps the target group, and no client has to wait for another to fill.
pub fn target_group_name(
    app: &AppName,
    process: &str,
    load_balancer: &str,
    index: usize,
    protocol: TargetProtocol,
    target_type: TargetType,
) -> String {
    let index = index.to_string();
    with_hash(
        app,
        process,
        &hash(&[load_balancer, &index, protocol.as_str(), target_type.as_str()]),
    )
}

fn with_hash(app: &AppName, process: &str, hash: &str) -> String {
    format!("{}{}-{hash}", load_balancer_prefix(app), truncate(process, 8))
}

/// Cut, without a hyphen at the end, so that no two hyphens meet.
fn truncate(name: &str, length: usize) -> &str {
    name.get(..length).unwrap_or(name).trim_end_matches('-')
}

/// Returns a short digest, for names in which a text cannot stand: 40 bits of SHA-256.
pub fn digest(text: &str) -> String {
    hash_of(&[text], 8)
}

/// 60 bits of SHA-256 in twelve characters. Each part ends with a byte that no name holds, so that no two lists of
/// parts look alike.
fn hash(parts: &[&str]) -> String {
    hash_of(parts, 12)
}

fn hash_of(parts: &[&str], length: usize) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let mut text = BASE32.encode(&digest.finalize()[..8]);
    text.truncate(length);
    text
}

static BASE32: Encoding = data_encoding::BASE32_DNSSEC;

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(namespace: &str, name: &str) -> Owner {
        Owner {
            installation: "installation-1".into(),
            app: AppName {
                namespace: namespace.into(),
                name: name.into(),
            },
        }
    }

    fn named(owner: &Owner, process: &str, scheme: Scheme, vpc: &str) -> String {
        load_balancer_name(&LoadBalancerIdentity {
            owner,
            process,
            kind: LoadBalancerKind::Application,
            scheme,
            vpc,
            has_security_groups: true,
        })
    }

    #[test]
    fn a_load_balancer_name_fits_and_reads() {
        let name = named(
            &owner("shop", "storefront-v2"),
            "web-frontend",
            Scheme::Internal,
            "vpc-1",
        );
        assert!(name.starts_with("e-storefr-web-fron-"), "{name}");
        assert!(name.len() <= 31, "{name}");
    }

    #[test]
    fn cutting_a_name_leaves_no_double_hyphen() {
        let name = named(
            &owner("shop", "foobar-bar"),
            "process-a",
            Scheme::Internal,
            "vpc-1",
        );
        assert!(name.starts_with("e-foobar-process-"), "{name}");
        assert!(!name.contains("--"), "{name}");
    }

    #[test]
    fn every_part_that_cannot_change_is_in_the_name() {
        let acme = owner("shop", "acme");
        let base = named(&acme, "web", Scheme::Internal, "vpc-1");
        assert_eq!(base, named(&acme, "web", Scheme::Internal, "vpc-1"));
        assert_ne!(base, named(&acme, "web", Scheme::InternetFacing, "vpc-1"));
        assert_ne!(base, named(&acme, "web", Scheme::Internal, "vpc-2"));
        assert_ne!(base, named(&acme, "api", Scheme::Internal, "vpc-1"));
        assert_ne!(
            base,
            named(&owner("blog", "acme"), "web", Scheme::Internal, "vpc-1")
        );
        let other = Owner {
            installation: "installation-2".into(),
            ..acme
        };
        assert_ne!(base, named(&other, "web", Scheme::Internal, "vpc-1"));
    }

    #[test]
    fn only_a_network_load_balancer_is_another_without_security_groups() {
        let acme = owner("shop", "acme");
        let named = |kind, has_security_groups| {
            load_balancer_name(&LoadBalancerIdentity {
                owner: &acme,
                process: "web",
                kind,
                scheme: Scheme::Internal,
                vpc: "vpc-1",
                has_security_groups,
            })
        };
        let (application, network) = (LoadBalancerKind::Application, LoadBalancerKind::Network);
        assert_eq!(named(application, true), named(application, false));
        assert_ne!(named(network, true), named(network, false));
        assert_ne!(named(application, false), named(network, false));
    }

    #[test]
    fn a_target_group_is_named_after_its_load_balancer() {
        let app = owner("shop", "acme").app;
        let named = |load_balancer, index, protocol| {
            target_group_name(&app, "web", load_balancer, index, protocol, TargetType::Instance)
        };
        let one = named("e-a", 0, TargetProtocol::Http);
        assert_ne!(one, named("e-b", 0, TargetProtocol::Http));
        assert_ne!(one, named("e-a", 1, TargetProtocol::Http));
        assert_ne!(one, named("e-a", 0, TargetProtocol::Tcp));
        assert!(one.len() <= 31);
    }

    #[test]
    fn a_schedule_is_known_by_its_name_as_one_of_its_app() {
        let acme = owner("shop", "acme-accounting-and-more");
        let name = schedule_name(&acme, "nightly-cleanup-of-everything");
        assert!(name.starts_with("acme-accounting-nightly-cleanup-"), "{name}");
        assert!(name.len() <= 54, "{name}");
        assert!(is_schedule_of(&acme, &name));
        assert!(name.starts_with(&schedule_prefix(&acme.app)));
        // All of these have the same prefix.
        for other in [
            owner("blog", "acme-accounting-and-more"),
            owner("shop", "acme-accounting-and-less"),
            Owner {
                installation: "installation-2".into(),
                ..acme.clone()
            },
        ] {
            assert_eq!(schedule_prefix(&other.app), schedule_prefix(&acme.app));
            assert_ne!(schedule_name(&other, "nightly"), schedule_name(&acme, "nightly"));
            assert!(!is_schedule_of(&other, &name));
        }
        assert!(!is_schedule_of(&acme, "acme-accounting-by-hand"));
        assert_ne!(schedule_group("installation-1"), schedule_group("installation-2"));
    }

    #[test]
    fn a_family_gives_its_process_back() {
        let app = owner("shop", "acme").app;
        assert_eq!(family(&app, "web"), "shop_acme_web");
        assert_eq!(process_of_family(&app, "shop_acme_web"), Some("web"));
        assert_eq!(process_of_family(&app, "shop_acme2_web"), None);
    }
}
