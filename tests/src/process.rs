//! A server as a process of its own, to be killed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::http::Http;
use crate::wait::DEADLINE;

/// How long a command may take that does a whole sale's work. It only ends a test that fails.
pub const LONG_RUN: Duration = Duration::from_mins(5);

/// A running `ticketoverflow run`. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// Its client.
    pub http: Http,
    child: Child,
    /// Reads what it logs, if that is kept.
    log: Option<JoinHandle<Vec<u8>>>,
}

impl Server {
    /// Starts a server on a data folder and waits for its first line.
    pub fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[])
    }

    /// As [`Server::start`], with more arguments.
    pub fn start_with(data_dir: &Path, args: &[&str]) -> Self {
        let mut command = command();
        command
            .args(["run", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(args);
        Self::of(&mut command)
    }

    /// As [`Server::start`], with settings such as `("WORKERS__GRACE_MS", "0")`, started by somebody
    /// who ignores signals such as `HUP`. What it logs is kept, as it would be in a file.
    pub fn start_ignoring(signals: &str, data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::start_ignoring_into(Stdio::piped(), signals, data_dir, settings);
        let log = server.child.stderr.take().expect("its log is piped");
        server.log = Some(read(log));
        server
    }

    /// As [`Server::start_ignoring`], with its log anywhere.
    pub fn start_ignoring_into(
        log: impl Into<Stdio>,
        signals: &str,
        data_dir: &Path,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!(r#"trap '' {signals}; exec "$0" "$@""#)])
            .arg(binary())
            .args(["run", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .stderr(log);
        for (name, value) in settings {
            command.env(format!("TICKETOVERFLOW__{name}"), value);
        }
        Self::of(&mut command)
    }

    /// Starts what a command line says and waits for its first line.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("standard output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the server prints its address");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("its first line");
        Self {
            http: Http::new(address.parse().expect("an address")),
            child,
            log: None,
        }
    }

    /// The memory that it has, in bytes, as Linux tells.
    ///
    /// # Panics
    ///
    /// If the process is gone.
    pub fn memory(&self) -> u64 {
        let of_memory = self.status("VmRSS");
        let kib = of_memory.split_whitespace().next().map(str::parse::<u64>);
        kib.and_then(Result::ok).expect("it has memory") * 1_024
    }

    /// What Linux tells of it by a name, see `proc_pid_status(5)`.
    ///
    /// # Panics
    ///
    /// If the process is gone, or the name unknown.
    pub fn status(&self, name: &str) -> String {
        let file = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(file).expect("the process is there");
        let mut lines = status.lines();
        let told = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        told.expect("Linux tells it").trim().to_owned()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("the process is there");
        self.child.wait().expect("it ends");
    }

    /// Sends SIGTERM; the process goes on until it has drained.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGHUP, as the end of a session does.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Has every write fail that would make a file longer than this, as a full disk does; whoever
    /// started it ignores `XFSZ`. Nothing fails any more without a limit.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let set = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={limit}:"))
            .status()
            .expect("prlimit is there (util-linux)");
        assert!(set.success());
    }

    /// Stops it without ending it: it does nothing more, in the middle of whatever it does.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill is there");
        assert!(sent.success());
    }

    /// Waits for the end and gives the exit status.
    ///
    /// # Panics
    ///
    /// When it does not end within [`DEADLINE`].
    pub fn wait(mut self) -> Option<i32> {
        let ended = until_ended(&mut self.child, DEADLINE);
        ended.expect("the server ends").code()
    }

    /// As [`Server::wait`], with what it logged, if it was started with that kept.
    pub fn wait_with_log(mut self) -> (Option<i32>, String) {
        let log = self.log.take();
        let status = self.wait();
        let log = log.map(|reader| reader.join().expect("pipes can be read"));
        let log = String::from_utf8_lossy(&log.unwrap_or_default()).into_owned();
        (status, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end on a data folder.
pub fn run(data_dir: &Path, args: &[&str]) -> Ended {
    Ended::of(command().args(args).arg("--data-dir").arg(data_dir))
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit status; nothing when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Ended {
    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// When it does not end within [`DEADLINE`].
    pub fn of(command: &mut Command) -> Self {
        Self::within(DEADLINE, command)
    }

    /// Runs a command that takes its time to its end.
    ///
    /// # Panics
    ///
    /// When it does not end within the time.
    pub fn within(time: Duration, command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let output = read(child.stdout.take().expect("standard output is piped"));
        let errors = read(child.stderr.take().expect("standard error is piped"));
        let Some(status) = until_ended(&mut child, time) else {
            child.kill().expect("it is our child");
            child.wait().expect("it ends");
            panic!("{command:?} does not end");
        };
        let text = |reader: JoinHandle<Vec<u8>>| {
            let bytes = reader.join().expect("pipes can be read");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            status: status.code(),
            output: text(output),
            errors: text(errors),
        }
    }

    /// The standard output of a success.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.status, Some(0), "{}{}", self.output, self.errors);
        self.output
    }

    /// The standard error of a failure with exit status 1.
    #[track_caller]
    pub fn failure(self) -> String {
        assert_eq!(self.status, Some(1), "{}{}", self.output, self.errors);
        self.errors
    }
}

/// Waits for the end of a process; nothing when it does not come within the time.
fn until_ended(child: &mut Child, time: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Reads a pipe to its end, beside the process, which must not wait for its reader.
fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("pipes can be read");
        bytes
    })
}

/// A command line of the binary, with its logs out of the way.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    command.env("TICKETOVERFLOW__LOG__FILTER", "warn");
    command.env("NO_COLOR", "1");
    command
}

/// The binary beside the test binary, built now if it is missing or old.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        let mut build = Command::new(cargo);
        // Cargo tells a test what it is built from. A build that is told so, too, takes it for a
        // change: `ring` and all that stands on it would be compiled anew each time.
        let told =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(told) {
                build.env_remove(name);
            }
        }
        // `tests/run` tells it to the harness alone; many a crate is compiled anew for it.
        build.env_remove("RUSTC_BOOTSTRAP");
        let built = build
            // Together with the tests, so that both share what is compiled: what is built decides on
            // the features of everything in it.
            .args([
                "build",
                "--quiet",
                "--package",
                "tests",
                "--package",
                "cli",
                "--bins",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the binary is built");
        let test = std::env::current_exe().expect("a test has a file");
        let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/test");
        profile.join("ticketoverflow")
    })
}
