//! Empire Controller.

pub mod apply;
pub mod aws;
pub mod claims;
pub mod error;
pub mod model;
pub mod observe;
pub mod plan;
pub mod reconcile;
