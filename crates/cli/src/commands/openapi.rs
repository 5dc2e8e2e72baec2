//! `claviger openapi`: the document that the server gives at `/openapi.json`.

use clap::Args;

use crate::{
    exit::{self, Exit, Outcome},
    output,
};

/// Print the OpenAPI document of the public API.
#[derive(Debug, Args)]
#[command(after_help = exit::PRINTED)]
pub(crate) struct Openapi {}

// === impl Openapi ===

impl Openapi {
    pub(crate) fn run(&self) -> Outcome {
        output::page(&claviger_server::openapi_json())?;
        Ok(Exit::Done)
    }
}
