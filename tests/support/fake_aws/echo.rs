//! How AWS reports what it was sent, where that is not word for word. Other documents than these may follow, and nothing
//! in the controller may depend on which.

use empire_controller::model::service::TaskDefinition;
use empire_controller::model::state::ServiceState;

use super::FakeAws;

#[derive(Clone, Debug, Default)]
pub(super) struct Echo {
    definition: Option<fn(&mut TaskDefinition)>,
    service: Option<fn(&mut ServiceState)>,
}

impl Echo {
    pub(super) fn definition(&self, content: &mut TaskDefinition) {
        if let Some(echo) = self.definition {
            echo(content);
        }
    }

    pub(super) fn service(&self, service: &mut ServiceState) {
        if let Some(echo) = self.service {
            echo(service);
        }
    }
}

impl FakeAws {
    pub(crate) fn echo_definitions(&self, echo: fn(&mut TaskDefinition)) {
        self.lock().echo.definition = Some(echo);
    }

    pub(crate) fn echo_services(&self, echo: fn(&mut ServiceState)) {
        self.lock().echo.service = Some(echo);
    }
}
