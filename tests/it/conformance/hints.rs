//! Engines of what may be lost: counters and wakeups. They need no ledger.

use std::sync::Arc;

use domain::SeededIds;
use domain::ids::IdSource;
use domain::ports::{Counters, Wakeups};
use storage::Redis;
use storage::counters::{LocalCounters, RedisCounters};
use storage::wakeups::{LocalWakeups, RedisWakeups};
use tests::redis;

/// Defines cases and runs each on the engines that it is given, as `redis::name`. To add an
/// engine, add its name where the cases are and a constructor of [`Hints`].
macro_rules! hints {
    (
        on $engines:tt;
        $($(#[$doc:meta])* async fn $name:ident($env:ident) $body:block)+
    ) => {
        $($(#[$doc])* async fn $name($env: &$crate::conformance::hints::Hints) $body)+
        hints!(@engines $engines {$($name)+});
    };
    (@engines [$($engine:ident)+] $names:tt) => {
        $(hints!(@engine $engine $names);)+
    };
    (@engine $engine:ident {$($name:ident)+}) => {
        mod $engine {
            $(
                #[tokio::test]
                async fn $name() {
                    let env = $crate::conformance::hints::Hints::$engine();
                    super::$name(&env).await;
                }
            )+
        }
    };
}

/// Counters and wakeups with nothing in them, and ids that repeat.
pub(super) struct Hints {
    pub(super) counters: Arc<dyn Counters>,
    pub(super) wakeups: Arc<dyn Wakeups>,
    pub(super) ids: SeededIds,
}

impl Hints {
    pub(super) fn local() -> Self {
        Self {
            counters: Arc::new(LocalCounters::default()),
            wakeups: Arc::new(LocalWakeups::default()),
            ids: SeededIds::new(11),
        }
    }

    pub(super) fn redis() -> Self {
        Self::of(&redis::shared().url())
    }

    pub(super) fn redis_cluster() -> Self {
        Self::of(&redis::shared_cluster().url())
    }

    fn of(url: &str) -> Self {
        let redis = Redis::start(url.parse().unwrap(), &redis::prefix(), redis::PATIENCE).unwrap();
        let ids = SeededIds::new(11);
        Self {
            counters: Arc::new(RedisCounters::new(redis.clone())),
            wakeups: Arc::new(RedisWakeups::new(redis, ids.next())),
            ids,
        }
    }
}
