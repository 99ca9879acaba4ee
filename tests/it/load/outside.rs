//! What any client may see: `audit --target`, and what a report tells of a server.

use serde_json::json;
use tests::process::{self, Ended};
use tests::{Server, TestApp};

use super::wrong::{Defect, WrongServer};
use super::{audit, broken, load};

#[tests::every_engine]
async fn a_server_in_use_passes_the_audit_from_outside() {
    let app = TestApp::start().await;
    let names = [
        "Plain & <Simple>",
        "שלום World \u{1f3b8}",
        "A name that is far too long to stand in one line of a ticket, and so is set in several of them or cut",
    ];
    for name in names {
        let concert = app.http.create_concert(name, 3).await;
        for user in 1..=3 {
            let ticket = app.http.bought(&concert, user).await;
            app.http
                .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
                .await;
            app.http.until_print(&ticket, "PRINTED").await;
        }
    }
    app.http.create_concert("Nobody came", 0).await;
    let (ok, found) = audit(app.http.base(), &[]);
    assert!(ok, "{found}");
    assert_eq!(found["invariants"].as_array().map(Vec::len), Some(10));
    app.stop().await;
}

#[tests::every_engine]
async fn the_audit_may_run_during_a_sale() {
    let app = TestApp::start().await;
    let target = app.http.base().to_owned();
    let selling = tokio::task::spawn_blocking({
        let target = target.clone();
        move || {
            let args = [
                "load",
                "evening",
                "--scale",
                "0.1",
                "--duration",
                "3s",
                "--target",
                &target,
            ];
            let mut command = process::command();
            Ended::within(process::LONG_RUN, command.args(args))
        }
    });
    for _ in 0..3 {
        let (ok, found) = audit(&target, &[]);
        assert!(ok, "{found}");
    }
    selling.await.expect("it ends").success();
    app.stop().await;
}

#[tests::every_engine]
async fn what_is_wrong_is_named() {
    for (defect, sale, wanted) in [
        (Defect::Oversells, "small", "P1 oversold"),
        (Defect::ServesStale, "rename", "P6 stale-bytes"),
    ] {
        let server = WrongServer::start(defect).await;
        load(
            &server.url(),
            &[sale, "--scale", "0.05", "--duration", "1s"],
        );
        let (ok, found) = audit(&server.url(), &[]);
        assert!(!ok, "{found}");
        assert_eq!(broken(&found), [wanted]);
    }
}

#[tests::every_engine]
async fn prints_have_a_limit_that_is_told() {
    let app = TestApp::start().await;
    let (report, _) = load(
        app.http.base(),
        &["rename", "--scale", "0.1", "--duration", "1s"],
    );
    let concert = &report.concerts[0].id;
    let args = [
        "audit",
        "--target",
        app.http.base(),
        "--concert",
        concert,
        "--prints-max",
        "5",
    ];
    let ended = super::command(&args);
    assert!(
        ended.errors.contains("more were not read"),
        "{}",
        ended.errors
    );
    ended.success();
    let unknown = json!("00000000-0000-7000-8000-000000000009");
    let (ok, found) = audit(
        app.http.base(),
        &["--concert", unknown.as_str().expect("text")],
    );
    assert!(!ok && broken(&found) == ["P9 list-differs"], "{found}");
    app.stop().await;
}

#[test]
fn a_report_tells_how_large_the_server_became() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let sale = ["small", "--scale", "0.05", "--duration", "1s"];
    let (report, ended) = load(server.http.base(), &sale);
    // It publishes the size of the empty ledger as soon as it starts.
    let told = report.server.ledger_bytes;
    assert!(told.is_some_and(|bytes| bytes > 50_000), "{told:?}");
    assert!(ended.output.contains(", ledger "), "{}", ended.output);
    let name = folder.path().to_str();
    let looks = ["--data-dir", name.expect("it is named in ASCII")];
    let (report, _) = load(server.http.base(), &[&sale[..], &looks].concat());
    let seen = report.server.ledger_bytes;
    assert!(seen > told, "{seen:?} after a sale, {told:?} before");
    assert!(report.server.other_bytes.is_some());
}
