//! A real Kubernetes control plane on 127.0.0.1, with RBAC and without nodes. It takes about 3 s to start and 400 MB,
//! so a test binary shares one: `static CONTROL_PLANE: LazyLock<ControlPlane>`. See [`super::script`] for its end.
//!
//! The first one on a machine may have to be built: 6 minutes on 2 cores.

use super::kubectl::Kubectl;
use super::script::{Script, printed_by};

pub(crate) struct ControlPlane {
    /// As an administrator.
    pub(crate) kubectl: Kubectl,
    _script: Script,
}

impl ControlPlane {
    /// Without the controller manager no namespace is ever deleted, nothing is collected as garbage and aggregated
    /// ClusterRoles stay empty; nothing else is different.
    pub(crate) fn start(controller_manager: bool) -> Self {
        let binaries = printed_by("control-plane/build", &[]);
        let without: &[&str] = if controller_manager {
            &[]
        } else {
            &["--without-controller-manager"]
        };
        let script = Script::start("control-plane/run", without);
        ControlPlane {
            kubectl: Kubectl {
                binary: binaries.join("kubectl"),
                kubeconfig: script.folder.join("kubeconfig"),
            },
            _script: script,
        }
    }
}
