//! Host ports that are unique on a cluster, and who holds them.

use super::owner::AppName;

/// Whom a port is claimed for. The same owner always gets the same port back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortOwner {
    pub platform: String,
    pub app: AppName,
    pub process: String,
    pub container_port: u16,
}

/// One claimed port: a `PortAllocation` in the API server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub port: u16,
    pub owner: PortOwner,
    /// Retained by an App that was deleted: only people release it, or an App that is made again under its name.
    pub retained: bool,
}

impl Claim {
    pub fn new(port: u16, owner: PortOwner) -> Self {
        let retained = false;
        Claim {
            port,
            owner,
            retained,
        }
    }

    /// Returns true if both hold one port for one owner.
    pub fn is_same(&self, other: &Claim) -> bool {
        self.port == other.port && self.owner == other.owner
    }
}

/// First and last port, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl PortRange {
    pub fn size(self) -> u32 {
        u32::from(self.last).saturating_sub(u32::from(self.first)) + 1
    }

    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    pub fn overlaps(self, other: PortRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The first free port after `cursor`, going round at the end, so that a port just released, whose task may still be
    /// stopping, comes last. `None` if all are taken.
    pub fn next_free(self, cursor: Option<u16>, taken: impl Fn(u16) -> bool) -> Option<u16> {
        let start = match cursor {
            Some(port) if self.contains(port) => port,
            Some(_) | None => self.last,
        };
        let after = (start..=self.last).skip(1);
        after.chain(self.first..=start).find(|port| !taken(*port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: PortRange = PortRange {
        first: 9000,
        last: 9003,
    };

    #[test]
    fn the_search_starts_after_the_last_port_handed_out_and_goes_round() {
        let free = |cursor, taken: &'static [u16]| RANGE.next_free(cursor, |port| taken.contains(&port));
        assert_eq!(free(None, &[]), Some(9000));
        assert_eq!(free(Some(9001), &[]), Some(9002));
        assert_eq!(free(Some(9003), &[]), Some(9000));
        assert_eq!(free(Some(9001), &[9002, 9003]), Some(9000));
        assert_eq!(free(Some(9001), &[9000, 9002, 9003]), Some(9001));
        assert_eq!(free(Some(9001), &[9000, 9001, 9002, 9003]), None);
        assert_eq!(free(Some(8000), &[]), Some(9000));
    }

    #[test]
    fn counts_and_compares_ranges() {
        assert_eq!(RANGE.size(), 4);
        assert!(RANGE.overlaps(PortRange {
            first: 9003,
            last: 9100
        }));
        assert!(!RANGE.overlaps(PortRange {
            first: 9004,
            last: 9100
        }));
    }
}
