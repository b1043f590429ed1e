//! The last tokens of a bucket, which a namespace that storms leaves to the others.
//!
//! Each namespace has an allowance of so many of them, which it spends with each token that it takes, and which comes back
//! slowly while they lie there. One that has none left waits until there are more than these; so an edit in another one finds
//! tokens for a few writes, whatever storms. Where all Apps are of one namespace, nothing is left for others.

/// The share of a full bucket that is left to namespaces with an allowance.
pub(super) const RESERVED: f64 = 0.25;
/// The share of the bucket's rate at which the allowance of each comes back.
const COMES_BACK: f64 = 0.25;

/// The namespaces that have, or had, Apps of any Platform since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Tenants {
    #[default]
    None,
    One(String),
    Several,
}

impl Tenants {
    /// Learns of one.
    pub(super) fn meet(&mut self, namespace: &str) {
        match self {
            Tenants::None => *self = Tenants::One(namespace.into()),
            Tenants::One(known) if known == namespace => {}
            Tenants::One(_) | Tenants::Several => *self = Tenants::Several,
        }
    }
}

/// The allowance of one namespace, in tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// The tokens that it spent and that have not come back.
    spent: f64,
    /// What had come back of any allowance when this was counted.
    counted: f64,
}

/// What has come back of any allowance since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Return(f64);

impl Return {
    /// Counts the seconds in which the bucket held what it leaves.
    pub(super) fn count(&mut self, rate: f64, seconds: f64) {
        self.0 += rate * COMES_BACK * seconds;
    }
}

impl Allowance {
    /// Returns the whole allowance, as one has that never took a token.
    pub(super) fn whole(Return(now): Return) -> Self {
        Allowance {
            spent: 0.0,
            counted: now,
        }
    }

    /// True if a token is left of so many.
    pub(super) fn has(self, all: f64, Return(now): Return) -> bool {
        all - self.left_spent(now) >= 1.0
    }

    /// Takes a token of so many, if one is left.
    pub(super) fn spend(&mut self, all: f64, Return(now): Return) {
        self.spent = (self.left_spent(now) + 1.0).min(all);
        self.counted = now;
    }

    /// Takes back what was spent on tokens that were not used.
    pub(super) fn give_back(&mut self, tokens: f64) {
        self.spent -= tokens;
    }

    fn left_spent(self, now: f64) -> f64 {
        (self.spent - (now - self.counted)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::budget::{Answer, Asker, Bucket, Budget, Place, Shares};
    use crate::model::rank::Rank;

    /// Asks for so many registrations, of which there are 20 at once and then one a second. Returns how many may be sent.
    fn ask(budget: &mut Budget, second: i64, namespace: &str, count: usize) -> usize {
        let now = Timestamp::from_second(second).unwrap();
        budget.meet(namespace);
        let asker = Asker {
            namespace: namespace.into(),
            app: "acme".into(),
            rank: Rank::Edit,
        };
        let mut goes = |n: usize| {
            let bucket = Bucket::EcsRegistrations;
            budget.ask(now, &Place::default(), bucket, &asker, &n.to_string()) == Answer::Go
        };
        (0..count).filter(|n| goes(*n)).count()
    }

    #[test]
    fn a_namespace_that_storms_leaves_a_quarter_to_others() {
        let mut budget = Budget::new(Shares::all(1.0));
        budget.meet("quiet");
        assert_eq!(ask(&mut budget, 0, "storm", 1_000), 15);
        assert_eq!(ask(&mut budget, 0, "quiet", 5), 5);
        // They are filled up again before it goes on.
        assert_eq!(ask(&mut budget, 5, "storm", 1_000), 0);
        assert_eq!(ask(&mut budget, 6, "storm", 1_000), 1);
        assert_eq!(ask(&mut budget, 6, "quiet", 5), 0, "it has spent what it may");
    }

    #[test]
    fn what_was_spent_comes_back_slowly_beside_a_storm() {
        let mut budget = Budget::new(Shares::all(1.0));
        budget.meet("quiet");
        ask(&mut budget, 0, "storm", 1_000);
        assert_eq!(ask(&mut budget, 0, "quiet", 5), 5);
        let mut storm = 0;
        for second in 1..=19 {
            storm += ask(&mut budget, second, "storm", 1_000);
        }
        // One in 4 s, of the 14 s in which five lay there.
        assert_eq!(ask(&mut budget, 19, "quiet", 5), 3);
        assert!((10..=14).contains(&storm), "{storm}");
    }

    #[test]
    fn one_that_is_alone_leaves_nothing() {
        let mut budget = Budget::new(Shares::all(1.0));
        assert_eq!(ask(&mut budget, 0, "storm", 1_000), 20);
    }
}
