//! Databases full of tokens, made straight through the store: ten million in minutes.
//!
//! Invariant: a seeded database is as the server would have left it (schema, indexes, key file), except that its tokens were issued by
//! nobody: they have no audit events. Its secrets are those of [`seeded`]. SQLite's are kept under `bench/` in the target folder and
//! used again; one that an older schema or an unfinished run left behind is made anew.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use claviger_domain::owner::Role;
use claviger_domain::terms::{RateLimit, Terms};
use claviger_domain::{OrgId, Scope, ScopeSet, Timestamp, TokenId, UserId};
use claviger_store::tokens::TokenRow;
use claviger_store::users::UserRow;
use claviger_store::{Location, Options, Store, StoreError, Tx, organizations, teams, tokens, users};
use claviger_token::Pepper;
use serde::{Deserialize, Serialize};

use crate::bound;
use crate::machine;
use crate::seeded::{self, Lot};
use crate::size::spoken;

/// What the tokens of a database have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A scope and nothing else.
    Plain,
    /// Everything that a token can have in force: see [`bound`].
    Bound,
    /// The first lot is plain, the second bound, and so on by turns.
    ByTurns,
}

/// A directory that a server can be started on.
#[derive(Debug, Clone)]
pub(crate) struct SeededDirectory {
    /// The directory.
    pub(crate) path: PathBuf,
    /// Bytes of the database when it was made, indexes and all.
    pub(crate) bytes: u64,
}

/// A person who owns tokens.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Of all of them together.
    pub(crate) rate_limit: Option<RateLimit>,
    /// How many.
    pub(crate) tokens: u32,
    /// Of each of them.
    pub(crate) terms: Terms,
}

/// What is noted beside a finished database.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Grows when [`row`] changes.
    format: u32,
    tokens: u32,
    bytes: u64,
}

const FORMAT: u32 = 1;
/// The file of the embedded database. The store empties its log into it when it is closed.
const DATABASE: &str = "claviger.db";
/// The journal's, once it was served.
const JOURNAL: &str = "revocations.journal";
const NOTE: &str = "seeded.json";
/// Rows of one transaction.
const CHUNK: u32 = 50_000;
/// All ids and times lie here, in the past of every run: 2026-01-01T00:00:00Z.
const ISSUED: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// 2126-01-01T00:00:00Z.
const EXPIRES: Timestamp = Timestamp::from_seconds(4_922_899_200);
/// The first number of an id made at [`ISSUED`].
const FIRST_ID: i64 = ISSUED.millis() << 20;
const ORG: OrgId = OrgId::from_i64(FIRST_ID);
const ADMINISTRATOR: UserId = UserId::from_i64(FIRST_ID + 1);
const CALLER: TokenId = TokenId::from_i64(FIRST_ID + 2);
/// Teams and people besides the administrator are numbered below that, as if made before.
const FIRST_TEAM: i64 = FIRST_ID - 10_000;
const FIRST_PERSON: i64 = FIRST_ID - 20_000;
const FIRST_OWNED: i64 = FIRST_ID - 200_000;

/// A directory with an SQLite database of that many tokens, and the caller's. The first call makes it, later ones find it.
///
/// # Errors
/// Those of the store and the file system.
pub(crate) fn directory(tokens: u32, kind: Kind) -> Result<SeededDirectory> {
    let suffix = if kind == Kind::Plain { "" } else { "-bound" };
    let path = machine::target_folder()
        .join("bench")
        .join(format!("data-{tokens}{suffix}"));
    if let Some(note) = finished(&path, tokens) {
        return Ok(SeededDirectory {
            path,
            bytes: note.bytes,
        });
    }
    remove(&path)?;
    let begin = Instant::now();
    println!(
        "  making a database of {} tokens in {}",
        spoken(tokens),
        path.display()
    );
    fill_directory(&path, tokens, tokens, kind)?;
    let bytes = fs::metadata(path.join(DATABASE))?.len();
    let note = Note {
        format: FORMAT,
        tokens,
        bytes,
    };
    fs::write(path.join(NOTE), serde_json::to_vec(&note)?)?;
    println!("  made in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(SeededDirectory { path, bytes })
}

/// A copy of a seeded directory, for a second server; the copy of an earlier run is replaced.
///
/// # Errors
/// Those of the file system.
pub(crate) fn copy(of: &SeededDirectory, name: &str) -> Result<SeededDirectory> {
    let mut path = of.path.clone().into_os_string();
    path.push(format!("-{name}"));
    let path = PathBuf::from(path);
    remove(&path)?;
    write_keys(&path)?;
    let copy = |file: &str| {
        let to = path.join(file);
        fs::copy(of.path.join(file), &to).with_context(|| to.display().to_string())
    };
    copy(DATABASE)?;
    // A store that was served once is not opened without its journal.
    if of.path.join(JOURNAL).exists() {
        copy(JOURNAL)?;
    }
    Ok(SeededDirectory {
        path,
        bytes: of.bytes,
    })
}

/// Makes an SQLite database of that many tokens in `path`, and the keys beside it. Each `lot` tokens' names begin alike: [`lot_name`].
///
/// # Errors
/// Those of the store and the file system.
pub(crate) fn fill_directory(path: &Path, tokens: u32, lot: u32, kind: Kind) -> Result<()> {
    write_keys(path)?;
    let location = Location::Sqlite {
        directory: path.to_owned(),
    };
    fill(location, tokens, lot, kind)
}

/// Puts the caller's token and that many others into a new database; what bound ones need, too.
///
/// # Errors
/// Those of the store.
pub(crate) fn fill(location: Location, tokens: u32, lot: u32, kind: Kind) -> Result<()> {
    let columns = Arc::new(bound::Columns::new(FIRST_TEAM)?);
    in_store(location, async |store| {
        store.write(put_account).await?;
        if kind != Kind::Plain {
            store.write(put_teams).await?;
        }
        // Indexes of random keys are made at once in the end: growing them row by row takes many times as long.
        let indexes = store.write(drop_indexes).await?;
        let mut from = 0;
        while from < tokens {
            let to = tokens.min(from + CHUNK);
            let bound = columns.clone();
            store
                .write(async move |tx: &mut Tx| put_tokens(tx, from..to, (lot, kind), &bound).await)
                .await?;
            from = to;
        }
        for index in indexes {
            store
                .write(async move |tx: &mut Tx| tx.execute(index, &[]).await)
                .await?;
        }
        Ok(())
    })
}

/// Opens a store, does something with it and closes it.
///
/// # Errors
/// Those of the store and of `work`.
pub(crate) fn in_store<T>(location: Location, work: impl AsyncFnOnce(&Store) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::open(location, Options::new(ISSUED)).await?;
        let outcome = work(&store).await;
        store.close().await;
        outcome
    })
}

/// The key file, as the server writes it.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write_keys(data: &Path) -> Result<()> {
    let keys = data.join("keys");
    DirBuilder::new().recursive(true).mode(0o700).create(&keys)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(keys.join("peppers"))?;
    writeln!(file, "current {}", hex(&seeded::pepper_key()))?;
    writeln!(file, "audit {}", hex(&seeded::audit_key()))?;
    Ok(())
}

/// What the names of a lot begin with, and no other lot's.
pub(crate) fn lot_name(lot: u32) -> String {
    format!("pipeline {lot} ")
}

/// The row of the seeded token with this number. For whoever measures the store by itself, too.
///
/// # Errors
/// Never in practice.
pub(crate) fn row(number: u32, lot: u32, pepper: &Pepper) -> Result<TokenRow, StoreError> {
    let secret = seeded::secret(Lot::Known, u64::from(number)).map_err(StoreError::internal)?;
    let id = TokenId::from_i64(FIRST_ID + 16 + i64::from(number));
    let name = format!("{}{number:08}", lot_name(number / lot.max(1)));
    Ok(TokenRow {
        id,
        owner: id.into(),
        token_type: "global".to_owned(),
        name_key: name.clone(),
        name,
        description: "Made for measuring.".to_owned(),
        scopes: ScopeSet::only(Scope::DeploymentsWrite).to_string(),
        hint: secret.hint().to_string(),
        digest: pepper.digest(&secret.hash()),
        ..blank(id, pepper)
    })
}

/// Puts people who may do everything into a filled database, and their tokens: [`Lot::Owned`], numbered on from one person to the next.
///
/// # Errors
/// Those of the store.
pub(crate) fn add_people(location: Location, people: &[Person]) -> Result<()> {
    let mut accounts = Vec::new();
    let mut owned = Vec::new();
    for (id, person) in (FIRST_PERSON..).zip(people) {
        let user = UserId::from_i64(id);
        let rate_limit = person.rate_limit.as_ref().map(serde_json::to_string);
        let terms = serde_json::to_string(&person.terms)?;
        let email = format!("person-{}@example.org", accounts.len());
        accounts.push(UserRow {
            rate_limit: rate_limit.transpose()?,
            ..account(user, email)
        });
        for _ in 0..person.tokens {
            let number = u32::try_from(owned.len())?;
            let token = TokenId::from_i64(FIRST_OWNED + i64::from(number));
            let name = format!("owned {number:08}");
            let row = personal(user, token, (Lot::Owned, u64::from(number)), name)?;
            owned.push(TokenRow {
                terms: Some(terms.clone()),
                ..row
            });
        }
    }
    in_store(location, async |store| {
        let put = async move |tx: &mut Tx| {
            for account in &accounts {
                users::insert(tx, account).await?;
            }
            for row in &owned {
                tokens::insert(tx, row).await?;
            }
            Ok::<_, StoreError>(())
        };
        Ok(store.write(put).await?)
    })
}

fn account(id: UserId, email: String) -> UserRow {
    UserRow {
        id,
        org: ORG,
        email_key: email.clone(),
        email,
        name: None,
        name_key: None,
        role: Role::SuperAdmin.as_str().to_owned(),
        created_at: ISSUED,
        deactivated_at: None,
        roles: None,
        rate_limit: None,
    }
}

/// A token that acts as its owner.
fn personal(owner: UserId, id: TokenId, (lot, number): (Lot, u64), name: String) -> Result<TokenRow> {
    let pepper = seeded::pepper();
    let secret = seeded::secret(lot, number)?;
    Ok(TokenRow {
        owner: owner.into(),
        holder: owner.get(),
        token_type: "personal".to_owned(),
        name_key: name.clone(),
        name,
        scopes: ScopeSet::only(Scope::DeploymentsWrite).to_string(),
        hint: secret.hint().to_string(),
        digest: pepper.digest(&secret.hash()),
        ..blank(id, &pepper)
    })
}

async fn put_account(tx: &mut Tx) -> Result<(), StoreError> {
    organizations::insert(tx, ORG, "bench", ISSUED).await?;
    users::insert(tx, &account(ADMINISTRATOR, "bench@example.org".to_owned())).await?;
    let caller = personal(ADMINISTRATOR, CALLER, (Lot::Caller, 0), "caller".to_owned());
    let caller = TokenRow {
        scopes: ScopeSet::all().to_string(),
        ..caller.map_err(StoreError::internal)?
    };
    tokens::insert(tx, &caller).await
}

async fn put_teams(tx: &mut Tx) -> Result<(), StoreError> {
    for team in bound::teams(ORG, FIRST_TEAM, ISSUED).map_err(StoreError::internal)? {
        teams::insert(tx, &team).await?;
    }
    Ok(())
}

async fn put_tokens(
    tx: &mut Tx,
    numbers: Range<u32>,
    (lot, kind): (u32, Kind),
    bound: &bound::Columns,
) -> Result<(), StoreError> {
    let pepper = seeded::pepper();
    for number in numbers {
        let plain = row(number, lot, &pepper)?;
        let row = match kind {
            Kind::Plain => plain,
            Kind::ByTurns if (number / lot.max(1)).is_multiple_of(2) => plain,
            Kind::Bound | Kind::ByTurns => bound.bind(number, plain),
        };
        tokens::insert(tx, &row).await?;
    }
    Ok(())
}

/// What all seeded records have in common.
fn blank(id: TokenId, pepper: &Pepper) -> TokenRow {
    TokenRow {
        id,
        org: ORG,
        owner: id.into(),
        holder: ORG.get(),
        service_team: None,
        restrictions: None,
        roles: None,
        reason: None,
        terms: None,
        token_type: String::new(),
        name: String::new(),
        name_key: String::new(),
        description: String::new(),
        scopes: String::new(),
        hint: String::new(),
        digest: claviger_token::Digest::from_bytes([0; 32]),
        pepper: pepper.id(),
        created_at: ISSUED,
        created_by: ADMINISTRATOR.into(),
        updated_at: ISSUED,
        expires_at: Some(EXPIRES),
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        revoke_note: None,
        last_used_at: None,
        last_used_address: None,
        last_used_in: None,
        regenerated_at: None,
        awaits_first_use: false,
        previous: None,
    }
}

/// Drops the indexes of the token table and gives the statements that make them again. On PostgreSQL nothing: it is given few tokens.
async fn drop_indexes(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    if tx.backend() == claviger_store::Backend::Postgres {
        return Ok(Vec::new());
    }
    let sql =
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'token' AND sql IS NOT NULL";
    let mut statements = Vec::new();
    for index in tx.query(sql, &[]).await? {
        let name: String = index.get(0)?;
        statements.push(index.get(1)?);
        tx.execute(format!("DROP INDEX {name}"), &[]).await?;
    }
    Ok(statements)
}

fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The note of a database that is whole and that this version of the store opens.
fn finished(path: &Path, tokens: u32) -> Option<Note> {
    let note: Note = serde_json::from_slice(&fs::read(path.join(NOTE)).ok()?).ok()?;
    let location = Location::Sqlite {
        directory: path.to_owned(),
    };
    let opens = in_store(location, async |_| Ok(())).is_ok();
    (opens && note.format == FORMAT && note.tokens == tokens).then_some(note)
}

fn hex(key: &[u8; 32]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}
