//! Explain and verify agree: whatever a token was given, whatever its owner is, and whatever is asked.

use std::time::Duration;

use claviger_testkit::{TestRandom, TestServer, on_both_stores};
use serde_json::{Value, json};

use super::made;
use crate::asking::ALL_SCOPES;
use crate::crowd::Person;

/// How many questions are asked about each token.
const QUESTIONS: usize = 12;
/// How many tokens there are.
const TOKENS: usize = 30;

const ROLES: [&str; 6] = [
    "application.view",
    "application.trigger",
    "application.manager",
    "helm-app.edit",
    "job.view",
    "super-admin",
];
const WANTED: [(&str, &str); 9] = [
    ("get", "applications"),
    ("trigger", "applications"),
    ("update", "helm-app"),
    ("get", "team"),
    ("update", "user"),
    ("invented", "feature-flag"),
    ("write", "deployments"),
    ("read", "tokens"),
    ("trigger", "deployments"),
];
const NAMES: [&str; 3] = ["search", "checkout", "c1/ns1"];

/// Two teams with two services each, and two environments.
struct World {
    random: TestRandom,
    teams: Vec<String>,
    services: Vec<(String, usize)>,
    environments: Vec<String>,
}

impl World {
    async fn of(server: &TestServer, seed: u64) -> Self {
        let mut world = Self {
            random: TestRandom::new(seed),
            teams: Vec::new(),
            services: Vec::new(),
            environments: Vec::new(),
        };
        for number in 0..2 {
            let team = json!({ "name": format!("team {number}") });
            let team = made(server, "/v1/teams", team).await;
            for place in 0..2 {
                let service = json!({ "name": format!("service {number} {place}"), "team": team });
                world
                    .services
                    .push((made(server, "/v1/services", service).await, number));
            }
            world.teams.push(team);
            let environment = json!({ "name": format!("environment {number}") });
            world
                .environments
                .push(made(server, "/v1/environments", environment).await);
        }
        world
    }

    fn below(&self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap()
    }

    fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A part of these, in their order.
    fn some<T: Clone>(&self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.below(2) == 0).cloned().collect()
    }

    /// `*`, or a part.
    fn selection(&self, of: &[String]) -> Value {
        if self.below(2) == 0 {
            json!("*")
        } else {
            json!(self.some(of))
        }
    }

    fn assignments(&self) -> Value {
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let one = |_| {
            json!({
                "role": self.one(&ROLES),
                "teams": self.selection(&self.teams),
                "environments": self.selection(&self.environments),
                "names": self.selection(&names),
            })
        };
        (0..self.below(3)).map(one).collect()
    }

    fn restrictions(&self) -> Value {
        let mut restrictions = json!({});
        let services: Vec<String> = self.services.iter().map(|(id, _)| id.clone()).collect();
        for (field, all) in [
            ("teams", &self.teams),
            ("services", &services),
            ("environments", &self.environments),
        ] {
            if self.below(4) == 0 {
                restrictions[field] = json!(self.some(all));
            }
        }
        restrictions
    }

    /// Id and secret of a token of any kind on any terms, by whoever may issue it; `None` when it is more than its issuer has.
    async fn token(&self, server: &TestServer, people: &[Person], number: usize) -> Option<(String, String)> {
        let kind = *self.one(&["personal", "personal", "global", "team", "service"]);
        let issuer = if kind == "personal" {
            &self.one(people).caller
        } else {
            server.admin()
        };
        let scopes = self.some(&ALL_SCOPES);
        let mut token = server
            .token()
            .issued_by(issuer)
            .name(&format!("{kind} {number}"))
            .expires_in(Duration::from_secs(3_600 * (1 + self.random.below(48))))
            .field("type", kind)
            .field("scopes", scopes)
            .field("restrictions", self.restrictions());
        match kind {
            "global" => token = token.field("reason", "a test"),
            "team" => token = token.field("team", self.one(&self.teams).clone()),
            "service" => token = token.field("service", self.one(&self.services).0.clone()),
            _ => {}
        }
        if kind != "personal" || self.below(2) == 0 {
            token = token.field("roles", self.assignments());
        }
        if self.below(4) == 0 {
            token = token.field("networks", json!(["10.0.0.0/8"]));
        }
        if self.below(4) == 0 {
            token = token.field("rate_limit", json!({ "requests": 5, "per_seconds": 3_600 }));
        }
        let answer = token.try_issue().await;
        (answer.status == 201).then(|| (answer.at("/token/id"), answer.at("/secret")))
    }

    /// Something happens to the people and to the token.
    async fn upset(&self, server: &TestServer, people: &[Person], token: &str) {
        let admin = server.admin();
        let person = self.one(people);
        let team = self.one(&self.teams);
        let member = format!("/v1/teams/{team}/members/{}", person.id);
        let user = format!("/v1/users/{}", person.id);
        let answer = match self.below(16) {
            0..=2 => admin.put(&member, json!({ "role": "manager" })).await,
            3..=5 => admin.put(&member, json!({ "role": "member" })).await,
            6 => admin.delete(&member).await,
            7..=10 => admin.patch(&user, json!({ "roles": self.assignments() })).await,
            11 => admin.post(&format!("{user}/deactivate"), Value::Null).await,
            12..=14 => admin.post(&format!("{user}/reactivate"), Value::Null).await,
            _ => {
                admin
                    .post(&format!("/v1/tokens/{token}/revoke"), Value::Null)
                    .await
            }
        };
        assert!(
            matches!(answer.status, 200..=299 | 404 | 409),
            "{}",
            answer.text()
        );
        if self.below(6) == 0 {
            server.clock().advance(Duration::from_secs(3_600));
        }
    }

    /// A question: its fields but the token.
    fn question(&self) -> Value {
        let address = *self.one(&["10.1.2.3", "192.0.2.7"]);
        let mut question = json!({ "address": address, "cost": 1 + self.below(6) });
        if self.below(3) == 0 {
            question["scopes"] = json!([self.one(&ALL_SCOPES)]);
        }
        if self.below(4) > 0 {
            let (action, kind) = *self.one(&WANTED);
            let mut resource = json!({ "kind": kind });
            match self.below(3) {
                0 => resource["team"] = self.one(&self.teams).as_str().into(),
                // By its name, and whatever its spelling.
                1 => resource["team"] = format!("TEAM {}", self.below(2)).into(),
                _ => resource["service"] = self.one(&self.services).0.as_str().into(),
            }
            if self.below(2) == 0 {
                resource["environment"] = self.one(&self.environments).as_str().into();
            }
            if self.below(3) > 0 {
                resource["name"] = (*self.one(&NAMES)).into();
            }
            question["action"] = action.into();
            question["resource"] = resource;
        }
        question
    }
}

/// The decision without what a check takes from the limits.
fn untaken(decision: &Value) -> Value {
    let mut decision = decision.clone();
    if decision["valid"] == true {
        decision.as_object_mut().unwrap().remove("rate_limit");
    }
    decision
}

/// Asks both about the same, the explanation first; true when it is allowed.
async fn compare(server: &TestServer, id: &str, secret: &str, question: &Value) -> bool {
    let ask = async |path: &str, token: &str| {
        let mut body = question.clone();
        body["token"] = token.into();
        let answer = server.admin().post(path, body).await;
        answer.expect_status(200).json()
    };
    let told = ask("/v1/explain", id).await;
    let decided = ask("/v1/verify", secret).await;

    let case = format!("{question}: {told} and {decided}");
    assert_eq!(untaken(&told["decision"]), untaken(&decided), "{case}");
    assert_eq!(told["allowed"], decided["valid"], "{case}");
    let is_empty = |list: &str| told[list].as_array().unwrap().is_empty();
    let allowed = decided["valid"] == true;
    assert_eq!(is_empty("obstacles"), allowed, "{case}");
    let wants_nothing = question.get("scopes").is_none() && question.get("action").is_none();
    assert_eq!(is_empty("allowed_by"), !allowed || wants_nothing, "{case}");
    allowed
}

/// How many questions were answered with yes, and how many with no.
async fn agree(server: &TestServer, seed: u64) -> [usize; 2] {
    let world = World::of(server, seed).await;
    let mut people = Vec::new();
    for name in ["ada@example.org", "ben@example.org", "cyd@example.org"] {
        let (user, caller) = crate::people::joined(server, name, "member").await;
        let id = crate::asking::text(&user, "/id");
        people.push(Person { id, caller });
    }
    let mut seen = [0, 0];
    for number in 0..TOKENS {
        for person in &people {
            let path = format!("/v1/users/{}", person.id);
            let reactivate = format!("{path}/reactivate");
            server
                .admin()
                .post(&reactivate, Value::Null)
                .await
                .expect_status(200);
            let roles = json!({ "roles": world.assignments() });
            server.admin().patch(&path, roles).await.expect_status(200);
        }
        let Some((id, secret)) = world.token(server, &people, number).await else {
            continue;
        };
        for _ in 0..QUESTIONS {
            let allowed = compare(server, &id, &secret, &world.question()).await;
            seen[usize::from(!allowed)] += 1;
            world.upset(server, &people, &id).await;
        }
    }
    seen
}

on_both_stores! {
    async fn explain_and_verify_agree_about_random_tokens_owners_and_questions(server: TestServer) {
        let seen = agree(&server, 11).await;

        assert!(seen.iter().all(|count| *count > 10), "the questions have both answers: {seen:?}");
    }
}
