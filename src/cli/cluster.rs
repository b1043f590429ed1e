//! The cluster that kubectl would speak to, and what a person may read there. Each error is one line that names the flag,
//! the address or the object.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use futures::FutureExt;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Resource, ResourceExt};

use super::{Failure, Output};
use crate::api::app::App;
use crate::api::platform::Platform;
use crate::api::run::Run;
use crate::config::{label, owner_id};
use crate::controller::{message_of, owner_in_use, owner_is_recorded, reach};
use crate::pass::Installation;
use crate::screen::{Facts, Sight, platform_of};

/// The definitions, and how they get there.
const MISSING: &str = "the custom resource definitions of empire.dev/v1alpha1 are not in this cluster; its operator applies \
                       them: empire-controller crds | kubectl apply --server-side -f -";

#[derive(Clone, Debug, Default, Args)]
pub struct ClusterArguments {
    /// The App's namespace [default: the manifest's, else that of the current context]
    #[arg(short, long, global = true, value_parser = label)]
    pub namespace: Option<String>,

    /// The context of the kubeconfig file to use
    #[arg(long, global = true)]
    pub context: Option<String>,

    /// The kubeconfig file [default: KUBECONFIG, else ~/.kube/config, else the pod's own service account]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// The App that a command is about.
#[derive(Clone, Debug, Args)]
pub struct OneApp {
    /// The App
    #[arg(value_name = "APP", value_parser = app_name)]
    pub name: String,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Format of what is printed
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// As whom the controller works.
#[derive(Clone, Debug, Args)]
pub struct OwnerArguments {
    /// Owner of what the installation makes in AWS [default: what the controller has recorded]
    #[arg(long, env = "EMPIRE_OWNER_ID", value_parser = owner_id)]
    pub owner_id: Option<String>,

    /// The namespace in which the controller has recorded it
    #[arg(long, env = "POD_NAMESPACE", default_value = "empire-system", value_parser = label)]
    pub controller_namespace: String,
}

/// A name as Apps have it, without what kubectl takes before one.
pub(super) fn app_name(text: &str) -> Result<String, String> {
    match text.rsplit_once('/') {
        Some((_, name)) => Err(format!(
            "an App is named by its name alone, and its namespace by -n: {name} -n NAMESPACE"
        )),
        None => label(text),
    }
}

impl OwnerArguments {
    pub(super) async fn installation(&self, client: &Client) -> Result<Installation, Failure> {
        let explicit = self.owner_id.as_deref();
        let unknown = |error| {
            format!(
                "find the owner id, which --owner-id can say: {}",
                message_of(&error)
            )
        };
        let namespace = self.controller_namespace.as_str();
        let found = owner_in_use(client, namespace, explicit).await.map_err(unknown)?;
        if explicit.is_none() && !owner_is_recorded(client, namespace).await.map_err(unknown)? {
            eprintln!(
                "warning: --controller-namespace {namespace}: no controller has recorded an owner id there, so it is taken to be \
                 the UID of kube-system"
            );
        }
        Ok(found)
    }
}

/// A cluster that has answered, and the namespace that is meant there.
pub(super) struct Cluster {
    pub client: Client,
    pub namespace: String,
}

impl ClusterArguments {
    pub(super) async fn connect(&self) -> Result<Cluster, Failure> {
        let config = self.config().await?;
        let namespace = self.namespace.as_ref().unwrap_or(&config.default_namespace);
        let namespace = namespace.clone();
        Ok(Cluster {
            client: reach(config).await?,
            namespace,
        })
    }

    async fn config(&self) -> Result<Config, Failure> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let context = |error: &dyn Error| match &self.context {
            Some(context) => format!("--context {context}: {}", line(error)),
            None => line(error),
        };
        let config = match (&self.kubeconfig, &self.context) {
            (Some(file), _) => {
                let named = |error: &dyn Error| format!("--kubeconfig {}: {}", file.display(), line(error));
                let read = Kubeconfig::read_from(file).map_err(|error| named(&error))?;
                let config = Config::from_custom_kubeconfig(read, &options).await;
                config.map_err(|error| format!("--kubeconfig {}: {}", file.display(), context(&error)))
            }
            (None, Some(_)) => {
                let config = Config::from_kubeconfig(&options).await;
                config.map_err(|error| context(&error))
            }
            (None, None) => Config::infer().await.map_err(|error| no_cluster(&error)),
        };
        Ok(config?)
    }
}

/// Says that no cluster is configured at all, as far as that is so.
pub fn no_cluster(error: &dyn Error) -> String {
    match std::env::var("KUBECONFIG").unwrap_or_default().as_str() {
        "" => format!(
            "no cluster to speak to: neither KUBECONFIG and ~/.kube/config nor a pod's service account name one: {}",
            line(error)
        ),
        files => format!("no cluster to speak to: KUBECONFIG={files}: {}", line(error)),
    }
}

/// An error and its causes in one line.
fn line(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !message.contains(&more) {
            message = format!("{message}: {more}");
        }
        cause = error.source();
    }
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Cluster {
    pub(super) fn apps(&self) -> Api<App> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Reads an App; that there is none is an error.
    pub(super) async fn app(&self, name: &str) -> Result<App, Failure> {
        match self.apps().get_opt(name).await {
            Ok(Some(app)) => Ok(app),
            Ok(None) => Err(self.no_app(name).await.into()),
            Err(error) => Err(self.unread_app(name, &error).await.into()),
        }
    }

    /// Says why an App cannot be read: where its definition is missing, an API server answers without a reason of its own.
    async fn unread_app(&self, name: &str, error: &kube::Error) -> String {
        if let kube::Error::Api(status) = error
            && status.code == 404
        {
            return self.no_app(name).await;
        }
        format!("read App {name}: {}", message_of(error))
    }

    /// Says why there is no such App: all are missing where their definition is.
    async fn no_app(&self, name: &str) -> String {
        let known = self.client.list_api_group_resources(&App::api_version(&())).await;
        match known {
            Err(kube::Error::Api(status)) if status.code == 404 => MISSING.into(),
            Ok(_) | Err(_) => format!("there is no App {name} in namespace {}", self.namespace),
        }
    }

    /// Reads everything about an App that the user may see; that there is none is an error.
    pub(super) async fn facts(&self, name: &str) -> Result<Facts, Failure> {
        match self.look(name).await? {
            Some(facts) => Ok(facts),
            None => Err(self.no_app(name).await.into()),
        }
    }

    /// As `facts`; `None` if there is no such App.
    pub(super) async fn look(&self, name: &str) -> Result<Option<Facts>, Failure> {
        let app = match self.apps().get_opt(name).await {
            Ok(Some(app)) => app,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.unread_app(name, &error).await.into()),
        };
        let (platform, events, runs) = futures::join!(
            self.platform(&app).boxed(),
            self.events(&app).boxed(),
            self.runs().boxed(),
        );
        Ok(Some(Facts {
            platform: platform?,
            events: events?,
            runs: runs?,
            app,
        }))
    }

    async fn platform(&self, app: &App) -> Result<Sight, Failure> {
        let Some(name) = platform_of(app) else {
            return Ok(Sight::Missing);
        };
        let platforms: Api<Platform> = Api::all(self.client.clone());
        match platforms.get_opt(name).await {
            Ok(Some(platform)) => Ok(Sight::Seen(Box::new(platform))),
            Ok(None) => Ok(Sight::Missing),
            Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(Sight::Hidden),
            Err(error) => Err(format!("read Platform {name}: {}", message_of(&error)).into()),
        }
    }

    /// Lists the Runs of the namespace, as the API server's cache has them.
    async fn runs(&self) -> Result<Option<Vec<Run>>, Failure> {
        let runs: Api<Run> = Api::namespaced(self.client.clone(), &self.namespace);
        match runs.list(&ListParams::default().match_any()).await {
            Ok(found) => Ok(Some(found.items)),
            // Runs are younger than Apps: their definition may not be there.
            Err(kube::Error::Api(status)) if status.is_forbidden() || status.code == 404 => Ok(None),
            Err(error) => Err(format!("list the Runs: {}", message_of(&error)).into()),
        }
    }

    async fn events(&self, app: &App) -> Result<Option<Vec<Event>>, Failure> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let about = format!("involvedObject.uid={}", app.uid().unwrap_or_default());
        match events.list(&ListParams::default().fields(&about)).await {
            Ok(found) => Ok(Some(found.items)),
            Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(None),
            Err(error) => Err(format!("list the Events: {}", message_of(&error)).into()),
        }
    }
}
