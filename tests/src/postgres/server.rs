//! One server.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::ROLE;
use crate::certificates::Certificate;
use crate::wait::free_port;

/// How long the server may take to start on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// Ports that are tried: between being found free and being used, one may be taken.
const PORTS_TRIED: u32 = 20;

/// Where distributions put what is not on the path.
const INSTALLED: &str = "/usr/lib/postgresql";

/// Names the socket of a server that listens to nothing else.
const SOCKET_PORT: u16 = 5432;

/// Connections from elsewhere are let in with TLS alone.
const ENCRYPTED_ONLY: &str = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";

/// Nobody cuts the power of a test.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "max_wal_size=4GB",
    "log_min_messages=panic",
];

/// There while the server is not to be started again after its end.
const DOWN: &str = "down";

/// Stops the server and removes its folder when the process that asked for it ends, of which it
/// may be told once for each thread. A server that a test has stopped is started again when the
/// test wants it; one that ends by itself says why.
/// `$0` is the server, `$1` the folder, the rest its arguments.
const KEEPER: &str = r#"
    folder=$1
    shift
    trap 'trap "" TERM; kill -QUIT "$server"; wait "$server"; rm -rf "$folder"; exit 0' TERM
    while :; do
        setpriv --pdeathsig QUIT "$0" "$@" &
        server=$!
        wait "$server"
        [ -e "$folder/down" ] || break
        while [ -e "$folder/down" ]; do sleep 0.02; done
    done
    cat "$folder/log" >&2
"#;

/// A running server. Stopped when dropped, and with the process.
#[derive(Debug)]
pub struct PostgresServer {
    folder: PathBuf,
    port: u16,
    /// The process that looks after it.
    keeper: u32,
    /// Done when there is a ledger to copy.
    pub(super) migrated: OnceCell<()>,
}

impl PostgresServer {
    /// Starts a server.
    ///
    /// The server is told of the end of the *thread* that started it: one that never ends by
    /// itself starts it.
    pub fn start() -> Arc<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with other settings, each `name=value`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with(settings: &'static [&'static str]) -> Arc<Self> {
        let settings = settings.iter().map(ToString::to_string).collect();
        Self::start_on(1, || SOCKET_PORT, settings, None)
    }

    /// Starts a server that also listens on 127.0.0.1, where it lets in who speaks TLS.
    pub fn start_encrypted(certificate: &Certificate) -> Arc<Self> {
        let settings = ["listen_addresses=127.0.0.1", "ssl=on"].map(String::from);
        let tls = Some(certificate.clone());
        Self::start_on(PORTS_TRIED, free_port, settings.into(), tls)
    }

    /// Starts a server that also listens on 127.0.0.1 and does not know of TLS.
    pub fn start_listening() -> Arc<Self> {
        let settings = vec!["listen_addresses=127.0.0.1".to_owned()];
        Self::start_on(PORTS_TRIED, free_port, settings, None)
    }

    /// Starts a server on the first port of so many on which it does not end at once.
    fn start_on(
        tries: u32,
        port: fn() -> u16,
        settings: Vec<String>,
        tls: Option<Certificate>,
    ) -> Arc<Self> {
        let (started, launched) = mpsc::channel();
        let keep = move || {
            let tried = (0..tries).find_map(|_| {
                let port = port();
                let (folder, child) = launch(port, &settings, tls.as_ref())?;
                Some((folder, port, child))
            });
            let (folder, port, mut child) = tried.expect("a server starts");
            let server = (folder, port, child.id());
            started.send(server).expect("the test waits");
            child.wait().expect("it is our child");
        };
        thread::Builder::new()
            .name("postgres".into())
            .spawn(keep)
            .expect("a thread more");
        let (folder, port, keeper) = launched.recv().expect("the server starts; see above");
        Arc::new(Self {
            folder,
            port,
            keeper,
            migrated: OnceCell::new(),
        })
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Where it listens on 127.0.0.1, if it does.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash does, and leaves it so.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn crash(&self) {
        fs::write(self.folder.join(DOWN), "").expect("the folder can be written");
        let file = self.folder.join("data").join("postmaster.pid");
        let text = fs::read_to_string(&file).expect("it runs");
        let pid = text.lines().next().expect("its number comes first").trim();
        finished(Command::new("kill").args(["-QUIT", pid]));
        let process = Path::new("/proc").join(pid);
        wait_until("the server ends", || !process.exists());
    }

    /// Starts it after a crash, and waits until it answers.
    pub fn recover(&self) {
        fs::remove_file(self.folder.join(DOWN)).expect("it was there since the crash");
        wait_until("the server is back", || is_ready(&self.folder, self.port));
    }

    pub(super) fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        let port = self.port;
        format!("postgres:///{database}?host={folder}&port={port}&user={ROLE}")
    }

    pub(super) fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(tool(name));
        command
            .args(args)
            .env("PGHOST", &self.folder)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", ROLE);
        command
    }

    #[track_caller]
    pub(super) fn run(&self, name: &str, args: &[&str]) -> Output {
        finished(&mut self.command(name, args))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Its keeper may have ended already, and then there is nothing to stop.
        let pid = self.keeper.to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < START_PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a server and waits until it answers; nothing if it ends at once, after it said why.
fn launch(port: u16, settings: &[String], tls: Option<&Certificate>) -> Option<(PathBuf, Child)> {
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
    let mut settings = [&SETTINGS.map(String::from), settings].concat();
    settings.push(format!("port={port}"));
    if let Some(certificate) = tls {
        let files = lay_down(certificate, &folder, user.as_deref());
        settings.extend(files);
        fs::write(data.join("pg_hba.conf"), ENCRYPTED_ONLY).expect("the folder can be written");
    } else if port == SOCKET_PORT {
        settings.push("listen_addresses=".into());
    }
    let mut keeper = as_user(user.as_deref(), &["--pdeathsig", "TERM"]);
    keeper
        .args(["sh", "-c", KEEPER])
        .arg(tool("postgres"))
        .arg(&folder)
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&folder)
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .args(["-c", "logging_collector=off"])
        .current_dir(&folder)
        .stdout(Stdio::null());
    let mut child = keeper.spawn().expect("setpriv is there (util-linux)");
    let begun = Instant::now();
    while !is_ready(&folder, port) {
        if let Some(status) = child.try_wait().expect("it is our child") {
            eprintln!("the server ended at once: {status}");
            fs::remove_dir_all(&folder).expect("nobody uses it any more");
            return None;
        }
        assert!(
            begun.elapsed() < START_PATIENCE,
            "the server does not start"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Some((folder, child))
}

/// Gives the server a certificate and its key, which nobody else may read.
fn lay_down(certificate: &Certificate, folder: &Path, user: Option<&str>) -> [String; 2] {
    let files = [
        ("ssl_cert_file", &certificate.file),
        ("ssl_key_file", &certificate.key),
    ];
    files.map(|(setting, from)| {
        let file = folder.join(setting);
        fs::copy(from, &file).expect("the folder can be written");
        finished(Command::new("chmod").arg("600").arg(&file));
        if let Some(user) = user {
            finished(Command::new("chown").arg(user).arg(&file));
        }
        format!("{setting}={}", file.display())
    })
}

fn is_ready(folder: &Path, port: u16) -> bool {
    let asked = Command::new(tool("psql"))
        .args([
            "--no-psqlrc",
            "--command",
            "select 1",
            "--dbname",
            "postgres",
        ])
        .env("PGHOST", folder)
        .env("PGPORT", port.to_string())
        .env("PGUSER", ROLE)
        .output();
    asked.is_ok_and(|output| output.status.success())
}

/// The server refuses to run for root. Gives the folder to somebody else then.
pub(super) fn unprivileged(folder: &Path) -> Option<String> {
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

pub(super) fn as_user(user: Option<&str>, args: &[&str]) -> Command {
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
