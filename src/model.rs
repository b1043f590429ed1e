//! Our vocabulary: plain data in AWS's own nouns, free of any SDK, of Kubernetes and of I/O.
//!
//! The types that carry settings ([`service::Service`], [`load_balancer::LoadBalancer`], …) hold what we want; the
//! `…State` types in [`state`] hold what AWS reported. A field of a `…State` that is `None` was left out of the reply
//! or not read: it is unknown, and never counts as drift.

pub mod adopted;
pub mod class;
pub mod container;
pub mod content;
pub mod desired;
pub mod echo;
pub mod exclusive;
pub mod extras;
pub mod held;
pub mod host_port;
pub mod keeping;
pub mod load_balancer;
pub mod log;
pub mod log_group;
pub mod logging;
pub mod members;
pub mod name;
pub mod named;
pub mod owner;
pub mod part;
pub mod pending;
pub mod port;
mod progress;
pub mod rank;
pub mod record;
pub mod release;
pub mod rollout;
pub mod run;
pub mod scaling;
pub mod schedule;
pub mod secret;
pub mod service;
pub mod shared_map;
pub mod small_map;
pub mod small_set;
pub mod state;

/// Returns a number of things with its noun: `1 task`, `2 tasks`.
pub fn counted(count: impl Into<u64>, noun: &str) -> String {
    match count.into() {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

/// Returns a text as a message can show it: on one line, without what a terminal would obey, and with its quotes as they are.
pub(crate) fn on_one_line(text: impl Iterator<Item = char>) -> String {
    let mut line = String::new();
    for c in text {
        match c {
            '\'' | '"' | '\\' => line.push(c),
            c => line.extend(c.escape_debug()),
        }
    }
    line
}
pub mod volume;
