//! Listeners on real sockets: the cap, the shutdown, the Unix socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::timeout;

use super::super::{Drained, Listener, serve};
use super::*;

/// Far longer than anything here takes; it only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn answer_of<I>(stream: &mut I) -> String
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(GET).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"hello")
        && timeout(PATIENCE, stream.read_buf(&mut seen))
            .await
            .unwrap()
            .unwrap()
            > 0
    {}
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn connections_above_the_cap_wait_until_one_ends() {
    let (listener, address) = listening().await;
    let limits = ConnectionLimits {
        connections: 1,
        ..ConnectionLimits::default()
    };
    let service = service_fn(|request| async { Ok::<_, Infallible>(hello(request).await) });
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        service,
        None,
        limits,
        async {
            drop(stopped.await);
        },
    ));

    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(answer_of(&mut first).await.ends_with("hello"));
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(GET).await.unwrap();
    let mut byte = [0; 1];
    let waited = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(waited.is_err(), "the kernel keeps the second one waiting");
    drop(first);

    let read = timeout(PATIENCE, second.read(&mut byte)).await.unwrap().unwrap();
    assert_eq!((read, byte), (1, *b"H"));
}

#[tokio::test]
async fn a_shutdown_finishes_what_was_begun_and_accepts_no_more() {
    let (listener, address) = listening().await;
    let begun = Arc::new(Semaphore::new(0));
    let finish = Arc::new(Notify::new());
    let service = {
        let (begun, finish) = (Arc::clone(&begun), Arc::clone(&finish));
        service_fn(move |request| {
            let (begun, finish) = (Arc::clone(&begun), Arc::clone(&finish));
            async move {
                begun.add_permits(1);
                finish.notified().await;
                Ok::<_, Infallible>(hello(request).await)
            }
        })
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        service,
        None,
        ConnectionLimits::default(),
        async { drop(stopped.await) },
    ));
    let idle = TcpStream::connect(address).await.unwrap();
    let request = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        answer_of(&mut stream).await
    });
    let _begun = timeout(PATIENCE, begun.acquire()).await.unwrap().unwrap();

    stop.send(()).unwrap();
    // Refused once the listening socket is gone.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
    finish.notify_one();

    assert!(request.await.unwrap().ends_with("hello"));
    assert_eq!(
        timeout(PATIENCE, server).await.unwrap().unwrap(),
        Drained::Finished
    );
    drop(idle);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let (listener, address) = listening().await;
    let limits = ConnectionLimits {
        drain: Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    let begun = Arc::new(Semaphore::new(0));
    let service = {
        let begun = Arc::clone(&begun);
        service_fn(move |request| {
            begun.add_permits(1);
            async move {
                std::future::pending::<()>().await;
                Ok::<_, Infallible>(hello(request).await)
            }
        })
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        service,
        None,
        limits,
        async {
            drop(stopped.await);
        },
    ));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let _begun = timeout(PATIENCE, begun.acquire()).await.unwrap().unwrap();

    stop.send(()).unwrap();

    let drained = timeout(PATIENCE, server).await.unwrap().unwrap();
    assert_eq!(drained, Drained::Cut { connections: 1 });
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn several_listeners_serve_the_same_and_a_unix_socket_has_no_address() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let (tcp, address) = listening().await;
    let listeners = vec![
        Listener::Tcp(tcp),
        Listener::Unix(UnixListener::bind(&path).unwrap()),
    ];
    let service = service_fn(|request: Request<Incoming>| async move {
        let local = matches!(request.extensions().get(), Some(Peer::Unix));
        let body = if local { "unix hello" } else { "tcp hello" };
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body)))
    });
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(
        listeners,
        service,
        None,
        ConnectionLimits::default(),
        async {
            drop(stopped.await);
        },
    ));

    let mut over_tcp = TcpStream::connect(address).await.unwrap();
    let mut over_unix = UnixStream::connect(&path).await.unwrap();

    assert!(answer_of(&mut over_tcp).await.ends_with("tcp hello"));
    assert!(answer_of(&mut over_unix).await.ends_with("unix hello"));
}
