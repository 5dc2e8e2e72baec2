//! `/v1/teams`: groups of people who own services, and what belonging to one lets a person do.

mod change;
mod create;
mod list;
mod members;

use claviger_testkit::TestServer;
use serde_json::json;

use crate::asking::text;
use crate::people::joined;

/// One of each change of what an organization is ordered by: teams and their members, services, environments, stages.
pub(crate) async fn every_change(server: &TestServer) {
    let admin = server.admin();
    let (ada, _) = joined(server, "ada@example.org", "member").await;
    let team = changed(server, "/v1/teams", json!({ "name": "Payments" })).await;
    let member = format!("{team}/members/{}", text(&ada, "/id"));
    for role in ["member", "manager"] {
        admin
            .put(&member, json!({ "role": role }))
            .await
            .expect_status(200);
    }
    admin.delete(&member).await.expect_status(200);

    let team_id = team.rsplit('/').next().unwrap_or_default();
    let service = changed(
        server,
        "/v1/services",
        json!({ "name": "ledger", "team": team_id }),
    )
    .await;
    admin.delete(&service).await.expect_status(204);
    let environment = changed(server, "/v1/environments", json!({ "name": "canary" })).await;
    let environment_id = environment.rsplit('/').next().unwrap_or_default();
    let stage = changed(
        server,
        "/v1/stages",
        json!({ "name": "first", "environment": environment_id }),
    )
    .await;
    for path in [stage, environment, team] {
        let gone = admin.delete(&path).await;
        assert!(matches!(gone.status, 200 | 204), "{}", gone.body);
    }
}

/// Creates one and gives it another name; gives its path.
async fn changed(server: &TestServer, resource: &str, body: serde_json::Value) -> String {
    let created = server.admin().post(resource, body).await;
    let path = format!("{resource}/{}", created.expect_status(201).at("/id"));
    let renamed = json!({ "name": "another name" });
    server.admin().patch(&path, renamed).await.expect_status(200);
    path
}
