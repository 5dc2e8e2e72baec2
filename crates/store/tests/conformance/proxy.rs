//! A proxy between the store and PostgreSQL that cuts the connection at a COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the next COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It passes.
    Nothing,
    /// It is swallowed, and both ends see the connection close.
    Before,
    /// It passes, and the client sees the connection close before the answer.
    After,
}

/// A port that leads to another one.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: Arc<AtomicU8>,
}

// === impl Proxy ===

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(Cut::Nothing as u8));
        let armed = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let armed = Arc::clone(&armed);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        carry(client, server, &armed).await;
                    }
                });
            }
        });
        Self { port: own, cut }
    }

    /// Decides about the next COMMIT.
    pub(crate) fn cut_next_commit(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }
}

/// Carries bytes both ways until one end closes or a COMMIT is cut.
async fn carry(client: TcpStream, server: TcpStream, armed: &AtomicU8) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let read = from_client.read(&mut bytes).await.unwrap_or(0);
            let commits = bytes[..read].windows(7).any(|window| window == b"COMMIT\0");
            let cut = if commits {
                armed.swap(Cut::Nothing as u8, Ordering::SeqCst)
            } else {
                Cut::Nothing as u8
            };
            if read == 0 || cut == Cut::Before as u8 {
                return;
            }
            if to_server.write_all(&bytes[..read]).await.is_err() || cut == Cut::After as u8 {
                return;
            }
        }
    };
    let answering = async {
        let _closed = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    tokio::select! {
        () = asking => {}
        () = answering => {}
    }
}
