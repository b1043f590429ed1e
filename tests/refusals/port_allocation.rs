//! PortAllocations.

use super::{accepted, apply, every_rule_was_broken, refused};

fn claim(name: &str, platform: &str, port: i32, process: &str) -> String {
    format!(
        "{{apiVersion: empire.dev/v1alpha1, kind: PortAllocation, metadata: {{name: {name}}}, spec: {{platform: {platform}, \
         port: {port}, app: {{namespace: shop, name: acme, uid: ''}}, process: {process}, containerPort: 8080}}}}"
    )
}

#[test]
fn a_claim_has_the_name_of_its_port_and_stays_as_it_is() {
    let misnamed = "metadata.name: must be <platform>-<port>";
    let mut complaints = vec![
        refused(&claim("staging-9002", "staging", 9_001, "web"), misnamed),
        refused(&claim("staging-09001", "staging", 9_001, "web"), misnamed),
        refused(&claim("production-9001", "staging", 9_001, "web"), misnamed),
        refused(&claim("staging", "staging", 9_001, "web"), misnamed),
        refused(&claim("staging-web", "staging", 9_001, "web"), misnamed),
        refused(
            &claim("staging-65536", "staging", 65_536, "web"),
            "spec.port in body should be less than or equal to 65535",
        ),
    ];
    apply(&claim("staging-9001", "staging", 9_001, "web"));
    accepted(&claim("staging-9001", "staging", 9_001, "web"));
    accepted(&claim("stag-ing-1-9001", "stag-ing-1", 9_001, "web"));
    let changed = "spec: Invalid value: …a claim cannot be changed";
    complaints.push(refused(&claim("staging-9001", "staging", 9_001, "api"), changed));
    every_rule_was_broken("PortAllocation", &complaints);
}
