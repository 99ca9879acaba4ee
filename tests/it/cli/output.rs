//! Standard output: all of an answer or a failure, and nothing beside it.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::ids::IdSource;
use domain::job::{NewJob, Noop};
use domain::ports::{BATCH_MAX, Store};
use domain::{Clock, JobId, SystemClock, SystemIds};
use serde_json::Value;
use storage::Access;
use tests::process::{self, Ended};
use tests::{svg, tools};

use super::{ended, folder, text};

/// Commands that answer without a ledger.
const PLAIN: [&[&str]; 12] = [
    &["--help"],
    &["--version"],
    &["help", "jobs"],
    &["jobs", "list", "--help"],
    &["openapi"],
    &["config", "show"],
    &["config", "check"],
    &["render", "ticket", "--example"],
    &["render", "plan", "--example"],
    &["render", "layout", "--house", "arena"],
    &["load", "show"],
    &["load", "show", "general"],
];

/// Commands that look at a ledger.
const OF_A_LEDGER: [&[&str]; 10] = [
    &["migrate"],
    &["migrate", "--json"],
    &["audit"],
    &["audit", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["jobs", "list"],
    &["jobs", "list", "--json"],
    &["jobs", "pause", "prints", "--json"],
    &["jobs", "retry", "--all"],
];

fn commands(data_dir: &Path) -> impl Iterator<Item = Command> {
    let of_a_ledger = OF_A_LEDGER.iter().map(move |args| {
        let mut command = process::command();
        command.args(*args).arg("--data-dir").arg(data_dir);
        command
    });
    let plain = PLAIN.iter().map(|args| {
        let mut command = process::command();
        command.args(*args);
        command
    });
    plain.chain(of_a_ledger.collect::<Vec<_>>())
}

/// Runs a command with this standard output; its exit status and its standard error.
fn into(output: impl Into<Stdio>, mut command: Command) -> (Option<i32>, String) {
    let ended = command.stdout(output).stderr(Stdio::piped()).output();
    let ended = ended.expect("the binary runs");
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), errors)
}

#[test]
fn a_command_whose_answer_is_lost_says_so_and_fails() {
    let folder = folder();
    process::run(folder.path(), &["migrate"]).success();
    for command in commands(folder.path()) {
        let shown = format!("{command:?}");
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let (status, errors) = into(full, command);
        assert_eq!(status, Some(1), "{shown}: {errors}");
        let last = errors.lines().last().unwrap_or_default();
        let expected = "error: standard output cannot be written: No space left on device";
        assert!(last.starts_with(expected), "{shown}: {errors}");
    }
}

#[test]
fn a_reader_that_went_away_is_told_nothing() {
    let folder = folder();
    process::run(folder.path(), &["migrate"]).success();
    for command in commands(folder.path()) {
        let shown = format!("{command:?}");
        let is_doctor = shown.contains("doctor");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (status, errors) = into(writer, command);
        assert_eq!(errors, "", "{shown}");
        // The address that it tries may be taken.
        assert!(status == Some(0) || is_doctor, "{shown}: {status:?}");
    }
}

#[test]
fn pictures_and_documents_go_through_pipes() {
    let folder = folder();
    let example = ended(&["render", "ticket", "--example"]).success();
    let draw = |args: &[&str]| {
        let mut command = process::command();
        command
            .args(["render", "ticket", "--input", "-", "--output", "-"])
            .args(args);
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn().expect("the binary runs");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(example.as_bytes()).expect("it reads");
        drop(input);
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{args:?}");
        ended.stdout
    };
    let document: Value = serde_json::from_str(&example).unwrap();
    let picture = draw(&[]);
    svg::assert_text(&picture, document["concert_name"].as_str().unwrap());
    assert_eq!(draw(&["--format", "svg"]), picture);
    for (format, begins) in [("pdf", &b"%PDF-"[..]), ("png", b"\x89PNG\r\n")] {
        let file = folder.path().join(format!("ticket.{format}"));
        let drawn = draw(&["--format", format]);
        assert!(drawn.starts_with(begins), "{format}");
        std::fs::write(&file, drawn).unwrap();
        // Whole, too.
        if format == "pdf" {
            tools::run("qpdf", &["--check"], &file);
        } else {
            let code = document["code"].as_str().unwrap();
            assert_eq!(tools::codes(&file).trim_end_matches('\n'), code);
        }
    }

    let layout = ended(&["render", "layout", "--house", "theatre", "--output", "-"]).success();
    assert!(serde_json::from_str::<Value>(&layout).unwrap().is_object());
    assert!(!Path::new("-").exists());
    let plan = folder.path().join("plan.json");
    std::fs::write(&plan, ended(&["render", "plan", "--example"]).success()).unwrap();
    let draw_plan = |format: &str| {
        let args = [
            "render",
            "plan",
            "--input",
            text(&plan),
            "--output",
            "-",
            "--format",
            format,
        ];
        ended(&args)
    };
    assert_eq!(
        svg::desc(draw_plan("svg").success().as_bytes())
            .split('|')
            .count(),
        3
    );
    let said = draw_plan("pdf").failure();
    assert!(said.contains("pdf"), "{said}");
}

/// A ledger with so many jobs that wait.
async fn with_jobs(data_dir: &Path, jobs: usize) {
    let opened = storage::open_embedded(data_dir, Access::Serve).await;
    let store = opened.expect("the folder is empty").store;
    let now = SystemClock.now();
    let jobs: Vec<_> = (0..jobs)
        .map(|_| NewJob::of(&Noop {}, JobId(SystemIds.next()), now, now))
        .collect();
    for batch in jobs.chunks(BATCH_MAX) {
        let mut tx = store.begin().await.expect("nobody else writes");
        tx.insert_jobs(batch).await.expect("they are new");
        tx.commit().await.expect("the disk has room");
    }
    store.close().await;
}

#[tokio::test]
async fn jobs_are_listed_page_by_page_however_many_there_are() {
    const JOBS: usize = 2_300;
    let folder = folder();
    with_jobs(folder.path(), JOBS).await;
    let list = |args: &[&str]| -> (Vec<String>, Ended) {
        let all = [&["jobs", "list", "--json"], args].concat();
        let listed = process::run(folder.path(), &all);
        let jobs: Vec<Value> = serde_json::from_str(&listed.output).expect("JSON and no more");
        let ids = jobs
            .iter()
            .map(|job| job["id"].as_str().unwrap().to_owned());
        (ids.collect(), listed)
    };
    let (all, listed) = list(&["--max", "5000"]);
    assert_eq!(all.len(), JOBS);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), JOBS);
    assert_eq!(listed.errors, "");
    let (first, listed) = list(&["--max", "1500"]);
    assert_eq!(first, all[..1_500]);
    assert!(
        listed
            .errors
            .contains(&format!("--before {}", first[1_499])),
        "{}",
        listed.errors
    );
    let (rest, listed) = list(&["--max", "1500", "--before", &first[1_499]]);
    assert_eq!(rest, all[1_500..]);
    assert_eq!(listed.errors, "");
    assert!(
        list(&["--max", "2300"]).1.errors.is_empty(),
        "there are no more"
    );
    let (none, _) = list(&["--before", &all[JOBS - 1]]);
    assert!(none.is_empty());
    // The table is the same list, with its head.
    let table = process::run(folder.path(), &["jobs", "list", "--max", "5000"]).success();
    let ids: Vec<_> = table.lines().skip(1).map(|line| &line[..36]).collect();
    assert_eq!(ids, all);
}

#[tokio::test]
async fn a_kind_that_nobody_ever_heard_of_is_refused_as_a_queue_is() {
    let folder = folder();
    with_jobs(folder.path(), 1).await;
    for args in [
        &["jobs", "list", "--kind", "nosuch"][..],
        &["jobs", "list", "--kind", "NOOP", "--json"],
        &["jobs", "list", "--queue", "nosuch"],
        &["jobs", "retry", "--all", "--kind", "nosuch"],
        &["jobs", "list", "--before", "nosuch"],
    ] {
        let refused = process::run(folder.path(), args);
        assert_eq!(refused.output, "", "{args:?}");
        let said = refused.failure();
        assert!(
            said.contains(args[args.len() - 1]) || said.contains("NOOP"),
            "{said}"
        );
    }
    let said = process::run(folder.path(), &["jobs", "list", "--kind", "nosuch"]).failure();
    assert!(said.contains("render_ticket, render_plan"), "{said}");
    // One that is known and has no jobs is none.
    let none = process::run(
        folder.path(),
        &["jobs", "list", "--kind", "render_plan", "--json"],
    );
    assert_eq!(none.success(), "[]\n");
}
