//! No statement of the service may read a table from end to end: each is found in the source and
//! its plan looked at, as it is made for every connection.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use tests::Database;

/// Tables that grow.
const TABLES: [&str; 10] = [
    "layouts",
    "concerts",
    "sales",
    "recent_sales",
    "tickets",
    "jobs",
    "finished_jobs",
    "plans",
    "idempotency_keys",
    "leases",
];

/// Statements that go through a whole index or table on purpose, with its name.
const MEANT: [(&str, &str); 19] = [
    // Pages of everything, in the order of the key, ended by their limit.
    ("LIST_JOBS", "jobs_pkey"),
    ("LIST_JOBS", "finished_jobs_pkey"),
    // Partial indexes that hold only what is asked for.
    ("LIST_DEAD", "finished_jobs_dead"),
    ("LIST_MARKED", "sales_marked"),
    ("COUNT_JOBS", "jobs_available"),
    ("COUNT_JOBS", "jobs_waiting"),
    ("COUNT_JOBS", "jobs_scheduled"),
    ("COUNT_JOBS", "jobs_running"),
    ("COUNT_JOBS", "finished_jobs_dead"),
    ("COUNT_WORKERS", "jobs_running"),
    // A handful of rows.
    ("LIST_PAUSES", "paused_queues_pkey"),
    ("LIST_PAUSES", "paused_lanes_pkey"),
    ("LIST_SERVICE_TIMES", "service_times_pkey"),
    // Counted up to a limit; and a row for each concert is added up.
    ("MEASURE_SIZE", "concerts_pkey"),
    ("MEASURE_SIZE", "sales"),
    ("MEASURE_SIZE", "jobs_pkey"),
    ("MEASURE_SIZE", "finished_jobs_pkey"),
    ("MEASURE_SIZE", "idempotency_keys_created"),
    ("MEASURE_SIZE", "plans_pkey"),
];

/// The constants of a source file that hold statements: name and text.
fn statements(source: &str) -> Vec<(String, String)> {
    source
        .split("\nconst ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(": &str = \"")?;
            let (text, _) = rest.split_once("\";")?;
            let verb = text.trim_start_matches(['(', ' ', '\n']);
            let verb = verb.split_whitespace().next()?;
            let plans = ["select", "insert", "update", "delete", "with"].contains(&verb);
            plans.then(|| (name.to_owned(), text.to_owned()))
        })
        .collect()
}

/// The settings of every connection, as the source has them.
fn settings(source: &str) -> String {
    let lines = source.lines().map(str::trim);
    let set = lines.filter(|line| line.starts_with("set ") && !line.contains("{}"));
    set.collect::<Vec<_>>().join("\n")
}

/// How many parameters a statement has.
fn parameters(statement: &str) -> usize {
    let numbers = statement.split('$').skip(1).map(|rest| {
        let digits = rest
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    let database = Database::new().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../storage/src/postgres");
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    let settings = settings(&read(&Path::new(folder).join("session.rs")));
    assert!(settings.contains("set enable_seqscan = off;"), "{settings}");
    let mut script = settings;
    let mut looked_at = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // An audit reads everything: that is its purpose.
        if path.ends_with("audit.rs") || path.extension().is_none_or(|ext| ext != "rs") {
            continue;
        }
        for (name, statement) in statements(&read(&path)) {
            let nulls = vec!["null"; parameters(&statement)].join(", ");
            let arguments = if nulls.is_empty() {
                nulls
            } else {
                format!("({nulls})")
            };
            let number = looked_at.len();
            writeln!(
                script,
                "prepare p{number} as {statement};
                 select '# {name}';
                 explain (costs off) execute p{number}{arguments};"
            )
            .unwrap();
            looked_at.push(name);
        }
    }
    assert!(looked_at.len() > 30, "only {looked_at:?} were found");
    let plans = database.sql(&script);
    assert_eq!(plans.matches("# ").count(), looked_at.len(), "{plans}");
    let mut scans = Vec::new();
    for plan in plans.split("# ").skip(1) {
        let (name, plan) = plan.split_once('\n').unwrap();
        let lines: Vec<_> = plan.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let sequential = TABLES
                .iter()
                .find(|table| line.contains(&format!("Seq Scan on {table}")));
            // An index without a condition is read from end to end.
            let conditions = lines
                .get(at + 1)
                .is_some_and(|line| line.contains("Index Cond"));
            let index = line
                .split_once("Index Scan using ")
                .or(line.split_once("Index Only Scan using "));
            let index = index.map(|(_, rest)| rest.split(' ').next().unwrap());
            let whole = index.filter(|_| !conditions);
            let read = sequential.copied().or(whole);
            if read.is_some_and(|read| !MEANT.contains(&(name, read))) {
                scans.push(format!("{name}: {line}"));
            }
        }
    }
    assert_eq!(scans, Vec::<String>::new());
}
