//! The guard: proof, in a handler's signature, that the request may do what the handler does.
//!
//! A [`Permit<S>`] exists only after the verifier accepted the presented token, or the store the session of a cookie, for the scopes of
//! `S`; it lives for one request and carries the [`Context`] of the operation. A handler enters the router through [`crate::guarded`],
//! which accepts only handlers whose first argument is a permit; what needs no credential is in the fixed list of [`crate::open`].
//! Unknown, malformed, expired, revoked and restricted get one answer.

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv6Addr};

use axum::extract::{FromRequestParts, MatchedPath};
use axum::handler::Handler;
use claviger_domain::owner::{Caller, Means};
use claviger_domain::token::{PresentedIn, TokenType};
use claviger_domain::{Scope, ScopeSet, Timestamp, UserId};
use claviger_service::{Context, Origin};
use claviger_verify::{Decision, DenialCode, Presentation, Required, Verified, Verifier};
use http::request::Parts;

use crate::app::App;
use crate::clients::Clients;
use crate::costs;
use crate::credentials::{Credential, presented, session};
use crate::cross_site;
use crate::layers::Presented;
use crate::layers::query_credential::QueryCredential;
use crate::layers::request_id::RequestId;
use crate::limits::{self, Charged};
use crate::peer::Peer;
use crate::problem::Problem;

/// What a permit allows, named by a type.
pub trait RequiredScope: Send + Sync + 'static {
    /// The scopes that the caller must have, all of them.
    const SCOPES: ScopeSet;
    /// The token may be presented in the address, if its terms allow that.
    const INGEST: bool = false;
}

/// The types that name what a permit allows.
pub mod scope {
    use super::{PhantomData, RequiredScope, Scope, ScopeSet};

    macro_rules! scopes {
        ($($name:ident)+) => {$(
            #[doc = concat!("The caller has the scope [`Scope::", stringify!($name), "`].")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;

            impl RequiredScope for $name {
                const SCOPES: ScopeSet = ScopeSet::only(Scope::$name);
            }
        )+};
    }

    scopes! {
        TokensRead TokensWrite TokensVerify DeploymentsRead DeploymentsWrite AuditRead SystemWrite
        TeamsRead TeamsWrite ServicesRead ServicesWrite EnvironmentsRead EnvironmentsWrite UsersRead UsersWrite
        RolesRead RolesWrite WebhooksRead WebhooksWrite
    }

    /// The presented token or session is live; no scope is needed. For what a caller may do about itself.
    #[derive(Debug, Clone, Copy)]
    pub struct AnyToken;

    impl RequiredScope for AnyToken {
        const SCOPES: ScopeSet = ScopeSet::EMPTY;
    }

    /// What `S` says, for an operation that brings something in and shows nothing: senders that know no other way may present the token
    /// as `?token=`. The operation must stand in the list of the layer that takes credentials out of addresses, too.
    #[derive(Debug, Clone, Copy)]
    pub struct Ingest<S>(PhantomData<S>);

    impl<S: RequiredScope> RequiredScope for Ingest<S> {
        const SCOPES: ScopeSet = S::SCOPES;
        const INGEST: bool = true;
    }
}

/// Proof that the caller may do `S`, for one request.
#[derive(Debug)]
pub struct Permit<S> {
    /// Who asks, through which request, and when.
    pub context: Context,
    scope: PhantomData<S>,
}

impl<S: RequiredScope> FromRequestParts<App> for Permit<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut origin = origin(parts, app);
        let (caller, charged) = match session(&parts.headers) {
            Credential::Absent => by_token(parts, app, &mut origin, S::SCOPES, S::INGEST)?,
            cookie => {
                let caller = by_session(parts, app, &origin, cookie, S::SCOPES).await?;
                (caller, Charged::default())
            }
        };
        if let Some(presented) = parts.extensions.get::<Presented>() {
            presented.note(&caller, charged, origin.now);
        }
        Ok(Self {
            context: Context { caller, origin },
            scope: PhantomData,
        })
    }
}

/// The circumstances of a request that needs no token.
#[derive(Debug)]
pub struct Visit {
    /// Through which request, whence and when.
    pub origin: Origin,
    /// The client is on this machine, and no proxy says that it speaks for another.
    pub is_local: bool,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let is_near = parts.extensions.get::<Peer>().is_some_and(|peer| peer.is_local());
        let is_forwarded = FORWARDING.iter().any(|name| parts.headers.contains_key(*name));
        Ok(Self {
            origin: origin(parts, app),
            is_local: is_near && !is_forwarded,
        })
    }
}

/// Somebody who is about to sign in, not on behalf of another site.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Through which request, whence and when.
    pub(crate) origin: Origin,
    /// The secret of the session that the browser still has.
    pub(crate) session: Option<String>,
}

impl FromRequestParts<App> for Arrival {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        cross_site::refuse_foreign_page(parts)?;
        let session = match session(&parts.headers) {
            Credential::Presented(secret) => Some(secret.to_owned()),
            // Of several none is known to be the browser's last.
            Credential::Absent | Credential::Unusable | Credential::Several => None,
        };
        Ok(Self {
            origin: origin(parts, app),
            session,
        })
    }
}

/// What proxies add to a request that they pass on.
const FORWARDING: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The caller who presents a token, and what is left of the token's limits. `ingest`: it may come in the address.
fn by_token(
    parts: &Parts,
    app: &App,
    origin: &mut Origin,
    scopes: ScopeSet,
    ingest: bool,
) -> Result<(Caller, Charged), Problem> {
    let credential = match parts.extensions.get::<QueryCredential>() {
        None => presented(&parts.headers),
        Some(_) if !ingest => Credential::Unusable,
        Some(QueryCredential::Several) => Credential::Several,
        Some(QueryCredential::One(text)) => {
            origin.presented_in = PresentedIn::Query;
            Credential::Presented(text)
        }
    };
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let at = Presentation {
        cost: costs::of(&parts.method, route, parts.uri.query()),
        presented_in: origin.presented_in,
        ..Presentation::new(origin.now, address_or_unknown(origin.address))
    };
    let verified = authorize(app, credential, &Required::scopes(scopes), &at)?;
    let allowance = app.verifier().allowance(&verified);
    let charged = Charged {
        allowance,
        cost: at.cost,
    };
    Ok((caller(app.verifier(), &verified), charged))
}

/// The caller whose browser sent the cookie of a session: the only credential of the request, and from one of our own pages.
async fn by_session(
    parts: &Parts,
    app: &App,
    origin: &Origin,
    cookie: Credential<'_>,
    scopes: ScopeSet,
) -> Result<Caller, Problem> {
    let secret = match cookie {
        Credential::Several => return Err(Problem::credentials_differ()),
        _ if presented(&parts.headers) != Credential::Absent => return Err(Problem::credentials_differ()),
        _ if parts.extensions.get::<QueryCredential>().is_some() => return Err(Problem::credentials_differ()),
        Credential::Presented(secret) => secret,
        Credential::Unusable | Credential::Absent => "",
    };
    cross_site::require_own_page(parts)?;
    Ok(app.service().check_session(origin, secret, scopes).await?)
}

/// The one decision about a presented token, for every door.
///
/// # Errors
/// 401 without a credential or with one that is not accepted, 400 with two, 403 when a scope is missing, 429 when the token was used
/// too often or the address presented too much that is not accepted.
pub(crate) fn authorize(
    app: &App,
    credential: Credential<'_>,
    required: &Required<'_>,
    at: &Presentation,
) -> Result<Verified, Problem> {
    let text = match credential {
        Credential::Absent => return Err(Problem::credential_missing()),
        Credential::Several => return Err(Problem::credentials_differ()),
        // The verifier refuses the empty text as it refuses every malformed one.
        Credential::Unusable => "",
        Credential::Presented(text) => text,
    };
    let denial = match app.verifier().check(text, required, at) {
        Decision::Allow(verified) => return Ok(verified),
        Decision::Deny(denial) => denial,
    };
    let charged = || Charged {
        allowance: denial
            .subject
            .map(|subject| app.verifier().allowance(&subject))
            .unwrap_or_default(),
        cost: at.cost,
    };
    Err(match denial.code {
        DenialCode::InsufficientScope { missing } => {
            let problem = Problem::scope_missing("the presented token", missing);
            limits::fields(&charged())
                .fold(problem, |problem, (name, value)| problem.with_header(name, value))
        }
        DenialCode::RateLimited { wait } | DenialCode::QuotaExhausted { wait } => {
            limits::exceeded(denial.code.as_str(), wait, &charged())
        }
        _ => {
            let known = !at.address.is_unspecified();
            not_accepted(&app.edge().clients, known.then_some(at.address), at.now)
        }
    })
}

/// What is not accepted is one answer, until the address presented too much of it.
pub(crate) fn not_accepted(clients: &Clients, address: Option<IpAddr>, now: Timestamp) -> Problem {
    match clients.strangers.failed(address, now) {
        Ok(()) => Problem::token_invalid(),
        Err(wait) => limits::too_many_failures(wait),
    }
}

/// The unspecified address stands for "over a Unix socket".
pub(crate) fn address_or_unknown(address: Option<IpAddr>) -> IpAddr {
    address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

/// The principal behind an accepted token.
pub(crate) fn caller(verifier: &Verifier, verified: &Verified) -> Caller {
    let is_personal = verified.token_type == TokenType::Personal;
    Caller {
        by: Means::Token(verified.id),
        owner: verified.owner,
        user: is_personal.then(|| UserId::from_i64(verified.owner.get())),
        org: verified.org,
        power: verifier.power(verified),
        expires_at: verified.expires_at,
        terms: verifier.terms(verified),
    }
}

fn origin(parts: &Parts, app: &App) -> Origin {
    let request_id = parts.extensions.get::<RequestId>();
    let peer = parts.extensions.get::<Peer>().copied();
    Origin {
        request_id: request_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        address: app.edge().clients.address(peer, &parts.headers),
        presented_in: PresentedIn::Header,
        now: app.now(),
    }
}

/// The argument lists whose first argument is a permit.
pub trait StartsWithPermit {}

macro_rules! starts_with_permit {
    ($($argument:ident)*) => {
        impl<M, S: RequiredScope, $($argument),*> StartsWithPermit for (M, Permit<S>, $($argument,)*) {}
    };
}

starts_with_permit!();
starts_with_permit!(A);
starts_with_permit!(A B);
starts_with_permit!(A B C);
starts_with_permit!(A B C D);

/// Compiles only for a handler whose first argument is a [`Permit`].
///
/// ```
/// use claviger_http::guard::{Permit, assert_guarded, scope::TokensRead};
///
/// async fn handler(permit: Permit<TokensRead>) {}
/// assert_guarded(&handler);
/// ```
///
/// ```compile_fail
/// use claviger_http::guard::assert_guarded;
///
/// async fn handler() {}
/// assert_guarded(&handler);
/// ```
///
/// ```compile_fail
/// use claviger_http::guard::{Permit, assert_guarded, scope::TokensRead};
///
/// async fn handler(method: axum::http::Method, permit: Permit<TokensRead>) {}
/// assert_guarded(&handler);
/// ```
pub fn assert_guarded<H, T>(_: &H)
where
    H: Handler<T, App>,
    T: StartsWithPermit,
{
}

/// Adds a handler to an OpenAPI router, if its first argument is a [`Permit`].
#[macro_export]
macro_rules! guarded {
    ($router:expr, $($handler:tt)+) => {{
        $crate::guard::assert_guarded(&$($handler)+);
        $router.routes(utoipa_axum::routes!($($handler)+))
    }};
}

/// Adds a handler that needs no token to an OpenAPI router. Every use is in one list in `router.rs`.
#[macro_export]
macro_rules! open {
    ($router:expr, $($handler:tt)+) => {
        $router.routes(utoipa_axum::routes!($($handler)+))
    };
}
