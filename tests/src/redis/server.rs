//! One server process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::certificates::{Authority, Certificate};
use crate::wait::{DEADLINE, free_port};

/// Ports that are tried: between being found free and being used, one may be taken.
const PORTS_TRIED: u32 = 20;

/// Stands for a free port among the arguments.
const TLS_PORT: &str = "TLS-PORT";

/// A running `redis-server`. Killed when dropped, and with the process.
#[derive(Debug)]
pub struct RedisServer {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// Where it listens for TLS, if it does.
    pub tls_port: Option<u16>,
    folder: PathBuf,
    args: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk, and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&folder(), &[])
    }

    /// Starts a server that listens for TLS, too.
    pub fn start_encrypted(authority: &Authority, certificate: &Certificate) -> Self {
        let args = tls_args(authority, certificate);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        Self::start_with(&folder(), &args)
    }

    /// Starts a server in a folder of its own with more arguments, of which `PORT+1` and
    /// `TLS-PORT` are other free ports.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`, or it does not come up.
    pub(super) fn start_with(folder: &Path, args: &[&str]) -> Self {
        for _ in 0..PORTS_TRIED {
            let (port, other, tls_port) = (free_port(), free_port().to_string(), free_port());
            let encrypted = args.contains(&TLS_PORT);
            let args: Vec<_> = args
                .iter()
                .map(|arg| arg.replace(TLS_PORT, &tls_port.to_string()))
                .map(|arg| arg.replace("PORT+1", &other))
                .collect();
            let mut child = spawn(folder, port, &args);
            if is_up(&mut child, port) {
                return Self {
                    port,
                    tls_port: encrypted.then_some(tls_port),
                    folder: folder.to_owned(),
                    args,
                    child,
                };
            }
        }
        panic!("redis-server does not come up; see {}", folder.display());
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where a node of a cluster listens to the others.
    pub(super) fn bus_port(&self) -> String {
        let at = self.args.iter().position(|arg| arg == "--cluster-port");
        let at = at.expect("it is a node of a cluster");
        self.args[at + 1].clone()
    }

    /// Runs a command with `redis-cli` and gives its answer.
    ///
    /// # Panics
    ///
    /// If the server does not answer, or with an error.
    #[track_caller]
    pub fn run(&self, command: &[&str]) -> String {
        let output = cli(self.port, command);
        let answer = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(!answer.starts_with("ERR"), "{command:?}: {answer}");
        answer
    }

    /// How often a command was called since the server started, or since `CONFIG RESETSTAT`.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[track_caller]
    pub fn calls(&self, command: &str) -> u32 {
        let stats = self.run(&["INFO", "commandstats"]);
        let counted = stats.split(&format!("cmdstat_{command}:calls=")).nth(1);
        let calls = counted.and_then(|counted| counted.split(',').next());
        calls.map_or(0, |calls| calls.parse().expect("a number"))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        self.child.wait().expect("it ends");
    }

    /// `kill -9`, and a start on the same port, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        let begun = Instant::now();
        loop {
            self.child = spawn(&self.folder, self.port, &self.args);
            if is_up(&mut self.child, self.port) {
                return;
            }
            assert!(
                begun.elapsed() < DEADLINE,
                "redis-server does not come up again"
            );
        }
    }

    /// Stops it without ending it: it accepts connections and says nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill is there").success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Arguments of a server that listens for TLS, too, and replicates by it.
pub(super) fn tls_args(authority: &Authority, certificate: &Certificate) -> Vec<String> {
    let text = |file: &Path| file.display().to_string();
    [
        ("--tls-port", TLS_PORT.to_owned()),
        ("--tls-cert-file", text(&certificate.file)),
        ("--tls-key-file", text(&certificate.key)),
        ("--tls-ca-cert-file", text(&authority.file())),
        ("--tls-auth-clients", "no".to_owned()),
        ("--tls-replication", "yes".to_owned()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

/// Runs a command with `redis-cli`.
pub(super) fn cli(port: u16, command: &[&str]) -> Result<String, String> {
    let output = Command::new("redis-cli")
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(command)
        .output()
        .unwrap_or_else(|error| missing("redis-cli", "redis-tools", &error));
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// A new folder for a server. Those of processes that have ended are removed: shared servers are
/// not dropped.
pub(super) fn folder() -> PathBuf {
    const NAME: &str = "ticketoverflow-redis-";
    static FOLDERS: AtomicU32 = AtomicU32::new(0);
    let parent = std::env::temp_dir();
    for entry in fs::read_dir(&parent)
        .expect("there is a temporary folder")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(NAME)
            .and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // Another process may be doing the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = parent.join(format!("{NAME}{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

fn spawn(folder: &Path, port: u16, args: &[String]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("the folder can be written");
    // The kernel kills the server when the thread that started it ends, so that it survives no
    // test run, not even one that is killed.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "redis-server"])
        .args(args)
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ])
        .args(["--appendonly", "no", "--repl-diskless-sync-delay", "0"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file can be shared"))
        .stdout(log);
    keep(command)
}

/// Starts a process from a thread that lives as long as this process.
fn keep(command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static KEEPER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                // Whoever asked waits for it.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (answer, spawned) = mpsc::channel();
    let orders = keeper.lock().unwrap_or_else(PoisonError::into_inner);
    orders
        .send((command, answer))
        .expect("the keeper never ends");
    let spawned = spawned.recv().expect("the keeper never ends");
    spawned.unwrap_or_else(|error| missing("setpriv", "util-linux", &error))
}

/// Waits until a server answers on its port; `false` if it has ended, or another one is there.
fn is_up(child: &mut Child, port: u16) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().expect("it is our child") {
            // What `setpriv` says when it does not find its program.
            if status.code() == Some(127) {
                missing("redis-server", "redis-server redis-tools", &status);
            }
            return false;
        }
        if let Ok(info) = cli(port, &["INFO", "server"]) {
            let ours = format!("process_id:{}", child.id());
            return info.lines().any(|line| line.trim() == ours);
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("redis-server says nothing on port {port}");
}

fn missing(tool: &str, packages: &str, error: &dyn std::fmt::Display) -> ! {
    panic!("{tool} cannot be run ({error}); tests/run installs it: apt-get install {packages}")
}
