//! All routes, in one list. What is guarded enters through `guarded!`; the rest is here to be counted.

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::openapi::Document;
use crate::{audit, deployments, guarded, layers, open, peppers, setup, system, tokens, verify};

/// The router with all its layers.
pub(crate) fn router(app: &App) -> Router {
    let (routes, _) = routes().split_for_parts();
    let pages = Router::new()
        .route("/docs", get(system::docs::to_page))
        .route("/docs/problems", get(system::docs::problems))
        .route("/docs/", get(system::docs::page))
        .route("/docs/{file}", get(system::docs::file));
    layers::wrap(routes.merge(pages).with_state(app.clone()), app.edge().clone())
}

/// Every operation of the API. The two pages for people are added by [`router`].
pub(crate) fn routes() -> OpenApiRouter<App> {
    let router = OpenApiRouter::with_openapi(Document::openapi());
    let router = open!(router, system::healthz::healthz);
    let router = open!(router, system::readyz::readyz);
    let router = open!(router, system::metrics::metrics);
    let router = open!(router, system::openapi::openapi);
    let router = open!(router, setup::set_up);
    let router = open!(router, tokens::report_leak::report_leak);

    let router = guarded!(router, verify::verify);

    let router = guarded!(router, tokens::issue::issue_token);
    let router = guarded!(router, tokens::list::list_tokens);
    let router = guarded!(router, tokens::bulk_revoke::revoke_tokens);
    let router = guarded!(router, tokens::show_own::show_own_token);
    let router = guarded!(router, tokens::revoke_own::revoke_own_token);
    let router = guarded!(router, tokens::show::show_token);
    let router = guarded!(router, tokens::update::update_token);
    let router = guarded!(router, tokens::delete::delete_token);
    let router = guarded!(router, tokens::regenerate::regenerate_token);
    let router = guarded!(router, tokens::revoke::revoke_token);

    let router = guarded!(router, deployments::report::report_deployment);
    let router = guarded!(router, deployments::list::list_deployments);

    let router = guarded!(router, audit::list::list_audit);
    let router = guarded!(router, audit::export::export_audit);
    let router = guarded!(router, audit::verify::verify_audit);

    let router = guarded!(router, peppers::list::list_peppers);
    let router = guarded!(router, peppers::rotate::rotate_pepper);
    guarded!(router, peppers::retire::retire_pepper)
}
