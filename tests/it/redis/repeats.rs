//! Commands that the cluster's client sends again, as their answer was lost.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::ConcertId;
use domain::ids::{IdSource, SeededIds};
use domain::ports::{Counters, Stock, Taken};
use tests::redis::RedisCluster;
use tests::wait::DEADLINE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::counters;

/// How the command begins that makes an epoch the present one: no other script has so many words,
/// as long as none of the seats were returned.
const PUBLISHES: &[u8] = b"*10\r\n$7\r\nEVALSHA\r\n";

/// Passes connections on to a port, but not the answers that it is told to lose.
struct Line {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Commands of that sort that came, and how many of their answers are to be lost.
    published: AtomicU32,
    losses: AtomicU32,
    /// Set when an answer was lost; no new connection is passed on until it is mended.
    is_cut: watch::Sender<bool>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&line.state);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let mut is_cut = state.is_cut.subscribe();
                    is_cut.wait_for(|is_cut| !is_cut).await.unwrap();
                    // Either side may hang up.
                    let _ = Box::pin(pass_on(near, port, &state)).await;
                });
            }
        });
        line
    }

    /// Loses the next answer, and then lets no other connection through.
    fn lose_one(&self) {
        self.state.losses.store(1, Ordering::SeqCst);
    }

    async fn until_lost(&self) {
        let mut is_cut = self.state.is_cut.subscribe();
        is_cut.wait_for(|is_cut| *is_cut).await.unwrap();
    }

    fn mend(&self) {
        self.state.is_cut.send_replace(false);
    }
}

async fn pass_on(mut near: TcpStream, port: u16, state: &State) -> std::io::Result<()> {
    let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let bytes = &asked[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                far.write_all(bytes).await?;
                if !bytes.starts_with(PUBLISHES) {
                    continue;
                }
                state.published.fetch_add(1, Ordering::SeqCst);
                if state.losses.swap(0, Ordering::SeqCst) > 0 {
                    // Its answer says that it is done.
                    let _done = far.read(&mut answered).await?;
                    state.is_cut.send_replace(true);
                    return Ok(());
                }
            }
            read = far.read(&mut answered) => {
                let bytes = &answered[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                near.write_all(bytes).await?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_are_published_twice_stay_and_hand_out_every_seat_once() {
    const SEATS: u32 = 20;
    let cluster = RedisCluster::start_alone();
    let node = &cluster.nodes[0];
    let line = Line::to(node.port).await;
    let other = counters(&cluster.url(), "a");
    // From now on clients are told to come by the line.
    let port = line.address.port().to_string();
    let ids = SeededIds::new(9);
    let (before, concert) = (ConcertId(ids.next()), ConcertId(ids.next()));
    other.load(before, Stock::full(1), None).await.unwrap();
    node.run(&["CONFIG", "SET", "cluster-announce-port", &port]);
    let one = Arc::new(counters(&format!("redis+cluster://{}", line.address), "a"));
    one.count(before).await.unwrap().unwrap();

    line.lose_one();
    let loading = tokio::spawn({
        let one = Arc::clone(&one);
        async move { one.load(concert, Stock::full(SEATS), None).await }
    });
    line.until_lost().await;
    let published = other.count(concert).await.unwrap().unwrap();
    let mut seats = BTreeSet::new();
    for random in 0..5 {
        let Taken::Seat(seat, epoch) = other.take(concert, random).await.unwrap() else {
            panic!("a seat was free");
        };
        assert!(epoch == published.epoch && seats.insert(seat.0));
    }
    line.mend();
    loading.await.unwrap().unwrap();
    assert_eq!(line.state.published.load(Ordering::SeqCst), 2);

    let counted = one.count(concert).await.unwrap().expect("they are there");
    assert_eq!(counted.epoch, published.epoch);
    let hand_out = async {
        while seats.len() < SEATS as usize {
            // The other process took some ahead, and gives them back.
            if let Taken::Seat(seat, epoch) = one.take(concert, 0).await.unwrap() {
                assert!(epoch == published.epoch && seats.insert(seat.0), "{seat:?}");
            }
        }
    };
    let handed_out = tokio::time::timeout(DEADLINE, hand_out).await;
    handed_out.expect("every seat is handed out");
}
