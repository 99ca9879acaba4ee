//! A socket whose reader must keep up: an answer holds memory, and maybe a place that others want,
//! until it is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream that fails to be written when its reader takes too little of what waits.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    inner: S,
    pace: Pace,
    /// Of a stream whose reader had to be waited for.
    waiting: Option<Waiting>,
}

/// How slow a reader may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The time of waiting over which it is measured, and after which one that takes nothing is
    /// given up.
    window: Duration,
    /// The bytes that it must take in that time.
    bytes_min: u64,
}

/// What the present window has of bytes and of waiting; time in which nothing was to be written does
/// not count. Its timer is boxed: most connections need none.
#[derive(Debug)]
struct Waiting {
    end: Pin<Box<Sleep>>,
    bytes: u64,
    waited: Duration,
    /// The wait that is under way.
    present: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    begun: Instant,
    /// What is before this belongs to the window before.
    counted_from: Instant,
}

impl Pace {
    /// So many bytes a second, measured over `window`; one byte in it is the least.
    pub(crate) fn new(window: Duration, bytes_per_s_min: u64) -> Self {
        let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let bytes_min = bytes_per_s_min.saturating_mul(millis) / 1_000;
        Self {
            window,
            bytes_min: bytes_min.max(1),
        }
    }
}

impl Waiting {
    fn new() -> Self {
        Self {
            end: Box::pin(sleep(Duration::ZERO)),
            bytes: 0,
            waited: Duration::ZERO,
            present: None,
        }
    }

    fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if let Some(wait) = self.present.take() {
            self.waited += wait.counted_from.elapsed();
        }
    }

    /// Ready when the reader is too slow.
    fn poll(&mut self, cx: &mut Context<'_>, pace: Pace) -> Poll<()> {
        let mut wait = self.present.unwrap_or_else(|| {
            let now = Instant::now();
            let left = pace.window.saturating_sub(self.waited);
            self.end.as_mut().reset(now + left);
            Wait {
                begun: now,
                counted_from: now,
            }
        });
        loop {
            self.present = Some(wait);
            ready!(self.end.as_mut().poll(cx));
            let (now, stalled_at) = (Instant::now(), wait.begun + pace.window);
            if self.bytes < pace.bytes_min || now >= stalled_at {
                return Poll::Ready(());
            }
            self.bytes = 0;
            self.waited = Duration::ZERO;
            self.end.as_mut().reset(stalled_at);
            wait.counted_from = now;
        }
    }
}

impl<S> Paced<S> {
    pub(crate) fn new(inner: S, pace: Pace) -> Self {
        Self {
            inner,
            pace,
            waiting: None,
        }
    }

    /// What becomes of an attempt to write.
    fn measure(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            if let (Some(waiting), Ok(bytes)) = (&mut self.waiting, &written) {
                waiting.wrote(*bytes);
            }
            return Poll::Ready(written);
        }
        let waiting = self.waiting.get_or_insert_with(Waiting::new);
        ready!(waiting.poll(cx, self.pace));
        let slow = "the answer is read too slowly";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, slow)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.measure(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.measure(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);
    /// What the pipe holds before a write has to wait.
    const HELD: usize = 64;

    /// Writes so many bytes to somebody who takes `piece` of them at a time, every 29 seconds.
    async fn write(bytes: usize, piece: usize, bytes_per_s_min: u64) -> io::Result<()> {
        let (near, mut far) = duplex(HELD);
        let mut near = Paced::new(near, Pace::new(WINDOW, bytes_per_s_min));
        let reader = tokio::spawn(async move {
            let mut taken = vec![0; piece];
            loop {
                sleep(Duration::from_secs(29)).await;
                if far.read(&mut taken).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        });
        let written = near.write_all(&vec![0; bytes]).await;
        let written = match written {
            Ok(()) => near.flush().await,
            Err(error) => Err(error),
        };
        drop(near);
        reader.await.expect("the reader reads to the end");
        written
    }

    #[tokio::test(start_paused = true)]
    async fn reader_who_takes_a_byte_now_and_then_is_given_up() {
        let error = write(10_000, 1, 10).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn reader_who_is_slow_and_fast_enough_gets_everything() {
        write(10_000, 60, 1).await.unwrap();
        // What fits the pipe waits for nobody.
        write(HELD, 1, 1_000_000).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn time_between_two_answers_is_not_counted() {
        let (near, mut far) = duplex(HELD);
        let mut near = Paced::new(near, Pace::new(WINDOW, 1));
        for _ in 0..3 {
            let reading = async {
                sleep(Duration::from_secs(1)).await;
                far.read_exact(&mut [0; HELD + 1]).await.unwrap();
            };
            let writing = async {
                near.write_all(&[0; HELD + 1]).await.unwrap();
                near.flush().await.unwrap();
            };
            tokio::join!(reading, writing);
            sleep(10 * WINDOW).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reader_who_was_fast_and_stops_is_given_up_in_time() {
        let (near, mut far) = duplex(HELD);
        let mut near = Paced::new(near, Pace::new(WINDOW, 1));
        let reading = async {
            sleep(Duration::from_secs(1)).await;
            far.read_exact(&mut [0; 10 * HELD]).await.unwrap();
        };
        let writing = near.write_all(&[0; 20 * HELD]);
        let begun = Instant::now();
        let ((), written) = tokio::join!(reading, writing);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() <= WINDOW + Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn reader_who_stops_is_given_up_whatever_the_pace() {
        let (near, _far) = duplex(HELD);
        let mut near = Paced::new(near, Pace::new(WINDOW, 0));
        let error = near.write_all(&[0; 2 * HELD]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
