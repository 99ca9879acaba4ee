//! The list of everything that was sold: it may be longer than memory.

use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::{IdSource, SystemIds};
use domain::ports::{BATCH_MAX, Store};
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::{ConcertId, TicketId, UserId};
use storage::Access;
use storage::postgres::PostgresStore;
use tests::postgres::options;
use tests::{Cluster, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Enough that a server that gathered them would show it: about 300 bytes each.
const TICKETS: u32 = 400_000;
/// What a server may take more while it sends them: the ledger's readers fill their caches, 16 MiB
/// each, for the first time.
const GROWTH_MAX: u64 = 96 * 1_024 * 1_024;

/// Sells tickets by the statement of a sale.
pub(super) async fn fill(store: &dyn Store, tickets: u32) {
    let now = from_micros(1_800_000_000_000_000);
    let concert = Concert {
        id: ConcertId(SystemIds.next()),
        name: Name::parse("A long night").expect("a name"),
        venue: Name::parse("Hall").expect("a venue"),
        date: parse_date("2031-05-17").expect("a day"),
        capacity: tickets,
        layout_id: None,
        status: Status::Active,
        version: 1,
        created_at: now,
    };
    let mut tx = store.begin().await.expect("a transaction");
    tx.insert_concert(&concert).await.expect("it is written");
    tx.commit().await.expect("it is durable");
    let user_id = UserId::parse("00000000-0000-0000-0000-000000000001").expect("a user");
    let seats: Vec<_> = (0..tickets).map(SeatNo).collect();
    for seats in seats.chunks(BATCH_MAX) {
        let tickets: Vec<_> = seats
            .iter()
            .map(|&seat| NewTicket {
                id: TicketId(SystemIds.next()),
                concert_id: concert.id,
                user_id,
                seat,
                bought_at: now,
            })
            .collect();
        let sold = u32::try_from(tickets.len()).expect("a batch is small");
        let mut tx = store.begin().await.expect("a transaction");
        let written = tx.insert_tickets(&tickets).await.expect("it is written");
        assert!(written.into_iter().all(|written| written));
        let sales = tx.record_sales(&[(concert.id, sold)], now).await;
        sales.expect("they are counted");
        tx.commit().await.expect("it is durable");
    }
}

/// Reads the whole list and forgets it; the closing braces in it, its bytes, and the most memory that the
/// server had meanwhile.
async fn list(server: &Server) -> (u32, u64, u64) {
    let address = server.http.address();
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request =
        format!("GET /api/v1/tickets HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it reads");
    let (mut braces, mut bytes, mut most) = (0, 0, 0);
    let mut piece = vec![0; 64 * 1_024];
    loop {
        let read = stream.read(&mut piece).await.expect("it writes");
        if read == 0 {
            return (braces, bytes, most);
        }
        let more = piece[..read].split(|byte| *byte == b'}').count() - 1;
        braces += u32::try_from(more).expect("a piece is small");
        bytes += read as u64;
        most = server.memory().max(most);
    }
}

async fn assert_flat(server: &Server) {
    // What a server allocates once is there before it is measured.
    assert_eq!(server.http.get("/api/v1/concerts").await.status, 200);
    let before = server.memory();
    let (braces, bytes, most) = list(server).await;
    // A ticket is an object with two inside.
    assert_eq!(braces, TICKETS * 3, "every ticket is in the list");
    let grown = most.saturating_sub(before);
    assert!(
        bytes > GROWTH_MAX * 5 / 4,
        "{bytes} bytes would not be seen in memory"
    );
    assert!(
        grown < GROWTH_MAX,
        "memory grew by {grown} bytes for a list of {bytes}"
    );
}

#[tests::every_engine]
async fn memory_does_not_grow_with_the_list_of_an_embedded_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let opened = storage::open_embedded(folder.path(), Access::Serve).await;
    let store = opened.expect("an empty ledger").store;
    fill(store.as_ref(), TICKETS).await;
    store.close().await;
    drop(store);
    assert_flat(&Server::start(folder.path())).await;
}

#[tests::every_engine]
async fn memory_does_not_grow_with_the_list_of_a_clusters_server() {
    let cluster = Cluster::new().await;
    let store = PostgresStore::open(cluster.database.url(), options()).await;
    let store = store.expect("it is migrated");
    fill(&store, TICKETS).await;
    store.close().await;
    assert_flat(&cluster.start("api")).await;
}
