//! `claviger token list`: who has which token.

use clap::{Args, ValueEnum};
use claviger_api::tokens::{ListTokens, TokenState};

use super::{Kind, record};
use crate::{
    exit::{self, Exit, Outcome},
    expiry::instant,
    paging::{self, Paging},
    remote::Remote,
};

/// List tokens. Secrets are in no list.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only tokens in this state now.
    #[arg(long, value_name = "STATE", value_enum)]
    state: Option<State>,
    /// Only this kind.
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kind: Option<Kind>,
    /// Only tokens that act as this principal.
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// Only tokens of this team itself.
    #[arg(long, value_name = "ID", conflicts_with = "service")]
    team: Option<String>,
    /// Only tokens of this service.
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Only names, or hints, that begin so.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// Only tokens that end before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    expires_before: Option<String>,
    /// Only tokens that end after this instant, or never.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    expires_after: Option<String>,
    /// Only tokens last accepted before this instant, or never.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    last_used_before: Option<String>,
    /// Only tokens last accepted after this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    last_used_after: Option<String>,
    /// Only live tokens that nobody has used for as long as the policy bears.
    #[arg(long)]
    unused: bool,
    /// `created_at`, `name`, `expires_at` or `last_used_at`; a leading `-` turns the order round. `-created_at` unless said.
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Accepted.
    Live,
    /// Ended by time.
    Expired,
    /// Ended by someone.
    Revoked,
}

// === impl List ===

impl List {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListTokens {
            state: self.state.map(TokenState::from),
            token_type: self.kind.map(Into::into),
            owner: self.owner,
            team: self.team,
            service: self.service,
            q: self.query,
            expires_before: self.expires_before,
            expires_after: self.expires_after,
            last_used_before: self.last_used_before,
            last_used_after: self.last_used_after,
            unused: self.unused.then_some(true),
            sort: self.sort,
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &record::HEADINGS, record::row)?;
        Ok(Exit::Done)
    }
}

// === impl State ===

impl From<State> for TokenState {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Expired => Self::Expired,
            State::Revoked => Self::Revoked,
        }
    }
}
