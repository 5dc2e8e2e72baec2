//! Tokens: their records, never their secrets.
//!
//! What is a state or a rule elsewhere is a comparison of columns here, with `now` as an argument.

mod list;
mod revocation;
mod rotation;
mod spending;
mod use_and_pepper;

use claviger_domain::resource::Word;
use claviger_domain::{OrgId, OwnerId, ServiceId, TeamId, Timestamp, TokenId};
use claviger_token::{Digest, PepperId};

use crate::dialect::numbers;
use crate::roles::mention;
use crate::{Row, StoreError, Tx};

pub use list::{Place, Sort, TokenFilter, UnusedSince, Visible, count, ids, list};
pub use revocation::{RevocationRow, RevokedRow, revoke};
pub use rotation::{
    EndedOverlap, PreviousIndexRow, PreviousRow, PreviousUseRow, SecretsRow, count_overlaps_with_pepper,
    end_overlap, first_used, overlaps_over, overlaps_with_pepper, redigest_previous, regenerate, secrets,
    touch_previous,
};
pub use spending::{spend, spendings};
pub use use_and_pepper::{PepperCount, UseRow, pepper_counts, redigest, touch_last_used, with_pepper};

/// All columns of a record, and the team that a service's token belongs to by way of the service.
macro_rules! columns {
    () => {
        "id, org_id, owner_id, type, digest, pepper_id, hint, created_at, created_by, updated_at, expires_at, \
         revoked_at, last_used_at, regenerated_at, scopes, name, name_key, description, revoked_by, \
         revoke_reason, revoke_note, last_used_address, holder_id, restrictions, \
         CASE WHEN type = 'service' THEN (SELECT team_id FROM service WHERE service.id = holder_id) END, \
         terms, last_used_in, roles, reason, \
         awaits_first_use, previous_digest, previous_pepper_id, previous_hint, previous_ends_at, \
         previous_until_first_use, previous_last_used_at, previous_last_used_address"
    };
}
const COLUMNS: &str = columns!();

/// A record, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The handle.
    pub id: TokenId,
    /// The tenant.
    pub org: OrgId,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// The type's text.
    pub token_type: String,
    /// The person, organization, team or service that it belongs to.
    pub holder: i64,
    /// The team of that service; `None` for the other types, and when the service is gone.
    pub service_team: Option<TeamId>,
    /// Its restrictions as JSON; `None` = none.
    pub restrictions: Option<String>,
    /// Its role assignments as JSON; `None` = none.
    pub roles: Option<String>,
    /// Why it was made.
    pub reason: Option<String>,
    /// Its terms as JSON; `None` = none.
    pub terms: Option<String>,
    /// The name as it was given.
    pub name: String,
    /// Its normal form.
    pub name_key: String,
    /// For people.
    pub description: String,
    /// Scopes, parted by spaces.
    pub scopes: String,
    /// The last four characters of the secret.
    pub hint: String,
    /// What is looked up.
    pub digest: Digest,
    /// The pepper under which the digest was made.
    pub pepper: PepperId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The principal that issued it.
    pub created_by: OwnerId,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// By whom.
    pub revoked_by: Option<String>,
    /// The reason's text.
    pub revoke_reason: Option<String>,
    /// What the revoking person wrote.
    pub revoke_note: Option<String>,
    /// When it was last accepted, as far as it was flushed.
    pub last_used_at: Option<Timestamp>,
    /// Whence.
    pub last_used_address: Option<String>,
    /// How it was presented then, as text.
    pub last_used_in: Option<String>,
    /// When its secret was last replaced.
    pub regenerated_at: Option<Timestamp>,
    /// The present secret came with a regeneration and was not used yet, as far as it was flushed.
    pub awaits_first_use: bool,
    /// The secret before, during an overlap.
    pub previous: Option<PreviousRow>,
}

/// What the verifier needs of a record, borrowed from its row: a start reads millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRow<'r> {
    /// The handle.
    pub id: TokenId,
    /// The tenant.
    pub org: OrgId,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// The type's text.
    pub token_type: &'r str,
    /// The person, organization, team or service that it belongs to.
    pub holder: i64,
    /// What is looked up.
    pub digest: Digest,
    /// Scopes, parted by spaces.
    pub scopes: &'r str,
    /// Its restrictions as JSON.
    pub restrictions: Option<&'r str>,
    /// Its role assignments as JSON.
    pub roles: Option<&'r str>,
    /// Its terms as JSON.
    pub terms: Option<&'r str>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// True when it was revoked.
    pub revoked: bool,
    /// When it was last accepted, as far as it was flushed.
    pub last_used_at: Option<Timestamp>,
    /// The present secret came with a regeneration and was not used yet, as far as it was flushed.
    pub awaits_first_use: bool,
    /// The secret before, during an overlap.
    pub previous: Option<PreviousIndexRow>,
}

/// What a token was given, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'r> {
    /// Scopes, parted by spaces.
    pub scopes: &'r str,
    /// Its restrictions as JSON.
    pub restrictions: Option<&'r str>,
    /// Its roles as JSON.
    pub roles: Option<&'r str>,
    /// Its terms as JSON.
    pub terms: Option<&'r str>,
}

/// Keeps a new record.
///
/// # Errors
/// [`StoreError::Conflict`] for a digest that is taken; those of the store.
pub async fn insert(tx: &mut Tx, token: &TokenRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO token (id, org_id, owner_id, type, digest, pepper_id, hint, created_at, created_by, updated_at, \
               expires_at, scopes, name, name_key, description, holder_id, restrictions, terms, roles, reason) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    let params = [
        token.id.into(),
        token.org.into(),
        token.owner.into(),
        (&token.token_type).into(),
        token.digest.as_bytes().into(),
        token.pepper.get().into(),
        (&token.hint).into(),
        token.created_at.into(),
        token.created_by.into(),
        token.updated_at.into(),
        token.expires_at.into(),
        (&token.scopes).into(),
        (&token.name).into(),
        (&token.name_key).into(),
        (&token.description).into(),
        token.holder.into(),
        token.restrictions.clone().into(),
        token.terms.clone().into(),
        token.roles.clone().into(),
        token.reason.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// The record `id`.
///
/// # Errors
/// Those of the store.
pub async fn by_id(tx: &mut Tx, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM token WHERE id = $1");
    tx.query_opt(sql, &[id.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// The records among `wanted`, in no order.
///
/// # Errors
/// Those of the store.
pub async fn by_ids(tx: &mut Tx, wanted: &[TokenId]) -> Result<Vec<TokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM token WHERE id IN {{numbers:$1}}");
    let wanted = numbers(wanted.iter().map(|id| id.get()));
    tx.query(sql, &[wanted.into()]).await?.iter().map(read).collect()
}

/// True when a live token of the holder other than `except` bears the name.
///
/// # Errors
/// Those of the store.
pub async fn live_name_exists(
    tx: &mut Tx,
    holder: i64,
    name_key: &str,
    now: Timestamp,
    except: TokenId,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM token WHERE holder_id = $1 AND name_key = $2 AND revoked_at IS NULL \
               AND (expires_at IS NULL OR expires_at > $3) AND id <> $4 LIMIT 1";
    let params = [holder.into(), name_key.into(), now.into(), except.into()];
    Ok(tx.query_opt(sql, &params).await?.is_some())
}

/// Changes what an update may change.
///
/// # Errors
/// Those of the store.
pub async fn update(tx: &mut Tx, token: &TokenRow) -> Result<(), StoreError> {
    let sql = "UPDATE token SET name = $2, name_key = $3, description = $4, scopes = $5, expires_at = $6, updated_at = $7, \
               restrictions = $8, terms = $9, roles = $10, reason = $11 WHERE id = $1";
    let params = [
        token.id.into(),
        (&token.name).into(),
        (&token.name_key).into(),
        (&token.description).into(),
        (&token.scopes).into(),
        token.expires_at.into(),
        token.updated_at.into(),
        token.restrictions.clone().into(),
        token.terms.clone().into(),
        token.roles.clone().into(),
        token.reason.as_ref().into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Puts what a token was given, and its end, in the place of what is stored.
///
/// # Errors
/// Those of the store.
pub async fn put_authority(
    tx: &mut Tx,
    id: TokenId,
    given: &Given<'_>,
    expires_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sql = "UPDATE token SET scopes = $2, restrictions = $3, roles = $4, terms = $5, expires_at = $6 WHERE id = $1";
    let params = [
        id.into(),
        given.scopes.into(),
        given.restrictions.into(),
        given.roles.into(),
        given.terms.into(),
        expires_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Drops a record.
///
/// # Errors
/// Those of the store.
pub async fn delete(tx: &mut Tx, id: TokenId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM token WHERE id = $1", &[id.into()])
        .await
        .map(|_| ())
}

/// How many records there are.
///
/// # Errors
/// Those of the store.
pub async fn total(tx: &mut Tx) -> Result<u64, StoreError> {
    match tx.query_opt("SELECT COUNT(*) FROM token", &[]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// The greatest id of anything here; 0 when there is nothing.
///
/// # Errors
/// Those of the store.
pub async fn greatest_id(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM token UNION ALL SELECT MAX(id) FROM deployment \
               UNION ALL SELECT MAX(id) FROM user_account UNION ALL SELECT MAX(id) FROM organization \
               UNION ALL SELECT MAX(id) FROM team UNION ALL SELECT MAX(id) FROM service UNION ALL SELECT MAX(id) FROM environment \
               UNION ALL SELECT MAX(id) FROM stage UNION ALL SELECT MAX(id) FROM invitation \
               UNION ALL SELECT MAX(id) FROM sign_in_session UNION ALL SELECT MAX(id) FROM webhook \
               UNION ALL SELECT MAX(id) FROM delivery UNION ALL SELECT MAX(id) FROM calendar_feed) AS made";
    let row = tx.query_opt(sql, &[]).await?;
    let greatest: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
    Ok(greatest.unwrap_or(0))
}

/// Shows every record to `each`, dead ones included. Memory stays bounded.
///
/// # Errors
/// Those of the store and of `each`.
pub async fn for_each(
    tx: &mut Tx,
    mut each: impl FnMut(&IndexRow<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {INDEXED} FROM token");
    tx.for_each(sql, &[], |row| each(&indexed(row)?)).await
}

/// The records whose holder is one of these, or whose restrictions name one of these services, as [`for_each`] shows them.
///
/// # Errors
/// Those of the store and of `each`.
pub async fn for_each_about_service(
    tx: &mut Tx,
    service: ServiceId,
    mut each: impl FnMut(&IndexRow<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {INDEXED} FROM token WHERE holder_id = $1 OR restrictions LIKE $2");
    let named = format!("%{}%", service.get());
    tx.for_each(sql, &[service.into(), named.into()], |row| each(&indexed(row)?))
        .await
}

/// The records that may have an assignment of the role, as [`for_each`] shows them.
///
/// # Errors
/// Those of the store and of `each`.
pub async fn for_each_with_role(
    tx: &mut Tx,
    org: OrgId,
    role: &Word,
    mut each: impl FnMut(&IndexRow<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {INDEXED} FROM token WHERE org_id = $1 AND roles LIKE $2 ESCAPE '!'");
    let params = [org.into(), mention(role).into()];
    tx.for_each(sql, &params, |row| each(&indexed(row)?)).await
}

/// How many live tokens a holder has.
///
/// # Errors
/// Those of the store.
pub async fn live_of_holder(tx: &mut Tx, holder: i64, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM token WHERE holder_id = $1 AND revoked_at IS NULL \
               AND (expires_at IS NULL OR expires_at > $2)";
    match tx.query_opt(sql, &[holder.into(), now.into()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

const INDEXED: &str = "id, org_id, owner_id, type, digest, scopes, expires_at, revoked_at, last_used_at, holder_id, restrictions, \
                       terms, roles, awaits_first_use, previous_digest, previous_ends_at, previous_until_first_use, \
                       previous_last_used_at";

fn indexed<'r>(row: &'r Row<'_>) -> Result<IndexRow<'r>, StoreError> {
    let revoked_at: Option<Timestamp> = row.get(7)?;
    Ok(IndexRow {
        id: row.get(0)?,
        org: row.get(1)?,
        owner: row.get(2)?,
        token_type: row.get(3)?,
        digest: digest(row, 4)?,
        scopes: row.get(5)?,
        expires_at: row.get(6)?,
        revoked: revoked_at.is_some(),
        last_used_at: row.get(8)?,
        holder: row.get(9)?,
        restrictions: row.get(10)?,
        terms: row.get(11)?,
        roles: row.get(12)?,
        awaits_first_use: row.get(13)?,
        previous: rotation::previous_indexed(row, 14)?,
    })
}

fn read(row: &Row<'_>) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.get(0)?,
        org: row.get(1)?,
        owner: row.get(2)?,
        token_type: row.get(3)?,
        digest: digest(row, 4)?,
        pepper: pepper(row, 5)?,
        hint: row.get(6)?,
        created_at: row.get(7)?,
        created_by: row.get(8)?,
        updated_at: row.get(9)?,
        expires_at: row.get(10)?,
        revoked_at: row.get(11)?,
        last_used_at: row.get(12)?,
        regenerated_at: row.get(13)?,
        scopes: row.get(14)?,
        name: row.get(15)?,
        name_key: row.get(16)?,
        description: row.get(17)?,
        revoked_by: row.get(18)?,
        revoke_reason: row.get(19)?,
        revoke_note: row.get(20)?,
        last_used_address: row.get(21)?,
        holder: row.get(22)?,
        restrictions: row.get(23)?,
        service_team: row.get(24)?,
        terms: row.get(25)?,
        last_used_in: row.get(26)?,
        roles: row.get(27)?,
        reason: row.get(28)?,
        awaits_first_use: row.get(29)?,
        previous: rotation::previous(row, 30)?,
    })
}

fn digest(row: &Row<'_>, index: usize) -> Result<Digest, StoreError> {
    let bytes: &[u8] = row.get(index)?;
    Digest::from_slice(bytes).map_err(StoreError::internal)
}

fn digest_or_none(row: &Row<'_>, index: usize) -> Result<Option<Digest>, StoreError> {
    let bytes: Option<&[u8]> = row.get(index)?;
    bytes
        .map(Digest::from_slice)
        .transpose()
        .map_err(StoreError::internal)
}

fn pepper(row: &Row<'_>, index: usize) -> Result<PepperId, StoreError> {
    let number: u32 = row.get(index)?;
    Ok(PepperId::from_u32(number))
}
