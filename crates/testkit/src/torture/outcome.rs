//! What a programme found: checks that passed, failed or were skipped, and figures.

use std::fmt;

use serde::Serialize;

/// The findings of one programme.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `R1`.
    pub name: String,
    /// The seed of the run.
    pub seed: u64,
    /// What was checked, negative controls included.
    pub checks: Vec<Check>,
    /// What was measured.
    pub figures: Vec<Figure>,
}

/// One statement that was put to the test.
#[derive(Debug, Clone)]
pub struct Check {
    /// The statement.
    pub what: String,
    /// How it went.
    pub verdict: Verdict,
}

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It held.
    Passed,
    /// It did not; the first few findings.
    Failed(Vec<String>),
    /// It could not be tried here, for this reason.
    Skipped(String),
}

/// One measured number.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The programme.
    pub goal: String,
    /// What was measured.
    pub what: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is held to; `null` = reported only.
    #[serde(flatten)]
    pub held_to: Option<Goal>,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Goal {
    /// The bound.
    pub limit: f64,
    /// `<=` or `>=`.
    pub comparison: &'static str,
    /// Whether the figure keeps it.
    pub met: bool,
}

/// Findings shown of one failed check; the count of all is in the first line.
const SHOWN: usize = 10;

// === impl Outcome ===

impl Outcome {
    pub(super) fn new(name: &str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            checks: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// True when no check failed. A skipped check fails nothing.
    pub fn passed(&self) -> bool {
        !self
            .checks
            .iter()
            .any(|check| matches!(check.verdict, Verdict::Failed(_)))
    }

    /// The numbers of checks that passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |of: fn(&Verdict) -> bool| self.checks.iter().filter(|check| of(&check.verdict)).count();
        (
            count(|verdict| *verdict == Verdict::Passed),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        )
    }

    /// Holds a statement to its counterexamples: it passed when there are none.
    pub(super) fn check(&mut self, what: impl Into<String>, findings: Vec<String>) {
        let verdict = if findings.is_empty() {
            Verdict::Passed
        } else {
            let all = format!("{} findings", findings.len());
            Verdict::Failed(
                std::iter::once(all)
                    .chain(findings.into_iter().take(SHOWN))
                    .collect(),
            )
        };
        self.checks.push(Check {
            what: what.into(),
            verdict,
        });
    }

    /// Holds a statement that is true or not.
    pub(super) fn check_that(&mut self, what: impl Into<String>, holds: bool, otherwise: impl Into<String>) {
        self.check(what, if holds { Vec::new() } else { vec![otherwise.into()] });
    }

    pub(super) fn skip(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.checks.push(Check {
            what: what.into(),
            verdict: Verdict::Skipped(reason.into()),
        });
    }

    /// Reports a number.
    pub(super) fn figure(&mut self, what: &str, value: f64, unit: &'static str) {
        self.push(what, value, unit, None);
    }

    /// Reports a number and what it is held to. A figure that misses its goal is written as it is; only a check can fail a run.
    pub(super) fn figure_at_most(&mut self, what: &str, value: f64, unit: &'static str, limit: f64) {
        let met = value <= limit;
        let comparison = "<=";
        self.push(
            what,
            value,
            unit,
            Some(Goal {
                limit,
                comparison,
                met,
            }),
        );
    }

    /// Reports a count and the least that makes the run worth something; fewer fail the run.
    pub(super) fn at_least(&mut self, what: &str, count: u64, least: u64) {
        #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
        let (value, limit) = (count as f64, least as f64);
        let met = count >= least;
        let comparison = ">=";
        self.push(
            what,
            value,
            "1",
            Some(Goal {
                limit,
                comparison,
                met,
            }),
        );
        self.check_that(
            format!("at least {least} {what}"),
            met,
            format!("only {count}: an idle test proves nothing"),
        );
    }

    fn push(&mut self, what: &str, value: f64, unit: &'static str, held_to: Option<Goal>) {
        self.figures.push(Figure {
            goal: self.name.clone(),
            what: what.to_owned(),
            value,
            unit,
            held_to,
        });
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} with seed {}", self.name, self.seed)?;
        for figure in &self.figures {
            write!(f, "  {:<58} {:>12.3} {}", figure.what, figure.value, figure.unit)?;
            if let Some(goal) = figure.held_to {
                let missed = if goal.met { "" } else { ", missed" };
                write!(f, "  (goal {} {}{missed})", goal.comparison, goal.limit)?;
            }
            writeln!(f)?;
        }
        for check in &self.checks {
            match &check.verdict {
                Verdict::Passed => writeln!(f, "  passed   {}", check.what)?,
                Verdict::Skipped(reason) => writeln!(f, "  skipped  {}: {reason}", check.what)?,
                Verdict::Failed(findings) => {
                    writeln!(f, "  FAILED   {}", check.what)?;
                    for finding in findings {
                        writeln!(f, "           {finding}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
