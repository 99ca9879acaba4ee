//! The accept loop. A slow, silent or vanished client costs one connection for a bounded time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Method};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::config::Config;
use crate::origin::Ends;
use crate::paced::{Pace, Paced};
use crate::rest::{self, Rest};
use crate::site::BasePath;

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Connections that may wait to be accepted: a crowd connects at once, and whoever finds no room
/// tries again a second later. The system may allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 4_096;

/// The share of the connections that is kept free of those who look and stay: with fewer free than
/// one in so many, an answer to anything but a POST is the last one on its connection. Pollers
/// then come back behind the buyers who wait to be accepted.
const KEPT_FREE: usize = 10;

/// How long to wait when the system refuses to accept: it is out of descriptors or of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a server is told to stop, in two steps.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Once true, each answer is the last on its connection: whoever keeps connections to this
    /// process opens the next one elsewhere, and loses no request when it stops.
    pub announced: Arc<AtomicBool>,
    /// Nobody else is served.
    pub now: CancellationToken,
}

/// Listens at a `host:port`, at the first of its addresses that can be bound.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in tokio::net::lookup_host(address).await? {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that is started again need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop.now`, then finishes the requests that are running, within the configured
/// time. Idle connections are closed at once. What a path begins with of `base_path` is left out.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &Config,
    base_path: &BasePath,
    stop: Stop,
) -> io::Result<()> {
    let shutdown = stop.now;
    let local = listener.local_addr()?;
    let connections_max = config.connections_max.clamp(1, Semaphore::MAX_PERMITS);
    let free = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let abandon = CancellationToken::new();
    let server = Server {
        http: http(config),
        router,
        free: Arc::clone(&free),
        few: connections_max / KEPT_FREE,
        is_leaving: stop.announced,
        pace: Pace::new(
            Duration::from_millis(config.write_stall_timeout_ms),
            config.answer_bytes_per_s_min,
        ),
        base_path: base_path.clone(),
    };
    while let Some(permit) = next_permit(&free, &shutdown).await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Behind a wildcard address every connection has a local address of its own.
                let local = stream.local_addr().unwrap_or(local);
                server.spawn(stream, Ends { peer, local }, permit, &graceful, &abandon);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // New clients are refused rather than left in the kernel's queue.
    drop(listener);
    let drain = Duration::from_millis(config.drain_timeout_ms);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        let running = connections_max - free.available_permits();
        tracing::warn!(running, "connections were cut: they did not end in time");
        abandon.cancel();
    }
    Ok(())
}

struct Server {
    http: http1::Builder,
    router: Router,
    /// Connections that may be opened still.
    free: Arc<Semaphore>,
    /// So many are few.
    few: usize,
    is_leaving: Arc<AtomicBool>,
    /// How slowly an answer may be read.
    pace: Pace,
    base_path: BasePath,
}

impl Server {
    fn spawn(
        &self,
        stream: TcpStream,
        ends: Ends,
        permit: OwnedSemaphorePermit,
        graceful: &GracefulShutdown,
        abandon: &CancellationToken,
    ) {
        // Answers are written whole; waiting for more to send with them only adds latency.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let stream = Paced::new(stream, self.pace);
        let (router, free, few) = (self.router.clone(), Arc::clone(&self.free), self.few);
        let is_leaving = Arc::clone(&self.is_leaving);
        let base_path = self.base_path.clone();
        // One for all requests of the connection, which come one after the other.
        let unread = Rest::<Incoming>::default();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ends);
            base_path.strip(request.uri_mut());
            let crowded = free.available_permits() < few && request.method() != Method::POST;
            let is_last = crowded || is_leaving.load(Ordering::Relaxed);
            let asks_first = request.headers().contains_key(EXPECT);
            let answering = router.clone().call(request.map(|body| unread.of(body)));
            let unread = unread.clone();
            async move {
                let mut answer = answering.await?;
                let ends = is_last
                    || match unread.take() {
                        None => false,
                        _ if answer.headers().contains_key(CONNECTION) => true,
                        // Reading would ask for what is not wanted.
                        Some(_) if asks_first => true,
                        Some(rest) => !Box::pin(rest::discard(rest, rest::TIME_MAX)).await,
                    };
                if ends {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let abandon = abandon.clone();
        tokio::spawn(async move {
            let _permit = permit;
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        // Clients hang up and talk nonsense all day.
                        tracing::debug!(%error, client = %ends.peer, "a connection ended early");
                    }
                }
                () = abandon.cancelled() => {}
            }
        });
    }
}

fn http(config: &Config) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.header_read_timeout_ms))
        .max_buf_size(HEAD_BYTES_MAX)
        // A client that has sent everything may close its half and still wants its answer; and a
        // purchase that has begun is better finished than dropped.
        .half_close(true);
    http
}

/// Room for one more connection; `None` when it is time to stop.
async fn next_permit(
    free: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        permit = Arc::clone(free).acquire_owned() => permit.ok(),
        () = shutdown.cancelled() => None,
    }
}
