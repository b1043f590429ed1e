//! What Apps ask for, and where `tenancy` allows it.

use super::pattern::Syntax;
use crate::api::platform::{Grant, Tenancy};

/// A list of patterns: its name, its place in a grant and in `tenancy` itself, and the syntax of its patterns.
pub(super) struct List {
    pub name: &'static str,
    pub of_grant: fn(&Grant) -> &[String],
    pub of_tenancy: Option<fn(&Tenancy) -> &[String]>,
    pub syntax: Syntax,
}

pub(super) const TASK_ROLES: List = List {
    name: "taskRoleArns",
    of_grant: |grant| &grant.task_role_arns,
    of_tenancy: Some(|tenancy| &tenancy.task_role_arns),
    syntax: Syntax::Arn,
};
pub(super) const SECRETS: List = List {
    name: "secretArns",
    of_grant: |grant| &grant.secret_arns,
    of_tenancy: Some(|tenancy| &tenancy.secret_arns),
    syntax: Syntax::Arn,
};
pub(super) const CERTIFICATES: List = List {
    name: "certificateArns",
    of_grant: |grant| &grant.certificate_arns,
    of_tenancy: None,
    syntax: Syntax::Arn,
};
pub(super) const IMAGES: List = List {
    name: "images",
    of_grant: |grant| &grant.images,
    of_tenancy: None,
    syntax: Syntax::Image,
};
pub(super) const FILE_SYSTEMS: List = List {
    name: "fileSystems",
    of_grant: |grant| &grant.file_systems,
    of_tenancy: Some(|tenancy| &tenancy.file_systems),
    syntax: Syntax::FileSystem,
};
pub(super) const FILES: List = List {
    name: "fileArns",
    of_grant: |grant| &grant.file_arns,
    of_tenancy: Some(|tenancy| &tenancy.file_arns),
    syntax: Syntax::Arn,
};
pub(super) const HOSTNAMES: List = List {
    name: "hostnames",
    of_grant: |grant| &grant.hostnames,
    of_tenancy: None,
    syntax: Syntax::Hostname,
};
pub(super) const SECURITY_GROUPS: List = List {
    name: "securityGroups",
    of_grant: |grant| &grant.security_groups,
    of_tenancy: Some(|tenancy| &tenancy.security_groups),
    syntax: Syntax::Exact,
};
pub(super) const OVERRIDES: List = List {
    name: "overrides",
    of_grant: |grant| &grant.overrides,
    of_tenancy: Some(|tenancy| &tenancy.overrides),
    syntax: Syntax::Exact,
};

/// What Apps could not always ask for, and what therefore no Platform is open for: `tenancy` itself must allow it, or a grant.
pub(super) struct Closed {
    pub name: &'static str,
    pub of_grant: fn(&Grant) -> Option<bool>,
    pub of_tenancy: fn(&Tenancy) -> Option<bool>,
}

pub(super) const EXEC: Closed = Closed {
    name: "exec",
    of_grant: |grant| grant.exec,
    of_tenancy: |tenancy| tenancy.exec,
};
pub(super) const SIDECARS: Closed = Closed {
    name: "sidecars",
    of_grant: |grant| grant.sidecars,
    of_tenancy: |tenancy| tenancy.sidecars,
};
pub(super) const LOGGING: Closed = Closed {
    name: "logging",
    of_grant: |grant| grant.logging,
    of_tenancy: |tenancy| tenancy.logging,
};
