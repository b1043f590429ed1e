//! Empire Controller.

pub mod aws;
pub mod claims;
pub mod error;
pub mod model;
