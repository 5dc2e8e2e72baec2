//! `claviger webhook test`, `deliveries`, `retry`: what was delivered, and once more.

use clap::{Args, ValueEnum};
use claviger_api::webhooks::{Delivery, DeliveryState, ListDeliveries};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging,
    remote::Remote,
};

/// Send a webhook a test event.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Test {
    /// The webhook's id, `whk_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// List what a webhook was told, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Deliveries {
    /// The webhook's id, `whk_…`.
    id: String,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_enum)]
    state: Option<State>,
    /// Rows to show, at most 200.
    #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Read on where a list ended: the cursor that was shown there.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Deliver once more what was delivered or given up.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Retry {
    /// The webhook's id, `whk_…`.
    id: String,
    /// The delivery's id, `dlv_…`.
    delivery: String,
    #[command(flatten)]
    remote: Remote,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum State {
    /// It is going to be tried, or tried again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Failed,
}

// === impl commands ===

impl Test {
    pub(super) async fn run(self) -> Outcome {
        let delivery = self.remote.client()?.test_webhook(&self.id).await?;
        show(&self.remote, &delivery)
    }
}

impl Deliveries {
    pub(super) async fn run(self) -> Outcome {
        let list = ListDeliveries {
            state: self.state.map(Into::into),
            limit: Some(self.limit),
            cursor: self.cursor,
        };
        let page = self.remote.client()?.list_deliveries(&self.id, &list).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

impl Retry {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let delivery = client.retry_delivery(&self.id, &self.delivery).await?;
        show(&self.remote, &delivery)
    }
}

// === impl State ===

impl From<State> for DeliveryState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Delivered => Self::Delivered,
            State::Failed => Self::Failed,
        }
    }
}

const HEADINGS: [&str; 7] = ["ID", "EVENT", "TOKEN", "STATE", "TRIES", "NEXT", "LAST ERROR"];

fn row(delivery: &Delivery) -> Vec<String> {
    let state = match delivery.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    };
    vec![
        delivery.id.clone(),
        delivery.event.clone(),
        delivery.token.clone().unwrap_or_default(),
        state.to_owned(),
        delivery.attempts.to_string(),
        delivery.next_attempt_at.clone().unwrap_or_default(),
        delivery.last_error.clone().unwrap_or_default(),
    ]
}

fn show(remote: &Remote, delivery: &Delivery) -> Outcome {
    if remote.json {
        output::json(delivery)?;
    } else {
        output::table(Stream::Result, &HEADINGS, &[row(delivery)])?;
    }
    Ok(Exit::Done)
}
