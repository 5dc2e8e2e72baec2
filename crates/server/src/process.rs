//! What concerns the process as a whole: no memory dumps, signals, the service manager.
//!
//! Invariant: secrets in memory do not reach a core file, and another process of the same user may not read them. Called by
//! [`run`](crate::run()) only: a test that starts a server in its own process is left as it is.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Forbids memory dumps. A system that refuses is told of and lived with.
pub(crate) fn harden() {
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let forbidden = setrlimit(Resource::Core, no_core)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = forbidden {
        tracing::warn!(%error, "memory dumps of this process could not be forbidden");
    }
}

/// Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, without an orderly end: what was acknowledged is on
/// disk either way.
///
/// # Errors
/// When the signals cannot be watched.
pub(crate) fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, seen) = oneshot::channel();
    tokio::spawn(async move {
        next(&mut terminate, &mut interrupt).await;
        // Nobody listens any more when the server ended by itself.
        let _ = first.send(());
        next(&mut terminate, &mut interrupt).await;
        tracing::warn!("a second signal came: ending at once");
        std::process::exit(1);
    });
    Ok(async move {
        // An error would mean that the task is gone, and with it the runtime.
        let _ = seen.await;
    })
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Tells the service manager that the server answers.
pub(crate) fn notify_ready() {
    notify(NotifyState::Ready);
}

/// Tells the service manager that the server is about to end.
pub(crate) fn notify_stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    // Without a service manager this does nothing.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
