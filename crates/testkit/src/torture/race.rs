//! R17: revocations raced against verifications through every door, each token's history checked.
//!
//! Four clients issue and revoke; twelve verify tokens that are live, just being revoked or just revoked. A revoking client verifies once
//! itself through each door the moment it has its acknowledgement: the verification that must never be accepted.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use super::{
    Outcome, Size,
    api::Api,
    caching_proxy::CachingProxy,
    history::{Fault, Revocation, Seen, fault},
    millis, monotonic_ns, quantile,
};
use crate::{TestRandom, binary::ChildServer};

const REVOKERS: usize = 4;
const VERIFIERS: usize = 12;
/// Live tokens of one revoking client.
const LIVE: usize = 8;
/// The newest tokens, which are verified: about a sixth of them live.
const WINDOW: usize = 200;
/// A programme that has not enough by then has failed.
const LONGEST: Duration = Duration::from_secs(900);
/// Long enough for thousands of answers out of the cache.
const CONTROL: Plan = Plan {
    time: Duration::from_secs(5),
    revocations: 50,
    verifications: 1_000,
};

/// How much is enough.
#[derive(Debug, Clone, Copy)]
struct Plan {
    time: Duration,
    revocations: u64,
    verifications: u64,
}

/// R17.
pub(super) async fn run(size: Size, seed: u64) -> Result<Outcome> {
    let plan = match size {
        Size::Full => Plan {
            time: Duration::from_secs(60),
            revocations: 10_000,
            verifications: 1_000_000,
        },
        Size::Quick => Plan {
            time: Duration::from_secs(25),
            revocations: 1_000,
            verifications: 50_000,
        },
    };
    let mut outcome = Outcome::new("R17", seed);
    let place = TempDir::with_prefix("claviger-r17-")?;
    let mut child = ChildServer::new(&place.path().join("data"), &place.path().join("server.log"))?;
    // A race presents revoked tokens by the thousand, all from one address.
    child = child.setting("log.level", "warn").setting("limits.failures", "0");
    let token = child.init()?;
    let http = Api::fresh_connections()?;
    child.start(&http).await?;
    let api = Api::new(&http, child.base_url(), &token);

    let race = Race::hold(&api, &api, plan, seed).await?;
    race.report(&mut outcome, plan);

    let proxy = CachingProxy::start(child.base_url()).await?;
    let behind_cache = api.through(proxy.base_url());
    let control = Race::hold(&api, &behind_cache, CONTROL, seed.wrapping_add(1)).await?;
    let caught = control.faults();
    outcome.check_that(
        "negative control: a door with a cache of one second is caught",
        caught
            .iter()
            .any(|(_, fault)| matches!(fault, Fault::AcceptedLate(_))),
        "it was not, so this run proves nothing",
    );
    outcome.figure("stale accepts of the negative control", count(caught.len()), "1");
    Ok(outcome)
}

/// One token in the race.
struct Runner {
    secret: String,
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

/// What all clients share.
struct Track {
    /// Issues and revokes.
    api: Api,
    /// Verifies; the same server, perhaps through a proxy.
    doors: Api,
    random: TestRandom,
    runners: RwLock<Vec<Arc<Runner>>>,
    over: AtomicBool,
    revocations: AtomicU64,
    verifications: AtomicU64,
}

/// A verification of one runner.
type Sighting = (usize, Seen);

/// A finished race.
struct Race {
    runners: Vec<Arc<Runner>>,
    /// By runner.
    sightings: Vec<Vec<Seen>>,
    doors: [u64; 2],
}

/// A way to have a token verified.
#[derive(Debug, Clone, Copy)]
enum Door {
    /// `POST /v1/verify`, asked by someone else.
    Verify,
    /// The guard of the native API, asked by the bearer.
    Bearer,
}

// === impl Race ===

impl Race {
    async fn hold(api: &Api, doors: &Api, plan: Plan, seed: u64) -> Result<Self> {
        let track = Arc::new(Track {
            api: api.clone(),
            doors: doors.clone(),
            random: TestRandom::new(seed),
            runners: RwLock::default(),
            over: AtomicBool::new(false),
            revocations: AtomicU64::new(0),
            verifications: AtomicU64::new(0),
        });
        let mut clients = JoinSet::new();
        for number in 0..REVOKERS {
            clients.spawn(revoke(Arc::clone(&track), number));
        }
        for _ in 0..VERIFIERS {
            clients.spawn(verify(Arc::clone(&track)));
        }
        let began = Instant::now();
        while !track.has_enough(plan, began.elapsed()) {
            sleep(Duration::from_millis(50)).await;
            // A client ends early only by failing.
            if let Some(ended) = clients.try_join_next() {
                ended??;
                bail!("a client of the race gave up");
            }
        }
        track.over.store(true, Ordering::Relaxed);
        let runners = track.runners.read().unwrap_or_else(PoisonError::into_inner).len();
        let mut sightings = vec![Vec::new(); runners + REVOKERS];
        let mut doors = [0; 2];
        while let Some(client) = clients.join_next().await {
            let (seen, counted) = client??;
            for (runner, seen) in seen {
                sightings[runner].push(seen);
            }
            doors = [doors[0] + counted[0], doors[1] + counted[1]];
        }
        let runners = track
            .runners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Ok(Self {
            runners,
            sightings,
            doors,
        })
    }

    /// The runners whose history no instant of revocation explains.
    fn faults(&self) -> Vec<(usize, Fault)> {
        let histories = self.runners.iter().zip(&self.sightings).enumerate();
        let fault = |(number, (runner, seen)): (usize, (&Arc<Runner>, &Vec<Seen>))| {
            Some((number, fault(runner.revocation(), seen)?))
        };
        histories.filter_map(fault).collect()
    }

    fn report(&self, outcome: &mut Outcome, plan: Plan) {
        let findings: Vec<_> = self
            .faults()
            .into_iter()
            .map(|(runner, fault)| format!("token {runner}: {fault:?} ns"))
            .collect();
        outcome.check(
            "no verification that starts after a revocation's acknowledgement accepts, and every history has its instant",
            findings,
        );
        let mut spans: Vec<u64> = self
            .runners
            .iter()
            .map(|runner| runner.revocation())
            .filter(|revocation| revocation.acknowledged != u64::MAX)
            .map(|revocation| revocation.acknowledged - revocation.sent)
            .collect();
        spans.sort_unstable();
        let verifications: usize = self.sightings.iter().map(Vec::len).sum();
        outcome.at_least(
            "revocations",
            u64::try_from(spans.len()).unwrap_or(0),
            plan.revocations,
        );
        outcome.at_least(
            "verifications",
            u64::try_from(verifications).unwrap_or(0),
            plan.verifications,
        );
        for (door, counted) in [Door::Verify, Door::Bearer].into_iter().zip(self.doors) {
            outcome.figure(
                &format!("verifications through {door}"),
                count(usize::try_from(counted).unwrap_or(0)),
                "1",
            );
        }
        outcome.figure_at_most(
            "revoke, sent to acknowledged, p50",
            millis(quantile(&spans, 0.5)),
            "ms",
            5.0,
        );
        outcome.figure_at_most(
            "revoke, sent to acknowledged, p99",
            millis(quantile(&spans, 0.99)),
            "ms",
            20.0,
        );
        outcome.figure("longest span in doubt", millis(quantile(&spans, 1.0)), "ms");
    }
}

// === impl Track ===

impl Track {
    fn has_enough(&self, plan: Plan, elapsed: Duration) -> bool {
        let enough = self.revocations.load(Ordering::Relaxed) >= plan.revocations
            && self.verifications.load(Ordering::Relaxed) >= plan.verifications;
        elapsed >= LONGEST || (enough && elapsed >= plan.time)
    }

    /// A new token on the track.
    async fn enter(&self, name: &str) -> Result<(usize, String)> {
        let body = json!({ "name": name, "scopes": ["deployments:read"] });
        let issued = self.api.post("/v1/tokens", None, Some(&body)).await?;
        let text = |pointer: &str| issued.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let runner = Arc::new(Runner {
            secret: text("/secret").context("an issue without a secret")?,
            sent: AtomicU64::new(u64::MAX),
            acknowledged: AtomicU64::new(u64::MAX),
        });
        let id = text("/token/id").context("an issue without an id")?;
        let mut runners = self.runners.write().unwrap_or_else(PoisonError::into_inner);
        runners.push(runner);
        Ok((runners.len() - 1, id))
    }

    /// One of the newest tokens.
    fn any(&self) -> Option<(usize, Arc<Runner>)> {
        let runners = self.runners.read().unwrap_or_else(PoisonError::into_inner);
        let window = runners.len().min(WINDOW);
        let back = usize::try_from(self.random.below(u64::try_from(window.max(1)).ok()?)).ok()?;
        let number = runners.len().checked_sub(1 + back)?;
        Some((number, Arc::clone(&runners[number])))
    }

    fn runner(&self, number: usize) -> Arc<Runner> {
        Arc::clone(&self.runners.read().unwrap_or_else(PoisonError::into_inner)[number])
    }

    async fn look(&self, runner: &Runner, door: Door) -> Result<Seen> {
        let start = monotonic_ns();
        let accepted = match door {
            Door::Verify => self.doors.verify(&runner.secret).await? == "valid",
            Door::Bearer => match self.doors.bearer_status(&runner.secret).await? {
                200 => true,
                401 => false,
                status => bail!("a bearer was answered {status}"),
            },
        };
        let end = monotonic_ns();
        self.verifications.fetch_add(1, Ordering::Relaxed);
        Ok(Seen { start, end, accepted })
    }
}

impl Runner {
    fn revocation(&self) -> Revocation {
        Revocation {
            sent: self.sent.load(Ordering::Relaxed),
            acknowledged: self.acknowledged.load(Ordering::Relaxed),
        }
    }
}

/// Issues and revokes until the race is over.
async fn revoke(track: Arc<Track>, client: usize) -> Result<(Vec<Sighting>, [u64; 2])> {
    let mut seen = Vec::new();
    let mut live = std::collections::VecDeque::new();
    let mut issued: u64 = 0;
    let mut counted = [0; 2];
    while !track.over.load(Ordering::Relaxed) {
        issued += 1;
        let nonce = track.random.next();
        live.push_back(track.enter(&format!("race {nonce:x} {client} {issued}")).await?);
        if live.len() <= LIVE {
            continue;
        }
        let Some((number, id)) = live.pop_front() else {
            continue;
        };
        let runner = track.runner(number);
        runner.sent.store(monotonic_ns(), Ordering::Relaxed);
        track
            .api
            .post(&format!("/v1/tokens/{id}/revoke"), None, None)
            .await?;
        runner.acknowledged.store(monotonic_ns(), Ordering::Relaxed);
        track.revocations.fetch_add(1, Ordering::Relaxed);
        seen.push((number, track.look(&runner, Door::Verify).await?));
        seen.push((number, track.look(&runner, Door::Bearer).await?));
        counted = counted.map(|door| door + 1);
    }
    Ok((seen, counted))
}

/// Verifies until the race is over.
async fn verify(track: Arc<Track>) -> Result<(Vec<Sighting>, [u64; 2])> {
    let mut seen = Vec::new();
    let mut counted = [0; 2];
    while !track.over.load(Ordering::Relaxed) {
        let Some((number, runner)) = track.any() else {
            sleep(Duration::from_millis(1)).await;
            continue;
        };
        let (door, place) = match track.random.below(2) {
            0 => (Door::Verify, 0),
            _ => (Door::Bearer, 1),
        };
        seen.push((number, track.look(&runner, door).await?));
        counted[place] += 1;
    }
    Ok((seen, counted))
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verify => "`POST /v1/verify`",
            Self::Bearer => "the bearer door",
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}
