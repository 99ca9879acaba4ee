//! The bytes of a connection, with TLS or without.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::ConnectionError;
use crate::tls::Tls;

/// What this machine may lack to open a connection: files, ports, memory, or the leave to.
const LACKS: [Errno; 8] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::ADDRNOTAVAIL,
    Errno::AGAIN,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::PERM,
    Errno::ACCESS,
];

/// Where bytes go and come from.
#[derive(Debug)]
pub(super) enum Link {
    Plain(TcpStream),
    // Many times as large as the other one, and seldom.
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Connects within a time.
pub(super) async fn open(server: SocketAddr, within: Duration) -> Result<Link, ConnectionError> {
    let connecting = tokio::time::timeout(within, TcpStream::connect(server));
    let connected = connecting.await.map_err(|_| ConnectionError::TimedOut)?;
    let stream = connected.map_err(failed)?;
    stream.set_nodelay(true)?;
    Ok(Link::Plain(stream))
}

/// Whose fault it is that there is no connection.
fn failed(error: io::Error) -> ConnectionError {
    match Errno::from_io_error(&error) {
        Some(lack) if LACKS.contains(&lack) => ConnectionError::NotSent(error),
        _ => ConnectionError::Io(error),
    }
}

impl Link {
    /// Speaks TLS from now on.
    pub(super) async fn secure(self, tls: &Tls) -> Result<Self, ConnectionError> {
        match self {
            Self::Plain(stream) => {
                let stream = tls.shake_hands(stream).await;
                let stream = stream.map_err(ConnectionError::Handshake)?;
                Ok(Self::Encrypted(Box::new(stream)))
            }
            Self::Encrypted(_) => Ok(self),
        }
    }

    /// Whether nothing came while nothing was asked: bytes are as bad as the end.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(stream) => {
                let nothing = stream.try_read(&mut [0; 1]);
                matches!(nothing, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Encrypted(stream) => {
                // What TLS says for itself, such as a new ticket, is read and is no answer.
                let mut byte = [0; 1];
                let mut context = Context::from_waker(Waker::noop());
                let stream = Pin::new(stream.as_mut());
                let read = stream.poll_read(&mut context, &mut ReadBuf::new(&mut byte));
                read.is_pending()
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Encrypted(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Reads what is there; 0 at the end.
    pub(super) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read_buf(buffer).await,
            Self::Encrypted(stream) => stream.read_buf(buffer).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_not_the_servers_fault() {
        let of = |errno: Errno| failed(io::Error::from_raw_os_error(errno.raw_os_error()));
        for lack in LACKS {
            assert!(matches!(of(lack), ConnectionError::NotSent(_)), "{lack:?}");
        }
        for error in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::CONNRESET] {
            assert!(matches!(of(error), ConnectionError::Io(_)), "{error:?}");
        }
    }
}
