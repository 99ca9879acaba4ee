//! What stands before a server: it ends TLS, hangs up, or has nobody behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tests::Certificate;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What it does beside passing everything on.
#[derive(Clone)]
enum Way {
    Open,
    /// It hangs up when a GET comes over a connection that was used before.
    HangsUp,
    Encrypted(TlsAcceptor),
}

/// Passes connections on. Gone when dropped.
pub(super) struct Front {
    address: SocketAddr,
    behind: Arc<Mutex<SocketAddr>>,
    _passing: JoinSet<()>,
}

impl Front {
    pub(super) async fn open(behind: SocketAddr) -> Self {
        Self::start(behind, Way::Open).await
    }

    pub(super) async fn that_hangs_up(behind: SocketAddr) -> Self {
        Self::start(behind, Way::HangsUp).await
    }

    pub(super) async fn encrypted(behind: SocketAddr, certificate: &Certificate) -> Self {
        let acceptor = tests::s3::acceptor(certificate);
        Self::start(behind, Way::Encrypted(acceptor)).await
    }

    async fn start(behind: SocketAddr, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let behind = Arc::new(Mutex::new(behind));
        let mut passing = JoinSet::new();
        let place = Arc::clone(&behind);
        passing.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("it listens");
                let server = *place.lock().expect("nobody panics");
                let way = way.clone();
                // Clients and servers hang up when they like, and servers may be gone.
                connections.spawn(async move { Box::pin(serve(client, server, way)).await.ok() });
            }
        });
        Self {
            address,
            behind,
            _passing: passing,
        }
    }

    /// Connections from now on go there.
    pub(super) fn lead_to(&self, server: SocketAddr) {
        *self.behind.lock().expect("nobody panics") = server;
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(client: TcpStream, server: SocketAddr, way: Way) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    match way {
        Way::Open => pass(client, server, false).await,
        Way::HangsUp => pass(client, server, true).await,
        Way::Encrypted(acceptor) => pass(acceptor.accept(client).await?, server, false).await,
    }
}

async fn pass(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: TcpStream,
    hangs_up: bool,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 8192], vec![0; 8192]);
    let mut was_used = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                // The requests of a load are small and come in one piece.
                let bytes = &asked[..read?];
                let is_late = was_used && bytes.starts_with(b"GET ");
                if bytes.is_empty() || (hangs_up && is_late) {
                    return Ok(());
                }
                was_used = true;
                server.write_all(bytes).await?;
            }
            read = server.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                client.write_all(bytes).await?;
                client.flush().await?;
            }
        }
    }
}
