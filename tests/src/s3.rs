//! S3-compatible servers of this process's own, which check signatures and keep objects on a disk.

use std::fs::{self, File};
use std::io::BufReader;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cli::config::{EngineConfig, Secret};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use storage::files::S3Place;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificate;
use crate::wait::DEADLINE;

const ACCESS_KEY_ID: &str = "tickets";
const SECRET_ACCESS_KEY: &str = "a-secret/with+signs=";

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub struct S3Server {
    port: u16,
    folder: TempDir,
    certificate: Option<Certificate>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl S3Server {
    /// Starts a server without TLS.
    pub fn start() -> Self {
        Self::start_on(None)
    }

    /// Starts a server that speaks TLS alone.
    pub fn start_encrypted(certificate: &Certificate) -> Self {
        Self::start_on(Some(certificate.clone()))
    }

    fn start_on(certificate: Option<Certificate>) -> Self {
        let mut server = Self {
            port: 0,
            folder: tempfile::tempdir().expect("a temporary folder"),
            certificate,
            running: None,
        };
        server.resume();
        server
    }

    /// An empty bucket with what it takes to use it.
    pub fn place(&self) -> S3Place {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("tickets-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        fs::create_dir(self.folder.path().join(&bucket)).expect("the bucket is a new one");
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        S3Place {
            url: format!("s3://{bucket}/prints"),
            endpoint: format!("{scheme}://127.0.0.1:{}", self.port),
            region: "us-east-1".into(),
            access_key_id: ACCESS_KEY_ID.into(),
            secret_access_key: SECRET_ACCESS_KEY.into(),
            path_style: true,
            allow_http: self.certificate.is_none(),
            ..S3Place::default()
        }
    }

    /// The names of everything that is kept, below the buckets.
    pub fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        let root = self.folder.path();
        list(root, root, &mut found);
        // What it keeps for itself.
        found.retain(|name| !name.starts_with('.'));
        found.sort();
        found
    }

    /// Ends it, with every connection. What it keeps is kept.
    pub fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            // It may have panicked, which joining tells.
            let _ = stop.send(());
            thread.join().expect("the server served well");
        }
    }

    /// Starts it again at the same address.
    pub fn resume(&mut self) {
        let listener = bind(self.port);
        self.port = listener.local_addr().expect("it is bound").port();
        let mut service =
            S3ServiceBuilder::new(FileSystem::new(self.folder.path()).expect("a folder"));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = service.build();
        let acceptor = self.certificate.as_ref().map(acceptor);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, service, acceptor) => {}
                    // Also when whoever started it is gone.
                    _ = stopped => {}
                }
            });
        });
        self.running = Some(Running { stop, thread });
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(Running { stop, .. }) = self.running.take() {
            // It may have ended already.
            let _ = stop.send(());
        }
    }
}

/// The server that tests share which do it no harm.
pub fn shared() -> &'static S3Server {
    static SHARED: OnceLock<S3Server> = OnceLock::new();
    SHARED.get_or_init(S3Server::start)
}

/// Has a cluster keep its files there.
pub fn configure(engine: &mut EngineConfig, place: &S3Place) {
    engine.files_dir = "".into();
    engine.files_url.clone_from(&place.url);
    engine.s3.endpoint.clone_from(&place.endpoint);
    engine.s3.access_key_id.clone_from(&place.access_key_id);
    engine.s3.secret_access_key = Secret(place.secret_access_key.clone());
    engine.s3.allow_http = place.allow_http;
}

/// The same as settings of the environment, as of [`crate::Cluster::start_with`].
pub fn settings(place: &S3Place) -> Vec<(&'static str, String)> {
    vec![
        ("ENGINE__FILES_DIR", String::new()),
        ("ENGINE__FILES_URL", place.url.clone()),
        ("ENGINE__S3__ENDPOINT", place.endpoint.clone()),
        ("ENGINE__S3__ACCESS_KEY_ID", place.access_key_id.clone()),
        (
            "ENGINE__S3__SECRET_ACCESS_KEY",
            place.secret_access_key.clone(),
        ),
        ("ENGINE__S3__ALLOW_HTTP", place.allow_http.to_string()),
    ]
}

/// Listens on a port, or on any for 0. A client of somebody else may have it for a while.
fn bind(port: u16) -> TcpListener {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return listener,
            Err(error) => assert!(begun.elapsed() < DEADLINE, "port {port}: {error}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

async fn serve(listener: TcpListener, service: S3Service, acceptor: Option<TlsAcceptor>) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        let (service, acceptor) = (service.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => answer(stream, service).await,
                Some(acceptor) => {
                    // Clients that do not trust it hang up.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream, service).await;
                    }
                }
            }
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, service: S3Service) {
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Clients hang up when they like.
    let _ = served.await;
}

/// Ends TLS with a certificate.
pub fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let open = |file: &Path| BufReader::new(File::open(file).expect("it was issued"));
    let chain = CertificateDer::pem_reader_iter(open(&certificate.file));
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("it is PEM");
    let key = PrivateKeyDer::from_pem_reader(open(&certificate.key)).expect("it is PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(config))
}

fn list(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("it can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(root, &path, found);
        } else {
            let name = path.strip_prefix(root).expect("it is in there");
            found.push(name.display().to_string());
        }
    }
}
