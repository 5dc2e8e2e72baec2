//! Brings the schema up to date when the store is opened.
//!
//! The steps are the files in `migrations/`, in order; each is one transaction together with its row in `schema_migration`, so
//! a start that was cut off goes on where it stopped. Invariant: a step that was released is never edited; its checksum tells.

use claviger_domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::{Store, StoreError, Tx};

/// One step.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// Every step, in order.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tokens",
        sql: include_str!("../migrations/0001_tokens.sql"),
    },
    Migration {
        version: 2,
        name: "teams",
        sql: include_str!("../migrations/0002_teams.sql"),
    },
    Migration {
        version: 3,
        name: "people",
        sql: include_str!("../migrations/0003_people.sql"),
    },
    Migration {
        version: 4,
        name: "holders",
        sql: include_str!("../migrations/0004_holders.sql"),
    },
    Migration {
        version: 5,
        name: "sessions",
        sql: include_str!("../migrations/0005_sessions.sql"),
    },
    Migration {
        version: 6,
        name: "limits",
        sql: include_str!("../migrations/0006_limits.sql"),
    },
    Migration {
        version: 7,
        name: "reminders",
        sql: include_str!("../migrations/0007_reminders.sql"),
    },
    Migration {
        version: 8,
        name: "roles",
        sql: include_str!("../migrations/0008_roles.sql"),
    },
    Migration {
        version: 9,
        name: "policy",
        sql: include_str!("../migrations/0009_policy.sql"),
    },
    Migration {
        version: 10,
        name: "rotation",
        sql: include_str!("../migrations/0010_rotation.sql"),
    },
    Migration {
        version: 11,
        name: "owners",
        sql: include_str!("../migrations/0011_owners.sql"),
    },
];

/// Applies what is missing.
///
/// # Errors
/// [`StoreError::Schema`] when the stored schema is newer than this binary or was made by another text of a step.
pub(crate) async fn run(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let applied = store.write(applied).await?;
    check(&applied)?;
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        tracing::info!(
            version = migration.version,
            name = migration.name,
            "applying a migration"
        );
        store
            .write(async move |tx| apply(tx, migration, now).await)
            .await?;
    }
    Ok(())
}

/// The steps that were applied, in order: version, checksum.
async fn applied(tx: &mut Tx) -> Result<Vec<(i64, String)>, StoreError> {
    tx.run_script(
        "CREATE TABLE IF NOT EXISTS schema_migration (
             version BIGINT PRIMARY KEY,
             name TEXT NOT NULL,
             checksum TEXT NOT NULL,
             applied_at BIGINT NOT NULL
         )",
    )
    .await?;
    let rows = tx
        .query(
            "SELECT version, checksum FROM schema_migration ORDER BY version",
            &[],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

fn check(applied: &[(i64, String)]) -> Result<(), StoreError> {
    for (place, (version, stored)) in applied.iter().enumerate() {
        let Some(migration) = MIGRATIONS.get(place) else {
            return Err(StoreError::Schema(format!(
                "the store was written by a newer version of Claviger (schema {version}, this binary knows {}); run that \
                 version, or restore a backup",
                MIGRATIONS.last().map_or(0, |newest| newest.version)
            )));
        };
        if *version != migration.version || *stored != checksum(migration) {
            return Err(StoreError::Schema(format!(
                "schema step {version} of the store is not step {} (`{}`) of this binary; run the binary that made it",
                migration.version, migration.name
            )));
        }
    }
    Ok(())
}

async fn apply(tx: &mut Tx, migration: &'static Migration, now: Timestamp) -> Result<(), StoreError> {
    tx.run_script(migration.sql).await?;
    tx.execute(
        "INSERT INTO schema_migration (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        &[
            migration.version.into(),
            migration.name.into(),
            checksum(migration).into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// SHA-256 of the step's text, in hex.
fn checksum(migration: &Migration) -> String {
    Sha256::digest(migration.sql)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
