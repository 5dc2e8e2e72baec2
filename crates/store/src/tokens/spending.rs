//! What was spent of the quotas of tokens: a row for each token that ever spent, so that a restart goes on where it was.

use claviger_domain::TokenId;
use claviger_domain::terms::Spent;
use claviger_token::Digest;

use super::digest;
use crate::{StoreError, Tx};

/// Writes what tokens have spent; a token that is gone is passed over.
///
/// # Errors
/// Those of the store.
pub async fn spend(tx: &mut Tx, spendings: &[(TokenId, Spent)]) -> Result<(), StoreError> {
    let sql = "INSERT INTO token_spending (token_id, period, credits) SELECT id, $2, $3 FROM token WHERE id = $1 \
               ON CONFLICT (token_id) DO UPDATE SET period = excluded.period, credits = excluded.credits";
    let sets = spendings
        .iter()
        .map(|(id, spent)| vec![(*id).into(), spent.period.into(), spent.credits.into()]);
    tx.execute_many(sql, sets).await.map(|_| ())
}

/// What each token has spent, by the digest under which the verifier knows it.
///
/// # Errors
/// Those of the store.
pub async fn spendings(tx: &mut Tx) -> Result<Vec<(Digest, Spent)>, StoreError> {
    let sql = "SELECT token.digest, token_spending.period, token_spending.credits FROM token_spending \
               JOIN token ON token.id = token_spending.token_id";
    let rows = tx.query(sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let spent = Spent {
                period: row.get(1)?,
                credits: row.get(2)?,
            };
            Ok((digest(row, 0)?, spent))
        })
        .collect()
}
