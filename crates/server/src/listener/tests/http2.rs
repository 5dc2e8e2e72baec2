//! HTTP/2 connections with prior knowledge, driven by the bare protocol crate so that a client can misbehave.

use std::time::Duration;

use h2::client::{self, SendRequest};
use h2::{Error, Reason};
use tokio::time::Instant;

use super::*;

type Ended = JoinHandle<Result<(), Error>>;

async fn connected(connection: Served) -> (SendRequest<Bytes>, Ended, JoinHandle<()>, watch::Sender<Phase>) {
    let (mut sender, driver) = client::handshake(connection.client).await.unwrap();
    let ended = tokio::spawn(driver);
    // One answered request, so that both sides know each other's settings.
    assert_eq!(status(&mut sender, get()).await, 200);
    (sender, ended, connection.server, connection.phase)
}

fn get() -> Request<()> {
    Request::get("http://a/").body(()).unwrap()
}

async fn status(sender: &mut SendRequest<Bytes>, request: Request<()>) -> u16 {
    let mut ready = sender.clone().ready().await.unwrap();
    let (answer, _) = ready.send_request(request, true).unwrap();
    answer.await.unwrap().status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_how_many_streams_it_may_open() {
    let connection = served(ConnectionLimits::default(), 1 << 20, hello);

    let (sender, _ended, _server, _phase) = connected(connection).await;

    assert_eq!(sender.current_max_send_streams(), 128);
}

#[tokio::test(start_paused = true)]
async fn a_header_list_above_its_size_is_refused_with_431() {
    let connection = served(ConnectionLimits::default(), 1 << 20, hello);
    let (mut sender, _ended, _server, _phase) = connected(connection).await;

    let with_header = |bytes: usize| {
        Request::get("http://a/")
            .header("x", "y".repeat(bytes))
            .body(())
            .unwrap()
    };

    assert_eq!(status(&mut sender, with_header(15_000)).await, 200);
    assert_eq!(status(&mut sender, with_header(17_000)).await, 431);
}

/// The preface and an empty SETTINGS.
fn opening() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    bytes
}

/// HEADERS of `GET http://a/` on a stream, by indices of the static table.
fn headers(stream: u32) -> Vec<u8> {
    let mut frame = vec![0, 0, 6, 1, 5];
    frame.extend(stream.to_be_bytes());
    frame.extend([0x82, 0x86, 0x84, 0x01, 1, b'a']);
    frame
}

/// RST_STREAM with CANCEL.
fn reset(stream: u32) -> Vec<u8> {
    let mut frame = vec![0, 0, 4, 3, 0];
    frame.extend(stream.to_be_bytes());
    frame.extend(8_u32.to_be_bytes());
    frame
}

/// The error codes of all GOAWAY frames in `bytes`.
fn goodbyes(mut bytes: &[u8]) -> Vec<u32> {
    let mut codes = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let (payload, next) = rest.split_at(length);
        if *kind == 7 {
            codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        bytes = next;
    }
    codes
}

#[tokio::test(start_paused = true)]
async fn a_client_that_resets_stream_after_stream_is_sent_away() {
    let enhance_your_calm = u32::from(Reason::ENHANCE_YOUR_CALM);
    for (resets, expected) in [(10, vec![]), (100, vec![enhance_your_calm])] {
        let Served {
            mut client,
            server,
            phase,
        } = served(ConnectionLimits::default(), 1 << 20, hello);

        let mut bytes = opening();
        for stream in 0..resets {
            bytes.extend(headers(2 * stream + 1));
            bytes.extend(reset(2 * stream + 1));
        }
        client.write_all(&bytes).await.unwrap();
        let mut seen = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(1), client.read_to_end(&mut seen)).await;

        assert_eq!(goodbyes(&seen), expected, "after {resets} resets");
        assert_eq!(read.is_ok(), !expected.is_empty(), "closed or not");
        drop((client, phase));
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_by_flow_control_is_cut() {
    let connection = served(ConnectionLimits::default(), 1 << 20, |request| async move {
        match request.uri().path() {
            "/big" => Response::new(Full::from(vec![7; 4 << 20])),
            _ => hello(request).await,
        }
    });
    let (mut sender, _ended, server, _phase) = connected(connection).await;
    let start = Instant::now();

    let request = Request::get("http://a/big").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    let _unread = answer.await.unwrap();
    server.await.unwrap();

    let took = start.elapsed().as_secs();
    assert!((30..=90).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_said_goodbye_to() {
    let connection = served(ConnectionLimits::default(), 1 << 20, hello);
    let (_sender, ended, server, _phase) = connected(connection).await;
    let start = Instant::now();

    server.await.unwrap();

    assert_eq!(start.elapsed().as_secs(), 60);
    assert!(ended.await.unwrap().is_ok(), "an orderly end");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_closed() {
    let Served {
        mut client,
        server,
        phase: _phase,
    } = served(ConnectionLimits::default(), 1 << 20, hello);
    let start = Instant::now();

    let mut bytes = opening();
    bytes.extend(headers(1));
    client.write_all(&bytes).await.unwrap();
    server.await.unwrap();

    assert_eq!(
        start.elapsed().as_secs(),
        40,
        "20 s of silence, 20 s for the answer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_preface_without_a_request_is_closed_after_the_header_time() {
    let Served {
        mut client,
        server,
        phase: _phase,
    } = served(ConnectionLimits::default(), 1 << 20, hello);
    let start = Instant::now();

    client.write_all(&opening()).await.unwrap();
    server.await.unwrap();

    assert_eq!(start.elapsed().as_secs(), 10);
}
