//! Jobs that run more than once.

use domain::concert::{Change, Name};
use domain::concerts;
use domain::job::{KINDS, Kind, Noop, RenderPlan, RenderTicket, RetimePrints, State};
use domain::prints::{self, Format, Style};
use domain::show::Showtime;
use domain::{JobId, jobs, tickets};

use super::{GRACE, Platform};

/// Queues a job of a kind that has something to do.
async fn queue(platform: &Platform, kind: &str) -> JobId {
    match kind {
        RenderTicket::NAME => {
            let ticket = platform.ticket(platform.concert().await).await;
            platform.print(ticket).await
        }
        RenderPlan::NAME => {
            let concert_id = platform.concert().await;
            platform.plan(concert_id).await;
            platform
                .queue(platform.job(&RenderPlan { concert_id }))
                .await
        }
        RetimePrints::NAME => {
            let concert_id = platform.concert().await;
            let before = Showtime::on(platform.ctx.clock.now().date_naive());
            let retime = RetimePrints::of(concert_id, &before);
            platform.queue(platform.job(&retime)).await
        }
        Noop::NAME => platform.queue(platform.job(&Noop {})).await,
        kind => panic!("say here how a job of kind {kind} is made"),
    }
}

#[tokio::test]
async fn every_job_can_run_twice() {
    let platform = Platform::new().await;
    let workers = platform.work();
    for kind in KINDS {
        let job = queue(&platform, kind.name).await;
        platform.until(job, State::Completed).await;
        jobs::retry(&platform.ctx, job).await.unwrap();
        let again = platform.until(job, State::Completed).await;
        assert_eq!((again.attempt, again.errors), (1, vec![]), "{}", kind.name);
    }
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn concert_renamed_while_rendering_is_rendered_again_before_publishing() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    let concert = tickets::find(&platform.ctx, ticket)
        .await
        .unwrap()
        .concert_id;

    let change = Change {
        name: Some(Name::parse("After").unwrap()),
        ..Change::default()
    };
    concerts::change(&platform.ctx, concert, change, Some(1), None)
        .await
        .unwrap();
    platform.gate.open();

    let printed = platform.until_printed(ticket).await;
    assert_eq!(printed.concert_version, 2);
    let svg = prints::fetch(&platform.ctx, ticket, Format::Svg, Style::default())
        .await
        .unwrap();
    let svg = String::from_utf8(svg.bytes.to_vec()).unwrap();
    assert!(svg.contains("After") && !svg.contains("Before"));
    let job = platform.until(job, State::Completed).await;
    assert_eq!(
        (job.attempt, job.errors),
        (1, vec![]),
        "one attempt, drawn twice"
    );
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn plan_that_is_replaced_takes_its_file_with_it() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let concert_id = platform.concert().await;
    let before = platform.plan(concert_id).await;
    let job = platform
        .queue(platform.job(&RenderPlan { concert_id }))
        .await;
    platform.until(job, State::Completed).await;
    workers.stop(GRACE).await;
    let after = platform.plan(concert_id).await;
    assert_ne!(after.file, before.file);
    assert!(
        platform
            .ctx
            .files
            .get(&before.file)
            .await
            .unwrap()
            .is_none()
    );
    assert!(platform.ctx.files.get(&after.file).await.unwrap().is_some());
}
