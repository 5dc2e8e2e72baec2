//! `claviger demo`: the main job on real input: a server on the embedded store, a token for a pipeline, the releases of a git
//! repository reported with it, and its end, step by step.
//!
//! Invariant: the demo goes through the public API alone, as a person would, and shows what was sent and what came back. A
//! secret is shown where the API shows it, at issue.

mod history;
mod host;
mod stage;
mod story;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use self::{history::History, host::Host, story::Story};
use crate::exit::{Exit, Failure, Outcome};

/// Show Claviger at work: issue a token, report a repository's releases with it, revoke it, and see it refused.
///
/// It starts a server of its own on the embedded store and stays up until Ctrl-C, so that you can try more.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Demo {
    /// The git repository whose release tags are reported as deployments. Without tags its merges are, or its last commits.
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
    /// End after the last step.
    #[arg(long)]
    once: bool,
    /// Where to listen; 127.0.0.1:8620, or a free port when that is taken, unless said.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where to keep the data; unless said, a temporary directory that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

const CODES: &str = "\
Exit codes:
  0  every step went as it should
  2  wrong usage: no git repository, no commits in it, or data that is not a demo's
  3  a step was refused by the server (4xx)
  4  a step failed";

// === impl Demo ===

impl Demo {
    pub(crate) fn run(self) -> Outcome {
        let history = History::of(&self.repo)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(Box::pin(self.play(history)))
    }

    /// Everything between the first line and the last; the server ends in order whatever happens.
    async fn play(self, history: History) -> Outcome {
        let interrupted = interruption()?;
        let host = Box::pin(Host::start(self.listen, self.data)).await?;
        let story = Story::new(&host, &history)?;
        let told = tokio::select! {
            told = Box::pin(story.tell()) => told,
            () = interrupted.clone().wait() => Err(Failure::Failed(anyhow::anyhow!("interrupted"))),
        };
        if told.is_ok() && !self.once {
            stage::last_word("Ctrl-C ends the demo.")?;
            interrupted.wait().await;
        }
        host.end().await?;
        told.map(|()| Exit::Done)
    }
}

/// Ctrl-C or SIGTERM, for whoever waits for it, however often.
#[derive(Clone)]
struct Interruption {
    came: tokio::sync::watch::Receiver<bool>,
}

impl Interruption {
    async fn wait(mut self) {
        // An error would mean that the watching task is gone, and with it the runtime.
        let _ = self.came.wait_for(|came| *came).await;
    }
}

fn interruption() -> Outcome<Interruption> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (tell, came) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tell.send_replace(true);
        // Held for as long as somebody may wait.
        tell.closed().await;
    });
    Ok(Interruption { came })
}
