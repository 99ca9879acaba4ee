//! What nobody read of a request's body when its answer is ready. Sent to a closed socket, it would
//! reset the connection and take the answer with it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::timeout;

/// What is read for nothing, so that the connection can go on or the client sees the answer.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long, once the answer is ready.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(2);

/// Where the bodies of one connection come back to when they were not read to their end.
#[derive(Debug)]
pub(crate) struct Rest<B>(Arc<Mutex<Option<B>>>);

/// A body that comes back.
#[derive(Debug)]
pub(crate) struct Returning<B: Body> {
    /// Nothing once it has ended.
    inner: Option<B>,
    rest: Rest<B>,
}

impl<B> Clone for Rest<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> Default for Rest<B> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<B: Body<Data = Bytes> + Unpin> Rest<B> {
    /// A body that comes back here.
    pub(crate) fn of(&self, body: B) -> Returning<B> {
        Returning {
            inner: Some(body),
            rest: self.clone(),
        }
    }

    /// What came back since the last time.
    pub(crate) fn take(&self) -> Option<B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Reads a body for nothing, for so long and up to 16 MiB of it; whether its end was reached.
pub(crate) async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B, time: Duration) -> bool {
    let reading = async {
        let mut discarded = 0;
        loop {
            match body.frame().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => discarded += frame.data_ref().map_or(0, Bytes::len),
            }
            if discarded > BYTES_MAX {
                return false;
            }
        }
    };
    timeout(time, reading).await.unwrap_or(false)
}

impl<B: Body<Data = Bytes> + Unpin> Body for Returning<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.inner = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref();
        inner.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body> Drop for Returning<B> {
    fn drop(&mut self) {
        if let Some(rest) = self.inner.take().filter(|body| !body.is_end_stream()) {
            let mut kept = self.rest.0.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};
    use http_body_util::StreamBody;

    use super::*;

    /// A body of so many pieces of a megabyte, and then silence if it never ends.
    fn pieces(count: usize, ends: bool) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let piece = Bytes::from(vec![0; 1024 * 1024]);
        let some = stream::iter((0..count).map(move |_| Ok(Frame::data(piece.clone()))));
        let silence = if ends {
            stream::empty().left_stream()
        } else {
            stream::pending().right_stream()
        };
        StreamBody::new(some.chain(silence))
    }

    #[tokio::test]
    async fn body_that_was_read_does_not_come_back() {
        let rest = Rest::default();
        let mut body = rest.of(pieces(2, true));
        while body.frame().await.is_some() {}
        drop(body);
        assert!(rest.take().is_none());
    }

    #[tokio::test]
    async fn body_that_was_dropped_comes_back_and_a_small_one_is_read_to_its_end() {
        let rest = Rest::default();
        let mut body = rest.of(pieces(2, true));
        assert!(body.frame().await.is_some());
        drop(body);
        assert!(discard(rest.take().expect("it came back"), TIME_MAX).await);
        assert!(rest.take().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn body_without_an_end_is_given_up() {
        assert!(!discard(pieces(1, false), TIME_MAX).await);
        assert!(!discard(pieces(17, true), TIME_MAX).await);
        assert!(discard(pieces(16, true), TIME_MAX).await);
    }
}
