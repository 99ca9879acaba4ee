//! A PostgreSQL server of this process's own, started when the first test asks for a database and
//! stopped, whatever happens, when the process ends.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use storage::postgres::{Options, PostgresStore};
use tokio::sync::OnceCell;

/// How long the server may take to start on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// A role that the server knows from the beginning.
const ROLE: &str = "ledger";

/// The database with an up-to-date schema that others are copied from.
const TEMPLATE: &str = "migrated";

/// Where distributions put what is not on the path.
const INSTALLED: &str = "/usr/lib/postgresql";

/// Nobody cuts the power of a test.
const SETTINGS: [&str; 7] = [
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "max_wal_size=4GB",
    "log_min_messages=panic",
];

/// Stops the server and removes its folder when the process that asked for it ends, of which it
/// may be told once for each thread.
/// `$0` is the server, `$1` the folder, the rest its arguments.
const KEEPER: &str = r#"
    folder=$1
    shift
    trap 'trap "" TERM; kill -QUIT "$server"; wait "$server"; rm -rf "$folder"; exit 0' TERM
    setpriv --pdeathsig QUIT "$0" "$@" &
    server=$!
    wait "$server"
    cat "$folder/log" >&2
"#;

/// A database of one test. Dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// An empty ledger.
    pub async fn new() -> Self {
        static MIGRATED: OnceCell<()> = OnceCell::const_new();
        MIGRATED
            .get_or_init(async || {
                let template = server().url(TEMPLATE);
                server().run("createdb", &[TEMPLATE]);
                PostgresStore::migrate(&template, Options::default())
                    .await
                    .expect("an empty database can be migrated");
            })
            .await;
        Self::create(&["--template", TEMPLATE])
    }

    /// A database without anything in it.
    pub fn empty() -> Self {
        Self::create(&[])
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is, by way of other addresses: each a host with its port, all of one server.
    pub fn url_by(&self, hosts: &str) -> String {
        format!("postgres://{ROLE}@{hosts}/{}", self.name)
    }

    /// The server's socket.
    pub fn socket(&self) -> PathBuf {
        server().folder.join(".s.PGSQL.5432")
    }

    /// Runs statements and gives what they print, a line a row.
    pub fn sql(&self, statements: &str) -> String {
        let (database, each) = (self.name.as_str(), "--command");
        let quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"];
        let args = [
            &quiet[..],
            &["--set", "ON_ERROR_STOP=1"],
            &["--dbname", database, each],
        ];
        let args = [args.concat(), vec![statements]].concat();
        let output = server().run("psql", &args).stdout;
        String::from_utf8(output).expect("the server speaks UTF-8")
    }

    /// Ends every connection to it, as a restart or a fail-over does.
    pub fn hang_up(&self) {
        self.sql(
            "select count(pg_terminate_backend(pid))
               from pg_stat_activity
              where datname = current_database()
                and pid <> pg_backend_pid()",
        );
    }

    fn create(args: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server().run("createdb", &[args, &[&name]].concat());
        Self {
            url: server().url(&name),
            name,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left of a failed test goes with the server.
        let _ = server()
            .command("dropdb", &["--force", &self.name])
            .output();
    }
}

/// A running server.
#[derive(Debug)]
struct Server {
    folder: PathBuf,
}

/// The one of this process.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

impl Server {
    /// The server is told of the end of the *thread* that started it: one that never ends by
    /// itself starts it.
    fn start() -> Self {
        let (started, folder) = mpsc::channel();
        let keep = move || {
            let (folder, mut child) = launch();
            started.send(folder).expect("the test waits");
            child.wait().expect("it is our child");
        };
        thread::Builder::new()
            .name("postgres".into())
            .spawn(keep)
            .expect("a thread more");
        let folder = folder.recv().expect("the server starts; see above");
        Self { folder }
    }

    fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres:///{database}?host={folder}&user={ROLE}")
    }

    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(tool(name));
        command
            .args(args)
            .env("PGHOST", &self.folder)
            .env("PGUSER", ROLE);
        command
    }

    fn run(&self, name: &str, args: &[&str]) -> Output {
        finished(&mut self.command(name, args))
    }
}

fn launch() -> (PathBuf, Child) {
    let folder = tempfile::Builder::new()
        .prefix("ticketoverflow-postgres-")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    let user = unprivileged(&folder);
    let data = folder.join("data");
    let init = [
        "--username",
        ROLE,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--no-sync",
    ];
    finished(
        as_user(user.as_deref(), &[])
            .arg(tool("initdb"))
            .args(init)
            .args(["--no-locale", "--pgdata"])
            .arg(&data),
    );
    let mut keeper = as_user(user.as_deref(), &["--pdeathsig", "TERM"]);
    keeper
        .args(["sh", "-c", KEEPER])
        .arg(tool("postgres"))
        .arg(&folder)
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&folder)
        .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .args(["-c", "logging_collector=off"])
        .current_dir(&folder)
        .stdout(Stdio::null());
    let mut child = keeper.spawn().expect("setpriv is there (util-linux)");
    let begun = Instant::now();
    while !is_ready(&folder) {
        let ended = child.try_wait().expect("it is our child");
        assert!(ended.is_none(), "the server ended at once: {ended:?}");
        assert!(
            begun.elapsed() < START_PATIENCE,
            "the server does not start"
        );
        thread::sleep(Duration::from_millis(20));
    }
    (folder, child)
}

fn is_ready(folder: &Path) -> bool {
    let asked = Command::new(tool("psql"))
        .args([
            "--no-psqlrc",
            "--command",
            "select 1",
            "--dbname",
            "postgres",
        ])
        .env("PGHOST", folder)
        .env("PGUSER", ROLE)
        .output();
    asked.is_ok_and(|output| output.status.success())
}

/// The server refuses to run for root. Gives the folder to somebody else then.
fn unprivileged(folder: &Path) -> Option<String> {
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() != 0) {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("there are users");
    let known = |user: &&str| {
        passwd
            .lines()
            .any(|line| line.starts_with(&format!("{user}:")))
    };
    let user = ["postgres", "nobody"].into_iter().find(known);
    let user = user.expect("there is a user postgres or nobody");
    finished(Command::new("chown").arg(user).arg(folder));
    Some(user.into())
}

fn as_user(user: Option<&str>, args: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        let output = finished(Command::new("id").args(["-g", user]));
        let group = String::from_utf8(output.stdout).expect("a number");
        command.args(["--reuid", user, "--regid", group.trim(), "--clear-groups"]);
    }
    if args.is_empty() && user.is_none() {
        // It wants something to do.
        command.arg("--no-new-privs");
    }
    command.args(args);
    command
}

/// A program of PostgreSQL: on the path, or where distributions keep it.
///
/// # Panics
///
/// If it is not installed, with what to install.
fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin"));
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut installed: Vec<PathBuf> = fs::read_dir(INSTALLED)
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    installed.sort();
    folders.extend(installed.into_iter().rev());
    let found = folders.iter().map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|file| file.exists())
        .unwrap_or_else(|| {
            panic!("{name} of PostgreSQL is not installed; tests/run installs it (postgresql)")
        })
}

#[track_caller]
fn finished(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut errors = String::new();
    output
        .stderr
        .as_slice()
        .read_to_string(&mut errors)
        .expect("errors are texts");
    assert!(output.status.success(), "{command:?}: {errors}");
    output
}
