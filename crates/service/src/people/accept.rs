//! Accept an invitation: a person comes, with a password and a token to begin with.
//!
//! The order matters. First the secret is looked up, so that a made-up one costs no hash; then the password is hashed, outside of
//! any transaction; then all is looked at again where it is written, one writer at a time: of many who bring the same invitation
//! exactly one joins.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::authority::{Authority, Power};
use claviger_domain::name::{Description, Email, Label, Name};
use claviger_domain::owner::Principal;
use claviger_domain::password::Password;
use claviger_domain::person::{FIRST_TOKEN_DAYS, Invitation, InvitationState};
use claviger_domain::team::MAX_MEMBERS;
use claviger_domain::terms::Terms;
use claviger_domain::token::{Expiry, Holder, Restrictions, Surroundings, Token};
use claviger_domain::{ScopeSet, Timestamp, UserId};
use claviger_store::passwords::PasswordRow;
use claviger_store::users::UserRow;
use claviger_store::{Tx, invitations as rows, passwords, teams, tokens, users};
use claviger_token::{Digest, Secret, TicketKind};
use serde_json::json;

use super::invite::{gone, shown_teams};
use super::{Joined, authority_of, person, role_of};
use crate::audit::{By, Record};
use crate::catalogue::refuse_full;
use crate::changes::Visibility;
use crate::error::{Error, Result};
use crate::tokens::{Issued, Maker, NewToken, Recipient, first_roles, from_row};
use crate::{Origin, Service, policy};

impl Service {
    /// Makes a person of whoever brings an open invitation.
    ///
    /// # Errors
    /// `invitation` not found; `invitation_gone` when it was used, taken back or ran out, or its maker may no longer invite so far;
    /// `Invalid` for the password; `email_taken`; `Busy`; those of the store.
    pub async fn accept_invitation(
        &self,
        origin: &Origin,
        secret: &str,
        name: Label,
        password: &str,
    ) -> Result<Joined> {
        let unknown = || Error::not_found("invitation");
        let digests = self
            .ticket_digests(TicketKind::Invitation, secret)
            .ok_or_else(unknown)?;
        let wanted = digests.clone();
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::by_digest(tx, &wanted).await)
            .await?;
        let invitation = read.ok_or_else(unknown)?;
        refuse_ended(&invitation, origin.now)?;
        let password = Password::parse("password", password, &invitation.email)?;
        let password = self.hash_password(password).await?;

        let service = self.clone();
        let origin = origin.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let joined = self.0.store.write(async move |tx: &mut Tx| {
            let invitation = service.acceptable(tx, &digests, origin.now).await?;
            let user = service.newcomer(&invitation, &name, origin.now)?;
            let by = By {
                org: user.org,
                actor: Actor::Person(user.id),
                origin: &origin,
            };
            put_person(tx, &invitation, &user, &password).await?;
            let detail = json!({
                "invitation": invitation.id.to_string(),
                "role": user.role,
                "teams": shown_teams(&invitation),
            });
            let record = Record {
                action: Action::UserJoined,
                subject: user.id.to_string(),
                detail,
            };
            service.record(tx, &by, vec![record]).await?;
            service
                .owner_changed(tx, user.id, origin.now, &visibility)
                .await?;
            let (token, secret, given) = service.first_token(tx, &user, origin.now).await?;
            let epoch = service.put(tx, &by, &token, given, &visibility).await?;
            Ok::<_, Error>((person(tx, &user).await?, token, secret, epoch))
        });
        let (person, token, secret, epoch) = joined.await?;
        self.0.metrics.issued.inc();
        let receipt = seen.receipt(epoch);
        let issued = Issued {
            token,
            secret,
            receipt,
        };
        Ok(Joined { person, issued })
    }

    fn newcomer(&self, invitation: &Invitation, name: &Label, now: Timestamp) -> Result<UserRow> {
        let email = Email::parse("email", &invitation.email)?;
        Ok(UserRow {
            id: UserId::from_i64(self.0.ids.next(now)),
            org: invitation.org,
            email_key: email.key().into_string(),
            email: email.into_string(),
            name: Some(name.as_str().to_owned()),
            name_key: Some(name.key().into_string()),
            role: invitation.role.as_str().to_owned(),
            created_at: now,
            deactivated_at: None,
            roles: None,
            rate_limit: None,
        })
    }

    /// A personal token that may do what its person may.
    async fn first_token(
        &self,
        tx: &mut Tx,
        user: &UserRow,
        now: Timestamp,
    ) -> Result<(Token, Secret, Authority)> {
        let owner = authority_of(tx, user).await?;
        let policy = policy::of(tx, user.org).await?;
        let days = FIRST_TOKEN_DAYS.min(policy.personal.default_days);
        let memberships = teams::memberships_of(tx, user.id).await?;
        let new = NewToken {
            recipient: Recipient::Caller,
            name: Name::parse("name", "first token")?,
            description: Description::default(),
            scopes: scopes_of(&owner),
            reason: None,
            restrictions: Restrictions::default(),
            roles: first_roles(role_of(user)?, &memberships),
            terms: Terms::default(),
            expiry: Some(Expiry::At(now.plus_days(days).truncated_to_millis())),
        };
        let newcomer = Maker {
            org: user.org,
            principal: Principal::User(user.id),
            expires_at: None,
        };
        let (token, secret) = self.make(&new, Holder::Person(user.id), (&newcomer, &policy), now)?;
        let given = token.authority(&Surroundings::plain());
        Ok((token, secret, given))
    }
}

fn scopes_of(owner: &Authority) -> ScopeSet {
    owner.scopes().union(owner.own())
}

fn refuse_ended(invitation: &Invitation, now: Timestamp) -> Result<()> {
    match invitation.state(now) {
        InvitationState::Open => Ok(()),
        InvitationState::Accepted => Err(gone("the invitation was accepted")),
        InvitationState::Withdrawn => Err(gone("the invitation was withdrawn; ask for another")),
        InvitationState::Expired => Err(gone("the invitation ran out; ask for another")),
    }
}

impl Service {
    /// The invitation, if it can be accepted here and now.
    async fn acceptable(&self, tx: &mut Tx, digests: &[Digest], now: Timestamp) -> Result<Invitation> {
        let invitation = rows::by_digest(tx, digests)
            .await?
            .ok_or_else(|| Error::not_found("invitation"))?;
        refuse_ended(&invitation, now)?;
        if !self.maker_still_may(tx, &invitation, now).await? {
            return Err(gone(
                "whoever made the invitation may no longer do so; ask for another",
            ));
        }
        let key = Email::parse("email", &invitation.email)?.key();
        if users::email_is_taken(tx, invitation.org, key.as_str()).await? {
            return Err(Error::conflict(
                "email_taken",
                "the organization has a person with this address",
            ));
        }
        Ok(invitation)
    }

    /// Power only shrinks: the maker must be there still, and have all that the newcomer gets.
    async fn maker_still_may(&self, tx: &mut Tx, invitation: &Invitation, now: Timestamp) -> Result<bool> {
        let has = match invitation.created_by {
            Principal::User(maker) => {
                let maker = users::by_id(tx, maker).await?;
                let Some(maker) = maker.filter(|maker| maker.deactivated_at.is_none()) else {
                    return Ok(false);
                };
                authority_of(tx, &maker).await?
            }
            // It acts as itself: what it was given is all that bounds it.
            Principal::Token(maker) => {
                let token = tokens::by_id(tx, maker)
                    .await?
                    .as_ref()
                    .map(from_row)
                    .transpose()?;
                let Some(token) = token.filter(|token| token.is_live(now)) else {
                    return Ok(false);
                };
                self.authority_now(tx, &token).await?
            }
        };
        let given = invitation.role.authority(&invitation.teams, []);
        let power = Power::new(has.into(), Authority::everything().into());
        Ok(power.covers(&given).is_ok())
    }
}

/// The account, its password and its teams. A team that is gone is left out.
async fn put_person(
    tx: &mut Tx,
    invitation: &Invitation,
    user: &UserRow,
    password: &PasswordRow,
) -> Result<()> {
    if !rows::accept(tx, invitation.id, user.created_at).await? {
        return Err(gone("the invitation was accepted"));
    }
    users::insert(tx, user).await?;
    passwords::put(tx, user.id, password, user.created_at).await?;
    for membership in &invitation.teams {
        let Some(team) = teams::by_id(tx, membership.team).await? else {
            continue;
        };
        refuse_full(team.members, MAX_MEMBERS, "member_limit_reached", "members")?;
        teams::put_member(tx, team.id, user.id, membership.role, user.created_at).await?;
    }
    Ok(())
}
