//! PgBouncer before a database.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::server::{as_user, unprivileged};
use super::{Database, ROLE};
use crate::wait::{DEADLINE, free_port};

/// A running `pgbouncer`. Killed when dropped, and with the thread that started it.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    port: u16,
    /// Removed with the pooler.
    _folder: TempDir,
}

impl Pooler {
    /// Starts one before a database, with more lines of its section `[pgbouncer]`, and waits until it
    /// listens.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(database: &Database, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let user = unprivileged(folder.path());
        let (socket, port) = (database.socket(), free_port());
        let socket = socket.parent().expect("a socket is in a folder").display();
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={socket} port=5432 user={ROLE}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\n{settings}\n"
        );
        fs::write(&file, text).expect("the folder can be written");
        let mut command = as_user(user.as_deref(), &["--pdeathsig", "KILL"]);
        let child = command
            .arg("pgbouncer")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv is there (util-linux)");
        let mut pooler = Self {
            child,
            port,
            _folder: folder,
        };
        pooler.wait();
        pooler
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while std::net::TcpStream::connect(self.address()).is_err() {
            let ended = self.child.try_wait().expect("it is our child");
            assert!(
                ended.is_none(),
                "pgbouncer ended; is it installed? tests/run installs it"
            );
            assert!(begun.elapsed() < DEADLINE, "pgbouncer does not start");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
