//! Every problem code there is: its status, what it means, what to do. The page `/docs/problems` is made from it.
//!
//! A code, once released, keeps its meaning. A test compares the list with the codes that the OpenAPI document names.

/// Code, status, meaning.
pub(crate) const CODES: &[(&str, u16, &str)] = &[
    (
        "body_incomplete",
        400,
        "The body ended before its announced end. Send it again.",
    ),
    (
        "body_too_large",
        413,
        "The body is larger than this server takes. Send less at once.",
    ),
    ("body_too_slow", 408, "The body came too slowly. Send it again."),
    (
        "busy",
        503,
        "Too much at once. Try again after <code>Retry-After</code> seconds.",
    ),
    (
        "calendar_feed_limit_reached",
        409,
        "You have as many calendar feeds as one may have. Revoke one first.",
    ),
    (
        "calendar_feed_not_found",
        404,
        "There is no such calendar feed, or none any more.",
    ),
    (
        "credential_missing",
        401,
        "Present a token: <code>Authorization: Bearer …</code>.",
    ),
    (
        "cross_site_request",
        403,
        "A signed-in browser changes something from this server's own pages only. A program presents a token instead.",
    ),
    (
        "delivery_not_found",
        404,
        "There is no such delivery to this webhook; deliveries are kept for 30 days.",
    ),
    (
        "deployment_not_found",
        404,
        "There is no such deployment, or none that you may know of.",
    ),
    (
        "email_taken",
        409,
        "The organization has a person with this address.",
    ),
    (
        "environment_in_use",
        409,
        "A stage is in this environment. Move or delete the stage first.",
    ),
    (
        "environment_limit_reached",
        409,
        "There are as many environments as an organization may have.",
    ),
    (
        "environment_name_taken",
        409,
        "There is an environment of this name, perhaps in another spelling. Choose another.",
    ),
    (
        "environment_not_found",
        404,
        "There is no such environment, or none that you may know of.",
    ),
    (
        "field_invalid",
        400,
        "A field's value has another type or form; <code>errors</code> names it.",
    ),
    (
        "field_missing",
        400,
        "A required field is missing; <code>errors</code> names it.",
    ),
    (
        "field_unknown",
        400,
        "There is no field of this name; <code>errors</code> names it and those there are.",
    ),
    (
        "host_invalid",
        400,
        "The request has no <code>Host</code> field, or several. Send one.",
    ),
    (
        "idempotency_in_flight",
        409,
        "The first request with this Idempotency-Key has no answer yet. Wait for it.",
    ),
    (
        "idempotency_key_invalid",
        400,
        "An Idempotency-Key has 1 to 255 visible ASCII characters.",
    ),
    (
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used with another request. Choose a new one.",
    ),
    (
        "input_invalid",
        400,
        "The input is well-formed and not acceptable; <code>errors</code> says which fields, and why.",
    ),
    (
        "insufficient_scope",
        403,
        "The token is live and lacks a scope; the detail names it.",
    ),
    (
        "internal",
        500,
        "A fault of ours. Report it with the <code>request_id</code>.",
    ),
    (
        "invitation_gone",
        410,
        "The invitation was used or withdrawn, ran out, or was made by somebody who may no longer invite so far. Ask for another.",
    ),
    (
        "invitation_not_found",
        404,
        "There is no such invitation, or none that you may know of.",
    ),
    ("json_invalid", 400, "The body is no JSON, or names a key twice."),
    ("json_too_deep", 400, "The JSON is nested too deeply."),
    (
        "json_too_large",
        400,
        "The JSON has too many values, or an array too many strings.",
    ),
    (
        "kind_in_use",
        409,
        "A role names this kind, or an action that would go. Change the role first.",
    ),
    (
        "kind_is_preset",
        409,
        "A preset kind stays as it is. Choose another name.",
    ),
    (
        "kind_limit_reached",
        409,
        "The organization has as many kinds of resources as fit. Delete one first.",
    ),
    (
        "kind_not_found",
        404,
        "Your organization has no kind of this name of its own.",
    ),
    (
        "kind_reserved",
        409,
        "Scopes govern this kind of resource. Choose another name.",
    ),
    (
        "last_administrator",
        409,
        "The organization keeps one super administrator who may act. Make another one first.",
    ),
    (
        "media_type_unsupported",
        415,
        "Send the body as <code>Content-Type: application/json</code>.",
    ),
    (
        "member_limit_reached",
        409,
        "The team has as many members as a team may have.",
    ),
    (
        "member_not_found",
        404,
        "This person does not belong to the team.",
    ),
    (
        "method_not_allowed",
        405,
        "The path has other methods; the header <code>Allow</code> lists them.",
    ),
    (
        "multiple_credentials",
        400,
        "The request presents two different credentials, or a token and the cookie of a session. Send one.",
    ),
    (
        "out_of_reach",
        403,
        "The token has the scope, and not here: it may see the thing and not do this to it.",
    ),
    (
        "outcome_unknown",
        503,
        "The change may be done or not. Look, or repeat the call with the same Idempotency-Key.",
    ),
    ("page_not_found", 404, "There is no such page."),
    ("password_wrong", 403, "This is not your present password."),
    (
        "pepper_has_stragglers",
        409,
        "Live tokens depend on the previous pepper. Wait until they are used, or revoke them with the call.",
    ),
    (
        "pepper_in_configuration",
        409,
        "The peppers are in the configuration: the operator changes them there.",
    ),
    (
        "pepper_missing",
        409,
        "The pepper of this token is not among the live ones.",
    ),
    ("pepper_none_previous", 409, "There is no previous pepper."),
    (
        "pepper_previous_live",
        409,
        "At most two peppers are live. Retire the previous one first.",
    ),
    (
        "quota_exhausted",
        429,
        "The token's quota is spent. It is full again after <code>Retry-After</code> seconds.",
    ),
    (
        "random_unavailable",
        503,
        "The operating system gave no random bytes. Nothing was changed.",
    ),
    (
        "rate_limited",
        429,
        "The token, or all tokens of its owner together, were used too often. Try again after <code>Retry-After</code> seconds.",
    ),
    (
        "request_timeout",
        503,
        "The request took too long. Whether it was done is unknown: look before you repeat it.",
    ),
    (
        "reset_gone",
        410,
        "The password reset was used, voided or ran out. Ask for another.",
    ),
    ("reset_not_found", 404, "There is no such password reset."),
    (
        "role_exceeds_caller",
        403,
        "The role brings more than the calling token has. Nobody hands out what they do not have.",
    ),
    (
        "role_in_use",
        409,
        "Live tokens or people have this role. Take it from them first.",
    ),
    (
        "role_is_preset",
        409,
        "A preset role stays as it is. Choose another name.",
    ),
    (
        "role_limit_reached",
        409,
        "The organization has as many roles as fit. Delete one first.",
    ),
    (
        "role_not_found",
        404,
        "Your organization has no role of this name of its own.",
    ),
    ("route_not_found", 404, "There is nothing at this path."),
    (
        "secret_already_shown",
        409,
        "The secret was shown once and is gone. Regenerate the token to get a new one.",
    ),
    (
        "service_in_use",
        409,
        "The service has live tokens. Revoke them first.",
    ),
    (
        "service_limit_reached",
        409,
        "There are as many services as an organization may have.",
    ),
    (
        "service_name_taken",
        409,
        "There is a service of this name, perhaps in another spelling. Choose another.",
    ),
    (
        "service_not_found",
        404,
        "There is no such service, or none that you may know of.",
    ),
    (
        "session_invalid",
        401,
        "The session is over: ended, idle, or too old. Sign in again.",
    ),
    (
        "session_not_found",
        404,
        "There is no such session, or none that you may know of; or the call presents a token and no session.",
    ),
    (
        "setup_code_expired",
        403,
        "The code's time is over. The server prints a new one when it starts.",
    ),
    (
        "setup_code_invalid",
        403,
        "This is not the code that the server printed.",
    ),
    ("setup_completed", 410, "The installation has its administrator."),
    (
        "setup_not_local",
        403,
        "Set-up is possible from the server's own machine only.",
    ),
    (
        "sign_in_failed",
        401,
        "No active account has this address and this password.",
    ),
    (
        "stage_limit_reached",
        409,
        "There are as many stages as an organization may have.",
    ),
    (
        "stage_name_taken",
        409,
        "There is a stage of this name, perhaps in another spelling. Choose another.",
    ),
    (
        "stage_not_found",
        404,
        "There is no such stage, or none that you may know of.",
    ),
    (
        "step_up_required",
        401,
        "This needs a sign-in within the last 5 minutes. Confirm your password, then repeat the call.",
    ),
    (
        "storage_full",
        507,
        "The server's disk is full. Nothing was changed.",
    ),
    (
        "store_unavailable",
        503,
        "The store cannot be reached. Nothing was changed; try again.",
    ),
    (
        "team_limit_reached",
        409,
        "There are as many teams as an organization may have.",
    ),
    (
        "team_name_taken",
        409,
        "There is a team of this name, perhaps in another spelling. Choose another.",
    ),
    (
        "team_not_empty",
        409,
        "Something belongs to the team. Move or delete it first.",
    ),
    (
        "team_not_found",
        404,
        "There is no such team, or none that you may know of.",
    ),
    (
        "token_in_query",
        400,
        "A credential in a query string is not accepted. Send it in a header, and revoke it if the address was logged.",
    ),
    (
        "token_invalid",
        401,
        "The presented token is not accepted: unknown, malformed, expired or revoked. Its owner can see why in its record.",
    ),
    (
        "token_limit_reached",
        409,
        "There are as many live tokens as this installation takes.",
    ),
    (
        "token_live",
        409,
        "The token is live. Revoke it before deleting its record.",
    ),
    (
        "token_name_taken",
        409,
        "The owner has a live token of this name. Choose another.",
    ),
    (
        "token_not_found",
        404,
        "There is no such token, or none that you may know of.",
    ),
    ("token_not_live", 409, "The token has ended, and stays so."),
    (
        "token_of_other_owner",
        403,
        "Only the owner of a token may do this with it.",
    ),
    (
        "too_many_attempts",
        429,
        "Too many wrong guesses. Try again after <code>Retry-After</code> seconds.",
    ),
    (
        "too_many_failures",
        429,
        "Too much was presented from your address that is not accepted. A good token is accepted all the same.",
    ),
    (
        "user_deactivated",
        409,
        "The person is deactivated. Reactivate them first.",
    ),
    ("user_not_found", 404, "There is no such user."),
    (
        "webhook_disabled",
        409,
        "The webhook is disabled and told nothing. Enable it first.",
    ),
    (
        "webhook_limit_reached",
        409,
        "There are as many webhooks as an organization may have. Delete one first.",
    ),
    (
        "webhook_not_found",
        404,
        "There is no such webhook, or none that you may know of.",
    ),
    (
        "webhook_tests_pending",
        409,
        "As many tests as may are on their way to this webhook. See how they went first.",
    ),
    (
        "writer_stopped",
        503,
        "A commit failed, and the server takes no changes until it is restarted. Verification goes on.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_names_each_code_once() {
        assert!(CODES.is_sorted_by(|(before, ..), (after, ..)| before < after));
    }

    #[test]
    fn every_code_that_the_document_names_is_explained() {
        let explained: BTreeSet<&str> = CODES.iter().map(|(code, ..)| *code).collect();
        let document: serde_json::Value = serde_json::from_str(&crate::openapi_json()).unwrap();

        let mut named = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for operation in operations.as_object().unwrap().values() {
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    if status.starts_with('2') {
                        continue;
                    }
                    assert!(
                        answer["content"]["application/problem+json"].is_object(),
                        "{path} {status} is no problem"
                    );
                    let description = answer["description"].as_str().unwrap();
                    named.extend(description.split('`').skip(1).step_by(2).map(str::to_owned));
                }
            }
        }

        let unexplained: Vec<_> = named
            .iter()
            .filter(|code| !explained.contains(code.as_str()))
            .collect();
        assert!(unexplained.is_empty(), "{unexplained:?}");
    }
}
