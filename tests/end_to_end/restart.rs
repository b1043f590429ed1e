//! The controller may be killed at any moment, and carries on. These tests kill their own.

use super::aws::Seen;
use super::manifests::app;
use super::place::{Cloud, Place, tally};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::proxy::Hold;

const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_over_a_settled_app_writes_nothing() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &QUICK);
    let mut places = Vec::new();
    for (cloud, name) in [(Cloud::Ministack, "again-ministack"), (Cloud::Moto, "again-moto")] {
        let place = Place::under(administrator, cloud, name, "sa-east-1").await;
        place.apply(&place.platform);
        place.converge(&app("acme"));
        places.push(place);
    }
    drop(controller);
    let before = resource_version(&places[0]);
    let _controller = Controller::start(administrator, &QUICK);
    for place in &places {
        let seen = place.aws.see().await;
        place.looked_at_again().await;
        place.wait("app", "acme", "condition=Ready");
        assert_eq!(place.proxy.take_writes(), [""; 0], "{:?}", place.cloud);
        assert_eq!(place.aws.see().await, seen);
    }
    assert_eq!(
        resource_version(&places[0]),
        before,
        "nor does it write to Kubernetes"
    );
}

/// Each write of a creation in turn is the last thing that the controller got to do, or to try.
#[tokio::test(flavor = "multi_thread")]
async fn a_controller_killed_in_the_middle_of_a_creation_carries_on() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let mut controller = Some(Controller::start(administrator, &QUICK));
    let place = Place::under(administrator, Cloud::Ministack, "killed", "ca-central-1").await;
    place.apply(&place.platform);

    let undisturbed = place.converge(&app("undisturbed"));
    let whole = place.aws.see().await;
    place.delete("undisturbed");

    // Killed before a write is as killed after the one before it, but for the first.
    let first = Hold {
        after: 0,
        takes_effect: false,
    };
    let later = (0..undisturbed.len()).map(|after| Hold {
        after,
        takes_effect: true,
    });
    for hold in std::iter::once(first).chain(later) {
        let name = format!("killed-{}-{}", hold.after, hold.takes_effect);
        place.proxy.take_writes();
        place.proxy.hold(hold);
        place.apply(&app(&name));
        assert!(place.proxy.holds().await, "{hold:?}: there are fewer writes");
        drop(controller.take());
        controller = Some(Controller::start(administrator, &QUICK));
        place.wait("app", &name, "condition=Ready");

        let seen = place.aws.see().await;
        assert_eq!(seen.services.len(), whole.services.len(), "{hold:?}");
        assert_eq!(seen.load_balancers, whole.load_balancers, "{hold:?}");
        assert_eq!(seen.target_groups, whole.target_groups, "{hold:?}");
        assert_eq!(seen.names.len(), whole.names.len(), "{hold:?}");
        assert_eq!(seen.ownership_records, whole.ownership_records, "{hold:?}");
        for process in ["web", "worker"] {
            let revisions = place.aws.revisions(&format!("killed_{name}_{process}")).await;
            assert_eq!(revisions, 1, "{hold:?}: {process} was registered more than once");
        }
        let writes = place.proxy.take_writes();
        // The one that was held is sent again, unless it took effect.
        let expected = undisturbed.len() + usize::from(!hold.takes_effect);
        assert_eq!(writes.len(), expected, "{hold:?}: {:?}", tally(&writes));
        place.looked_at_again().await;
        assert_eq!(place.proxy.take_writes(), [""; 0], "{hold:?}");
        place.delete(&name);
        assert_eq!(place.aws.see().await, Seen::default(), "{hold:?}");
    }
}

fn resource_version(place: &Place) -> String {
    place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.metadata.resourceVersion}"])
}
