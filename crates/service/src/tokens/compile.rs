//! Compile: from what is stored of tokens to the authorities and terms that the verifier decides by.
//!
//! Scopes, holder and restrictions make an authority, and terms are read as they are; which team a service belongs to is looked up here, once. A start compiles
//! millions of rows, nearly all of them alike, so equal ones are compiled once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_domain::terms::Terms;
use claviger_domain::token::{Holder, Restrictions, Surroundings, TokenType, given};
use claviger_domain::{OrgId, ScopeSet, ServiceId, TeamId, Timestamp, UserId};
use claviger_store::tokens::{self as rows, IndexRow};
use claviger_store::{StoreError, Tx, services};
use claviger_verify::{Change, Entry};

use crate::Service;
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::journal::Said;
use crate::roles::{self, RoleBooks};

/// The team of every service.
#[derive(Debug, Default)]
pub(crate) struct TeamsOfServices(HashMap<ServiceId, TeamId>);

/// What a row's token was given, and on which terms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) authority: Arc<Authority>,
    /// `None` = on none.
    pub(crate) terms: Option<Arc<Terms>>,
}

/// Numbers what rows were given: what is equal bears one number.
pub(crate) struct Compiler {
    services: TeamsOfServices,
    books: RoleBooks,
    /// What follows from the scopes alone, by the scopes' text.
    plain: HashMap<String, usize>,
    /// What follows from more, by all the texts that it follows from; at most [`MAX_REMEMBERED`].
    others: HashMap<String, usize>,
    /// Where such a key is put together.
    key: String,
    made: usize,
}

/// Where nearly every token has something of its own, looking for its like would cost memory and find none.
const MAX_REMEMBERED: usize = 1 << 16;

impl TeamsOfServices {
    /// Those of all services there are.
    pub(crate) async fn all(tx: &mut Tx) -> Result<Self, StoreError> {
        let pairs = services::teams_of_all(tx).await?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// The team of a service, if there is such a service.
    pub(crate) fn of(&self, service: ServiceId) -> Option<TeamId> {
        self.0.get(&service).copied()
    }
}

impl Compiler {
    /// Knows which service is whose.
    pub(crate) async fn new(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self {
            services: TeamsOfServices::all(tx).await?,
            books: RoleBooks::all(tx).await?,
            plain: HashMap::new(),
            others: HashMap::new(),
            key: String::new(),
            made: 0,
        })
    }

    /// The number of what the row was given, and the thing itself when the number is new. Numbers count from 0.
    pub(crate) fn number(&mut self, row: &IndexRow<'_>) -> Result<(usize, Option<Given>), StoreError> {
        let has_own = row.restrictions.is_some() || row.roles.is_some() || row.terms.is_some();
        let is_plain = !has_own && !matches!(row.token_type, "team" | "service");
        if is_plain && let Some(&number) = self.plain.get(row.scopes) {
            return Ok((number, None));
        }
        if !is_plain {
            self.put_key(row);
            if let Some(&number) = self.others.get(&self.key) {
                return Ok((number, None));
            }
        }
        let number = self.made;
        self.made += 1;
        if is_plain {
            self.plain.insert(row.scopes.to_owned(), number);
        } else if self.others.len() < MAX_REMEMBERED {
            self.others.insert(self.key.clone(), number);
        }
        Ok((number, Some(self.given(row)?)))
    }

    /// Everything that [`Self::given`] looks at, in one text: two rows with the same one were given the same.
    fn put_key(&mut self, row: &IndexRow<'_>) {
        let holder = match row.token_type {
            "team" | "service" => row.holder,
            _ => 0,
        };
        self.key.clear();
        // Writing to a string does not fail.
        let _ = write!(self.key, "{} {} {holder}", row.org.get(), row.token_type);
        for text in [Some(row.scopes), row.restrictions, row.roles, row.terms] {
            // JSON and scopes hold no control characters as such, so that nothing passes for the end of a part.
            self.key.push('\0');
            self.key.push_str(text.unwrap_or_default());
        }
    }

    /// What a row's token was given.
    pub(crate) fn given(&self, row: &IndexRow<'_>) -> Result<Given, StoreError> {
        let broken = |what: &str| StoreError::Internal(format!("token row {} has a broken {what}", row.id));
        let token_type: TokenType = row.token_type.parse().map_err(|_| broken("type"))?;
        let service_team = self.services.of(ServiceId::from_i64(row.holder));
        let holder = holder_of(token_type, row.holder, service_team);
        let restrictions = restrictions_of(row.restrictions).map_err(|_| broken("restriction"))?;
        let scopes = ScopeSet::from_stored(row.scopes);
        let roles = roles::from_stored(row.roles).map_err(|_| broken("role"))?;
        let around = Surroundings {
            team_of: &|service| self.services.of(service),
            roles: self.books.of(row.org),
        };
        let terms = terms_of(row.terms).map_err(|_| broken("condition"))?;
        Ok(Given {
            authority: Arc::new(given(holder, &restrictions, scopes, &roles, &around)),
            terms: (!terms.is_empty()).then(|| Arc::new(terms)),
        })
    }

    /// What the verifier keeps of a row's token, whose owner it knows.
    pub(crate) fn entry(&self, row: &IndexRow<'_>) -> Result<Entry, StoreError> {
        let token_type = row
            .token_type
            .parse()
            .map_err(|_| StoreError::Internal(format!("token row {} has a broken type", row.id)))?;
        let given = self.given(row)?;
        Ok(Entry {
            digest: row.digest,
            id: row.id,
            org: row.org,
            owner: row.owner,
            owner_authority: Arc::default(),
            token_type,
            authority: given.authority,
            terms: given.terms,
            expires_at: row.expires_at,
            revoked: row.revoked,
            last_used: super::of_present_secret(row.last_used_at, row.awaits_first_use),
            awaits_first_use: row.awaits_first_use,
            previous: super::previous_secret(row),
        })
    }
}

impl Service {
    /// Lets the verifier learn where the tokens reach that are a service's or name it, after the service came to another team in this
    /// transaction. Gives the place in the feed. Cost: a scan of the tokens with restrictions, and the tokens that are met.
    pub(crate) async fn service_moved(
        &self,
        tx: &mut Tx,
        service: ServiceId,
        now: Timestamp,
        visibility: &Visibility,
    ) -> Result<u64> {
        let compiler = Compiler::new(tx).await?;
        let (mut moved, mut applied) = (Vec::new(), Vec::new());
        rows::for_each_about_service(tx, service, |row| {
            moved.push(row.id);
            applied.push(Change::Upsert(compiler.entry(row)?));
            Ok(())
        })
        .await?;
        let epoch = self
            .change(tx, Kind::Move, &moved, now, visibility, applied)
            .await?;
        if let Some(said) = Said::of_service(tx, service).await? {
            Self::journal(tx, epoch, now, said)?;
        }
        Ok(epoch)
    }

    /// Refuses to drop a team or service while it has live tokens.
    ///
    /// # Errors
    /// A conflict with this code.
    pub(crate) async fn refuse_live_tokens(
        tx: &mut Tx,
        holder: i64,
        now: Timestamp,
        code: &'static str,
    ) -> Result<()> {
        match rows::live_of_holder(tx, holder, now).await? {
            0 => Ok(()),
            live => {
                let detail = format!("live tokens belong to it ({live}); revoke them first");
                Err(Error::conflict(code, detail))
            }
        }
    }
}

/// The holder of a stored number. A service that is gone belongs to nobody's team, so its dead tokens are the organization's affair.
pub(crate) fn holder_of(token_type: TokenType, number: i64, service_team: Option<TeamId>) -> Holder {
    const NOBODY: TeamId = TeamId::from_i64(0);
    match token_type {
        TokenType::Personal => Holder::Person(UserId::from_i64(number)),
        TokenType::Global => Holder::Organization(OrgId::from_i64(number)),
        TokenType::Team => Holder::Team(TeamId::from_i64(number)),
        TokenType::Service => Holder::Service {
            service: ServiceId::from_i64(number),
            team: service_team.unwrap_or(NOBODY),
        },
    }
}

/// Reads stored terms.
pub(crate) fn terms_of(text: Option<&str>) -> Result<Terms, serde_json::Error> {
    text.map_or_else(|| Ok(Terms::default()), serde_json::from_str)
}

/// Reads stored restrictions.
pub(crate) fn restrictions_of(text: Option<&str>) -> Result<Restrictions, serde_json::Error> {
    text.map_or_else(|| Ok(Restrictions::default()), serde_json::from_str)
}

#[cfg(test)]
mod tests {
    use claviger_domain::{OwnerId, Scope, TokenId};
    use claviger_token::Digest;

    use super::*;

    fn compiler() -> Compiler {
        Compiler {
            services: TeamsOfServices::default(),
            books: RoleBooks::default(),
            plain: HashMap::new(),
            others: HashMap::new(),
            key: String::new(),
            made: 0,
        }
    }

    fn row(token_type: &'static str, holder: i64) -> IndexRow<'static> {
        IndexRow {
            id: TokenId::from_i64(holder),
            org: OrgId::from_i64(1),
            owner: OwnerId::from_i64(holder),
            token_type,
            holder,
            digest: Digest::from_bytes([0; 32]),
            scopes: Scope::DeploymentsWrite.as_str(),
            restrictions: None,
            roles: None,
            terms: None,
            expires_at: None,
            revoked: false,
            last_used_at: None,
            awaits_first_use: false,
            previous: None,
        }
    }

    #[test]
    fn rows_that_were_given_the_same_are_compiled_once() {
        let mut compiler = compiler();
        let nowhere = Some(r#"{"teams":[]}"#);
        let restricted = |holder| IndexRow {
            restrictions: nowhere,
            ..row("personal", holder)
        };

        assert!(compiler.number(&restricted(5)).unwrap().1.is_some());
        assert_eq!(compiler.number(&restricted(6)).unwrap().0, 0);
        assert!(compiler.number(&restricted(6)).unwrap().1.is_none());
    }

    #[test]
    fn whatever_tells_rows_apart_keeps_them_apart() {
        let mut compiler = compiler();
        let rows = [
            row("team", 5),
            row("team", 6),
            row("service", 5),
            row("global", 5),
            IndexRow {
                org: OrgId::from_i64(2),
                ..row("team", 5)
            },
            IndexRow {
                restrictions: Some("{}"),
                ..row("team", 5)
            },
            IndexRow {
                terms: Some("{}"),
                ..row("team", 5)
            },
        ];

        let numbers: Vec<usize> = rows.iter().map(|row| compiler.number(row).unwrap().0).collect();

        assert_eq!(numbers, (0..rows.len()).collect::<Vec<_>>());
        assert_eq!(compiler.number(&row("team", 6)).unwrap().0, 1);
    }
}
