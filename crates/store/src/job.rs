//! An operation on its way to the thread that runs it, and back with its outcome.
//!
//! Whatever the operation does, its caller gets exactly one answer, and the thread goes on: a panic is an answer too.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use crate::journal::Journal;
use crate::{StoreError, Tx};

/// What travels through a queue.
pub(crate) enum Message {
    /// Run this.
    Operate(Box<dyn Job>),
    /// Write this from now on. For the writer.
    Attach(Box<Journal>),
    /// Take no more, finish what is queued, end.
    Close,
}

/// An operation whose types are erased.
pub(crate) trait Job: Send {
    /// Runs the operation once. True = its changes are to be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>>;

    /// Answers the caller: with the operation's own outcome, or with why it does not stand.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Operation<F, T, E> {
    operation: Option<F>,
    outcome: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// Queues `operation` and waits for its outcome. The operation runs to its end even when nobody waits any more.
///
/// # Errors
/// Those of the operation; [`StoreError::Overloaded`], [`StoreError::Closed`]; `unanswered` when the thread ended in between.
pub(crate) async fn submit<F, T, E>(
    queue: &mpsc::Sender<Message>,
    operation: F,
    unanswered: StoreError,
) -> Result<T, E>
where
    F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    let job = Operation {
        operation: Some(operation),
        outcome: None,
        caller,
    };
    queue
        .try_send(Message::Operate(Box::new(job)))
        .map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
    answer.await.unwrap_or_else(|_| Err(unanswered.into()))
}

impl<F, T, E> Job for Operation<F, T, E>
where
    F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
        Box::pin(async move {
            let Some(operation) = self.operation.take() else {
                return false;
            };
            let outcome = AssertUnwindSafe(operation(tx)).catch_unwind().await;
            let outcome = match outcome {
                Ok(Ok(_)) if tx.is_doomed() => {
                    Err(StoreError::internal("the operation went on after a failed statement").into())
                }
                Ok(outcome) => outcome,
                Err(_) => Err(StoreError::internal("an operation panicked").into()),
            };
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match commit {
            Ok(()) => self
                .outcome
                .unwrap_or_else(|| Err(StoreError::internal("the operation did not run").into())),
            Err(error) => Err(error.into()),
        };
        // A caller that no longer waits has its own deadline to thank.
        let _delivered = self.caller.send(outcome);
    }
}
