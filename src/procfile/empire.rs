//! Settings that Empire read from environment variables, and the API has as fields.

use crate::api::app::{Expose, ExposeType, ListenerProtocol, Process};
use crate::desired::exposure;

/// Empire's settings begin with it.
const SETTING: &str = "EMPIRE_X_";

const LOAD_BALANCER: &str = "EMPIRE_X_LOAD_BALANCER_TYPE";

/// Leaves out the variables that say what is so anyway.
pub(super) fn settle(name: &str, process: &mut Process) {
    let Some(port) = container_port(name, process) else {
        return;
    };
    let is_http = process.expose.as_ref().is_none_or(|expose| {
        let http = [ListenerProtocol::Http, ListenerProtocol::Https];
        protocols(expose).iter().all(|protocol| http.contains(protocol))
    });
    process.env.retain(|variable, value| match variable.as_str() {
        "PORT" => *value != port.to_string(),
        LOAD_BALANCER => !(value == "alb" && is_http),
        _ => true,
    });
}

/// The port that an exposed process is told in `PORT`.
fn container_port(name: &str, process: &Process) -> Option<i32> {
    let expose = exposure(name, process)?;
    let port = match expose.listeners.first() {
        Some(listener) => listener.container_port,
        None => expose.container_port,
    };
    Some(port.unwrap_or(8080))
}

/// The protocols that an exposure speaks.
pub(super) fn protocols(expose: &Expose) -> Vec<ListenerProtocol> {
    if !expose.listeners.is_empty() {
        return expose
            .listeners
            .iter()
            .map(|listener| listener.protocol)
            .collect();
    }
    match expose.type_ {
        Some(ExposeType::Https) => vec![ListenerProtocol::Https],
        Some(ExposeType::Tcp) => vec![ListenerProtocol::Tcp],
        Some(ExposeType::Tls) => vec![ListenerProtocol::Tls],
        Some(ExposeType::Http | ExposeType::None) | None => vec![ListenerProtocol::Http],
    }
}

/// Says why `PORT` cannot be this. It is quoted if it is a number, and so no secret.
pub(super) fn wrong_port(name: &str, process: &Process, value: &str) -> String {
    let message = "is reserved on an exposed process, which is told its container port in it";
    match (value.parse::<u16>(), container_port(name, process)) {
        (Ok(given), Some(port)) => {
            format!("{message}: that is {port}, not {given}; set expose.containerPort")
        }
        _ => message.into(),
    }
}

/// Says why a variable is refused, and which field is in its place.
pub(super) fn reserved(variable: &str) -> String {
    let reserved = "SOURCE and names that begin with EMPIRE_ are reserved";
    let Some(setting) = variable.strip_prefix(SETTING) else {
        return reserved.into();
    };
    let instead = match setting {
        "LOAD_BALANCER_TYPE" => {
            "leave it out: expose.type decides, http and https for an application load balancer, tcp and tls for a network one"
        }
        "TASK_ROLE_ARN" => "set spec.taskRoleArn of the App",
        "EXPOSURE" => "set expose.external",
        "TASK_DEFINITION_TYPE" | "SHOW_ATTACHED" => "leave it out: there is no such choice",
        _ => "leave it out: settings are fields of the process, such as expose, cpu and memory",
    };
    format!("{reserved}; {instead}")
}
