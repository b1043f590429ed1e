//! What must hold for every input from outside, however hostile: a function for each kind of input, which panics where it does
//! not. The fuzzers of `fuzz/` call them with what they invent, the tests below with the seeds in `fuzz/seeds/`.

#![expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]

mod command;
mod cron;
mod manifest;
mod ownership;
mod pattern;
mod procfile;
mod values;

pub use crate::aws::fuzzing::{
    autoscaling as replies_of_autoscaling, ecs as replies_of_ecs, elbv2 as replies_of_elbv2,
    logs as replies_of_logs, route53 as replies_of_route53, scheduler as replies_of_scheduler,
    secrets as replies_of_secrets, sts as replies_of_sts,
};
pub use command::command;
pub use cron::cron;
pub use manifest::manifest;
pub use ownership::ownership;
pub use pattern::pattern;
pub use procfile::procfile;
pub use values::values;

#[cfg(test)]
mod tests;
