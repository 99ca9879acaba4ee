//! SIGTERM to one process among several.

use tests::engine::seconds;
use tests::{Cluster, Crowd};

use super::{assert_sold_out, broken_attempts, until_printed};

const HELD: &str = "select count(*) from jobs where state = 'running'";
/// On a busy machine all of it may be over before anybody looks. What is asserted holds then, too.
const HELD_OR_MADE: &str = "
    select (select count(*) from jobs where state = 'running')
         + (select count(*) from finished_jobs where queue = 'prints')";
const LEASES: &str = "
    select count(*)
      from leases
     where until > extract(epoch from clock_timestamp()) * 1000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_stopped_leaves_no_claim_and_no_lease_and_burns_no_attempt() {
    let cluster = Cluster::new().await;
    let api = cluster.start("api");
    let tickets = 100 * seconds();
    let concert = api.http.create_concert("A night", tickets).await;
    let crowd = Crowd::buy_and_print(vec![api.http.clone()], &concert, 16);
    let sold = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &sold, tickets);
    // What it holds cannot be finished in no time, so it is handed back.
    let server = cluster.start_with("worker,scheduler", &[("WORKERS__GRACE_MS", "0")]);
    cluster.until("it holds or made jobs", HELD_OR_MADE).await;
    cluster.until("it leads", LEASES).await;
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    for what in [HELD, LEASES] {
        assert_eq!(cluster.number(what), 0, "{what}");
    }
    let attempts = "select count(*) from jobs where attempt > 0 or errors <> '{}'";
    assert_eq!(cluster.number(attempts), 0);
    let _successor = cluster.start("worker,scheduler");
    until_printed(&cluster, &sold).await;
    // Nothing was held when the first one ended: what is lost is lost by one that lives.
    let (_, failed) = broken_attempts(&cluster);
    assert_eq!(failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_api_process_after_the_other_can_be_replaced_in_a_sale() {
    let capacity = 300 * seconds();
    let cluster = Cluster::new().await;
    let mut servers = [cluster.start("api"), cluster.start("api")];
    let concert = servers[0].http.create_concert("A night", capacity).await;
    let clients = servers.iter().map(|server| server.http.clone()).collect();
    let crowd = Crowd::buy(clients, &concert, 16);
    for at in [0, 1] {
        crowd.until(capacity as usize / 5 * (at + 1)).await;
        let next = cluster.start("api");
        crowd.replace(at, next.http.clone()).await;
        let old = std::mem::replace(&mut servers[at], next);
        old.terminate();
        assert_eq!(old.wait(), Some(0));
    }
    let answered = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &answered, capacity);
}
