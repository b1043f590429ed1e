//! Empire's `ports` as an `expose` block: the ports of the load balancer, and where they lead.

use serde_json::{Map, Value as Json, json};

use super::fields::{entries_of, found};
use super::problem::{Path, Report, shown};
use super::yaml::{Node, Value};

/// One entry: a port of the load balancer, what is spoken there, and the port in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Port {
    listens: u16,
    protocol: &'static str,
    container: u16,
}

/// Returns the exposure that `ports` means: `type` and `containerPort` where these mean the same, `listeners` otherwise. `None`
/// if it lists no port, and if anything is wrong.
pub(super) fn exposure(
    node: &Node,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
) -> Option<Map<String, Json>> {
    let Value::List(items) = &node.value else {
        if !node.is_null() {
            let message = "must be a list of ports, such as [\"80:8080\"]";
            report.at(path, line, format!("{message}{}", found(node, path)));
        }
        return None;
    };
    let ports = items.iter().enumerate().map(|(index, item)| {
        let path = path.item(index);
        report.place(&path, item.line);
        port(item, &path, report)
    });
    let ports = ports
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Option<Vec<_>>>()?;
    match ports.as_slice() {
        [] => None,
        [only] => Some(short(only).unwrap_or_else(|| long(&ports))),
        _ => Some(long(&ports)),
    }
}

/// By its type alone, if that listens on this very port and on no other.
fn short(port: &Port) -> Option<Map<String, Json>> {
    let listens = match port.protocol {
        "http" => 80,
        "tls" => 443,
        "tcp" => port.container,
        // With a port 80 that redirects, which `ports` did not have.
        _ => return None,
    };
    let exposure = [
        ("type".into(), port.protocol.into()),
        ("containerPort".into(), port.container.into()),
    ];
    (port.listens == listens).then(|| Map::from_iter(exposure))
}

fn long(ports: &[Port]) -> Map<String, Json> {
    let listeners = ports.iter().map(
        |port| json!({"port": port.listens, "protocol": port.protocol, "containerPort": port.container}),
    );
    Map::from_iter([("listeners".into(), listeners.collect())])
}

fn port(node: &Node, path: &Path, report: &mut Report<'_>) -> Option<Port> {
    if let Some(text) = node.text() {
        return numbers(text, path, node.line, report).map(|(listens, container)| Port {
            listens,
            protocol: usual(listens),
            container,
        });
    }
    let entries = entries_of(node, path, node.line, report)?;
    let mut entries = entries.into_iter();
    let (Some((text, (line, body))), None) = (entries.next(), entries.next()) else {
        report.at(
            path,
            node.line,
            "must be one port, such as {\"80:8080\": {protocol: http}}",
        );
        return None;
    };
    let numbers = numbers(text, path, line, report);
    let usual = usual(numbers.map_or(0, |(listens, _)| listens));
    let protocol = if body.is_null() {
        Some(usual)
    } else {
        protocol(body, usual, path, line, report)
    };
    let ((listens, container), protocol) = numbers.zip(protocol)?;
    Some(Port {
        listens,
        protocol,
        container,
    })
}

/// Returns the protocol that Empire assumes on a port of the load balancer.
fn usual(listens: u16) -> &'static str {
    match listens {
        80 | 8080 => "http",
        443 => "https",
        _ => "tcp",
    }
}

/// `N` or `LISTENS:CONTAINER`.
fn numbers(text: &str, path: &Path, line: usize, report: &mut Report<'_>) -> Option<(u16, u16)> {
    let (listens, container) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str| text.parse().ok().filter(|port| *port > 0);
    let numbers = number(listens).zip(number(container));
    if numbers.is_none() {
        let message = format!(
            "{} is neither a port from 1 to 65535 nor two such as 80:8080",
            shown(text)
        );
        report.at(path, line, message);
    }
    numbers
}

/// Returns the protocol in the body of an entry, else the usual one.
fn protocol(
    body: &Node,
    usual: &'static str,
    path: &Path,
    line: usize,
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let mut protocol = Some(usual);
    for (name, (line, value)) in entries_of(body, path, line, report)? {
        if name != "protocol" {
            report.at(&path.key(name), line, "there is no such key; there is protocol");
            protocol = None;
        } else if !value.is_null() {
            let known = value.text().and_then(|text| known(&text.to_ascii_lowercase()));
            if known.is_none() {
                let message = format!("must be one of http, https, tcp, ssl, tls{}", found(value, path));
                report.at(&path.key(name), line, message);
            }
            protocol = protocol.and(known);
        }
    }
    protocol
}

fn known(protocol: &str) -> Option<&'static str> {
    match protocol {
        "http" => Some("http"),
        "https" => Some("https"),
        "tcp" => Some("tcp"),
        "ssl" | "tls" => Some("tls"),
        _ => None,
    }
}
