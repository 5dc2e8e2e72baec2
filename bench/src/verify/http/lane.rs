//! A lane: one server, one kind of request, and what its rounds gave.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bound;
use crate::figures::median;
use crate::load::{self, Answer, Connections, Run, Traffic};
use crate::seeded::{self, Lot, Texts};
use crate::servers::{Process, Spent};
use crate::verify::head;

/// Keep-alive connections of the load generator.
const CONNECTIONS: u32 = 32;
/// Different tokens that are asked about; more than one round asks for.
const ASKED: u32 = 1_000_000;

/// One server and one kind of request.
pub(super) struct Lane {
    server: Process,
    traffic: RefCell<Verifies>,
    rounds: Vec<Measured>,
}

/// One lane's part of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    run: Run,
    spent: Spent,
}

/// What is asked about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether it has a scope.
    Scopes,
    /// Whether it may do something to a resource of its team.
    Action,
}

/// Requests `POST /v1/verify`, one token after the other.
pub(super) struct Verifies {
    before: Vec<u8>,
    texts: Texts,
    /// What follows the token; by turns of the tokens' numbers. All of one length.
    after: Vec<String>,
    place: usize,
    /// What every answer begins with.
    expected: &'static [u8],
}

const VALID: &[u8] = b"{\"valid\":true";
const INVALID: &[u8] = b"{\"valid\":false";

/// What `of` gives for one lane over what it gives for the other, round by round.
pub(super) fn ratios(lane: &Lane, against: &Lane, of: impl Fn(&Measured) -> f64) -> Vec<f64> {
    let pairs = lane.rounds.iter().zip(&against.rounds);
    pairs.map(|(one, other)| of(one) / of(other)).collect()
}

/// Prints what each lane did, for whoever looks on.
pub(super) fn report(lanes: &[(&str, &Lane)]) {
    println!(
        "  {:<16} {:>12} {:>14} {:>18} {:>14}",
        "lane", "requests/s", "CPU a request", "with bookkeeping", "core in use"
    );
    for (name, lane) in lanes {
        let middle = |of: fn(&Measured) -> f64| median(&lane.each(of)).unwrap_or_default();
        println!(
            "  {:<16} {:>12.0} {:>11.2} µs {:>15.2} µs {:>12.0} %",
            name,
            middle(|measured| measured.run.rate()),
            middle(Measured::answering),
            middle(Measured::all),
            middle(|measured| 100.0 * measured.spent.total.as_secs_f64() / measured.run.took.as_secs_f64())
        );
    }
}

// === impl Lane ===

impl Lane {
    /// A lane whose server waits for its turn.
    ///
    /// # Errors
    /// When the server has ended.
    pub(super) fn new(server: Process, traffic: Verifies) -> Result<Self> {
        server.pause()?;
        Ok(Self {
            server,
            traffic: RefCell::new(traffic),
            rounds: Vec::new(),
        })
    }

    /// The whole answer to one request.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn answer(&self) -> Result<Vec<u8>> {
        let mut request = Vec::new();
        self.traffic.borrow_mut().next(&mut request);
        self.server.resume()?;
        let answer = load::block_on(load::ask_once(&self.server.target, &request));
        self.server.pause()?;
        answer
    }

    /// Lets the server run, and it alone. What it left undone when it was paused is done now and charged to it.
    ///
    /// # Errors
    /// When it hangs up, or answers something else than it should.
    pub(super) fn drive(&self, time: Duration) -> Result<Measured> {
        self.server.resume()?;
        let before = self.server.spent()?;
        let run = load::block_on(async {
            let mut connections = Connections::open(&self.server.target, CONNECTIONS).await?;
            load::awake(connections.drive(&self.traffic, time)).await
        })?;
        let spent = self.server.spent()?.since(&before);
        self.server.pause()?;
        Ok(Measured { run, spent })
    }

    /// The same, as the next round.
    ///
    /// # Errors
    /// The same.
    pub(super) fn measure(&mut self, time: Duration) -> Result<()> {
        let measured = self.drive(time)?;
        self.rounds.push(measured);
        Ok(())
    }

    /// What `of` gives, round by round.
    pub(super) fn each(&self, of: impl Fn(&Measured) -> f64) -> Vec<f64> {
        self.rounds.iter().map(of).collect()
    }

    /// Ends the server in order.
    ///
    /// # Errors
    /// When it does not end well.
    pub(super) fn end(self) -> Result<()> {
        self.server.end()
    }
}

// === impl Measured ===

impl Measured {
    /// Microseconds of processor time for each request, without the threads that write to the store.
    pub(super) fn answering(&self) -> f64 {
        self.per_request(self.spent.total.saturating_sub(self.spent.aside))
    }

    /// Microseconds of processor time for each request, of all threads.
    pub(super) fn all(&self) -> f64 {
        self.per_request(self.spent.total)
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> f64 {
        self.run.rate()
    }

    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.run.answered).unwrap_or(u32::MAX))
    }

    /// What the threads that write to the store used, of a hundred.
    pub(super) fn aside_percent(&self) -> f64 {
        100.0 * self.spent.aside.as_secs_f64() / self.spent.total.as_secs_f64()
    }
}

// === impl Verifies ===

impl Verifies {
    /// Asks this about tokens drawn at random among the first of a lot.
    ///
    /// # Errors
    /// Never in practice.
    pub(super) fn new(lot: Lot, among: u32, question: Question) -> Result<Self> {
        let texts = seeded::sample(lot, among, ASKED.min(among.saturating_mul(8)))?;
        let opening = "{\"token\":\"";
        let after = match question {
            Question::Scopes => vec!["\",\"scopes\":[\"deployments:write\"]}".to_owned()],
            Question::Action => (0..bound::TEAMS).map(bound::asked_in_json).collect(),
        };
        let length = opening.len() + texts.around(0).len() + after.first().map_or(0, String::len);
        let mut before = head(length)?;
        before.extend_from_slice(opening.as_bytes());
        Ok(Self {
            before,
            texts,
            after,
            place: 0,
            expected: if lot == Lot::Unknown { INVALID } else { VALID },
        })
    }
}

impl Traffic for Verifies {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let number = usize::try_from(self.texts.number(self.place)).unwrap_or_default();
        request.extend_from_slice(&self.before);
        request.extend_from_slice(self.texts.around(self.place));
        request.extend_from_slice(self.after[number % self.after.len()].as_bytes());
        self.place += 1;
        true
    }

    fn answered(&mut self, answer: Answer<'_>, _: Duration) -> Result<()> {
        ensure!(
            answer.status == 200 && answer.body.starts_with(self.expected),
            "the server answered {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        Ok(())
    }
}
