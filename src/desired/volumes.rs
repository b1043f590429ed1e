//! The volumes of a process's tasks, and where containers mount them.

use super::Builder;
use super::container::{Fields, is_path};
use super::text;
use crate::api::app::Efs;
use crate::error::Error;
use crate::model::service::LaunchType;
use crate::model::small_map::SmallMap;
use crate::model::volume::{FileSystem, Mount, Volume};

impl Builder<'_> {
    pub(super) fn volumes(&self) -> Result<SmallMap<String, Volume>, Error> {
        let mut volumes = SmallMap::new();
        for (name, given) in &self.process.volumes {
            if !text::is_name(name) {
                return Err(self.invalid(&format!("volumes.{name}"), text::NO_NAME));
            }
            let volume = match &given.efs {
                None => Volume::Scratch,
                Some(efs) => Volume::FileSystem(self.file_system(name, efs)?),
            };
            volumes.insert(name.clone(), volume);
        }
        Ok(volumes)
    }

    /// What ECS takes: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-efs-config.html>, and where:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html>.
    fn file_system(&self, name: &str, efs: &Efs) -> Result<FileSystem, Error> {
        let Efs {
            file_system_id,
            root_directory,
            access_point_id,
            iam,
        } = efs;
        let refused = |field: &str, why: &str| Err(self.invalid(&format!("volumes.{name}.efs{field}"), why));
        if self.launch_type() == LaunchType::External {
            return refused("", "is not for instances of your own (EXTERNAL)");
        }
        if !is_id("fs-", file_system_id) {
            return refused(".fileSystemId", "must be an id that begins with fs-");
        }
        if access_point_id.as_ref().is_some_and(|id| !is_id("fsap-", id)) {
            return refused(".accessPointId", "must be an id that begins with fsap-");
        }
        let directory = root_directory.as_ref().filter(|path| *path != "/");
        if directory.is_some_and(|path| !is_path(path)) {
            return refused(".rootDirectory", "is no absolute path, such as /srv/app");
        }
        if directory.is_some() && access_point_id.is_some() {
            return refused(
                ".rootDirectory",
                "not with accessPointId: an access point has a directory of its own",
            );
        }
        let iam = *iam == Some(true);
        if iam && self.app.spec.task_role_arn.is_none() {
            return refused(
                ".iam",
                "needs the App's taskRoleArn, the role with which it is mounted",
            );
        }
        Ok(FileSystem {
            id: file_system_id.clone(),
            directory: directory.cloned(),
            access_point: access_point_id.clone(),
            iam,
        })
    }

    pub(super) fn mounts(&self, fields: &Fields<'_>) -> Result<SmallMap<String, Mount>, Error> {
        let refused = |why: &str| Err(self.invalid(&fields.field("mounts"), why));
        let mut mounts = SmallMap::new();
        for (path, given) in fields.mounts {
            if !is_path(path) {
                return refused("has a path that is no absolute one, such as /data");
            }
            if !text::is_mount(path) {
                return refused(&format!("{path}: {}", text::NO_MOUNT));
            }
            if path.contains(text::COLON) {
                return refused(&format!("{path}: {}", text::NO_COLON));
            }
            if fields.tmpfs.is_some_and(|tmpfs| tmpfs.contains_key(path)) {
                return refused(&format!("{path}: is also in tmpfs"));
            }
            let volume = &given.volume;
            if !self.process.volumes.contains_key(volume) {
                return refused(&format!("{path}: {volume} is none of the volumes"));
            }
            let mount = Mount {
                volume: volume.clone(),
                read_only: given.read_only == Some(true),
            };
            mounts.insert(path.clone(), mount);
        }
        Ok(mounts)
    }
}

fn is_id(prefix: &str, id: &str) -> bool {
    let rest = id.strip_prefix(prefix).unwrap_or_default();
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests;
