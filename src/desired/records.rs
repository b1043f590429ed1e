//! The DNS names that an App wants, and their zones.

use std::collections::BTreeMap;

use super::{app_name, exposure, limits};
use crate::api::app::App;
use crate::api::platform::{Platform, RecordType};
use crate::error::Error;
use crate::model::desired::{DesiredProcess, DesiredRecord, RecordKey};
use crate::model::owner::AppName;
use crate::model::record::{ALIAS_TTL, RecordStyle, normalize};

const DEFAULT_TTL: u32 = 60;

/// The templates of derived names, where the Platform has none of its own.
const NAME_TEMPLATES: [&str; 2] = ["{app}-{process}", "{app}"];
const PROCESS: &str = "{process}";
/// The process that has the names without its own in them.
const WEB: &str = "web";

/// A zone in which a process gets names.
struct Zone<'a> {
    id: &'a str,
    name: String,
}

impl Zone<'_> {
    fn key(&self, name: String) -> RecordKey {
        let zone = self.id.into();
        RecordKey { zone, name }
    }
}

/// Returns the names that a process gets by itself, without their zone.
fn derived_names(app: &App, platform: &Platform, process: &str) -> Vec<String> {
    let AppName { namespace, name } = app_name(app);
    let dns = platform.spec.dns.as_ref();
    let given = dns.map(|dns| dns.name_templates.as_slice()).unwrap_or_default();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let templates = if given.is_empty() {
        NAME_TEMPLATES.as_slice()
    } else {
        given.as_slice()
    };
    let its = templates
        .iter()
        .filter(|template| process == WEB || template.contains(PROCESS));
    // Neither name has a brace in it.
    let fill = |template: &&str| {
        let filled = template
            .replace("{app}", &name)
            .replace("{namespace}", &namespace);
        filled.replace(PROCESS, process)
    };
    its.map(fill).collect()
}

/// Every exposed process gets `<app>-<process>.<zone>`, the one called `web` also `<app>.<zone>`, or what the Platform has in
/// their place, and each its hostnames.
pub(super) fn build(
    app: &App,
    platform: &Platform,
    processes: &BTreeMap<String, DesiredProcess>,
) -> Result<BTreeMap<RecordKey, DesiredRecord>, Error> {
    let style = style(platform);
    let (mut derived, mut chosen) = (Vec::new(), Vec::new());
    for (name, built) in processes {
        let Some(balancing) = &built.load_balancing else {
            continue;
        };
        let expose = app.spec.processes.get(name);
        let expose = expose
            .and_then(|process| exposure(name, process))
            .unwrap_or_default();
        let record = DesiredRecord {
            process: name.clone(),
            load_balancer: balancing.load_balancer.name.clone(),
            style,
        };
        let zones = zones(platform, expose.external.unwrap_or(false));
        for zone in &zones {
            for derived_name in derived_names(app, platform, name) {
                let key = zone.key(format!("{derived_name}.{}", zone.name));
                derived.push((key, record.clone()));
            }
        }
        for hostname in &expose.hostnames {
            let hostname = normalize(hostname);
            let fitting = fitting(platform, &zones, &hostname);
            if fitting.is_empty() {
                let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
                return Err(Error::Invalid(format!(
                    "process {name}: expose.hostnames: {hostname} is in none of the zones that this process has names in: {}",
                    if names.is_empty() {
                        "the Platform gives it none".into()
                    } else {
                        names.join(", ")
                    }
                )));
            }
            for zone in fitting {
                if hostname == zone.name && style != RecordStyle::Alias {
                    return Err(Error::Invalid(format!(
                        "process {name}: expose.hostnames: {hostname} is the zone's own name, which a CNAME cannot have; the Platform would need dns.recordType: Alias"
                    )));
                }
                chosen.push((zone.key(hostname.clone()), record.clone()));
            }
        }
    }
    let mut records = BTreeMap::new();
    // What was written down comes last, so that it is to blame where it is also somebody's derived name.
    for (key, record) in derived.into_iter().chain(chosen) {
        limits::check_name(&record.process, &key.name)?;
        claim(&mut records, key, record)?;
    }
    Ok(records)
}

/// Two processes cannot have one name.
fn claim(
    records: &mut BTreeMap<RecordKey, DesiredRecord>,
    key: RecordKey,
    record: DesiredRecord,
) -> Result<(), Error> {
    let (name, process) = (key.name.clone(), record.process.clone());
    match records.insert(key, record) {
        Some(other) if other.process != process => Err(Error::Invalid(format!(
            "process {process}: expose.hostnames: the name {name} is also wanted by process {}",
            other.process
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Internal processes have names in the internal zone only, external ones in both.
fn zones(platform: &Platform, external: bool) -> Vec<Zone<'_>> {
    let (Some(dns), names) = (
        &platform.spec.dns,
        platform.status.as_ref().and_then(|s| s.zones.as_ref()),
    ) else {
        return Vec::new();
    };
    let internal = dns
        .internal
        .as_ref()
        .zip(names.and_then(|names| names.internal.as_ref()));
    let public = dns
        .external
        .as_ref()
        .zip(names.and_then(|names| names.external.as_ref()));
    let all = [internal, public.filter(|_| external)];
    let zone = all.into_iter().flatten();
    zone.map(|(zone, name)| Zone {
        id: &zone.hosted_zone_id,
        name: normalize(name),
    })
    .collect()
}

/// Returns true if both zones of a Platform have the same name, as far as their names are known.
pub(super) fn are_same_named(platform: &Platform) -> bool {
    matches!(zones(platform, true).as_slice(), [one, other] if one.name == other.name)
}

/// The zones of a process in which a hostname lives: those whose name, of all the Platform's zones, is its longest
/// suffix. Two, if they have the same name; none, if it belongs in a zone that the process has no names in.
fn fitting<'a, 'b>(platform: &Platform, zones: &'a [Zone<'b>], hostname: &str) -> Vec<&'a Zone<'b>> {
    let fits = |zone: &&Zone<'_>| hostname == zone.name || hostname.ends_with(&format!(".{}", zone.name));
    let every = self::zones(platform, true);
    let longest = every.iter().filter(fits).map(|zone| zone.name.len()).max();
    zones
        .iter()
        .filter(fits)
        .filter(|zone| Some(zone.name.len()) == longest)
        .collect()
}

/// Returns the seconds for which resolvers may remember the names that a Platform gives.
pub fn ttl(platform: &Platform) -> u32 {
    match style(platform) {
        RecordStyle::Cname { ttl } => ttl,
        RecordStyle::Alias => ALIAS_TTL,
    }
}

fn style(platform: &Platform) -> RecordStyle {
    let dns = platform.spec.dns.as_ref();
    match dns.and_then(|dns| dns.record_type) {
        Some(RecordType::Alias) => RecordStyle::Alias,
        Some(RecordType::Cname) | None => {
            let ttl = dns
                .and_then(|dns| dns.ttl_seconds)
                .and_then(|ttl| ttl.try_into().ok());
            RecordStyle::Cname {
                ttl: ttl.unwrap_or(DEFAULT_TTL),
            }
        }
    }
}

#[cfg(test)]
mod tests;
