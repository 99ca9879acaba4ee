//! Rules of the house that a machine can check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::process::{self, Ended};

/// The crates and what each may use of the others, as the design has it.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("storage", &["domain"]),
    ("renderers", &["domain"]),
    ("api", &["domain"]),
    ("workers", &["domain", "renderers"]),
    ("scheduler", &["domain"]),
    ("loadtest", &["domain"]),
    (
        "cli",
        &[
            "domain",
            "storage",
            "renderers",
            "api",
            "workers",
            "scheduler",
            "loadtest",
        ],
    ),
];

/// The longest source file.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is around")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder of the workspace.
fn sources(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

fn crates() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|(name, _)| *name).chain(["tests"])
}

fn all_sources() -> Vec<PathBuf> {
    crates().flat_map(sources).collect()
}

/// The product's own code, without the tests that stand in it.
fn product_code() -> Vec<(PathBuf, String)> {
    let inside = LAYERS
        .iter()
        .flat_map(|(name, _)| sources(&format!("{name}/src")));
    inside
        .filter(|path| !is_test_module(path))
        .map(|path| {
            let text = read(&path);
            let own = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            (path, own.to_owned())
        })
        .collect()
}

/// Whether a file is a module that its parent declares for tests only.
fn is_test_module(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.parent().expect("a file is in a folder");
    let parents = [
        folder.join("mod.rs"),
        folder.join("lib.rs"),
        folder.with_extension("rs"),
    ];
    let declared = format!("#[cfg(test)]\nmod {name};");
    let mut texts = parents
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    texts.any(|text| text.contains(&declared))
}

#[test]
fn every_method_of_a_port_has_its_conformance_test() {
    let suite: String = sources("tests/it/conformance")
        .iter()
        .map(|path| read(path))
        .collect();
    let mut missing = Vec::new();
    for port in sources("domain/src/ports") {
        for line in read(&port).lines() {
            let Some(rest) = line.trim().strip_prefix("async fn ") else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '_')
                .collect();
            // Drawing is not stored anywhere: the renderers' own tests hold it to its comments.
            let drawn = port.ends_with("renderer.rs");
            if !drawn && !suite.contains(&name) {
                missing.push(name);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "tests/it/conformance does not name {missing:?}"
    );
}

#[test]
fn no_source_file_is_too_long() {
    for path in all_sources() {
        let lines = read(&path).lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_crate_says_what_it_is() {
    for name in crates() {
        let path = root().join(name).join("src/lib.rs");
        assert!(read(&path).starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    // Put together here, so that this file does not hold them itself.
    let words = [
        ("to", "do!("),
        ("unimpl", "emented!("),
        ("#[ig", "nore"),
        ("db", "g!("),
    ]
    .map(|(one, two)| format!("{one}{two}"));
    for path in all_sources() {
        let text = read(&path);
        for word in &words {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
    }
}

#[test]
fn only_tests_unwrap() {
    for (path, text) in product_code() {
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.trim_start();
            let comment = code.starts_with("//");
            assert!(
                comment || !code.contains(".unwrap()"),
                "{}:{number}",
                path.display()
            );
        }
    }
}

#[test]
fn the_environment_is_named_in_one_file() {
    for (path, text) in product_code() {
        if path.ends_with("cli/src/env.rs") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.trim_start();
            let named = code.contains("TICKETOVERFLOW__")
                || ["env::var(", "env::vars(", "env::var_os", "env::vars_os"]
                    .iter()
                    .any(|call| code.contains(call));
            assert!(
                code.starts_with("//") || !named,
                "{}:{number}",
                path.display()
            );
        }
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    for engine in ["sqlite", "postgres"] {
        let folder = root().join("migrations").join(engine);
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("there are migrations")
            .map(|entry| {
                entry
                    .expect("it can be listed")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        assert!(!names.is_empty(), "{engine}");
        for (number, name) in (1..).zip(&names) {
            assert!(
                name.starts_with(&format!("{number:04}_")),
                "{engine}: {name} should be number {number}"
            );
            let rest = name[5..]
                .strip_suffix(".sql")
                .unwrap_or_else(|| panic!("{engine}: {name} is no .sql"));
            assert!(
                rest.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{engine}: {name}"
            );
        }
    }
}

#[test]
fn crates_use_only_the_layers_below_them() {
    let names: BTreeSet<_> = crates().collect();
    for (name, allowed) in LAYERS {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        let used: BTreeSet<_> = dependencies(&manifest)
            .filter(|dep| names.contains(dep))
            .collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        let above: Vec<_> = used.difference(&allowed).collect();
        assert!(above.is_empty(), "{name} uses {above:?}");
    }
    for (dependency, owner) in [
        ("sqlx", "storage"),
        ("redis", "storage"),
        ("apalis", "workers"),
        ("axum", "api"),
    ] {
        for (name, _) in LAYERS.iter().filter(|(name, _)| *name != owner) {
            let manifest = read(&root().join(name).join("Cargo.toml"));
            assert!(
                dependencies(&manifest).all(|dep| dep != dependency),
                "{name}: {dependency}"
            );
        }
    }
    let members: BTreeSet<_> = crates().collect();
    let workspace = read(&root().join("Cargo.toml"));
    let line = workspace
        .lines()
        .find(|line| line.starts_with("members"))
        .expect("it has members");
    let listed = line.split('"').skip(1).step_by(2);
    // What stands in a crate's folder is a part of it.
    let listed: BTreeSet<_> = listed.filter(|path| !path.contains('/')).collect();
    assert_eq!(listed, members, "a new crate has a layer");
}

/// What stands left of `=` under `[dependencies]`, without `.workspace`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
}

#[test]
fn the_readme_names_commands_that_exist() {
    let readme = read(&root().join("README.md"));
    let mut checked = 0;
    for line in readme.lines() {
        // The table of commands, and what follows the name of the binary anywhere else.
        let row = line
            .strip_prefix("| `")
            .map(|_| line.split('|').nth(1).unwrap_or_default());
        let mut commands: Vec<Vec<&str>> = Vec::new();
        if let Some(cell) = row.filter(|cell| !cell.contains('%')) {
            let mut group: Option<&str> = None;
            for name in cell.split('`').skip(1).step_by(2) {
                let words: Vec<_> = name.split(' ').collect();
                match (words.as_slice(), group) {
                    ([first, _], _) => {
                        group = Some(first);
                        commands.push(words);
                    }
                    ([one], Some(first)) => commands.push(vec![first, one]),
                    _ => commands.push(words),
                }
            }
        }
        for marker in ["`ticketoverflow ", "--release -- "] {
            let after = line
                .split(marker)
                .skip(1)
                .filter_map(|rest| rest.split(['`', '#']).next());
            commands.extend(after.map(|rest| {
                rest.split_whitespace()
                    .take_while(|word| !word.starts_with('-'))
                    .collect()
            }));
        }
        for command in commands {
            let help = Ended::of(process::command().args(&command).arg("--help"));
            assert_eq!(
                help.status,
                Some(0),
                "{command:?} of README.md: {}",
                help.errors
            );
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} commands were found");
}

#[test]
fn the_readme_names_tests_that_exist() {
    let names: String = all_sources()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let code: String = all_sources().iter().map(|path| read(path)).collect();
    let readme = read(&root().join("README.md"));
    for rest in readme.split("tests/run ").skip(1) {
        let name: String = rest
            .chars()
            .take_while(|char| char.is_alphanumeric())
            .collect();
        if !name.is_empty() {
            assert!(
                names.contains(&name) || code.contains(&name),
                "tests/run {name} runs nothing"
            );
        }
    }
}

#[test]
fn every_figure_is_described() {
    let described = read(&root().join("cli/src/figures.rs"));
    let mut names = BTreeSet::new();
    for folder in ["api", "domain", "scheduler", "storage", "workers"] {
        for path in sources(folder) {
            let code = read(&path);
            // Whatever has the prefix of our figures and is a whole text is the name of one.
            let starts = code.split("\"ticketoverflow_").skip(1);
            let ends = starts.filter_map(|rest| rest.split_once('"'));
            let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let found = ends.map(|(name, _)| name).filter(|name| is_name(name));
            names.extend(found.map(|name| format!("\"ticketoverflow_{name}\"")));
        }
    }
    assert!(names.len() > 20, "{names:?}");
    for name in &names {
        assert!(
            described.contains(name),
            "{name} has no words in cli/src/figures.rs"
        );
    }
    let told = described.matches("\"ticketoverflow_").count();
    assert_eq!(
        told,
        names.len(),
        "cli/src/figures.rs describes what is not there"
    );
}
