//! The directory: which team, service or environment a name means now, in memory, for questions that must not wait for the store.
//!
//! Filled at the start, changed after the commit of whatever changes a name, and read anew when a commit's outcome was unknown. Invariant:
//! what is found here is of the organization that asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use claviger_domain::authority::Place;
use claviger_domain::environment::Environment;
use claviger_domain::name::NameKey;
use claviger_domain::service::Service as ServiceNoun;
use claviger_domain::team::Team;
use claviger_domain::{EnvironmentId, FieldError, OrgId, ServiceId, TeamId};
use claviger_store::{StoreError, Tx, names};

use crate::Service;

/// Names and what they mean. Shared; a lookup holds a read lock for one map access.
#[derive(Debug, Default)]
pub struct Directory(RwLock<Maps>);

#[derive(Debug, Default)]
struct Maps {
    teams: Nouns<TeamId>,
    services: Nouns<ServiceId>,
    environments: Nouns<EnvironmentId>,
    team_of: HashMap<ServiceId, TeamId>,
}

/// One kind of noun, found by name and by id.
#[derive(Debug)]
struct Nouns<I> {
    by_key: HashMap<(OrgId, NameKey), I>,
    by_id: HashMap<I, (OrgId, NameKey)>,
}

/// A place, as somebody names it: each by id or by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamedPlace<'a> {
    /// The team.
    pub team: Option<&'a str>,
    /// The service; its team follows.
    pub service: Option<&'a str>,
    /// The environment.
    pub environment: Option<&'a str>,
}

/// A change of what a name means.
#[derive(Debug)]
pub(crate) enum Renaming {
    /// A team came or got another name.
    Team(OrgId, TeamId, NameKey),
    /// A service came, got another name or another team.
    Service(OrgId, ServiceId, NameKey, TeamId),
    /// An environment came or got another name.
    Environment(OrgId, EnvironmentId, NameKey),
    /// A team went.
    NoTeam(TeamId),
    /// A service went.
    NoService(ServiceId),
    /// An environment went.
    NoEnvironment(EnvironmentId),
}

// === impl Directory ===

impl Directory {
    /// The place that somebody of `org` names, in fields below `field`.
    ///
    /// # Errors
    /// `team_unknown`, `service_unknown`, `environment_unknown`; `service_of_other_team`.
    pub fn place(&self, org: OrgId, named: &NamedPlace<'_>, field: &str) -> Result<Place, FieldError> {
        let maps = self.read();
        let unknown = |noun: &str, code| {
            let detail = format!("there is no such {noun}");
            FieldError::new(format!("{field}.{noun}"), code, detail)
        };
        let mut place = Place::ORGANIZATION;
        if let Some(text) = named.team {
            let found = maps.teams.find(org, text);
            place.team = Some(found.ok_or_else(|| unknown("team", "team_unknown"))?);
        }
        if let Some(text) = named.service {
            let found = maps.services.find(org, text);
            let service = found.ok_or_else(|| unknown("service", "service_unknown"))?;
            let team = maps.team_of.get(&service).copied();
            if place.team.is_some() && place.team != team {
                let detail = "the service belongs to another team";
                return Err(FieldError::new(
                    format!("{field}.service"),
                    "service_of_other_team",
                    detail,
                ));
            }
            place.team = team;
            place.service = Some(service);
        }
        if let Some(text) = named.environment {
            let found = maps.environments.find(org, text);
            place.environment = Some(found.ok_or_else(|| unknown("environment", "environment_unknown"))?);
        }
        Ok(place)
    }

    /// Reads all names from the store.
    ///
    /// # Errors
    /// Those of the store; then nothing has changed.
    pub async fn fill(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let mut maps = Maps::default();
        names::for_each_team(tx, |org, id, key| maps.teams.put(org, id, NameKey::of(key))).await?;
        names::for_each_service(tx, |org, id, key, team| {
            maps.services.put(org, id, NameKey::of(key));
            maps.team_of.insert(id, team);
        })
        .await?;
        names::for_each_environment(tx, |org, id, key| {
            maps.environments.put(org, id, NameKey::of(key));
        })
        .await?;
        *self.write() = maps;
        Ok(())
    }

    fn apply(&self, renaming: Renaming) {
        let mut maps = self.write();
        match renaming {
            Renaming::Team(org, id, key) => maps.teams.put(org, id, key),
            Renaming::Service(org, id, key, team) => {
                maps.services.put(org, id, key);
                maps.team_of.insert(id, team);
            }
            Renaming::Environment(org, id, key) => maps.environments.put(org, id, key),
            Renaming::NoTeam(id) => maps.teams.drop(id),
            Renaming::NoService(id) => {
                maps.services.drop(id);
                maps.team_of.remove(&id);
            }
            Renaming::NoEnvironment(id) => maps.environments.drop(id),
        }
    }

    // The maps are valid after every statement, so a panic elsewhere spoils nothing.
    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Maps> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I> Default for Nouns<I> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            by_id: HashMap::new(),
        }
    }
}

impl<I: Copy + Eq + Hash + std::str::FromStr> Nouns<I> {
    /// By id when it is one, else by name.
    fn find(&self, org: OrgId, text: &str) -> Option<I> {
        if let Ok(id) = text.parse::<I>() {
            return self.by_id.get(&id).filter(|(of, _)| *of == org).map(|_| id);
        }
        self.by_key.get(&(org, NameKey::of(text))).copied()
    }

    fn put(&mut self, org: OrgId, id: I, key: NameKey) {
        self.drop(id);
        self.by_key.insert((org, key.clone()), id);
        self.by_id.insert(id, (org, key));
    }

    fn drop(&mut self, id: I) {
        if let Some(known) = self.by_id.remove(&id) {
            self.by_key.remove(&known);
        }
    }
}

// === impl Renaming ===

impl From<&Team> for Renaming {
    fn from(team: &Team) -> Self {
        Self::Team(team.org, team.id, team.name.key())
    }
}

impl From<&ServiceNoun> for Renaming {
    fn from(service: &ServiceNoun) -> Self {
        Self::Service(service.org, service.id, service.name.key(), service.team)
    }
}

impl From<&Environment> for Renaming {
    fn from(environment: &Environment) -> Self {
        Self::Environment(environment.org, environment.id, environment.name.key())
    }
}

impl Service {
    /// The names that are known now.
    pub fn directory(&self) -> &Directory {
        self.0.feed.directory()
    }

    /// Lets the directory know after the commit of this transaction.
    pub(crate) fn rename(&self, tx: &mut Tx, renaming: impl Into<Renaming>) {
        let (service, renaming) = (self.clone(), renaming.into());
        tx.after_commit(Box::new(move || service.0.feed.directory().apply(renaming)));
    }
}
