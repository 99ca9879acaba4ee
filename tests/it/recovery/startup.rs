//! What a server finds when it starts.

use std::path::Path;

use serde_json::json;
use tests::process::{self, Ended};
use tests::{Server, http};

/// Tries to serve from a folder, which must fail; what it said.
#[track_caller]
fn refusal(data_dir: &Path, more: &[&str]) -> String {
    let args = [&["run", "--listen", "127.0.0.1:0"], more].concat();
    process::run(data_dir, &args).failure()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let concert = server.http.create_concert("A night", 10).await;
    let said = refusal(folder.path(), &[]);
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains(&*folder.path().to_string_lossy()), "{said}");
    assert!(said.contains("use") || said.contains("another"), "{said}");
    assert_eq!(server.http.buy(&concert, 1).await.status, 201);
    server.kill();
    // The lock ended with its holder.
    Server::start(folder.path()).kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_file_replaces_the_built_in_users() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.json");
    let users = json!([
        {"id": "11111111-1111-4111-8111-111111111112", "name": "Zoë \"Z\" O'Neil", "email": "z@x"},
        {"id": "11111111-1111-4111-8111-111111111111", "name": "東京 太郎", "email": "z@x"},
    ]);
    std::fs::write(&file, users.to_string()).expect("the folder is the test's own");
    let data_dir = folder.path().join("data");
    let server = Server::start_with(&data_dir, &["--users", &file.to_string_lossy()]);
    assert_eq!(server.http.get("/api/v1/users").await.json(), users);
    let id = "11111111-1111-4111-8111-111111111111";
    assert_eq!(
        server.http.get(&format!("/api/v1/users/{id}")).await.json(),
        users[1]
    );
    let built_in = http::user_id(1);
    server
        .http
        .get(&format!("/api/v1/users/{built_in}"))
        .await
        .assert_problem(404);
    let concert = server.http.create_concert("A night", 10).await;
    server.http.buy(&concert, 1).await.assert_problem(400);
    let order = json!({"concert_id": concert, "user_id": id});
    assert_eq!(
        server.http.post("/api/v1/tickets", &order).await.status,
        201
    );
}

#[test]
fn a_bad_users_file_stops_the_start_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.json");
    let id = "11111111-1111-4111-8111-111111111111";
    let good = json!({"id": id, "name": "n", "email": "e"});
    for (text, why) in [
        ("not JSON".to_owned(), "array"),
        (String::new(), "array"),
        ("{}".to_owned(), "array"),
        (json!([{"id": id, "name": "n"}]).to_string(), "email"),
        (
            json!([{"id": "1", "name": "n", "email": "e"}]).to_string(),
            "user 0",
        ),
        (
            json!([{"id": id, "name": "", "email": "e"}]).to_string(),
            "name",
        ),
        (
            json!([{"id": id, "name": "n", "email": "e", "age": 1}]).to_string(),
            "age",
        ),
        (json!([good, good]).to_string(), id),
    ] {
        std::fs::write(&file, &text).expect("the folder is the test's own");
        let said = refusal(
            &folder.path().join("data"),
            &["--users", &file.to_string_lossy()],
        );
        assert!(
            said.contains("users.json") && said.contains(why),
            "{text}: {said}"
        );
    }
    let missing = folder.path().join("nowhere.json");
    let said = refusal(
        &folder.path().join("data"),
        &["--users", &missing.to_string_lossy()],
    );
    assert!(said.contains("nowhere.json"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_damaged_is_refused() {
    for (what, damage) in [
        (
            "nonsense",
            b"this is no ledger at all, whatever its name says".repeat(100),
        ),
        ("half a header", b"SQLite format 3\0".to_vec()),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(folder.path());
        server.http.create_concert("A night", 10).await;
        server.terminate();
        assert_eq!(server.wait(), Some(0));
        for file in ["ledger.db-wal", "ledger.db-shm"] {
            // Left by some ends and not by others.
            let _ = std::fs::remove_file(folder.path().join(file));
        }
        std::fs::write(folder.path().join("ledger.db"), damage).expect("it can be written");
        let said = refusal(folder.path(), &[]);
        assert!(
            said.starts_with("error: ") && said.contains("ledger.db"),
            "{what}: {said}"
        );
        assert!(!said.contains("panicked"), "{what}: {said}");
        for command in ["audit", "migrate"] {
            let ended = process::run(folder.path(), &[command]);
            assert_eq!(ended.status, Some(1), "{what}: {command}: {ended:?}");
        }
    }
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = process::command();
    command
        .args(["run", "--listen", &address, "--data-dir"])
        .arg(folder.path());
    let said = Ended::of(&mut command).failure();
    assert!(said.contains(&address), "{said}");
}

#[test]
fn an_unknown_setting_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[api]\nunheard_of = 1\n").expect("the folder is the test's own");
    let said = refusal(folder.path(), &["--config", &file.to_string_lossy()]);
    assert!(said.contains("unheard_of"), "{said}");
    let mut command = process::command();
    command.env("TICKETOVERFLOW__API__UNHEARD_OF", "1");
    command
        .args(["run", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path());
    let said = Ended::of(&mut command).failure();
    assert!(said.contains("unheard_of"), "{said}");
}
