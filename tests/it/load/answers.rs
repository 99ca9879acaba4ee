//! Whether customers were answered: that a run says so when they were not, in the words of the
//! answers, and that what the generator did not do is not held against the server.

use std::net::SocketAddr;
use std::process::Command;

use loadtest::{Kind, LoadReport};
use serde_json::json;
use tests::process::{self, Ended};
use tests::{Server, TestApp};

use super::front::Front;
use super::honesty::result;
use super::operator::Run;
use super::verdicts::scenario;
use super::wrong::{Defect, ELSEWHERE, WrongServer};
use super::{broken_promises, command, load, read};

/// Where a server is.
fn address(base: &str) -> SocketAddr {
    let address = base.strip_prefix("http://").and_then(|it| it.parse().ok());
    address.expect("servers of tests are at an address")
}

fn url(front: &Front) -> String {
    format!("http://{}", front.address())
}

/// The first line that says what became of a promise.
fn line<'a>(output: &'a str, promise: &str) -> &'a str {
    let found = output.lines().find(|line| line.starts_with(promise));
    found.unwrap_or_else(|| panic!("nothing of {promise}: {output}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_gone_and_is_back_for_the_audit_is_found_out() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let server = Server::start(folders[0].path());
    let front = Front::open(address(server.http.base())).await;
    let json = folders[1].path().join("r.json");
    let result = format!("--json={}", json.display());
    let mut run = Run::start(&url(&front), &["small", "--duration=3s", &result]);
    run.until_line("    1 s  ");
    server.kill();
    // Its first requests find nobody, and are sent again until somebody is there.
    run.until_line("reading what they bought");
    let server = Server::start(folders[0].path());
    front.lead_to(address(server.http.base()));
    assert_eq!(run.ends().await.code(), Some(1));
    let report = read(&json);
    assert_eq!(broken_promises(&report), ["P2 unserved"]);
    let verdict = report.verdicts.iter().find(|verdict| !verdict.ok);
    let verdict = verdict.expect("one is broken");
    assert!(verdict.value > 20.0 && verdict.limit < 2.0, "{verdict}");
    assert!(verdict.to_string().contains("no answer"), "{verdict}");
    let customers = report.customers;
    assert_eq!(customers.left, 1_000);
    assert!(customers.unanswered > 200, "{customers:?}");
    assert!(report.warnings.iter().any(|one| one.contains("no answer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_ledger_is_found_out_in_its_own_words() {
    let server = WrongServer::start(Defect::Fails).await;
    let sale = |share: &str| {
        let (_folder, file) = scenario(&format!("answered_share = {share}"), "A", r#""buy""#);
        let file = file.to_str().expect("ASCII").to_owned();
        let (report, ended) = load(&server.url(), &[&file, "--retries=0"]);
        (report, ended)
    };
    let (report, ended) = sale("0.6");
    assert_eq!(broken_promises(&report), ["P2 unserved"]);
    let found = line(&ended.output, "P2 unserved");
    assert_eq!(found, "P2 unserved 50.0 % of 40 % BROKEN");
    for words in [
        "  10 of 20 customers were not served",
        "  10 requests failed: buy: 503 the ledger is away",
    ] {
        assert!(ended.output.contains(words), "{}", ended.output);
    }
    assert!(!ended.output.contains("too busy"), "{}", ended.output);
    ended.failure();
    // How many may be left is the scenario's to say; that nobody is served is not.
    let (_, ended) = sale("0");
    assert!(
        line(&ended.output, "P2 unserved").ends_with("100.0 % of 100 % BROKEN"),
        "{}",
        ended.output
    );
    let server = WrongServer::start(Defect::Fails).await;
    let (_folder, file) = scenario("answered_share = 0.4", "A", r#""buy""#);
    let file = file.to_str().expect("ASCII");
    let (_, ended) = load(&server.url(), &[file, "--retries=0"]);
    assert_eq!(
        line(&ended.output, "P2 unserved"),
        "P2 unserved 50.0 % of 60 % ok"
    );
    ended.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_in_vain_until_the_run_is_cut_short_was_not_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let json = folder.path().join("r.json");
    let result = format!("--json={}", json.display());
    let args = ["small", "--duration=3s", "--duration-max=8s", &result];
    let mut run = Run::start(server.http.base(), &args);
    run.until_line("    1 s  ");
    server.freeze();
    run.until_line("reading what they bought");
    server.thaw();
    assert_eq!(run.ends().await.code(), Some(1));
    let report = read(&json);
    assert_eq!(broken_promises(&report), ["P2 unserved"]);
    let customers = report.customers;
    assert!(customers.cut_off > 100, "{customers:?}");
    assert_eq!(customers.unanswered, customers.cut_off);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_generator_cannot_send_is_no_fault_of_the_servers() {
    // Whoever comes while the server does nothing needs a connection, and so a file.
    let server = WrongServer::start(Defect::Stalls).await;
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("r.json");
    let binary = process::command().get_program().to_owned();
    let mut line_of = Command::new("prlimit");
    line_of.arg("--nofile=64:64").arg(binary);
    line_of.args(["load", "small", "--scale=0.5", "--duration=2s"]);
    line_of
        .args(["--target", &server.url(), "--json"])
        .arg(&json);
    let ended = tokio::task::block_in_place(|| Ended::within(process::LONG_RUN, &mut line_of));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let report = read(&json);
    let unsent = &report.generator.unsent;
    assert!(unsent.count > 20, "{unsent:?}");
    assert!(
        unsent.details[0].contains("Too many open files"),
        "{unsent:?}"
    );
    assert_eq!(report.all_requests().unanswered, 0, "{:?}", report.errors);
    let found = line(&ended.output, "P2 unserved");
    assert_eq!(found, "P2 unserved not measured");
    assert!(
        ended.output.contains("no fault of the server's"),
        "{}",
        ended.output
    );
    assert!(
        ended.output.contains("\nNot measured: 1 of "),
        "{}",
        ended.output
    );
    assert!(!ended.output.contains("BROKEN"), "{}", ended.output);
    assert!(ended.errors.contains("ulimit -n"), "{}", ended.errors);
    let page = loadtest::page(&report);
    assert!(page.contains("verdict doubtful") && page.contains("– not measured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generator_without_files_ends_and_says_why() {
    let server = WrongServer::start(Defect::None).await;
    let mut said = Vec::new();
    for files in 10..26 {
        let mut line = Command::new("prlimit");
        line.arg(format!("--nofile={files}:{files}"));
        line.arg(process::command().get_program());
        line.args(["load", "small", "--scale=0.01", "--duration=0.1s"]);
        line.args(["--threads=2", "--target", &server.url()]);
        let ended = tokio::task::block_in_place(|| Ended::of(&mut line));
        assert!(!ended.errors.contains("defect"), "{files}: {ended:?}");
        assert!(!ended.output.contains("BROKEN"), "{files}: {ended:?}");
        if ended.status != Some(0) {
            let told = ended.errors + &ended.output;
            assert!(told.contains("Too many open files"), "{files}: {told}");
            said.push(files);
        }
    }
    assert!(said.contains(&10), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_met_a_closing_connection_is_sent_again() {
    let app = TestApp::start().await;
    let front = Front::that_hangs_up(address(app.http.base())).await;
    let (_folder, file) = scenario("", "A", r#""user", "concert", "buy", "ticket""#);
    let (report, ended) = load(&url(&front), &[file.to_str().expect("ASCII")]);
    assert_eq!(broken_promises(&report), [""; 0], "{}", ended.output);
    for kind in [Kind::User, Kind::Concert, Kind::Ticket] {
        let requests = report.of_kind(kind);
        assert_eq!(
            (requests.count(200), requests.unanswered),
            (20, 0),
            "{kind:?}"
        );
    }
    assert!(report.generator.resent > 0);
    assert!(ended.output.contains("sent again"), "{}", ended.output);
    ended.success();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_named_with_where_it_leads() {
    let server = WrongServer::start(Defect::Moved).await;
    let errors = command(&["load", "small", "--target", &server.url()]).failure();
    let words = format!("answered with 308: to {ELSEWHERE}");
    assert!(errors.contains(&words), "{errors}");
    let server = WrongServer::start(Defect::Redirects).await;
    let (report, _) = load(&server.url(), &["small", "--scale=0.01", "--duration=1s"]);
    let detail = format!("buy: 308 to an order: to {ELSEWHERE}");
    let told = |report: &LoadReport| {
        let mut details = report.verdicts.iter().flat_map(|one| &one.details);
        details.any(|one| *one == detail)
    };
    assert!(told(&report), "{:?}", report.verdicts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_found_below_its_base_path() {
    for (base, given) in [
        ("", "/api/v1"),
        ("", "/api/v1/"),
        ("/tickets", "/tickets"),
        ("/a/b", "/a/b/api/v1"),
    ] {
        let server = WrongServer::start_below(Defect::None, base).await;
        let target = format!("{}{given}", server.url());
        let all = &["rename", "--scale=0.1", "--duration=1s"];
        let (report, ended) = load(&target, all);
        assert_eq!(
            broken_promises(&report),
            [""; 0],
            "{given}: {}",
            ended.output
        );
        assert_eq!(report.target, format!("{}{base}", server.url()));
        assert!(report.of_kind(Kind::Download).count(200) > 0);
        assert_eq!(report.of_kind(Kind::Rename).count(200), 1);
    }
}

#[test]
fn a_share_is_one_of_the_customers_of_all_generators() {
    let part = |seed, left: u64, unanswered: u64, not_sent: u64| {
        let mut json = result(seed, 1, 2);
        let is_broken = unanswered * 100 > left;
        json["customers"] = json!({
            "left": left, "unanswered": unanswered, "not_sent": not_sent,
        });
        json["causes"] = json!({ "buy: 503 the ledger is away": unanswered });
        json["verdicts"] = json!([{
            "name": "P2 unserved", "value": 0.0, "unit": "%", "limit": 1.0, "details": [],
            "ok": !is_broken,
        }]);
        serde_json::from_value::<LoadReport>(json).expect("a result")
    };
    let sum = |parts: [LoadReport; 2]| {
        let sum = LoadReport::merge(parts.into()).expect("they are alike");
        let verdicts = sum.verdicts.iter();
        let mut unserved = verdicts.filter(|one| one.name == "P2 unserved");
        unserved.next().expect("it is there").to_string()
    };
    let few = sum([part(1, 1_000, 0, 0), part(2, 10, 10, 0)]);
    assert_eq!(few, "P2 unserved 1.0 % of 1 % ok");
    let many = sum([part(1, 1_000, 0, 0), part(2, 1_000, 50, 0)]);
    assert_eq!(
        many,
        "P2 unserved 2.5 % of 1 % BROKEN\n  50 of 2000 customers were not served\n  \
         50 requests failed: buy: 503 the ledger is away"
    );
    let unknown = sum([part(1, 1_000, 0, 0), part(2, 1_000, 0, 900)]);
    assert!(unknown.starts_with("P2 unserved not measured"), "{unknown}");
}

#[test]
fn a_scenario_with_a_mistake_is_refused_with_the_name_of_its_step() {
    let run = |from: &str, to: &str| {
        let (_folder, file) = scenario("", "A", r#""buy", "print", "rename""#);
        let text = std::fs::read_to_string(&file).expect("it was written");
        let text = text.replace("urgent = false", "rename_to = 'B'");
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).expect("the folder is the test's own");
        let file = file.to_str().expect("ASCII");
        let line = ["load", file, "--target", "http://127.0.0.1:1"];
        Ended::of(process::command().args(line)).failure()
    };
    for (from, to, words) in [
        ("'B'", "''", "step \"rename\" (3): rename_to is 1 to"),
        (
            "capacity = 60",
            "capacity = 0",
            "concert \"a\": its capacity is 1",
        ),
        (
            "rate = 40",
            "rate = 40\nfrom = 1.0",
            "crowd \"all\" of phase \"only\": from is",
        ),
        ("\"buy\", ", "", "step \"print\" (1): it needs a ticket"),
        ("\"buy\"", "\"recall\"", "step \"recall\" (1): nobody buys"),
        ("name = \"A\"", "name = \"\"", "concert \"a\": name is 1 to"),
    ] {
        let errors = run(from, to);
        assert!(errors.contains(words), "{to}: {errors}");
    }
}
