//! An empty place for one store, and the small things that most behaviours need.

use claviger_domain::Timestamp;
use claviger_store::{Location, Options, Store, StoreError, Tx, settings};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::postgres::{DatabaseUrl, Postgres};

/// The instant of every test.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// An empty place for one store.
pub(crate) struct Home {
    pub(crate) location: Location,
    /// PostgreSQL only.
    pub(crate) url: Option<DatabaseUrl>,
    _directory: Option<TempDir>,
}

/// Keeps an operation waiting until it is opened.
pub(crate) struct Gate {
    entered: oneshot::Receiver<()>,
    open: oneshot::Sender<()>,
}

/// The operation's side of a [`Gate`].
pub(crate) struct Door {
    enter: oneshot::Sender<()>,
    opened: oneshot::Receiver<()>,
}

// === impl Home ===

impl Home {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite {
            directory: directory.path().join("data"),
        };
        Self {
            location,
            url: None,
            _directory: Some(directory),
        }
    }

    pub(crate) fn postgres() -> Self {
        Self::at(&Postgres::shared().database())
    }

    pub(crate) fn at(url: &DatabaseUrl) -> Self {
        let location = Location::Postgres { url: url.to_string() };
        Self {
            location,
            url: Some(url.clone()),
            _directory: None,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_with(Options::new(NOW)).await
    }

    pub(crate) async fn open_with(&self, options: Options) -> Store {
        self.try_open(options).await.unwrap()
    }

    pub(crate) async fn try_open(&self, options: Options) -> Result<Store, StoreError> {
        Store::open(self.location.clone(), options).await
    }
}

/// A gate, and the door that an operation takes with it.
pub(crate) fn gate() -> (Gate, Door) {
    let (enter, entered) = oneshot::channel();
    let (open, opened) = oneshot::channel();
    (Gate { entered, open }, Door { enter, opened })
}

impl Gate {
    /// Waits until the operation stands at the door.
    pub(crate) async fn reached(self) -> oneshot::Sender<()> {
        self.entered.await.unwrap();
        self.open
    }
}

impl Door {
    /// Waits until the gate is opened.
    pub(crate) async fn pass(self) {
        self.enter.send(()).unwrap();
        self.opened.await.unwrap();
    }
}

/// Puts a setting: the smallest write there is.
pub(crate) async fn put(store: &Store, key: &str, value: &str) -> Result<(), StoreError> {
    let (key, value) = (key.to_owned(), value.to_owned());
    store
        .write(async move |tx: &mut Tx| settings::put(tx, &key, &value).await)
        .await
}

/// The setting `key`.
pub(crate) async fn get(store: &Store, key: &str) -> Option<String> {
    let key = key.to_owned();
    store
        .read(async move |tx: &mut Tx| settings::get(tx, &key).await)
        .await
        .unwrap()
}

/// Every setting's key, in order.
pub(crate) async fn keys(store: &Store) -> Vec<String> {
    let read = store.read(async |tx: &mut Tx| {
        let rows = tx.query("SELECT key FROM setting", &[]).await?;
        rows.iter()
            .map(|row| row.get(0))
            .collect::<Result<Vec<String>, StoreError>>()
    });
    let mut keys = read.await.unwrap();
    keys.sort();
    keys
}

/// Calls until it succeeds; fails after half a minute. For what heals by itself.
pub(crate) async fn eventually<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let mut last = None;
    for _ in 0..600 {
        match call().await {
            Ok(value) => return value,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not heal: {last:?}");
}
