//! A whole server in the test's own process, on a folder of its own.

use std::sync::Arc;

use cli::config::Config;
use cli::service::{Service, Tweaks};
use domain::Context;
use tempfile::TempDir;

use crate::engine::{Engine, Home};
use crate::http::Http;
use crate::wait::eventually;

/// A running server with a client. In a cluster of three, two more servers that the client asks
/// in turn with it.
#[derive(Debug)]
pub struct TestApp {
    /// Its client.
    pub http: Http,
    service: Service,
    beside: Vec<Service>,
    home: Home,
}

impl TestApp {
    /// Starts this test's engine on a fresh folder.
    pub async fn start() -> Self {
        Self::with(Tweaks::default()).await
    }

    /// As [`TestApp::start`], with parts of its own.
    pub async fn with(tweaks: Tweaks) -> Self {
        Self::again(Home::new().await, tweaks, |_| {}).await
    }

    /// Starts on a fresh folder that is there already, with a changed configuration.
    pub async fn on(folder: TempDir, tweaks: Tweaks, change: impl FnOnce(&mut Config)) -> Self {
        Self::again(Home::of(folder).await, tweaks, change).await
    }

    /// Starts where a server was before, with a changed configuration.
    pub async fn again(home: Home, tweaks: Tweaks, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = home.config();
        change(&mut config);
        let service = Service::start(&config, tweaks.clone())
            .await
            .expect("the server starts");
        let mut beside = Vec::new();
        for _ in 1..Engine::of_this_test().servers() {
            let another = Service::start(&Home::config_beside(&config), tweaks.clone()).await;
            beside.push(another.expect("another server starts"));
        }
        let addresses = [&service].into_iter().chain(&beside).map(Service::address);
        Self {
            http: Http::of(addresses.collect()),
            service,
            beside,
            home,
        }
    }

    /// The domain below the server.
    pub fn context(&self) -> &Arc<Context> {
        self.service.context()
    }

    /// The folder of the ledger and the files.
    pub fn folder(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Stops in good order, checks every invariant of the ledger, and gives back where it was.
    pub async fn stop(self) -> Home {
        let store = Arc::clone(&self.context().store);
        let violations = domain::audit::run(store.as_ref())
            .await
            .expect("the ledger can be read");
        assert_eq!(violations, [], "the ledger holds");
        drop(store);
        for service in self.beside {
            service.stop().await.expect("the server beside stops");
        }
        self.service.stop().await.expect("the server stops");
        // Its tasks end one after the other, and with the last one the folder is free again.
        let free = || async { (!storage::is_served(self.home.path())).then_some(()) };
        eventually("the folder is let go", free).await;
        self.home
    }
}
