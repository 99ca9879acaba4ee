//! What does not work is named, and a process goes out of service only for what is its own fault.

use serde_json::{Value, json};
use tests::redis::RedisServer;
use tests::{Cluster, Server, eventually};

/// So that nobody waits for the next look.
const OFTEN: [(&str, &str); 1] = [("SCHEDULER__HEALTH_INTERVAL_MS", "100")];

/// Waits until a process says so of itself.
async fn until(server: &Server, what: &str, is_so: impl Fn(u16, &Value) -> bool) -> Value {
    eventually(what, || async {
        let ready = server.http.get("/readyz").await;
        let told = ready.json();
        is_so(ready.status, &told).then_some(told)
    })
    .await
}

async fn until_well(server: &Server) {
    let well = json!({"status": "ok"});
    until(server, "all is well", |status, told| {
        status == 200 && *told == well
    })
    .await;
}

async fn until_degraded(server: &Server, part: &str) -> Value {
    let what = "it is told that others have the fault, too";
    until(server, what, |status, told| {
        status == 200 && told["degraded"][0]["part"] == part
    })
    .await
}

/// What `doctor` finds of a part.
fn doctor(cluster: &Cluster, part: &str) -> (bool, String) {
    let found = cluster.run(&["doctor", "--json"]).output;
    let found: Value = serde_json::from_str(&found).unwrap();
    let mut findings = found["findings"].as_array().unwrap().iter();
    let found = findings.find(|one| one["what"] == part).unwrap();
    let detail = found["detail"].as_str().unwrap().to_owned();
    (found["ok"] == true, detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_answers_and_refuses_every_purchase_is_named() {
    let redis = RedisServer::start();
    let cluster = Cluster::on_redis(redis.url()).await;
    let api = cluster.start_with("api", &OFTEN);
    let _scheduler = cluster.start("scheduler");
    let concert = api.http.create_concert("A night", 1_000).await;
    api.http.bought(&concert, 1).await;
    until_well(&api).await;
    assert!(doctor(&cluster, "redis").0);
    let faults = [
        (
            &["CONFIG", "SET", "maxmemory", "1"][..],
            &["CONFIG", "SET", "maxmemory", "0"][..],
            "OOM",
        ),
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
            "READONLY",
        ),
        (
            &["ACL", "SETUSER", "default", "-@scripting"],
            &["ACL", "SETUSER", "default", "+@all"],
            "permissions",
        ),
    ];
    for (break_it, mend_it, words) in faults {
        tokio::task::block_in_place(|| redis.run(break_it));
        let told = until_degraded(&api, "counters").await;
        let reason = told["degraded"][0]["reason"].as_str().unwrap().to_owned();
        assert!(
            reason.to_lowercase().contains(&words.to_lowercase()),
            "{words}: {reason}"
        );
        let metrics = api.http.get("/metrics").await.text();
        assert!(
            metrics.contains("ticketoverflow_degraded{part=\"counters\"} 1\n"),
            "{metrics}"
        );
        let (ok, detail) = tokio::task::block_in_place(|| doctor(&cluster, "redis"));
        assert!(!ok, "{words}: {detail}");
        tokio::task::block_in_place(|| redis.run(mend_it));
        until_well(&api).await;
    }
    cluster.assert_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_goes_out_of_service_for_a_fault_that_others_do_not_have() {
    let mut redis = RedisServer::start();
    redis.run(&[
        "ACL", "SETUSER", "other", "on", ">secret", "~*", "&*", "+@all",
    ]);
    let by_other = format!("redis://other:secret@127.0.0.1:{}", redis.port);
    let cluster = Cluster::on_redis(redis.url()).await;
    let _scheduler = cluster.start("scheduler");
    let one = cluster.start_with("api", &OFTEN);
    let other = cluster.start_by(&by_other, "api", &OFTEN);
    until_well(&one).await;
    until_well(&other).await;

    redis.run(&["ACL", "SETUSER", "other", "-@scripting"]);
    let told = until(&other, "it says that it is alone", |status, _| {
        status == 503
    })
    .await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("only in this process"), "{detail}");
    until_well(&one).await;

    // Now that all have it, nobody is a better choice.
    tokio::task::block_in_place(|| redis.kill());
    until_degraded(&one, "counters").await;
    until_degraded(&other, "counters").await;
    tokio::task::block_in_place(|| redis.restart());
    until_well(&one).await;
}

/// Every write of what buyers need fails as on a server whose disk is full.
const FULL: &str = "
    create function full_disk() returns trigger language plpgsql as $$
    begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
    end $$;
    create trigger full_disk before insert or update on leases
       for each row execute function full_disk();
    create trigger full_disk before insert on tickets
       for each row execute function full_disk()";
const ROOM: &str = "drop function full_disk() cascade";

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_can_be_read_and_not_be_written_is_named() {
    let cluster = Cluster::new().await;
    let api = cluster.start_with("api", &OFTEN);
    let _scheduler = cluster.start("scheduler");
    let concert = api.http.create_concert("A night", 1_000).await;
    let ticket = api.http.bought(&concert, 1).await;
    until_well(&api).await;
    cluster.database.sql(FULL);
    api.http.buy(&concert, 2).await.assert_problem(503);
    let told = until_degraded(&api, "ledger").await;
    let reason = told["degraded"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("No space left on device"), "{reason}");
    let path = format!("/api/v1/tickets/{ticket}");
    assert_eq!(api.http.get(&path).await.status, 200);
    let (ok, detail) = tokio::task::block_in_place(|| doctor(&cluster, "ledger"));
    assert!(
        !ok && detail.contains("No space left on device"),
        "{detail}"
    );
    cluster.database.sql(ROOM);
    until_well(&api).await;
    api.http.bought(&concert, 2).await;
    assert!(tokio::task::block_in_place(|| doctor(&cluster, "ledger")).0);
    cluster.assert_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_in_which_no_scheduler_leads_says_so() {
    let cluster = Cluster::new().await;
    let api = cluster.start_with("api", &OFTEN);
    let told = until_degraded(&api, "scheduler").await;
    let reason = told["degraded"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("was not renewed"), "{reason}");
    let metrics = api.http.get("/metrics").await.text();
    let gauge = "ticketoverflow_degraded{part=\"scheduler\"} 1\n";
    assert!(metrics.contains(gauge), "{metrics}");
    assert!(
        cluster.said().contains("no scheduler leads"),
        "{}",
        cluster.said()
    );

    let scheduler = cluster.start_with("scheduler", &OFTEN);
    until_well(&api).await;
    until_well(&scheduler).await;
    scheduler.kill();
    until_degraded(&api, "scheduler").await;
}
