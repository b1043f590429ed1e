//! Everything that is proved on the strict in-memory AWS, in one binary, since each one links the whole SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that finds something else than it expects is over"
)]

#[path = "../support/fake_aws/mod.rs"]
mod fake_aws;
#[path = "../support/first_write.rs"]
mod first_write;
#[path = "../support/fixtures.rs"]
mod fixtures;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/makespan.rs"]
mod makespan;
#[path = "../support/world.rs"]
mod world;

mod absence;
mod adopted;
mod budget;
mod commands;
mod constraints;
mod crash;
mod deadlines;
mod deferred;
mod deregistered;
mod dry_runs;
mod echoes;
mod exec;
mod exposures;
mod extras;
mod fairness;
mod fleets;
mod foretold;
mod golden;
mod grace_periods;
mod grants;
mod kept_names;
mod lasting;
mod limits;
mod load_balancers;
mod log_router;
mod logs;
mod makespans;
mod names;
mod old_lists;
mod out_of_reach;
mod overrides;
mod passes;
mod places;
mod platform_sidecars;
mod platforms;
mod random;
mod releases;
mod retained;
mod rollouts;
mod runs;
mod scaling;
mod schedules;
mod second_tries;
mod secret_names;
mod secrets;
mod shared_lists;
mod sidecars;
mod slow_rounds;
mod stories;
mod strategies;
mod strict_scaling;
mod strict_schedules;
mod strictness;
mod strictness_of_listeners;
mod tenants;
mod troubles;
mod volumes;
mod watchfulness;
mod write_counts;
