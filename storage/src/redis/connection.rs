//! One open connection, and how it is opened.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, RedisResult, ServerErrorKind,
    Value,
};

use super::failure::Failure;
use super::url::{Kind, RedisUrl};

/// Times that the cluster's client follows a redirection or tries again: a slot that moves costs
/// two. A command that is tried again may have had its effect before; seats that are lost that way
/// stay held until a reconciler finds them.
const CLUSTER_RETRIES: u32 = 3;
const CLUSTER_WAIT_MS: (u64, u64) = (5, 50);

/// An open connection; clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    Plain(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) async fn open(url: &RedisUrl, time: Duration) -> Result<Self, Failure> {
        let opened = match &url.kind {
            Kind::Cluster => open_cluster(url, time).await.map(Self::Cluster),
            Kind::Single | Kind::Sentinel { .. } => open_server(url, time).await.map(Self::Plain),
        };
        match &url.tls {
            Some(_) => opened.map_err(Failure::of_greeting),
            None => opened,
        }
    }

    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Plain(connection) => connection.req_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }
    }

    /// Whether it takes another connection to get over this.
    pub(super) fn is_broken_by(&self, error: &redis::RedisError) -> bool {
        match self {
            // Read-only: the server was a master once.
            Self::Plain(_) => {
                error.is_io_error()
                    || error.is_unrecoverable_error()
                    || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
            }
            // It looks after its connections; this says that it knows no node any more.
            Self::Cluster(_) => error.kind() == ErrorKind::ClusterConnectionNotFound,
        }
    }
}

/// A server that takes part in publish and subscribe: the master, or a node of the cluster, which
/// is another one with each `attempt`.
pub(crate) async fn server_for_messages(
    url: &RedisUrl,
    attempt: usize,
    time: Duration,
) -> Result<Client, Failure> {
    match &url.kind {
        Kind::Cluster => {
            let node = &url.nodes[attempt % url.nodes.len()];
            Client::open(node.clone()).map_err(|error| Failure::of(&error))
        }
        Kind::Single | Kind::Sentinel { .. } => server(url, time).await,
    }
}

/// The server, or the one that is the master now.
async fn server(url: &RedisUrl, time: Duration) -> Result<Client, Failure> {
    let Kind::Sentinel { master, login } = &url.kind else {
        let node = url.nodes.first().expect("an URL has a node");
        return Client::open(node.clone()).map_err(|error| Failure::of(&error));
    };
    let mut failure = Failure::plain("no Sentinel");
    for sentinel in &url.nodes {
        match find_master(url, RedisUrl::sentinel(sentinel, login), master, time).await {
            Ok(client) => return Ok(client),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Asks one Sentinel for the master, and the master whether it is one: Sentinels learn of a
/// fail-over one after the other.
async fn find_master(
    url: &RedisUrl,
    sentinel: ConnectionInfo,
    name: &str,
    time: Duration,
) -> Result<Client, Failure> {
    let client = Client::open(sentinel).map_err(|error| Failure::of(&error))?;
    let mut sentinel = open_plain(&client, time).await?;
    let address: Option<(String, u16)> = redis::cmd("SENTINEL")
        .arg("get-master-addr-by-name")
        .arg(name)
        .query_async(&mut sentinel)
        .await
        .map_err(|error| Failure::of(&error))?;
    let Some((host, port)) = address else {
        return Err(Failure::plain(format!("Sentinel knows no master {name}")));
    };
    let server = url.at(host, port);
    let client = server.and_then(Client::open);
    let client = client.map_err(|error| Failure::of(&error))?;
    let mut server = open_plain(&client, time).await?;
    let role: Vec<Value> = redis::cmd("ROLE")
        .query_async(&mut server)
        .await
        .map_err(|error| Failure::of(&error))?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(client),
        _ => Err(Failure::plain("a fail-over is going on")),
    }
}

async fn open_server(url: &RedisUrl, time: Duration) -> Result<MultiplexedConnection, Failure> {
    let client = server(url, time).await?;
    open_plain(&client, time).await
}

async fn open_plain(client: &Client, time: Duration) -> Result<MultiplexedConnection, Failure> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(time))
        .set_response_timeout(Some(answer_time(time)));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(|error| Failure::of(&error))
}

async fn open_cluster(url: &RedisUrl, time: Duration) -> Result<ClusterConnection, Failure> {
    let mut builder = ClusterClientBuilder::new(url.nodes.clone());
    if let Some(certificates) = &url.tls {
        // For the nodes that the first one names, too.
        builder = builder.certs(certificates.clone());
    }
    let client = builder
        .connection_timeout(time)
        .response_timeout(answer_time(time))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(CLUSTER_WAIT_MS.0)
        .max_retry_wait(CLUSTER_WAIT_MS.1)
        .tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true))
        .build()
        .map_err(|error| Failure::of(&error))?;
    let opened = tokio::time::timeout(4 * time, client.get_async_connection()).await;
    opened
        .map_err(|_| Failure::slow(4 * time))?
        .map_err(|error| Failure::of(&error))
}

/// A server's time to answer: shorter than that of a command, so that it is known which connection
/// is silent.
fn answer_time(command_time: Duration) -> Duration {
    command_time * 4 / 5
}
