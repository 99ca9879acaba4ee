//! The operators' tool: it sees the service as any client does, over HTTP only.
//!
//! A [`scenario`] says who comes and what they do; [`run`](load) sends them and judges what
//! became of it; [`audit`] looks at what any client may see. The generator is lean on purpose. It
//! shares its machine with the server more often than not, and what it costs is missing from
//! what it measures.

mod audit;
mod cause;
mod client;
mod connection;
mod drive;
mod framing;
mod generator;
mod histogram;
mod pacer;
mod page;
mod pool;
mod random;
mod record;
mod report;
mod request;
mod run;
mod sale;
pub mod scenario;
mod system;
mod tally;
mod target;
mod timeline;
mod tls;
mod verdict;
mod visit;
mod watch;
mod worker;

pub use self::audit::{Acknowledged, AuditOptions, Audited, audit};
pub use self::cause::Causes;
pub use self::connection::{Connection, ConnectionError, Response};
pub use self::drive::Mode;
pub use self::generator::{Limits, Report, Script, run};
pub use self::histogram::Latency;
pub use self::page::page;
pub use self::record::{Fault, Faults, Interval, Kind, Requests};
pub use self::report::{
    ConcertSales, Customers, FORMAT, Generator, MergeError, Report as LoadReport, Run, Second,
    Server, Waits,
};
pub use self::request::Request;
pub use self::run::{CONNECTIONS_MAX, Moment, Options, THREADS_MAX, run as load};
pub use self::target::{LoadError, Target};
pub use self::timeline::Timeline;
pub use self::tls::Trust;
pub use self::verdict::Verdict;
pub use self::watch::Sample;
