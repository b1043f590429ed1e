//! DNS records. A name is lower case and has no trailing dot, everywhere but in the calls themselves.

/// A record set as Route 53 lists it, whole, because a delete must repeat it exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordSet {
    pub name: String,
    pub kind: RecordKind,
    pub content: RecordContent,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    A,
    Cname,
    Txt,
    /// A type that we never write.
    Other(String),
}

impl RecordKind {
    /// As Route 53 spells it.
    pub fn as_str(&self) -> &str {
        match self {
            RecordKind::A => "A",
            RecordKind::Cname => "CNAME",
            RecordKind::Txt => "TXT",
            RecordKind::Other(other) => other,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordContent {
    /// In the order and the quoting that Route 53 reported.
    Values { ttl: u32, values: Vec<String> },
    Alias {
        target: String,
        zone_id: String,
        evaluate_target_health: bool,
    },
    /// Weighted, failover, geolocation, …: never ours.
    Routed {
        /// The host that it points at, if it is a CNAME or an alias.
        target: Option<String>,
    },
}

/// The way in which a name points at its load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordStyle {
    Cname {
        ttl: u32,
    },
    /// Type A, without target health. Route 53 answers with the load balancer's own TTL of 60 s.
    Alias,
}

/// The TTL of an alias to a load balancer, in seconds:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html>.
pub const ALIAS_TTL: u32 = 60;

/// One half of a change batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordChange {
    Delete(RecordSet),
    Create(RecordSet),
}

impl RecordChange {
    pub fn record(&self) -> &RecordSet {
        match self {
            RecordChange::Delete(record) | RecordChange::Create(record) => record,
        }
    }
}

impl RecordSet {
    /// Returns the seconds for which resolvers may go on answering with this record after it is gone.
    pub fn ttl(&self) -> u32 {
        match &self.content {
            RecordContent::Values { ttl, .. } => *ttl,
            RecordContent::Alias { .. } | RecordContent::Routed { .. } => ALIAS_TTL,
        }
    }

    /// Returns the name that this record is about: an ownership record is about the name that it marks.
    pub fn about(&self) -> &str {
        self.marks().unwrap_or(&self.name)
    }

    /// Returns the name that this record marks, if it is where an ownership record lives.
    pub fn marks(&self) -> Option<&str> {
        self.name.strip_prefix(OWNERSHIP_LABEL)
    }

    /// One of several under its name, or one that no batch of ours could repeat.
    pub fn is_routed(&self) -> bool {
        matches!(self.content, RecordContent::Routed { .. })
    }

    /// Returns the text of a TXT record; empty unless it has just one value, as an ownership record of ours has.
    pub fn text(&self) -> String {
        let RecordContent::Values { values, .. } = &self.content else {
            return String::new();
        };
        match (&self.kind, values.as_slice()) {
            (RecordKind::Txt, [only]) => txt_text(only),
            _ => String::new(),
        }
    }

    /// The host that this record points at, if it is a CNAME or an alias.
    pub fn target(&self) -> Option<String> {
        match (&self.kind, &self.content) {
            (RecordKind::Cname, RecordContent::Values { values, .. }) => values.first().map(|v| normalize(v)),
            (_, RecordContent::Alias { target, .. }) => Some(normalize(target)),
            (_, RecordContent::Routed { target }) => target.clone(),
            (_, RecordContent::Values { .. }) => None,
        }
    }
}

/// Lower case, without the trailing dot.
pub fn normalize(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

const OWNERSHIP_LABEL: &str = "_empire.";

/// Where the ownership record of a name lives.
pub fn ownership_name(name: &str) -> String {
    format!("{OWNERSHIP_LABEL}{name}")
}

/// A TXT value: quoted strings of at most 255 characters each.
pub fn txt_value(text: &str) -> String {
    let strings: Vec<String> = text
        .as_bytes()
        .chunks(255)
        .map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk)))
        .collect();
    strings.join(" ")
}

/// The text of a TXT value: its strings, joined. Our texts hold neither quotes nor backslashes, so a value that does
/// is not ours whatever comes out.
pub fn txt_text(value: &str) -> String {
    value.split('"').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_becomes_several_strings_and_comes_back() {
        let text = "x".repeat(600);
        let value = txt_value(&text);
        assert_eq!(value.matches('"').count(), 6);
        assert_eq!(txt_text(&value), text);
        assert_eq!(txt_text("\"one\""), "one");
    }

    #[test]
    fn names_compare_without_dot_and_case() {
        assert_eq!(normalize("Acme.Example.COM."), "acme.example.com");
    }
}
