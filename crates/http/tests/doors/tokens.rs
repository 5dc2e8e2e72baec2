//! A token's life through the door.

use http_body_util::Full;
use serde_json::{Value, json};

use super::house::{House, request};

#[tokio::test]
async fn a_token_is_issued_shown_changed_regenerated_revoked_and_deleted() {
    let house = House::open().await;
    let body = json!({ "name": "ci", "scopes": ["deployments:write"], "expires_in_days": 30 });
    let refused = house.call("POST", "/v1/tokens", body).await;
    assert_eq!(refused.json()["errors"][0]["code"], "name_too_short");

    let body = json!({ "name": "release pipeline", "scopes": ["deployments:write"], "expires_in_days": 30 });
    let issued = house.call("POST", "/v1/tokens", body).await;
    assert_eq!(issued.status.as_u16(), 201);
    let issued = issued.json();
    let (id, secret) = (
        issued["token"]["id"].as_str().unwrap(),
        issued["secret"].as_str().unwrap(),
    );
    assert_eq!(issued["token"]["hint"], secret[secret.len() - 4..]);
    let path = format!("/v1/tokens/{id}");

    let shown = house.call("GET", &path, Value::Null).await.json();
    assert_eq!(
        (&shown["name"], &shown["state"]),
        (&json!("release pipeline"), &json!("live"))
    );
    let changed = house
        .call("PATCH", &path, json!({ "description": "for the train" }))
        .await
        .json();
    assert_eq!(changed["token"]["description"], "for the train");

    let report = json!({ "service": "search", "version": "1.4.2" });
    let reported = house
        .call_as(secret, "POST", "/v1/deployments", report.clone())
        .await;
    assert_eq!(reported.status.as_u16(), 201, "{}", reported.body);
    let listed = house
        .call("GET", "/v1/deployments?service=search", Value::Null)
        .await
        .json();
    assert_eq!(listed["data"][0]["reported_by"], id);

    let regenerated = house
        .call("POST", &format!("{path}/regenerate"), Value::Null)
        .await
        .json();
    let next = regenerated["secret"].as_str().unwrap();
    assert_eq!(
        house
            .call_as(secret, "POST", "/v1/deployments", report.clone())
            .await
            .status
            .as_u16(),
        401
    );
    assert_eq!(
        house
            .call_as(next, "POST", "/v1/deployments", report.clone())
            .await
            .status
            .as_u16(),
        201
    );

    assert_eq!(
        house.call("DELETE", &path, Value::Null).await.code(),
        "token_live"
    );
    let revoked = house
        .call("POST", &format!("{path}/revoke"), json!({ "note": "done" }))
        .await
        .json();
    assert_eq!(revoked["token"]["state"], "revoked");
    assert_eq!(
        revoked["receipt"]["verifiers"],
        json!({ "confirmed": 1, "fenced": 0 })
    );
    assert_eq!(
        house
            .call_as(next, "POST", "/v1/deployments", report)
            .await
            .status
            .as_u16(),
        401
    );
    let deleted = house.call("DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.as_str()), (204, ""));
    assert_eq!(house.call("GET", &path, Value::Null).await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_repeated_call_is_answered_with_the_same_bytes() {
    let house = House::open().await;
    let call = |body: &str| {
        request("POST", "/v1/tokens")
            .header("authorization", &house.admin)
            .header("content-type", "application/json")
            .header("idempotency-key", "k-1")
            .body(Full::from(body.to_owned()))
            .unwrap()
    };
    let body = r#"{"name":"once","scopes":["tokens:read"]}"#;

    let first = house.send(call(body)).await;
    let second = house.send(call(body)).await;
    let other = house
        .send(call(r#"{"name":"twice","scopes":["tokens:read"]}"#))
        .await;

    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(
        (other.status.as_u16(), other.code().as_str()),
        (422, "idempotency_key_reused")
    );
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let house = House::open().await;
    for name in ["beta", "alpha", "gamma"] {
        house
            .call(
                "POST",
                "/v1/tokens",
                json!({ "name": name, "scopes": ["tokens:read"] }),
            )
            .await;
    }

    let mut names = Vec::new();
    let mut path = "/v1/tokens?sort=name&limit=2".to_owned();
    for _ in 0..5 {
        let page = house.call("GET", &path, Value::Null).await.json();
        names.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|token| token["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/tokens?sort=name&limit=2&cursor={cursor}");
    }
    let refused = house
        .call(
            "GET",
            "/v1/tokens?limit=0&sort=size&expires_before=soon",
            Value::Null,
        )
        .await
        .json();

    assert_eq!(names, ["alpha", "beta", "first administrator", "gamma"]);
    let codes: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["instant_malformed", "sort_unknown", "limit_out_of_range"]);
}

#[tokio::test]
async fn many_tokens_are_revoked_at_once_after_a_rehearsal() {
    let house = House::open().await;
    for name in ["leak one", "leak two", "other"] {
        house
            .call(
                "POST",
                "/v1/tokens",
                json!({ "name": name, "scopes": ["tokens:read"] }),
            )
            .await;
    }
    let body = |dry_run| json!({ "filter": { "name_prefix": "leak" }, "dry_run": dry_run });

    let rehearsal = house.call("POST", "/v1/tokens/revoke", body(true)).await.json();
    let done = house.call("POST", "/v1/tokens/revoke", body(false)).await.json();
    let ambiguous = house.call("POST", "/v1/tokens/revoke", json!({})).await;

    assert_eq!(
        (&rehearsal["revoked"], &rehearsal["receipt"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(done["revoked"], 2);
    assert!(done["receipt"]["epoch"].is_number());
    assert_eq!(ambiguous.json()["errors"][0]["code"], "selection_ambiguous");
}

#[tokio::test]
async fn whoever_holds_a_token_may_end_it() {
    let house = House::open().await;
    let issued = house
        .call(
            "POST",
            "/v1/tokens",
            json!({ "name": "leaked", "scopes": ["tokens:read"] }),
        )
        .await
        .json();
    let report = |token: &str| {
        request("POST", "/v1/tokens/report-leak")
            .header("content-type", "application/json")
            .body(Full::from(
                json!({ "token": token, "found_at": "a build log" }).to_string(),
            ))
            .unwrap()
    };
    let secret = issued["secret"].as_str().unwrap();

    let ended = house.send(report(secret)).await;
    let again = house.send(report(secret)).await.without_id();
    let nonsense = house.send(report("nonsense")).await.without_id();

    assert_eq!(ended.json()["id"], issued["token"]["id"]);
    assert_eq!(again.status.as_u16(), 404);
    assert_eq!(again, nonsense);
    assert_eq!(
        house
            .call_as(secret, "GET", "/v1/tokens/self", Value::Null)
            .await
            .status
            .as_u16(),
        401
    );
}

#[tokio::test]
async fn the_audit_trail_is_listed_exported_and_verified() {
    let house = House::open().await;
    house
        .call(
            "POST",
            "/v1/tokens",
            json!({ "name": "watched", "scopes": ["tokens:read"] }),
        )
        .await;

    let listed = house
        .call("GET", "/v1/audit/events?action=token.issued&limit=1", Value::Null)
        .await
        .json();
    let exported = house.call("GET", "/v1/audit/export", Value::Null).await;
    let verdict = house.call("POST", "/v1/audit/verify", Value::Null).await.json();

    assert_eq!(listed["data"][0]["detail"]["name"], "watched");
    assert_eq!(exported.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Value> = exported
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(verdict["events"], lines.len());
    assert_eq!(verdict["intact"], true);
    assert_eq!(lines.last().unwrap()["hash"], verdict["head_hash"]);
}

#[tokio::test]
async fn peppers_are_listed_rotated_and_retired() {
    let house = House::open().await;

    let before = house.call("GET", "/v1/peppers", Value::Null).await.json();
    let rotated = house.call("POST", "/v1/peppers/rotate", Value::Null).await.json();
    house.clock.advance_a_second();
    let retired = house.call("POST", "/v1/peppers/retire", Value::Null).await;

    assert_eq!(before["data"].as_array().unwrap().len(), 1);
    assert_eq!(rotated["data"][1]["id"], before["data"][0]["id"]);
    // The administrator's own use moved the only token to the new pepper.
    assert_eq!(retired.status.as_u16(), 200, "{}", retired.body);
}

#[tokio::test]
async fn a_second_setup_and_one_from_afar_are_refused() {
    let house = House::open().await;
    let set_up = request("POST", "/v1/setup")
        .header("content-type", "application/json")
        .body(Full::from(
            json!({ "code": "x", "email": "eve@example.org" }).to_string(),
        ))
        .unwrap();

    let refused = house.send(set_up).await;

    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (403, "setup_not_local")
    );
}
