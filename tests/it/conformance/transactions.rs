//! Transactions: all or nothing, whatever becomes of who began them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use domain::ports::StoreError;

/// Far beyond what any of these cases takes; only a test that would hang meets it.
const PATIENCE: Duration = Duration::from_mins(5);

/// Begins to wait for something and gives up, as a caller does whose client hung up. It may be
/// ready already; then its result is dropped.
fn give_up<T>(waited_for: impl Future<Output = T>) {
    let _ = pin!(waited_for).poll(&mut Context::from_waker(Waker::noop()));
}

conformance! {
    /// Ports: begin, commit.
    async fn committed_transaction_is_seen_by_every_view(env) {
        let mut before = env.read().await;
        let concert = env.new_concert(5);
        let mut tx = env.begin().await;
        tx.insert_concert(&concert).await.unwrap();
        assert_eq!(before.find_offer(concert.id).await.unwrap(), None);
        assert_eq!(tx.find_offer(concert.id).await.unwrap().unwrap().concert, concert);
        tx.commit().await.unwrap();
        let after = env.read().await.find_offer(concert.id).await.unwrap().unwrap();
        assert_eq!(after.concert, concert);
        // Each call on a view sees what was committed before the call.
        assert_eq!(before.find_offer(concert.id).await.unwrap().unwrap().concert, concert);
    }

    async fn rolled_back_transaction_leaves_nothing(env) {
        let concert = env.concert(5).await;
        let ticket = env.ticket(concert.id, 0);
        let job = env.noop();
        let mut tx = env.begin().await;
        tx.insert_tickets(&[ticket]).await.unwrap();
        tx.record_sales(&[(concert.id, 1)], env.now()).await.unwrap();
        tx.insert_jobs(std::slice::from_ref(&job)).await.unwrap();
        drop(tx);
        // The next writer comes after the rollback.
        let mut tx = env.begin().await;
        assert_eq!(tx.find_ticket(ticket.id).await.unwrap(), None);
        assert_eq!(tx.find_offer(concert.id).await.unwrap().unwrap().sold, 0);
        assert_eq!(tx.find_job(job.id).await.unwrap(), None);
        assert_eq!(tx.insert_tickets(&[ticket]).await.unwrap(), [true]);
    }

    async fn transaction_given_up_in_the_middle_of_a_statement_leaves_nothing(env) {
        let concert = env.concert(100).await;
        for seat in 0..50 {
            let ticket = env.ticket(concert.id, seat);
            let mut tx = env.begin().await;
            give_up(tx.insert_tickets(&[ticket]));
            drop(tx);
            let mut tx = env.begin().await;
            assert_eq!(tx.find_ticket(ticket.id).await.unwrap(), None);
        }
    }

    async fn transaction_given_up_while_it_begins_is_in_nobodys_way(env) {
        for _ in 0..50 {
            give_up(env.store.begin());
            let concert = env.new_concert(1);
            let mut tx = env.begin().await;
            tx.insert_concert(&concert).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(env.read().await.list_offers(None, 100).await.unwrap().len(), 50);
    }

    async fn commit_that_was_not_waited_for_is_done_or_not_but_never_half(env) {
        for _ in 0..50 {
            let (one, two) = (env.new_concert(1), env.new_concert(2));
            let mut tx = env.begin().await;
            tx.insert_concert(&one).await.unwrap();
            tx.insert_concert(&two).await.unwrap();
            give_up(tx.commit());
            // One moment: an engine with several writers may be committing still.
            let mut snapshot = env.store.snapshot().await.unwrap();
            let found = (
                snapshot.find_offer(one.id).await.unwrap().is_some(),
                snapshot.find_offer(two.id).await.unwrap().is_some(),
            );
            assert_eq!(found.0, found.1);
        }
    }

    async fn failed_statement_does_not_stop_the_writers_after_it(env) {
        let concert = env.concert(1).await;
        let mut tx = env.begin().await;
        let twice = tx.insert_concert(&concert).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
        drop(tx);
        env.concert(1).await;
    }

    async fn writers_wait_for_each_other_and_none_is_left_out(env) {
        let concert = env.concert(1_000).await;
        let writers = (0..50).map(|seat| {
            let store = env.store.clone();
            let ticket = env.ticket(concert.id, seat);
            let now = env.now();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                assert_eq!(tx.insert_tickets(&[ticket]).await.unwrap(), [true]);
                tx.record_sales(&[(ticket.concert_id, 1)], now).await.unwrap();
                tx.commit().await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            tokio::time::timeout(PATIENCE, writer).await.unwrap().unwrap();
        }
        assert_eq!(env.read().await.find_offer(concert.id).await.unwrap().unwrap().sold, 50);
    }

    /// Port: snapshot.
    async fn snapshot_sees_one_moment_whatever_is_written_meanwhile(env) {
        let concert = env.concert(10).await;
        let mut snapshot = env.store.snapshot().await.unwrap();
        assert_eq!(snapshot.find_offer(concert.id).await.unwrap().unwrap().sold, 0);
        let tickets = env.sell(&concert, &[0, 1]).await;
        assert_eq!(snapshot.find_offer(concert.id).await.unwrap().unwrap().sold, 0);
        assert_eq!(snapshot.find_ticket(tickets[0].id).await.unwrap(), None);
        drop(snapshot);
        let mut snapshot = env.store.snapshot().await.unwrap();
        assert_eq!(snapshot.find_offer(concert.id).await.unwrap().unwrap().sold, 2);
    }

    /// Port: read.
    async fn views_that_were_given_up_do_not_use_up_the_readers(env) {
        let concert = env.concert(10).await;
        for _ in 0..50 {
            let mut view = env.read().await;
            give_up(view.find_offer(concert.id));
            let mut snapshot = env.store.snapshot().await.unwrap();
            give_up(snapshot.find_offer(concert.id));
        }
        let read = async { env.read().await.find_offer(concert.id).await };
        assert!(tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap().is_some());
    }
}
