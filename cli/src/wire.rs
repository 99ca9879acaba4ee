//! Chooses the engine and connects the ports: the only place that knows which one runs.

use std::sync::Arc;

use anyhow::Context as _;
use domain::clock::{Clock, SystemClock};
use domain::ids::{IdSource, SystemIds};
use domain::ports::Renderer;
use domain::user::UserDirectory;
use domain::{Context, Parts};
use storage::sqlite::SchemaReport;
use storage::{Access, Opened};
use workers::RenderPool;

use crate::config::{Config, Engine};
use crate::service::Tweaks;
use crate::{signing, users};

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
    let limits = domain::Limits {
        sales_waiting_max: config.limits.sales_waiting_max,
        prints_waiting_max: config.limits.prints_waiting_max,
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
    let Engine::Embedded { data_dir } = &config.engine;
    Ok(storage::migrate(data_dir).await?)
}

async fn open(config: &Config, access: Access) -> anyhow::Result<Opened> {
    let Engine::Embedded { data_dir } = &config.engine;
    Ok(storage::open_embedded(data_dir, access).await?)
}

fn connect(config: &Config, opened: Opened) -> anyhow::Result<Parts> {
    let users_file = &config.server.users_file;
    let users = if users_file.as_os_str().is_empty() {
        UserDirectory::generated()
    } else {
        users::load(users_file)?
    };
    let renderer: Arc<dyn Renderer> = Arc::new(RenderPool::new(&config.workers));
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
        signer: Arc::new(signing::load_or_create(config.data_dir())?),
    })
}
