//! Names that lead elsewhere than they did (DNS rebinding), redirects, silence: against real receivers on loopback.

use std::net::IpAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::resolver::Resolved;
use super::*;

/// Gives one list of addresses after the other, and the last one for ever.
struct Changing(Mutex<Vec<Vec<IpAddr>>>);

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().rev().map(parsed).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl NameResolver for Changing {
    fn resolve(&self, _: String) -> Resolved {
        let mut answers = self.0.lock().unwrap();
        let now = answers.pop().unwrap();
        if answers.is_empty() {
            answers.push(now.clone());
        }
        Box::pin(async move { Ok(now) })
    }
}

/// Answers each connection to `address` with `answer`, and counts them.
async fn receiver(address: &str, answer: &'static str) -> (u16, JoinHandle<()>, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let mut buffer = [0; 4_096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, serving, calls)
}

fn poster(allowed: &[&str], resolver: Arc<dyn NameResolver>) -> Poster {
    let rules = Rules::new(allowed.iter().map(|text| text.parse().unwrap()).collect());
    Poster::new(Arc::new(rules), resolver).unwrap()
}

fn to(url: String) -> Post {
    Post {
        url,
        id: "dlv_1".to_owned(),
        timestamp: 1_614_265_330,
        signature: "v1,x".to_owned(),
        body: "{}".to_owned(),
    }
}

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    let (port, serving, calls) = receiver("127.0.0.1:0", OK).await;
    let resolver = Changing::new(&[&["127.0.0.1"], &["127.0.0.9"]]);
    let poster = poster(&["hooks.test"], resolver.clone());

    let status = poster.post(to(format!("http://hooks.test:{port}/"))).await;

    assert_eq!(status, Ok(204));
    assert_eq!((resolver.left(), *calls.lock().unwrap()), (1, 1), "asked once");
    serving.abort();
}

#[tokio::test]
async fn a_name_that_turns_to_an_inner_address_is_not_called() {
    let resolver = Changing::new(&[
        &["127.0.0.1"],
        &["8.8.8.8", "10.0.0.1"],
        &["::1"],
        &["169.254.169.254"],
    ]);
    let poster = poster(&[], resolver);

    for _ in 0..4 {
        let refused = poster.post(to("https://rebind.test/".to_owned())).await;
        assert_eq!(refused, Err(SendError("the address is not allowed".to_owned())));
    }
}

#[tokio::test]
async fn a_literal_address_does_not_escape_the_rules_by_needing_no_resolver() {
    let (port, serving, calls) = receiver("127.0.0.1:0", OK).await;
    let poster = poster(&["hooks.test"], Changing::new(&[&["127.0.0.1"]]));

    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "localhost",
    ] {
        let refused = poster.post(to(format!("http://{host}:{port}/"))).await;
        assert_eq!(
            refused,
            Err(SendError("the address is not allowed".to_owned())),
            "{host}"
        );
    }

    assert_eq!(*calls.lock().unwrap(), 0);
    serving.abort();
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inner, serving_inner, called) = receiver("127.0.0.1:0", OK).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inner}/\r\nconnection: close\r\n\r\n"
    );
    let (port, serving, _) = receiver("127.0.0.1:0", answer.leak()).await;
    let poster = poster(&["127.0.0.1"], Changing::new(&[&["127.0.0.1"]]));

    let status = poster.post(to(format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!((status, *called.lock().unwrap()), (Ok(307), 0));
    serving.abort();
    serving_inner.abort();
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4_096];
        let _ = stream.read(&mut buffer).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        let mut sent = 0usize;
        while sent < 1_000_000_000 && stream.write_all(&[b'x'; 4_096]).await.is_ok() {
            sent += 4_096;
        }
        sent
    });
    let poster = poster(&["127.0.0.1"], Changing::new(&[&["127.0.0.1"]]));

    let status = poster.post(to(format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(status, Ok(200));
    assert!(
        serving.await.unwrap() < 100_000_000,
        "the connection was given up"
    );
}
