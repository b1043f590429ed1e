//! The API server's side: objects read and written, watches, and the meaning of its errors.

pub(super) mod claims;
pub(super) mod definitions;
mod error;
pub(super) mod finalizer;
pub(super) mod installation;
pub(super) mod namespaces;
pub(super) mod reach;
pub(super) mod report;
pub(super) mod transport;
pub(super) mod uninstall;
pub(super) mod watches;

pub(super) use self::error::failed;
pub(crate) use self::error::message_of;
