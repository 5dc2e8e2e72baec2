//! First start: the first administrator. No default account, no default secret.
//!
//! Either the operator runs `claviger init` on the machine, or the server prints a one-time code when it starts without an
//! administrator, and whoever brings it from this very machine within 15 minutes is the one. The code lives in memory only.

use std::time::Duration;

use claviger_domain::audit::{Action, Actor};
use claviger_domain::name::{Description, Email, Label, Name};
use claviger_domain::owner::{Principal, Role};
use claviger_domain::terms::Terms;
use claviger_domain::token::{Expiry, Holder, Restrictions, Surroundings};
use claviger_domain::{OrgId, ScopeSet, UserId};
use claviger_store::users::UserRow;
use claviger_store::{Tx, organizations, users};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::audit::{By, Record};
use crate::changes::Visibility;
use crate::error::{Error, Result};
use crate::tokens::{Issued, Maker, NewToken, Recipient, first_roles};
use crate::{Origin, Service};

/// How long the set-up code is good for.
pub const SETUP_CODE_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Random bytes of the code: 192 bits.
const CODE_BYTES: usize = 24;
/// The organization's name unless one is given.
const DEFAULT_ORGANIZATION: &str = "default";

/// The code that was printed; only its hash is kept.
pub(crate) struct SetupCode {
    hash: [u8; 32],
    made: Duration,
}

/// The first administrator, as the operator names them.
struct Administrator {
    email: Email,
    organization: Label,
    expiry: Option<Expiry>,
}

impl Service {
    /// True until there is an administrator.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(self
            .0
            .store
            .read(async move |tx: &mut Tx| users::count(tx).await)
            .await?
            == 0)
    }

    /// Makes the one-time code, to be printed by the server; `None` when there is an administrator. A new code voids the one before.
    ///
    /// # Errors
    /// `random_unavailable`; those of the store.
    pub async fn setup_code(&self) -> Result<Option<String>> {
        if !self.needs_setup().await? {
            return Ok(None);
        }
        let mut bytes = [0; CODE_BYTES];
        self.0.random.fill(&mut bytes)?;
        let code: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let made = self.0.clock.monotonic();
        *Self::lock(&self.0.setup_code) = Some(SetupCode {
            hash: Sha256::digest(code.as_bytes()).into(),
            made,
        });
        Ok(Some(code))
    }

    /// Sets the installation up for whoever brings the code. `local` says that the request came from this machine.
    ///
    /// # Errors
    /// `setup_not_local`, `setup_code_invalid`, `setup_code_expired`, `setup_completed`; `Invalid` for the address.
    pub async fn complete_setup(
        &self,
        origin: &Origin,
        local: bool,
        code: &str,
        email: Email,
        organization: Option<Label>,
    ) -> Result<Issued> {
        if !local {
            let detail = "set-up is possible from the server's own machine only".to_owned();
            return Err(Error::Refused {
                code: "setup_not_local",
                detail,
            });
        }
        if !self.needs_setup().await? {
            return Err(completed());
        }
        self.check_code(code)?;
        let organization =
            organization.map_or_else(|| Label::parse("organization", DEFAULT_ORGANIZATION), Ok)?;
        let issued = self
            .create_administrator(
                origin,
                Administrator {
                    email,
                    organization,
                    expiry: None,
                },
            )
            .await?;
        *Self::lock(&self.0.setup_code) = None;
        Ok(issued)
    }

    /// Sets the installation up for the operator at the machine (`claviger init`).
    ///
    /// # Errors
    /// `setup_completed`; `Invalid` for the address or the name.
    pub async fn initialize(
        &self,
        origin: &Origin,
        email: &str,
        organization: Option<&str>,
        expiry: Option<Expiry>,
    ) -> Result<Issued> {
        let email = Email::parse("email", email)?;
        let organization = Label::parse("organization", organization.unwrap_or(DEFAULT_ORGANIZATION))?;
        self.create_administrator(
            origin,
            Administrator {
                email,
                organization,
                expiry,
            },
        )
        .await
    }

    /// A new token for an administrator who lost theirs, for the operator at the machine (`claviger init --reissue`).
    ///
    /// # Errors
    /// `user` not found; `token_name_taken` cannot occur: the name bears the time.
    pub async fn reissue(&self, origin: &Origin, email: &str, expiry: Option<Expiry>) -> Result<Issued> {
        let email = Email::parse("email", email)?;
        let key = email.key().into_string();
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| users::by_email_key(tx, &key).await)
            .await?;
        let user = read
            .filter(|user| user.deactivated_at.is_none())
            .ok_or_else(|| Error::not_found("user"))?;
        let name = Name::parse("name", &format!("reissued {}", origin.now))?;
        let (token, secret) = self.make(
            &first_token(name, expiry),
            Holder::Person(user.id),
            &maker(user.org, user.id),
            origin.now,
        )?;
        self.store_first_token(origin, token, secret, None).await
    }

    fn check_code(&self, code: &str) -> Result<()> {
        let kept = Self::lock(&self.0.setup_code);
        let expired = || Error::Gone {
            code: "setup_code_expired",
            detail: "the set-up code is too old; restart the server to get a new one".into(),
        };
        let kept = kept.as_ref().ok_or_else(expired)?;
        let given: [u8; 32] = Sha256::digest(code.trim().as_bytes()).into();
        if aws_lc_rs::constant_time::verify_slices_are_equal(&given, &kept.hash).is_err() {
            return Err(Error::Refused {
                code: "setup_code_invalid",
                detail: "this is not the code that the server printed".into(),
            });
        }
        if self.0.clock.monotonic().saturating_sub(kept.made) >= SETUP_CODE_LIFETIME {
            return Err(expired());
        }
        Ok(())
    }

    async fn create_administrator(&self, origin: &Origin, administrator: Administrator) -> Result<Issued> {
        let now = origin.now;
        let org = OrgId::from_i64(self.0.ids.next(now));
        let user = UserId::from_i64(self.0.ids.next(now));
        let name = Name::parse("name", "first administrator")?;
        let (token, secret) = self.make(
            &first_token(name, administrator.expiry),
            Holder::Person(user),
            &maker(org, user),
            now,
        )?;
        let row = UserRow {
            id: user,
            org,
            email: administrator.email.as_str().to_owned(),
            email_key: administrator.email.key().into_string(),
            name: None,
            name_key: None,
            role: Role::SuperAdmin.as_str().to_owned(),
            created_at: now,
            deactivated_at: None,
            roles: None,
            rate_limit: None,
        };
        self.store_first_token(origin, token, secret, Some((row, administrator.organization)))
            .await
    }

    /// Stores a token that no caller asked for, with the account it belongs to when that is new.
    async fn store_first_token(
        &self,
        origin: &Origin,
        token: claviger_domain::token::Token,
        secret: claviger_token::Secret,
        account: Option<(UserRow, Label)>,
    ) -> Result<Issued> {
        let service = self.clone();
        let origin = origin.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let stored = self.0.store.write(async move |tx: &mut Tx| {
            let by = By {
                org: token.org,
                actor: Actor::Operator,
                origin: &origin,
            };
            if let Some((user, organization)) = &account {
                service.put_account(tx, &by, user, organization).await?;
                service
                    .owner_changed(tx, user.id, origin.now, &visibility)
                    .await?;
            }
            let authority = token.authority(&Surroundings::plain());
            let epoch = service.put(tx, &by, &token, authority, &visibility).await?;
            Ok::<_, Error>((token, epoch))
        });
        let (token, epoch) = stored.await?;
        Ok(Issued {
            token,
            secret,
            receipt: seen.receipt(epoch),
        })
    }

    /// The organization and its first user; refused when there is one, whoever came first.
    async fn put_account(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        user: &UserRow,
        organization: &Label,
    ) -> Result<()> {
        if users::count(tx).await? > 0 {
            return Err(completed());
        }
        organizations::insert(tx, user.org, organization.as_str(), by.origin.now).await?;
        users::insert(tx, user).await?;
        // No e-mail address here: the trail outlives the account.
        let detail = json!({ "organization": organization.as_str(), "role": user.role });
        self.record(
            tx,
            by,
            vec![Record {
                action: Action::SetupCompleted,
                subject: user.id.to_string(),
                detail,
            }],
        )
        .await
    }
}

fn completed() -> Error {
    Error::Gone {
        code: "setup_completed",
        detail: "this installation has its administrator".into(),
    }
}

fn first_token(name: Name, expiry: Option<Expiry>) -> NewToken {
    NewToken {
        recipient: Recipient::Caller,
        name,
        description: Description::default(),
        scopes: ScopeSet::all(),
        restrictions: Restrictions::default(),
        roles: first_roles(Role::SuperAdmin, &[]),
        terms: Terms::default(),
        expiry,
    }
}

/// The administrator, for whom the operator at the machine makes the token.
const fn maker(org: OrgId, user: UserId) -> Maker {
    Maker {
        org,
        principal: Principal::User(user),
        expires_at: None,
    }
}
