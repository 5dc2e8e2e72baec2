//! Teams: create, list, show, update, delete. Who belongs to them is in `members`.
//!
//! A team's members get their power from it, so whatever takes a membership away goes through the feed and answers with a receipt.

mod members;

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::name::{Description, Label};
use claviger_domain::receipt::Receipt;
use claviger_domain::team::{MAX_TEAMS, Member, NewTeam, Team};
use claviger_domain::{Scope, TeamId, Timestamp};
use claviger_store::{Tx, teams as rows};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::catalogue::{Difference, name_taken, refuse_full};
use crate::changes::Visibility;
use crate::directory::Renaming;
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service};

pub use members::ChangedMember;

/// Either scope lets a caller know that there is a team.
const KNOWN_BY: [Scope; 2] = [Scope::TeamsRead, Scope::TeamsWrite];

/// What to change of a team; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TeamChanges {
    /// A new name.
    pub name: Option<Label>,
    /// A new description.
    pub description: Option<Description>,
}

impl Service {
    /// Makes a team, without members.
    ///
    /// # Errors
    /// `out_of_reach`; `team_name_taken`, `team_limit_reached`; those of an Idempotency-Key; those of the store.
    pub async fn create_team(
        &self,
        ctx: &Context,
        new: NewTeam,
        once: Option<Once<Team>>,
    ) -> Result<Reply<Team>> {
        ctx.require(Scope::TeamsWrite, &Place::ORGANIZATION)?;
        let claim = self.claim(ctx, once)?;
        let team = Team {
            id: TeamId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            name: new.name,
            description: new.description,
            members: 0,
            services: 0,
            created_at: ctx.now(),
            updated_at: ctx.now(),
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let reply = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(claim) = &claim
                && let Some(earlier) = claim.earlier(tx, &service, ctx.now()).await?
            {
                return Ok(earlier);
            }
            let there_are = rows::count(tx, ctx.org()).await?;
            refuse_full(there_are, MAX_TEAMS, "team_limit_reached", "teams")?;
            rows::insert(tx, &team)
                .await
                .map_err(name_taken("team_name_taken", "team", &team.name))?;
            service.rename(tx, &team);
            let record = Record {
                action: Action::TeamCreated,
                subject: team.id.to_string(),
                detail: json!({ "name": team.name.as_str() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            if let Some(claim) = &claim {
                claim.keep(tx, &service, &team, ctx.now(), None).await?;
            }
            Ok::<_, Error>(Reply::Fresh(team))
        });
        reply.await
    }

    /// A page of the teams that the caller may see, in the order of their names, and the cursor of the next. `text` begins the
    /// names, in any spelling.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_teams(
        &self,
        ctx: &Context,
        text: Option<&str>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Team>, Option<String>)> {
        let described = format!("teams {text:?} {}", ctx.org());
        let filter = rows::TeamFilter {
            org: ctx.org(),
            within: ctx.caller.power.reach(Scope::TeamsRead),
            page: self.name_page(&described, text, limit, after)?,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &filter).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |team| {
            team.name.key().into_string()
        });
        // Reaches know nothing of environments; this is what one team alone would be answered with.
        found.retain(|team| ctx.may(Scope::TeamsRead, &Place::team(team.id)));
        Ok((found, next))
    }

    /// One team that the caller may see.
    ///
    /// # Errors
    /// `team` not found.
    pub async fn show_team(&self, ctx: &Context, id: TeamId) -> Result<Team> {
        let ctx = ctx.clone();
        self.0
            .store
            .read(async move |tx: &mut Tx| visible(tx, &ctx, id, &[Scope::TeamsRead]).await)
            .await
    }

    /// Changes name and description.
    ///
    /// # Errors
    /// `team` not found; `out_of_reach`; `team_name_taken`.
    pub async fn update_team(&self, ctx: &Context, id: TeamId, changes: TeamChanges) -> Result<Team> {
        let service = self.clone();
        let ctx = ctx.clone();
        let updated = self.0.store.write(async move |tx: &mut Tx| {
            let before = changeable(tx, &ctx, id, &Place::team(id)).await?;
            let team = changed(&before, changes, ctx.now());
            rows::update(tx, &team)
                .await
                .map_err(name_taken("team_name_taken", "team", &team.name))?;
            service.rename(tx, &team);
            let record = Record {
                action: Action::TeamUpdated,
                subject: id.to_string(),
                detail: difference(&before, &team),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(team)
        });
        updated.await
    }

    /// Dissolves a team that owns nothing any more. Its memberships end with it. Cost: its members.
    ///
    /// # Errors
    /// `team` not found; `out_of_reach`; `team_not_empty`.
    pub async fn delete_team(&self, ctx: &Context, id: TeamId) -> Result<Receipt> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let team = changeable(tx, &ctx, id, &Place::ORGANIZATION).await?;
            refuse_owner(&team)?;
            Self::refuse_live_tokens(tx, id.get(), ctx.now(), "team_not_empty").await?;
            let members = rows::members(tx, id).await?;
            service.drop_webhooks_of_team(tx, &ctx, id).await?;
            rows::delete(tx, id).await?;
            service.rename(tx, Renaming::NoTeam(id));
            let mut epoch = service.epoch(tx).await?;
            for member in &members {
                epoch = service
                    .owner_changed(tx, member.user, ctx.now(), &visibility)
                    .await?;
            }
            let record = Record {
                action: Action::TeamDeleted,
                subject: id.to_string(),
                detail: json!({ "name": team.name.as_str(), "members": shown(&members) }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(epoch)
        });
        Ok(seen.receipt(deleted.await?))
    }
}

/// The team `id`, if the caller has one of `scopes` there. Another organization's is as unknown as one that never was.
pub(crate) async fn visible(tx: &mut Tx, ctx: &Context, id: TeamId, scopes: &[Scope]) -> Result<Team> {
    let team = rows::by_id(tx, id).await?.filter(|team| {
        let place = Place::team(team.id);
        team.org == ctx.org() && scopes.iter().any(|scope| ctx.may(*scope, &place))
    });
    team.ok_or_else(|| Error::not_found("team"))
}

/// The same, and the caller must be allowed to change teams at `place`.
async fn changeable(tx: &mut Tx, ctx: &Context, id: TeamId, place: &Place) -> Result<Team> {
    let team = visible(tx, ctx, id, &KNOWN_BY).await?;
    ctx.require(Scope::TeamsWrite, place)?;
    Ok(team)
}

fn changed(before: &Team, changes: TeamChanges, now: Timestamp) -> Team {
    let mut team = before.clone();
    if let Some(name) = changes.name {
        team.name = name;
    }
    if let Some(description) = changes.description {
        team.description = description;
    }
    team.updated_at = now;
    team
}

fn difference(before: &Team, after: &Team) -> Value {
    let mut difference = Difference::default();
    difference.field("name", before.name.as_str(), after.name.as_str());
    difference.field(
        "description",
        before.description.as_str(),
        after.description.as_str(),
    );
    difference.into_value()
}

/// Refuses to dissolve a team that something belongs to.
fn refuse_owner(team: &Team) -> Result<()> {
    if team.services > 0 {
        let detail = format!(
            "services belong to the team ({}); move or delete them first",
            team.services
        );
        return Err(Error::conflict("team_not_empty", detail));
    }
    Ok(())
}

fn shown(members: &[Member]) -> Vec<Value> {
    members
        .iter()
        .map(|member| json!({ "user": member.user.to_string(), "role": member.role.as_str() }))
        .collect()
}
