//! A store whose writer is busy for exactly as long as a test wants: whoever writes meanwhile waits.

use claviger_store::StoreError;
use claviger_testkit::TestServer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Keeps the writer until [`Busy::end`].
pub(crate) struct Busy {
    release: oneshot::Sender<()>,
    write: JoinHandle<Result<(), StoreError>>,
}

impl Busy {
    /// Returns when the writer is taken.
    pub(crate) async fn begin(server: &TestServer) -> Self {
        let store = server.service().store().clone();
        let (begins, began) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let write = tokio::spawn(async move {
            let operation = store.write(async move |_| {
                let _ = begins.send(());
                let _ = released.await;
                Ok(())
            });
            operation.await
        });
        began.await.unwrap();
        Self { release, write }
    }

    /// Lets the writer go on, and returns when it has.
    pub(crate) async fn end(self) {
        self.release.send(()).unwrap();
        self.write.await.unwrap().unwrap();
    }
}

/// Waits until `waiting` write operations are queued behind the busy one.
pub(crate) async fn until_queued(server: &TestServer, waiting: u64) {
    let bound = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while server.service().store().stats().queue_length < waiting {
        assert!(std::time::Instant::now() < bound, "nothing was queued");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
