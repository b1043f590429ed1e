//! Which DNS names an App wants, and in which zones.

use std::collections::BTreeMap;

use super::exposure;
use crate::api::app::App;
use crate::api::platform::{Platform, RecordType};
use crate::error::Error;
use crate::model::desired::{DesiredProcess, DesiredRecord, RecordKey};
use crate::model::record::{ALIAS_TTL, RecordStyle, normalize};

const DEFAULT_TTL: u32 = 60;

/// A zone in which a process gets names.
struct Zone<'a> {
    id: &'a str,
    name: String,
}

/// Every exposed process gets `<app>-<process>.<zone>`, the one called `web` also `<app>.<zone>`, and each its hostnames.
pub(super) fn build(
    app: &App,
    platform: &Platform,
    processes: &BTreeMap<String, DesiredProcess>,
) -> Result<BTreeMap<RecordKey, DesiredRecord>, Error> {
    let mut records = BTreeMap::new();
    let app_name = app.metadata.name.clone().unwrap_or_default();
    for (name, built) in processes {
        let Some(balancing) = &built.load_balancing else {
            continue;
        };
        let expose = app.spec.processes.iter().find(|(key, _)| key.as_str() == name);
        let expose = expose
            .and_then(|(key, process)| exposure(key, process))
            .unwrap_or_default();
        let zones = zones(platform, expose.external.unwrap_or(false));
        let mut wanted = Vec::new();
        for zone in &zones {
            wanted.push((zone, format!("{app_name}-{name}.{}", zone.name)));
            if name == "web" {
                wanted.push((zone, format!("{app_name}.{}", zone.name)));
            }
        }
        for hostname in &expose.hostnames {
            let hostname = normalize(hostname);
            let fitting = fitting(&zones, &hostname);
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
            wanted.extend(fitting.into_iter().map(|zone| (zone, hostname.clone())));
        }
        for (zone, hostname) in wanted {
            let style = style(platform);
            if hostname == zone.name && style != RecordStyle::Alias {
                return Err(Error::Invalid(format!(
                    "process {name}: expose.hostnames: {hostname} is the zone's own name, which a CNAME cannot have; the Platform would need dns.recordType: Alias"
                )));
            }
            let key = RecordKey {
                zone: zone.id.into(),
                name: hostname,
            };
            let load_balancer = balancing.load_balancer.name.clone();
            let record = DesiredRecord {
                process: name.clone(),
                load_balancer,
                style,
            };
            claim(&mut records, key, record)?;
        }
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

/// The zones whose name is the longest suffix of a hostname: two, if they have the same name.
fn fitting<'a, 'b>(zones: &'a [Zone<'b>], hostname: &str) -> Vec<&'a Zone<'b>> {
    let fits = |zone: &&Zone<'_>| hostname == zone.name || hostname.ends_with(&format!(".{}", zone.name));
    let longest = zones.iter().filter(fits).map(|zone| zone.name.len()).max();
    zones
        .iter()
        .filter(fits)
        .filter(|zone| Some(zone.name.len()) == longest)
        .collect()
}

/// How long, in seconds, resolvers may remember the names that a Platform gives.
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
