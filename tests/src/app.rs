//! A whole server in the test's own process, on a folder of its own.

use std::sync::Arc;

use cli::config::Config;
use cli::service::{Service, Tweaks};
use domain::Context;
use tempfile::TempDir;

use crate::http::Http;
use crate::wait::eventually;

/// A running server with a client.
#[derive(Debug)]
pub struct TestApp {
    /// Its client.
    pub http: Http,
    service: Service,
    folder: TempDir,
}

impl TestApp {
    /// Starts the embedded engine on a fresh folder.
    pub async fn start() -> Self {
        Self::with(Tweaks::default()).await
    }

    /// As [`TestApp::start`], with parts of its own.
    pub async fn with(tweaks: Tweaks) -> Self {
        Self::on(
            tempfile::tempdir().expect("a temporary folder"),
            tweaks,
            |_| {},
        )
        .await
    }

    /// Starts on a folder that may have been served from before, with a changed configuration.
    pub async fn on(folder: TempDir, tweaks: Tweaks, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::for_data_dir(folder.path());
        change(&mut config);
        let service = Service::start(&config, tweaks)
            .await
            .expect("the server starts");
        Self {
            http: Http::new(service.address()),
            service,
            folder,
        }
    }

    /// The domain below the server.
    pub fn context(&self) -> &Arc<Context> {
        self.service.context()
    }

    /// The folder of the ledger and the files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops in good order, checks every invariant of the ledger, and gives the folder back.
    pub async fn stop(self) -> TempDir {
        let store = Arc::clone(&self.context().store);
        let violations = domain::audit::run(store.as_ref())
            .await
            .expect("the ledger can be read");
        assert_eq!(violations, [], "the ledger holds");
        drop(store);
        self.service.stop().await.expect("the server stops");
        // Its tasks end one after the other, and with the last one the folder is free again.
        let free = || async { (!storage::is_served(self.folder.path())).then_some(()) };
        eventually("the folder is let go", free).await;
        self.folder
    }
}
