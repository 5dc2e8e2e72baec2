//! Roles on resources: what an organization has of its own, what tokens and people are assigned, and what follows when a role changes.
//!
//! Invariants: nobody hands out by a role what they lack; when a role is changed, every token and person that has it is changed in the same
//! transaction, and the verifier knows before the answer; a role that is assigned is not dropped.

mod kinds;

use std::collections::HashMap;

use claviger_domain::audit::Action;
use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::name::Description;
use claviger_domain::receipt::Receipt;
use claviger_domain::resource::{Pattern, Word, is_own_kind};
use claviger_domain::role::{
    Assignment, Cell, Listed, MAX_ACTIONS, MAX_ASSIGNMENTS, MAX_BOXES, MAX_CELLS, MAX_LISTED, MAX_ROLES,
    PRESETS, Role, RoleBook, preset,
};
use claviger_domain::{FieldError, OrgId, Scope, Timestamp, session};
use claviger_store::{Tx, environments, roles as rows, teams, tokens, users};
use claviger_verify::{Change, Entry};
use serde_json::json;

use crate::audit::Record;
use crate::catalogue::refuse_full;
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::journal::Said;
use crate::tokens::Compiler;
use crate::{Context, Service, owners};

pub use kinds::ShownKind;

/// A role as it is listed: a preset or the organization's own.
#[derive(Debug, Clone)]
pub struct ShownRole {
    /// Its name.
    pub name: Word,
    /// For people.
    pub description: String,
    /// What it lets its bearer do.
    pub cells: Vec<Cell>,
    /// When it was last written; `None` for a preset.
    pub updated_at: Option<Timestamp>,
}

/// A role to write.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its name.
    pub name: Word,
    /// For people.
    pub description: Description,
    /// What it lets its bearer do.
    pub cells: Vec<Cell>,
}

/// A written role, and proof that no verifier goes by what it was before.
#[derive(Debug, Clone)]
pub struct PutRole {
    /// The role.
    pub role: ShownRole,
    /// The proof.
    pub receipt: Receipt,
}

/// The role books of all organizations, for the start.
#[derive(Debug, Default)]
pub(crate) struct RoleBooks {
    own: HashMap<OrgId, RoleBook>,
}

impl RoleBooks {
    pub(crate) async fn all(tx: &mut Tx) -> Result<Self, claviger_store::StoreError> {
        let mut by_org: HashMap<OrgId, Vec<(Word, Vec<Cell>)>> = HashMap::new();
        for role in rows::all(tx).await? {
            by_org.entry(role.org).or_default().push((role.name, role.cells));
        }
        let own = by_org.into_iter().map(|(org, roles)| (org, RoleBook::new(roles)));
        Ok(Self { own: own.collect() })
    }

    /// The organization's.
    pub(crate) fn of(&self, org: OrgId) -> &RoleBook {
        self.own.get(&org).unwrap_or(&PRESETS)
    }
}

/// The roles that an organization knows now.
pub(crate) async fn book(tx: &mut Tx, org: OrgId) -> Result<RoleBook> {
    let own = rows::of(tx, org).await?;
    Ok(RoleBook::new(own.into_iter().map(|role| (role.name, role.cells))))
}

/// The same for what has any assignments; most people and tokens have none, and need no look at the store.
pub(crate) async fn book_for(tx: &mut Tx, org: OrgId, has_any: bool) -> Result<RoleBook> {
    if has_any {
        book(tx, org).await
    } else {
        Ok(RoleBook::default())
    }
}

/// Shows that assignments name roles, teams and environments that are there, and stay within the limits.
///
/// # Errors
/// `Invalid`, each with its place: `role_unknown`, `team_unknown`, `environment_unknown`, the errors of a pattern, `roles_too_many`,
/// `selector_too_long`, `selectors_too_large`.
pub(crate) async fn check_assignments(
    tx: &mut Tx,
    org: OrgId,
    book: &RoleBook,
    assignments: &[Assignment],
) -> Result<()> {
    if assignments.len() > MAX_ASSIGNMENTS {
        let detail = format!("at most {MAX_ASSIGNMENTS} assignments");
        return Err(Error::field("roles", "roles_too_many", detail));
    }
    let boxes = assignments
        .iter()
        .map(Assignment::boxes)
        .fold(0, usize::saturating_add);
    if boxes > MAX_BOXES {
        let detail = format!("together at most {MAX_BOXES} combinations of kind, team, environment and name");
        return Err(Error::field("roles", "selectors_too_large", detail));
    }
    let too_long: Vec<FieldError> = assignments
        .iter()
        .enumerate()
        .flat_map(|(place, assignment)| check_lengths(&format!("roles[{place}]"), assignment))
        .collect();
    if !too_long.is_empty() {
        return Err(too_long.into());
    }
    let mut errors = Vec::new();
    for (place, assignment) in assignments.iter().enumerate() {
        let field = format!("roles[{place}]");
        if !book.knows(&assignment.role) {
            let detail = format!("there is no role `{}`", assignment.role);
            errors.push(FieldError::new(format!("{field}.role"), "role_unknown", detail));
        }
        for text in assignment.names.iter() {
            errors.extend(Pattern::parse(&format!("{field}.names"), text).err());
        }
        errors.extend(check_places(tx, org, &field, assignment).await?);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.into())
    }
}

fn check_lengths(field: &str, assignment: &Assignment) -> Vec<FieldError> {
    let kinds = assignment.kinds.as_ref().map_or(0, |kinds| kinds.len());
    [
        ("teams", assignment.teams.len()),
        ("environments", assignment.environments.len()),
        ("names", assignment.names.len()),
        ("kinds", kinds),
    ]
    .into_iter()
    .filter(|(_, length)| *length > MAX_LISTED)
    .map(|(list, _)| {
        let detail = format!("at most {MAX_LISTED} of them");
        FieldError::new(format!("{field}.{list}"), "selector_too_long", detail)
    })
    .collect()
}

async fn check_places(
    tx: &mut Tx,
    org: OrgId,
    field: &str,
    assignment: &Assignment,
) -> Result<Vec<FieldError>> {
    let mut errors = Vec::new();
    for team in assignment.teams.iter() {
        if teams::by_id(tx, *team).await?.is_none_or(|row| row.org != org) {
            let detail = format!("there is no `{team}`");
            errors.push(FieldError::new(format!("{field}.teams"), "team_unknown", detail));
        }
    }
    for environment in assignment.environments.iter() {
        let row = environments::by_id(tx, *environment).await?;
        if row.is_none_or(|row| row.org != org) {
            let detail = format!("there is no `{environment}`");
            errors.push(FieldError::new(
                format!("{field}.environments"),
                "environment_unknown",
                detail,
            ));
        }
    }
    Ok(errors)
}

impl Service {
    /// The presets, then the organization's own in the order of their names.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_roles(&self, ctx: &Context) -> Result<Vec<ShownRole>> {
        let org = ctx.org();
        let own = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::of(tx, org).await)
            .await?;
        let presets = preset::roles().iter().map(|role| ShownRole {
            name: role.word(),
            description: role.sentence.to_owned(),
            cells: role.cells.clone(),
            updated_at: None,
        });
        Ok(presets.chain(own.into_iter().map(shown)).collect())
    }

    /// Writes a role of the organization's own. What it adds must be the caller's everywhere; whoever has the role has it anew.
    ///
    /// # Errors
    /// `role_is_preset`; `Invalid` for cells that name an unknown kind or action; `out_of_reach`; `role_exceeds_caller`; `role_limit_reached`.
    pub async fn put_role(&self, ctx: &Context, new: NewRole) -> Result<PutRole> {
        ctx.require(Scope::RolesWrite, &Place::ORGANIZATION)?;
        if preset::role(new.name.as_str()).is_some() {
            let detail = "a preset role stays as it is; choose another name";
            return Err(Error::conflict("role_is_preset", detail));
        }
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let put = self.0.store.write(async move |tx: &mut Tx| {
            service.check_cells(tx, &ctx, &new.cells).await?;
            let before = rows::of(tx, ctx.org())
                .await?
                .into_iter()
                .find(|role| role.name == new.name);
            if before.is_none() {
                refuse_full(
                    rows::count(tx, ctx.org()).await?,
                    MAX_ROLES,
                    "role_limit_reached",
                    "roles",
                )?;
            }
            refuse_excess(&ctx, before.as_ref().map_or(&[], |role| &role.cells), &new.cells)?;
            let role = Role {
                org: ctx.org(),
                name: new.name,
                description: new.description.into_string(),
                cells: new.cells,
                created_at: before.as_ref().map_or(ctx.now(), |role| role.created_at),
                updated_at: ctx.now(),
            };
            rows::put(tx, &role).await?;
            let epoch = service.role_changed(tx, &role, ctx.now(), &visibility).await?;
            let record = Record {
                action: Action::RoleWritten,
                subject: role.name.to_string(),
                detail: json!({
                    "cells": role.cells,
                    "before": before.map(|role| role.cells),
                }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>((shown(role), epoch))
        });
        let (role, epoch) = put.await?;
        let receipt = seen.receipt(epoch);
        Ok(PutRole { role, receipt })
    }

    /// Drops a role of the organization's own that nobody has.
    ///
    /// # Errors
    /// `role` not found; `role_is_preset`; `role_in_use`; `out_of_reach`.
    pub async fn delete_role(&self, ctx: &Context, name: &str) -> Result<()> {
        // What cannot be a name is the name of nothing.
        let name = Word::parse("name", name).map_err(|_| Error::not_found("role"))?;
        ctx.require(Scope::RolesWrite, &Place::ORGANIZATION)?;
        if preset::role(name.as_str()).is_some() {
            return Err(Error::conflict("role_is_preset", "a preset role stays as it is"));
        }
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let own = rows::of(tx, ctx.org()).await?;
            if !own.iter().any(|role| role.name == name) {
                return Err(Error::not_found("role"));
            }
            let assigned = rows::assigned(tx, ctx.org(), &name, ctx.now()).await?;
            if assigned > 0 {
                let detail = format!("it is assigned ({assigned}); take it from those first");
                return Err(Error::conflict("role_in_use", detail));
            }
            rows::delete(tx, ctx.org(), &name).await?;
            let record = Record {
                action: Action::RoleDeleted,
                subject: name.to_string(),
                detail: json!({}),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }

    /// Shows that cells speak of kinds and actions that there are.
    async fn check_cells(&self, tx: &mut Tx, ctx: &Context, cells: &[Cell]) -> Result<()> {
        if cells.is_empty() || cells.len() > MAX_CELLS {
            let detail = format!("1–{MAX_CELLS} of them");
            return Err(Error::field("grants", "grants_out_of_range", detail));
        }
        let known = kinds::actions(tx, ctx.org()).await?;
        let mut errors = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            let actions = cell.actions.as_ref();
            if actions.is_some_and(|actions| actions.is_empty() || actions.len() > MAX_ACTIONS) {
                let detail = format!("1–{MAX_ACTIONS} of them");
                errors.push(FieldError::new(
                    format!("grants[{place}].actions"),
                    "actions_out_of_range",
                    detail,
                ));
            }
            let Some(kind) = &cell.kind else { continue };
            if is_own_kind(kind.as_str()) {
                let detail = format!("`{kind}` is governed by scopes; give the token a scope instead");
                errors.push(FieldError::new(
                    format!("grants[{place}].kind"),
                    "kind_reserved",
                    detail,
                ));
                continue;
            }
            let Some(known) = known.get(kind) else {
                let detail = format!("there is no kind `{kind}`; write it first");
                errors.push(FieldError::new(
                    format!("grants[{place}].kind"),
                    "kind_unknown",
                    detail,
                ));
                continue;
            };
            for action in actions
                .into_iter()
                .flatten()
                .filter(|action| !known.contains(*action))
            {
                let detail = format!("`{kind}` has no action `{action}`");
                errors.push(FieldError::new(
                    format!("grants[{place}].actions"),
                    "action_unknown",
                    detail,
                ));
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.into())
        }
    }

    /// Lets the verifier learn what the bearers of a role may do after it was written in this transaction. Gives the place in the feed.
    /// Cost: a scan of the tokens and people with roles, and the bearers.
    async fn role_changed(
        &self,
        tx: &mut Tx,
        role: &Role,
        now: Timestamp,
        visibility: &Visibility,
    ) -> Result<u64> {
        let compiler = Compiler::new(tx).await?;
        let (mut met, mut applied) = (Vec::new(), Vec::new());
        for user in users::with_role(tx, role.org, &role.name).await? {
            applied.push(Change::Owner(owners::of(tx, user).await?));
        }
        tokens::for_each_with_role(tx, role.org, &role.name, |row| {
            met.push(row.id);
            let entry: Entry = compiler.entry(row)?;
            applied.push(Change::Upsert(entry));
            Ok(())
        })
        .await?;
        let epoch = self
            .change(tx, Kind::Role, &met, now, visibility, applied)
            .await?;
        Self::journal(tx, epoch, now, Said::of_role(role)?)?;
        Ok(epoch)
    }
}

/// What a role would give everywhere, which its writer must have: an assignment can be as wide as that.
fn refuse_excess(ctx: &Context, before: &[Cell], after: &[Cell]) -> Result<()> {
    let everywhere = Assignment {
        teams: Listed::All,
        environments: Listed::All,
        names: Listed::All,
        ..Assignment::super_admin()
    };
    let all = Selector::everywhere();
    let gives = |cells: &[Cell]| Authority::nothing().with_roles(everywhere.grants(cells, &all));
    // A cell that was bounded in a direction gave less than one that is not, whatever the assignments.
    let added = after.iter().flat_map(|cell| {
        let known: Vec<Cell> = before
            .iter()
            .filter(|known| known.by.is_subset(&cell.by))
            .cloned()
            .collect();
        let added = gives(std::slice::from_ref(cell)).beyond(&gives(&known));
        added.roles().to_vec()
    });
    let added = Authority::nothing().with_roles(added);
    let noun = ctx.caller.by.noun();
    ctx.caller.power.covers(&added).map_err(|excess| Error::Refused {
        code: "role_exceeds_caller",
        detail: format!("the role would give more than {noun} has, which lacks {excess}"),
    })?;
    if !added.roles().is_empty() && session::is_all(&gives(after)) {
        ctx.require_recent_sign_in()?;
    }
    Ok(())
}

fn shown(role: Role) -> ShownRole {
    ShownRole {
        name: role.name,
        description: role.description,
        cells: role.cells,
        updated_at: Some(role.updated_at),
    }
}

/// Stored assignments; none for none.
pub(crate) fn to_stored(assignments: &[Assignment]) -> Option<String> {
    (!assignments.is_empty()).then(|| serde_json::to_string(assignments).unwrap_or_default())
}

/// Reads stored assignments.
pub(crate) fn from_stored(text: Option<&str>) -> Result<Vec<Assignment>, serde_json::Error> {
    text.map_or_else(|| Ok(Vec::new()), serde_json::from_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_survive_their_stored_form() {
        let all = vec![Assignment::super_admin()];

        let stored = to_stored(&all);

        assert_eq!(
            stored.as_deref(),
            Some(r#"[{"role":"super-admin","teams":"*","environments":"*","names":"*"}]"#)
        );
        assert_eq!(from_stored(stored.as_deref()).unwrap(), all);
        assert_eq!(to_stored(&[]), None);
        assert!(RoleBook::default().knows(&all[0].role));
    }
}
