//! Between the wire types of stages and the domain's.

use claviger_api::stages as api;
use claviger_domain::stage::Stage;

use crate::idempotency::render;

/// A stage.
pub(crate) fn stage(stage: &Stage) -> api::Stage {
    api::Stage {
        id: stage.id.to_string(),
        name: stage.name.as_str().to_owned(),
        environment: stage.environment.to_string(),
        position: stage.position,
        created_at: stage.created_at.to_string(),
        updated_at: stage.updated_at.to_string(),
    }
}

/// The same as bytes: an idempotent answer is kept as such.
pub(crate) fn rendered(made: &Stage) -> Vec<u8> {
    render(&stage(made))
}
