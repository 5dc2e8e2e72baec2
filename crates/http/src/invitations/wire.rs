//! Between the wire types of invitations and the domain's.

use claviger_api::invitations as api;
use claviger_domain::owner::Membership;
use claviger_domain::person::{INVITATION_MAX_TEAMS, Invitation, InvitationState};
use claviger_domain::{FieldError, TeamId, Timestamp};

use crate::teams::wire::{parsed_role as parsed_team_role, role as team_role};
use crate::users::wire::role;

/// An invitation as it stands at `now`.
pub(crate) fn invitation(invitation: &Invitation, now: Timestamp) -> api::Invitation {
    let team = |membership: &Membership| api::InvitedTeam {
        team: membership.team.to_string(),
        role: team_role(membership.role),
    };
    api::Invitation {
        id: invitation.id.to_string(),
        email: invitation.email.clone(),
        role: role(invitation.role),
        teams: invitation.teams.iter().map(team).collect(),
        created_by: invitation.created_by.to_string(),
        created_at: invitation.created_at.to_string(),
        expires_at: invitation.expires_at.to_string(),
        state: match invitation.state(now) {
            InvitationState::Open => api::InvitationState::Open,
            InvitationState::Accepted => api::InvitationState::Accepted,
            InvitationState::Withdrawn => api::InvitationState::Withdrawn,
            InvitationState::Expired => api::InvitationState::Expired,
        },
    }
}

/// The named teams.
///
/// # Errors
/// `teams_too_many`, `team_named_twice`, `team_malformed`.
pub(crate) fn teams(named: &[api::InvitedTeam]) -> Result<Vec<Membership>, Vec<FieldError>> {
    if named.len() > INVITATION_MAX_TEAMS {
        let detail = format!("at most {INVITATION_MAX_TEAMS} teams");
        return Err(vec![FieldError::new("teams", "teams_too_many", detail)]);
    }
    let mut found: Vec<Membership> = Vec::with_capacity(named.len());
    let mut errors = Vec::new();
    for (place, named) in named.iter().enumerate() {
        let field = format!("teams[{place}].team");
        let mut refused = |code, detail: &str| errors.push(FieldError::new(&*field, code, detail));
        match named.team.parse::<TeamId>() {
            Err(_) => refused("team_malformed", "not an id of the form `team_…`"),
            Ok(team) if found.iter().any(|known| known.team == team) => {
                refused("team_named_twice", "this team is named twice");
            }
            Ok(team) => found.push(Membership {
                team,
                role: parsed_team_role(named.role),
            }),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}
