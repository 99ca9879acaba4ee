//! Redis fails in the middle of a sale over HTTP.

use tests::engine::seconds;
use tests::redis::{RedisSentinels, RedisServer};
use tests::{Cluster, Crowd, Server, eventually};

use super::assert_sold_out;

const BUYERS: u32 = 16;

/// How often counters were rebuilt from the ledger, by what the processes say.
async fn rebuilt(servers: &[Server]) -> u64 {
    let mut sum = 0;
    for server in servers {
        let metrics = server.http.get("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let lines = text.lines();
        let counts =
            lines.filter_map(|line| line.strip_prefix("ticketoverflow_counters_rebuilt_total "));
        sum += counts
            .map(|count| count.parse::<u64>().unwrap())
            .sum::<u64>();
    }
    sum
}

/// Seats of a sale. Less than half are sold by the time of the last fault: that the counters are
/// gone is found by who buys, so that there must be something to buy however long that takes.
fn capacity() -> u32 {
    800 + 400 * seconds()
}

/// Sells out through two processes, with a fault whenever an eighth more is sold. After each, the
/// counters are rebuilt.
async fn sell_out(url: String, mut fault: impl FnMut(usize), times: usize) {
    let capacity = capacity();
    let cluster = Cluster::on_redis(url).await;
    let servers = [cluster.start("api,scheduler"), cluster.start("api")];
    let concert = servers[0].http.create_concert("A night", capacity).await;
    let clients = servers.iter().map(|server| server.http.clone()).collect();
    let crowd = Crowd::buy(clients, &concert, BUYERS);
    for time in 0..times {
        crowd.until(capacity as usize / 8 * (time + 1)).await;
        let before = rebuilt(&servers).await;
        tokio::task::block_in_place(|| fault(time));
        let again = || async { (rebuilt(&servers).await > before).then_some(()) };
        eventually("the counters are rebuilt", again).await;
    }
    let answered = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &answered, capacity);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_is_flushed() {
    let server = RedisServer::start();
    let flush = |_| assert_eq!(server.run(&["FLUSHALL"]), "OK");
    sell_out(server.url(), flush, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_is_restarted() {
    let mut server = RedisServer::start();
    let url = server.url();
    sell_out(url, |_| server.restart(), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_fails_over_to_older_values() {
    let sentinels = RedisSentinels::start();
    let capacity = capacity();
    let cluster = Cluster::on_redis(sentinels.url()).await;
    let servers = [cluster.start("api,scheduler"), cluster.start("api")];
    let concert = servers[0].http.create_concert("A night", capacity).await;
    let clients = servers.iter().map(|server| server.http.clone()).collect();
    let crowd = Crowd::buy(clients, &concert, BUYERS);
    let eighth = capacity as usize / 8;
    crowd.until_more(eighth).await;
    // The replica has not heard of what is sold from now on, as replication is not waited for.
    let replica = &sentinels.servers[1];
    tokio::task::block_in_place(|| replica.run(&["CONFIG", "SET", "replica-read-only", "no"]));
    tokio::task::block_in_place(|| replica.run(&["EVAL", KEEP, "0"]));
    crowd.until_more(eighth).await;
    tokio::task::block_in_place(|| sentinels.fail_over());
    let before = rebuilt(&servers).await;
    // Now that it is the master, nobody brings it up to date any more.
    tokio::task::block_in_place(|| replica.run(&["EVAL", BRING_BACK, "0"]));
    let again = || async { (rebuilt(&servers).await > before).then_some(()) };
    eventually("the counters are rebuilt", again).await;
    let answered = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &answered, capacity);
}

/// Keeps every value as it is now, beside it.
const KEEP: &str = "for _, key in ipairs(redis.call('keys', '*')) do
    redis.call('copy', key, 'kept:' .. key)
end
return 'OK'";

/// Puts what was kept in the place of what there is.
const BRING_BACK: &str = "for _, key in ipairs(redis.call('keys', 'kept:*')) do
    redis.call('copy', key, string.sub(key, 6), 'replace')
end
return 'OK'";

#[tokio::test(flavor = "multi_thread")]
async fn purchases_wait_for_redis_and_nothing_else_does() {
    let mut server = RedisServer::start();
    let cluster = Cluster::on_redis(server.url()).await;
    let api = cluster.start("api,worker,scheduler");
    let concert = api.http.create_concert("A night", 10).await;
    let ticket = api.http.bought(&concert, 1).await;
    server.kill();
    let refused = api.http.buy(&concert, 2).await;
    refused.assert_problem(503);
    assert_eq!(refused.header("retry-after"), "1");
    let path = format!("/api/v1/tickets/{ticket}/print");
    assert_eq!(api.http.post_empty(&path).await.status, 202);
    api.http.until_print(&ticket, "PRINTED").await;
    assert_eq!(api.http.get(&path).await.status, 200);
    assert_eq!(api.http.get("/readyz").await.status, 200);
    server.restart();
    eventually("purchases are accepted again", || async {
        (api.http.buy(&concert, 2).await.status == 201).then_some(())
    })
    .await;
    cluster.assert_audit();
}
