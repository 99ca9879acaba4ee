//! Tickets and keys that a crowd looks up at once are read together.

use domain::keys::{self, KeyState};
use domain::ports::StoreError;
use domain::{Error, TicketId, tickets};
use futures::future::join_all;
use tests::Database;

use super::Shop;

#[tokio::test]
async fn everybody_of_a_crowd_is_shown_the_ticket_that_they_asked_for() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(shop.buy(concert, None).await.unwrap());
    }
    asked.push(TicketId(shop.ctx.ids.next()));
    let unknown = asked[20];
    // Twice, so that some are asked for twice in a group.
    let asked: Vec<_> = asked.iter().chain(asked.iter().rev()).copied().collect();
    let shown = join_all(asked.iter().map(|id| tickets::find(&shop.ctx, *id))).await;
    for (id, shown) in asked.into_iter().zip(shown) {
        match shown {
            Ok(ticket) => assert_eq!(ticket.id, id),
            Err(error) => assert!(
                matches!(error, Error::NotFound("ticket")) && id == unknown,
                "{error}"
            ),
        }
    }
}

#[tokio::test]
async fn ticket_that_is_damaged_fails_for_those_alone_who_ask_for_it() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    let (good, bad) = (
        shop.buy(concert, None).await.unwrap(),
        shop.buy(concert, None).await.unwrap(),
    );
    database.sql("alter table tickets drop constraint tickets_print_check");
    database.sql(&format!(
        "update tickets set print = '?' where id = '{bad}'"
    ));
    let asked: Vec<_> = [good, bad].repeat(20);
    let shown = join_all(asked.iter().map(|id| tickets::find(&shop.ctx, *id))).await;
    for (id, shown) in asked.into_iter().zip(shown) {
        let is_corrupt = matches!(
            &shown,
            Err(Error::Store(StoreError::Corrupt {
                place: "tickets.print",
                ..
            }))
        );
        assert_eq!((shown.is_ok(), is_corrupt), (id == good, id == bad));
    }
}

#[tokio::test]
async fn key_that_is_damaged_fails_for_those_alone_who_ask_for_it() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    let asked: Vec<_> = (0..40).map(|number| format!("key-{number}")).collect();
    for key in &asked[..39] {
        shop.buy(concert, Some(key)).await.unwrap();
    }
    database.sql("update idempotency_keys set headers = '?' where key = 'key-7'");
    let known = join_all(
        asked
            .iter()
            .map(|key| keys::begin(&shop.ctx, key, &[7; 32])),
    )
    .await;
    for (number, known) in known.iter().enumerate() {
        match known {
            Ok(KeyState::Replay(answer)) if number < 39 => assert_eq!(answer.status, 201),
            Ok(KeyState::Fresh(_)) => assert_eq!(number, 39),
            Err(Error::Store(StoreError::Corrupt { place, .. })) => {
                assert_eq!((number, *place), (7, "idempotency_keys.headers"));
            }
            other => panic!("key-{number}: {other:?}"),
        }
    }
    assert!(known[7].is_err());
}
