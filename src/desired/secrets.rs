//! Secrets by name: what an App writes in place of an ARN, and the ARN that it means.
//!
//! A parameter's ARN follows from the Platform. That of a secret in Secrets Manager ends in six characters that only AWS knows:
//! where they are not known, nothing is made or changed that would hold them. All else goes by the App with ARNs in the place
//! of names, so that the task definition, tenancy and drift know nothing of names; the release phase goes by what the App says.

mod resolve;
mod text;
mod versions;
mod walk;

pub(super) use resolve::{ADDED, Judged, Names, judged};
pub(super) use text::{NO_ARN, is_arn, is_credentials};
pub(crate) use text::{NO_SECRET, is_secret};
pub use versions::{Asked, asked};
pub(super) use versions::{check, of_process as versions};

#[cfg(test)]
mod tests;
