//! A second organization that lives beside the first: one of every noun, each marked, made through the API; nothing of it shows in a run
//! of the first, whatever is asked with its ids is answered as if they never were, and nothing of it changes. That whole suites run beside
//! marked data is the testkit's affair (`claviger_testkit::shadow`).

use std::collections::BTreeSet;

use claviger_testkit::receiver::Receiver;
use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, unknown_token, whole_list};
use crate::crowd::{Person, stranger};
use crate::matrix::{OPERATIONS, Targets};
use crate::people::PASSWORD;
use crate::tamper::Database;

/// In every text that the second organization may choose.
const MARK: &str = "penumbra";
/// Its number; `crowd::stranger` makes it.
const ORG: i64 = 500;
/// An id that never was, of a noun.
const NEVER: &str = "0000000000009";

/// Every list of the API, and what else shows many things.
const LISTS: [&str; 15] = [
    "/v1/tokens",
    "/v1/users",
    "/v1/teams",
    "/v1/services",
    "/v1/environments",
    "/v1/stages",
    "/v1/invitations",
    "/v1/sessions",
    "/v1/webhooks",
    "/v1/calendar-feeds",
    "/v1/deployments",
    "/v1/audit/events",
    "/v1/roles",
    "/v1/kinds",
    "/v1/policy",
];

/// Where the store keeps what is an organization's.
const OWNED: [&str; 16] = [
    "user_account",
    "token",
    "deployment",
    "team",
    "service",
    "environment",
    "stage",
    "invitation",
    "sign_in_session",
    "webhook",
    "delivery",
    "calendar_feed",
    "role",
    "resource_kind",
    "policy",
    "audit_event",
];

/// The second organization.
struct Other {
    eve: Person,
    targets: Targets,
    /// Its ids and secrets, and the mark.
    marks: BTreeSet<String>,
}

/// Tables and their rows.
type Rows = Vec<(String, Vec<Vec<String>>)>;

/// Every id in a text.
fn ids(text: &str) -> impl Iterator<Item = String> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_id = |word: &&str| {
        let digits = word.split_once('_').map_or("", |(_, digits)| digits);
        digits.len() == 13
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    text.split(move |letter| !is_word(letter))
        .filter(is_id)
        .map(str::to_owned)
}

fn marked(what: &str) -> String {
    format!("{MARK} {what}")
}

/// Creates one thing; the secret that it came with is a mark.
async fn make(caller: &Caller, marks: &mut BTreeSet<String>, path: &str, body: Value) -> Answer {
    let answer = caller.post(path, body).await;
    answer.expect_status(201);
    let body = answer.json();
    let secrets = ["secret", "path"]
        .into_iter()
        .filter_map(|field| body[field].as_str());
    marks.extend(secrets.map(str::to_owned));
    answer
}

impl Other {
    /// Makes one of every noun there.
    async fn settle(server: &mut TestServer) -> Self {
        let mut eve = stranger(server).await;
        eve.caller = eve.caller.unwatched();
        let caller = &eve.caller;
        let mut marks = BTreeSet::from([MARK.to_owned()]);
        let mut targets = Targets::of(server, caller, &marked("thing")).await;
        let holders = [
            ("global", "reason", MARK),
            ("team", "team", targets.team.as_str()),
            ("service", "service", targets.service.as_str()),
        ];
        for (kind, field, id) in holders {
            let token = json!({ "name": marked(kind), "type": kind, field: id, "scopes": ["tokens:read"] });
            make(caller, &mut marks, "/v1/tokens", token).await;
        }
        let feed = json!({ "name": marked("feed") });
        let feed = make(caller, &mut marks, "/v1/calendar-feeds", feed).await;
        targets.feed = feed.at("/feed/id");
        let report = json!({ "service": marked("service"), "version": MARK, "environment": marked("place") });
        make(caller, &mut marks, "/v1/deployments", report).await;
        // Its message has arrived before anything else happens.
        let receiver = Receiver::start().await;
        let hook = json!({ "url": receiver.url(), "description": marked("hook") });
        let hook = make(caller, &mut marks, "/v1/webhooks", hook)
            .await
            .at("/webhook/id");
        let test = caller
            .post(&format!("/v1/webhooks/{hook}/test"), Value::Null)
            .await;
        assert!(test.status < 300, "{}", test.text());
        server.settle().await;
        Self::rules(&eve, &targets.team).await;
        Self::somebody_joins(server, &eve, &mut marks).await;
        server.flush().await;

        for list in LISTS.into_iter().chain(["/v1/audit/export"]) {
            marks.extend(ids(&eve.caller.get(list).await.body));
        }
        server.flush().await;
        Self { eve, targets, marks }
    }

    /// A kind, a role, its assignment and a policy.
    async fn rules(eve: &Person, team: &str) {
        let kind = json!({ "description": marked("kind"), "actions": [format!("{MARK}-do")] });
        let cells = json!([{ "kind": format!("{MARK}-kind"), "actions": "*" }]);
        let role = json!({ "description": marked("role"), "grants": cells });
        let rules = json!({ "default_days": 77, "never_allowed": true });
        let policy = json!({ "personal": rules, "global": rules, "team": rules, "service": rules, "query_tokens": true });
        for (path, body) in [
            (format!("/v1/kinds/{MARK}-kind"), kind),
            (format!("/v1/roles/{MARK}-role"), role),
            ("/v1/policy".to_owned(), policy),
        ] {
            eve.caller.put(&path, body).await.expect_status(200);
        }
        let assigned = json!([{ "role": format!("{MARK}-role"), "teams": [team], "environments": "*", "names": [MARK] }]);
        let path = format!("/v1/users/{}", eve.id);
        let assigned = eve.caller.patch(&path, json!({ "roles": assigned })).await;
        assigned.expect_status(200);
    }

    /// Somebody is invited, joins and signs in.
    async fn somebody_joins(server: &TestServer, eve: &Person, marks: &mut BTreeSet<String>) {
        let email = format!("{MARK}-joined@example.com");
        let invited = json!({ "email": email, "role": "member" });
        let invitation = make(&eve.caller, marks, "/v1/invitations", invited).await;
        let joined =
            json!({ "invitation": invitation.at("/secret"), "name": marked("person"), "password": PASSWORD });
        let anonymous = server.anonymous().unwatched();
        make(&anonymous, marks, "/v1/invitations/accept", joined).await;
        let sign_in = json!({ "email": email, "password": PASSWORD });
        make(&anonymous, marks, "/v1/sessions", sign_in).await;
    }

    /// Every row of the organization, as the store has it.
    async fn rows(&self, server: &TestServer) -> Rows {
        let owned = OWNED.map(|table| format!("SELECT * FROM {table} WHERE org_id = {ORG} ORDER BY 1, 2"));
        let of_people = ["team_member", "user_password", "password_reset"].map(|table| {
            format!(
                "SELECT * FROM {table} WHERE user_id IN (SELECT id FROM user_account WHERE org_id = {ORG}) ORDER BY 1, 2"
            )
        });
        let own = format!("SELECT * FROM organization WHERE id = {ORG}");
        let database = Database::of(server).await;
        let mut all = Vec::new();
        for query in owned.into_iter().chain(of_people).chain([own]) {
            let rows = database.rows(&query).await;
            all.push((query, rows));
        }
        all
    }
}

/// Somebody who may do everything in the first organization, and whose end would be no loss.
async fn anybody(server: &TestServer) -> Caller {
    server.token().field("scopes", ALL_SCOPES.to_vec()).issue().await
}

/// The rows without the tokens': to present a token is a use of it, whoever asks.
fn without_uses(rows: Rows) -> Rows {
    rows.into_iter()
        .filter(|(query, _)| !query.contains("FROM token "))
        .collect()
}

on_both_stores! {
    async fn a_run_of_the_first_shows_nothing_of_the_second_and_changes_nothing_there(mut server: TestServer) {
        let other = Other::settle(&mut server).await;
        let before = other.rows(&server).await;
        assert!(other.marks.len() > 25, "{:?}", other.marks);
        for (query, rows) in &before {
            assert!(!rows.is_empty() || query.contains("password_reset"), "{query}: every noun is there");
        }
        server.forbid(other.marks.iter().cloned());

        for operation in OPERATIONS {
            let what = format!("{} {}", operation.method, operation.path);
            let targets = Targets::make(&server, &what).await;
            let caller = anybody(&server).await;
            caller.request(operation.method(), &targets.path(operation), targets.body(operation)).await;
        }
        crate::people::every_change(&server).await;
        crate::sessions::every_change(&server).await;
        crate::reminders::every_change(&server).await;
        crate::teams::every_change(&server).await;
        crate::roles::every_change(&server).await;
        for list in LISTS {
            server.admin().get(list).await.expect_status(200);
            for query in ["q", "service", "subject", "action"] {
                server.admin().get(&format!("{list}?{query}={MARK}")).await;
            }
        }
        for list in ["/v1/tokens", "/v1/users", "/v1/audit/events"] {
            whole_list(server.admin(), list).await;
        }
        server.admin().get("/v1/audit/export").await.expect_status(200);
        // The same key, name and address as the other organization used collide with nothing.
        let keyed = |caller: &Caller| caller.header("idempotency-key", "the-same");
        let body = json!({ "name": marked("global"), "scopes": ["tokens:read"] });
        keyed(&server.admin().unwatched()).post("/v1/tokens", body.clone()).await.expect_status(201);

        assert_eq!(other.rows(&server).await, before, "nothing happened there");
        keyed(&other.eve.caller).post("/v1/tokens", body).await.expect_status(201);
    }
}

on_both_stores! {
    async fn every_operation_about_an_id_of_the_second_says_that_there_is_none(mut server: TestServer) {
        let other = Other::settle(&mut server).await;
        let before = other.rows(&server).await;
        let mut asked = 0;

        for operation in OPERATIONS.iter().filter(|operation| operation.is_guarded() && operation.path.contains('{')) {
            // Who writes a role or a kind of that name writes one of their own.
            if operation.method == "PUT" && operation.path.contains("{name}") {
                continue;
            }
            let path = operation.path.replace("{name}", &format!("{MARK}-role"));
            let path = if path == operation.path { other.targets.path(operation) } else { path };
            let own = Targets::make(&server, &format!("{} {}", operation.method, operation.path)).await;
            let caller = anybody(&server).await.unwatched();
            let answer = caller.request(operation.method(), &path, own.body(operation)).await;

            asked += 1;
            assert_eq!(answer.status, 404, "{} {path}: {}", operation.method, answer.text());
            assert!(!answer.body.contains(&marked("")), "{}", answer.text());
        }

        assert!(asked > 25, "{asked}");
        assert_eq!(other.rows(&server).await, before);
    }
}

/// What an answer says of `id`, without what differs between any two.
fn said(answer: &Answer, id: &str) -> String {
    let mut body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
        fields.remove("receipt");
    }
    format!("{} {body}", answer.status).replace(id, "ID")
}

/// Requests of the first organization with an `ID` in body or query, and an id of the second to put there.
fn cases(own: &Targets, other: &Other) -> Vec<(Method, String, String, Value)> {
    let (theirs, eve) = (&other.targets, other.eve.id.as_str());
    let team = theirs.team.as_str();
    let service = theirs.service.as_str();
    let environment = theirs.environment.as_str();
    let token = theirs.token.id();
    let issued = |field: &str, value: Value| {
        let mut body = json!({ "name": "new one", "scopes": ["tokens:read"], field: value });
        if matches!(field, "team" | "service") {
            body["type"] = field.into();
        }
        body
    };
    let assigned = |field: &str| {
        let mut assignment =
            json!({ "role": "application.view", "teams": "*", "environments": "*", "names": "*" });
        assignment[field] = json!(["ID"]);
        json!([assignment])
    };
    let asked = |token: &str, field: &str| {
        let resource = json!({ "kind": "tokens", field: "ID" });
        json!({ "token": token, "action": "read", "resource": resource })
    };
    let invited = json!([{ "team": "ID", "role": "member" }]);
    let invited = json!({ "email": "new@example.org", "teams": invited });
    let bodies = [
        ("POST /v1/services", team, json!({ "name": "new", "team": "ID" })),
        (
            "POST /v1/stages",
            environment,
            json!({ "name": "new", "environment": "ID" }),
        ),
        ("POST /v1/tokens", team, issued("team", json!("ID"))),
        ("POST /v1/tokens", service, issued("service", json!("ID"))),
        (
            "POST /v1/tokens",
            team,
            issued("restrictions", json!({ "teams": ["ID"] })),
        ),
        (
            "POST /v1/tokens",
            service,
            issued("restrictions", json!({ "services": ["ID"] })),
        ),
        (
            "POST /v1/tokens",
            environment,
            issued("restrictions", json!({ "environments": ["ID"] })),
        ),
        ("POST /v1/tokens", team, issued("roles", assigned("teams"))),
        (
            "POST /v1/tokens",
            environment,
            issued("roles", assigned("environments")),
        ),
        ("POST /v1/explain", team, asked(own.token.id(), "team")),
        ("POST /v1/explain", service, asked(own.token.id(), "service")),
        (
            "POST /v1/explain",
            environment,
            asked(own.token.id(), "environment"),
        ),
        ("POST /v1/verify", team, asked("nonsense", "team")),
        ("POST /v1/verify", service, asked("nonsense", "service")),
        ("POST /v1/verify", environment, asked("nonsense", "environment")),
        (
            "POST /v1/webhooks",
            team,
            json!({ "url": "https://example.org/", "team": "ID" }),
        ),
        ("POST /v1/invitations", team, invited),
    ]
    .map(|(what, id, body)| (what.to_owned(), id, body));
    let ends = [
        ("POST /v1/tokens/revoke", token, json!({ "ids": ["ID"] })),
        (
            "POST /v1/tokens/revoke",
            eve,
            json!({ "filter": { "owner": "ID" } }),
        ),
        (
            "POST /v1/explain",
            token,
            json!({ "token": "ID", "scopes": ["tokens:read"] }),
        ),
        ("GET /v1/tokens?owner=ID", eve, Value::Null),
        ("GET /v1/tokens?team=ID", team, Value::Null),
        ("GET /v1/tokens?service=ID", service, Value::Null),
        ("GET /v1/services?team=ID", team, Value::Null),
        ("GET /v1/webhooks?team=ID", team, Value::Null),
        ("GET /v1/sessions?user=ID", eve, Value::Null),
        ("GET /v1/audit/events?subject=ID", token, Value::Null),
        ("GET /v1/audit/events?actor=ID", eve, Value::Null),
    ]
    .map(|(what, id, body)| (what.to_owned(), id, body));
    let paths = [
        (
            format!("PATCH /v1/services/{}", own.service),
            team,
            json!({ "team": "ID" }),
        ),
        (
            format!("PATCH /v1/users/{}", own.user),
            team,
            json!({ "roles": assigned("teams") }),
        ),
        (
            format!("PUT /v1/teams/{}/members/ID", own.team),
            eve,
            json!({ "role": "member" }),
        ),
    ];
    let all = bodies.into_iter().chain(ends).chain(paths);
    all.map(|(what, id, body)| {
        let (method, path) = what.split_once(' ').unwrap();
        (method.parse().unwrap(), path.to_owned(), id.to_owned(), body)
    })
    .collect()
}

on_both_stores! {
    async fn an_id_of_the_second_in_a_body_or_a_query_is_as_unknown_as_one_that_never_was(mut server: TestServer) {
        let other = Other::settle(&mut server).await;
        let before = other.rows(&server).await;
        let own = Targets::make(&server, "mine").await;
        let caller = server.admin().unwatched();

        for (method, path, id, body) in cases(&own, &other) {
            let (noun, _) = id.split_once('_').unwrap();
            let ask = async |id: &str| {
                let body = serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
                let answer = caller.request(method.clone(), &path.replace("ID", id), body).await;
                said(&answer, id)
            };
            let (theirs, never) = (ask(&id).await, ask(&format!("{noun}_{NEVER}")).await);
            assert_eq!(theirs, never, "{method} {path} {body}");
        }
        let decided = async |secret: &str| {
            let body = json!({ "token": secret, "scopes": ["tokens:read"] });
            said(&caller.post("/v1/verify", body).await, secret)
        };
        assert_eq!(decided(other.targets.token.secret()).await, decided(&unknown_token()).await);
        let by_name = async |team: &str| {
            let body = json!({ "token": "nonsense", "action": "get", "resource": { "kind": "team", "team": team } });
            said(&caller.post("/v1/verify", body).await, team)
        };
        assert_eq!(by_name(&marked("thing")).await, by_name("never was").await);

        assert_eq!(without_uses(other.rows(&server).await), without_uses(before));
    }
}
