//! Redis fails in the middle of a sale over HTTP.

use tests::engine::seconds;
use tests::redis::{RedisSentinels, RedisServer};
use tests::{Cluster, Crowd, eventually};

use super::assert_sold_out;

const BUYERS: u32 = 16;

/// Sells out through two processes, with a fault whenever a quarter more is sold.
async fn sell_out(url: String, mut fault: impl FnMut(), times: usize) {
    let capacity = 400 * seconds();
    let cluster = Cluster::on_redis(url).await;
    let servers = [cluster.start("api,scheduler"), cluster.start("api")];
    let concert = servers[0].http.create_concert("A night", capacity).await;
    let clients = servers.iter().map(|server| server.http.clone()).collect();
    let crowd = Crowd::buy(clients, &concert, BUYERS);
    for _ in 0..times {
        crowd.until_more(capacity as usize / 4).await;
        tokio::task::block_in_place(&mut fault);
    }
    let answered = crowd.sold_out().await;
    assert_sold_out(&cluster, &concert, &answered, capacity);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_is_flushed() {
    let server = RedisServer::start();
    let flush = || assert_eq!(server.run(&["FLUSHALL"]), "OK");
    sell_out(server.url(), flush, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_is_restarted() {
    let mut server = RedisServer::start();
    let url = server.url();
    sell_out(url, || server.restart(), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_redis_fails_over() {
    let sentinels = RedisSentinels::start();
    sell_out(sentinels.url(), || sentinels.fail_over(), 1).await;
}

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
