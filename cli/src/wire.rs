//! Chooses the engine and connects the ports: the only place that knows which one runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::clock::{Clock, SystemClock};
use domain::ids::{IdSource, SystemIds};
use domain::ports::{Counters, Files, Renderer, Store, Wakeups};
use domain::user::UserDirectory;
use domain::{Context, Parts};
use storage::postgres::{Options, PostgresStore};
use storage::{Access, ClusterPlaces, SchemaReport, SlowStore};
use workers::RenderPool;

use crate::config::{Config, Mode};
use crate::service::Tweaks;
use crate::{branding, signing, users};

/// A ledger that is open beside a server that may be running.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) parts: Parts,
}

/// Opens the engine for a server.
pub(crate) async fn serve(config: &Config, tweaks: &mut Tweaks) -> anyhow::Result<Arc<Context>> {
    let opened = open(config, Access::Serve).await?;
    let mut parts = connect(config, opened)?;
    if let Some(clock) = tweaks.clock.take() {
        parts.clock = clock;
    }
    if let Some(wrap) = tweaks.renderer.take() {
        parts.renderer = wrap(parts.renderer);
    }
    let slow = Duration::from_millis(config.engine.slow_commits_ms);
    if !slow.is_zero() {
        tracing::warn!(
            ?slow,
            "engine.slow_commits_ms is set: every write waits, for a test"
        );
        parts.store = Arc::new(SlowStore::new(parts.store, slow));
    }
    if let Some(wrap) = tweaks.store.take() {
        parts.store = wrap(parts.store);
    }
    let limits = domain::Limits {
        admission: config.admission,
        plan_bytes_max: config.limits.plan_bytes_max,
        sales_waiting_max: config.limits.sales_waiting_max,
        refusals_waiting_max: config.limits.refusals_waiting_max,
        prints_waiting_max: config.limits.prints_waiting_max,
        lookups_waiting_max: config.limits.lookups_waiting_max,
        settlements_waiting_max: config.limits.settlements_waiting_max,
    };
    Context::start(parts, limits).context("the thread that writes cannot be started")
}

/// Opens the engine to look at it or to make small changes.
pub(crate) async fn inspect(config: &Config) -> anyhow::Result<Inspected> {
    let opened = open(config, Access::Inspect).await?;
    Ok(Inspected {
        parts: connect(config, opened)?,
    })
}

/// Brings the schema up to date and reports it.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<SchemaReport> {
    let engine = &config.engine;
    Ok(match engine.mode {
        Mode::Embedded => storage::migrate(&engine.data_dir).await?,
        Mode::Cluster => {
            let url = &engine.postgres_url.0;
            PostgresStore::migrate(url, Options::default()).await?
        }
    })
}

/// What an engine brings.
struct Ports {
    store: Arc<dyn Store>,
    counters: Arc<dyn Counters>,
    wakeups: Arc<dyn Wakeups>,
    files: Arc<dyn Files>,
}

async fn open(config: &Config, access: Access) -> anyhow::Result<Ports> {
    let engine = &config.engine;
    Ok(match engine.mode {
        Mode::Embedded => {
            let opened = storage::open_embedded(&engine.data_dir, access).await?;
            Ports {
                store: opened.store,
                counters: opened.counters,
                wakeups: opened.wakeups,
                files: opened.files,
            }
        }
        Mode::Cluster => {
            let places = ClusterPlaces {
                postgres_url: &engine.postgres_url.0,
                redis_url: &engine.redis_url.0,
                redis_prefix: &engine.redis_prefix,
                redis_timeout: engine.redis_timeout(),
                files: engine.files()?,
                process: SystemIds.next(),
            };
            let opened = storage::open_cluster(places, Options::default()).await?;
            Ports {
                store: opened.store,
                counters: opened.counters,
                wakeups: opened.wakeups,
                files: opened.files,
            }
        }
    })
}

fn connect(config: &Config, opened: Ports) -> anyhow::Result<Parts> {
    let users_file = &config.server.users_file;
    let users = if users_file.as_os_str().is_empty() {
        UserDirectory::generated()
    } else {
        users::load(users_file)?
    };
    let renderer: Arc<dyn Renderer> =
        Arc::new(RenderPool::new(&config.workers).branded(branding::load(&config.tickets)?));
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) =
        (Arc::new(SystemClock), Arc::new(SystemIds));
    Ok(Parts {
        store: opened.store,
        counters: opened.counters,
        wakeups: opened.wakeups,
        files: opened.files,
        renderer,
        clock,
        ids,
        users: Arc::new(users),
        signer: Arc::new(signing::of(config)?),
    })
}
