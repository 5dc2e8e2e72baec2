//! `claviger explain`: why a token may or may not do something.

use clap::Args;
use claviger_api::explain::{Explain as Body, Explanation, Reason, Side};
use claviger_api::roles::Selection;
use claviger_api::teams::TeamRole;

use crate::{
    asked::Asked,
    exit::{Exit, Outcome},
    output,
    remote::Remote,
};

/// Say whether a token may do something, what lets it, or everything that stands in the way. The token is not used by it.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Explain {
    /// The token's id, `tok_…`.
    id: String,
    /// A scope that is needed; repeat it or separate by commas.
    #[arg(
        long = "scope",
        visible_alias = "scopes",
        value_name = "SCOPE",
        value_delimiter = ','
    )]
    scopes: Vec<String>,
    #[command(flatten)]
    asked: Asked,
    /// Coming from this address. Without one, the networks that the token is bound to do not matter.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// What it would take from the token's limits; 1 unless said. Nothing is taken.
    #[arg(long, value_name = "COUNT")]
    cost: Option<u32>,
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
        let (action, resource) = self.asked.into_parts();
        let body = Body {
            token: self.id,
            scopes: self.scopes,
            action,
            resource,
            address: self.address,
            cost: self.cost,
        };
        let explanation = self.remote.client()?.explain(&body).await?;
        if self.remote.json {
            output::json(&explanation)?;
        } else {
            show(&explanation)?;
        }
        Ok(if explanation.allowed {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}

fn show(explanation: &Explanation) -> Outcome<()> {
    if explanation.allowed {
        output::line("It may:")?;
        for reason in &explanation.allowed_by {
            output::line(&format!("  {}", because(reason)))?;
        }
        return Ok(());
    }
    output::line(&format!("It may not ({}):", explanation.decision.code))?;
    for obstacle in &explanation.obstacles {
        output::line(&format!("  {}: {}", obstacle.code, obstacle.detail))?;
        if let Some(scope) = &obstacle.scope {
            output::line(&format!("    scope: {scope}"))?;
        }
        if !obstacle.roles.is_empty() {
            output::line(&format!("    roles: {}", obstacle.roles.join(" ")))?;
        }
    }
    Ok(())
}

/// A reason in words: `owner: membership manager in team_…`.
fn because(reason: &Reason) -> String {
    let side = match reason.of {
        Side::Token => "token",
        Side::Owner => "owner",
    };
    let mut line = format!("{side}: {}", reason.code);
    let mut add = |text: &str| {
        line.push(' ');
        line.push_str(text);
    };
    if let Some(scope) = &reason.scope {
        add(scope);
    }
    if let Some(assignment) = &reason.assignment {
        add(&assignment.role);
        for (direction, selection) in [
            ("teams", &assignment.teams),
            ("environments", &assignment.environments),
            ("names", &assignment.names),
        ] {
            let listed = match selection {
                Selection::All(star) => star.clone(),
                Selection::These(these) => these.join(","),
            };
            add(&format!("{direction}={listed}"));
        }
    }
    if let (Some(team), Some(role)) = (&reason.team, &reason.team_role) {
        add(match role {
            TeamRole::Manager => "manager",
            TeamRole::Member => "member",
        });
        add(&format!("in {team}"));
    }
    line
}
