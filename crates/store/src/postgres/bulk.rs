//! Many rows in one statement.
//!
//! A statement per row costs the server more for its protocol than for the row. An INSERT of one row of parameters is therefore
//! widened to [`ROWS_PER_STATEMENT`] rows; what is left over, and every other statement, runs once per set of parameters.

use std::fmt::Write;

/// How many rows a widened statement has: 11 columns make 704 of the 65,535 parameters that the protocol allows.
pub(super) const ROWS_PER_STATEMENT: usize = 64;

/// `INSERT … VALUES ($1, …, $k)` with [`ROWS_PER_STATEMENT`] rows of parameters; `None` for any other text.
pub(super) fn widened(sql: &str) -> Option<String> {
    let (front, row) = sql.rsplit_once("VALUES ")?;
    let columns = row.split(',').count();
    if !front.starts_with("INSERT") || row != row_of(1, columns) {
        return None;
    }
    let mut text = format!("{front}VALUES {row}");
    for place in 1..ROWS_PER_STATEMENT {
        text.push_str(", ");
        text.push_str(&row_of(place * columns + 1, columns));
    }
    Some(text)
}

/// `($first, $first+1, …)`, so many of them.
fn row_of(first: usize, columns: usize) -> String {
    let mut row = String::from("(");
    for place in first..first + columns {
        let comma = if place == first { "" } else { ", " };
        // Writing to a String cannot fail.
        let _written = write!(row, "{comma}${place}");
    }
    row.push(')');
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_of_one_row_of_parameters_is_widened() {
        let text = widened("INSERT INTO t (a, b) VALUES ($1, $2)").unwrap();

        assert!(
            text.starts_with("INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4), ($5, $6)"),
            "{text}"
        );
        assert!(text.ends_with(", ($127, $128)"), "{text}");
    }

    #[test]
    fn every_other_statement_stays_as_it_is() {
        for sql in [
            "UPDATE t SET a = $2 WHERE id = $1",
            "INSERT INTO t (a, b) VALUES ($2, $1)",
            "INSERT INTO t (a, b) VALUES ($1, 5)",
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING",
            "INSERT INTO t (a) SELECT $1",
        ] {
            assert_eq!(widened(sql), None, "{sql}");
        }
    }
}
