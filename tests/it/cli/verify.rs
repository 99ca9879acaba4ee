//! `verify`: what a gate learns of a code, and out of what it is read.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Server, process, tools};

use super::{ended, folder, text};

/// A server with a printed ticket.
struct Stage {
    folder: TempDir,
    server: Server,
    concert: String,
    ticket: String,
}

impl Stage {
    async fn new() -> Self {
        let folder = folder();
        let server = Server::start(folder.path());
        let concert = server.http.create_concert("A night", 10).await;
        let ticket = server.http.bought(&concert, 1).await;
        let stage = Self {
            folder,
            server,
            concert,
            ticket,
        };
        stage.ask().await;
        stage
    }

    async fn ask(&self) {
        let path = format!("/api/v1/tickets/{}/print", self.ticket);
        self.server.http.post_empty(&path).await;
        self.server.http.until_print(&self.ticket, "PRINTED").await;
    }

    /// The print in a format, as a file.
    async fn print(&self, format: &str) -> PathBuf {
        let ending = match format {
            "svg" => String::new(),
            format => format!(".{format}"),
        };
        let path = format!("/api/v1/tickets/{}/print{ending}", self.ticket);
        let print = self.server.http.get(&path).await;
        assert_eq!(print.status, 200, "{}", print.text());
        let file = self.folder.path().join(format!("ticket.{format}"));
        std::fs::write(&file, &print.body).expect("the folder is ours");
        file
    }

    /// `doctor` says the key; it also warns of the address, which need not be free here.
    fn key(&self) -> String {
        let found = process::run(self.folder.path(), &["doctor"]).output;
        let key = found
            .split("public key ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        key.unwrap_or_else(|| panic!("no key in {found}"))
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_code_is_verified_and_a_forged_one_is_not() {
    let stage = Stage::new().await;
    let (concert, ticket) = (&stage.concert, &stage.ticket);
    let picture = stage.print("png").await;
    let code = tools::codes(&picture).trim_end_matches('\n').to_owned();
    let key = stage.key();
    let key = key.as_str();
    let said = ended(&["verify", "--public-key", key, "--json", "--", &code]).success();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["valid"], true);
    assert_eq!(
        (&said["ticket_id"], &said["concert_id"]),
        (&json!(ticket), &json!(concert))
    );

    // A picture will do as well, and the ring of keys may hold others.
    let ring = [format!("1:{key}"), format!("2:{}", "ab".repeat(32))];
    let base = ["verify", "--public-key", &ring[0], "--public-key", &ring[1]];
    let verify = |more: &[&str]| ended(&[&base[..], more, &[text(&picture)]].concat());
    let right = ["--concert", concert, "--concert-version", "1"];
    verify(&[&right[..], &["--on", "2031-05-17"]].concat()).success();
    for (gate, verdict) in [
        (["--concert", ticket], "wrong show"),
        (["--concert-version", "2"], "outdated"),
        (["--on", "2031-05-18"], "wrong day"),
    ] {
        let said = verify(&gate).failure();
        assert!(said.contains(verdict), "{gate:?}: {said}");
    }
    let unknown = ended(&["verify", "--public-key", &ring[1], text(&picture)]).failure();
    assert!(unknown.contains("key 1"), "{unknown}");

    let other = if code.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{other}", &code[..code.len() - 1]);
    let other_key = format!("{}{}", &key[1..], &key[..1]);
    for (key, code) in [
        (key, &*forged),
        (key, "nonsense"),
        (key, ""),
        (&*other_key, &*code),
    ] {
        let ended = ended(&["verify", "--public-key", key, "--", code]);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(!ended.output.contains("valid"), "{ended:?}");
    }
    assert!(
        ended(&["verify", "--public-key", "12", "--", &code])
            .failure()
            .contains("64")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_taken_as_scanners_type_it_and_out_of_any_file() {
    let stage = Stage::new().await;
    let key = stage.key();
    let verify = |code: &str| ended(&["verify", "--public-key", &key, "--", code]);
    let png = stage.print("png").await;
    let code = tools::codes(&png).trim_end_matches('\n').to_owned();
    for typed in [
        code.to_lowercase(),
        format!("]Q1{code}"),
        format!("  ]q1{}\r\n", code.to_lowercase()),
        format!("\t{code}\n"),
    ] {
        let said = verify(&typed).success();
        assert!(said.contains(&stage.ticket), "{typed:?}: {said}");
    }
    for format in ["svg", "pdf", "png"] {
        let file = stage.print(format).await;
        let said = verify(text(&file)).success();
        assert!(said.contains(&stage.ticket), "{format}: {said}");
        // Whatever it is called.
        let renamed = stage.folder.path().join("IMG 0001");
        std::fs::copy(&file, &renamed).unwrap();
        verify(text(&renamed)).success();
    }
    let wrong = stage.folder.path().join("ticket.gif");
    std::fs::write(&wrong, b"GIF89a").unwrap();
    let said = verify(text(&wrong)).failure();
    assert!(
        said.contains("neither PNG nor JPEG nor PDF nor SVG"),
        "{said}"
    );
    let missing = stage.folder.path().join("missing.jpg");
    let said = verify(text(&missing)).failure();
    assert!(said.contains("missing.jpg cannot be read"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_a_cancelled_concert_is_refused() {
    let stage = Stage::new().await;
    let key = stage.key();
    let cancelled = json!({"status": "CANCELLED"});
    let path = format!("/api/v1/concerts/{}", stage.concert);
    stage.server.http.put(&path, &cancelled).await;
    stage.ask().await;
    for format in ["svg", "pdf", "png"] {
        let file = stage.print(format).await;
        let base = ["verify", "--public-key", &key];
        let said = ended(&[&base[..], &[text(&file)]].concat()).failure();
        assert!(said.contains("cancelled"), "{format}: {said}");
        assert!(said.contains(&stage.ticket), "{format}: {said}");
        let ended = ended(&[&base[..], &["--json", text(&file)]].concat());
        assert_eq!(ended.status, Some(1));
        let said: Value = serde_json::from_str(&ended.output).unwrap();
        assert_eq!(said["valid"], false);
        assert_eq!(said["verdict"], "cancelled");
    }
}
