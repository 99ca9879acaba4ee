//! What no real server does on demand: connections that fall silent, and Sentinels that know of a
//! fail-over before or after it happens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};

use domain::ConcertId;
use domain::ids::{IdSource, SeededIds};
use domain::ports::{Counters, Stock, Taken};
use tests::redis::RedisServer;
use tests::wait::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{counters, impatient_counters, loaded};

fn concert() -> ConcertId {
    ConcertId(SeededIds::new(9).next())
}

/// Passes connections on to a port.
struct Proxy {
    address: SocketAddr,
    accepted: Arc<AtomicU32>,
    dead: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            accepted: Arc::default(),
            dead: Arc::default(),
        };
        let (accepted, dead) = (Arc::clone(&proxy.accepted), Arc::clone(&proxy.dead));
        tokio::spawn(pass_on(listener, port, accepted, dead));
        proxy
    }

    /// From now on the connections that are there are held and say nothing more; new ones are
    /// passed on.
    fn fall_silent(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn pass_on(
    listener: TcpListener,
    port: u16,
    accepted: Arc<AtomicU32>,
    dead: Arc<AtomicBool>,
) {
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        accepted.fetch_add(1, Ordering::SeqCst);
        let dead = Arc::clone(&dead);
        tokio::spawn(async move {
            let born_dead = dead.load(Ordering::SeqCst);
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let falls_silent = eventually("the line dies", || async {
                (!born_dead && dead.load(Ordering::SeqCst)).then_some(())
            });
            tokio::select! {
                // Either side may have hung up.
                _ = copy_bidirectional(&mut near, &mut far) => {}
                () = falls_silent => std::future::pending().await,
            }
        });
    }
}

/// A Sentinel that calls the server at a port the master, whatever that is.
async fn sentinel(master: Arc<AtomicU16>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let master = Arc::clone(&master);
            tokio::spawn(async move {
                let mut bytes = vec![0; 4096];
                while let Ok(read @ 1..) = client.read(&mut bytes).await {
                    let commands = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    for command in commands.split('*').skip(1) {
                        let port = master.load(Ordering::SeqCst).to_string();
                        let answer = if command.contains("SENTINEL") {
                            let length = port.len();
                            format!("*2\r\n$9\r\n127.0.0.1\r\n${length}\r\n{port}\r\n")
                        } else {
                            "+OK\r\n".to_owned()
                        };
                        client.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    format!("redis+sentinel://{address}/tickets")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_replaced() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port).await;
    let counters = impatient_counters(&format!("redis://{}", proxy.address), "a");
    loaded(&counters, concert(), Stock::full(10_000)).await;
    let before = proxy.accepted();
    proxy.fall_silent();
    // Who asks meanwhile is told of an error, or is served late when only a bucket was silent.
    eventually("another connection is opened", || async {
        let _ = counters.take(concert(), 1).await;
        (proxy.accepted() > before).then_some(())
    })
    .await;
    let seat = || async { counters.take(concert(), 1).await.ok() };
    let taken = eventually("the other connection is used", seat).await;
    assert!(matches!(taken, Taken::Seat(..)), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_becomes_a_replica_is_left_for_the_new_one() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let master = Arc::new(AtomicU16::new(old.port));
    let counters = counters(&sentinel(Arc::clone(&master)).await, "a");
    counters
        .load(concert(), Stock::full(9), None)
        .await
        .unwrap();
    // Nobody closes the connection; nor does it ever reach its master, so it keeps what it has.
    old.run(&["REPLICAOF", "127.0.0.1", "1"]);
    counters.take(concert(), 1).await.unwrap_err();
    // As long as the Sentinel does not know it yet, there is no master.
    let failed = eventually("the old master is not used", || async {
        let error = counters.take(concert(), 1).await.unwrap_err();
        error.0.contains("fail-over").then_some(())
    });
    failed.await;
    master.store(new.port, Ordering::SeqCst);
    let taken = eventually("the new master is used", || async {
        counters.take(concert(), 1).await.ok()
    });
    assert_eq!(taken.await, Taken::Unknown);
}
