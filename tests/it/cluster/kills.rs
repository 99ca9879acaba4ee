//! `kill -9` of one process among several.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tests::engine::seconds;
use tests::{Cluster, Crowd, Http, Server, eventually};
use tokio::time::MissedTickBehavior;

use super::{assert_sold_out, broken_attempts, until_printed};

const BUYERS: u32 = 16;

/// About what debug builds draw in a second on two cores.
const PRINTS_A_SECOND: u32 = 100;

/// Print jobs that somebody holds.
const RUNNING: &str = "select count(*) from jobs where queue = 'prints' and state = 'running'";

/// Sells a concert out through one process, and orders a print of each ticket. None is made before
/// all are ordered.
async fn order_prints(cluster: &Cluster, http: &Http, tickets: u32) -> HashSet<String> {
    cluster.run(&["jobs", "pause", "prints"]).success();
    let concert = http.create_concert("A night", tickets).await;
    let crowd = Crowd::buy_and_print(vec![http.clone()], &concert, BUYERS);
    let sold = crowd.sold_out().await;
    assert_eq!(sold.len(), tickets as usize);
    cluster.run(&["jobs", "resume", "prints"]).success();
    sold
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_survives_the_death_of_one_api_process_after_the_other() {
    let capacity = 400 * seconds();
    let cluster = Cluster::new().await;
    let mut servers = vec![cluster.start("api,scheduler"), cluster.start("api")];
    let concert = servers[0].http.create_concert("A night", capacity).await;
    let clients = servers.iter().map(|server| server.http.clone()).collect();
    let crowd = Crowd::buy(clients, &concert, BUYERS);
    for (at, fifths) in [(0, 1), (1, 2), (0, 3)] {
        crowd.until(capacity as usize / 5 * fifths).await;
        servers.remove(at).kill();
        servers.insert(at, cluster.start("api,scheduler"));
        crowd.replace(at, servers[at].http.clone()).await;
    }
    let answered = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &answered, capacity);
}

/// Stops a worker in the middle of a drawing, and kills it.
async fn kill_while_drawing(cluster: &Cluster, worker: Server) -> HashSet<String> {
    eventually("it holds jobs and cannot finish them", || async {
        worker.freeze();
        let holds = cluster.number(RUNNING) > 0;
        if !holds {
            worker.thaw();
        }
        holds.then_some(())
    })
    .await;
    worker.kill();
    // What it was writing when it was stopped is written or not once its connections have ended.
    let busy = "select count(*)
                  from pg_stat_activity
                 where datname = current_database()
                   and application_name = 'ticketoverflow'
                   and state <> 'idle'";
    let ended = || async { (cluster.number(busy) == 0).then_some(()) };
    eventually("its connections have ended", ended).await;
    let held = "select id from jobs where queue = 'prints' and state = 'running'";
    let held = cluster.database.sql(held);
    held.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_worker_that_is_killed_while_drawing_run_elsewhere_and_no_others() {
    let cluster = Cluster::new().await;
    let api = cluster.start("api");
    // Some more, so that not all are made before the worker is looked at.
    let tickets = order_prints(&cluster, &api.http, PRINTS_A_SECOND * (seconds() + 2)).await;
    let worker = cluster.start("worker");
    let held = kill_while_drawing(&cluster, worker).await;
    let killed_at = Instant::now();
    let _others = ["worker", "scheduler"].map(|role| cluster.start(role));
    let held_still = format!(
        "select count(*) from finished_jobs where id in ('{}')",
        held.iter().cloned().collect::<Vec<_>>().join("', '")
    );
    eventually("its jobs are done", || async {
        (cluster.number(&held_still) == held.len() as u64).then_some(())
    })
    .await;
    let waited = killed_at.elapsed();
    eprintln!(
        "{} jobs of a killed worker were done after {waited:.1?}",
        held.len()
    );
    until_printed(&cluster, &tickets).await;
    let twice = "
        select id
          from finished_jobs
         where queue = 'prints'
           and cardinality(errors) = 1";
    let twice: HashSet<_> = cluster
        .database
        .sql(twice)
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(twice, held, "those that it held ran again, once");
    assert_eq!(broken_attempts(&cluster), (held.len() as u64, 0));
    // Plans may have been held, too.
    assert!(lost(&cluster.said()) >= held.len());
}

/// How many jobs the log calls lost: a line for each round that found some.
fn lost(log: &str) -> usize {
    let lines = log
        .lines()
        .filter(|line| line.contains("workers were lost"));
    let jobs = lines.map(|line| {
        let jobs = line
            .split_once(" jobs=")
            .and_then(|(_, rest)| rest.split(' ').next());
        let jobs: usize = jobs.expect(line).parse().expect(line);
        assert!(line.contains("jobs.first="), "{line}");
        jobs
    });
    jobs.sum()
}

/// Prints a second, with one worker after the other killed if that is wanted.
async fn pace(api: &Http, cluster: &Cluster, workers: &mut Vec<Server>, kills: bool) -> f64 {
    let tickets = order_prints(cluster, api, PRINTS_A_SECOND * seconds()).await;
    let begun = Instant::now();
    let done = async {
        until_printed(cluster, &tickets).await;
        begun.elapsed()
    };
    let mut done = std::pin::pin!(done);
    // A third of the load between two kills, but not every instant of a long one.
    let period = Duration::from_millis(u64::from(seconds()) * 300).min(Duration::from_secs(5));
    let mut strikes = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    // A worker has its time, however long it took to start it.
    strikes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let took = loop {
        tokio::select! {
            took = &mut done => break took,
            _ = strikes.tick(), if kills => {
                workers.remove(0).kill();
                workers.push(cluster.start("worker"));
                strikes.reset();
            }
        }
    };
    f64::from(PRINTS_A_SECOND * seconds()) / took.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_printed_while_one_worker_after_the_other_is_killed() {
    let cluster = Cluster::new().await;
    let api = cluster.start("api,scheduler");
    let mut workers = vec![cluster.start("worker"), cluster.start("worker")];
    let calm = pace(&api.http, &cluster, &mut workers, false).await;
    assert_eq!(broken_attempts(&cluster).1, 0);
    let stormy = pace(&api.http, &cluster, &mut workers, true).await;
    let (lost, failed) = broken_attempts(&cluster);
    assert_eq!(failed, 0, "attempts that failed for another reason");
    let ratio = stormy / calm;
    eprintln!("workers killed: {stormy:.1} prints/s of {calm:.1}, ratio {ratio:.2}, {lost} lost");
}
