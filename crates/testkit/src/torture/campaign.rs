//! R1 and R2: load the server, break it at a random instant, bring it back, compare; round after round on the same data.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    Outcome, Size,
    api::Api,
    checker::Checker,
    ledger::Ledger,
    millis, monotonic_ns,
    power::Disk,
    quantile,
    state::{Counts, Token},
    workload::{self, CLIENTS, Shift},
};
use crate::{TestRandom, binary::ChildServer};

/// So many findings are enough to read.
const ENOUGH_FINDINGS: usize = 50;
/// Tokens that the clients of a round find.
const LIVE_TOKENS: usize = 8 * 24;
/// Rounds in which a server that does not flush must have lost something.
const CONTROL_ROUNDS: u32 = 10;
const DISK_DELAY: Duration = Duration::from_millis(20);

/// R1.
pub(super) async fn kills(size: Size, seed: u64) -> Result<Outcome> {
    let (rounds, least) = match size {
        Size::Full => (100, 50_000),
        Size::Quick => (30, 15_000),
    };
    let mut outcome = Outcome::new("R1", seed);
    let place = TempDir::with_prefix("claviger-r1-")?;
    let mut campaign = Campaign::begin(
        &place,
        place.path().join("data").as_path(),
        Breaker::Kill,
        seed,
        false,
    )
    .await?;
    campaign.rounds(rounds).await?;
    campaign.report(&mut outcome, rounds, least).await?;
    outcome.check(
        "negative control: forged entries of the ledger are found",
        campaign.forge().await?,
    );
    Ok(outcome)
}

/// R2.
pub(super) async fn power_cuts(size: Size, seed: u64) -> Result<Outcome> {
    const LOST: &str = "no acknowledged operation is lost by a power cut";
    let (rounds, least) = match size {
        Size::Full => (40, 10_000),
        Size::Quick => (25, 5_000),
    };
    let mut outcome = Outcome::new("R2", seed);
    let place = TempDir::with_prefix("claviger-r2-")?;
    let disk = match Disk::create(place.path()) {
        Ok(disk) => disk,
        Err(missing) => {
            outcome.skip(LOST, format!("no disk to cut here: {missing:#}"));
            return Ok(outcome);
        }
    };
    let data = disk.path().join("data");
    let mut campaign = Campaign::begin(&place, &data, Breaker::PowerCut(disk), seed, false).await?;
    campaign.rounds(rounds).await?;
    campaign.report(&mut outcome, rounds, least).await?;
    drop(campaign);
    let lost = unflushed_loses(seed).await?;
    outcome.check_that(
        "negative control: with synchronous=OFF the loss is found",
        lost.is_some(),
        format!("nothing was lost in {CONTROL_ROUNDS} power cuts, so this run proves nothing"),
    );
    if let Some(round) = lost {
        outcome.figure(
            "power cuts until the negative control lost something",
            f64::from(round),
            "1",
        );
    }
    Ok(outcome)
}

/// The round in which a server that does not flush lost something; a server that does not come back lost everything.
async fn unflushed_loses(seed: u64) -> Result<Option<u32>> {
    let place = TempDir::with_prefix("claviger-r2-control-")?;
    let disk = Disk::create(place.path())?;
    let data = disk.path().join("data");
    let mut campaign = Campaign::begin(&place, &data, Breaker::PowerCut(disk), seed, true).await?;
    for round in 1..=CONTROL_ROUNDS {
        if campaign.round(round).await.is_err() || !campaign.checker.findings.is_empty() {
            return Ok(Some(round));
        }
    }
    Ok(None)
}

enum Breaker {
    Kill,
    PowerCut(Disk),
}

struct Campaign {
    // Before the disk, which can only go when nobody uses it.
    child: ChildServer,
    breaker: Breaker,
    http: reqwest::Client,
    api: Api,
    ledger: Arc<Ledger>,
    random: Arc<TestRandom>,
    checker: Checker,
    /// Nanoseconds from each restart to readiness.
    ready: Vec<u64>,
}

// === impl Campaign ===

impl Campaign {
    async fn begin(
        place: &TempDir,
        data: &Path,
        breaker: Breaker,
        seed: u64,
        unflushed: bool,
    ) -> Result<Self> {
        let mut child =
            ChildServer::new(data, &place.path().join("server.log"))?.setting("log.level", "warn");
        if unflushed {
            child = child.setting("unsafe_synchronous_off", "true");
        }
        let token = child.init()?;
        let http = Api::fresh_connections()?;
        child.start(&http).await?;
        let api = Api::new(&http, child.base_url(), &token);
        let random = Arc::new(TestRandom::new(seed));
        let checker = Checker::begin(&api, &random).await?;
        if let Breaker::PowerCut(_) = breaker {
            // What was made before the first round is no matter of this test.
            std::process::Command::new("sync")
                .status()
                .context("`sync` cannot be run")?;
        }
        Ok(Self {
            child,
            breaker,
            http,
            api,
            ledger: Arc::new(Ledger::create(&place.path().join("ledger"))?),
            random,
            checker,
            ready: Vec::new(),
        })
    }

    async fn rounds(&mut self, rounds: u32) -> Result<()> {
        for round in 1..=rounds {
            self.round(round)
                .await
                .with_context(|| format!("round {round}"))?;
            if self.checker.findings.len() >= ENOUGH_FINDINGS {
                break;
            }
        }
        Ok(())
    }

    /// One round: load, break, recover, compare.
    async fn round(&mut self, round: u32) -> Result<()> {
        let shift = Arc::new(Shift {
            api: self.api.clone(),
            ledger: Arc::clone(&self.ledger),
            random: Arc::clone(&self.random),
            round,
            over: AtomicBool::new(false),
        });
        let mut clients = workload::start(&shift, &self.checker.state.live(LIVE_TOKENS));
        sleep(self.time_under_load()).await;
        let broken = self.break_it(&shift).await?;
        while let Some(client) = clients.join_next().await {
            client??;
        }
        if let Breaker::PowerCut(disk) = &mut self.breaker {
            disk.restore().await?;
        }
        let ready = self.child.start(&self.http).await?;
        self.ready.push(u64::try_from(ready.as_nanos())?);
        let entries = self.ledger.read_new(broken)?;
        self.checker.round(&self.api, &entries).await
    }

    /// Breaks the server under load; gives the instant at which that began.
    async fn break_it(&mut self, shift: &Shift) -> Result<u64> {
        // The flag before the clock: a client whose answer came after that instant begins nothing more.
        let begin = || {
            shift.over.store(true, Ordering::SeqCst);
            monotonic_ns()
        };
        match &mut self.breaker {
            Breaker::Kill => {
                let broken = begin();
                self.child.kill()?;
                Ok(broken)
            }
            Breaker::PowerCut(disk) => {
                disk.arm()?;
                let broken = begin();
                disk.cut()?;
                sleep(DISK_DELAY).await;
                self.child.kill()?;
                Ok(broken)
            }
        }
    }

    fn time_under_load(&self) -> Duration {
        let (least, most) = match self.breaker {
            Breaker::Kill => (200, 900),
            Breaker::PowerCut(_) => (400, 1_500),
        };
        Duration::from_millis(least + self.random.below(most - least))
    }

    /// The last comparison, of everything there ever was, and the figures.
    async fn report(&mut self, outcome: &mut Outcome, rounds: u32, least: u64) -> Result<()> {
        self.checker.everything(&self.api).await?;
        let ended = self.child.terminate()?;
        self.child.start(&self.http).await?;
        self.ready.sort_unstable();
        let findings = std::mem::take(&mut self.checker.findings);
        let how = match self.breaker {
            Breaker::Kill => "kills",
            Breaker::PowerCut(_) => "power cuts",
        };
        outcome.check(
            format!("{rounds} {how}: nothing acknowledged was lost, revived or doubled"),
            findings,
        );
        outcome.check_that(
            "the server ends in order when it is told to",
            ended.success(),
            ended.to_string(),
        );
        let Counts {
            acknowledged,
            in_doubt,
            repeated,
            slowest,
        } = self.checker.state.counts;
        outcome.at_least("acknowledged operations", acknowledged, least);
        outcome.figure(how, f64::from(rounds), "1");
        outcome.figure("clients at once", count(CLIENTS), "1");
        outcome.figure(
            "operations in doubt at a break, all settled",
            count(in_doubt),
            "1",
        );
        outcome.figure("keys repeated and answered alike", count(repeated), "1");
        outcome.figure(
            "audit events compared one by one",
            count(self.checker.audit.compared),
            "1",
        );
        outcome.figure("longest time to an acknowledgement", millis(slowest), "ms");
        outcome.figure(
            "ready after a break, p50",
            millis(quantile(&self.ready, 0.5)),
            "ms",
        );
        outcome.figure_at_most(
            "ready after a break, p99",
            millis(quantile(&self.ready, 0.99)),
            "ms",
            1_000.0,
        );
        Ok(())
    }

    /// Entries that never were: the comparison must find each. Gives those that it did not find.
    async fn forge(&self) -> Result<Vec<String>> {
        let mut missed = Vec::new();
        let victim = self
            .checker
            .state
            .live(1)
            .pop()
            .context("no live token to forge with")?;
        for forgery in ["a revocation", "an issue", "a deployment", "an audit event"] {
            let mut checker = self.checker.clone();
            let state = &mut checker.state;
            match forgery {
                "a revocation" => {
                    if let Some(token) = state.tokens.get_mut(&victim) {
                        token.revoked = true;
                    }
                }
                "an issue" => {
                    let secrets = vec!["clvp_00000000000000000000000000000000000000".to_owned()];
                    let (name, description) = ("forged".to_owned(), String::new());
                    state.tokens.insert(
                        "tok_forged".to_owned(),
                        Token {
                            name,
                            secrets,
                            description,
                            revoked: false,
                        },
                    );
                }
                "a deployment" => {
                    let versions = [("1.0".to_owned(), "dep_forged".to_owned())];
                    state.deployments.insert("forged".to_owned(), versions.into());
                }
                _ => {
                    state.events.insert(("token.revoked", victim.clone()), 1);
                }
            }
            checker.everything(&self.api).await?;
            checker.round(&self.api, &[]).await?;
            if checker.findings.is_empty() {
                missed.push(format!("{forgery} that never was is not noticed"));
            }
        }
        Ok(missed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}
