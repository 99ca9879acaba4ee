//! Three masters that share the slots.

use std::thread;
use std::time::{Duration, Instant};

use super::server::{RedisServer, folder, tls_args};
use crate::certificates::{Authority, Certificate};
use crate::wait::DEADLINE;

const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// A Redis Cluster. Killed when dropped, and with the process.
#[derive(Debug)]
pub struct RedisCluster {
    /// Its nodes, all of them masters.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster and waits until every node knows it to be complete.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a cluster whose nodes listen for TLS, too.
    pub fn start_encrypted(authority: &Authority, certificate: &Certificate) -> Self {
        let args = tls_args(authority, certificate);
        let mut args: Vec<_> = args.iter().map(String::as_str).collect();
        // Without it nodes tell clients the ports without TLS.
        args.extend(["--tls-cluster", "yes"]);
        Self::start_with(&args)
    }

    fn start_with(args: &[&str]) -> Self {
        let cluster = ["--cluster-enabled", "yes", "--cluster-port", "PORT+1"];
        let args = [&cluster, args].concat();
        let nodes = SLOTS.map(|_| RedisServer::start_with(&folder(), &args));
        for (node, (first, last)) in nodes.iter().zip(SLOTS) {
            node.run(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        let [first, others @ ..] = &nodes;
        for node in others {
            let port = node.tls_port.unwrap_or(node.port).to_string();
            let bus = node.bus_port();
            first.run(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        for node in &nodes {
            wait_until(|| {
                let info = node.run(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            });
        }
        Self {
            nodes: nodes.into(),
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let nodes = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port));
        format!("redis+cluster://{}", nodes.collect::<Vec<_>>().join(","))
    }
}

/// Waits for what servers do by themselves.
pub(super) fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < DEADLINE,
            "the servers do not get together"
        );
        thread::sleep(Duration::from_millis(20));
    }
}
