//! What an operator may count on: a result whatever happens, an end when it is wanted, and no
//! option that does nothing.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use loadtest::Kind;
use tests::process;
use tests::{Server, TestApp, wait};

use super::wrong::{Defect, WrongServer};
use super::{broken_promises, command, load, read};

/// A run that goes on while the test does something. Killed when dropped.
pub(super) struct Run {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Run {
    pub(super) fn start(target: &str, args: &[&str]) -> Self {
        Self::of(process::command(), target, args)
    }

    /// As [`Run::start`], of a command that ends in the binary.
    fn of(mut command: Command, target: &str, args: &[&str]) -> Self {
        command.arg("load").args(args).args(["--target", target]);
        let piped = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the binary runs");
        let errors = BufReader::new(child.stderr.take().expect("it is piped"));
        Self { child, errors }
    }

    /// Waits for a line on standard error.
    pub(super) fn until_line(&mut self, words: &str) {
        let mut lines = self.errors.by_ref().lines();
        let found = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(words)));
        assert!(found.is_some(), "it ends without {words:?}");
    }

    fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }

    pub(super) async fn ends(mut self) -> ExitStatus {
        wait::eventually("the run ends", || {
            let ended = self.child.try_wait().expect("it is our child");
            async move { ended }
        })
        .await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of small concerts, and of a crowd that ends with these lines.
fn scenario(folder: &Path, concerts: u32, crowd: &str) -> String {
    let file = folder.join("own.toml");
    let text = format!(
        "about = 'a crowd of its own'
        [[concert]]
        key = 'a'
        name = 'A Night'
        venue = 'Hall'
        capacity = 1
        in_days = 3
        count = {concerts}
        [[phase]]
        name = 'only'
        [[phase.crowd]]
        name = 'crowd'
        clients = 10
        customers = 1000
        {crowd}"
    );
    std::fs::write(&file, text).expect("the folder is the test's own");
    file.to_str().expect("ASCII").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_server_dies_is_reported_and_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let result = folder.path().join("r.json");
    let page = folder.path().join("r.html");
    let files = [&result, &page].map(|path| path.to_str().expect("ASCII"));
    let target = server.http.base().to_owned();
    let mut run = Run::start(
        &target,
        &[
            "small",
            "--duration",
            "4s",
            "--json",
            files[0],
            "--html",
            files[1],
        ],
    );
    run.until_line("    1 s  ");
    server.kill();
    assert_eq!(run.ends().await.code(), Some(1));
    let report = read(&result);
    assert!(report.of_kind(Kind::User).count(200) > 0);
    assert_eq!(broken_promises(&report), ["P2 unserved", "P9 not-audited"]);
    let why = report.verdicts.iter().rfind(|verdict| !verdict.ok);
    let why = &why.expect("some are broken").details[0];
    assert!(why.contains("got no answer"), "{why}");
    // What cannot be known without the audit is not said to be kept.
    let said = |name: &str| report.verdicts.iter().any(|verdict| verdict.name == name);
    assert!(said("P2 unserved") && !said("P2 undersold"));
    let page = std::fs::read_to_string(&page).expect("the page was written");
    assert!(page.contains("got no answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_has_no_place_is_refused_before_the_run() {
    let server = WrongServer::start(Defect::None).await;
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("none").join("x.html");
    let nowhere = nowhere.to_str().expect("ASCII");
    let sale = ["load", "small", "--target", &server.url()];
    for option in ["--html", "--json"] {
        let errors = command(&[&sale[..], &[option, nowhere]].concat()).failure();
        assert!(errors.contains("x.html cannot be written"), "{errors}");
        assert!(!errors.contains("a first look"), "it began: {errors}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_ends_a_run_whose_server_does_not_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let mut run = Run::start(server.http.base(), &["small", "--duration", "60s"]);
    run.until_line("    1 s  ");
    server.freeze();
    run.interrupt();
    run.until_line("another one ends it");
    run.interrupt();
    assert_eq!(run.ends().await.code(), Some(130));
    server.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_ends_a_closed_loop_that_still_grows() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("r.json");
    let args = ["small", "--closed", "--json", file.to_str().expect("ASCII")];
    let mut run = Run::start(app.http.base(), &args);
    run.until_line("    1 s  ");
    run.interrupt();
    assert_eq!(run.ends().await.code(), Some(130));
    let report = read(&file);
    assert!(report.cut_short && report.warnings[0].contains("by a signal"));
    // The last of its clients would have come after a minute.
    assert!(report.elapsed_s < 5.0, "{}", report.elapsed_s);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_signal_ends_in_the_report_and_a_status_of_its_own() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let signals = [("-INT", 130), ("-TERM", 143), ("-HUP", 129)];
    let runs = signals.map(|(signal, status)| {
        let file = folder.path().join(format!("{status}.json"));
        let json = format!("--json={}", file.display());
        let mut run = Run::start(app.http.base(), &["small", "--duration=60s", &json]);
        run.until_line("    1 s  ");
        run.signal(signal);
        (run, status, file)
    });
    for (run, status, file) in runs {
        assert_eq!(run.ends().await.code(), Some(status));
        let report = read(&file);
        assert!(report.cut_short && report.holds(), "{:?}", report.verdicts);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_to_outlive_its_terminal_does() {
    let app = TestApp::start().await;
    let mut command = Command::new("nohup");
    command.arg(process::command().get_program());
    let args = ["small", "--scale=0.1", "--duration=2s"];
    let mut run = Run::of(command, app.http.base(), &args);
    run.until_line("    1 s  ");
    run.signal("-HUP");
    assert_eq!(run.ends().await.code(), Some(0));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_that_nobody_let_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    server.freeze();
    let mut run = Run::start(server.http.base(), &["small"]);
    run.until_line("a first look");
    run.signal("-TERM");
    run.until_line("stopped before anybody came");
    assert_eq!(run.ends().await.code(), Some(143));
    server.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_sends_home_who_would_stay() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let crowd = "steps = ['user', 'think']\nthink_s = 3600\nrate = 100";
    let file = scenario(folder.path(), 1, crowd);
    let mut run = Run::start(app.http.base(), &[&file]);
    run.until_line("    1 s  ");
    run.interrupt();
    assert_eq!(run.ends().await.code(), Some(130));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_is_cut_short_at_its_limit() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    // Without a limit they would stay for an hour.
    let crowd = "steps = ['user', 'think']\nthink_s = 3600\nrate = 100";
    let file = scenario(folder.path(), 1, crowd);
    let runs = [
        (
            "--rate=50",
            "open loop: 1,000 customers within 20 s, 50 a second at most",
        ),
        (
            "--scale=0.5",
            "open loop: 500 customers within 10 s, 50 a second at most",
        ),
        (
            "--duration=60s",
            "open loop: 1,000 customers within 60 s, 17 a second at most",
        ),
        (
            "--closed",
            "closed loop: 10 clients come again until 1,000 customers were here",
        ),
        ("--rate=max", "as fast as it goes: 1,000 customers"),
    ];
    let runs = runs.map(|(how, plan)| {
        let result = folder.path().join(format!("{how}.json"));
        let json = format!("--json={}", result.display());
        let args = [&file, how, "--duration-max=1s", &json, "--connections=20"];
        let mut run = Run::start(app.http.base(), &args);
        run.until_line(&format!("{plan}; over 20 connections, cut short after 1 s"));
        (how, run, result)
    });
    for (how, run, result) in runs {
        assert_eq!(run.ends().await.code(), Some(0), "{how}");
        let report = read(&result);
        assert!(report.cut_short && report.generator.arrived > 0, "{how}");
        let why = "by its limit of 1 s (--duration-max): 0 of at most";
        assert!(report.warnings[0].contains(why), "{:?}", report.warnings);
        let summary = report.summary();
        assert!(summary.starts_with("Every promise was kept until the run was cut short: "));
        assert!(loadtest::page(&report).contains(&summary));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_a_later_phase_comes_when_the_run_was_cut_short() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let result = folder.path().join("r.json");
    let file = scenario(
        folder.path(),
        1,
        "steps = ['user', 'think']
        think_s = 3600
        rate = 100
        [[phase]]
        name = 'later'
        [[phase.crowd]]
        name = 'who comes at once'
        clients = 1
        customers = 10
        rate = 1000
        arrivals = 'steady'
        steps = ['concert']",
    );
    let json = format!("--json={}", result.display());
    let run = Run::start(app.http.base(), &[&file, "--duration-max=1s", &json]);
    assert_eq!(run.ends().await.code(), Some(0));
    let report = read(&result);
    let [users, concerts] = [Kind::User, Kind::Concert].map(|kind| report.of_kind(kind).answers());
    assert!(users > 0);
    assert_eq!(concerts, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_had_not_come_before_the_run_was_cut_short_breaks_no_promise() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let result = folder.path().join("r.json");
    // Those who print for tonight come after thirty seconds.
    let args = [
        "priority",
        "--scale=0.1",
        "--duration=60s",
        "--duration-max=1s",
    ];
    let json = format!("--json={}", result.display());
    let run = Run::start(app.http.base(), &[&args[..], &[&json]].concat());
    assert_eq!(run.ends().await.code(), Some(0));
    let report = read(&result);
    assert!(report.cut_short && report.bought() > 0);
    let said: Vec<_> = report.verdicts.iter().map(|one| &*one.name).collect();
    assert!(!said.contains(&"P7 urgent-p99"), "{said:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_during_the_audit_ends_it_and_the_sale_is_reported() {
    // The audit waits for three minutes for a plan that shows what was sold.
    let server = WrongServer::start(Defect::OldPlan).await;
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["r.json", "r.html"].map(|name| folder.path().join(name));
    let [json, html] = [&files[0], &files[1]].map(|path| path.to_str().expect("ASCII"));
    let sale = ["seating", "--scale=0.05", "--duration=1s"];
    let results = ["--json", json, "--html", html];
    let mut run = Run::start(&server.url(), &[&sale[..], &results].concat());
    run.until_line("reading what they bought");
    run.interrupt();
    assert_eq!(run.ends().await.code(), Some(130));
    let report = read(&files[0]);
    assert_eq!(report.bought(), 150);
    assert_eq!(broken_promises(&report), ["P9 not-audited"]);
    let verdict = report.verdicts.iter().find(|verdict| !verdict.ok);
    assert_eq!(
        verdict.expect("one is broken").details,
        ["the audit was stopped"]
    );
    // What cannot be known without the audit is not said to be kept.
    let said = |name: &str| report.verdicts.iter().any(|verdict| verdict.name == name);
    assert!(said("P2 unserved") && !said("P2 undersold"));
    let page = std::fs::read_to_string(html).expect("the page was written");
    assert!(page.contains("the audit was stopped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_leave_with_the_customers() {
    let app = TestApp::start().await;
    for how in [["--closed", "--duration=2s"], ["--rate=max", "--threads=2"]] {
        let sale = [&["seating", "--scale", "0.02"], &how[..]].concat();
        let (report, _) = load(app.http.base(), &sale);
        // By the clock they would stay for more than two minutes.
        assert!(report.elapsed_s < 30.0, "{how:?} {}", report.elapsed_s);
    }
    // Nor do those stay who would have come after the end.
    let folder = tempfile::tempdir().expect("a folder");
    let late = "steps = ['user']\n[[phase.crowd]]\nname = 'late'\nclients = 1\ncustomers = 9\n\
                from = 0.5\nsteps = ['user']";
    let file = scenario(folder.path(), 1, late);
    let (report, _) = load(app.http.base(), &[&file, "--closed", "--duration=2s"]);
    assert!(report.elapsed_s < 30.0, "{}", report.elapsed_s);
    app.stop().await;
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let sale = ["load", "general", "--target", "http://127.0.0.1:1"];
    for (options, word) in [
        (&["--closed", "--rate=100"][..], "--rate"),
        (&["--rate=max", "--think=1s"], "--think"),
        (&["--insecure"], "https://"),
        (&["--insecure", "--ca=x.pem"], "--ca"),
    ] {
        let run = process::Ended::of(process::command().args(sale).args(options));
        assert_ne!(run.status, Some(0));
        assert!(run.errors.contains(word), "{}", run.errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_begins_when_everything_is_on_sale() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = scenario(folder.path(), 400, "steps = ['user']\nrate = 1000");
    let (report, _) = load(app.http.base(), &[&file]);
    // By the rate it takes a second.
    assert!(report.elapsed_s < 1.5, "{}", report.elapsed_s);
    assert!(report.concerts.iter().all(|concert| concert.capacity == 1));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generator_without_connections_says_that_it_was_the_limit() {
    let server = WrongServer::start(Defect::None).await;
    let warned = |connections| {
        let sale = ["small", "--scale=0.6", "--duration=0.1s", connections];
        let (report, _) = load(&server.url(), &sale);
        let mut warnings = report.warnings.iter();
        warnings.any(|warning| warning.contains("connections than for an answer"))
    };
    assert!(warned("--connections=1"));
    assert!(!warned("--connections=512"));
}
