//! A token and its secret, as a person sees them.

use claviger_api::tokens::{IssuedToken, PreviousSecret, Token, TokenState, TokenType, Unused};

use crate::{
    assignment,
    exit::Outcome,
    limits,
    output::{self, Stream},
};

/// The headings of [`row`].
pub(super) const HEADINGS: [&str; 8] = [
    "ID",
    "NAME",
    "TYPE",
    "STATE",
    "HINT",
    "SCOPES",
    "EXPIRES",
    "LAST USED",
];

/// A token in a list.
pub(super) fn row(token: &Token) -> Vec<String> {
    vec![
        token.id.clone(),
        token.name.clone(),
        kind(token.token_type).to_owned(),
        standing(token),
        format!("…{}", token.hint),
        token.scopes.join(" "),
        or_never(token.expires_at.as_ref()),
        or_never(token.last_used_at.as_ref()),
    ]
}

/// Prints a token alone.
pub(super) fn show(stream: Stream, token: &Token) -> Outcome<()> {
    let mut pairs = vec![
        ("id", token.id.clone()),
        ("name", token.name.clone()),
        ("type", kind(token.token_type).to_owned()),
        ("state", state(token.state).to_owned()),
        ("hint", format!("…{}", token.hint)),
        ("scopes", token.scopes.join(" ")),
        ("owner", token.owner.clone()),
        ("created", format!("{} by {}", token.created_at, token.created_by)),
        ("expires", or_never(token.expires_at.as_ref())),
        (
            "last used",
            last_used(
                token.last_used_at.as_ref(),
                token.last_used_address.as_ref(),
                token.last_used_in.as_deref(),
            ),
        ),
    ];
    if !token.description.is_empty() {
        pairs.insert(2, ("description", token.description.clone()));
    }
    if let Some(team) = &token.team {
        pairs.push(("team", team.clone()));
    }
    if let Some(service) = &token.service {
        pairs.push(("service", service.clone()));
    }
    pairs.extend(token.roles.iter().map(|role| ("role", assignment::line(role))));
    if let Some(restrictions) = &token.restrictions {
        pairs.extend(only("only teams", restrictions.teams.as_deref()));
        pairs.extend(only("only services", restrictions.services.as_deref()));
        pairs.extend(only("only environments", restrictions.environments.as_deref()));
    }
    pairs.extend(only("only from", token.networks.as_deref()));
    pairs.extend(
        token
            .rate_limit
            .as_ref()
            .map(|limit| ("rate limit", limits::rate(limit))),
    );
    pairs.extend(token.quota.as_ref().map(|quota| ("quota", limits::quota(quota))));
    if token.allow_query {
        pairs.push(("in addresses", "yes".to_owned()));
    }
    pairs.extend(
        token
            .unused
            .as_ref()
            .map(|unused| ("unused", shown_unused(unused))),
    );
    if let Some(at) = &token.regenerated_at {
        pairs.push(("regenerated", at.clone()));
    }
    if let Some(old) = &token.previous {
        pairs.extend(old_secret(old));
    }
    if let Some(at) = &token.revoked_at {
        let by = token.revoked_by.as_deref().unwrap_or("unknown");
        let reason = token.revoke_reason.as_deref().unwrap_or("requested");
        pairs.push(("revoked", format!("{at} by {by} ({reason})")));
    }
    if let Some(note) = &token.revoke_note {
        pairs.push(("note", note.clone()));
    }
    output::record(stream, &pairs)
}

/// Since when nobody uses it, and what follows from that.
fn shown_unused(unused: &Unused) -> String {
    let revoked = unused
        .revoked_at
        .as_ref()
        .map(|at| format!("; revoked at {at} unless used"));
    format!(
        "since {}, flagged after {} days{}",
        unused.since,
        unused.flagged_after_days,
        revoked.unwrap_or_default()
    )
}

/// The old secret of an overlap.
fn old_secret(old: &PreviousSecret) -> [(&'static str, String); 2] {
    let sooner = if old.until_first_use {
        " or the first use of the new one"
    } else {
        ""
    };
    let seen = last_used(old.last_used_at.as_ref(), old.last_used_address.as_ref(), None);
    [
        (
            "old secret",
            format!("…{} until {}{sooner}", old.hint, old.ends_at),
        ),
        ("old last used", seen),
    ]
}

/// Shows a secret this once: alone on the standard output, with its record beside it.
pub(super) fn hand_over(issued: &IssuedToken, json: bool) -> Outcome<()> {
    if json {
        return output::json(issued);
    }
    show(Stream::Aside, &issued.token)?;
    output::note("Store the secret now: it is shown this once.");
    output::secret(&issued.secret)
}

/// The state in a list: that nobody uses it is seen there.
fn standing(token: &Token) -> String {
    match &token.unused {
        Some(_) => format!("{}, unused", state(token.state)),
        None => state(token.state).to_owned(),
    }
}

fn last_used(at: Option<&String>, address: Option<&String>, presented_in: Option<&str>) -> String {
    match (at, address) {
        (Some(at), Some(address)) if presented_in == Some("query") => {
            format!("{at} from {address}, in the address")
        }
        (Some(at), Some(address)) => format!("{at} from {address}"),
        (at, _) => or_never(at),
    }
}

/// What a restriction leaves, if there is one.
fn only(word: &'static str, listed: Option<&[String]>) -> Option<(&'static str, String)> {
    let listed = listed?;
    let left = if listed.is_empty() {
        "none".to_owned()
    } else {
        listed.join(" ")
    };
    Some((word, left))
}

fn or_never(instant: Option<&String>) -> String {
    instant.cloned().unwrap_or_else(|| "never".to_owned())
}

fn kind(token_type: TokenType) -> &'static str {
    match token_type {
        TokenType::Personal => "personal",
        TokenType::Global => "global",
        TokenType::Team => "team",
        TokenType::Service => "service",
    }
}

fn state(state: TokenState) -> &'static str {
    match state {
        TokenState::Live => "live",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}
