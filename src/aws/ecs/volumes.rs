//! Volumes and mounts between the model and the SDK.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_ecs::types as sdk;

use super::logging::ordered;
use crate::aws::Result;
use crate::aws::error::Call;
use crate::aws::wire::{text, unless_empty};
use crate::model::small_map::SmallMap;
use crate::model::volume::{DockerVolume, FileSystem, Mount, Volume};

/// Returns the volumes and, in `foreign`, that there are others than we would write.
pub(super) fn read(found: &[sdk::Volume], foreign: &mut BTreeSet<&'static str>) -> SmallMap<String, Volume> {
    let volumes: SmallMap<String, Volume> = found.iter().filter_map(volume).collect();
    foreign.extend((volumes.len() != found.len()).then_some("volumes"));
    volumes
}

/// `None` for a volume that we would never write: of another file system, or that a service is to configure, or of two kinds.
fn volume(found: &sdk::Volume) -> Option<(String, Volume)> {
    let host = found.host().and_then(sdk::HostVolumeProperties::source_path);
    let (host, docker) = (text(host), found.docker_volume_configuration());
    let efs = found.efs_volume_configuration();
    let kinds = usize::from(host.is_some()) + usize::from(docker.is_some()) + usize::from(efs.is_some());
    let is_other = kinds > 1
        || found.s3files_volume_configuration().is_some()
        || found.fsx_windows_file_server_volume_configuration().is_some()
        || found.configured_at_launch() == Some(true);
    let name = text(found.name()).filter(|_| !is_other)?;
    let volume = match (host, docker, efs) {
        (Some(path), _, _) => Volume::Host(path),
        (None, Some(docker), _) => Volume::Docker(Box::new(read_docker(docker))),
        (None, None, Some(efs)) => Volume::FileSystem(file_system(efs)?),
        (None, None, None) => Volume::Scratch,
    };
    Some((name, volume))
}

/// What is left out may be reported as it is by itself.
fn read_docker(found: &sdk::DockerVolumeConfiguration) -> DockerVolume {
    DockerVolume {
        shared: found.scope() == Some(&sdk::Scope::Shared),
        autoprovision: found.autoprovision(),
        driver: text(found.driver()),
        options: found.driver_opts().map(ordered).unwrap_or_default(),
        labels: found.labels().map(ordered).unwrap_or_default(),
    }
}

fn write_docker(wanted: &DockerVolume) -> sdk::DockerVolumeConfiguration {
    let DockerVolume {
        shared,
        autoprovision,
        driver,
        options,
        labels,
    } = wanted;
    let pairs = |pairs: &SmallMap<String, String>| {
        let pairs: HashMap<String, String> = pairs.clone().into_iter().collect();
        Some(pairs).filter(|pairs| !pairs.is_empty())
    };
    let scope = if *shared {
        sdk::Scope::Shared
    } else {
        sdk::Scope::Task
    };
    sdk::DockerVolumeConfiguration::builder()
        .scope(scope)
        .set_autoprovision(*autoprovision)
        .set_driver(driver.clone())
        .set_driver_opts(pairs(options))
        .set_labels(pairs(labels))
        .build()
}

/// A root directory that is left out is reported as `/`, too.
fn file_system(found: &sdk::EfsVolumeConfiguration) -> Option<FileSystem> {
    let is_encrypted = found.transit_encryption() == Some(&sdk::EfsTransitEncryption::Enabled);
    let has_port = found.transit_encryption_port().is_some_and(|port| port != 0);
    if !is_encrypted || has_port {
        return None;
    }
    let authorization = found.authorization_config();
    Some(FileSystem {
        id: found.file_system_id().to_owned(),
        directory: text(found.root_directory()).filter(|path| path != "/"),
        access_point: text(authorization.and_then(sdk::EfsAuthorizationConfig::access_point_id)),
        iam: authorization.and_then(sdk::EfsAuthorizationConfig::iam)
            == Some(&sdk::EfsAuthorizationConfigIam::Enabled),
    })
}

/// Returns the mounts and, in `foreign`, that there are some that say no place.
pub(super) fn read_mounts(
    found: &[sdk::MountPoint],
    foreign: &mut BTreeSet<&'static str>,
) -> SmallMap<String, Mount> {
    let mounts = found.iter().filter_map(|found| {
        let mount = Mount {
            volume: text(found.source_volume())?,
            read_only: found.read_only() == Some(true),
        };
        Some((text(found.container_path())?, mount))
    });
    let mounts: SmallMap<String, Mount> = mounts.collect();
    foreign.extend((mounts.len() != found.len()).then_some("mountPoints"));
    mounts
}

/// `None` without volumes, so that nothing is sent.
pub(super) fn write(call: Call, volumes: &SmallMap<String, Volume>) -> Result<Option<Vec<sdk::Volume>>> {
    let written = volumes.iter().map(|(name, volume)| {
        let builder = sdk::Volume::builder().name(name);
        Ok(match volume {
            Volume::Scratch => builder,
            Volume::FileSystem(file_system) => {
                builder.efs_volume_configuration(write_file_system(call, file_system)?)
            }
            Volume::Host(path) => {
                builder.host(sdk::HostVolumeProperties::builder().source_path(path).build())
            }
            Volume::Docker(volume) => builder.docker_volume_configuration(write_docker(volume)),
        }
        .build())
    });
    let written: Vec<_> = written.collect::<Result<_>>()?;
    Ok(unless_empty(written.into_iter()))
}

fn write_file_system(call: Call, wanted: &FileSystem) -> Result<sdk::EfsVolumeConfiguration> {
    let FileSystem {
        id,
        directory,
        access_point,
        iam,
    } = wanted;
    let mut builder = sdk::EfsVolumeConfiguration::builder()
        .file_system_id(id)
        .set_root_directory(directory.clone())
        .transit_encryption(sdk::EfsTransitEncryption::Enabled);
    if *iam || access_point.is_some() {
        let iam = if *iam {
            sdk::EfsAuthorizationConfigIam::Enabled
        } else {
            sdk::EfsAuthorizationConfigIam::Disabled
        };
        let authorization = sdk::EfsAuthorizationConfig::builder().iam(iam);
        builder =
            builder.authorization_config(authorization.set_access_point_id(access_point.clone()).build());
    }
    builder.build().map_err(|error| call.bug(error.to_string()))
}

/// `None` without mounts.
pub(super) fn write_mounts(mounts: &SmallMap<String, Mount>) -> Option<Vec<sdk::MountPoint>> {
    let written = mounts.iter().map(|(path, Mount { volume, read_only })| {
        sdk::MountPoint::builder()
            .source_volume(volume)
            .container_path(path)
            .read_only(*read_only)
            .build()
    });
    unless_empty(written)
}
