//! No statement of the service may read a table from end to end: each is found in the source
//! and its plan looked at.

use std::fs;

use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;

use super::{Options, SqliteStore};

/// Statements that read a whole table or index on purpose, with what they read.
const MEANT: [(&str, &str); 6] = [
    // Pages of everything, in the order of the key, ended by their limit.
    ("LIST_JOBS", "jobs"),
    ("LIST_JOBS", "finished_jobs"),
    // Partial indexes that hold only what is asked for.
    ("LIST_DEAD", "finished_jobs"),
    ("COUNT_JOBS", "jobs"),
    ("COUNT_JOBS", "finished_jobs"),
    ("COUNT_WORKERS", "jobs"),
];

const TABLES: [&str; 9] = [
    "layouts",
    "concerts",
    "sales",
    "tickets",
    "jobs",
    "finished_jobs",
    "plans",
    "idempotency_keys",
    "leases",
];

/// The constants of a source file that hold statements: name and text.
fn statements(source: &str) -> Vec<(String, String)> {
    source
        .split("\nconst ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(": &str = \"")?;
            let (text, _) = rest.split_once("\";")?;
            let verb = text.split_whitespace().next()?;
            let plans = ["select", "insert", "update", "delete", "with"].contains(&verb);
            plans.then(|| (name.to_owned(), text.to_owned()))
        })
        .collect()
}

/// The table that a line of a plan scans, under whatever name the statement gives it.
fn scanned(line: &str, statement: &str) -> Option<&'static str> {
    let name = line.strip_prefix("SCAN ")?.split_whitespace().next()?;
    TABLES.into_iter().find(|table| {
        *table == name
            || statement.contains(&format!("{table} as {name}\n"))
            || statement.contains(&format!("{table} as {name} "))
    })
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.db");
    let store = SqliteStore::open(&file, Options::serve()).await.unwrap();
    let mut lease = store.writer.lend().await.unwrap();
    let (mut looked_at, mut scans) = (0, Vec::new());
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite")).unwrap() {
        let path = entry.unwrap().path();
        // An audit reads everything: that is its purpose.
        if path.ends_with("audit.rs") || path.extension().is_none_or(|ext| ext != "rs") {
            continue;
        }
        for (name, statement) in statements(&fs::read_to_string(&path).unwrap()) {
            looked_at += 1;
            let explain = AssertSqlSafe(format!("explain query plan {statement}"));
            let plan = sqlx::query(explain).fetch_all(&mut *lease).await.unwrap();
            for row in plan {
                let line: String = row.get("detail");
                if let Some(table) = scanned(&line, &statement)
                    && !MEANT.contains(&(name.as_str(), table))
                {
                    scans.push(format!("{name}: {line}"));
                }
            }
        }
    }
    assert!(looked_at > 40, "only {looked_at} statements were found");
    assert_eq!(scans, Vec::<String>::new());
}
