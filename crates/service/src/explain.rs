//! Explain: what would be decided about a token, an action and a resource, what lets it, and everything that stands in the way.
//!
//! The decision is the verifier's, so it is the one that the verify door would give; what is said of it is worked out from the store.
//! For whoever may see the token; to all others it does not exist. Nothing is used, nothing is marked, nothing is taken.

use std::net::IpAddr;

use claviger_domain::explain::{Obstacle, Owner, Reason, Side, Standing, Wanted, explain};
use claviger_domain::owner::Role;
use claviger_domain::role::RoleBook;
use claviger_domain::token::{Holder, Token};
use claviger_domain::{TokenId, UserId};
use claviger_store::{Tx, teams, users};
use claviger_verify::{Allowance, Decision, Required};

use crate::error::{Error, Result};
use crate::roles::{self, book};
use crate::{Context, Service};

/// What is asked, beside what the token wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// About which token.
    pub token: TokenId,
    /// Coming from which address; without one, whence it comes is not asked.
    pub address: Option<IpAddr>,
    /// What it would take from the token's limits.
    pub cost: u32,
}

/// What would be decided, and why.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What the verify door would say now.
    pub decision: Decision,
    /// What limits the token, and what is left of it.
    pub allowance: Allowance,
    /// Everything that stands in the way but the limits.
    pub obstacles: Vec<Obstacle>,
    /// What lets it; empty when something stands in the way.
    pub reasons: Vec<(Side, Reason)>,
}

impl Service {
    /// Whether the token may do what is required, and why.
    ///
    /// # Errors
    /// `token` not found.
    pub async fn explain(
        &self,
        ctx: &Context,
        question: Question,
        required: &Required<'_>,
    ) -> Result<Explanation> {
        let service = self.clone();
        let asking = ctx.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let token = service.visible(tx, &asking, question.token).await?;
            let owner = owner(tx, &token).await?;
            let book = book(tx, token.org).await?;
            Ok::<(Token, Owner, RoleBook), Error>((token, owner, book))
        });
        let (token, owner, book) = read.await?;
        let Question { address, cost, .. } = question;
        let wanted = Wanted {
            scopes: required.scopes,
            asked: required.asked,
            address,
        };
        let told = explain(&token, &owner, &book, &wanted, ctx.now());
        let verifier = self.verifier();
        let decision = verifier.foresee(&token.digest, required, ctx.now(), cost, address);
        let subject = match &decision {
            Decision::Allow(verified) => Some(verified),
            Decision::Deny(denial) => denial.subject.as_ref(),
        };
        Ok(Explanation {
            decision,
            allowance: subject.map_or_else(Allowance::default, |subject| verifier.allowance(subject)),
            obstacles: told.obstacles,
            reasons: told.reasons,
        })
    }
}

/// Whom the token acts as, as they are now.
async fn owner(tx: &mut Tx, token: &Token) -> Result<Owner> {
    match token.holder {
        Holder::Person(user) => standing(tx, user).await.map(Owner::Person),
        Holder::Organization(_) | Holder::Team(_) | Holder::Service { .. } => Ok(Owner::Itself),
    }
}

async fn standing(tx: &mut Tx, user: UserId) -> Result<Standing> {
    let row = users::by_id(tx, user)
        .await?
        .ok_or_else(|| Error::not_found("user"))?;
    Ok(Standing {
        active: row.deactivated_at.is_none(),
        role: Role::from_stored(&row.role),
        memberships: teams::memberships_of(tx, user).await?,
        roles: roles::from_stored(row.roles.as_deref()).unwrap_or_default(),
    })
}
