//! Work that must not queue behind a crowd.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with a runtime of its own, which ends with this value.
///
/// What waits for a server several times would, on the runtime that serves the crowd, queue behind
/// the crowd's requests after each wait, for so long that the server looks silent. On a thread of
/// its own it goes on at once.
#[derive(Debug)]
pub struct RuntimeThread {
    runtime: Handle,
    /// Its end tells the thread to end.
    running: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RuntimeThread {
    /// Starts the thread; fails when the process may have no other one, or no more open files.
    pub fn start(name: &str) -> io::Result<Self> {
        let (running, ended) = oneshot::channel::<()>();
        let (begun, runtime) = mpsc::sync_channel(1);
        // The runtime is made there: whoever starts the thread may be on one, where another one
        // could not be dropped.
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || run(&begun, ended))?;
        let runtime = runtime.recv().map_err(io::Error::other)??;
        Ok(Self {
            runtime,
            running: Some(running),
            thread: Some(thread),
        })
    }

    /// Where the thread runs what is given to it.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl Drop for RuntimeThread {
    /// Waits for the thread, unless this is it: when it has ended, no task of it is left.
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // It runs nothing of its own that could panic.
            let _ = thread.join();
        }
    }
}

/// Serves a runtime, which is told to `begun`, until `ended`.
fn run(begun: &mpsc::SyncSender<io::Result<Handle>>, ended: oneshot::Receiver<()>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started the thread waits for this.
            let _ = begun.send(Err(error));
            return;
        }
    };
    let _ = begun.send(Ok(runtime.handle().clone()));
    // Nothing is ever sent: the sender's end is the message.
    let _ = runtime.block_on(ended);
    // The name of a server that is still being looked up is not waited for.
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn no_task_is_left_when_it_has_been_dropped() {
        let thread = RuntimeThread::start("test").unwrap();
        let held = Arc::new(());
        let task = Arc::clone(&held);
        thread.runtime().spawn(async move {
            pending::<()>().await;
            drop(task);
        });
        drop(thread);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn it_may_be_dropped_by_a_task_of_its_own() {
        let thread = RuntimeThread::start("test").unwrap();
        let (dropped, told) = mpsc::channel();
        let runtime = thread.runtime().clone();
        runtime.spawn(async move {
            drop(thread);
            dropped.send(()).unwrap();
        });
        told.recv().unwrap();
    }

    #[tokio::test]
    async fn it_may_be_started_and_dropped_on_another_runtime() {
        drop(RuntimeThread::start("test").unwrap());
    }
}
