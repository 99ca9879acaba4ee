//! Errors on the wire: `application/problem+json` (RFC 9457), and the one place that logs them.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::hours::Part;
use domain::ports::StoreError;
use domain::{Error, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::Reply;

/// A sort of problem. The name ends the problem's `type` and never changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) status: StatusCode,
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

const fn kind(status: StatusCode, name: &'static str, title: &'static str) -> Kind {
    Kind {
        status,
        name,
        title,
    }
}

pub(crate) static INVALID: Kind = kind(
    StatusCode::BAD_REQUEST,
    "invalid-request",
    "The request is not valid",
);
pub(crate) static FOREIGN: Kind = kind(
    StatusCode::FORBIDDEN,
    "foreign-origin",
    "The request comes from a page of another site",
);
pub(crate) static MISDIRECTED: Kind = kind(
    StatusCode::MISDIRECTED_REQUEST,
    "misdirected-request",
    "The service has another name",
);
pub(crate) static CODED: Kind = kind(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-coding",
    "The body is in a coding that is not read",
);
pub(crate) static NOT_FOUND: Kind = kind(StatusCode::NOT_FOUND, "not-found", "Not found");
pub(crate) static WRONG_VERB: Kind = kind(
    StatusCode::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "Method not allowed",
);
pub(crate) static NOT_ACCEPTABLE: Kind = kind(
    StatusCode::NOT_ACCEPTABLE,
    "not-acceptable",
    "No such format",
);
pub(crate) static TOO_SLOW: Kind = kind(
    StatusCode::REQUEST_TIMEOUT,
    "request-timeout",
    "The request took too long",
);
static CONFLICT: Kind = kind(
    StatusCode::CONFLICT,
    "conflict",
    "Not possible in this state",
);
static SEATS_HELD: Kind = kind(
    StatusCode::CONFLICT,
    "seats-held",
    "The last seats are held",
);
pub(crate) static KEY_RUNNING: Kind = kind(
    StatusCode::CONFLICT,
    "request-running",
    "The same request is running",
);
static STALE: Kind = kind(
    StatusCode::PRECONDITION_FAILED,
    "precondition-failed",
    "The concert has changed",
);
pub(crate) static TOO_LARGE: Kind = kind(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body-too-large",
    "The body is too large",
);
static SOLD_OUT: Kind = kind(StatusCode::UNPROCESSABLE_ENTITY, "sold-out", "Sold out");
static CANCELLED: Kind = kind(
    StatusCode::UNPROCESSABLE_ENTITY,
    "concert-cancelled",
    "The concert is cancelled",
);
pub(crate) static KEY_REUSED: Kind = kind(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "The idempotency key belongs to another request",
);
static INTERNAL: Kind = kind(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal-error",
    "Internal error",
);
pub(crate) static BUSY: Kind = kind(
    StatusCode::SERVICE_UNAVAILABLE,
    "busy",
    "Too many requests are waiting",
);
pub(crate) static UNAVAILABLE: Kind = kind(
    StatusCode::SERVICE_UNAVAILABLE,
    "unavailable",
    "Temporarily unavailable",
);

/// An answer that says what went wrong. Boxed: the happy path should not carry its size.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: &'static Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<HeaderValue>,
    /// Says in which coding a body is read.
    accepts_identity: bool,
    /// The chain of causes, for the log only.
    cause: Option<String>,
    closes: bool,
}

/// What is wrong with one part of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where: a JSON pointer into the body.
    #[schema(example = "/capacity")]
    pub(crate) pointer: String,
    /// What.
    #[schema(value_type = String, example = "must be an integer from 0 to 1,000,000")]
    pub(crate) detail: Cow<'static, str>,
}

/// A problem as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// The sort of problem; stable.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:ticketoverflow:problem:invalid-request")]
    kind: ProblemType,
    /// The sort of problem, for people.
    #[schema(example = "The request is not valid")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// This very problem, for people.
    #[schema(example = "1 part of the body is not valid")]
    detail: &'a str,
    /// What is wrong with the body, part by part.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

struct ProblemType(&'static str);

impl Serialize for ProblemType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:ticketoverflow:problem:{}", self.0))
    }
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            accepts_identity: false,
            cause: None,
            closes: false,
        }))
    }

    /// A body with these mistakes.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "1 part of the body is not valid".to_owned(),
            parts => format!("{parts} parts of the body are not valid"),
        };
        let mut problem = Self::new(&INVALID, detail);
        problem.0.errors = errors;
        problem
    }

    /// One part of the body is wrong.
    pub(crate) fn field(pointer: &str, detail: Cow<'static, str>) -> Self {
        let pointer = pointer.to_owned();
        Self::fields(vec![FieldError { pointer, detail }])
    }

    /// Nothing of that id.
    pub(crate) fn no_such(what: &str) -> Self {
        Self::new(&NOT_FOUND, format!("there is no such {what}"))
    }

    /// Tells the client that the same request may work after a second.
    #[must_use]
    pub(crate) fn retry_soon(mut self) -> Self {
        self.0.retry_after = Some(HeaderValue::from_static("1"));
        self
    }

    /// Tells the client when the same request may work.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(HeaderValue::from(seconds));
        self
    }

    /// Tells the client to send the body as it is.
    #[must_use]
    pub(crate) fn accepting_identity(mut self) -> Self {
        self.0.accepts_identity = true;
        self
    }

    /// Ends the connection after the answer: the rest of the request is not read.
    #[must_use]
    pub(crate) fn closing(mut self) -> Self {
        self.0.closes = true;
        self
    }

    pub(crate) fn caused_by(mut self, cause: String) -> Self {
        self.0.cause = Some(cause);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.kind.status
    }

    /// The answer, which may be kept and given again.
    pub(crate) fn to_reply(&self) -> Reply {
        let body = ProblemBody {
            kind: ProblemType(self.0.kind.name),
            title: self.0.kind.title,
            status: self.0.kind.status.as_u16(),
            detail: &self.0.detail,
            errors: &self.0.errors,
        };
        let body = serde_json::to_vec(&body).expect("a problem is texts and numbers");
        let mut reply = Reply::new(Bytes::from(body));
        *reply.status_mut() = self.0.kind.status;
        let headers = reply.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        // A 404 of a print or a plan may be a 200 a moment later.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after) = &self.0.retry_after {
            headers.insert(RETRY_AFTER, retry_after.clone());
        }
        if self.0.accepts_identity {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if self.0.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply
    }

    /// Writes the problem to the log; answers do so by themselves.
    pub(crate) fn log(&self) {
        let Parts {
            kind,
            detail,
            cause,
            ..
        } = &*self.0;
        let (status, problem) = (kind.status.as_u16(), kind.name);
        match cause.as_deref() {
            Some(cause) if kind.status == StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(status, problem, cause, "a request failed: {detail}");
            }
            Some(cause) => tracing::warn!(status, problem, cause, "a request failed: {detail}"),
            None => tracing::debug!(status, problem, "a request was refused: {detail}"),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound("plan") => {
                Self::new(&NOT_FOUND, "the seating plan is being drawn").retry_soon()
            }
            Error::NotFound("print") => Self::new(&NOT_FOUND, "the ticket is not printed"),
            Error::NotFound(what) => Self::no_such(what),
            Error::Refused(refusal) => {
                let kind = match refusal {
                    Refusal::SoldOut => &SOLD_OUT,
                    Refusal::Cancelled => &CANCELLED,
                    Refusal::JobState => &CONFLICT,
                    Refusal::Hours(wrong) => {
                        let pointer = match wrong.part {
                            Part::Start => "/starts_at",
                            Part::Doors => "/doors_at",
                            Part::Zone => "/time_zone",
                        };
                        return Self::field(pointer, refusal.to_string().into());
                    }
                    Refusal::HoursThen(_) => {
                        return Self::field("/date", refusal.to_string().into());
                    }
                };
                Self::new(kind, refusal.to_string())
            }
            Error::Held => Self::new(&SEATS_HELD, error.to_string()).retry_soon(),
            Error::VersionMoved { .. } => Self::new(&STALE, error.to_string()),
            // Said thousands of times a second when it is said at all, so it has no cause to log.
            Error::Busy => Self::new(&BUSY, error.to_string()).retry_soon(),
            Error::Shed(shed) => shed.into(),
            Error::Store(store) => store.into(),
            Error::Part(_) => Self::new(&UNAVAILABLE, "a part of the service failed")
                .retry_soon()
                .caused_by(error.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = error.chain();
        match error {
            StoreError::Unavailable(_) | StoreError::Interrupted(_) | StoreError::Conflict(_) => {
                Self::new(&UNAVAILABLE, "the ledger is unavailable")
                    .retry_soon()
                    .caused_by(cause)
            }
            StoreError::Corrupt { .. } => {
                Self::new(&INTERNAL, "stored data cannot be read").caused_by(cause)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        self.to_reply().map(Body::from)
    }
}
