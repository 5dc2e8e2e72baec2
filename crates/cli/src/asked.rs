//! The options that say what is to be done to which resource, the same wherever a question is asked.

use clap::Args;
use claviger_api::verify::AskedResource;

/// An action on a resource, if one is asked about.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// An action that is to be done to a resource, such as `trigger`, or `write` of kind `deployments`.
    #[arg(long, value_name = "ACTION", requires = "kind")]
    action: Option<String>,
    /// The kind of the resource, such as `applications`.
    #[arg(long, value_name = "KIND", requires = "action")]
    kind: Option<String>,
    /// The team that the resource belongs to, by id or name.
    #[arg(long, value_name = "TEAM", requires = "kind")]
    team: Option<String>,
    /// The service that it belongs to, by id or name.
    #[arg(long, value_name = "SERVICE", requires = "kind")]
    service: Option<String>,
    /// The environment that it is in, by id or name.
    #[arg(long, value_name = "ENVIRONMENT", requires = "kind")]
    environment: Option<String>,
    /// Its name.
    #[arg(long, value_name = "NAME", requires = "kind")]
    name: Option<String>,
}

impl Asked {
    /// The action and the resource; both or neither.
    pub(crate) fn into_parts(self) -> (Option<String>, Option<AskedResource>) {
        let resource = self.kind.map(|kind| AskedResource {
            kind,
            team: self.team,
            service: self.service,
            environment: self.environment,
            name: self.name,
        });
        (self.action, resource)
    }
}
