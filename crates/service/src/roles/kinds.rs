//! Kinds of resources of an organization's own, and what can be done to them.

use std::collections::{BTreeMap, BTreeSet};

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::name::Description;
use claviger_domain::resource::{Word, is_own_kind};
use claviger_domain::role::{Kind, MAX_ACTIONS, MAX_KINDS, preset};
use claviger_domain::{OrgId, Scope, Timestamp};
use claviger_store::{Tx, roles as rows};
use serde_json::json;

use crate::audit::Record;
use crate::error::{Error, Result};
use crate::{Context, Service};

/// A kind as it is listed: a preset or the organization's own.
#[derive(Debug, Clone)]
pub struct ShownKind {
    /// Its name.
    pub name: Word,
    /// For people.
    pub description: String,
    /// What can be done to such a resource.
    pub actions: BTreeSet<Word>,
    /// When it was last written; `None` for a preset.
    pub updated_at: Option<Timestamp>,
}

impl Service {
    /// The presets, then the organization's own in the order of their names.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_kinds(&self, ctx: &Context) -> Result<Vec<ShownKind>> {
        let org = ctx.org();
        let own = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::kinds_of(tx, org).await)
            .await?;
        let presets = preset::KINDS.iter().map(|kind| ShownKind {
            name: kind.word(),
            description: kind.sentence.to_owned(),
            actions: kind.words(),
            updated_at: None,
        });
        Ok(presets.chain(own.into_iter().map(shown)).collect())
    }

    /// Writes a kind of the organization's own. An action that a role names stays.
    ///
    /// # Errors
    /// `kind_is_preset`, `kind_reserved`; `actions_out_of_range`; `kind_in_use`; `kind_limit_reached`; `out_of_reach`.
    pub async fn put_kind(
        &self,
        ctx: &Context,
        name: Word,
        description: Description,
        actions: BTreeSet<Word>,
    ) -> Result<ShownKind> {
        ctx.require(Scope::RolesWrite, &Place::ORGANIZATION)?;
        refuse_ours(&name)?;
        if actions.is_empty() || actions.len() > MAX_ACTIONS {
            let detail = format!("1–{MAX_ACTIONS} of them");
            return Err(Error::field("actions", "actions_out_of_range", detail));
        }
        let service = self.clone();
        let ctx = ctx.clone();
        let put = self.0.store.write(async move |tx: &mut Tx| {
            let own = rows::kinds_of(tx, ctx.org()).await?;
            let before = own.iter().find(|kind| kind.name == name);
            if before.is_none() && own.len() >= MAX_KINDS {
                let detail = format!("there are {MAX_KINDS} kinds, and no more fit; delete one first");
                return Err(Error::conflict("kind_limit_reached", detail));
            }
            let kept = named_actions(tx, ctx.org(), &name).await?;
            if let Some(action) = kept.difference(&actions).next() {
                let detail = format!("a role names the action `{action}`; take it from the role first");
                return Err(Error::conflict("kind_in_use", detail));
            }
            let kind = Kind {
                org: ctx.org(),
                name,
                description: description.into_string(),
                actions,
                created_at: before.map_or(ctx.now(), |kind| kind.created_at),
                updated_at: ctx.now(),
            };
            rows::put_kind(tx, &kind).await?;
            let record = Record {
                action: Action::KindWritten,
                subject: kind.name.to_string(),
                detail: json!({ "actions": kind.actions }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(shown(kind))
        });
        put.await
    }

    /// Drops a kind of the organization's own that no role names.
    ///
    /// # Errors
    /// `kind` not found; `kind_is_preset`; `kind_in_use`; `out_of_reach`.
    pub async fn delete_kind(&self, ctx: &Context, name: &str) -> Result<()> {
        // What cannot be a name is the name of nothing.
        let name = Word::parse("name", name).map_err(|_| Error::not_found("kind"))?;
        ctx.require(Scope::RolesWrite, &Place::ORGANIZATION)?;
        refuse_ours(&name)?;
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let own = rows::kinds_of(tx, ctx.org()).await?;
            if !own.iter().any(|kind| kind.name == name) {
                return Err(Error::not_found("kind"));
            }
            let roles = rows::of(tx, ctx.org()).await?;
            let mut cells = roles.iter().flat_map(|role| &role.cells);
            if cells.any(|cell| cell.kind.as_ref() == Some(&name)) {
                let detail = "a role names it; take it from the role first";
                return Err(Error::conflict("kind_in_use", detail));
            }
            rows::delete_kind(tx, ctx.org(), &name).await?;
            let record = Record {
                action: Action::KindDeleted,
                subject: name.to_string(),
                detail: json!({}),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }
}

/// The actions of every kind that the organization knows.
pub(super) async fn actions(tx: &mut Tx, org: OrgId) -> Result<BTreeMap<Word, BTreeSet<Word>>> {
    let presets = preset::KINDS.iter().map(|kind| (kind.word(), kind.words()));
    let own = rows::kinds_of(tx, org).await?;
    Ok(presets
        .chain(own.into_iter().map(|kind| (kind.name, kind.actions)))
        .collect())
}

/// The actions of a kind that some role of the organization names.
async fn named_actions(tx: &mut Tx, org: OrgId, kind: &Word) -> Result<BTreeSet<Word>> {
    let roles = rows::of(tx, org).await?;
    let cells = roles.into_iter().flat_map(|role| role.cells);
    Ok(cells
        .filter(|cell| cell.kind.as_ref() == Some(kind))
        .flat_map(|cell| cell.actions.into_iter().flatten())
        .collect())
}

fn refuse_ours(name: &Word) -> Result<()> {
    if is_own_kind(name.as_str()) {
        let detail = "this kind is governed by scopes; choose another name";
        return Err(Error::conflict("kind_reserved", detail));
    }
    if preset::KINDS.iter().any(|kind| kind.name == name.as_str()) {
        let detail = "a preset kind stays as it is; choose another name";
        return Err(Error::conflict("kind_is_preset", detail));
    }
    Ok(())
}

fn shown(kind: Kind) -> ShownKind {
    ShownKind {
        name: kind.name,
        description: kind.description,
        actions: kind.actions,
        updated_at: Some(kind.updated_at),
    }
}
