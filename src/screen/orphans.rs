//! What carries this installation's marks and belongs to no App, as data and as a table.

use serde::Serialize;

use super::layout::{BAD, FAINT, PLAIN, STRONG, Width, cell, paint, table, wrap};

/// Fields may be added, none is taken away.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphans {
    /// The owner id, as tags and TXT records have it.
    pub owner: String,
    pub orphans: Vec<Orphan>,
    /// What could not be read: more may be there.
    pub unread: Vec<String>,
}

/// A thing whose App is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    pub platform: String,
    /// `service`, `load balancer`, `target group`, `record`, `schedule` or `PortAllocation`.
    pub kind: String,
    pub name: String,
    /// `namespace/name`.
    pub app: String,
    pub process: String,
    /// True if it was to stay when its App went, and is nobody's.
    pub retained: bool,
}

impl Orphans {
    /// The table, with colours.
    pub fn text(&self, width: Width) -> String {
        let mut lines = Vec::new();
        if self.orphans.is_empty() {
            let verdict = if self.unread.is_empty() {
                format!(
                    "No orphans: all that carries the owner id {} belongs to an App.",
                    self.owner
                )
            } else {
                format!(
                    "No orphans in what could be read; not everything could, so there may be some of the owner id {}.",
                    self.owner
                )
            };
            lines.extend(wrap(&verdict, 0, width));
        } else {
            let head = ["PLATFORM", "KIND", "NAME", "APP", "PROCESS"].map(|head| cell(FAINT, head));
            let mut rows = vec![head.to_vec()];
            rows.extend(self.orphans.iter().map(|orphan| {
                let kind = if orphan.retained {
                    format!("{} (retained)", orphan.kind)
                } else {
                    orphan.kind.clone()
                };
                let Orphan {
                    platform,
                    name,
                    app,
                    process,
                    ..
                } = orphan;
                vec![
                    cell(PLAIN, platform),
                    cell(PLAIN, kind),
                    cell(STRONG, name),
                    cell(PLAIN, app),
                    cell(PLAIN, process),
                ]
            }));
            lines.extend(table(&rows, width));
            lines.push(String::new());
            let count = match self.orphans.len() {
                1 => "1 orphan".to_owned(),
                many => format!("{many} orphans"),
            };
            let (taken, policy) = if self.orphans.iter().any(|orphan| orphan.retained) {
                let taken = ", and what is retained once it is annotated with empire.dev/adopt: \"true\"";
                (taken, ", with deletionPolicy: Delete,")
            } else {
                ("", ",")
            };
            let advice = format!(
                "{count}. Nothing was deleted. An App of the same name and namespace on that Platform owns it all \
                 again{taken}: make it{policy} and delete it to remove them."
            );
            lines.extend(wrap(&advice, 0, width));
        }
        for unread in &self.unread {
            let broken = wrap(&format!("Not read: {unread}"), 0, width);
            lines.extend(broken.iter().map(|line| paint(BAD, line)));
        }
        lines.join("\n") + "\n"
    }
}
