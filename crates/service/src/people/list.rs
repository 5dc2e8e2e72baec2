//! List and show: who belongs to the organization.

use claviger_domain::Scope;
use claviger_domain::UserId;
use claviger_domain::authority::Place;
use claviger_domain::name::NameKey;
use claviger_domain::owner::Role;
use claviger_domain::person::{Person, PersonState};
use claviger_store::{Tx, users as rows};

use super::{PersonFilter, people, person};
use crate::error::{Error, Result};
use crate::{Context, Service, cursor};

impl Service {
    /// A page of the people that the caller may see, and the cursor of the next.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_people(
        &self,
        ctx: &Context,
        filter: &PersonFilter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Person>, Option<String>)> {
        if !ctx.may(Scope::UsersRead, &Place::ORGANIZATION) {
            return Ok((Vec::new(), None));
        }
        let described = format!("{filter:?}{}", ctx.org());
        let after = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let query = rows::UserFilter {
            org: ctx.org(),
            role: filter.role.map(Role::as_str),
            active: filter.state.map(|state| state == PersonState::Active),
            key_prefix: filter.text.as_deref().map(|text| NameKey::of(text).into_string()),
            after,
            limit: limit + 1,
        };
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let found = rows::list(tx, &query).await?;
            people(tx, &found).await
        });
        let mut found = read.await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| cursor::write(&self.0.keys, &described, &last.id.to_string()));
        Ok((found, next))
    }

    /// One person that the caller may see.
    ///
    /// # Errors
    /// `user` not found.
    pub async fn show_person(&self, ctx: &Context, id: UserId) -> Result<Person> {
        let service = self.clone();
        let ctx = ctx.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let row = service.visible_person(tx, &ctx, id).await?;
            person(tx, &row).await
        });
        read.await
    }

    /// The person that the calling token acts as.
    ///
    /// # Errors
    /// `user` not found for a token that acts as itself.
    pub async fn own_person(&self, ctx: &Context) -> Result<Person> {
        let id = ctx.caller.user.ok_or_else(|| Error::not_found("user"))?;
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let row = rows::by_id(tx, id)
                .await?
                .ok_or_else(|| Error::not_found("user"))?;
            person(tx, &row).await
        });
        read.await
    }
}
