//! The shape of every kind of request.

use claviger_api::{
    deployments::ListDeployments,
    teams::{SetMember, TeamRole},
    tokens::{IssueToken, ListTokens, ReportLeak, RevokeToken, TokenState},
    verify::Verify,
};
use claviger_client::{Client, Credential, Error};
use expect_test::expect;

use crate::stub::{Stub, json, token};

const ID: &str = "tok_01k9zv5m3r000";

fn client(stub: &Stub) -> Client {
    Client::new(&stub.url, Credential::new("clvp_caller").unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_names_its_operation_its_caller_and_its_key() {
    let receipt = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;
    let issued = format!(
        r#"{{"secret":"clvp_new","token":{},"receipt":{receipt}}}"#,
        token()
    );
    let stub = Stub::answering([json(&issued)]).await;
    let body = IssueToken {
        name: "ci".to_owned(),
        scopes: vec!["tokens:read".to_owned()],
        expires_in_days: Some(30),
        ..IssueToken::default()
    };

    let answer = client(&stub).issue_token(&body, Some("key 1")).await.unwrap();

    assert_eq!((answer.secret.as_str(), answer.receipt.epoch), ("clvp_new", 7));
    expect![[r#"
        POST /v1/tokens HTTP/1.1
        authorization: Bearer clvp_caller
        idempotency-key: key 1
        content-type: application/json
        {"name":"ci","scopes":["tokens:read"],"expires_in_days":30}
    "#]]
    .assert_eq(&stub.received());
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_with_the_same_filter() {
    let page = |cursor: &str| json(&format!(r#"{{"data":[{}],"next_cursor":{cursor}}}"#, token()));
    let stub = Stub::answering([page(r#""a/b=""#), page("null")]).await;
    let client = client(&stub);
    let mut pages = client.pages(ListTokens {
        state: Some(TokenState::Live),
        q: Some("ci & more".to_owned()),
        ..ListTokens::default()
    });

    let mut rows = 0;
    while let Some(page) = pages.next().await {
        rows += page.unwrap().data.len();
    }

    assert_eq!(rows, 2);
    expect![[r#"
        GET /v1/tokens?state=live&q=ci+%26+more HTTP/1.1
        authorization: Bearer clvp_caller

        GET /v1/tokens?state=live&q=ci+%26+more&cursor=a%2Fb%3D HTTP/1.1
        authorization: Bearer clvp_caller
    "#]]
    .assert_eq(&stub.received());
}

#[tokio::test]
async fn a_page_that_points_at_itself_ends_the_walk() {
    let page = || json(r#"{"data":[],"next_cursor":"same"}"#);
    let stub = Stub::answering([page(), page(), page(), page()]).await;
    let client = client(&stub);
    let mut pages = client.pages(ListDeployments::default());

    let mut count = 0;
    while pages.next().await.is_some() {
        count += 1;
    }

    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_found_token_is_reported_without_the_finders_own() {
    let revoked = r#"{"id":"tok_01k9zv5m3r000","receipt":{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}}"#;
    let stub = Stub::answering([json(revoked)]).await;
    let body = ReportLeak {
        token: "clvp_found".to_owned(),
        found_at: None,
    };

    client(&stub).report_leak(&body).await.unwrap();

    expect![[r#"
        POST /v1/tokens/report-leak HTTP/1.1
        content-type: application/json
        {"token":"clvp_found"}
    "#]]
    .assert_eq(&stub.received());
}

#[tokio::test]
async fn calls_under_a_path_keep_the_path() {
    let stub = Stub::answering([json(&token())]).await;
    let base = format!("{}/auth/claviger/", stub.url);
    let client = Client::anonymous(&base).unwrap();

    client.show_token(ID).await.unwrap();

    expect![[r#"
        GET /auth/claviger/v1/tokens/tok_01k9zv5m3r000 HTTP/1.1
    "#]]
    .assert_eq(&stub.received());
}

#[tokio::test]
async fn a_secret_in_the_place_of_an_id_is_never_sent() {
    let stub = Stub::answering([]).await;
    let client = client(&stub);

    for wrong in [
        "clvp_0000000000000000000000000000000003vAJbq",
        "..",
        "",
        "tok_",
        "tok_01k9zv5m3r00/",
    ] {
        let error = client
            .revoke_token(wrong, &RevokeToken::default())
            .await
            .unwrap_err();

        assert!(
            matches!(
                error,
                Error::Argument {
                    argument: "token id",
                    ..
                }
            ),
            "{wrong}"
        );
        assert!(error.is_unreached());
    }
    assert_eq!(stub.received(), "");
}

#[tokio::test]
async fn a_member_is_named_by_both_ids_in_the_path() {
    let member = r#"{"user":"usr_01k9zv5m3r000","email":"ada@example.org","role":"manager","since":"2026-11-22T10:00:00Z"}"#;
    let receipt = r#"{"epoch":7,"verifiers":{"confirmed":1,"fenced":0},"slowest_ms":0}"#;
    let stub = Stub::answering([json(&format!(r#"{{"member":{member},"receipt":{receipt}}}"#))]).await;
    let body = SetMember {
        role: TeamRole::Manager,
    };

    let changed = client(&stub)
        .set_member("team_01k9zv5m3r000", "usr_01k9zv5m3r000", &body)
        .await
        .unwrap();

    assert_eq!(
        (changed.member.role, changed.receipt.epoch),
        (TeamRole::Manager, 7)
    );
    expect![[r#"
        PUT /v1/teams/team_01k9zv5m3r000/members/usr_01k9zv5m3r000 HTTP/1.1
        authorization: Bearer clvp_caller
        content-type: application/json
        {"role":"manager"}
    "#]]
    .assert_eq(&stub.received());
}

#[tokio::test]
async fn the_observer_sees_method_path_and_status_and_nothing_else() {
    let stub = Stub::answering([json(r#"{"valid":false,"code":"unknown","token":null}"#)]).await;
    let (sender, receiver) = std::sync::mpsc::channel();
    let client = Client::builder(&stub.url)
        .credential(Credential::new("clvp_canary").unwrap())
        .observer(move |exchange| sender.send(format!("{exchange:?}")).unwrap())
        .build()
        .unwrap();

    client
        .verify(&Verify {
            token: "clvp_canary".to_owned(),
            ..Verify::default()
        })
        .await
        .unwrap();

    let seen = receiver.recv().unwrap();
    assert_eq!(
        seen,
        r#"Exchange { method: "POST", path: "/v1/verify", status: Some(200) }"#
    );
}
