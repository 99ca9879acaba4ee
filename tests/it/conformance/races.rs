//! What only shows when two do something at the same moment. Where an engine has one writer, the
//! second one waits to begin; the outcome is the same.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::concert::{Concert, Status};
use domain::ids::IdSource;
use domain::ids::mix;
use domain::job::RenderPlan;
use domain::job::{NewJob, Outcome, Policy, Queue, State, next};
use domain::jobs::{LEASE, LEASE_BELIEVED};
use domain::keys::{Answer, StoredKey};
use domain::plans::Plan;
use domain::ports::{Store, Tx};
use domain::prints::{PrintRequest, Published};
use domain::{JobId, TicketId};
use tokio::task::JoinHandle;

use super::Env;

/// Far beyond what any of these cases takes; only a test that would hang meets it.
const PATIENCE: Duration = Duration::from_mins(5);

/// Enough for somebody else to come as far as he can. A case holds without it, but says less.
const HEAD_START: Duration = Duration::from_millis(60);

/// Begins something in a transaction of its own, and lets it come as far as it can.
async fn meanwhile<T, Doing>(
    env: &Env,
    doing: impl FnOnce(Box<dyn Tx>) -> Doing + Send + 'static,
) -> JoinHandle<T>
where
    T: Send + 'static,
    Doing: Future<Output = T> + Send,
{
    let store = env.store.clone();
    let task = tokio::spawn(async move { doing(store.begin().await.unwrap()).await });
    tokio::time::sleep(HEAD_START).await;
    task
}

async fn done<T>(task: JoinHandle<T>) -> T {
    tokio::time::timeout(PATIENCE, task)
        .await
        .expect("it ends")
        .unwrap()
}

/// The items in another order for each seed.
fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by_key(|&at| mix(seed ^ mix(at as u64)));
    places.into_iter().map(|at| items[at].clone()).collect()
}

fn key(env: &Env, key: &str) -> StoredKey {
    StoredKey {
        key: key.into(),
        fingerprint: [7; 32],
        answer: Answer {
            status: 201,
            headers: vec![],
            body: Bytes::new(),
        },
        created_at: env.now(),
    }
}

fn plan_job(env: &Env, concert: &Concert) -> NewJob {
    let concert_id = concert.id;
    NewJob::of(
        &RenderPlan { concert_id },
        JobId(env.ids.next()),
        env.now(),
        env.now(),
    )
}

conformance! {
    /// Port: insert_tickets.
    async fn of_two_sales_of_a_seat_at_once_one_wins(env) {
        let concert = env.concert(10).await;
        for (seat, commits) in [(0, true), (1, false)] {
            let (one, two) = (env.ticket(concert.id, seat), env.ticket(concert.id, seat));
            let mut tx = env.begin().await;
            assert_eq!(tx.insert_tickets(&[one]).await.unwrap(), [true]);
            let second = meanwhile(env, async move |mut tx| {
                let written = tx.insert_tickets(&[two]).await.unwrap();
                tx.commit().await.unwrap();
                written
            })
            .await;
            if commits {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_eq!(done(second).await, [!commits]);
        }
    }

    /// Ports: insert_tickets, update_concert.
    async fn sale_that_began_before_a_concert_was_cancelled_is_refused(env) {
        let concert = env.concert(10).await;
        let cancelled = Concert { status: Status::Cancelled, version: 2, ..concert.clone() };
        let mut tx = env.begin().await;
        assert!(tx.update_concert(1, &cancelled).await.unwrap());
        let ticket = env.ticket(concert.id, 0);
        let sale = meanwhile(env, async move |mut tx| {
            tx.insert_tickets(&[ticket]).await.unwrap()
        })
        .await;
        tx.commit().await.unwrap();
        assert_eq!(done(sale).await, [false]);
    }

    async fn change_is_answered_only_after_the_sales_that_did_not_see_it(env) {
        let concert = env.concert(10).await;
        let mut sale = env.begin().await;
        assert_eq!(sale.insert_tickets(&[env.ticket(concert.id, 0)]).await.unwrap(), [true]);
        let cancelled = Concert { status: Status::Cancelled, version: 2, ..concert.clone() };
        let change = meanwhile(env, async move |mut tx| {
            assert!(tx.update_concert(1, &cancelled).await.unwrap());
            tx.commit().await.unwrap();
        })
        .await;
        assert!(!change.is_finished(), "a change passed a sale");
        sale.commit().await.unwrap();
        done(change).await;
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&[env.ticket(concert.id, 1)]).await.unwrap(), [false]);
    }

    /// Sales that come after a change wait for it: a concert that sells all the time can be
    /// changed.
    async fn change_is_not_passed_by_the_sales_that_come_after_it(env) {
        let concert = env.concert(10).await;
        let mut sale = env.begin().await;
        assert_eq!(sale.insert_tickets(&[env.ticket(concert.id, 0)]).await.unwrap(), [true]);
        let renamed = Concert { version: 2, ..concert.clone() };
        let change = meanwhile(env, async move |mut tx| {
            assert!(tx.update_concert(1, &renamed).await.unwrap());
            tx.commit().await.unwrap();
        })
        .await;
        env.until_somebody_waits().await;
        let ticket = env.ticket(concert.id, 1);
        let (go, told) = tokio::sync::oneshot::channel::<()>();
        let newcomer = meanwhile(env, async move |mut tx| {
            let written = tx.insert_tickets(&[ticket]).await.unwrap();
            told.await.unwrap();
            written
        })
        .await;
        sale.commit().await.unwrap();
        done(change).await;
        go.send(()).unwrap();
        assert_eq!(done(newcomer).await, [true]);
    }

    /// Ports: publish_prints, publish_plan.
    async fn nothing_of_an_older_version_is_published_while_the_concert_changes(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        env.insert_jobs(&[plan_job(env, &concert)]).await;
        let plan_claim = env.claim_of(Queue::Plans, 1).await[0].claim;
        let plan = Plan {
            concert_id: concert.id,
            version: 1,
            sold: 1,
            file: "plan.svg".into(),
            read_at: env.now(),
        };
        let renamed = Concert { version: 2, ..concert.clone() };
        let mut tx = env.begin().await;
        assert!(tx.update_concert(1, &renamed).await.unwrap());
        let print = meanwhile(env, async move |mut tx| {
            tx.publish_prints(&[(claim, ticket, 1)]).await.unwrap()
        })
        .await;
        let plan = meanwhile(env, async move |mut tx| {
            tx.publish_plan(&plan_claim, &plan).await.unwrap()
        })
        .await;
        tx.commit().await.unwrap();
        assert_eq!(done(print).await, [Published::VersionMoved]);
        assert_eq!(done(plan).await, Published::VersionMoved);
    }

    /// Ports: publish_prints, settle_jobs.
    async fn print_whose_job_is_just_being_rescued_is_not_published(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        let expired = {
            let mut view = env.read().await;
            let ends = env.now() + LEASE;
            view.list_expired(ends, LEASE_BELIEVED, 1).await.unwrap().remove(0)
        };
        let lost = next(&expired, &Outcome::Lost, &Policy::DEFAULT, env.now());
        let mut tx = env.begin().await;
        assert_eq!(tx.settle_jobs(&[(claim, lost)]).await.unwrap(), [true]);
        let late = meanwhile(env, async move |mut tx| {
            tx.publish_prints(&[(claim, ticket, 1)]).await.unwrap()
        })
        .await;
        tx.commit().await.unwrap();
        assert_eq!(done(late).await, [Published::ClaimLost]);
    }

    /// Port: request_prints.
    async fn of_two_requests_for_a_print_at_once_one_queues_it(env) {
        let concert = env.concert(10).await;
        let id = env.sell(&concert, &[0]).await[0].id;
        let mut tx = env.begin().await;
        let first = tx.request_prints(&[id]).await.unwrap();
        let second = meanwhile(env, async move |mut tx| {
            tx.request_prints(&[id]).await.unwrap()
        })
        .await;
        tx.commit().await.unwrap();
        assert!(matches!(first[0], PrintRequest::Queued(..)));
        assert!(matches!(done(second).await[0], PrintRequest::Already(_)));
    }

    /// Port: claim_jobs.
    async fn claimers_never_share_a_job_and_leave_none(env) {
        let jobs: Vec<_> = (0..400).map(|hour| env.due_in(hour)).collect();
        env.insert_jobs(&jobs).await;
        let claimers: Vec<_> = (0..6)
            .map(|_| {
                let store = env.store.clone();
                let requests: Vec<_> = (0..60).map(|_| env.request(Queue::System, 17)).collect();
                tokio::spawn(async move {
                    let mut claimed = Vec::new();
                    for request in requests {
                        let mut tx = store.begin().await.unwrap();
                        let batch = tx.claim_jobs(&request).await.unwrap();
                        tx.commit().await.unwrap();
                        claimed.extend(batch.jobs.iter().map(|job| job.claim.job_id));
                    }
                    claimed
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for claimer in claimers {
            claimed.extend(done(claimer).await);
        }
        assert_eq!(claimed.len(), 400);
        assert_eq!(HashSet::<JobId>::from_iter(claimed).len(), 400);
    }

    /// A job that was looked at and left must not be hidden from whoever claims meanwhile.
    async fn claim_leaves_to_others_what_it_does_not_take(env) {
        env.insert_jobs(&[env.due_in(400), env.due_in(400), env.noop(), env.noop()]).await;
        let mut tx = env.begin().await;
        assert_eq!(tx.claim_jobs(&env.request(Queue::System, 1)).await.unwrap().jobs.len(), 1);
        let request = env.request(Queue::System, 9);
        let second = meanwhile(env, async move |mut tx| {
            tx.claim_jobs(&request).await.unwrap().jobs.len()
        })
        .await;
        tx.commit().await.unwrap();
        assert_eq!(done(second).await, 3);
    }

    /// Port: insert_jobs.
    async fn of_two_jobs_of_a_key_at_once_one_is_added(env) {
        for commits in [true, false] {
            let jobs = [env.unique("a"), env.unique("b")];
            let twins = [env.unique("b"), env.noop(), env.unique("a")];
            let mut tx = env.begin().await;
            assert_eq!(tx.insert_jobs(&jobs).await.unwrap(), [true; 2]);
            let second = meanwhile(env, async move |mut tx| {
                tx.insert_jobs(&twins).await.unwrap()
            })
            .await;
            if commits {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_eq!(done(second).await, [!commits, true, !commits]);
            // The second one was never committed; what the first one left goes on.
            for job in env.claim(9).await {
                let outcome = next(&job, &Outcome::Done, &Policy::DEFAULT, env.now());
                let mut tx = env.begin().await;
                tx.settle_jobs(&[(job.claim, outcome)]).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }

    async fn of_a_key_never_two_jobs_run(env) {
        let running = Arc::new(AtomicU32::new(0));
        let workers: Vec<_> = (0..5)
            .map(|_| {
                let (store, running) = (env.store.clone(), Arc::clone(&running));
                let now = env.now();
                let rounds: Vec<_> = (0..20)
                    .map(|_| (env.unique("a"), env.request(Queue::System, 9)))
                    .collect();
                tokio::spawn(async move {
                    let mut ran = 0;
                    for (job, request) in rounds {
                        let mut tx = store.begin().await.unwrap();
                        tx.insert_jobs(&[job]).await.unwrap();
                        tx.commit().await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        let claimed = tx.claim_jobs(&request).await.unwrap().jobs;
                        tx.commit().await.unwrap();
                        for job in claimed {
                            ran += 1;
                            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                            let outcome = if ran % 2 == 0 { Outcome::Done } else { Outcome::Release };
                            let outcome = next(&job, &outcome, &Policy::DEFAULT, now);
                            let mut tx = store.begin().await.unwrap();
                            let settled = tx.settle_jobs(&[(job.claim, outcome)]).await;
                            assert_eq!(settled.unwrap(), [true]);
                            running.fetch_sub(1, Ordering::SeqCst);
                            tx.commit().await.unwrap();
                        }
                    }
                    ran
                })
            })
            .collect();
        let mut ran = 0;
        for worker in workers {
            ran += done(worker).await;
        }
        assert!(ran > 0);
    }

    /// Port: settle_jobs.
    async fn job_that_waits_again_while_its_twin_is_being_queued_is_cancelled(env) {
        for (commits, state) in [(true, State::Cancelled), (false, State::Available)] {
            let job = env.unique("a");
            env.insert_jobs(std::slice::from_ref(&job)).await;
            let claimed = env.claim(1).await.remove(0);
            let mut tx = env.begin().await;
            assert_eq!(tx.insert_jobs(&[env.unique("a")]).await.unwrap(), [true]);
            let released = next(&claimed, &Outcome::Release, &Policy::DEFAULT, env.now());
            let settled = meanwhile(env, async move |mut tx| {
                let stood = tx.settle_jobs(&[(claimed.claim, released)]).await.unwrap();
                tx.commit().await.unwrap();
                stood
            })
            .await;
            if commits {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_eq!(done(settled).await, [true]);
            let found = env.read().await.find_job(job.id).await.unwrap().unwrap();
            assert_eq!(found.state, state);
            for job in env.claim(9).await {
                let outcome = next(&job, &Outcome::Done, &Policy::DEFAULT, env.now());
                let mut tx = env.begin().await;
                tx.settle_jobs(&[(job.claim, outcome)]).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    }

    /// Port: take_lease.
    async fn of_two_who_take_a_lease_at_once_one_has_it(env) {
        let (now, minute) = (env.now(), chrono::TimeDelta::minutes(1));
        let holders = [(); 2].map(|()| domain::WorkerId(env.ids.next()));
        let mut tx = env.begin().await;
        assert!(tx.take_lease("a", holders[0], now, now + minute).await.unwrap());
        let second = meanwhile(env, async move |mut tx| {
            tx.take_lease("a", holders[1], now, now + minute).await.unwrap()
        })
        .await;
        tx.commit().await.unwrap();
        assert!(!done(second).await);
    }

    /// Port: insert_keys.
    async fn of_two_equal_keys_at_once_one_is_added(env) {
        for commits in [true, false] {
            let name = if commits { "a" } else { "b" };
            let (one, two) = (key(env, name), key(env, name));
            let now = env.now();
            let mut tx = env.begin().await;
            assert_eq!(tx.insert_keys(&[one], now).await.unwrap(), [true]);
            let second = meanwhile(env, async move |mut tx| {
                tx.insert_keys(&[two], now).await.unwrap()
            })
            .await;
            if commits {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_eq!(done(second).await, [!commits]);
        }
    }

    async fn batches_in_any_order_do_not_wait_for_each_other_in_a_circle(env) {
        let concerts = [env.concert(999).await, env.concert(999).await, env.concert(999).await];
        let mut sold = Vec::new();
        for concert in &concerts {
            sold.extend(env.sell(concert, &[900, 901, 902, 903]).await.iter().map(|new| new.id));
        }
        let writers: Vec<_> = (0..6_u64)
            .map(|seed| {
                let (store, now): (Arc<dyn Store>, _) = (env.store.clone(), env.now());
                let ids: Vec<TicketId> = shuffled(&sold, seed);
                let rounds: Vec<_> = (0..8_u32)
                    .map(|round| {
                        let tickets: Vec<_> = concerts
                            .iter()
                            .flat_map(|concert| {
                                (0..60).map(|n| env.ticket(concert.id, round * 60 + n))
                            })
                            .collect();
                        let keys: Vec<_> =
                            (0..200).map(|n| key(env, &format!("{round}-{n}"))).collect();
                        let jobs: Vec<_> =
                            (0..200).map(|n| env.unique(&format!("{round}-{n}"))).collect();
                        let sales: Vec<_> = concerts.iter().map(|concert| (concert.id, 1)).collect();
                        (
                            shuffled(&keys, seed),
                            shuffled(&tickets, seed),
                            shuffled(&jobs, seed),
                            shuffled(&sales, seed),
                        )
                    })
                    .collect();
                tokio::spawn(async move {
                    let mut written = 0;
                    for (keys, tickets, jobs, sales) in rounds {
                        let mut tx = store.begin().await.unwrap();
                        tx.insert_keys(&keys, now).await.unwrap();
                        tx.commit().await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        let inserted = tx.insert_tickets(&tickets).await.unwrap();
                        written += inserted.iter().filter(|&&inserted| inserted).count();
                        tx.record_sales(&sales, now).await.unwrap();
                        tx.commit().await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        tx.insert_jobs(&jobs).await.unwrap();
                        tx.commit().await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        tx.request_prints(&ids).await.unwrap();
                        tx.commit().await.unwrap();
                        let mut tx = store.begin().await.unwrap();
                        tx.fail_prints(&ids).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                    written
                })
            })
            .collect();
        let mut written = 0;
        for writer in writers {
            written += done(writer).await;
        }
        assert_eq!(written, 3 * 8 * 60);
    }
}
