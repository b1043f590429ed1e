//! The shares of AWS's rates that are ours, as the operator sets them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::bucket::Bucket;

/// A share of every bucket's burst and rate, and others for single buckets: `1`, or `0.5,ecs/registrations=2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    all: f64,
    of: BTreeMap<Bucket, f64>,
}

impl Shares {
    /// Makes the same share of every bucket.
    pub fn all(share: f64) -> Self {
        Shares {
            all: share,
            of: BTreeMap::new(),
        }
    }

    /// Sets the share of a bucket.
    #[must_use]
    pub fn with(mut self, bucket: Bucket, share: f64) -> Self {
        self.of.insert(bucket, share);
        self
    }

    pub(super) fn of(&self, bucket: Bucket) -> f64 {
        self.of.get(&bucket).copied().unwrap_or(self.all)
    }
}

/// Reads a share. More than AWS documents is for accounts to which it gives more.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.01..=1000.0).contains(share));
    share.ok_or_else(|| format!("`{text}` is no share from 0.01 to 1000, such as 0.5"))
}

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut all, mut of) = (None, BTreeMap::new());
        for part in text.split(',') {
            let is_new = match part.split_once('=') {
                None => all.replace(share(part)?).is_none(),
                Some((name, value)) => {
                    let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == name);
                    let bucket = bucket.ok_or_else(|| {
                        let all = Bucket::ALL.map(Bucket::as_str).join(", ");
                        format!("`{name}` is no bucket: they are {all}")
                    })?;
                    let value = share(value).map_err(|error| format!("{name}: {error}"))?;
                    of.insert(bucket, value).is_none()
                }
            };
            if !is_new {
                return Err(format!("`{part}` sets a share for the second time"));
            }
        }
        let all = all.unwrap_or(1.0);
        Ok(Shares { all, of })
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)?;
        let mut of = self.of.iter();
        of.try_for_each(|(bucket, share)| write!(f, ",{}={share}", bucket.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_for_all_buckets_is_another_than_one_for_some() {
        let read = |text: &str| text.parse::<Shares>();
        for (text, registrations, routes) in [
            ("1", 1.0, 1.0),
            ("0.5", 0.5, 0.5),
            ("0.5,ecs/registrations=2", 2.0, 0.5),
            ("ecs/registrations=2,route53/all=0.1", 2.0, 0.1),
        ] {
            let shares = read(text).unwrap();
            let found = (shares.of(Bucket::EcsRegistrations), shares.of(Bucket::Route53));
            assert_eq!(found, (registrations, routes), "{text}");
            assert_eq!(read(&shares.to_string()), Ok(shares));
        }
        for (text, error) in [
            ("half", "`half` is no share from 0.01 to 1000, such as 0.5"),
            ("0", "`0` is no share from 0.01 to 1000, such as 0.5"),
            ("NaN", "`NaN` is no share from 0.01 to 1000, such as 0.5"),
            ("1,0.5", "`0.5` sets a share for the second time"),
            (
                "ecs/tags=2,ecs/tags=2",
                "`ecs/tags=2` sets a share for the second time",
            ),
            (
                "ecs/tags=",
                "ecs/tags: `` is no share from 0.01 to 1000, such as 0.5",
            ),
            ("", "`` is no share from 0.01 to 1000, such as 0.5"),
        ] {
            assert_eq!(read(text), Err(error.into()));
        }
        let unknown = read("ecs=2").unwrap_err();
        assert!(
            unknown.contains("`ecs` is no bucket: they are ecs/service-writes, ecs/"),
            "{unknown}"
        );
    }
}
