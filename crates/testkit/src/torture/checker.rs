//! The comparison after a recovery: what the ledger says must be true, and what the server says is.
//!
//! An operation in doubt may have been carried out or not, but never changes its mind: it is looked at twice, then sent once more with its
//! key, which must have exactly one effect in all. After that nothing is in doubt, and everything stays comparable.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    api::Api,
    audit::AuditReader,
    ledger::{Entry, Operation},
    state::{Round, State, Token},
    workload,
};
use crate::TestRandom;

/// Untouched tokens that are looked at again after each recovery.
const SAMPLE: usize = 200;
/// Requests at once while looking.
const LOOKERS: usize = 16;

/// Compares ledger and server, round after round.
#[derive(Clone)]
pub(super) struct Checker {
    pub(super) state: State,
    pub(super) audit: AuditReader,
    pub(super) findings: Vec<String>,
    random: Arc<TestRandom>,
}

// === impl Checker ===

impl Checker {
    /// A checker of a server as it stands now: what is in its audit trail already is not compared.
    pub(super) async fn begin(api: &Api, random: &Arc<TestRandom>) -> Result<Self> {
        Ok(Self {
            state: State::default(),
            audit: AuditReader::begin(api).await?,
            findings: Vec::new(),
            random: Arc::clone(random),
        })
    }

    /// Takes in one round and compares what it touched, a sample of the rest, and the audit trail.
    pub(super) async fn round(&mut self, api: &Api, entries: &[Entry]) -> Result<()> {
        let mut round = self.state.fold(entries);
        self.findings.append(&mut round.findings);
        for operation in std::mem::take(&mut round.in_doubt) {
            self.settle(api, &operation, &mut round).await?;
        }
        let tokens = self.chosen(&round);
        self.compare_tokens(api, tokens).await?;
        for service in &round.services {
            self.compare_deployments(api, service).await?;
        }
        let events = std::mem::take(&mut self.state.events);
        self.findings.extend(self.audit.compare(api, &events).await?);
        Ok(())
    }

    /// Compares every token and every deployment there ever was.
    pub(super) async fn everything(&mut self, api: &Api) -> Result<()> {
        let all = self
            .state
            .tokens
            .iter()
            .map(|(id, token)| (id.clone(), token.clone()))
            .collect();
        self.compare_tokens(api, all).await?;
        let services: Vec<_> = self.state.deployments.keys().cloned().collect();
        for service in services {
            self.compare_deployments(api, &service).await?;
        }
        Ok(())
    }

    /// Finds out what became of an operation without an answer, and brings it to an end.
    async fn settle(&mut self, api: &Api, operation: &Operation, round: &mut Round) -> Result<()> {
        let before = self.look_twice(api, operation).await?;
        match operation {
            Operation::Revoke { .. } | Operation::Update { .. } => {
                if let Some(id) = before {
                    self.state.done(operation, &id, None);
                }
            }
            _ => self.finish(api, operation, before, round).await?,
        }
        Ok(())
    }

    /// Sends the operation again with its key: it was done, or is done now, and once.
    async fn finish(
        &mut self,
        api: &Api,
        operation: &Operation,
        before: Option<String>,
        round: &mut Round,
    ) -> Result<()> {
        let reply = workload::send(api, operation).await;
        let Some(body) = reply.done() else {
            self.findings
                .push(format!("{operation:?} could not be repeated: {reply:?}"));
            return Ok(());
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let id = text("/token/id")
            .or_else(|| text("/id"))
            .context("an answer without an id")?;
        // Of a regeneration the id was known before; of the others it tells whether the same thing was meant.
        let makes_new = !matches!(operation, Operation::Regenerate { .. });
        if makes_new && before.as_deref().is_some_and(|before| before != id) {
            self.findings
                .push(format!("{operation:?} had two effects: {before:?} and {id}"));
        }
        self.state.done(operation, id, text("/secret"));
        round
            .touched
            .extend(id.starts_with("tok_").then(|| id.to_owned()));
        // Which of a regenerated token's secrets is valid is compared with all that was touched.
        if makes_new && self.effect(api, operation).await?.as_deref() != Some(id) {
            self.findings
                .push(format!("{operation:?} was done as {id}, which does not show"));
        }
        Ok(())
    }

    /// The effect of an operation in doubt, the same both times.
    async fn look_twice(&mut self, api: &Api, operation: &Operation) -> Result<Option<String>> {
        let first = self.effect(api, operation).await?;
        let second = self.effect(api, operation).await?;
        if first != second {
            self.findings.push(format!(
                "{operation:?} changed its mind: {first:?}, then {second:?}"
            ));
        }
        Ok(second)
    }

    /// The id of what the operation made or changed, if its effect shows.
    async fn effect(&mut self, api: &Api, operation: &Operation) -> Result<Option<String>> {
        match operation {
            Operation::Issue { name, .. } => self.named(api, name).await,
            Operation::Deploy { service, version, .. } => {
                let deployments = deployments_of(api, service).await?;
                let ids = deployments.get(version).cloned().unwrap_or_default();
                if ids.len() > 1 {
                    self.findings
                        .push(format!("{service} {version} is there {} times", ids.len()));
                }
                Ok(ids.into_iter().next())
            }
            Operation::Update { token, description } => {
                let record = api.get(&format!("/v1/tokens/{token}")).await?;
                let shows = record.get("description").and_then(Value::as_str) == Some(description);
                Ok(shows.then(|| token.clone()))
            }
            Operation::Revoke { token } => {
                Ok(self.is_dead(api, token, "revoked").await?.then(|| token.clone()))
            }
            // The old secret is unknown once a new one took its place.
            Operation::Regenerate { token, .. } => {
                Ok(self.is_dead(api, token, "unknown").await?.then(|| token.clone()))
            }
            Operation::Again { .. } => Ok(None),
        }
    }

    /// The id of the one token of this name.
    async fn named(&mut self, api: &Api, name: &str) -> Result<Option<String>> {
        let query = format!("q={}", name.replace(' ', "%20"));
        let rows = api.all("/v1/tokens", &query).await?;
        let text = |row: &Value, key| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let ids: Vec<_> = rows
            .iter()
            .filter(|row| text(row, "name").as_deref() == Some(name))
            .filter_map(|row| text(row, "id"))
            .collect();
        if ids.len() > 1 {
            self.findings
                .push(format!("the token `{name}` is there {} times", ids.len()));
        }
        Ok(ids.into_iter().next())
    }

    async fn is_dead(&mut self, api: &Api, token: &str, as_what: &str) -> Result<bool> {
        let secret = self
            .state
            .tokens
            .get(token)
            .and_then(|token| token.secrets.last());
        let code = api.verify(secret.context("a token without a secret")?).await?;
        Ok(code == as_what)
    }

    fn chosen(&self, round: &Round) -> Vec<(String, Token)> {
        let mut ids: Vec<&String> = round.touched.iter().collect();
        let all: Vec<_> = self.state.tokens.keys().collect();
        let count = u64::try_from(all.len()).unwrap_or(0);
        if count > 0 {
            let places = (0..SAMPLE).map(|_| usize::try_from(self.random.below(count)).unwrap_or(0));
            ids.extend(places.map(|place| all[place]));
        }
        let token = |id: &String| Some((id.clone(), self.state.tokens.get(id)?.clone()));
        ids.into_iter().filter_map(token).collect()
    }

    async fn compare_tokens(&mut self, api: &Api, tokens: Vec<(String, Token)>) -> Result<()> {
        let tokens = Arc::new(tokens);
        let mut lookers = JoinSet::new();
        for looker in 0..LOOKERS {
            let (api, tokens) = (api.clone(), Arc::clone(&tokens));
            lookers.spawn(async move {
                let mut findings = Vec::new();
                for (id, token) in tokens.iter().skip(looker).step_by(LOOKERS) {
                    findings.extend(compare_token(&api, id, token).await?);
                }
                Ok::<_, anyhow::Error>(findings)
            });
        }
        while let Some(findings) = lookers.join_next().await {
            self.findings.extend(findings??);
        }
        Ok(())
    }

    async fn compare_deployments(&mut self, api: &Api, service: &str) -> Result<()> {
        let there = deployments_of(api, service).await?;
        let expected = self.state.deployments.get(service).cloned().unwrap_or_default();
        for (version, ids) in &there {
            if ids.len() != 1 || expected.get(version) != ids.first() {
                let should = expected.get(version);
                self.findings
                    .push(format!("{service} {version} should be {should:?} and is {ids:?}"));
            }
        }
        for version in expected.keys().filter(|version| !there.contains_key(*version)) {
            self.findings
                .push(format!("{service} {version} was acknowledged and is lost"));
        }
        Ok(())
    }
}

/// Exactly the last secret of a live token is valid; of a revoked one none is.
async fn compare_token(api: &Api, id: &str, token: &Token) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let Some((last, old)) = token.secrets.split_last() else {
        bail!("{id} is in the ledger without a secret");
    };
    let code = api.verify(last).await?;
    let should = if token.revoked { "revoked" } else { "valid" };
    if code != should {
        findings.push(format!(
            "{id} (`{}`) should be {should} and is {code}",
            token.name
        ));
    }
    for secret in old {
        let code = api.verify(secret).await?;
        if code != "unknown" {
            findings.push(format!("an old secret of {id} should be unknown and is {code}"));
        }
    }
    if !token.description.is_empty() {
        let record = api.get(&format!("/v1/tokens/{id}")).await?;
        if record.get("description").and_then(Value::as_str) != Some(&token.description) {
            findings.push(format!("the update of {id} to `{}` is lost", token.description));
        }
    }
    Ok(findings)
}

/// The ids of each version of a service's deployments.
async fn deployments_of(api: &Api, service: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in api.all("/v1/deployments", &format!("service={service}")).await? {
        let text = |key| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(version), Some(id)) = (text("version"), text("id")) else {
            bail!("a deployment without version or id: {row}");
        };
        versions.entry(version).or_default().push(id);
    }
    Ok(versions)
}
