//! Concerts, their sales and the marks of their plans.

use domain::concert::{Concert, Name, Status, parse_date};
use domain::ports::StoreError;

use super::micros;

conformance! {
    /// Ports: insert_concert, find_offer.
    async fn concert_is_found_as_it_was_written(env) {
        for (capacity, status) in [(0, Status::Active), (1_000_000, Status::Cancelled)] {
            let concert = Concert {
                name: Name::parse(&"東".repeat(1_000)).unwrap(),
                status,
                ..env.new_concert(capacity)
            };
            let mut tx = env.begin().await;
            tx.insert_concert(&concert).await.unwrap();
            tx.commit().await.unwrap();
            let offer = env.read().await.find_offer(concert.id).await.unwrap().unwrap();
            assert_eq!(offer.concert, concert);
            assert_eq!(offer.sold, 0);
        }
    }

    async fn unknown_concert_is_none(env) {
        let unknown = env.new_concert(1);
        assert_eq!(env.read().await.find_offer(unknown.id).await.unwrap(), None);
        assert_eq!(env.read().await.find_plan(unknown.id).await.unwrap(), None);
    }

    /// Port: list_offers.
    async fn offers_are_listed_in_the_order_of_their_ids_page_by_page(env) {
        let mut ids = Vec::new();
        for capacity in 0..5 {
            ids.push(env.concert(capacity).await.id);
        }
        ids.sort_unstable();
        let mut view = env.read().await;
        let mut listed = Vec::new();
        loop {
            let page = view.list_offers(listed.last().copied(), 2).await.unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            listed.extend(page.iter().map(|offer| offer.concert.id));
            assert!(listed.len() < 100, "the list never ends");
        }
        assert_eq!(listed, ids);
    }

    /// Port: list_offers_before.
    async fn newest_offers_are_listed_first_with_what_is_sold(env) {
        let mut ids = Vec::new();
        for capacity in 1..=5 {
            ids.push(env.concert(capacity).await.id);
        }
        ids.sort_unstable();
        ids.reverse();
        let mut tx = env.begin().await;
        tx.record_sales(&[(ids[1], 1), (ids[4], 1)], env.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut view = env.read().await;
        let mut listed = Vec::new();
        loop {
            let before = listed.last().map(|(id, _)| *id);
            let page = view.list_offers_before(before, 2).await.unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            listed.extend(page.iter().map(|offer| (offer.concert.id, offer.sold)));
            assert!(listed.len() < 100, "the list never ends");
        }
        let sold = [0, 1, 0, 0, 1];
        assert_eq!(listed, ids.into_iter().zip(sold).collect::<Vec<_>>());
    }

    /// Port: update_concert.
    async fn update_replaces_everything_that_can_change(env) {
        let concert = env.concert(7).await;
        let changed = Concert {
            name: Name::parse("B").unwrap(),
            venue: Name::parse("C").unwrap(),
            date: parse_date("2028-02-29").unwrap(),
            status: Status::SoldOut,
            version: 2,
            ..concert.clone()
        };
        let mut tx = env.begin().await;
        assert!(tx.update_concert(1, &changed).await.unwrap());
        tx.commit().await.unwrap();
        let offer = env.read().await.find_offer(concert.id).await.unwrap().unwrap();
        assert_eq!(offer.concert, changed);
    }

    async fn update_of_another_version_changes_nothing(env) {
        let concert = env.concert(7).await;
        let second = env.rename(&concert).await;
        let late = Concert {
            venue: Name::parse("late").unwrap(),
            version: 2,
            ..concert.clone()
        };
        let unknown = env.new_concert(1);
        let mut tx = env.begin().await;
        assert!(!tx.update_concert(1, &late).await.unwrap());
        assert!(!tx.update_concert(1, &unknown).await.unwrap());
        tx.commit().await.unwrap();
        let mut view = env.read().await;
        assert_eq!(view.find_offer(concert.id).await.unwrap().unwrap().concert, second);
        assert_eq!(view.find_offer(unknown.id).await.unwrap(), None);
    }

    /// Port: record_sales.
    async fn sales_add_up_also_when_a_concert_is_named_twice(env) {
        let (one, two) = (env.concert(100).await, env.concert(100).await);
        let mut tx = env.begin().await;
        tx.record_sales(&[(one.id, 3), (two.id, 1), (one.id, 4)], env.now()).await.unwrap();
        tx.record_sales(&[(two.id, 1)], env.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut view = env.read().await;
        assert_eq!(view.find_offer(one.id).await.unwrap().unwrap().sold, 7);
        assert_eq!(view.find_offer(two.id).await.unwrap().unwrap().sold, 2);
    }

    async fn sales_of_an_unknown_concert_are_refused(env) {
        let unknown = env.new_concert(1);
        let mut tx = env.begin().await;
        let recorded = tx.record_sales(&[(unknown.id, 1)], env.now()).await;
        assert!(matches!(recorded, Err(StoreError::Conflict(_))), "{recorded:?}");
    }

    async fn sales_of_an_unknown_concert_are_refused_beside_tickets_of_another(env) {
        let (concert, unknown) = (env.concert(10).await, env.new_concert(1));
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&[env.ticket(concert.id, 0)]).await.unwrap(), [true]);
        let sales = [(concert.id, 1), (unknown.id, 1)];
        let recorded = tx.record_sales(&sales, env.now()).await;
        assert!(matches!(recorded, Err(StoreError::Conflict(_))), "{recorded:?}");
    }

    /// Ports: record_sales, list_marked.
    async fn mark_stays_at_the_first_sale_after_it_was_cleared(env) {
        let concert = env.concert(100).await;
        let first = env.now();
        env.sell(&concert, &[0]).await;
        env.clock.advance(micros(5));
        env.sell(&concert, &[1]).await;
        assert_eq!(env.read().await.list_marked(10).await.unwrap(), [(concert.id, first)]);
    }

    async fn marks_are_listed_the_oldest_first(env) {
        let mut concerts = Vec::new();
        for _ in 0..4 {
            concerts.push(env.concert(10).await);
        }
        for at in [2, 0, 3] {
            env.clock.advance(micros(1));
            env.sell(&concerts[at], &[0]).await;
        }
        let marked = env.read().await.list_marked(2).await.unwrap();
        let ids: Vec<_> = marked.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [concerts[2].id, concerts[0].id]);
    }

    /// Port: clear_marks.
    async fn cleared_marks_are_gone_and_the_others_stay(env) {
        let (one, two) = (env.concert(10).await, env.concert(10).await);
        let (unmarked, unknown) = (env.concert(10).await, env.new_concert(1));
        env.sell(&one, &[0]).await;
        env.sell(&two, &[0]).await;
        let mut tx = env.begin().await;
        tx.clear_marks(&[one.id, unmarked.id, unknown.id]).await.unwrap();
        tx.clear_marks(&[]).await.unwrap();
        tx.commit().await.unwrap();
        let marked = env.read().await.list_marked(10).await.unwrap();
        assert_eq!(marked, [(two.id, env.now())]);
    }
}
