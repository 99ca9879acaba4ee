//! Looks at where a request comes from, before anything of it is read: a page of somebody else must
//! not write in its visitor's name, unless the operator has named it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::app::App;
use crate::origin::Origin;
use crate::problem::{FOREIGN, MISDIRECTED, Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who runs the service asks for these by its address.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("content-type, idempotency-key, if-match, if-none-match, traceparent");
const ANSWER_HEADERS: HeaderValue =
    HeaderValue::from_static("etag, idempotency-replayed, location, retry-after");
/// Browsers believe an answer to a preflight for two hours at most.
const PREFLIGHT_S: HeaderValue = HeaderValue::from_static("7200");

/// Guards the routes of a router.
#[derive(Clone)]
pub(crate) struct Guard(pub(crate) App);

/// A service that is guarded.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    app: App,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            app: self.0.clone(),
        }
    }
}

/// What a request that may pass is told besides its answer.
#[derive(Debug)]
struct Passed {
    /// The page that may read the answer, of another site.
    reader: Option<HeaderValue>,
}

impl App {
    /// Whether a request may pass; its answer if not. Without an `Origin` this is two lookups.
    fn guard(&self, request: &Request) -> Result<Passed, Box<Response>> {
        let (method, headers) = (request.method(), request.headers());
        self.check_host(request)
            .map_err(|problem| Box::new(problem.into_response()))?;
        let origin = headers.get(ORIGIN);
        let named = origin.filter(|origin| {
            let named = &self.config().allowed_origins;
            named.iter().any(|named| named.is(origin))
        });
        if *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            if let Some(reader) = named {
                return Err(Box::new(preflight(reader.clone())));
            }
            if origin.is_some_and(|origin| !self.is_own(request, origin)) {
                return Err(Box::new(foreign().into_response()));
            }
        }
        let writes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if writes && named.is_none() && self.is_forged(request, origin) {
            return Err(Box::new(foreign().into_response()));
        }
        Ok(Passed {
            reader: named.cloned(),
        })
    }

    fn check_host(&self, request: &Request) -> Result<(), Problem> {
        let hosts = &self.site().hosts;
        if hosts.is_empty() || PROBES.contains(&request.uri().path()) {
            return Ok(());
        }
        let origin = Origin::of(request, self)?;
        if hosts.iter().any(|host| host.is(origin.host())) {
            return Ok(());
        }
        let detail = "this service has another name; server.hosts lists those it has";
        Err(Problem::new(&MISDIRECTED, detail))
    }

    /// Browsers say where a request comes from, in headers that no page can change. Clients that
    /// are none say nothing.
    fn is_forged(&self, request: &Request, origin: Option<&HeaderValue>) -> bool {
        let site = request.headers().get(SEC_FETCH_SITE);
        match site.map(HeaderValue::as_bytes) {
            Some(b"cross-site") => true,
            // Also where a proxy that is not trusted has changed scheme or host.
            Some(b"same-origin") => false,
            _ => origin.is_some_and(|origin| !self.is_own(request, origin)),
        }
    }

    fn is_own(&self, request: &Request, origin: &HeaderValue) -> bool {
        Origin::of(request, self).is_ok_and(|own| own.is_named(origin))
    }
}

fn foreign() -> Problem {
    let detail = "a page of another site cannot do this; api.allowed_origins lists those that can";
    Problem::new(&FOREIGN, detail)
}

fn preflight(reader: HeaderValue) -> Response {
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_S);
    show_to(headers, reader);
    headers.append(VARY, ORIGIN.into());
    answer
}

fn show_to(headers: &mut HeaderMap, reader: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, reader);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
}

impl<S: Service<Request, Response = Response>> Service<Request> for Guarded<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Guarding<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.app.guard(&request) {
            Ok(Passed { reader }) => Guarding::Passed {
                inner: self.inner.call(request),
                reader,
                varies: !self.app.config().allowed_origins.is_empty(),
            },
            Err(answer) => Guarding::Refused {
                answer: Some(*answer),
            },
        }
    }
}

pin_project! {
    /// An answer that is awaited, or given at once.
    #[project = Step]
    pub(crate) enum Guarding<F> {
        Passed {
            #[pin]
            inner: F,
            reader: Option<HeaderValue>,
            varies: bool,
        },
        Refused {
            answer: Option<Response>,
        },
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for Guarding<F> {
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Step::Passed {
                inner,
                reader,
                varies,
            } => {
                let mut answer = ready!(inner.poll(cx))?;
                if *varies {
                    answer.headers_mut().append(VARY, ORIGIN.into());
                }
                if let Some(reader) = reader.take() {
                    show_to(answer.headers_mut(), reader);
                }
                Poll::Ready(Ok(answer))
            }
            Step::Refused { answer } => {
                let answer = answer.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(answer))
            }
        }
    }
}
