//! All routes, in one list. What is guarded enters through `guarded!`; the rest is here to be counted.

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::openapi::Document;
use crate::{
    audit, calendar_feeds, deployments, environments, explain, guarded, invitations, kinds, layers, open,
    passwords, peppers, policy, roles, scopes, services, sessions, setup, stages, system, teams, tokens,
    users, verify, webhooks,
};

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
    let router = guarded!(router, tokens::finish_rotation::finish_rotation);
    let router = guarded!(router, tokens::revoke::revoke_token);

    let router = organized(router);
    let router = peopled(router);
    let router = reminded(router);

    let router = guarded!(router, deployments::report::report_deployment);
    let router = guarded!(router, deployments::list::list_deployments);

    let router = guarded!(router, audit::list::list_audit);
    let router = guarded!(router, audit::export::export_audit);
    let router = guarded!(router, audit::verify::verify_audit);

    let router = guarded!(router, policy::show::show_policy);
    let router = guarded!(router, policy::put::put_policy);
    let router = guarded!(router, peppers::list::list_peppers);
    let router = guarded!(router, scopes::list::list_scopes);
    let router = guarded!(router, roles::list::list_roles);
    let router = guarded!(router, roles::put::put_role);
    let router = guarded!(router, roles::delete::delete_role);
    let router = guarded!(router, kinds::list::list_kinds);
    let router = guarded!(router, kinds::put::put_kind);
    let router = guarded!(router, kinds::delete::delete_kind);
    let router = guarded!(router, explain::explain);

    let router = guarded!(router, peppers::rotate::rotate_pepper);
    guarded!(router, peppers::retire::retire_pepper)
}

/// Who belongs to an organization, how they come, and where they are signed in.
fn peopled(router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let router = guarded!(router, users::list::list_users);
    let router = guarded!(router, users::show_own::show_own_user);
    let router = guarded!(router, users::change_password::change_own_password);
    let router = guarded!(router, users::show::show_user);
    let router = guarded!(router, users::update::update_user);
    let router = guarded!(router, users::deactivate::deactivate_user);
    let router = guarded!(router, users::reactivate::reactivate_user);
    let router = guarded!(router, users::issue_reset::issue_password_reset);
    let router = open!(router, passwords::reset::reset_password);

    let router = guarded!(router, invitations::create::create_invitation);
    let router = guarded!(router, invitations::list::list_invitations);
    let router = guarded!(router, invitations::withdraw::withdraw_invitation);
    let router = open!(router, invitations::accept::accept_invitation);

    let router = open!(router, sessions::sign_in::sign_in);
    let router = guarded!(router, sessions::list::list_sessions);
    let router = guarded!(router, sessions::show_own::show_own_session);
    let router = guarded!(router, sessions::sign_out::sign_out);
    let router = guarded!(router, sessions::confirm::confirm_session);
    let router = guarded!(router, sessions::end::end_session);
    guarded!(router, sessions::end_all::end_user_sessions)
}

/// Who is told of the ends of tokens.
fn reminded(router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let router = guarded!(router, webhooks::create::create_webhook);
    let router = guarded!(router, webhooks::list::list_webhooks);
    let router = guarded!(router, webhooks::show::show_webhook);
    let router = guarded!(router, webhooks::update::update_webhook);
    let router = guarded!(router, webhooks::delete::delete_webhook);
    let router = guarded!(router, webhooks::rotate_secret::rotate_webhook_secret);
    let router = guarded!(router, webhooks::test::test_webhook);
    let router = guarded!(router, webhooks::list_deliveries::list_deliveries);
    let router = guarded!(router, webhooks::retry::retry_delivery);

    let router = guarded!(router, calendar_feeds::create::create_calendar_feed);
    let router = guarded!(router, calendar_feeds::list::list_calendar_feeds);
    let router = guarded!(router, calendar_feeds::revoke::revoke_calendar_feed);
    open!(router, calendar_feeds::read::read_calendar)
}

/// How an organization is ordered: teams, services, environments, stages.
fn organized(router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let router = guarded!(router, teams::create::create_team);
    let router = guarded!(router, teams::list::list_teams);
    let router = guarded!(router, teams::show::show_team);
    let router = guarded!(router, teams::update::update_team);
    let router = guarded!(router, teams::delete::delete_team);
    let router = guarded!(router, teams::list_members::list_members);
    let router = guarded!(router, teams::set_member::set_member);
    let router = guarded!(router, teams::remove_member::remove_member);

    let router = guarded!(router, services::create::create_service);
    let router = guarded!(router, services::list::list_services);
    let router = guarded!(router, services::show::show_service);
    let router = guarded!(router, services::update::update_service);
    let router = guarded!(router, services::delete::delete_service);

    let router = guarded!(router, environments::create::create_environment);
    let router = guarded!(router, environments::list::list_environments);
    let router = guarded!(router, environments::show::show_environment);
    let router = guarded!(router, environments::update::update_environment);
    let router = guarded!(router, environments::delete::delete_environment);

    let router = guarded!(router, stages::create::create_stage);
    let router = guarded!(router, stages::list::list_stages);
    let router = guarded!(router, stages::show::show_stage);
    let router = guarded!(router, stages::update::update_stage);
    guarded!(router, stages::delete::delete_stage)
}
