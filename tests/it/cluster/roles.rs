//! Who does what.

use tests::svg::assert_text;
use tests::{Cluster, Server, eventually};

/// A setting with which no leader loses its lease while it lives, however busy the machine is, and
/// its successor need not be waited for for too long.
const LEADER_LEASE: (&str, &str) = ("SCHEDULER__LEADER_LEASE_MS", "15000");

/// Whether this process publishes what only the leading scheduler knows.
async fn leads(server: &Server) -> bool {
    let metrics = server.http.get("/metrics").await.text();
    metrics
        .lines()
        .any(|line| line.starts_with("ticketoverflow_jobs{"))
}

/// Waits for the leader's place among the schedulers.
async fn leader(schedulers: &[Server]) -> usize {
    eventually("one of them leads", || async {
        for (at, scheduler) in schedulers.iter().enumerate() {
            if leads(scheduler).await {
                return Some(at);
            }
        }
        None
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_sells_another_prints_and_a_third_hands_out() {
    let cluster = Cluster::new().await;
    let servers = ["api", "api", "worker", "worker", "scheduler", "scheduler"];
    let servers = servers.map(|role| cluster.start(role));
    let [one, two, ..] = &servers;
    let concert = one.http.create_concert("A night", 20).await;
    for user in 1_u32..=4 {
        let (here, there) = if user.is_multiple_of(2) {
            (one, two)
        } else {
            (two, one)
        };
        let ticket = here.http.bought(&concert, user).await;
        let print = format!("/api/v1/tickets/{ticket}/print");
        assert_eq!(there.http.post_empty(&print).await.status, 202);
        here.http.until_print(&ticket, "PRINTED").await;
        let svg = there.http.get(&print).await;
        assert_text(&svg.body, "A night");
        assert_eq!(here.http.get(&print).await.body, svg.body);
        assert_eq!(there.http.get(&format!("{print}.pdf")).await.status, 200);
    }
    let described = format!("{concert}|20|4");
    for server in [one, two] {
        eventually("the plan shows every sale", || async {
            let path = format!("/api/v1/concerts/{concert}/seats");
            let plan = server.http.get(&path).await;
            (plan.status == 200 && plan.text().contains(&described)).then_some(())
        })
        .await;
    }
    cluster.assert_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_scheduler_leads_and_another_takes_over_when_it_is_killed() {
    let cluster = Cluster::new().await;
    let api = cluster.start("api");
    let worker = cluster.start("worker");
    let scheduler = || cluster.start_with("scheduler", &[LEADER_LEASE]);
    let mut schedulers = vec![scheduler(), scheduler()];
    let holder = || {
        cluster
            .database
            .sql("select holder from leases where name = 'scheduler'")
    };
    let first = leader(&schedulers).await;
    let held_by = holder();
    let concert = api.http.create_concert("A night", 20).await;
    api.http.bought(&concert, 1).await;
    let path = format!("/api/v1/concerts/{concert}/seats");
    eventually("the leader orders a plan", || async {
        api.http
            .get(&path)
            .await
            .text()
            .contains("|20|1")
            .then_some(())
    })
    .await;
    assert!(!leads(&schedulers[1 - first]).await, "one leads");
    assert_eq!(holder(), held_by, "nobody else led meanwhile");

    schedulers.remove(first).kill();
    api.http.bought(&concert, 2).await;
    leader(&schedulers).await;
    assert_ne!(holder(), held_by);
    eventually("its successor orders a plan", || async {
        api.http
            .get(&path)
            .await
            .text()
            .contains("|20|2")
            .then_some(())
    })
    .await;
    cluster.assert_audit();
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_without_the_role_serve_nothing_of_the_api() {
    let cluster = Cluster::new().await;
    let servers = ["worker", "scheduler", "worker,scheduler"].map(|roles| cluster.start(roles));
    for server in &servers {
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(server.http.get(path).await.status, 200, "{path}");
        }
        for path in ["/", "/api/v1/concerts", "/api/v1/tickets", "/api/v1/users"] {
            assert_eq!(server.http.get(path).await.status, 404, "{path}");
        }
        let body = tests::http::concert_body("A night", 10);
        assert_eq!(
            server.http.post("/api/v1/concerts", &body).await.status,
            404
        );
    }
    assert_eq!(cluster.number("select count(*) from concerts"), 0);
}
