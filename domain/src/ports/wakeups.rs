//! Wakeups: hints that there is work. One may be lost or repeated; workers also look by themselves.

use async_trait::async_trait;

use crate::job::Queue;

/// Tells idle workers of new jobs.
#[async_trait]
pub trait Wakeups: Send + Sync + 'static {
    /// Tells those who wait for a queue that it has work. Never blocks.
    fn wake(&self, queue: Queue);

    /// Waits for a wakeup of a queue. One that came while nobody waited is kept.
    async fn woken(&self, queue: Queue);
}
