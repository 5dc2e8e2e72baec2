//! Owners: what a person may do now, for the verifier.
//!
//! A person's power follows from their role and their memberships. Whoever changes one of these calls [`Service::owner_changed`]
//! in the same transaction; the verifier knows before the answer is sent, and no token of the person does more from then on.

use std::collections::HashMap;
use std::sync::Arc;

use claviger_domain::authority::Selector;
use claviger_domain::owner::{Membership, Role};
use claviger_domain::role::RoleBook;
use claviger_domain::{Timestamp, UserId};
use claviger_store::users::UserRow;
use claviger_store::{StoreError, Tx, teams, users};
use claviger_verify::{Change, Owner};

use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::journal::Said;
use crate::roles::RoleBooks;
use crate::{Service, roles};

impl Service {
    /// Lets the verifier learn what a person may do after this transaction. Gives the place in the feed.
    ///
    /// # Errors
    /// `user` not found; those of the store.
    pub(crate) async fn owner_changed(
        &self,
        tx: &mut Tx,
        user: UserId,
        now: Timestamp,
        visibility: &Visibility,
    ) -> Result<u64> {
        let applied = vec![Change::Owner(of(tx, user).await?)];
        let epoch = self
            .change(tx, Kind::Owner, &[], now, visibility, applied)
            .await?;
        if let Some(said) = Said::of_person(tx, user).await? {
            Self::journal(tx, epoch, now, said)?;
        }
        Ok(epoch)
    }
}

/// A person, as the verifier knows them.
///
/// # Errors
/// `user` not found; those of the store.
pub(crate) async fn of(tx: &mut Tx, user: UserId) -> Result<Owner> {
    let row = users::by_id(tx, user)
        .await?
        .ok_or_else(|| Error::not_found("user"))?;
    let memberships = teams::memberships_of(tx, user).await?;
    let book = roles::book_for(tx, row.org, row.roles.is_some()).await?;
    Ok(owner(&row, &memberships, &book))
}

/// Every person, as the verifier knows them. For the start.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<Owner>, StoreError> {
    let mut memberships: HashMap<UserId, Vec<Membership>> = HashMap::new();
    for (user, membership) in teams::all_memberships(tx).await? {
        memberships.entry(user).or_default().push(membership);
    }
    let none = Vec::new();
    let books = RoleBooks::all(tx).await?;
    let people = users::all(tx).await?;
    let known = |user: &UserRow| {
        let memberships = memberships.get(&user.id).unwrap_or(&none);
        owner(user, memberships, books.of(user.org))
    };
    Ok(people.iter().map(known).collect())
}

/// What a person may do now. A role of a later version has no power, and neither have assignments that cannot be read.
fn owner(user: &UserRow, memberships: &[Membership], book: &RoleBook) -> Owner {
    let role = Role::from_stored(&user.role);
    let assigned = roles::from_stored(user.roles.as_deref()).unwrap_or_default();
    let everywhere = Selector::everywhere();
    let authority = role
        .map(|role| role.authority(memberships, book.grants(&assigned, &everywhere)))
        .unwrap_or_default();
    Owner {
        id: user.id.into(),
        org: user.org,
        authority: Arc::new(authority),
        active: user.deactivated_at.is_none(),
        // A limit of a later version that this one cannot read is none: nobody is locked out by a downgrade.
        rate_limit: user
            .rate_limit
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok()),
    }
}
