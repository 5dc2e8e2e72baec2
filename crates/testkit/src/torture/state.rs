//! What must be true, folded from the ledger: tokens, deployments, audit events; and which operations are in doubt.
//!
//! One client at a time works on a token, and leaves it alone once an operation on it got no answer; so at most one operation per token
//! is in doubt, and it is the last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ledger::{Entry, Operation};

/// Everything that was acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) tokens: BTreeMap<String, Token>,
    /// Deployments by service: version → id, as acknowledged.
    pub(super) deployments: BTreeMap<String, BTreeMap<String, String>>,
    /// Audit events since the last comparison: (action, subject) → how many.
    pub(super) events: HashMap<(&'static str, String), u32>,
    pub(super) counts: Counts,
}

/// A token as it must be.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) name: String,
    /// All secrets it ever had; only the last may be valid.
    pub(super) secrets: Vec<String>,
    pub(super) description: String,
    pub(super) revoked: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) acknowledged: u64,
    pub(super) in_doubt: u64,
    pub(super) repeated: u64,
    /// Nanoseconds from sending an operation to its acknowledgement, the longest.
    pub(super) slowest: u64,
}

/// What one round of operations touched.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) touched: BTreeSet<String>,
    pub(super) services: BTreeSet<String>,
    pub(super) in_doubt: Vec<Operation>,
    pub(super) findings: Vec<String>,
}

impl State {
    /// Takes in what the ledger says of one round.
    pub(super) fn fold(&mut self, entries: &[Entry]) -> Round {
        let mut round = Round::default();
        let by_number: HashMap<u64, &Entry> = entries.iter().map(|entry| (entry.number, entry)).collect();
        for entry in entries {
            round.note(&entry.operation);
            if let Some(refused) = entry.refused() {
                let problem = refused.problem.as_deref().unwrap_or("no problem");
                round.findings.push(format!(
                    "{:?} was refused with {} {problem}",
                    entry.operation, refused.status
                ));
            } else if let Operation::Again { of } = &entry.operation {
                self.repeated(entry, by_number.get(of).copied(), &mut round);
            } else if entry.acknowledged().is_some() {
                self.acknowledge(entry, &mut round);
            } else {
                self.counts.in_doubt += 1;
                round.in_doubt.push(entry.operation.clone());
            }
        }
        round
    }

    /// An operation that was done, with the id and the secret that the answer bore.
    pub(super) fn done(&mut self, operation: &Operation, id: &str, secret: Option<&str>) {
        match operation {
            Operation::Issue { name, .. } => {
                let token = Token {
                    name: name.clone(),
                    secrets: secret.map(str::to_owned).into_iter().collect(),
                    description: String::new(),
                    revoked: false,
                };
                self.tokens.insert(id.to_owned(), token);
                self.event("token.issued", id);
            }
            Operation::Regenerate { token, .. } => {
                self.event("token.regenerated", token);
                self.change(token, |token| token.secrets.extend(secret.map(str::to_owned)));
            }
            Operation::Revoke { token } => {
                self.event("token.revoked", token);
                self.change(token, |token| token.revoked = true);
            }
            Operation::Update { token, description } => {
                self.event("token.updated", token);
                self.change(token, |token| token.description.clone_from(description));
            }
            Operation::Deploy { service, version, .. } => {
                self.event("deployment.reported", id);
                let of_service = self.deployments.entry(service.clone()).or_default();
                of_service.insert(version.clone(), id.to_owned());
            }
            Operation::Again { .. } => {}
        }
    }

    /// Live tokens, at most `most`, spread over all there are.
    pub(super) fn live(&self, most: usize) -> Vec<String> {
        let live: Vec<_> = self
            .tokens
            .iter()
            .filter(|(_, token)| !token.revoked)
            .map(|(id, _)| id.clone())
            .collect();
        let step = (live.len() / most.max(1)).max(1);
        live.into_iter().step_by(step).take(most).collect()
    }

    fn acknowledge(&mut self, entry: &Entry, round: &mut Round) {
        let Some(answer) = entry.acknowledged() else {
            return;
        };
        self.counts.acknowledged += 1;
        self.counts.slowest = self.counts.slowest.max(answer.done.saturating_sub(entry.sent));
        let makes = matches!(
            entry.operation,
            Operation::Issue { .. } | Operation::Regenerate { .. }
        );
        match (&answer.id, &answer.secret) {
            (None, _) => round
                .findings
                .push(format!("{:?} was acknowledged without an id", entry.operation)),
            (_, None) if makes => round
                .findings
                .push(format!("{:?} was acknowledged without a secret", entry.operation)),
            (Some(id), secret) => {
                round.touch(&entry.operation, id);
                self.done(&entry.operation, id, secret.as_deref());
            }
        }
    }

    /// The same answer must have come again.
    fn repeated(&mut self, again: &Entry, first: Option<&Entry>, round: &mut Round) {
        let (Some(again), Some(first)) = (again.acknowledged(), first.and_then(Entry::acknowledged)) else {
            return;
        };
        self.counts.repeated += 1;
        if (&again.id, &again.secret, again.status) != (&first.id, &first.secret, first.status) {
            round.findings.push(format!(
                "a repeated key was answered differently: {:?}, then {:?}",
                first.id, again.id
            ));
        }
    }

    fn event(&mut self, action: &'static str, subject: &str) {
        *self.events.entry((action, subject.to_owned())).or_default() += 1;
    }

    fn change(&mut self, id: &str, how: impl FnOnce(&mut Token)) {
        if let Some(token) = self.tokens.get_mut(id) {
            how(token);
        }
    }
}

impl Round {
    fn note(&mut self, operation: &Operation) {
        match operation {
            Operation::Regenerate { token, .. }
            | Operation::Revoke { token }
            | Operation::Update { token, .. } => {
                self.touched.insert(token.clone());
            }
            Operation::Deploy { service, .. } => {
                self.services.insert(service.clone());
            }
            Operation::Issue { .. } | Operation::Again { .. } => {}
        }
    }

    fn touch(&mut self, operation: &Operation, id: &str) {
        if matches!(operation, Operation::Issue { .. }) {
            self.touched.insert(id.to_owned());
        }
    }
}
