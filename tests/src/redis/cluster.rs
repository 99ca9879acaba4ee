//! Masters that share the slots: three of them, or one that has all.

use std::thread;
use std::time::{Duration, Instant};

use super::server::{RedisServer, folder, tls_args};
use crate::certificates::{Authority, Certificate};
use crate::wait::DEADLINE;

const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
const ALL_SLOTS: [(&str, &str); 1] = [("0", "16383")];

/// A Redis Cluster. Killed when dropped, and with the process.
#[derive(Debug)]
pub struct RedisCluster {
    /// Its nodes, all of them masters.
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster and waits until every node knows it to be complete.
    pub fn start() -> Self {
        Self::start_with(&SLOTS, &[])
    }

    /// Starts a cluster of one node.
    pub fn start_alone() -> Self {
        Self::start_with(&ALL_SLOTS, &[])
    }

    /// Starts a cluster whose nodes listen for TLS, too.
    pub fn start_encrypted(authority: &Authority, certificate: &Certificate) -> Self {
        let args = tls_args(authority, certificate);
        let mut args: Vec<_> = args.iter().map(String::as_str).collect();
        // Without it nodes tell clients the ports without TLS.
        args.extend(["--tls-cluster", "yes"]);
        Self::start_with(&SLOTS, &args)
    }

    fn start_with(slots: &[(&str, &str)], args: &[&str]) -> Self {
        let cluster = ["--cluster-enabled", "yes", "--cluster-port", "PORT+1"];
        let args = [&cluster, args].concat();
        let start = |_| RedisServer::start_with(&folder(), &args);
        let nodes: Vec<_> = slots.iter().map(start).collect();
        for (node, (first, last)) in nodes.iter().zip(slots) {
            node.run(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        let first = &nodes[0];
        for node in &nodes[1..] {
            let port = node.tls_port.unwrap_or(node.port).to_string();
            let bus = node.bus_port();
            first.run(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let all = format!("cluster_known_nodes:{}", nodes.len());
        for node in &nodes {
            wait_until(|| {
                let info = node.run(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains(&all)
            });
        }
        Self { nodes }
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
