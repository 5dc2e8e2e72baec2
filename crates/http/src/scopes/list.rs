//! `GET /v1/scopes`

use claviger_api::scopes::{Grantable, Scope, Scopes};
use claviger_domain::authority::{Handing, Lack};

use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;

/// List scopes
///
/// Every scope that a token can be given, with how far you may hand it on and, where you may not, why not. It needs no scope.
#[utoipa::path(
    get,
    path = "/v1/scopes",
    tag = "scopes",
    security(("token" = [])),
    responses((status = 200, description = "The catalogue.", body = Scopes), Guarded),
)]
pub(crate) async fn list_scopes(permit: Permit<scope::AnyToken>) -> Json<Scopes> {
    let power = &permit.context.caller.power;
    let shown = |scope: &claviger_domain::Scope| {
        let handing = power.handing(*scope);
        let (grantable, reason) = match handing {
            Handing::Everywhere => (Grantable::Everywhere, None),
            Handing::Restricted => (Grantable::Restricted, None),
            Handing::Own => (Grantable::Own, None),
            Handing::No(Lack::Token) => (Grantable::No, Some("the calling token was not given it")),
            Handing::No(Lack::Owner) => (
                Grantable::No,
                Some("whom the calling token acts as does not have it now"),
            ),
        };
        Scope {
            scope: scope.as_str().to_owned(),
            description: scope.sentence().to_owned(),
            grantable,
            reason: reason.map(str::to_owned),
        }
    };
    Json(Scopes {
        data: claviger_domain::Scope::ALL.iter().map(shown).collect(),
    })
}
