//! The files are in an S3-compatible store, and nobody shares a folder.

use std::net::TcpListener;

use bytes::Bytes;
use domain::ports::Files;
use storage::files::{ObjectFiles, S3Place};
use tests::svg::assert_text;
use tests::{Cluster, S3Server, Server, eventually, s3};

use super::until_printed;

fn start(cluster: &Cluster, roles: &str, place: &S3Place) -> Server {
    let settings = s3::settings(place);
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    cluster.start_with(roles, &settings)
}

async fn order_print(server: &Server, concert: &str, user: u32) -> String {
    let ticket = server.http.bought(concert, user).await;
    let path = format!("/api/v1/tickets/{ticket}/print");
    assert_eq!(server.http.post_empty(&path).await.status, 202);
    ticket
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_machine_prints_another_hands_out() {
    let cluster = Cluster::new().await;
    let store = S3Server::start();
    let place = store.place();
    let [api, worker, scheduler] =
        ["api", "worker", "scheduler"].map(|role| start(&cluster, role, &place));
    let concert = api.http.create_concert("A night", 10).await;
    let ticket = order_print(&api, &concert, 1).await;
    api.http.until_print(&ticket, "PRINTED").await;
    let stored = |what: &str| {
        store
            .objects()
            .into_iter()
            .filter(|name| name.contains(what))
            .count()
    };
    assert_eq!(stored(&format!("/prints/tickets/{ticket}/v1/")), 2);
    // Nobody is left who could draw it again but the one who hands it out, and it finds it.
    drop(worker);
    let path = format!("/api/v1/tickets/{ticket}/print");
    let svg = api.http.get(&path).await;
    assert_text(&svg.body, "A night");
    assert_eq!(api.http.get(&format!("{path}.pdf")).await.status, 200);
    let worker = start(&cluster, "worker", &place);
    eventually("the plan shows the sale", || async {
        let plan = api
            .http
            .get(&format!("/api/v1/concerts/{concert}/seats"))
            .await;
        (plan.status == 200 && plan.text().contains("|10|1")).then_some(())
    })
    .await;
    assert!(stored("/prints/plans/") >= 1);
    assert!(!cluster.has_files());
    cluster.assert_audit();
    drop((worker, scheduler));
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_wait_for_the_store_and_downloads_draw_again() {
    let cluster = Cluster::new().await;
    let mut store = S3Server::start();
    let place = store.place();
    let api = start(&cluster, "api,worker,scheduler", &place);
    let concert = api.http.create_concert("A night", 10).await;
    let printed = order_print(&api, &concert, 1).await;
    api.http.until_print(&printed, "PRINTED").await;
    let path = format!("/api/v1/tickets/{printed}/print");
    let svg = api.http.get(&path).await.body;

    store.stop();
    let drawn = api.http.get(&path).await;
    assert_eq!(
        (drawn.status, &drawn.body),
        (200, &svg),
        "it is drawn again"
    );
    assert_eq!(api.http.get("/readyz").await.status, 200);
    let waiting = order_print(&api, &concert, 2).await;
    // More often than its policy allows failures. That it runs is over too soon to be seen.
    let mut until = 0;
    for _ in 0..6 {
        let later = format!(
            "select coalesce(max(run_at), 0)
               from jobs
              where queue = 'prints'
                and state = 'scheduled'
                and run_at > {until}"
        );
        until = cluster.until("the job waits once more", &later).await;
    }
    let status = format!("/api/v1/tickets/{waiting}");
    let ticket = api.http.get(&status).await;
    assert_eq!(ticket.string("/print_status"), "PENDING");

    store.resume();
    api.http.until_print(&waiting, "PRINTED").await;
    until_printed(&cluster, &[printed, waiting].into()).await;
}

#[tokio::test]
async fn a_store_that_says_nothing_is_not_waited_for() {
    // The kernel accepts connections, and nobody answers them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = S3Place {
        endpoint: format!("http://{}", silent.local_addr().unwrap()),
        ..s3::shared().place()
    };
    let files = ObjectFiles::in_s3(&place).unwrap();
    let asked = async {
        (
            files.put("a", Bytes::from_static(b"a")).await.unwrap_err(),
            files.get("a").await.unwrap_err(),
            files.delete("a").await.unwrap_err(),
        )
    };
    let (put, get, delete) = tokio::time::timeout(tests::wait::DEADLINE, asked)
        .await
        .unwrap();
    for error in [put, get, delete].map(|error| error.to_string()) {
        let port = silent.local_addr().unwrap().port().to_string();
        for named in ["s3://", "/prints", &port] {
            assert!(error.contains(named), "{named} is not in: {error}");
        }
    }
}

#[tokio::test]
async fn what_the_store_refuses_is_an_error_and_not_a_missing_file() {
    let place = s3::shared().place();
    let forged = S3Place {
        secret_access_key: "another".into(),
        ..place
    };
    let forged = ObjectFiles::in_s3(&forged).unwrap();
    for error in [
        forged.get("a").await.unwrap_err(),
        forged.put("a", Bytes::from_static(b"a")).await.unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("SignatureDoesNotMatch"), "{error}");
        assert!(!error.contains("another"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_writes_reads_and_deletes() {
    let cluster = Cluster::new().await;
    let mut store = S3Server::start();
    let place = store.place();
    let doctor = || {
        let found = cluster.run_with(&["doctor", "--json"], &s3::settings(&place));
        let found: serde_json::Value = serde_json::from_str(&found.output).unwrap();
        let findings = found["findings"].as_array().unwrap().clone();
        let files = findings.into_iter().find(|one| one["what"] == "files");
        files.unwrap()
    };
    let well = doctor();
    assert_eq!(well["ok"], true, "{well}");
    assert_eq!(store.objects(), [""; 0], "it leaves nothing behind");
    store.stop();
    let away = doctor();
    assert_eq!(away["ok"], false, "{away}");
    for named in [&place.url, &place.endpoint] {
        assert!(away["detail"].as_str().unwrap().contains(named), "{away}");
    }
    assert!(
        !away.to_string().contains(&place.secret_access_key),
        "{away}"
    );
}
