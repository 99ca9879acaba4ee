//! PostgreSQL fails in the middle of a sale, while tickets are printed.

use std::cell::RefCell;
use std::time::Duration;

use tests::engine::seconds;
use tests::postgres::{PostgresServer, Stranger};
use tests::{Cluster, Crowd, Server, eventually};
use tokio::time::sleep;

use super::{assert_sold_out, until_printed};

const BUYERS: u32 = 12;

/// As few as the processes of a test can live with.
const FEW_CONNECTIONS: &[&str] = &["max_connections=60"];

/// A sale through two processes, with workers and a scheduler.
struct Sale {
    cluster: Cluster,
    servers: [Server; 3],
    concert: String,
    capacity: u32,
    crowd: Crowd,
}

impl Sale {
    /// Begins to sell, and to print.
    async fn begin(cluster: Cluster) -> Self {
        Self::begin_of(80 * seconds(), cluster).await
    }

    /// As [`Sale::begin`], of so many seats.
    async fn begin_of(capacity: u32, cluster: Cluster) -> Self {
        let servers = ["api,scheduler", "api", "worker"].map(|roles| cluster.start(roles));
        let concert = servers[0].http.create_concert("A night", capacity).await;
        let clients = servers[..2].iter().map(|server| server.http.clone());
        let crowd = Crowd::buy_and_print(clients.collect(), &concert, BUYERS);
        crowd.until_more(capacity as usize / 4).await;
        Self {
            cluster,
            servers,
            concert,
            capacity,
            crowd,
        }
    }

    /// Everything is sold and printed.
    async fn end(self) -> Cluster {
        let answered = self.crowd.sold_out().await;
        assert_sold_out(&self.cluster, &self.concert, &answered, self.capacity);
        until_printed(&self.cluster, &answered).await;
        self.cluster
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_when_the_database_is_restarted() {
    let server = PostgresServer::start();
    let sale = Sale::begin(Cluster::on_postgres(server.clone()).await).await;
    tokio::task::block_in_place(|| server.crash());
    for process in &sale.servers {
        eventually("it knows that it is of no use", || async {
            (process.http.get("/readyz").await.status == 503).then_some(())
        })
        .await;
        assert_eq!(process.http.get("/livez").await.status, 200);
    }
    tokio::task::block_in_place(|| server.recover());
    for process in &sale.servers {
        eventually("it is of use again", || async {
            (process.http.get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }
    sale.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_while_its_connections_are_cut_again_and_again() {
    let sale = Sale::begin(Cluster::new().await).await;
    sale.crowd.hurry();
    for _ in 0..10 * seconds() {
        sale.cluster.database.hang_up();
        // So often, not so long: the sale waits for nobody.
        sleep(Duration::from_millis(100)).await;
    }
    sale.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_after_strangers_took_every_connection() {
    let server = PostgresServer::start_with(FEW_CONNECTIONS);
    // Whoever buys is refused, so that there must be something to buy until somebody is.
    let cluster = Cluster::on_postgres(server).await;
    let sale = Sale::begin_of(320 + 80 * seconds(), cluster).await;
    let database = &sale.cluster.database;
    let first = Stranger::come(database).expect("there is room");
    let strangers = RefCell::new(vec![first]);
    let refused_before = sale.crowd.refused();
    eventually("buyers are refused", || async {
        let mut strangers = strangers.borrow_mut();
        // Whoever loses a connection finds its place taken.
        strangers[0].ask(
            "select count(pg_terminate_backend(pid))
               from pg_stat_activity
              where application_name = 'ticketoverflow'",
        );
        while let Some(stranger) = Stranger::come(database) {
            strangers.push(stranger);
        }
        (sale.crowd.refused() > refused_before).then_some(())
    })
    .await;
    drop(strangers);
    sale.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_goes_on_beside_a_reader_that_forgot_its_transaction() {
    let sale = Sale::begin(Cluster::new().await).await;
    let mut reader = Stranger::come(&sale.cluster.database).expect("there is room");
    assert!(reader.ask("begin isolation level repeatable read; select count(*) from tickets"));
    // Until its end no dead row can be removed.
    let _cluster = sale.end().await;
    assert!(reader.ask("commit"));
}
