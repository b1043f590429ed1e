//! Commands: variables in their words, and shells that run them.

use crate::fixtures::{AppFixture, app, process, staging};
use crate::world::World;

const ACME: &str = "shop/acme";

fn with_command(command: &str) -> AppFixture {
    app("acme").process("worker", process(command).quantity(1))
}

fn actions(world: &mut World) -> Vec<&'static str> {
    world.settle().iter().map(|write| write.action).collect()
}

#[test]
fn an_upgrade_leaves_a_command_as_it_was_stored_until_its_spec_is_edited() {
    // As it was registered by a version that replaced nothing.
    let mut world = World::settled(&staging(), &with_command("./run $$(SOURCE)"));
    let stored = with_command("./run $(SOURCE)");
    world.stored_before_variables(&stored);
    assert_eq!(actions(&mut world), [""; 0]);
    world.assert_ready();
    assert_eq!(world.status(ACME).replaces_variables, None);
    // To apply it again is no edit.
    world.apply(&stored);
    assert_eq!(actions(&mut world), [""; 0]);

    let edited = |quantity| app("acme").process("worker", process("./run $(SOURCE)").quantity(quantity));
    world.apply(&edited(2));
    assert_eq!(
        actions(&mut world),
        ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]
    );
    assert_eq!(world.status(ACME).replaces_variables, Some(true));
    let words = world.aws.command_of("shop_acme_worker");
    assert_eq!(words, ["./run", "acme.worker"]);
    // From then on it is one, after a start, too, and at each edit.
    world.restart();
    assert_eq!(actions(&mut world), [""; 0]);
    world.apply(&edited(3));
    assert_eq!(actions(&mut world), ["ecs:UpdateService"]);
}
