//! Violations are found, and only they.

use domain::JobId;
use domain::audit::Invariant;
use domain::concert::Concert;
use domain::ids::IdSource;
use domain::job::{NewJob, Outcome, Policy, Queue, RenderPlan, next};
use domain::plans::Plan;
use domain::prints::Published;

use super::Env;

async fn violated(env: &Env) -> Vec<Invariant> {
    let mut snapshot = env.store.snapshot().await.unwrap();
    let violations = snapshot.find_violations(10).await.unwrap();
    assert!(
        violations
            .iter()
            .all(|violation| !violation.detail.is_empty())
    );
    violations
        .into_iter()
        .map(|violation| violation.invariant)
        .collect()
}

conformance! {
    /// Port: find_violations.
    async fn ledger_in_use_violates_nothing(env) {
        assert_eq!(violated(env).await, []);
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0, 1, 2]).await;
        assert_eq!(violated(env).await, []);
        let claimed = env.claim_prints(&tickets).await;
        assert_eq!(violated(env).await, []);
        let mut tx = env.begin().await;
        let published = tx.publish_prints(&[(claimed[0].0, claimed[0].1, 1)]).await.unwrap();
        assert_eq!(published, [Published::Yes]);
        tx.fail_prints(&[claimed[1].1]).await.unwrap();
        tx.commit().await.unwrap();
        env.rename(&concert).await;
        assert_eq!(violated(env).await, []);
    }

    async fn sales_that_are_no_tickets_are_found(env) {
        let concert = env.concert(10).await;
        let mut tx = env.begin().await;
        tx.record_sales(&[(concert.id, 2)], env.now()).await.unwrap();
        tx.commit().await.unwrap();
        let mut snapshot = env.store.snapshot().await.unwrap();
        let violations = snapshot.find_violations(10).await.unwrap();
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].invariant, Invariant::SoldCount);
        assert!(violations[0].detail.contains("counts 2 sales and has 0 tickets"));
    }

    async fn pending_print_without_a_job_is_found(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let mut tx = env.begin().await;
        tx.request_prints(&[tickets[0].id]).await.unwrap();
        // Jobs that are for somebody else, or for nobody.
        tx.insert_jobs(&[env.noop()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(violated(env).await, [Invariant::PendingWithoutJob]);
    }

    async fn versions_that_never_were_are_found(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        let concert_id = concert.id;
        let job_id = JobId(env.ids.next());
        let job = NewJob::of(&RenderPlan { concert_id }, job_id, env.now(), env.now());
        env.insert_jobs(&[job]).await;
        let plan_claim = env.claim_of(Queue::Plans, 1).await[0].claim;
        let renamed = env.rename(&concert).await;
        let plan = Plan {
            concert_id,
            version: 2,
            sold: 1,
            file: "plan.svg".into(),
            read_at: env.now(),
        };
        let mut tx = env.begin().await;
        assert_eq!(tx.publish_prints(&[(claim, ticket, 2)]).await.unwrap(), [Published::Yes]);
        assert_eq!(tx.publish_plan(&plan_claim, &plan).await.unwrap(), Published::Yes);
        // As a restored backup would look.
        let back = Concert { version: 1, ..renamed };
        assert!(tx.update_concert(2, &back).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(violated(env).await, [Invariant::FutureVersion; 2]);
    }

    async fn job_that_is_both_waiting_and_finished_is_found(env) {
        let job = env.noop();
        env.insert_jobs(std::slice::from_ref(&job)).await;
        let claimed = env.claim(1).await;
        let done = next(&claimed[0], &Outcome::Done, &Policy::DEFAULT, env.now());
        let mut tx = env.begin().await;
        tx.settle_jobs(&[(claimed[0].claim, done)]).await.unwrap();
        tx.insert_jobs(&[job]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(violated(env).await, [Invariant::JobTwice]);
    }

    async fn plan_that_shows_more_than_was_sold_is_found(env) {
        let concert = env.concert(10).await;
        let concert_id = concert.id;
        let job_id = JobId(env.ids.next());
        let job = NewJob::of(&RenderPlan { concert_id }, job_id, env.now(), env.now());
        env.insert_jobs(&[job]).await;
        let claim = env.claim_of(Queue::Plans, 1).await[0].claim;
        let plan = Plan {
            concert_id,
            version: 1,
            sold: 1,
            file: "plan.svg".into(),
            read_at: env.now(),
        };
        let mut tx = env.begin().await;
        tx.publish_plan(&claim, &plan).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(violated(env).await, [Invariant::PlanAhead]);
    }

    async fn no_more_violations_are_listed_than_asked_for(env) {
        for _ in 0..3 {
            let concert = env.concert(10).await;
            let mut tx = env.begin().await;
            tx.record_sales(&[(concert.id, 2)], env.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut view = env.read().await;
        assert_eq!(view.find_violations(2).await.unwrap().len(), 2);
    }
}
