//! Tables of plain columns, as wide as the terminal, without a word broken that a person may want to copy.
//!
//! Invariant: an id, an instant or a scope stays whole. Where a table cannot keep that, each row becomes a record of its own.
//! Pure: the width is an argument. Called by [`crate::output`].

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Spaces between columns.
const GAP: u16 = 2;

/// Rows under their headings. Without a width (for a pipe) nothing is wrapped.
pub(crate) fn rows(headings: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let narrowest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
        cells
            .chain(headings.get(column).copied())
            .map(longest_word)
            .max()
            .unwrap_or(0)
    };
    let narrowest: Vec<u16> = (0..headings.len())
        .map(|column| narrowest(column).saturating_add(GAP))
        .collect();
    let needed = narrowest
        .iter()
        .fold(0_u16, |sum, column| sum.saturating_add(*column));
    if width.is_some_and(|width| needed > width) && !rows.is_empty() {
        let record = |row: &Vec<String>| {
            let pairs: Vec<_> = headings
                .iter()
                .copied()
                .zip(row.iter().map(String::as_str))
                .collect();
            record(&pairs, width)
        };
        return rows.iter().map(record).collect::<Vec<_>>().join("\n\n");
    }
    let mut table = plain(width);
    table.set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    set_columns(&mut table, &narrowest);
    table.trim_fmt()
}

/// One thing: words and their values.
pub(crate) fn record(pairs: &[(&str, &str)], width: Option<u16>) -> String {
    let words = pairs
        .iter()
        .map(|(word, _)| longest_word(word))
        .max()
        .unwrap_or(0);
    let mut table = plain(width);
    for (word, value) in pairs {
        table.add_row([word, value]);
    }
    set_columns(&mut table, &[words.saturating_add(GAP)]);
    table.trim_fmt()
}

fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    match width {
        Some(width) => table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// Leaves the gap after each column, and holds the first ones at least this wide.
fn set_columns(table: &mut Table, narrowest: &[u16]) {
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if let Some(width) = narrowest.get(number) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*width)));
        }
    }
}

/// The most characters between two spaces.
fn longest_word(text: &str) -> u16 {
    let longest = text
        .split(' ')
        .map(|word| word.chars().count())
        .max()
        .unwrap_or(0);
    u16::try_from(longest).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn tokens(width: Option<u16>) -> String {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let cells = [
            row([
                "tok_01k9zv5m3r000",
                "release pipeline",
                "deployments:read deployments:write",
            ]),
            row(["tok_01k9zv5m3r001", "ci", "tokens:verify"]),
        ];
        rows(&["ID", "NAME", "SCOPES"], &cells, width)
    }

    #[test]
    fn a_pipe_gets_one_line_a_row() {
        expect![[r#"
            ID                 NAME              SCOPES
            tok_01k9zv5m3r000  release pipeline  deployments:read deployments:write
            tok_01k9zv5m3r001  ci                tokens:verify"#]]
        .assert_eq(&tokens(None));
    }

    #[test]
    fn a_terminal_gets_lines_that_break_between_words() {
        expect![[r#"
            ID                 NAME        SCOPES
            tok_01k9zv5m3r000  release     deployments:read
                               pipeline    deployments:write
            tok_01k9zv5m3r001  ci          tokens:verify"#]]
        .assert_eq(&tokens(Some(50)));
    }

    #[test]
    fn a_narrow_terminal_gets_records() {
        expect![[r#"
            ID      tok_01k9zv5m3r000
            NAME    release pipeline
            SCOPES  deployments:read
                    deployments:write

            ID      tok_01k9zv5m3r001
            NAME    ci
            SCOPES  tokens:verify"#]]
        .assert_eq(&tokens(Some(40)));
    }
}
