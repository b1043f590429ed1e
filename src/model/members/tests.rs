//! Each member counts, and by the name that AWS has for it.

use super::*;

fn all() -> ContainerMembers {
    let mut members = ContainerMembers {
        flags: [
            Flag::DisableNetworking,
            Flag::Interactive,
            Flag::Privileged,
            Flag::PseudoTerminal,
            Flag::VersionInconsistency,
        ]
        .into(),
        lists: SmallMap::new(),
        hostname: Some("a".into()),
        devices: [("/dev/a".into(), Device::default())].into(),
        max_swap: Some(0),
        swappiness: Some(0),
        tmpfs: [("/tmp".into(), vec!["ro".into()])].into(),
        ulimits: [("core".into(), Ulimit { soft: -1, hard: -1 })].into(),
        volumes_from: [("b".into(), false)].into(),
    };
    for list in [
        List::AddedCapabilities,
        List::DroppedCapabilities,
        List::DnsSearchDomains,
        List::DnsServers,
        List::DockerSecurityOptions,
        List::Links,
    ] {
        members.set_list(list, vec!["c:d".into()]);
    }
    members
}

#[test]
fn each_has_a_name_of_its_own() {
    let texts = all().texts();
    let mut names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "disableNetworking",
            "dnsSearchDomains",
            "dnsServers",
            "dockerSecurityOptions",
            "hostname",
            "interactive",
            "links",
            "linuxParameters.capabilities.add",
            "linuxParameters.capabilities.drop",
            "linuxParameters.devices",
            "linuxParameters.maxSwap",
            "linuxParameters.swappiness",
            "linuxParameters.tmpfs",
            "privileged",
            "pseudoTerminal",
            "ulimits",
            "versionConsistency",
            "volumesFrom",
        ]
    );
    assert!(texts.iter().all(|(_, texts)| !texts.is_empty()));
    assert_eq!(all().needs().collect::<Vec<_>>(), ["c", "b"]);
}

#[test]
fn what_says_nothing_is_not_kept() {
    let mut members = ContainerMembers::none();
    members.set_list(List::Links, Vec::new());
    assert_eq!((members.texts(), members.kept()), (Vec::new(), None));
    assert_eq!(TaskMembers::default().kept(), None);
    assert_eq!(TaskMembers::none().texts(), []);
    let task = TaskMembers {
        pid_mode: Some(Namespace::Task),
        ipc_mode: Some(Namespace::None),
        fault_injection: true,
        placement_constraints: vec!["a".into()],
    };
    let names: Vec<&str> = task.texts().iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [PID_MODE, IPC_MODE, FAULT_INJECTION, PLACEMENT_CONSTRAINTS]
    );
}
