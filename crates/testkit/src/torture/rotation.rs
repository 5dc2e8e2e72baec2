//! R27: racing regenerations, with and without overlap, under SIGKILL (threat T27).
//!
//! Each lane has one token. In a race four clients regenerate it at once; whoever gets no answer because the server was killed repeats
//! the call with its key. When all four are acknowledged, the feed's places say in which order they happened, hence which secrets
//! must be valid: the last one, and the one before it when the last one left an overlap. Every secret that the lane knows is verified.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use super::{
    Outcome, Size,
    api::{Api, Reply},
    caching_proxy::CachingProxy,
};
use crate::{TestRandom, binary::ChildServer};

const LANES: usize = 8;
const CLIENTS: usize = 4;
/// Secrets of a token that are verified after each race.
const REMEMBERED: usize = 2 * CLIENTS;
/// A call that got no answer is repeated until then.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many findings are enough to read.
const ENOUGH_FINDINGS: usize = 50;
/// A programme that has not enough by then has failed.
const LONGEST: Duration = Duration::from_secs(1_800);

#[derive(Debug, Clone, Copy)]
struct Plan {
    races: u64,
    kills: u64,
}

/// R27.
pub(super) async fn run(size: Size, seed: u64) -> Result<Outcome> {
    let plan = match size {
        Size::Full => Plan {
            races: 10_000,
            kills: 100,
        },
        Size::Quick => Plan {
            races: 300,
            kills: 10,
        },
    };
    let mut outcome = Outcome::new("R27", seed);
    let place = TempDir::with_prefix("claviger-r27-")?;
    let mut bed = Bed::start(place.path(), seed).await?;
    let api = bed.api.clone();
    let found = bed.hold(&api, plan).await?;
    outcome.check(
        format!(
            "after every acknowledged race of {CLIENTS} regenerations exactly the acknowledged secrets are valid"
        ),
        found.findings,
    );
    outcome.at_least("races", found.races, plan.races);
    outcome.at_least("kills", found.kills, plan.kills);
    outcome.figure("secrets verified", count(found.verified), "1");
    outcome.figure("calls repeated with their key", count(found.repeated), "1");
    outcome.figure("overlaps ended by the first use", count(found.first_uses), "1");

    let proxy = CachingProxy::start(bed.child.base_url()).await?;
    let behind_cache = api.through(proxy.base_url());
    let control = Plan { races: 40, kills: 0 };
    let caught = bed.hold(&behind_cache, control).await?.findings.len();
    outcome.check_that(
        "negative control: a door with a cache of one second is caught",
        caught > 0,
        "it was not, so this run proves nothing",
    );
    outcome.figure(
        "findings of the negative control",
        count(u64::try_from(caught)?),
        "1",
    );
    Ok(outcome)
}

/// The server, and what races are made of.
struct Bed {
    child: ChildServer,
    http: reqwest::Client,
    api: Api,
    random: Arc<TestRandom>,
}

/// What all lanes share.
struct Track {
    /// Regenerates.
    api: Api,
    /// Verifies: the same server, perhaps through a proxy.
    door: Api,
    random: Arc<TestRandom>,
    over: AtomicBool,
    /// Grows at each kill.
    lives: AtomicU64,
    races: AtomicU64,
    verified: AtomicU64,
    repeated: AtomicU64,
    first_uses: AtomicU64,
}

/// What the races found.
struct Found {
    findings: Vec<String>,
    races: u64,
    kills: u64,
    verified: u64,
    repeated: u64,
    first_uses: u64,
}

/// An acknowledged regeneration.
#[derive(Debug, Clone)]
struct Turn {
    epoch: u64,
    secret: String,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    AtOnce,
    Overlap,
    UntilFirstUse,
}

/// One token and the secrets it had of late, the oldest first.
struct Lane {
    number: usize,
    id: String,
    turns: VecDeque<Turn>,
    findings: Vec<String>,
}

// === impl Bed ===

impl Bed {
    async fn start(place: &Path, seed: u64) -> Result<Self> {
        let mut child = ChildServer::new(&place.join("data"), &place.join("server.log"))?;
        child = child.setting("log.level", "warn");
        let token = child.init()?;
        let http = Api::fresh_connections()?;
        child.start(&http).await?;
        let api = Api::new(&http, child.base_url(), &token);
        Ok(Self {
            child,
            http,
            api,
            random: Arc::new(TestRandom::new(seed)),
        })
    }

    /// Races until there were enough, with kills in between.
    async fn hold(&mut self, door: &Api, plan: Plan) -> Result<Found> {
        let track = Arc::new(Track {
            api: self.api.clone(),
            door: door.clone(),
            random: Arc::clone(&self.random),
            over: AtomicBool::new(false),
            lives: AtomicU64::new(0),
            races: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            first_uses: AtomicU64::new(0),
        });
        let mut lanes = JoinSet::new();
        for number in 0..LANES {
            lanes.spawn(Lane::run(Arc::clone(&track), number));
        }
        let began = Instant::now();
        let mut kills = 0;
        while (track.races.load(Ordering::Relaxed) < plan.races || kills < plan.kills)
            && began.elapsed() < LONGEST
        {
            sleep(Duration::from_millis(50 + self.random.below(350))).await;
            // A lane ends early only by failing.
            if let Some(ended) = lanes.try_join_next() {
                let found = ended??;
                bail!("a lane gave up: {found:?}");
            }
            if kills < plan.kills {
                track.lives.fetch_add(1, Ordering::SeqCst);
                self.child.kill()?;
                self.child.start(&self.http).await?;
                kills += 1;
            }
        }
        track.over.store(true, Ordering::Relaxed);
        let mut findings = Vec::new();
        while let Some(lane) = lanes.join_next().await {
            findings.extend(lane??);
        }
        findings.truncate(ENOUGH_FINDINGS);
        Ok(Found {
            findings,
            races: track.races.load(Ordering::Relaxed),
            kills,
            verified: track.verified.load(Ordering::Relaxed),
            repeated: track.repeated.load(Ordering::Relaxed),
            first_uses: track.first_uses.load(Ordering::Relaxed),
        })
    }
}

// === impl Track ===

impl Track {
    /// A call that is repeated with its key until it is answered. `None`: it was done, and what it gave is good no more, because another
    /// regeneration replaced it. Whoever is told so of a good secret is found: it is missing among those that are compared.
    async fn insist(&self, path: &str, key: &str, body: &Value) -> Result<Option<Value>> {
        let began = Instant::now();
        loop {
            match self.api.call(Method::POST, path, Some(key), Some(body)).await {
                Reply::Answered {
                    status: 200..=299,
                    body,
                } => return Ok(Some(body)),
                Reply::Answered { status: 409, body } if is_replaced(&body) => return Ok(None),
                // A server on its way up or down says that it did nothing, or does not know.
                Reply::Answered { status: 503, .. } | Reply::Lost(_) => {}
                Reply::Answered { status, body } => bail!("{path} was answered {status}: {body}"),
            }
            if began.elapsed() > PATIENCE {
                bail!("{path} got no answer in {PATIENCE:?}");
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Regenerates once.
    async fn regenerate(&self, path: &str, how: How) -> Result<Option<Turn>> {
        let key = format!("race-{:x}", self.random.next());
        let answer = self.insist(path, &key, &how.body()).await?;
        answer.map(|answer| turn(&answer, how)).transpose()
    }

    /// What the door says of a secret, and in which life of the server.
    async fn look(&self, secret: &str) -> Result<(String, u64)> {
        let began = Instant::now();
        loop {
            let life = self.lives.load(Ordering::SeqCst);
            match self.door.verify(secret).await {
                Ok(said) => {
                    self.verified.fetch_add(1, Ordering::Relaxed);
                    return Ok((said, life));
                }
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn any_way(&self) -> How {
        match self.random.below(3) {
            0 => How::AtOnce,
            1 => How::Overlap,
            _ => How::UntilFirstUse,
        }
    }
}

// === impl How ===

impl How {
    fn body(self) -> Value {
        match self {
            Self::AtOnce => json!({}),
            Self::Overlap => json!({ "overlap_seconds": 86_400 }),
            Self::UntilFirstUse => json!({ "until_first_use": true }),
        }
    }
}

// === impl Lane ===

impl Lane {
    /// Races until it is over; gives what was found.
    async fn run(track: Arc<Track>, number: usize) -> Result<Vec<String>> {
        let nonce = track.random.next();
        let body = json!({ "name": format!("lane {number} {nonce:x}"), "scopes": ["deployments:read"] });
        let issued = track
            .insist("/v1/tokens", &format!("issue-{nonce:x}"), &body)
            .await?
            .context("nobody replaced it yet")?;
        let mut lane = Self {
            number,
            id: text(&issued, "/token/id")?,
            turns: VecDeque::from([turn(&issued, How::AtOnce)?]),
            findings: Vec::new(),
        };
        while !track.over.load(Ordering::Relaxed) && lane.findings.len() < ENOUGH_FINDINGS {
            lane.race(&track).await?;
            lane.compare(&track).await?;
            track.races.fetch_add(1, Ordering::Relaxed);
        }
        // The others go on without it.
        while !track.over.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(lane.findings)
    }

    /// Regenerates from all clients at once; all are acknowledged when this returns.
    async fn race(&mut self, track: &Arc<Track>) -> Result<()> {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let track = Arc::clone(track);
            let path = format!("/v1/tokens/{}/regenerate", self.id);
            clients.spawn(async move {
                let how = track.any_way();
                track.regenerate(&path, how).await
            });
        }
        while let Some(answered) = clients.join_next().await {
            self.turns.extend(answered??);
        }
        self.turns.make_contiguous().sort_by_key(|turn| turn.epoch);
        while self.turns.len() > REMEMBERED {
            self.turns.pop_front();
        }
        Ok(())
    }

    /// Verifies every known secret. The last two are looked at in the order old, new, old: the new one's use may end the old one.
    async fn compare(&mut self, track: &Track) -> Result<()> {
        let mut known = self.turns.clone();
        let (Some(last), Some(before)) = (known.pop_back(), known.pop_back()) else {
            bail!("a lane without turns");
        };
        for dead in &known {
            self.expect(track, dead, false, "from before the last two")
                .await?;
        }
        let overlaps = last.how != How::AtOnce;
        self.expect(track, &before, overlaps, "the one before the last")
            .await?;
        let life = self.expect(track, &last, true, "the last").await?;
        if last.how == How::UntilFirstUse {
            let (said, later) = track.look(&before.secret).await?;
            // A crash may forget the first use; then the old secret is good until its end.
            if said == "valid" && later == life {
                self.find(&before, "valid after the first use of the last");
            }
            track
                .first_uses
                .fetch_add(u64::from(later == life), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Notes a finding when the secret is valid and must not be, or the other way round. Gives the server's life.
    async fn expect(&mut self, track: &Track, turn: &Turn, valid: bool, which: &str) -> Result<u64> {
        let (said, life) = track.look(&turn.secret).await?;
        if (said == "valid") != valid {
            self.find(turn, &format!("{which}, is {said}"));
        }
        Ok(life)
    }

    fn find(&mut self, turn: &Turn, what: &str) {
        let epochs: Vec<_> = self.turns.iter().map(|turn| (turn.epoch, turn.how)).collect();
        self.findings.push(format!(
            "lane {}: secret of epoch {}: {what}; turns {epochs:?}",
            self.number, turn.epoch
        ));
    }
}

fn is_replaced(problem: &Value) -> bool {
    problem.get("code").and_then(Value::as_str) == Some("secret_already_shown")
}

fn turn(answer: &Value, how: How) -> Result<Turn> {
    Ok(Turn {
        epoch: answer
            .pointer("/receipt/epoch")
            .and_then(Value::as_u64)
            .context("an answer without an epoch")?,
        secret: text(answer, "/secret")?,
        how,
    })
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("an answer without {pointer}"))?
        .to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}
