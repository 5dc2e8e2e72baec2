//! The log of one test server, kept in memory: servers that run side by side in one process do not see each other's lines.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{Dispatch, dispatcher::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

/// All that a server logged. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

thread_local! {
    static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

impl Logs {
    /// The lines so far, each one JSON object.
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.bytes())
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what this thread logs, until it ends, to `dispatch`. For the threads of a server's runtime.
pub(crate) fn capture_thread(dispatch: &Dispatch) {
    let guard = tracing::dispatcher::set_default(dispatch);
    GUARD.set(Some(guard));
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
