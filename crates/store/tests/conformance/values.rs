//! Values: what goes in comes out, the same from both databases.

use claviger_store::{Row, StoreError, Tx, Value};

use crate::home::{Home, put};
use crate::on_both_stores;

on_both_stores!(
    every_value_survives,
    a_text_with_a_nul_character_is_refused,
    a_column_of_another_type_is_an_error,
    streaming_shows_every_row_and_stops_when_asked,
    many_sets_of_parameters_run_as_one_operation,
    numbers_are_matched_as_a_set,
    texts_are_compared_by_code_points,
);

/// Columns of every kind.
const TABLE: &str =
    "CREATE TABLE sample (id BIGINT, number BIGINT, ratio DOUBLE PRECISION, words TEXT, bytes {blob})";

async fn every_value_survives(home: Home) {
    let store = home.open().await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let rows = [
        (i64::MIN, f64::MIN, "", vec![]),
        (i64::MAX, f64::MAX, "Größe ﬁ 日本語 👩‍🚀 '\"\\;--$1?{}", all_bytes),
        (0, -0.5, "two\nlines\ttab", vec![0]),
        (
            -1,
            f64::MIN_POSITIVE,
            "\u{10ffff}\u{d7ff}\u{e000}",
            vec![0xff; 100_000],
        ),
    ];

    let kept = rows.clone();
    store
        .write(async move |tx: &mut Tx| {
            create(tx).await?;
            for (place, (number, ratio, words, bytes)) in kept.into_iter().enumerate() {
                let place = i64::try_from(place).unwrap_or(0);
                let params = [
                    place.into(),
                    number.into(),
                    ratio.into(),
                    words.into(),
                    bytes.into(),
                ];
                tx.execute(INSERT, &params).await?;
            }
            let nulls = [100_i64.into(), Value::Null, Value::Null, Value::Null, Value::Null];
            tx.execute(INSERT, &nulls).await?;
            tx.execute(
                format!("{INSERT} -- made"),
                &[101_i64.into(), Value::Null, Value::Null, Value::Null, Value::Null],
            )
            .await
        })
        .await
        .unwrap();

    // A fixed text, a text made for the call, and a stream give the same.
    const ALL: &str = "SELECT number, ratio, words, bytes FROM sample ORDER BY id";
    let read = store.read(async |tx: &mut Tx| {
        let fixed = tx
            .query(ALL, &[])
            .await?
            .iter()
            .map(sample)
            .collect::<Result<Vec<_>, _>>()?;
        let made = tx
            .query(ALL.to_owned(), &[])
            .await?
            .iter()
            .map(sample)
            .collect::<Result<Vec<_>, _>>()?;
        let mut streamed = Vec::new();
        tx.for_each(ALL, &[], |row| {
            streamed.push(sample(row)?);
            Ok::<(), StoreError>(())
        })
        .await?;
        Ok::<_, StoreError>([fixed, made, streamed])
    });
    for found in read.await.unwrap() {
        assert_eq!(found.len(), 6);
        for (found, (number, ratio, words, bytes)) in found.iter().zip(&rows) {
            assert_eq!(
                *found,
                (
                    Some(*number),
                    Some(*ratio),
                    Some((*words).to_owned()),
                    Some(bytes.clone())
                )
            );
        }
        assert_eq!(found[4..], [(None, None, None, None), (None, None, None, None)]);
    }
}

const INSERT: &str = "INSERT INTO sample (id, number, ratio, words, bytes) VALUES ($1, $2, $3, $4, $5)";

type Sample = (Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>);

fn sample(row: &Row<'_>) -> Result<Sample, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

async fn create(tx: &mut Tx) -> Result<u64, StoreError> {
    // The words in braces are for every statement, not for migrations only.
    tx.execute(TABLE, &[]).await
}

async fn a_text_with_a_nul_character_is_refused(home: Home) {
    let store = home.open().await;

    let refused = put(&store, "key", "nul \0 inside").await;
    let made = store
        .write(async |tx: &mut Tx| {
            let sql = "INSERT INTO setting (key, value) VALUES ('key', $1)".to_owned();
            tx.execute(sql, &["nul \0 inside".into()]).await
        })
        .await;

    assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    assert!(matches!(made, Err(StoreError::Internal(_))), "{made:?}");
    put(&store, "key", "none").await.unwrap();
}

async fn a_column_of_another_type_is_an_error(home: Home) {
    let store = home.open().await;
    put(&store, "key", "text").await.unwrap();

    let read = store.read(async |tx: &mut Tx| {
        let rows = tx.query("SELECT value FROM setting", &[]).await?;
        let missing: Result<String, StoreError> = rows[0].get(1);
        let number: Result<i64, StoreError> = rows[0].get(0);
        Ok::<_, StoreError>((missing.is_err(), number))
    });

    let (missing, number) = read.await.unwrap();
    assert!(missing);
    assert_eq!(
        number,
        Err(StoreError::Internal("column 0 is text, not i64".to_owned()))
    );
}

/// An error of a caller above the store.
#[derive(Debug, PartialEq)]
enum Stopped {
    Here(i64),
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn streaming_shows_every_row_and_stops_when_asked(home: Home) {
    let store = home.open().await;
    const COUNT: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) \
                         SELECT CAST(n AS BIGINT) FROM numbers";

    let sum: Result<i64, StoreError> = store
        .read(async |tx: &mut Tx| {
            let mut sum = 0;
            tx.for_each(COUNT, &[], |row| {
                sum += row.get::<i64>(0)?;
                Ok::<(), StoreError>(())
            })
            .await?;
            Ok(sum)
        })
        .await;
    let stopped: Result<(), Stopped> = store
        .read(async |tx: &mut Tx| {
            tx.for_each(COUNT, &[], |row| match row.get::<i64>(0)? {
                1_000 => Err(Stopped::Here(1_000)),
                _ => Ok(()),
            })
            .await
        })
        .await;

    assert_eq!(sum, Ok(200_000 * 200_001 / 2));
    assert_eq!(stopped, Err(Stopped::Here(1_000)));
    put(&store, "the connection", "is still good").await.unwrap();
}

async fn many_sets_of_parameters_run_as_one_operation(home: Home) {
    let store = home.open().await;
    const INSERT: &str = "INSERT INTO setting (key, value) VALUES ($1, $2)";
    let sets = |range: std::ops::Range<i64>| range.map(|number| vec![number.to_string().into(), "".into()]);

    let written = store
        .write(async move |tx: &mut Tx| tx.execute_many(INSERT, sets(0..3_000)).await)
        .await;
    let refused = store
        .write(async move |tx: &mut Tx| tx.execute_many(INSERT, sets(2_999..6_000)).await)
        .await;
    let none = store
        .write(async move |tx: &mut Tx| tx.execute_many(INSERT, sets(0..0)).await)
        .await;

    assert_eq!(written, Ok(3_000));
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(none, Ok(0));
    assert_eq!(crate::home::keys(&store).await.len(), 3_000);
}

async fn numbers_are_matched_as_a_set(home: Home) {
    let store = home.open().await;
    let matching = async |numbers: &str| -> Vec<i64> {
        let numbers = numbers.to_owned();
        let read = store.read(async move |tx: &mut Tx| {
            let sql = "SELECT n FROM (SELECT CAST(-5 AS BIGINT) AS n UNION ALL SELECT 9223372036854775807 UNION ALL SELECT 7) \
                       AS t WHERE n IN {numbers:$1} ORDER BY n";
            let rows = tx.query(sql, &[numbers.into()]).await?;
            rows.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, StoreError>>()
        });
        read.await.unwrap()
    };

    assert_eq!(matching("[9223372036854775807,-5,8]").await, [-5, i64::MAX]);
    assert!(matching("[]").await.is_empty());
}

async fn texts_are_compared_by_code_points(home: Home) {
    let store = home.open().await;
    let texts = [
        "",
        "A",
        "B",
        "a",
        "a b",
        "a-b",
        "ab",
        "b",
        "ä",
        "日",
        "ﬁ",
        "\u{10ffff}",
    ];

    let read = store.write(async move |tx: &mut Tx| {
        tx.execute("CREATE TABLE word (text {text} NOT NULL)", &[])
            .await?;
        let sets = texts.iter().rev().map(|text| vec![(*text).into()]);
        tx.execute_many("INSERT INTO word (text) VALUES ($1)", sets)
            .await?;
        let rows = tx.query("SELECT text FROM word ORDER BY text", &[]).await?;
        rows.iter()
            .map(|row| row.get(0))
            .collect::<Result<Vec<String>, StoreError>>()
    });

    assert_eq!(read.await.unwrap(), texts);
}
