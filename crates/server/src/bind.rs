//! Binding the sockets that the configuration names.
//!
//! Invariant: a Unix socket's file is replaced only when nobody answers on it, and is removed at the end. Called when the verifier
//! knows every token, and not before.

use std::{
    io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use tokio::net::{TcpListener, UnixListener};

use crate::{config::Config, listener::Listener};

/// All members of the group may connect; the directory decides who gets that far.
const SOCKET_MODE: u32 = 0o660;

/// The bound sockets.
pub(crate) struct Bound {
    /// For the accept loops.
    pub(crate) listeners: Vec<Listener>,
    /// Where TCP clients connect, with the port that was taken when 0 was asked for.
    pub(crate) address: SocketAddr,
    /// Removes the Unix socket's file when dropped.
    pub(crate) socket: Option<SocketFile>,
}

/// A Unix socket's file, removed on drop.
pub(crate) struct SocketFile(PathBuf);

/// Binds what the configuration names.
///
/// # Errors
/// When an address is taken or may not be bound.
pub(crate) async fn bind(config: &Config) -> Result<Bound> {
    let tcp = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = tcp.local_addr()?;
    let mut listeners = vec![Listener::Tcp(tcp)];
    let mut socket = None;
    if let Some(path) = &config.unix_socket {
        let (listener, file) = bind_unix(path)
            .with_context(|| format!("cannot listen on the Unix socket {}", path.display()))?;
        listeners.push(Listener::Unix(listener));
        socket = Some(file);
    }
    Ok(Bound {
        listeners,
        address,
        socket,
    })
}

fn bind_unix(path: &Path) -> Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    let file = SocketFile(path.to_owned());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok((listener, file))
}

/// Removes the file of a server that ended without doing so.
fn remove_stale(path: &Path) -> Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !metadata.file_type().is_socket() {
        bail!("there is a file in its place that is no socket");
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("another process answers on it"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(std::fs::remove_file(path)?),
        Err(error) => Err(error.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that cannot be removed is found stale by the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_removed_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("claviger.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "left by a killed server");

        let (listener, file) = bind_unix(&path).unwrap();

        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o660
        );
        drop((listener, file));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_living_socket_or_another_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("claviger.sock");
        let _first = bind_unix(&path).unwrap();

        let second = bind_unix(&path).err().unwrap();

        assert_eq!(second.to_string(), "another process answers on it");
        let file = directory.path().join("notes");
        std::fs::write(&file, "mine").unwrap();
        assert!(bind_unix(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
