//! A cable between a client and a PostgreSQL server, to be cut at the worst moment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// What the driver sends to commit, as the protocol frames it.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";

/// Passes everything on, until it is told to cut.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    cuts: Arc<Cuts>,
    task: JoinHandle<()>,
}

/// How many commits are still to be cut off, and what else is to happen.
#[derive(Debug, Default)]
struct Cuts {
    before: AtomicU32,
    after: AtomicU32,
    stalled: AtomicBool,
    silent_at: Mutex<Option<&'static str>>,
}

impl Cable {
    /// A cable to the server's socket.
    pub async fn to(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let cuts = Arc::new(Cuts::default());
        let (socket, shared) = (PathBuf::from(socket), Arc::clone(&cuts));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, cuts) = (socket.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    // Whichever side ends first ends the other.
                    let _ = Box::pin(pass(client, &socket, &cuts)).await;
                });
            }
        });
        Self {
            address,
            cuts,
            task,
        }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next so many commits do not reach the server.
    pub fn cut_before_commit(&self, times: u32) {
        self.cuts.before.store(times, Ordering::SeqCst);
    }

    /// The answers to the next so many commits do not reach the client.
    pub fn cut_after_commit(&self, times: u32) {
        self.cuts.after.store(times, Ordering::SeqCst);
    }

    /// Nothing of what is on its way arrives any more, and nobody is told, as when a network is
    /// cut; or else connections made from now on are well.
    pub fn stall(&self, stalled: bool) {
        self.cuts.stalled.store(stalled, Ordering::SeqCst);
    }

    /// The next connection that asks this falls silent with it, for good, and nobody is told.
    pub fn fall_silent_at(&self, asked: &'static str) {
        *self.cuts.silent_at() = Some(asked);
    }

    /// Whether a connection has done so.
    pub fn fell_silent(&self) -> bool {
        self.cuts.silent_at().is_none()
    }

    /// Cuts that were asked for and not made yet.
    pub fn cuts_left(&self) -> u32 {
        self.cuts.before.load(Ordering::SeqCst) + self.cuts.after.load(Ordering::SeqCst)
    }
}

impl Cuts {
    fn silent_at(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.silent_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is what the connection is to fall silent at; the next one is well.
    fn silence(&self, asked: &[u8]) -> bool {
        let is_asked = |text: &mut &'static str| String::from_utf8_lossy(asked).contains(*text);
        self.silent_at().take_if(is_asked).is_some()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, socket: &Path, cuts: &Cuts) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let bytes = &asked[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if cuts.stalled.load(Ordering::SeqCst) || cuts.silence(bytes) {
                    return std::future::pending().await;
                }
                if bytes == COMMIT && takes_one(&cuts.before) {
                    return Ok(());
                }
                let cut = bytes == COMMIT && takes_one(&cuts.after);
                server.write_all(bytes).await?;
                if cut {
                    // Its answer says that the commit is done.
                    let _done = server.read(&mut answered).await?;
                    return Ok(());
                }
            }
            read = server.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                client.write_all(bytes).await?;
            }
        }
    }
}

fn takes_one(left: &AtomicU32) -> bool {
    let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    });
    taken.is_ok()
}
