//! Empire Controller runs apps described as an extended Procfile on Amazon ECS, from an `App` custom resource.
//!
//! This page is the architecture. A pass over one App is one sentence, spelled out in [`reconcile`]:
//!
//! ```text
//!  App + Platform ──build──▶ Desired ──┐
//!                                      ├──plan──▶ changes ──apply──▶ Observed′ ──compute──▶ AppStatus
//!  AWS + claims ──observe──▶ Observed ─┘             ▲                   │
//!                                                    └──── plan again ───┘
//! ```
//!
//! Everything in the middle is a pure function of plain data; calls are made only at the two edges, [`observe`] and
//! [`apply`]. After every round of changes the plan is made anew from what is there by then, until nothing is left to
//! change. So no step remembers another: a crash, an edit in the middle and a hand change in AWS need no code of their
//! own, and deleting an App is the same sentence with [`model::desired::Desired::empty`].
//!
//! # Invariants
//!
//! - Nothing in AWS is modified or deleted unless [`model::owner`] says that it is ours. What is nobody's may be tagged, if
//!   the App is told to adopt it.
//! - One [`change::Change`] is one write. Only [`mod@write`] turns a name into an ARN, and writes.
//! - Planning after applying finds nothing to change; a second pass over an unchanged App writes nothing.
//! - Every create precedes the delete that it replaces; names go before what they point at.
//! - What AWS cannot change in place is part of the [`model::name`], so a replacement is one thing wanted and another
//!   not.
//! - What an App holds is found in AWS, not remembered. Losing memory, or an App's status, costs reads and waits.
//! - What could not be read is unknown ([`model::part`]): nothing that depends on it is written, and the rest goes on.
//! - `plan` has no clock: waits that are over are facts in [`model::state::Observed`].
//! - Pure modules use ordered maps only, so equal input gives equal output, byte for byte.
//! - A call is retried by the SDK, an App by its requeue, and nothing else retries.
//! - Secrets and values of environment variables never reach `Display`, `Debug`, Events or logs.
//!
//! `tests/architecture.rs` holds the modules to what each may import; [`model::class::Class`] alone decides when a failed App
//! is tried again.
//!
//! # Modules, in reading order
//!
//! | module | what is in it |
//! |---|---|
//! | [`api`] | the resources `App`, `Platform` and `PortAllocation`: what users write and read |
//! | [`procfile`] | Procfile text to `App` |
//! | [`model`] | our vocabulary: names, owners, services, load balancers, ports, records, and the state found |
//! | [`desired`] | what an App means: every rule and every default |
//! | [`aws`], [`claims`] | the calls that we make, as traits in model types; the SDK behind them |
//! | [`change`] | a write as data: what it sends, its text, its name in the log |
//! | [`lists`], [`inventory`] | where a pass finds its App: lists read for it alone, or once for all Apps |
//! | [`observe`] | reads AWS and the claims |
//! | [`mod@plan`] | (desired, observed) to changes, to what is waited for, and to what is in the way |
//! | [`mod@budget`] | AWS's token buckets, and who has the next token |
//! | [`mod@write`] | the door: the one way to AWS and the claims for writing |
//! | [`mod@apply`] | one change: sent, its reply folded, its refusal learned from |
//! | [`mod@reconcile`] | the sentence |
//! | [`packed`] | values that are kept for long, compressed |
//! | [`pass`] | what surrounds the sentence: memory, requeues, deferral |
//! | [`mod@dry_run`] | the sentence, with invented replies: what it would write, to the end |
//! | [`status`] | what a pass came to, as conditions |
//! | [`mod@fence`] | decides if a call may still begin under the Lease of its pass |
//! | [`error`] | everything that can go wrong, and its class |
//! | [`controller`] | the Kubernetes side: watches, finalizers, claims, Events, requeues |
//! | [`screen`] | what people read of an App: its status on one screen, and why it is not Ready |
//! | [`config`], [`cli`] | the flags of `run`; the command line, and the commands that print something and end |
//! | `fuzzing` | what holds for every input from outside: for the fuzzers of `fuzz/` and for tests alone |
//! | [`telemetry`], [`span`] | logs; traces, and the spans that they are made of |
//! | [`mod@health`], [`metrics`] | the endpoints; the series that one of them shows |

pub mod api;
pub mod apply;
pub mod aws;
pub mod budget;
pub mod change;
pub mod claims;
pub mod cli;
pub mod config;
pub mod controller;
pub mod desired;
pub mod dry_run;
pub mod error;
pub mod fence;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod health;
pub mod inventory;
pub mod lists;
pub mod metrics;
pub mod model;
pub mod observe;
pub mod packed;
pub mod pass;
pub mod plan;
pub mod procfile;
pub mod reconcile;
pub mod screen;
pub mod span;
pub mod status;
pub mod telemetry;
pub mod write;
