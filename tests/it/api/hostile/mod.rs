//! P9: bad input gets a clear 4xx or a clean close; it changes nothing and kills nothing.

mod connections;
mod requests;

use cli::service::Tweaks;
use tests::{Raw, TestApp};

/// A server with something in its ledger, and short patience.
struct Target {
    app: TestApp,
    concert: String,
    ticket: String,
    before: [String; 2],
}

impl Target {
    async fn new() -> Self {
        Self::with(60_000, 20_000).await
    }

    /// With little patience, and room for so many clients at a time.
    async fn with(patience_ms: u64, connections_max: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut app = TestApp::on(folder, Tweaks::default(), |config| {
            config.api.header_read_timeout_ms = patience_ms;
            config.api.body_read_timeout_ms = patience_ms;
            config.api.write_stall_timeout_ms = patience_ms;
            config.api.connections_max = connections_max;
        })
        .await;
        app.http = app.http.without_idle_connections();
        let concert = app.http.create_concert("A night", 10).await;
        let ticket = app.http.bought(&concert, 1).await;
        let before = app.http.ledger().await;
        Self {
            app,
            concert,
            ticket,
            before,
        }
    }

    /// The server is well and nothing has changed.
    async fn assert_unharmed(&self) {
        assert_eq!(self.app.http.ledger().await, self.before);
        assert_eq!(
            self.app.http.get("/api/v1/concerts/health").await.status,
            200
        );
    }

    async fn stop(self) {
        self.assert_unharmed().await;
        self.app.http.bought(&self.concert, 2).await;
        self.app.stop().await;
    }

    /// Every route that takes a body.
    fn takers(&self) -> [(&'static str, String); 3] {
        [
            ("POST", "/api/v1/concerts".to_owned()),
            ("POST", "/api/v1/tickets".to_owned()),
            ("PUT", format!("/api/v1/concerts/{}", self.concert)),
        ]
    }

    async fn raw(&self) -> Raw {
        Raw::connect(self.app.http.address()).await
    }
}
