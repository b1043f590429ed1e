//! Empire Controller.

pub mod api;
pub mod apply;
pub mod aws;
pub mod claims;
pub mod config;
pub mod controller;
pub mod desired;
pub mod error;
pub mod model;
pub mod observe;
pub mod plan;
pub mod reconcile;
pub mod status;
pub mod telemetry;
