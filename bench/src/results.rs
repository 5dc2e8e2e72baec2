//! Results: a table for people, and a file that is kept.
//!
//! Invariant: the file has the form that `docs/operate/performance.md` is made from, and is written whole or not at all. Full runs
//! write `bench/results/NAME.json`, which is committed; all others write `bench/NAME.json` in the target folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use crate::figures::Figure;
use crate::machine::{self, Machine};

/// Everything that is kept of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The name of the bench.
    pub(crate) bench: String,
    /// The sources that were measured; `-dirty` when they were not exactly a commit's.
    pub(crate) commit: String,
    /// The day, in UTC.
    pub(crate) date: String,
    /// The machine.
    pub(crate) machine: Machine,
    /// The figures, in the order of the goals.
    pub(crate) figures: Vec<Figure>,
}

/// Prints the figures and keeps them.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn conclude(bench: &str, mut figures: Vec<Figure>, committed: bool) -> Result<()> {
    figures.sort_by_key(|figure| goal_number(&figure.goal));
    let results = Results {
        bench: bench.to_owned(),
        commit: machine::commit(),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        machine: Machine::read(),
        figures,
    };
    println!("\n{}\n{}\n", results.machine, table(&results.figures));
    let path = if committed {
        committed_file(bench)
    } else {
        machine::target_folder()
            .join("bench")
            .join(format!("{bench}.json"))
    };
    write(&path, &results)?;
    let missed = results.figures.iter().filter(|figure| !figure.met).count();
    println!(
        "{} figures, {missed} miss their goal; written to {}",
        results.figures.len(),
        path.display()
    );
    Ok(())
}

/// The results that are committed; `None` when the bench was never run in full.
///
/// # Errors
/// When there is a file that does not read as results.
pub(crate) fn committed(bench: &str) -> Result<Option<Results>> {
    let path = committed_file(bench);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let results = serde_json::from_str(&text);
            results
                .map(Some)
                .with_context(|| format!("{} is not in the form of results", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// A number as it is shown, with its unit.
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "ratio" => format!("{value}×"),
        "percent" => format!("{value} %"),
        "bytes" => format!("{value} B"),
        unit => format!("{value} {unit}"),
    }
}

fn committed_file(bench: &str) -> PathBuf {
    machine::root()
        .join("bench/results")
        .join(format!("{bench}.json"))
}

fn write(path: &PathBuf, results: &Results) -> Result<()> {
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let unfinished = path.with_extension("json.new");
    fs::write(&unfinished, text).with_context(|| unfinished.display().to_string())?;
    fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}

fn table(figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["goal", "what", "value", "asked", "met", "rounds", "low", "high"]);
    for figure in figures {
        let asked = format!(
            "{} {}",
            figure.comparison.sign(),
            quantity(figure.limit, &figure.unit)
        );
        table.add_row([
            figure.goal.clone(),
            figure.what.clone(),
            quantity(figure.value, &figure.unit),
            asked,
            if figure.met { "yes" } else { "NO" }.to_owned(),
            figure.rounds.to_string(),
            figure.low.to_string(),
            figure.high.to_string(),
        ]);
    }
    for column in [2, 3, 5, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// `P10` comes after `P9`.
fn goal_number(goal: &str) -> u32 {
    goal.trim_start_matches('P').parse().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Goal;

    #[test]
    fn results_have_the_form_that_is_kept() {
        let figure = Goal::at_most("P1", 1.15, "ratio")
            .figure("CPU", &[1.1, 1.0, 1.2])
            .unwrap();

        let text = serde_json::to_string(&figure).unwrap();

        assert_eq!(
            text,
            r#"{"goal":"P1","what":"CPU","value":1.1,"unit":"ratio","limit":1.15,"comparison":"<=","met":true,"rounds":3,"low":1.0,"high":1.2}"#
        );
    }

    #[test]
    fn goals_are_in_the_order_of_their_numbers() {
        let mut goals = ["P10", "P2", "P1"];

        goals.sort_by_key(|goal| goal_number(goal));

        assert_eq!(goals, ["P1", "P2", "P10"]);
    }
}
