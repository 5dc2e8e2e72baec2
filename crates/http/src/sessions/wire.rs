//! Between the wire types of sessions and the domain's.

use claviger_api::sessions as api;
use claviger_domain::SessionId;
use claviger_domain::session::Session;

/// A session, to a caller who is signed in with `current`, if at all.
pub(super) fn session(session: &Session, current: Option<SessionId>) -> api::Session {
    api::Session {
        id: session.id.to_string(),
        user: session.user.to_string(),
        current: current == Some(session.id),
        created_at: session.created_at.to_string(),
        signed_in_at: session.signed_in_at.to_string(),
        last_seen_at: session.last_seen_at.to_string(),
        idle_ends_at: session.idle_ends_at().to_string(),
        ends_at: session.ends_at.to_string(),
        address: session.address.clone(),
    }
}
