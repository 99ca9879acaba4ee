//! What every handler is given.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use domain::Context;

use crate::compressed::CompressedPlans;
use crate::config::Config;
use crate::pages::HomePage;
use crate::site::Site;
use crate::uploads::Uploads;
use crate::wire;

/// The service as its routes see it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    ctx: Arc<Context>,
    config: Config,
    site: Site,
    users: Bytes,
    plans: CompressedPlans,
    home: HomePage,
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    draining: Arc<AtomicBool>,
    uploads: Uploads,
}

impl App {
    /// A service on `ctx` that keeps so many bytes of compressed plans. `metrics` writes the figures that `/metrics` shows.
    pub fn new(
        ctx: Arc<Context>,
        config: Config,
        site: Site,
        plan_bytes_max: u64,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let users = wire::users_json(ctx.users.all());
        Self(Arc::new(Parts {
            uploads: Uploads::new(config.uploads_max, config.layout_bytes_max),
            ctx,
            config,
            site,
            users,
            plans: CompressedPlans::new(plan_bytes_max),
            home: HomePage::default(),
            metrics: Box::new(metrics),
            draining: Arc::default(),
        }))
    }

    /// From now on `/readyz` says that no more requests are wanted. Call it some seconds before
    /// the shutdown of [`crate::serve`], so that load balancers can look elsewhere.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Becomes true with [`App::drain`].
    pub fn announced(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.draining)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// The memory of large bodies.
    pub(crate) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    pub(crate) fn ctx(&self) -> &Arc<Context> {
        &self.0.ctx
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }

    /// All users as JSON. They are fixed, so they are written down once.
    pub(crate) fn users_json(&self) -> Bytes {
        self.0.users.clone()
    }

    pub(crate) fn compressed_plans(&self) -> &CompressedPlans {
        &self.0.plans
    }

    pub(crate) fn home(&self) -> &HomePage {
        &self.0.home
    }

    pub(crate) fn metrics(&self) -> String {
        (self.0.metrics)()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
