//! `claviger serve`: the whole life of a server process.
//!
//! Invariant: what an operator must read once (where it listens, the set-up code) goes to the standard output and never to the log.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Runtime};

use crate::{Server, Surroundings, config::Config, listener::Drained, logging, process};

/// Starts the server of this configuration and returns when it was told to end (SIGTERM, SIGINT) and has ended in order.
///
/// # Errors
/// Those of [`Server::open`] and [`Server::serve`].
pub fn run(config: &Config) -> Result<()> {
    logging::start(config.log);
    process::harden();
    runtime(config)?.block_on(live(config))
}

/// The runtime that the configuration asks for.
pub(crate) fn runtime(config: &Config) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = config.worker_threads {
        builder.worker_threads(threads.get().into());
    }
    builder
        .thread_name("claviger")
        .enable_all()
        .build()
        .context("the runtime could not be started")
}

async fn live(config: &Config) -> Result<()> {
    // Watched from here on, so that a signal during a long start ends it in order too.
    let shutdown = process::shutdown_signal().context("signals cannot be watched")?;
    for remark in config.check().remarks {
        tracing::warn!("{remark}");
    }
    let server = Server::open(config, Surroundings::system()).await?;
    let code = server.service().setup_code().await?;
    announce(
        &mut io::stdout().lock(),
        config,
        server.address(),
        code.as_deref(),
    )
    .context("the standard output is closed")?;
    process::notify_ready();
    tracing::info!(address = %server.address(), "listening");

    let drained = server
        .serve(async {
            shutdown.await;
            process::notify_stopping();
            tracing::info!("ending: begun requests finish, new ones are refused");
        })
        .await?;
    match drained {
        Drained::Finished => tracing::info!("ended in order"),
        Drained::Cut { connections } => {
            tracing::warn!(connections, "ended; connections were cut at the deadline");
        }
    }
    Ok(())
}

/// Says where the server is and, as long as there is no administrator, how to become one.
fn announce(
    to: &mut impl io::Write,
    config: &Config,
    address: SocketAddr,
    setup_code: Option<&str>,
) -> io::Result<()> {
    let url = format!("http://{}", reachable(address));
    writeln!(to, "Claviger listens on {url}, documentation at {url}/docs")?;
    if let Some(path) = &config.unix_socket {
        writeln!(to, "and on the Unix socket {}", path.display())?;
    }
    if let Some(code) = setup_code {
        writeln!(
            to,
            "\nThere is no administrator yet. Become one within 15 minutes, from this machine:\n\n  \
             curl {url}/v1/setup -H 'content-type: application/json' -d '{{\"code\":\"{code}\",\"email\":\"you@example.org\"}}'\n\n\
             Or stop the server and run `claviger init --admin you@example.org`."
        )?;
    }
    to.flush()
}

/// An address that a client on this machine can connect to: all interfaces includes loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::config::{Environment, Overrides};

    #[test]
    fn the_set_up_line_can_be_pasted() {
        let none = Environment::default();
        let socket = Overrides::new().set("unix_socket", "--unix-socket", Some("/run/claviger.sock".into()));
        let config = Config::load_from(&socket, &none).unwrap();
        let mut said = Vec::new();

        announce(&mut said, &config, "0.0.0.0:8620".parse().unwrap(), Some("c0de")).unwrap();

        expect![[r#"
            Claviger listens on http://127.0.0.1:8620, documentation at http://127.0.0.1:8620/docs
            and on the Unix socket /run/claviger.sock

            There is no administrator yet. Become one within 15 minutes, from this machine:

              curl http://127.0.0.1:8620/v1/setup -H 'content-type: application/json' -d '{"code":"c0de","email":"you@example.org"}'

            Or stop the server and run `claviger init --admin you@example.org`.
        "#]]
        .assert_eq(&String::from_utf8(said).unwrap());
    }
}
