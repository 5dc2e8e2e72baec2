//! The load: clients that issue, regenerate, update, revoke, report deployments and repeat themselves, until the server is gone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    api::{Api, Reply},
    ledger::{Ledger, Operation},
};
use crate::TestRandom;

/// Clients that work at once.
pub(super) const CLIENTS: u64 = 24;

/// What all clients of one round share.
pub(super) struct Shift {
    pub(super) api: Api,
    pub(super) ledger: Arc<Ledger>,
    pub(super) random: Arc<TestRandom>,
    /// Names the round in names and keys.
    pub(super) round: u32,
    /// Set when the server is about to be broken: no operation is begun after that.
    pub(super) over: AtomicBool,
}

/// Lets the clients work, each beginning with its share of `live`, until the shift is over.
///
/// # Errors
/// When the ledger cannot be written.
pub(super) fn start(shift: &Arc<Shift>, live: &[String]) -> JoinSet<Result<()>> {
    let mut clients = JoinSet::new();
    let mut shares: Vec<Vec<String>> = vec![Vec::new(); usize::try_from(CLIENTS).unwrap_or(1)];
    let places = shares.len();
    for (place, id) in live.iter().enumerate() {
        shares[place % places].push(id.clone());
    }
    for (number, tokens) in (0..CLIENTS).zip(shares) {
        let client = Client {
            shift: Arc::clone(shift),
            number,
            tokens,
            made: 0,
        };
        clients.spawn(client.work());
    }
    clients
}

/// One client, with the tokens that only it works on.
struct Client {
    shift: Arc<Shift>,
    number: u64,
    tokens: Vec<String>,
    made: u64,
}

impl Client {
    async fn work(mut self) -> Result<()> {
        while !self.shift.over.load(Ordering::SeqCst) {
            let operation = self.choose();
            let (number, reply) = self.carry_out(&operation).await?;
            match (&operation, &reply) {
                // The server is gone or going: what became of the operation is for the checker to find out.
                (_, Reply::Lost(_) | Reply::Answered { status: 500.., .. }) => return Ok(()),
                (Operation::Issue { .. }, reply) => {
                    let id = reply
                        .done()
                        .and_then(|body| body.pointer("/token/id"))
                        .and_then(Value::as_str);
                    self.tokens.extend(id.map(str::to_owned));
                }
                (Operation::Regenerate { token, .. } | Operation::Update { token, .. }, reply)
                    if reply.done().is_some() =>
                {
                    self.tokens.push(token.clone());
                }
                // Revoked, or in doubt: left alone until the server is back.
                _ => {}
            }
            let goes_on = reply.done().is_some() && !self.shift.over.load(Ordering::SeqCst);
            if goes_on && repeatable(&operation) && self.shift.random.below(12) == 0 {
                self.repeat(number, &operation).await?;
            }
        }
        Ok(())
    }

    /// The next operation. A token that it works on leaves the client's hands until the answer is there.
    fn choose(&mut self) -> Operation {
        self.made += 1;
        let name = format!("r{} c{} n{}", self.shift.round, self.number, self.made);
        let key = format!("key-{}-{}-{}", self.shift.round, self.number, self.made);
        let dice = self.shift.random.below(100);
        if dice >= 88 {
            let service = format!("service-{}-{}", self.shift.round, self.number);
            let version = format!("1.{}", self.made);
            return Operation::Deploy {
                service,
                version,
                key,
            };
        }
        if dice < 35 || self.tokens.len() < 3 {
            return Operation::Issue { name, key };
        }
        let end = u64::try_from(self.tokens.len()).unwrap_or(1);
        let place = usize::try_from(self.shift.random.below(end)).unwrap_or(0);
        let token = self.tokens.swap_remove(place);
        match dice {
            35..62 => Operation::Revoke { token },
            62..76 => Operation::Regenerate { token, key },
            _ => Operation::Update {
                token,
                description: name,
            },
        }
    }

    async fn carry_out(&self, operation: &Operation) -> Result<(u64, Reply)> {
        let number = self.shift.ledger.begin(operation)?;
        let reply = send(&self.shift.api, operation).await;
        self.shift.ledger.end(number, &reply)?;
        Ok((number, reply))
    }

    /// The same request with the same key, as a client does that lost the answer.
    async fn repeat(&self, of: u64, operation: &Operation) -> Result<()> {
        let number = self.shift.ledger.begin(&Operation::Again { of })?;
        let reply = send(&self.shift.api, operation).await;
        self.shift.ledger.end(number, &reply)
    }
}

fn repeatable(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Issue { .. } | Operation::Regenerate { .. } | Operation::Deploy { .. }
    )
}

/// Sends an operation; the same operation is the same request.
pub(super) async fn send(api: &Api, operation: &Operation) -> Reply {
    match operation {
        Operation::Issue { name, key } => {
            let body = json!({ "name": name, "scopes": ["deployments:read"] });
            api.call(Method::POST, "/v1/tokens", Some(key), Some(&body)).await
        }
        Operation::Regenerate { token, key } => {
            let path = format!("/v1/tokens/{token}/regenerate");
            api.call(Method::POST, &path, Some(key), None).await
        }
        Operation::Revoke { token } => {
            let path = format!("/v1/tokens/{token}/revoke");
            api.call(Method::POST, &path, None, None).await
        }
        Operation::Update { token, description } => {
            let body = json!({ "description": description });
            api.call(Method::PATCH, &format!("/v1/tokens/{token}"), None, Some(&body))
                .await
        }
        Operation::Deploy {
            service,
            version,
            key,
        } => {
            let body = json!({ "service": service, "version": version });
            api.call(Method::POST, "/v1/deployments", Some(key), Some(&body))
                .await
        }
        Operation::Again { .. } => Reply::Lost("sent as the operation that it repeats".to_owned()),
    }
}
