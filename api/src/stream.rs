//! JSON arrays that are sent page by page, so that memory does not grow with the answer.

use std::future::Future;
use std::io;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use domain::Error;
use futures::stream;

use crate::problem::Problem;
use crate::reply;

/// Items that are read, and held in memory, at a time.
pub(crate) const PAGE: u32 = 500;

/// Some items as JSON, separated by commas.
pub(crate) struct Page<Cursor> {
    json: Vec<u8>,
    /// The place of the last item; `None` when it was the last of all.
    next: Option<Cursor>,
}

impl<Cursor> Page<Cursor> {
    /// A page of items of which fewer than [`PAGE`] mean that there are no more.
    pub(crate) fn of<Item>(
        items: &[Item],
        write: impl Fn(&mut Vec<u8>, &Item),
        cursor: impl Fn(&Item) -> Cursor,
    ) -> Self {
        let mut json = Vec::with_capacity(items.len() * 320);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            write(&mut json, item);
        }
        let full = items.len() >= PAGE as usize;
        Self {
            json,
            next: items.last().filter(|_| full).map(cursor),
        }
    }
}

/// Where a stream stands.
enum Next<Cursor> {
    Page(Cursor),
    End,
}

/// An array of everything that `page` gives, beginning with the page after no place. What fits
/// one page is sent whole. An error later on breaks the connection: an array that ends early
/// must not look like one that is complete.
pub(crate) async fn array<Cursor, Read, Reading>(read: Read) -> Result<Response, Problem>
where
    Cursor: Send + 'static,
    Read: Fn(Option<Cursor>) -> Reading + Send + 'static,
    Reading: Future<Output = Result<Page<Cursor>, Error>> + Send,
{
    let Page { mut json, next } = read(None).await?;
    json.insert(0, b'[');
    let Some(cursor) = next else {
        json.push(b']');
        return Ok(reply::json_bytes(StatusCode::OK, json.into()).map(Body::from));
    };
    let first = stream::once(async move { Ok::<_, io::Error>(Bytes::from(json)) });
    let others = stream::try_unfold((read, Next::Page(cursor)), |(read, next)| async move {
        let Next::Page(cursor) = next else {
            return Ok(None);
        };
        let page = read(Some(cursor)).await.map_err(broken)?;
        let (chunk, next) = chunk(page);
        Ok(Some((chunk, (read, next))))
    });
    let body = Body::from_stream(stream::StreamExt::chain(first, others));
    Ok(reply::json_bytes(StatusCode::OK, Bytes::new()).map(|_| body))
}

fn chunk<Cursor>(page: Page<Cursor>) -> (Bytes, Next<Cursor>) {
    let Page { mut json, next } = page;
    if !json.is_empty() {
        json.insert(0, b',');
    }
    if next.is_none() {
        json.push(b']');
    }
    (json.into(), next.map_or(Next::End, Next::Page))
}

fn broken(error: Error) -> io::Error {
    let problem = Problem::from(error);
    problem.log();
    io::Error::other("the list broke off")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// Counts up to `all`; fails after `fails_after` pages.
    async fn numbers(all: u32, fails_after: u32) -> Result<Result<Vec<u32>, axum::Error>, Problem> {
        let response = array(move |after: Option<u32>| async move {
            let from = after.map_or(0, |after| after + 1);
            if from / PAGE >= fails_after {
                return Err(Error::Busy);
            }
            let items: Vec<_> = (from..all.min(from + PAGE)).collect();
            let write = |json: &mut Vec<u8>, item: &u32| json.extend(item.to_string().bytes());
            Ok(Page::of(&items, write, |item| *item))
        })
        .await?;
        let body = response.into_body().collect().await;
        Ok(body.map(|body| serde_json::from_slice(&body.to_bytes()).unwrap()))
    }

    #[tokio::test]
    async fn pages_join_to_one_array() {
        for all in [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 3 * PAGE + 7] {
            let read = numbers(all, u32::MAX).await.unwrap().unwrap();
            assert_eq!(read, (0..all).collect::<Vec<_>>(), "{all}");
        }
    }

    #[tokio::test]
    async fn an_error_at_first_is_an_answer_and_later_breaks_the_body() {
        assert_eq!(numbers(9_999, 0).await.unwrap_err().status(), 503);
        assert!(numbers(9_999, 2).await.unwrap().is_err());
    }
}
