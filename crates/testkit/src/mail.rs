//! A mail server on loopback: it takes what comes, as far as RFC 5321 needs it, and keeps it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Header and body, with lines that end in a line feed.
    pub text: String,
}

/// A mail server. Dropping it stops it.
pub struct MailServer {
    address: SocketAddr,
    state: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Taken>>,
    /// What the next mails are answered with instead of 250.
    replies: Mutex<VecDeque<String>>,
}

// === impl Taken ===

impl Taken {
    /// The value of a header field, unfolded.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\n\n").next().unwrap_or_default();
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let field = format!("{name}: ");
        let found = unfolded.lines().find_map(|line| line.strip_prefix(&field));
        match found {
            Some(value) => value.to_owned(),
            None => panic!("no `{name}` in {head}"),
        }
    }
}

// === impl MailServer ===

impl MailServer {
    /// A server at a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let bound = TcpListener::bind("127.0.0.1:0").await;
        let Some((listener, address)) = bound
            .ok()
            .and_then(|listener| listener.local_addr().ok().map(|address| (listener, address)))
        else {
            panic!("no port for a mail server");
        };
        let state = Arc::new(Shared::default());
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A client that breaks off ends its own conversation only.
                tokio::spawn(async move { converse(stream, &state).await.ok() });
            }
        });
        Self {
            address,
            state,
            serving,
        }
    }

    /// Its address, for `mail.smtp_url`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Answers the next mails so, one after the other: `451 try later`. After them it takes mail again.
    pub fn will(&self, replies: impl IntoIterator<Item = &'static str>) {
        lock(&self.state.replies).extend(replies.into_iter().map(str::to_owned));
    }

    /// What was taken since the last call.
    pub fn take(&self) -> Vec<Taken> {
        std::mem::take(&mut lock(&self.state.taken))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One connection, from greeting to QUIT.
async fn converse(stream: TcpStream, state: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.test\r\n").await?;
    let mut to = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let command = line.to_ascii_uppercase();
        let answer = if command.starts_with("EHLO") {
            "250-mail.test\r\n250 8BITMIME\r\n".to_owned()
        } else if command.starts_with("RCPT TO:") {
            to.push(line["RCPT TO:".len()..].trim_matches(['<', '>']).to_owned());
            "250 OK\r\n".to_owned()
        } else if command == "DATA" {
            writer.write_all(b"354 go on\r\n").await?;
            let mut text = String::new();
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
            }
            let refusal = lock(&state.replies).pop_front();
            match refusal {
                Some(refusal) => format!("{refusal}\r\n"),
                None => {
                    let to = std::mem::take(&mut to);
                    lock(&state.taken).push(Taken { to, text });
                    "250 taken\r\n".to_owned()
                }
            }
        } else if command == "QUIT" {
            writer.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            "250 OK\r\n".to_owned()
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
