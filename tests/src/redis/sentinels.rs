//! A master and a replica, and three Sentinels that watch them.

use std::fs;

use super::cluster::wait_until;
use super::server::{RedisServer, folder, tls_args};
use crate::certificates::{Authority, Certificate};

const SENTINELS: usize = 3;

/// Redis under Sentinel, as the master `tickets`. Killed when dropped, and with the process.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The first master, and its replica.
    pub servers: [RedisServer; 2],
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts all of them and waits until the Sentinels know each other and the replica.
    pub fn start() -> Self {
        let master = RedisServer::start();
        let of = master.port.to_string();
        let replica = RedisServer::start_with(&folder(), &["--replicaof", "127.0.0.1", &of]);
        wait_until(|| {
            replica
                .run(&["INFO", "replication"])
                .contains("master_link_status:up")
        });
        let sentinels = (0..SENTINELS).map(|_| {
            let folder = folder();
            let file = folder.join("sentinel.conf");
            // On a busy machine a master that lives is silent for a while.
            let config = format!(
                "sentinel monitor tickets 127.0.0.1 {of} 2\n\
                 sentinel down-after-milliseconds tickets 5000\n\
                 sentinel failover-timeout tickets 10000\n"
            );
            fs::write(&file, config).expect("the folder can be written");
            let file = file.to_string_lossy().into_owned();
            RedisServer::start_with(&folder, &[&file, "--sentinel"])
        });
        let sentinels: Vec<_> = sentinels.collect();
        for sentinel in &sentinels {
            wait_until(|| {
                let info = sentinel.run(&["INFO", "sentinel"]);
                info.contains("status=ok") && info.contains("slaves=1,sentinels=3")
            });
        }
        Self {
            servers: [master, replica],
            sentinels,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let hosts = self
            .sentinels
            .iter()
            .map(|one| format!("127.0.0.1:{}", one.port));
        let hosts: Vec<_> = hosts.collect();
        format!("redis+sentinel://{}/tickets", hosts.join(","))
    }

    /// Makes the replica the master, and waits until it is. It may have become it by itself; and
    /// who asks is refused while a fail-over is going on, or no replica is known to be well.
    pub fn fail_over(&self) {
        let first = &self.sentinels[0];
        wait_until(|| {
            self.names_replica(first) || first.run(&["SENTINEL", "FAILOVER", "tickets"]) == "OK"
        });
        self.wait_for_fail_over();
    }

    /// Waits until every Sentinel names the replica as the master.
    pub fn wait_for_fail_over(&self) {
        for sentinel in &self.sentinels {
            wait_until(|| self.names_replica(sentinel));
        }
    }

    /// Whether a Sentinel names the replica as the master.
    fn names_replica(&self, sentinel: &RedisServer) -> bool {
        let promoted = self.servers[1].port.to_string();
        let master = sentinel.run(&["SENTINEL", "get-master-addr-by-name", "tickets"]);
        master.lines().any(|line| line == promoted)
    }
}

/// A server and one Sentinel that names it, both over TLS, and each with a login of its own that
/// the other does not know. Killed when dropped, and with the process.
#[derive(Debug)]
pub struct EncryptedSentinel {
    server: RedisServer,
    sentinel: RedisServer,
}

impl EncryptedSentinel {
    /// Starts both.
    pub fn start(authority: &Authority, certificate: &Certificate) -> Self {
        let server = RedisServer::start_encrypted(authority, certificate);
        server.run(&[
            "ACL",
            "SETUSER",
            "buyer",
            "on",
            ">of-the-server",
            "~*",
            "&*",
            "+@all",
        ]);
        let folder = folder();
        let file = folder.join("sentinel.conf");
        let port = server.tls_port.expect("it listens for TLS");
        let config = format!("sentinel monitor tickets 127.0.0.1 {port} 1\n");
        fs::write(&file, config).expect("the folder can be written");
        let file = file.to_string_lossy().into_owned();
        let args = tls_args(authority, certificate);
        let mut all = vec![file.as_str(), "--sentinel"];
        all.extend(args.iter().map(String::as_str));
        let sentinel = RedisServer::start_with(&folder, &all);
        wait_until(|| sentinel.run(&["INFO", "sentinel"]).contains("status=ok"));
        sentinel.run(&[
            "ACL",
            "SETUSER",
            "asker",
            "on",
            ">of-sentinels",
            "~*",
            "&*",
            "+@all",
        ]);
        sentinel.run(&["ACL", "SETUSER", "default", "off"]);
        Self { server, sentinel }
    }

    /// Its URL, with the server's login and without the Sentinel's and without whom to trust.
    pub fn url(&self) -> String {
        let port = self.sentinel.tls_port.expect("it listens for TLS");
        format!("rediss+sentinel://buyer:of-the-server@127.0.0.1:{port}/tickets")
    }

    /// The Sentinel's login, as a query has it.
    pub fn login(&self) -> &'static str {
        "sentinel_user=asker&sentinel_password=of-sentinels"
    }

    /// The server behind it.
    pub fn server(&self) -> &RedisServer {
        &self.server
    }
}
