//! Claims while they are held: renewed, lost, cancelled, and what is noted under them.

use chrono::TimeDelta;
use domain::JobId;
use domain::ids::IdSource;
use domain::job::{Claim, Claimed, Job, Outcome, Policy, Progress, Renewal, Standing, State, next};
use domain::jobs::LEASE_BELIEVED;

use super::{Env, stale};

/// A claim to renew, of which nothing new is known.
fn plain(claim: Claim) -> Renewal {
    Renewal {
        claim,
        progress: None,
    }
}

async fn extend(env: &Env, renewals: &[Renewal]) -> Vec<Standing> {
    let mut tx = env.begin().await;
    let now = env.now();
    let until = now + domain::jobs::LEASE;
    let stand = tx.extend_claims(renewals, now, until).await.unwrap();
    tx.commit().await.unwrap();
    stand
}

async fn request_cancel(env: &Env, id: JobId) -> bool {
    let mut tx = env.begin().await;
    let asked = tx.request_cancel(id, env.now()).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

async fn begin_alone(env: &Env, claim: &Claim) -> bool {
    let mut tx = env.begin().await;
    let noted = tx.begin_alone(claim, env.now()).await.unwrap();
    tx.commit().await.unwrap();
    noted
}

async fn check(env: &Env, claims: &[Claim]) -> Vec<Standing> {
    env.read().await.check_claims(claims).await.unwrap()
}

async fn find(env: &Env, id: JobId) -> Job {
    env.read().await.find_job(id).await.unwrap().unwrap()
}

async fn settle(env: &Env, job: &Claimed, outcome: &Outcome) {
    let transition = next(job, outcome, &Policy::DEFAULT, env.now());
    let mut tx = env.begin().await;
    let stood = tx.settle_jobs(&[(job.claim, transition)]).await.unwrap();
    assert_eq!(stood, [true]);
    tx.commit().await.unwrap();
}

/// So many jobs that somebody runs.
async fn running(env: &Env, count: u32) -> Vec<Claimed> {
    let jobs: Vec<_> = (0..count).map(|_| env.noop()).collect();
    env.insert_jobs(&jobs).await;
    env.claim(count).await
}

/// The only job whose lease has ended by now.
async fn expired(env: &Env) -> Claimed {
    let mut view = env.read().await;
    let expired = view.list_expired(env.now(), LEASE_BELIEVED, 9).await;
    let mut expired = expired.unwrap();
    assert_eq!(expired.len(), 1);
    expired.remove(0)
}

conformance! {
    /// Port: extend_claims.
    async fn extended_claims_stand_longer_and_lost_ones_are_told(env) {
        let jobs = running(env, 2).await;
        let claims = [jobs[0].claim, jobs[1].claim];
        env.clock.advance(TimeDelta::seconds(4));
        assert_eq!(extend(env, &[]).await, []);
        let stood = extend(env, &[plain(stale(env, claims[0])), plain(claims[0])]).await;
        assert_eq!(stood, [Standing::Lost, Standing::Stands]);
        env.clock.advance(TimeDelta::seconds(4));
        assert_eq!(expired(env).await.claim, claims[1]);
        assert_eq!(extend(env, &claims.map(plain)).await, [Standing::Stands; 2]);
    }

    async fn claim_of_a_settled_job_cannot_be_extended(env) {
        let job = running(env, 1).await.remove(0);
        settle(env, &job, &Outcome::Release).await;
        assert_eq!(extend(env, &[plain(job.claim)]).await, [Standing::Lost]);
    }

    async fn progress_is_noted_with_the_renewal_and_gone_with_the_claim(env) {
        let jobs = running(env, 2).await;
        let (job, other) = (&jobs[0], &jobs[1]);
        let progress = Progress::new(Some(40), "drawing \"row\" 7\n🎺");
        let told = Renewal { claim: job.claim, progress: Some(progress.clone()) };
        extend(env, &[told, plain(other.claim)]).await;
        // Who has nothing new to say changes nothing, and nor does who lost the claim.
        let late = Renewal {
            claim: stale(env, job.claim),
            progress: Some(Progress::new(None, "late")),
        };
        extend(env, &[plain(job.claim), late]).await;
        assert_eq!(find(env, job.claim.job_id).await.progress, Some(progress));
        assert_eq!(find(env, other.claim.job_id).await.progress, None);
        settle(env, job, &Outcome::Release).await;
        assert_eq!(find(env, job.claim.job_id).await.progress, None);
    }

    /// Ports: request_cancel, check_claims.
    async fn wish_to_cancel_is_told_with_every_renewal(env) {
        let jobs = running(env, 2).await;
        let claims = [jobs[0].claim, stale(env, jobs[0].claim), jobs[1].claim];
        let [stands, lost, cancelled] = [Standing::Stands, Standing::Lost, Standing::Cancelled];
        assert_eq!(check(env, &claims).await, [stands, lost, stands]);
        assert!(request_cancel(env, jobs[0].claim.job_id).await);
        assert!(request_cancel(env, jobs[0].claim.job_id).await, "again");
        assert_eq!(check(env, &claims).await, [cancelled, lost, stands]);
        assert_eq!(extend(env, &claims.map(plain)).await, [cancelled, lost, stands]);
        let found = find(env, jobs[0].claim.job_id).await;
        assert_eq!((found.state, found.cancel_requested), (State::Running, true));
        assert!(!find(env, jobs[1].claim.job_id).await.cancel_requested);
    }

    async fn wish_to_cancel_ends_with_the_claim(env) {
        let job = running(env, 1).await.remove(0);
        request_cancel(env, job.claim.job_id).await;
        settle(env, &job, &Outcome::Release).await;
        assert!(!find(env, job.claim.job_id).await.cancel_requested);
        let again = env.claim(1).await.remove(0);
        assert_eq!(check(env, &[job.claim, again.claim]).await, [Standing::Lost, Standing::Stands]);
    }

    async fn only_running_jobs_are_asked_to_stop(env) {
        let waiting = env.noop();
        env.insert_jobs(std::slice::from_ref(&waiting)).await;
        assert!(!request_cancel(env, waiting.id).await);
        let job = env.claim(1).await.remove(0);
        settle(env, &job, &Outcome::Done).await;
        assert!(!request_cancel(env, waiting.id).await);
        assert!(!request_cancel(env, JobId(env.ids.next())).await);
    }

    /// Port: begin_alone.
    async fn job_that_was_lost_is_suspected_and_known_to_have_run_alone(env) {
        let first = running(env, 1).await.remove(0);
        assert!((first.losses, first.alone) == (0, false));
        settle(env, &first, &Outcome::Lost).await;
        assert!(!find(env, first.claim.job_id).await.suspect, "anything may have happened");
        let job = env.claim(1).await.remove(0);
        assert_eq!((job.losses, job.attempt), (1, 1));
        settle(env, &job, &Outcome::Lost).await;
        assert!(find(env, job.claim.job_id).await.suspect);

        let second = env.claim(1).await.remove(0);
        assert!(second.is_suspect() && !second.alone);
        assert_eq!(second.attempt, 1, "those before are not charged");
        assert!(!begin_alone(env, &job.claim).await, "that claim is over");
        env.clock.advance(domain::jobs::LEASE);
        assert!(!expired(env).await.alone);
        assert!(begin_alone(env, &second.claim).await);
        let lost = expired(env).await;
        assert!(lost.is_suspect() && lost.alone);

        settle(env, &lost, &Outcome::Lost).await;
        env.clock.advance(TimeDelta::minutes(1));
        let third = env.claim(1).await.remove(0);
        assert!(third.is_suspect() && !third.alone, "it has not begun under this claim");
        assert_eq!(third.attempt, 2, "the one alone was charged");
        settle(env, &third, &Outcome::Retry("broken".into(), None)).await;
        assert!(!find(env, third.claim.job_id).await.suspect);
    }
}
