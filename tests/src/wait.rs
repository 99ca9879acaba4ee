//! Waiting for what happens by itself, and finding what is free.

use std::future::Future;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// How long anything may take. Generous: it only ends a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Polls until `check` gives something.
///
/// # Panics
///
/// After [`DEADLINE`], with what was waited for.
pub async fn eventually<T, Checking>(what: &str, mut check: impl FnMut() -> Checking) -> T
where
    Checking: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A port that was free a moment ago.
///
/// # Panics
///
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
