//! The pages in a real browser, which can reach nothing but the server.

mod plan;
pub(crate) mod tab;

use std::process::Command;

use tests::TestApp;
use tests::process::Ended;

const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // Whatever is not this server does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/// The document of a page after its scripts have run.
fn dom(app: &TestApp, path: &str) -> String {
    let profile = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("chromium");
    command
        .args(ARGUMENTS)
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("{}{path}", app.http.base()));
    assert!(
        Command::new("chromium").arg("--version").output().is_ok(),
        "chromium cannot be run; tests/run installs it (package chromium)"
    );
    Ended::of(&mut command).success()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_shows_concerts_with_their_plans_and_runs_no_script_of_a_name() {
    let app = TestApp::start().await;
    let hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'\
                   </script>&lt;Tom & \"Jerry\"";
    let concert = app.http.create_concert(hostile, 321).await;
    let plain = app.http.create_concert("A plain night", 12).await;
    let dom = tokio::task::block_in_place(|| dom(&app, "/"));
    assert!(dom.contains("A plain night"), "{dom}");
    for id in [&concert, &plain] {
        assert!(
            dom.contains(&format!("/api/v1/concerts/{id}/seats")),
            "the plan of {id}: {dom}"
        );
    }
    assert!(
        dom.contains("&lt;img src=x onerror="),
        "the name is shown as it is: {dom}"
    );
    assert!(!dom.contains("<img src=\"x\""), "{dom}");
    assert!(!dom.contains("<title>owned"), "{dom}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_page_shows_every_operation_without_internet() {
    let app = TestApp::start().await;
    let dom = tokio::task::block_in_place(|| dom(&app, "/docs/"));
    for path in [
        "/api/v1/tickets",
        "/api/v1/concerts/{id}/seats",
        "/api/v1/tickets/{id}/print",
    ] {
        // The page breaks long paths with invisible characters.
        let shown = dom.replace('\u{200b}', "").replace("<wbr>", "");
        assert!(shown.contains(path), "{path} is not in {shown}");
    }
    app.stop().await;
}
