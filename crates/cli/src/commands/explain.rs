//! `claviger explain`: why a token may or may not do something.

use clap::Args;
use claviger_api::explain::{Explain as Body, Resource};

use crate::{
    exit::{Exit, Outcome},
    output,
    remote::Remote,
};

/// Say whether a token may do something somewhere, and everything that stands in the way. The token is not used by it.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Explain {
    /// The token's id, `tok_…`.
    id: String,
    /// The scope that the action needs, such as `deployments:write`.
    #[arg(long, value_name = "SCOPE")]
    scope: String,
    /// At this team, `team_…`.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// At this service, `svc_…`.
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// In this environment, `env_…`.
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Coming from this address. Without one, the networks that the token is bound to do not matter.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

const CODES: &str = "\
Exit codes:
  0  the token may
  1  it may not
  2  wrong usage
  3  refused by the server (4xx)
  4  failed: the server (5xx), the network, or the output";

// === impl Explain ===

impl Explain {
    pub(crate) async fn run(self) -> Outcome {
        let resource = Resource {
            team: self.team,
            service: self.service,
            environment: self.environment,
        };
        let body = Body {
            token: self.id,
            scope: self.scope,
            resource: Some(resource),
            address: self.address,
        };
        let explanation = self.remote.client()?.explain(&body).await?;
        if self.remote.json {
            output::json(&explanation)?;
        } else if explanation.allowed {
            output::line("It may.")?;
        } else {
            output::line("It may not:")?;
            for obstacle in &explanation.obstacles {
                output::line(&format!("  {}: {}", obstacle.code, obstacle.detail))?;
            }
        }
        Ok(if explanation.allowed {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}
