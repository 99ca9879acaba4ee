//! Poolers between a process and its database.

use storage::OpenError;
use storage::postgres::PostgresStore;
use tests::Database;
use tests::postgres::{Pooler, options};

/// What a pooler must ignore for the driver's sake.
const IGNORES: &str = "ignore_startup_parameters = extra_float_digits\n";

async fn open(database: &Database, settings: &str) -> Result<PostgresStore, OpenError> {
    let pooler = Pooler::start(database, settings);
    PostgresStore::open(&database.url_by(&pooler.address()), options()).await
}

#[track_caller]
fn assert_says_what_to_change(refused: Result<PostgresStore, OpenError>) {
    let error = refused.unwrap_err();
    assert!(matches!(error, OpenError::Pooler { .. }), "{error:?}");
    let said = error.to_string();
    for word in ["pool_mode = session", "ignore_startup_parameters"] {
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test]
async fn a_pooler_that_keeps_no_sessions_is_refused_with_what_to_change() {
    let database = Database::new().await;
    for mode in ["transaction", "statement"] {
        let refused = open(&database, &format!("{IGNORES}pool_mode = {mode}")).await;
        assert_says_what_to_change(refused);
    }
    // Looking at the schema needs sessions as well.
    let pooler = Pooler::start(&database, &format!("{IGNORES}pool_mode = transaction"));
    let url = database.url_by(&pooler.address());
    let refused = PostgresStore::schema(&url, options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Pooler { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_pooler_that_refuses_the_driver_is_refused_with_what_to_change() {
    let database = Database::new().await;
    assert_says_what_to_change(open(&database, "pool_mode = session").await);
}

#[tokio::test]
async fn a_pooler_in_session_mode_is_as_good_as_the_server() {
    let database = Database::new().await;
    let pooler = Pooler::start(&database, &format!("{IGNORES}pool_mode = session"));
    let url = database.url_by(&pooler.address());
    let shop = super::Shop::open(&url).await;
    let concert = shop.concert().await;
    for _ in 0..3 {
        shop.buy(concert, None).await.unwrap();
    }
    assert_eq!(shop.sold(concert).await, 3);
}
