//! What carries an installation's marks at the place of a Platform. Each part is read by itself, and one that cannot be is
//! named: the others still say what they have.

use std::fmt::Display;

use crate::aws::{Aws, Result};
use crate::model::desired::Place;
use crate::model::keeping::kept_until;
use crate::model::log_group::LogGroups;
use crate::model::name::{Arn, log_groups, schedule_group};
use crate::model::owner::{
    AppName, PROCESS_TAG, Tags, installation_and_app, left_by, left_by_in_text, owner_in_record_text,
    process_in_record_text,
};
use crate::model::record::RecordSet;

/// A thing of ours, and the App that it is marked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub platform: String,
    pub kind: &'static str,
    pub name: String,
    pub app: AppName,
    pub process: String,
    pub retained: bool,
}

#[derive(Debug, Default)]
pub(super) struct Read {
    pub marks: Vec<Mark>,
    /// The parts that could not be read, and why.
    pub unread: Vec<String>,
}

/// Reads everything at a place that `is_new` says has not been read yet: Platforms may share an account, a cluster or a
/// zone. Without credentials nothing can be read, which is an error.
pub(super) async fn at(
    aws: &dyn Aws,
    place: &Place,
    owner: &str,
    mut is_new: impl FnMut(&str) -> bool,
    read: &mut Read,
) -> Result<()> {
    let marks = Marks {
        platform: &place.platform,
        owner,
    };
    if is_new(&format!("cluster {}", place.cluster)) {
        let found = marks.services(aws, &place.cluster).await;
        read.take(marks.platform, "services", found)?;
    }
    if place.load_balancing && is_new("load balancing") {
        read.take(marks.platform, "load balancers", marks.load_balancers(aws).await)?;
        read.take(marks.platform, "target groups", marks.target_groups(aws).await)?;
    }
    for zone in &place.zones {
        if is_new(&format!("zone {zone}")) {
            let found = marks.records(aws, zone).await;
            read.take(marks.platform, format!("records of zone {zone}"), found)?;
        }
    }
    // Whose Apps have none needs no right to look.
    let groups = log_groups(&place.cluster);
    if place.log_groups != LogGroups::None && is_new(&groups) {
        let is_kept = place.log_groups == LogGroups::Kept;
        let found = marks.log_groups(aws, &groups, is_kept).await;
        read.take(marks.platform, "log groups", found)?;
    }
    if is_new("schedules") {
        read.take(marks.platform, "schedules", marks.schedules(aws).await)?;
    }
    Ok(())
}

impl Read {
    fn take(&mut self, platform: &str, part: impl Display, found: Result<Vec<Mark>>) -> Result<()> {
        match found {
            Ok(marks) => self.marks.extend(marks),
            Err(error) if error.is_about_credentials() => return Err(error),
            Err(error) => self
                .unread
                .push(format!("{part} of Platform {platform}: {error}")),
        }
        Ok(())
    }
}

struct Marks<'a> {
    platform: &'a str,
    owner: &'a str,
}

impl Marks<'_> {
    /// A thing by its tags, if they are this installation's, or nobody's and name the App that has left it behind, whichever
    /// installation's that was.
    fn tagged(&self, kind: &'static str, name: &str, tags: &Tags) -> Option<Mark> {
        let ours = installation_and_app(tags).filter(|(owner, _)| *owner == self.owner);
        let (app, retained) = match ours {
            Some((_, app)) => (app, false),
            None => (left_by(tags)?, true),
        };
        Some(Mark {
            platform: self.platform.into(),
            kind,
            name: name.into(),
            app,
            process: tags.get(PROCESS_TAG).map(ToString::to_string).unwrap_or_default(),
            retained,
        })
    }

    /// A thing by the text that names its owner, likewise. A name that is kept for a namespace is no App's, and its Platform
    /// removes it in time.
    fn described(&self, kind: &'static str, name: &str, text: &str) -> Option<Mark> {
        if kept_until(text).is_some() {
            return None;
        }
        let ours = owner_in_record_text(text).filter(|owner| owner.installation == self.owner);
        let (app, retained) = match ours {
            Some(owner) => (owner.app, false),
            None => (left_by_in_text(text)?, true),
        };
        Some(Mark {
            platform: self.platform.into(),
            kind,
            name: name.into(),
            app,
            process: process_in_record_text(text).unwrap_or_default().into(),
            retained,
        })
    }

    async fn services(&self, aws: &dyn Aws, cluster: &str) -> Result<Vec<Mark>> {
        let names = aws.list_services(cluster).await?;
        let found = aws.describe_services(cluster, &names).await?;
        let marks = found
            .iter()
            .filter_map(|service| self.tagged("service", &service.name, &service.tags));
        Ok(marks.collect())
    }

    async fn load_balancers(&self, aws: &dyn Aws) -> Result<Vec<Mark>> {
        let found = aws.describe_load_balancers().await?;
        let named = found.into_iter().map(|found| (found.name, found.arn));
        self.of_elbv2(aws, "load balancer", named.collect()).await
    }

    async fn target_groups(&self, aws: &dyn Aws) -> Result<Vec<Mark>> {
        let found = aws.describe_target_groups().await?;
        let named = found.into_iter().map(|found| (found.name, found.arn));
        self.of_elbv2(aws, "target group", named.collect()).await
    }

    async fn of_elbv2(
        &self,
        aws: &dyn Aws,
        kind: &'static str,
        named: Vec<(String, Arn)>,
    ) -> Result<Vec<Mark>> {
        let arns: Vec<Arn> = named.iter().map(|(_, arn)| arn.clone()).collect();
        let tags = aws.describe_tags(&arns).await?;
        let pairs = named.iter().map(|(name, _)| name).zip(&tags);
        Ok(pairs
            .filter_map(|(name, tags)| self.tagged(kind, name, tags))
            .collect())
    }

    async fn records(&self, aws: &dyn Aws, zone: &str) -> Result<Vec<Mark>> {
        let records = aws.list_records(zone).await?.unwrap_or_default();
        let mark = |record: &RecordSet| self.described("record", &record.name, &record.text());
        Ok(records.iter().filter_map(mark).collect())
    }

    /// One that is kept was to stay, and has its owner's tag all the same.
    async fn log_groups(&self, aws: &dyn Aws, prefix: &str, is_kept: bool) -> Result<Vec<Mark>> {
        let mut marks = Vec::new();
        for name in aws.log_group_names(prefix).await? {
            let found = aws.log_group(&name).await?;
            let mark = found.and_then(|found| self.tagged("log group", &name, &found.tags));
            marks.extend(mark.map(|mark| Mark {
                retained: mark.retained || is_kept,
                ..mark
            }));
        }
        Ok(marks)
    }

    async fn schedules(&self, aws: &dyn Aws) -> Result<Vec<Mark>> {
        let group = schedule_group(self.owner);
        let names = aws.list_schedules(&group, "").await?.unwrap_or_default();
        let mut marks = Vec::new();
        for name in names {
            let found = aws.get_schedule(&group, &name).await?;
            marks.extend(found.and_then(|found| self.described("schedule", &name, &found.description)));
        }
        Ok(marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::keeping::kept_text;
    use crate::model::owner::{OWNER_TAG, Owner, left_text};

    fn owner(installation: &str) -> Owner {
        Owner {
            installation: installation.into(),
            app: AppName {
                namespace: "shop".into(),
                name: "acme".into(),
            },
        }
    }

    #[test]
    fn a_name_that_is_kept_for_a_namespace_is_no_orphan() {
        let owner = owner("i-1");
        let marks = Marks {
            platform: "staging",
            owner: "i-1",
        };
        let text = owner.record_text("web");
        let found = |text: &str| marks.described("record", "_empire.acme.example.com", text);
        assert_eq!(found(&text).map(|mark| mark.app), Some(owner.app.clone()));
        assert_eq!(found(&kept_text(&text, "2026-12-07T08:00:00Z")), None);
        assert_eq!(found("something else"), None);
    }

    #[test]
    fn what_an_app_has_left_behind_is_found_and_what_another_installation_owns_is_not() {
        let marks = Marks {
            platform: "staging",
            owner: "i-1",
        };
        let left = |mut tags: Tags| {
            tags.retain(|key, _| key != OWNER_TAG);
            tags
        };
        let (ours, theirs) = (owner("i-1"), owner("i-2"));
        for (tags, text, expected) in [
            (ours.tags("web"), ours.record_text("web"), Some(false)),
            (
                left(ours.tags("web")),
                left_text(&ours.record_text("web")),
                Some(true),
            ),
            (theirs.tags("web"), theirs.record_text("web"), None),
            (
                Tags::from([("team".into(), "shop".into())]),
                "nightly".into(),
                None,
            ),
        ] {
            let found = [
                marks.tagged("service", "shop_acme_web", &tags),
                marks.described("schedule", "nightly", &text),
            ];
            for found in found {
                assert_eq!(found.as_ref().map(|mark| mark.retained), expected, "{found:?}");
                assert!(found.is_none_or(|mark| mark.app == ours.app && mark.process == "web"));
            }
        }
    }
}
