//! Peppers: list, rotate, retire.
//!
//! A rotation first keeps the new key (outside the database), then lets the verifier look under both, so no verify fails at any
//! moment. Digests move to the new pepper when their tokens are used, passwords when they are presented; those that never are can be
//! counted, and end when the previous pepper is retired in spite of them. (Invitations and password resets end with their pepper
//! unasked: they live days, and are made again. So do sign-in sessions, which live hours.)

use claviger_domain::audit::Action;
use claviger_domain::name::Label;
use claviger_domain::receipt::Receipt;
use claviger_store::{Tx, passwords, tokens as token_rows};
use claviger_token::PepperId;
use claviger_verify::{Change, Peppers};
use serde_json::json;

use crate::audit::Record;
use crate::error::{Error, Result};
use crate::keys::{Key, KeyStoreError, PepperKeys};
use crate::{Context, Service};

/// Stragglers that one transaction revokes.
const STRAGGLERS_AT_ONCE: u32 = 1_000;

/// A live pepper, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PepperState {
    /// Derived from the key.
    pub id: PepperId,
    /// True for the one under which new digests are made.
    pub current: bool,
    /// Tokens whose digest was made under it.
    pub tokens: u64,
    /// Live ones among them.
    pub live_tokens: u64,
}

/// What still depends on the previous pepper.
struct Stragglers {
    /// Live tokens.
    tokens: u64,
    /// Old secrets of tokens in an overlap.
    old_secrets: u64,
    /// Passwords of people who may act.
    passwords: u64,
}

/// What retiring a pepper left.
#[derive(Debug, Clone)]
pub struct Retired {
    /// The live peppers.
    pub peppers: Vec<PepperState>,
    /// Proof that the tokens which depended on the retired one are dead; `None` when there were none.
    pub receipt: Option<Receipt>,
}

impl Service {
    /// The live peppers, the current one first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_peppers(&self, ctx: &Context) -> Result<Vec<PepperState>> {
        let now = ctx.now();
        let counts = self
            .0
            .store
            .read(async move |tx: &mut Tx| token_rows::pepper_counts(tx, now).await)
            .await?;
        let peppers = self.0.keys.peppers();
        let keys = std::iter::once((true, peppers.current)).chain(peppers.previous.map(|key| (false, key)));
        let state = |(current, key): (bool, Key)| {
            let id = key.pepper_id();
            let count = counts.iter().find(|count| count.pepper == id);
            PepperState {
                id,
                current,
                tokens: count.map_or(0, |count| count.all),
                live_tokens: count.map_or(0, |count| count.live),
            }
        };
        Ok(keys.map(state).collect())
    }

    /// Makes a new pepper the current one. A previous one that no live token needs is given up first; one that is needed
    /// refuses the rotation, because at most two are live.
    ///
    /// # Errors
    /// `pepper_previous_live`; `pepper_in_configuration`; `random_unavailable`; those of the store.
    pub async fn rotate_pepper(&self, ctx: &Context) -> Result<Vec<PepperState>> {
        let _alone = self.0.pepper_change.lock().await;
        self.flush_redigests().await?;
        if let Some(straggling) = self.stragglers(ctx).await?
            && !straggling.is_empty()
        {
            let detail = format!("{straggling} still depend on the previous pepper; retire it first");
            return Err(Error::conflict("pepper_previous_live", detail));
        }
        let mut bytes = [0; 32];
        self.0.random.fill(&mut bytes)?;
        let current = Key::new(bytes);
        let previous = self.0.keys.peppers().current;
        let (new, old) = (current.pepper_id(), previous.pepper_id());
        self.take_over(PepperKeys {
            current,
            previous: Some(previous),
        })?;
        let detail = json!({ "pepper": new.to_string(), "previous": old.to_string() });
        self.record_alone(
            ctx,
            Record {
                action: Action::PepperRotated,
                subject: new.to_string(),
                detail,
            },
        )
        .await?;
        self.list_peppers(ctx).await
    }

    /// Gives the previous pepper up. Live tokens that still depend on it are revoked when `revoke_stragglers` says so, and passwords
    /// forgotten.
    ///
    /// # Errors
    /// `pepper_none_previous`; `pepper_has_stragglers`; `pepper_in_configuration`; those of the store.
    pub async fn retire_pepper(&self, ctx: &Context, revoke_stragglers: bool) -> Result<Retired> {
        let _alone = self.0.pepper_change.lock().await;
        self.flush_redigests().await?;
        let Some(straggling) = self.stragglers(ctx).await? else {
            return Err(Error::conflict(
                "pepper_none_previous",
                "there is no previous pepper",
            ));
        };
        if !straggling.is_empty() && !revoke_stragglers {
            let detail = format!(
                "{straggling} were not used since the rotation and would die; say `revoke_stragglers` to revoke them"
            );
            return Err(Error::conflict("pepper_has_stragglers", detail));
        }
        let peppers = self.0.keys.peppers();
        let Some(previous) = peppers.previous.as_ref().map(Key::pepper_id) else {
            return Err(Error::conflict(
                "pepper_none_previous",
                "there is no previous pepper",
            ));
        };
        let receipt = match revoke_stragglers {
            true => self.revoke_stragglers(ctx, previous).await?,
            false => None,
        };
        self.end_overlaps_with_pepper(previous, ctx.now()).await?;
        let forget = async move |tx: &mut Tx| passwords::forget_with_pepper(tx, previous).await;
        self.0.store.write(forget).await?;
        self.take_over(PepperKeys {
            current: peppers.current,
            previous: None,
        })?;
        let detail = json!({
            "pepper": previous.to_string(),
            "revoked": straggling.tokens,
            "passwords_forgotten": straggling.passwords,
        });
        self.record_alone(
            ctx,
            Record {
                action: Action::PepperRetired,
                subject: previous.to_string(),
                detail,
            },
        )
        .await?;
        Ok(Retired {
            peppers: self.list_peppers(ctx).await?,
            receipt,
        })
    }

    /// What depends on the previous pepper; `None` when there is no previous pepper.
    async fn stragglers(&self, ctx: &Context) -> Result<Option<Stragglers>> {
        let peppers = self.list_peppers(ctx).await?;
        let Some(previous) = peppers.into_iter().find(|pepper| !pepper.current) else {
            return Ok(None);
        };
        let now = ctx.now();
        let count = async move |tx: &mut Tx| {
            let old_secrets = token_rows::count_overlaps_with_pepper(tx, previous.id, now).await?;
            Ok::<_, Error>((old_secrets, passwords::count_with_pepper(tx, previous.id).await?))
        };
        let (old_secrets, passwords) = self.0.store.read(count).await?;
        Ok(Some(Stragglers {
            tokens: previous.live_tokens,
            old_secrets,
            passwords,
        }))
    }

    /// Revokes the live tokens under `pepper`; the receipt is that of the last of them.
    async fn revoke_stragglers(&self, ctx: &Context, pepper: PepperId) -> Result<Option<Receipt>> {
        let note = Label::parse("note", "its pepper was retired")?;
        let now = ctx.now();
        let mut receipt = None;
        loop {
            let straggling =
                async move |tx: &mut Tx| token_rows::with_pepper(tx, pepper, now, STRAGGLERS_AT_ONCE).await;
            let ids = self.0.store.read(straggling).await?;
            if ids.is_empty() {
                return Ok(receipt);
            }
            receipt = Some(self.revoke_listed(ctx, ids, Some(note.clone())).await?);
        }
    }

    /// Keeps the keys durably, then uses them: a crash in between finds what is in use.
    fn take_over(&self, keys: PepperKeys) -> Result<()> {
        self.0
            .key_store
            .save_peppers(&keys)
            .map_err(|error| match error {
                KeyStoreError::ReadOnly => Error::conflict("pepper_in_configuration", error.to_string()),
                KeyStoreError::Io(_) => Error::internal(error),
            })?;
        let peppers = Peppers {
            current: keys.current.pepper(),
            previous: keys.previous.as_ref().map(Key::pepper),
        };
        self.0.keys.set_peppers(keys);
        let applied = self.0.verifier.apply(Change::Peppers(peppers));
        applied.map(|_| ()).map_err(Error::internal)
    }

    async fn record_alone(&self, ctx: &Context, record: Record) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let write = self
            .0
            .store
            .write(async move |tx: &mut Tx| service.record(tx, &ctx.by(), vec![record]).await);
        write.await
    }
}

// === impl Stragglers ===

impl Stragglers {
    const fn is_empty(&self) -> bool {
        self.tokens == 0 && self.old_secrets == 0 && self.passwords == 0
    }
}

impl std::fmt::Display for Stragglers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.tokens, "live tokens"),
            (self.old_secrets, "old secrets of rotated tokens"),
            (self.passwords, "passwords"),
        ];
        let mut word = "";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{word}{count} {what}")?;
            word = " and ";
        }
        Ok(())
    }
}
