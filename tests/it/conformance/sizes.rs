//! The size of the ledger.

use bytes::Bytes;
use domain::JobId;
use domain::ids::IdSource;
use domain::job::{NewJob, Outcome, Policy, Queue, RenderPlan, next};
use domain::keys::{Answer, StoredKey};
use domain::plans::Plan;
use domain::size::LedgerSize;

use super::Env;

async fn size(env: &Env, max: u32) -> LedgerSize {
    env.read().await.measure_size(max).await.unwrap()
}

/// The size without its bytes.
async fn rows(env: &Env, max: u32) -> LedgerSize {
    LedgerSize {
        bytes: 0,
        log_bytes: 0,
        ..size(env, max).await
    }
}

/// Runs the oldest job to its end.
async fn finish_one(env: &Env) {
    let claimed = env.claim(1).await;
    let done = next(&claimed[0], &Outcome::Done, &Policy::DEFAULT, env.now());
    let mut tx = env.begin().await;
    tx.settle_jobs(&[(claimed[0].claim, done)]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Publishes a concert's plan; the job that did is still there.
async fn publish_plan(env: &Env) {
    let concert_id = env.concert(10).await.id;
    let job_id = JobId(env.ids.next());
    let job = NewJob::of(&RenderPlan { concert_id }, job_id, env.now(), env.now());
    env.insert_jobs(&[job]).await;
    let claim = env.claim_of(Queue::Plans, 1).await[0].claim;
    let plan = Plan {
        concert_id,
        version: 1,
        sold: 0,
        file: "plan.svg".into(),
        read_at: env.now(),
    };
    let mut tx = env.begin().await;
    tx.publish_plan(&claim, &plan).await.unwrap();
    tx.commit().await.unwrap();
}

async fn insert_key(env: &Env, key: &str, body: Bytes) {
    let key = StoredKey {
        key: key.into(),
        fingerprint: [7; 32],
        answer: Answer {
            status: 201,
            headers: vec![],
            body,
        },
        created_at: env.now(),
    };
    let mut tx = env.begin().await;
    tx.insert_keys(&[key], env.now()).await.unwrap();
    tx.commit().await.unwrap();
}

conformance! {
    /// Port: measure_size.
    async fn rows_of_every_table_are_counted(env) {
        assert_eq!(rows(env, 100).await, LedgerSize::default());
        for seats in [&[0, 1, 2][..], &[5]] {
            let concert = env.concert(10).await;
            env.sell(&concert, seats).await;
        }
        env.insert_jobs(&[env.noop(), env.noop(), env.noop()]).await;
        finish_one(env).await;
        publish_plan(env).await;
        insert_key(env, "a", Bytes::from_static(b"{}")).await;
        insert_key(env, "b", Bytes::from_static(b"{}")).await;
        let all = LedgerSize {
            bytes: 0,
            log_bytes: 0,
            concerts: 3,
            tickets: 4,
            jobs: 3,
            finished_jobs: 1,
            idempotency_keys: 2,
            plans: 1,
        };
        assert_eq!(rows(env, 100).await, all);
        // Whoever writes sees what it wrote.
        let mut tx = env.begin().await;
        tx.insert_jobs(&[env.noop()]).await.unwrap();
        assert_eq!(tx.measure_size(100).await.unwrap().jobs, 4);
    }

    async fn no_more_rows_are_counted_than_asked_for(env) {
        let concert = env.concert(10).await;
        env.sell(&concert, &[0, 1, 2]).await;
        env.insert_jobs(&[env.noop(), env.noop(), env.noop(), env.noop()]).await;
        for key in ["a", "b"] {
            finish_one(env).await;
            publish_plan(env).await;
            insert_key(env, key, Bytes::from_static(b"{}")).await;
        }
        let few = rows(env, 1).await;
        let all = rows(env, 100).await;
        for ((table, few), (_, all)) in few.rows().into_iter().zip(all.rows()) {
            assert!(all >= 2, "{table}: {all}");
            assert!(few == 1 || table == "tickets", "{table}: {few}");
        }
        // Sales are counted already; there is no limit to what they add up to.
        assert_eq!(few.tickets, 3);
    }

    async fn what_is_written_takes_its_disk(env) {
        let before = size(env, 1).await.bytes;
        assert!(before > 0);
        // Of no pattern that could be pressed together.
        let noise = || (0..100_000).map(|_| env.ids.next().as_bytes()[15]).collect();
        for at in 0..20 {
            insert_key(env, &at.to_string(), noise()).await;
        }
        let grown = size(env, 1).await.bytes - before;
        // A few pages were free before.
        assert!(grown >= 1_900_000, "{grown}");
    }
}
