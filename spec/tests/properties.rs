//! What holds for every order of operations (reliability.md §7): random lives of many tokens, compared with a model.

use std::collections::BTreeMap;
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_service::Clock as _;
use claviger_testkit::{Answer, Caller, TestRandom, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, decision, rows, text, verified, whole_list};

/// Steps of one random life.
const STEPS: u32 = 250;

/// What the model knows of a token.
#[derive(Debug, Clone)]
struct Known {
    secret: String,
    /// Secrets that a regeneration ended.
    former: Vec<String>,
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
    ended: bool,
    deleted: bool,
}

impl Known {
    fn of(issued: &Answer) -> Self {
        let record = &issued.json()["token"];
        Self {
            secret: issued.at("/secret"),
            former: Vec::new(),
            scopes: scopes(record),
            expires_at: record["expires_at"].as_str().map(|end| end.parse().unwrap()),
            ended: false,
            deleted: false,
        }
    }

    fn expected(&self, now: Timestamp) -> &'static str {
        if self.deleted {
            "unknown"
        } else if self.ended {
            "revoked"
        } else if self.expires_at.is_some_and(|end| now >= end) {
            "expired"
        } else {
            "valid"
        }
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expected(now) == "valid"
    }
}

fn scopes(record: &Value) -> Vec<String> {
    record["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope.as_str().unwrap().to_owned())
        .collect()
}

/// One random life on one server.
struct Life<'a> {
    server: &'a TestServer,
    random: TestRandom,
    tokens: BTreeMap<String, Known>,
    step: u32,
}

impl Life<'_> {
    fn now(&self) -> Timestamp {
        self.server.clock().now()
    }

    fn some_scopes(&self) -> Vec<&'static str> {
        let bits = 1 + self.random.below(127);
        ALL_SCOPES
            .into_iter()
            .enumerate()
            .filter(|(place, _)| bits >> place & 1 == 1)
            .map(|(_, scope)| scope)
            .collect()
    }

    fn some_expiry(&self) -> Value {
        match self.random.below(4) {
            0 => json!({ "never_expires": true, "reason": "a test" }),
            1 => {
                let days = [7, 30, 60, 90][usize::try_from(self.random.below(4)).unwrap()];
                json!({ "expires_in_days": days })
            }
            _ => {
                let end = self.now() + Duration::from_millis(1 + self.random.below(60_000));
                json!({ "expires_at": end.to_string() })
            }
        }
    }

    /// One of the tokens, by its id.
    fn some_id(&self) -> Option<String> {
        let place = usize::try_from(self.random.below(self.tokens.len().max(1) as u64)).unwrap();
        self.tokens.keys().nth(place).cloned()
    }

    async fn advance(&mut self) {
        self.step += 1;
        let Some(id) = self.some_id() else {
            return self.issue().await;
        };
        match self.random.below(11) {
            0..3 => self.issue().await,
            3 => self.update(&id).await,
            4 => self.regenerate(&id).await,
            5 => self.revoke(&id).await,
            6 => self.end_itself(&id).await,
            7 => self.report(&id).await,
            8 => self.delete(&id).await,
            9 => self
                .server
                .clock()
                .advance(Duration::from_millis(self.random.below(20_000))),
            _ => self.server.flush().await,
        }
    }

    async fn issue(&mut self) {
        let mut body = json!({ "name": format!("step {}", self.step), "scopes": self.some_scopes(), "reason": "a test" });
        if self.random.below(3) == 0 {
            body["type"] = json!("global");
        }
        body.as_object_mut()
            .unwrap()
            .extend(self.some_expiry().as_object().unwrap().clone());
        let issued = self.server.admin().post("/v1/tokens", body).await;
        issued.expect_status(201);
        self.tokens.insert(issued.at("/token/id"), Known::of(&issued));
    }

    async fn update(&mut self, id: &str) {
        let mut body = json!({ "scopes": self.some_scopes() });
        body.as_object_mut()
            .unwrap()
            .extend(self.some_expiry().as_object().unwrap().clone());
        let answer = self.server.admin().patch(&format!("/v1/tokens/{id}"), body).await;
        let now = self.now();
        let known = self.tokens.get_mut(id).unwrap();
        if !expect_change(&answer, known, now) {
            return;
        }
        let record = &answer.json()["token"];
        known.scopes = scopes(record);
        known.expires_at = record["expires_at"].as_str().map(|end| end.parse().unwrap());
    }

    async fn regenerate(&mut self, id: &str) {
        let answer = self
            .server
            .admin()
            .post(&format!("/v1/tokens/{id}/regenerate"), Value::Null)
            .await;
        let now = self.now();
        let known = self.tokens.get_mut(id).unwrap();
        if expect_change(&answer, known, now) {
            let old = std::mem::replace(&mut known.secret, answer.at("/secret"));
            known.former.push(old);
        }
    }

    async fn revoke(&mut self, id: &str) {
        let answer = self
            .server
            .admin()
            .post(&format!("/v1/tokens/{id}/revoke"), Value::Null)
            .await;
        let known = self.tokens.get_mut(id).unwrap();
        assert_eq!(
            answer.status,
            if known.deleted { 404 } else { 200 },
            "{}",
            answer.text()
        );
        known.ended = true;
    }

    async fn end_itself(&mut self, id: &str) {
        let now = self.now();
        let known = self.tokens.get_mut(id).unwrap();
        let answer = self
            .server
            .bearer(&known.secret)
            .post("/v1/tokens/self/revoke", Value::Null)
            .await;
        assert_eq!(
            answer.status,
            if known.is_live(now) { 200 } else { 401 },
            "{}",
            answer.text()
        );
        known.ended |= known.is_live(now);
    }

    async fn report(&mut self, id: &str) {
        let now = self.now();
        let known = self.tokens.get_mut(id).unwrap();
        let answer = self
            .server
            .anonymous()
            .post("/v1/tokens/report-leak", json!({ "token": known.secret }))
            .await;
        assert_eq!(
            answer.status,
            if known.is_live(now) { 200 } else { 404 },
            "{}",
            answer.text()
        );
        known.ended |= known.is_live(now);
    }

    async fn delete(&mut self, id: &str) {
        let now = self.now();
        let answer = self.server.admin().delete(&format!("/v1/tokens/{id}")).await;
        let known = self.tokens.get_mut(id).unwrap();
        let expected = if known.deleted {
            404
        } else if known.is_live(now) {
            409
        } else {
            204
        };
        assert_eq!(answer.status, expected, "{}", answer.text());
        known.deleted |= expected == 204;
    }

    /// The server and the model agree on every secret there ever was.
    async fn compare(&self) {
        let admin = self.server.admin();
        for (id, known) in &self.tokens {
            let said = verified(admin, &known.secret).await;
            assert_eq!(
                text(&said, "/code"),
                known.expected(self.now()),
                "{id} after step {}: {known:?}",
                self.step
            );
            if said["valid"] == json!(true) {
                assert_eq!(
                    scopes(&said["token"]),
                    known.scopes,
                    "{id} reaches as far as it was given"
                );
                assert_eq!(said["token"]["id"], json!(id));
            }
            for former in &known.former {
                assert_eq!(decision(admin, former).await, "unknown", "{id}: a former secret");
            }
        }
    }
}

/// Whether a change of `known` is to be done; the answer must say the same.
fn expect_change(answer: &Answer, known: &Known, now: Timestamp) -> bool {
    let expected = if known.deleted {
        404
    } else if known.is_live(now) {
        200
    } else {
        409
    };
    assert_eq!(answer.status, expected, "{}", answer.text());
    expected == 200
}

/// The state of every token as its audit events tell it.
fn fold(export: &str) -> BTreeMap<String, Value> {
    let mut state: BTreeMap<String, Value> = BTreeMap::new();
    for line in export.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let (action, subject, detail) = (
            text(&event, "/action"),
            text(&event, "/subject"),
            &event["detail"],
        );
        match action.as_str() {
            "token.issued" => {
                let mut token = detail.clone();
                token["revoked_at"] = Value::Null;
                state.insert(subject, token);
            }
            "token.updated" => {
                for (field, change) in detail.as_object().unwrap() {
                    state.get_mut(&subject).unwrap()[field] = change["to"].clone();
                }
            }
            "token.regenerated" => state.get_mut(&subject).unwrap()["hint"] = detail["hint"].clone(),
            "token.revoked" => state.get_mut(&subject).unwrap()["revoked_at"] = event["at"].clone(),
            "token.deleted" => drop(state.remove(&subject)),
            _ => {}
        }
    }
    state
}

async fn live(server: &mut TestServer, seed: u64) {
    let lasting = json!({ "global": { "max_days": null, "never_allowed": true } });
    crate::policy::changed(server, lasting).await.expect_status(200);
    let mut life = Life {
        server,
        random: TestRandom::new(seed),
        tokens: BTreeMap::new(),
        step: 0,
    };
    for step in 0..STEPS {
        life.advance().await;
        if step % 10 == 9 {
            life.compare().await;
        }
    }
    let (tokens, step) = (life.tokens, life.step);
    assert!(
        tokens.values().any(|known| known.ended) && tokens.values().any(|known| !known.former.is_empty()),
        "a life with events"
    );

    server.restart().await;
    let life = Life {
        server,
        random: TestRandom::new(seed),
        tokens,
        step,
    };
    life.compare().await;

    let state = fold(&server.admin().get("/v1/audit/export").await.body);
    let listed = whole_list(server.admin(), "/v1/tokens").await;
    assert_eq!(
        state.len(),
        listed.len(),
        "the trail and the list know the same tokens"
    );
    for row in listed {
        let told = &state[&text(&row, "/id")];
        for field in ["name", "type", "hint", "expires_at", "revoked_at"] {
            assert_eq!(told[field], row[field], "{field} of {row}");
        }
        let words = |value: &Value| match value {
            Value::String(text) => text.split(' ').map(str::to_owned).collect::<Vec<_>>(),
            list => list
                .as_array()
                .unwrap()
                .iter()
                .map(|scope| scope.as_str().unwrap().to_owned())
                .collect(),
        };
        assert_eq!(words(&told["scopes"]), words(&row["scopes"]), "scopes of {row}");
    }
}

on_both_stores! {
    async fn a_random_life_goes_as_its_model_and_its_trail_tells_it(mut server: TestServer) {
        live(&mut server, 17).await;
    }
}

on_both_stores! {
    async fn another_random_life_does_too(mut server: TestServer) {
        live(&mut server, 4_711).await;
    }
}

/// Issues with the given caller, scopes and end in seconds; true when it was allowed.
async fn try_issue(caller: &Caller, name: String, scopes: &[&str], end: Option<Timestamp>) -> bool {
    let mut body = json!({ "name": name, "scopes": scopes });
    match end {
        Some(end) => body["expires_at"] = json!(end.to_string()),
        None => {
            body["never_expires"] = json!(true);
            body["reason"] = json!("a test");
        }
    }
    let answer = caller.post("/v1/tokens", body).await;
    assert!(matches!(answer.status, 201 | 400), "{}", answer.text());
    answer.status == 201
}

on_both_stores! {
    async fn nothing_made_reaches_further_or_lives_longer_than_its_maker(server: TestServer) {
        let random = TestRandom::new(3);
        let start = server.clock().now();
        let subset = |bits: u64| -> Vec<&'static str> {
            let chosen = ALL_SCOPES.into_iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
            chosen.map(|(_, scope)| scope).collect()
        };
        let end = |random: &TestRandom| match random.below(4) {
            0 => None,
            _ => Some(start + Duration::from_secs(1 + random.below(20))),
        };

        for case in 0..60 {
            // The maker needs `tokens:write` to make anything.
            let own = random.below(128) | 0b10;
            let own_end = end(&random);
            let mut maker = server.token().name(&format!("maker {case}")).field("scopes", subset(own));
            maker = match own_end {
                Some(end) => maker.field("expires_at", end.to_string()),
                None => maker.never_expires(),
            };
            let maker = maker.issue().await;
            for child in 0..5 {
                let given = 1 + random.below(127);
                let given_end = end(&random);

                let allowed = try_issue(&maker, format!("child {case} {child}"), &subset(given), given_end).await;

                let within = given & !own == 0;
                let dies_first = own_end.is_none_or(|own| given_end.is_some_and(|given| given <= own));
                let case = format!("{own:b} until {own_end:?} made {given:b} until {given_end:?}");
                assert_eq!(allowed, within && dies_first, "{case}");
            }
        }
    }
}

on_both_stores! {
    async fn verify_is_pure_the_same_question_has_one_answer_from_many_at_once(server: TestServer) {
        let tokens = [server.token().issue().await, server.token().issue().await];
        server.admin().post(&format!("/v1/tokens/{}/revoke", tokens[1].id()), Value::Null).await.expect_status(200);

        for token in &tokens {
            let calls: Vec<_> = (0..32)
                .map(|_| {
                    let (admin, secret) = (server.admin().clone(), token.secret().to_owned());
                    tokio::spawn(async move { verified(&admin, &secret).await })
                })
                .collect();
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await.unwrap());
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        }
    }
}

on_both_stores! {
    async fn expiry_is_one_order_at_one_millisecond(server: TestServer) {
        let start = server.clock().now();
        let mut tokens = Vec::new();
        for millis in 1..=20 {
            let end = start + Duration::from_millis(millis);
            let token = server.token().name(&format!("until {millis}")).field("expires_at", end.to_string());
            tokens.push((end, token.issue().await.secret().to_owned()));
        }

        for _ in 0..45 {
            let now = server.clock().now();
            let mut live = 0;
            for (end, secret) in &tokens {
                let said = decision(server.admin(), secret).await;
                assert_eq!(said, if now >= *end { "expired" } else { "valid" }, "{now} against {end}");
                live += usize::from(said == "valid");
            }
            let listed = rows(&server.admin().get("/v1/tokens?state=live&q=until").await).len();
            assert_eq!(listed, live, "the list draws the same line at {now}");
            server.clock().advance(Duration::from_micros(500));
        }
    }
}

on_both_stores! {
    async fn no_changed_cursor_is_accepted(server: TestServer) {
        for place in 0..5 {
            server.token().name(&format!("row {place}")).issue().await;
        }
        let cursor = server.admin().get("/v1/tokens?limit=2").await.at("/next_cursor");
        let random = TestRandom::new(9);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

        for place in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            let other = alphabet[usize::try_from(random.below(64)).unwrap()];
            changed[place] = if changed[place] == other { alphabet[usize::from(other == b'A')] } else { other };
            let changed = String::from_utf8(changed).unwrap();
            let answer = server.admin().get(&format!("/v1/tokens?limit=2&cursor={changed}")).await;
            assert_eq!(answer.status, 400, "{cursor} as {changed}: {}", answer.text());
        }
    }
}
