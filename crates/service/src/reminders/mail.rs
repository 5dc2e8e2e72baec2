//! The words of a reminder by mail.
//!
//! A text is kept with its subject as its first line. Names hold no line break and no control character (`domain::name`), so nothing that
//! a user wrote begins a line of its own or a header (security.md T22).

use claviger_domain::Timestamp;
use claviger_domain::reminder::NoticeKind;
use claviger_domain::token::{Holder, Token};

/// Subject and text of a notice, as they are kept.
pub(super) fn text(token: &Token, kind: NoticeKind, now: Timestamp) -> String {
    let name = token.name.as_str();
    let end = token
        .expires_at
        .map_or_else(|| "never".to_owned(), |end| end.to_string());
    let (subject, happened) = match kind.threshold_days() {
        Some(days) => (
            format!("Token \"{name}\" ends within {}", days_text(days)),
            format!("ends at {end}."),
        ),
        None if kind == NoticeKind::Expired => {
            (format!("Token \"{name}\" has ended"), format!("ended at {end}."))
        }
        None => (
            format!("Ended token \"{name}\" is still in use"),
            format!(
                "ended at {end}, and was presented after that, at {now} or shortly before. It was refused."
            ),
        ),
    };
    let last_use = match &token.last_use {
        Some(used) => format!("It was last accepted at {}.", used.at),
        None => "It was never used.".to_owned(),
    };
    let advice = match kind {
        NoticeKind::Expired | NoticeKind::RefusedAfterExpiry => {
            "An end by time is final. Whoever still needs access needs a new token."
        }
        _ => {
            "Whoever uses it is refused from then on. If it is still needed, issue a new one or regenerate it in \
             time, and put the new secret where the old one is."
        }
    };
    format!(
        "{subject}\n\nThe {} token \"{name}\" (…{}) {happened}\n{last_use}\n\n{advice}\n\nToken: {}\n{}",
        token.token_type(),
        token.hint.as_str(),
        token.id,
        holder(token.holder),
    )
}

/// Subject and text of what [`text`] wrote.
pub(super) fn parts(kept: &str) -> (&str, &str) {
    kept.split_once("\n\n").unwrap_or((kept, ""))
}

fn days_text(days: u32) -> String {
    match days {
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}

fn holder(holder: Holder) -> String {
    match holder {
        Holder::Person(user) => format!("Owner: {user}\n"),
        Holder::Organization(org) => format!("Organization: {org}\n"),
        Holder::Team(team) => format!("Team: {team}\n"),
        Holder::Service { service, team } => format!("Service: {service}\nTeam: {team}\n"),
    }
}
