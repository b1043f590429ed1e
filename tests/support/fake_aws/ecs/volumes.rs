//! The refusals of RegisterTaskDefinition that are about volumes.

use empire_controller::aws::Result;
use empire_controller::model::container::Container;
use empire_controller::model::service::{LaunchType, TaskDefinition};
use empire_controller::model::volume::{FileSystem, Volume};

use super::super::refuse;

pub(super) fn check(action: &'static str, content: &TaskDefinition) -> Result<()> {
    let refused = |message: String| refuse(action, "ClientException", message);
    for (name, volume) in &content.volumes {
        // <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html>
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=255).contains(&name.len()) || !name.chars().all(is_part) {
            return refused(
                "Volume name should consist of 1 to 255 letters, digits, underscores and hyphens.".into(),
            );
        }
        let Volume::FileSystem(FileSystem {
            id,
            directory,
            access_point,
            iam,
        }) = volume
        else {
            continue;
        };
        // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html>
        if content.launch_type == LaunchType::External {
            return refused("EFS volumes are not supported on external instances.".into());
        }
        if id.is_empty() {
            return refused("An EFS volume needs a file system id.".into());
        }
        // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-efs-config.html>
        if access_point.is_some() && directory.is_some() {
            return refused("The root directory must be omitted or / where there is an access point.".into());
        }
        // The page says that the role is the task's. That ECS asks for one is assumed.
        if *iam && content.task_role_arn.is_none() {
            return refused("EFS IAM authorization needs a task role.".into());
        }
    }
    for details in content.containers().map(Container::details) {
        for (path, mount) in &details.mounts {
            // <https://github.com/ansible/ansible/issues/35751>
            if !content.volumes.contains_key(&mount.volume) {
                return refused(format!("Unknown volume '{}'.", mount.volume));
            }
            // Assumed: Docker refuses two mounts at one path.
            // Docker's own: <https://docs.docker.com/engine/storage/volumes/>. The agent puts it between colons.
            if path.contains(':') {
                return refused("invalid volume specification".into());
            }
            if path.is_empty() || details.tmpfs.contains_key(path) {
                return refused("Duplicate mount point.".into());
            }
        }
    }
    Ok(())
}

/// All texts of the volumes, with some bytes for each.
pub(super) fn length(content: &TaskDefinition) -> usize {
    let volumes = content.volumes.iter().map(|(name, volume)| {
        let more = match volume {
            Volume::Scratch => 0,
            Volume::Host(path) => path.len() + 40,
            Volume::Docker(volume) => {
                let pairs = volume.options.iter().chain(&volume.labels);
                let pairs = pairs.map(|(key, value)| key.len() + value.len() + 6);
                volume.driver.as_ref().map_or(0, String::len) + pairs.sum::<usize>() + 60
            }
            Volume::FileSystem(FileSystem {
                id,
                directory,
                access_point,
                iam: _,
            }) => {
                let texts = [Some(id), directory.as_ref(), access_point.as_ref()];
                texts.into_iter().flatten().map(String::len).sum::<usize>() + 60
            }
        };
        name.len() + more + 10
    });
    volumes.sum()
}
