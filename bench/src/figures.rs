//! A figure: what was measured in each round, its middle, its extremes, and the goal it is held against.
//!
//! Invariant: the value is the median of the rounds and nothing is left out; whether it meets its goal is computed from the value as
//! it is shown. The parts of a bench make figures, `results` keeps them.

use serde::{Deserialize, Serialize};

/// One measured figure, in the form in which results are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// The goal's name, such as `P1`.
    pub(crate) goal: String,
    /// What was measured, in words.
    pub(crate) what: String,
    /// The median of the rounds, to four digits.
    pub(crate) value: f64,
    /// Of value, limit, low and high; `ratio` when there is none.
    pub(crate) unit: String,
    /// What the goal asks for.
    pub(crate) limit: f64,
    /// `<=` or `>=`: on which side of the limit the goal is met.
    pub(crate) comparison: Comparison,
    /// Whether it is.
    pub(crate) met: bool,
    /// How many rounds were measured.
    pub(crate) rounds: usize,
    /// The least of the rounds.
    pub(crate) low: f64,
    /// The greatest.
    pub(crate) high: f64,
}

/// On which side of the limit a goal is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    /// At most the limit.
    #[serde(rename = "<=")]
    AtMost,
    /// At least the limit.
    #[serde(rename = ">=")]
    AtLeast,
}

/// What a goal asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// Its name, such as `P1`.
    pub(crate) name: &'static str,
    /// On which side of the limit it is met.
    pub(crate) comparison: Comparison,
    /// The limit.
    pub(crate) limit: f64,
    /// The unit of both.
    pub(crate) unit: &'static str,
}

// === impl Goal ===

impl Goal {
    /// Met at `limit` and below.
    pub(crate) const fn at_most(name: &'static str, limit: f64, unit: &'static str) -> Self {
        Self {
            name,
            comparison: Comparison::AtMost,
            limit,
            unit,
        }
    }

    /// Met at `limit` and above.
    pub(crate) const fn at_least(name: &'static str, limit: f64, unit: &'static str) -> Self {
        Self {
            name,
            comparison: Comparison::AtLeast,
            limit,
            unit,
        }
    }

    /// The figure that these rounds give; `None` without rounds, because no data is no number.
    pub(crate) fn figure(&self, what: impl Into<String>, rounds: &[f64]) -> Option<Figure> {
        let value = shown(median(rounds)?);
        let met = match self.comparison {
            Comparison::AtMost => value <= self.limit,
            Comparison::AtLeast => value >= self.limit,
        };
        Some(Figure {
            goal: self.name.to_owned(),
            what: what.into(),
            value,
            unit: self.unit.to_owned(),
            limit: self.limit,
            comparison: self.comparison,
            met,
            rounds: rounds.len(),
            low: shown(rounds.iter().copied().fold(f64::INFINITY, f64::min)),
            high: shown(rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        })
    }
}

// === impl Comparison ===

impl Comparison {
    /// As people write it.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }
}

/// The middle one, or the mean of the two in the middle; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some((lower + upper) / 2.0)
}

/// The least value that `per_mille` of a thousand do not exceed (nearest rank); `None` of nothing.
pub(crate) fn percentile(values: &[f64], per_mille: usize) -> Option<f64> {
    let rank = (values.len() * per_mille).div_ceil(1_000).max(1);
    sorted(values).get(rank - 1).copied()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Four significant digits: more would be noise in the differences between two results.
fn shown(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();

        assert_eq!(percentile(&values, 500), Some(100.0));
        assert_eq!(percentile(&values, 990), Some(198.0));
        assert_eq!(percentile(&values, 1_000), Some(200.0));
        assert_eq!(percentile(&[7.0], 990), Some(7.0));
        assert_eq!(percentile(&[], 990), None);
    }

    #[test]
    fn a_goal_is_met_on_its_own_side_and_at_its_limit() {
        let low = Goal::at_most("P1", 1.15, "ratio");
        let high = Goal::at_least("P1", 0.88, "ratio");

        let met = |goal: Goal, value| goal.figure("x", &[value]).unwrap().met;

        assert!(met(low, 1.15) && !met(low, 1.16));
        assert!(met(high, 0.88) && !met(high, 0.87));
    }

    #[test]
    fn a_figure_is_judged_as_it_is_shown_and_keeps_its_extremes() {
        let figure = Goal::at_most("P4", 2.2, "ratio")
            .figure("x", &[2.200_04, 1.9, 3.123_45])
            .unwrap();

        assert_eq!((figure.value, figure.low, figure.high), (2.2, 1.9, 3.123));
        assert!(figure.met);
        assert_eq!(figure.rounds, 3);
    }
}
