//! Seating plans are published behind a fence.

use domain::JobId;
use domain::concert::Concert;
use domain::ids::IdSource;
use domain::job::{Claim, NewJob, Queue, RenderPlan};
use domain::plans::Plan;
use domain::prints::Published;

use super::{Env, stale};

fn plan(env: &Env, concert: &Concert, sold: u32) -> Plan {
    Plan {
        concert_id: concert.id,
        version: concert.version,
        sold,
        file: format!("plans/{}/{sold}.svg", concert.id),
        read_at: env.now(),
    }
}

async fn claim_plan(env: &Env, concert: &Concert) -> Claim {
    let concert_id = concert.id;
    let id = JobId(env.ids.next());
    let job = NewJob::of(&RenderPlan { concert_id }, id, env.now(), env.now());
    assert_eq!(env.insert_jobs(&[job]).await, [true]);
    env.claim_of(Queue::Plans, 1).await[0].claim
}

async fn publish(env: &Env, claim: &Claim, plan: &Plan) -> Published {
    let mut tx = env.begin().await;
    let published = tx.publish_plan(claim, plan).await.unwrap();
    tx.commit().await.unwrap();
    published
}

conformance! {
    /// Ports: publish_plan, find_plan.
    async fn published_plan_is_found_and_replaces_the_one_before(env) {
        let concert = env.concert(10).await;
        let claim = claim_plan(env, &concert).await;
        for sold in [0, 2, 2] {
            let plan = plan(env, &concert, sold);
            assert_eq!(publish(env, &claim, &plan).await, Published::Yes);
            let found = env.read().await.find_plan(concert.id).await.unwrap();
            assert_eq!(found, Some(plan));
        }
    }

    async fn plan_of_a_lost_claim_is_not_published(env) {
        let concert = env.concert(10).await;
        let claim = claim_plan(env, &concert).await;
        let lost = stale(env, claim);
        let published = publish(env, &lost, &plan(env, &concert, 0)).await;
        assert_eq!(published, Published::ClaimLost);
        assert_eq!(env.read().await.find_plan(concert.id).await.unwrap(), None);
    }

    async fn plan_of_another_version_is_not_published(env) {
        let concert = env.concert(10).await;
        let claim = claim_plan(env, &concert).await;
        let renamed = env.rename(&concert).await;
        let published = publish(env, &claim, &plan(env, &concert, 0)).await;
        assert_eq!(published, Published::VersionMoved);
        let published = publish(env, &claim, &plan(env, &renamed, 0)).await;
        assert_eq!(published, Published::Yes);
    }

    async fn plan_with_fewer_sales_does_not_replace_one_with_more(env) {
        let concert = env.concert(10).await;
        let claim = claim_plan(env, &concert).await;
        let newer = plan(env, &concert, 3);
        publish(env, &claim, &newer).await;
        let published = publish(env, &claim, &plan(env, &concert, 2)).await;
        assert_eq!(published, Published::NotWanted);
        assert_eq!(env.read().await.find_plan(concert.id).await.unwrap(), Some(newer));
    }

    async fn plan_of_a_concert_that_is_gone_is_not_wanted(env) {
        let (concert, unknown) = (env.concert(10).await, env.new_concert(1));
        let claim = claim_plan(env, &concert).await;
        let published = publish(env, &claim, &plan(env, &unknown, 0)).await;
        assert_eq!(published, Published::NotWanted);
    }
}
