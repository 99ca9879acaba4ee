//! The command line.

mod benches;
mod doctor;
mod jobs;
mod memory;
mod metrics;
mod open_files;
mod output;
mod soak;
mod verify;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tests::process::{self, Ended};
use tests::{svg, tools};

/// Runs the binary; arguments only.
#[track_caller]
fn ended(args: &[&str]) -> Ended {
    Ended::of(process::command().args(args))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders are named in ASCII")
}

#[test]
fn the_help_of_every_command_shows_an_example() {
    fn check(command: &[String]) -> usize {
        let mut line = process::command();
        let help = Ended::of(line.args(command).arg("--help")).success();
        assert!(help.contains("Usage:"), "{command:?}: {help}");
        let inner = subcommands(&help);
        if inner.is_empty() {
            assert!(help.contains("Example"), "{command:?}: {help}");
        }
        let checked = |name: String| check(&[command, &[name]].concat());
        1 + inner.into_iter().map(checked).sum::<usize>()
    }
    let commands = check(&[]);
    assert!(commands > 20, "only {commands} were found");
}

/// The names under "Commands:" of a help text.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_wrong_command_line_is_refused_with_a_hint() {
    for args in [
        &["nonsense"][..],
        &["run", "--nonsense"],
        &["jobs"],
        &["render", "ticket"],
    ] {
        let ended = ended(args);
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:?}");
        assert!(
            ended.errors.contains("--help"),
            "{args:?}: {}",
            ended.errors
        );
    }
}

/// Draws the example document of a kind into a file with that ending.
fn drawn(folder: &TempDir, kind: &str, ending: &str) -> PathBuf {
    let input = folder.path().join(format!("{kind}.json"));
    let output = folder.path().join(format!("{kind}.{ending}"));
    let example = ended(&["render", kind, "--example"]).success();
    std::fs::write(&input, example).expect("the folder is the test's own");
    ended(&[
        "render",
        kind,
        "--input",
        text(&input),
        "--output",
        text(&output),
    ])
    .success();
    output
}

#[test]
fn an_example_ticket_can_be_drawn_in_every_format() {
    let folder = folder();
    let document: Value =
        serde_json::from_str(&ended(&["render", "ticket", "--example"]).success()).unwrap();
    let (name, id) = (
        document["concert_name"].as_str().unwrap(),
        &document["ticket_id"],
    );
    let picture = std::fs::read(drawn(&folder, "ticket", "svg")).unwrap();
    svg::assert_text(&picture, name);
    assert_eq!(svg::desc(&picture), id.as_str().unwrap());
    let pdf = drawn(&folder, "ticket", "pdf");
    tools::run("qpdf", &["--check"], &pdf);
    assert!(tools::pdf_text(&pdf).contains(name));
    let scanned = tools::codes(&drawn(&folder, "ticket", "png"));
    assert_eq!(
        scanned.trim_end_matches('\n'),
        document["code"].as_str().unwrap()
    );
}

#[test]
fn an_example_plan_can_be_drawn() {
    let folder = folder();
    let picture = std::fs::read(drawn(&folder, "plan", "svg")).unwrap();
    assert_eq!(svg::desc(&picture).split('|').count(), 3);
    let picture = std::fs::read(drawn(&folder, "plan", "png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
}

#[test]
fn houses_are_written_down_and_drawn() {
    let folder = folder();
    for house in ["theatre", "arena", "stadium"] {
        let layout = folder.path().join(format!("{house}.json"));
        let output = folder.path().join(format!("{house}.svg"));
        ended(&[
            "render",
            "layout",
            "--house",
            house,
            "--seats",
            "3000",
            "--output",
            text(&layout),
        ])
        .success();
        let plan = folder.path().join("plan.json");
        let example = ended(&["render", "plan", "--example"]).success();
        std::fs::write(&plan, example).unwrap();
        let mut args = vec!["render", "plan", "--input", text(&plan)];
        args.extend(["--layout", text(&layout), "--output", text(&output)]);
        ended(&args).success();
        svg::assert_text(&std::fs::read(&output).unwrap(), "A – € 89");
        args.extend(["--section", "nowhere"]);
        assert!(ended(&args).failure().contains("nowhere"));
    }
}

#[test]
fn documents_are_read_after_a_byte_order_mark_and_refused_in_utf_16_by_its_name() {
    let folder = folder();
    let input = folder.path().join("ticket.json");
    let drawn = folder.path().join("ticket.svg");
    let example = ended(&["render", "ticket", "--example"]).success();
    let args = [
        "render",
        "ticket",
        "--input",
        text(&input),
        "--output",
        text(&drawn),
    ];
    std::fs::write(&input, format!("\u{feff}{example}")).unwrap();
    ended(&args).success();
    let wide: Vec<_> = example.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&input, wide).unwrap();
    let said = ended(&args).failure();
    assert!(said.contains("UTF-16"), "{said}");
}

#[test]
fn what_cannot_be_drawn_is_refused_and_leaves_no_file() {
    let folder = folder();
    let input = folder.path().join("input.json");
    for (document, ending) in [
        ("{}", "svg"),
        ("not JSON", "svg"),
        (&*ended(&["render", "ticket", "--example"]).success(), "gif"),
    ] {
        std::fs::write(&input, document).unwrap();
        let output = folder.path().join(format!("ticket.{ending}"));
        let said = ended(&[
            "render",
            "ticket",
            "--input",
            text(&input),
            "--output",
            text(&output),
        ]);
        assert!(said.failure().starts_with("error: "));
        assert!(!output.exists());
    }
    let missing = folder.path().join("missing.json");
    let output = folder.path().join("x.svg");
    let said = ended(&[
        "render",
        "plan",
        "--input",
        text(&missing),
        "--output",
        text(&output),
    ]);
    assert!(said.failure().contains("missing.json"));
}

#[test]
fn the_defaults_are_a_configuration_that_can_be_checked() {
    let folder = folder();
    let defaults = ended(&["config", "show"]).success();
    assert!(
        defaults.lines().any(|line| line.starts_with('#')),
        "they are commented"
    );
    let file = folder.path().join("config.toml");
    std::fs::write(&file, &defaults).unwrap();
    let checked = ended(&["config", "check", "--config", text(&file)]).success();
    for section in [
        "[engine",
        "[server]",
        "[api]",
        "[limits]",
        "[workers]",
        "[scheduler]",
    ] {
        assert!(checked.contains(section), "{section} in {checked}");
    }
    std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:4321\"\n").unwrap();
    assert!(
        ended(&["config", "check", "--config", text(&file)])
            .success()
            .contains("4321")
    );
    let mut command = process::command();
    command.env("TICKETOVERFLOW__SERVER__LISTEN", "127.0.0.1:4322");
    let checked = Ended::of(command.args(["config", "check", "--config", text(&file)])).success();
    assert!(
        checked.contains("4322"),
        "the environment counts more than the file: {checked}"
    );
    for bad in [
        "[nonsense]\nx = 1\n",
        "[api]\nbody_bytes_max = \"many\"\n",
        "[api\n",
    ] {
        std::fs::write(&file, bad).unwrap();
        let said = ended(&["config", "check", "--config", text(&file)]).failure();
        assert!(said.starts_with("error: "), "{bad}: {said}");
    }
}

#[test]
fn the_description_is_the_one_that_is_served() {
    let openapi: Value = serde_json::from_str(&ended(&["openapi"]).success()).unwrap();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(openapi["paths"]["/api/v1/tickets"]["post"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_ledger_is_migrated_audited_and_found_well() {
    let folder = folder();
    process::run(folder.path(), &["migrate"]).success();
    process::run(folder.path(), &["migrate"]).success();
    let report = process::run(folder.path(), &["audit", "--json"]).success();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["ok"], true);
    let lines = process::run(folder.path(), &["audit"]).success();
    let names = report["invariants"].as_array().unwrap();
    assert_eq!(lines.lines().count(), names.len());
    for invariant in names {
        assert!(
            lines.contains(invariant["name"].as_str().unwrap()),
            "{lines}"
        );
    }
    let found = process::run(folder.path(), &["doctor", "--json"]);
    let found: Value = serde_json::from_str(&found.output).unwrap();
    let ledger = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["what"] == "ledger");
    assert_eq!(ledger.unwrap()["ok"], true);
}

#[test]
fn an_audit_of_a_folder_without_a_ledger_is_an_error() {
    let folder = folder();
    let said = process::run(&folder.path().join("nowhere"), &["audit"]).failure();
    assert!(said.contains("nowhere"), "{said}");
    assert!(
        !folder.path().join("nowhere").exists(),
        "looking makes nothing"
    );
}

#[test]
fn the_demo_proves_itself_and_leaves_its_pictures() {
    let folder = folder();
    let output = folder.path().join("demo");
    for _ in 0..2 {
        let mut command = process::command();
        command.args(["demo", "--exit", "--output", text(&output)]);
        let said = Ended::within(process::LONG_RUN, &mut command).success();
        assert!(!said.contains("BROKEN"), "{said}");
    }
    svg::assert_text(
        &std::fs::read(output.join("ticket.svg")).unwrap(),
        "Bob on Ice",
    );
    svg::assert_text(
        &std::fs::read(output.join("seating.svg")).unwrap(),
        "Bob on Ice",
    );
    tools::run("qpdf", &["--check"], &output.join("ticket.pdf"));
}

#[test]
fn the_demo_leaves_the_folders_of_others_alone() {
    let folder = folder();
    let precious = folder.path().join("data").join("precious.txt");
    std::fs::create_dir_all(precious.parent().unwrap()).unwrap();
    std::fs::write(&precious, "mine").unwrap();
    let said = ended(&["demo", "--exit", "--output", text(folder.path())]).failure();
    assert!(said.contains("--output"), "{said}");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
}
