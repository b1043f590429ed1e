//! Asks the lists of a Platform's tenancy and of the grants that select a namespace for one thing, and says what was asked where
//! none has it.

use super::lists::{Closed, HOSTNAMES, List};
use super::{Allowed, Selected};
use crate::api::platform::Grant;
use crate::error::Error;

impl<'a> Allowed<'a> {
    /// Checks a value against the patterns of a list.
    pub(super) fn pattern(&self, list: &List, field: &str, value: &str) -> Result<(), Error> {
        self.listed(list, field, value, |pattern| list.syntax.matches(pattern, value))
    }

    /// Checks a value of which something else than itself is compared.
    pub(super) fn listed(
        &self,
        list: &List,
        field: &str,
        value: &str,
        is_listed: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let of_tenancy = list.of_tenancy.map(|of| self.tenancy.map(of).unwrap_or_default());
        let any = |patterns: &[String]| patterns.iter().any(|pattern| is_listed(pattern));
        if of_tenancy.is_some_and(any) || self.any(|selected| any((list.of_grant)(&selected.expanded))) {
            return Ok(());
        }
        let old = of_tenancy.map(|_| format!("tenancy.{}", list.name));
        let why = match (old, self.asked(list.name)) {
            (None, None) => return Ok(()),
            (Some(asked), None) | (None, Some(Ok(asked))) => format!("it matches nothing in {asked}"),
            (Some(old), Some(Ok(asked))) => format!("it matches nothing in {old} and {asked}"),
            (Some(old), Some(Err(unselected))) => format!("it matches nothing in {old}, and {unselected}"),
            (None, Some(Err(unselected))) => unselected,
        };
        Err(Error::NotAllowed(self.refusal(field, value, &why)))
    }

    /// Checks one name. A zone's own is nobody's by chance: no pattern lets it in, neither one with `*` nor one into which
    /// the App's names are put.
    pub(super) fn name(&self, field: &str, name: &str, is_zone: bool) -> Result<(), Error> {
        if !is_zone {
            return self.pattern(&HOSTNAMES, field, name);
        }
        let why = match self.asked(HOSTNAMES.name) {
            None => return Ok(()),
            Some(_) if self.any(|selected| selected.grant.hostnames.iter().any(|host| host == name)) => {
                return Ok(());
            }
            Some(Ok(asked)) => {
                format!(
                    "it is the zone's own name, which no pattern matches, and is not written out in {asked}"
                )
            }
            Some(Err(unselected)) => unselected,
        };
        Err(Error::NotAllowed(self.refusal(field, name, &why)))
    }

    /// Checks what no Platform is open for.
    pub(super) fn closed(&self, closed: &Closed, field: &str, value: &str) -> Result<(), Error> {
        let Closed {
            name,
            of_grant,
            of_tenancy,
        } = closed;
        if self.tenancy.and_then(of_tenancy) == Some(true)
            || self.any(|selected| of_grant(selected.grant) == Some(true))
        {
            return Ok(());
        }
        let why = match self.asked(name) {
            None => format!("tenancy.{name} is not true"),
            Some(Ok(asked)) => format!("neither tenancy.{name} nor {asked} is true"),
            Some(Err(unselected)) => format!("tenancy.{name} is not true, and {unselected}"),
        };
        Err(Error::NotAllowed(self.refusal(field, value, &why)))
    }

    /// Checks what every Platform without grants is open for.
    pub(super) fn switch(
        &self,
        name: &str,
        of: fn(&Grant) -> Option<bool>,
        field: &str,
        value: &str,
    ) -> Result<(), Error> {
        let why = match self.asked(name) {
            None => return Ok(()),
            Some(_) if self.any(|selected| of(selected.grant) == Some(true)) => return Ok(()),
            Some(Ok(asked)) => format!("{asked} is not true"),
            Some(Err(unselected)) => unselected,
        };
        Err(Error::NotAllowed(self.refusal(field, value, &why)))
    }

    pub(super) fn any(&self, gives: impl Fn(&Selected<'a>) -> bool) -> bool {
        self.grants.iter().flatten().any(gives)
    }

    /// Names the lists that were asked, such as `tenancy.grants[0,2].images`; or says that there are none for its namespace.
    pub(super) fn asked(&self, list: &str) -> Option<Result<String, String>> {
        let grants = self.grants.as_ref()?;
        let places: Vec<String> = grants.iter().map(|selected| selected.place.to_string()).collect();
        Some(if places.is_empty() {
            Err(format!(
                "none of tenancy.grants selects namespace {}",
                self.name.namespace
            ))
        } else {
            Ok(format!("tenancy.grants[{}].{list}", places.join(",")))
        })
    }

    /// Says what is not allowed where, and why.
    pub(super) fn refusal(&self, field: &str, value: &str, why: &str) -> String {
        format!(
            "{field}: Platform {} does not allow {value}: {why}",
            self.platform_name()
        )
    }

    pub(super) fn platform_name(&self) -> &str {
        self.platform.metadata.name.as_deref().unwrap_or_default()
    }
}
