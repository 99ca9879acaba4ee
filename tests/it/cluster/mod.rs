//! A cluster of real processes of which one after the other fails, and the servers that they stand
//! on: what was answered is kept, nothing is sold twice, everything is sold and printed.
//!
//! Each case takes a few seconds; `TICKETOVERFLOW_TEST_SECONDS=60` makes its load last longer.

#![cfg(test)]

mod clocks;
mod health;
mod kills;
mod postgres;
mod redis;
mod roles;
mod s3;
mod schema;
mod stops;

use std::collections::HashSet;

use tests::{Cluster, eventually};

/// Jobs that are not finished.
const UNFINISHED: &str = "select count(*) from jobs where queue = 'prints'";

/// Every seat is sold once, and every ticket that was answered is there.
#[track_caller]
fn assert_sold_out(cluster: &Cluster, concert: &str, answered: &HashSet<String>, capacity: u32) {
    let listed = tickets(cluster, &format!("concert_id = '{concert}'"));
    let lost: Vec<_> = answered.difference(&listed).collect();
    assert!(lost.is_empty(), "{lost:?} were answered and are lost");
    assert_eq!(listed.len(), capacity as usize, "seats sold");
    cluster.assert_audit();
}

/// Waits until nothing is left to print. Every print was made at the version that the concert
/// still has, by one job of which no attempt failed but those whose worker was lost.
async fn until_printed(cluster: &Cluster, asked: &HashSet<String>) {
    let done = || async { (cluster.number(UNFINISHED) == 0).then_some(()) };
    eventually("everything is printed", done).await;
    let printed = tickets(cluster, "print = 'done' and print_version = 1");
    let missing: Vec<_> = asked.difference(&printed).collect();
    assert!(missing.is_empty(), "{missing:?} were not printed");
    for (what, query) in [
        (
            "tickets that are not printed",
            "select count(*) from tickets where print in ('pending', 'failed')",
        ),
        (
            "jobs that were not completed",
            "select count(*)
               from finished_jobs
              where queue = 'prints'
                and state <> 'completed'",
        ),
        (
            "tickets that were printed by two jobs",
            "select count(*)
               from (select args
                       from finished_jobs
                      where queue = 'prints'
                      group by args
                     having count(*) > 1) as twice",
        ),
        (
            "attempts that nothing is known of",
            "select count(*)
               from finished_jobs
              where queue = 'prints'
                and attempt + (select count(*)
                                 from unnest(errors) as error
                                where error like '%while it held this job%')
                    <> cardinality(errors) + 1",
        ),
    ] {
        assert_eq!(cluster.number(query), 0, "{what}");
    }
    cluster.assert_audit();
}

/// Attempts that ended because their worker died, and those that failed otherwise.
fn broken_attempts(cluster: &Cluster) -> (u64, u64) {
    let errors = "select count(*)
                    from finished_jobs, unnest(errors) as error
                   where queue = 'prints'
                     and error";
    // It held the job among others; or it ran the job alone, after two deaths.
    let lost = "'%the worker died while %'";
    (
        cluster.number(&format!("{errors} like {lost}")),
        cluster.number(&format!("{errors} not like {lost}")),
    )
}

fn tickets(cluster: &Cluster, which: &str) -> HashSet<String> {
    let ids = cluster
        .database
        .sql(&format!("select id from tickets where {which}"));
    ids.lines().map(str::to_owned).collect()
}
