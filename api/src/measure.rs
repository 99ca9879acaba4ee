//! Measures every request. The handle of a figure is looked up once and then kept: a lookup by
//! labels costs as much as the rest of a small answer.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use metrics::Histogram;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// Statuses that have figures of their own; others share the last one.
const STATUSES: [&str; 21] = [
    "200", "201", "202", "204", "303", "304", "400", "403", "404", "405", "406", "408", "409",
    "412", "413", "415", "421", "422", "500", "503", "other",
];
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "other"];

/// Measures the routes of a router.
#[derive(Debug, Clone)]
pub(crate) struct Measure(Arc<Routes>);

#[derive(Debug)]
struct Routes {
    known: HashMap<String, Figures>,
    /// For paths that match no route, whatever they are: labels must stay few.
    unknown: Figures,
}

struct Figures {
    route: String,
    histograms: [OnceLock<Histogram>; STATUSES.len() * METHODS.len()],
}

impl Measure {
    /// Measures requests on these routes, and all others as one.
    pub(crate) fn new(routes: impl IntoIterator<Item = String>) -> Self {
        let known = routes
            .into_iter()
            .map(|route| (route.clone(), Figures::new(route)))
            .collect();
        Self(Arc::new(Routes {
            known,
            unknown: Figures::new("unmatched".to_owned()),
        }))
    }
}

impl Routes {
    fn of(&self, path: Option<&MatchedPath>) -> &Figures {
        path.and_then(|path| self.known.get(path.as_str()))
            .unwrap_or(&self.unknown)
    }
}

impl Figures {
    fn new(route: String) -> Self {
        Self {
            route,
            histograms: [const { OnceLock::new() }; STATUSES.len() * METHODS.len()],
        }
    }

    fn histogram(&self, method: usize, status: StatusCode) -> &Histogram {
        let text = status.as_str();
        let status = STATUSES[..STATUSES.len() - 1]
            .iter()
            .position(|known| *known == text)
            .unwrap_or(STATUSES.len() - 1);
        self.histograms[method * STATUSES.len() + status].get_or_init(|| {
            metrics::histogram!(
                "http_server_request_duration_seconds",
                "route" => self.route.clone(),
                "method" => METHODS[method],
                "status" => STATUSES[status],
            )
        })
    }
}

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Figures").field(&self.route).finish()
    }
}

fn method_index(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        _ => METHODS.len() - 1,
    }
}

impl<S> Layer<S> for Measure {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured {
            inner,
            routes: Arc::clone(&self.0),
        }
    }
}

/// A service of which every request is measured.
#[derive(Debug, Clone)]
pub(crate) struct Measured<S> {
    inner: S,
    routes: Arc<Routes>,
}

impl<S: Service<Request, Response = Response>> Service<Request> for Measured<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Answering {
            method: method_index(request.method()),
            path: request.extensions().get::<MatchedPath>().cloned(),
            begun: Instant::now(),
            routes: Arc::clone(&self.routes),
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// An answer that is awaited.
    pub(crate) struct Answering<F> {
        #[pin]
        inner: F,
        routes: Arc<Routes>,
        path: Option<MatchedPath>,
        method: usize,
        begun: Instant,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Answering<F> {
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx));
        if let Ok(response) = &answer {
            this.routes
                .of(this.path.as_ref())
                .histogram(*this.method, response.status())
                .record(this.begun.elapsed().as_secs_f64());
        }
        Poll::Ready(answer)
    }
}
