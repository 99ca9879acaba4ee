use domain::ids::IdSource;
use domain::job::*;
use domain::ports::Store;
use domain::*;
use std::time::Instant;
use storage::postgres::*;
use tests::Database;

#[tokio::test]
async fn speed() {
    let database = Database::new().await;
    let store = PostgresStore::open(database.url(), Options::default())
        .await
        .unwrap();
    let ids = SystemIds;
    let clock = SystemClock;
    let rounds = 40;
    let t = Instant::now();
    for _ in 0..rounds {
        let jobs: Vec<_> = (0..1000)
            .map(|_| NewJob::of(&Noop {}, JobId(ids.next()), clock.now(), clock.now()))
            .collect();
        let mut tx = store.begin().await.unwrap();
        tx.insert_jobs(&jobs).await.unwrap();
        tx.commit().await.unwrap();
    }
    println!("insert {:?}/1000", t.elapsed() / rounds);
    let (mut tc, mut ts) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
    for batch in [1000u32, 1000, 250] {
        let n = if batch == 1000 { 15 } else { 40 };
        tc = Default::default();
        ts = Default::default();
        let all = Instant::now();
        for _ in 0..n {
            let now = clock.now();
            let mut rota = Rota::default();
            let t = Instant::now();
            let request = ClaimRequest {
                queue: Queue::System,
                bands: rota.bands(batch, now),
                max: batch,
                worker: WorkerId(ids.next()),
                token: ClaimToken(ids.next()),
                now,
                until: now + jobs::LEASE,
            };
            let mut tx = store.begin().await.unwrap();
            let claimed = tx.claim_jobs(&request).await.unwrap().jobs;
            tx.commit().await.unwrap();
            tc += t.elapsed();
            assert_eq!(claimed.len(), batch as usize);
            let settled: Vec<_> = claimed
                .iter()
                .map(|job| {
                    (
                        job.claim,
                        next(job, &Outcome::Done, &Policy::DEFAULT, clock.now()),
                    )
                })
                .collect();
            let t = Instant::now();
            let mut tx = store.begin().await.unwrap();
            let stood = tx.settle_jobs(&settled).await.unwrap();
            tx.commit().await.unwrap();
            ts += t.elapsed();
            assert!(stood.iter().all(|s| *s));
        }
        println!(
            "batch {batch}: claim {:?} settle {:?} => {:.0}/s",
            tc / n,
            ts / n,
            f64::from(batch * n) / all.elapsed().as_secs_f64()
        );
    }
    // tickets
    let concert = domain::concert::Concert {
        id: ConcertId(ids.next()),
        name: domain::concert::Name::parse("a").unwrap(),
        venue: domain::concert::Name::parse("a").unwrap(),
        date: domain::concert::parse_date("2030-01-01").unwrap(),
        capacity: 1_000_000,
        status: domain::concert::Status::Active,
        version: 1,
        created_at: clock.now(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_concert(&concert).await.unwrap();
    tx.commit().await.unwrap();
    for group in [1u32, 30, 300, 1000] {
        let n = 30;
        let (mut ti, mut tr, mut tco) = (
            std::time::Duration::ZERO,
            std::time::Duration::ZERO,
            std::time::Duration::ZERO,
        );
        for round in 0..n {
            let tickets: Vec<_> = (0..group)
                .map(|i| domain::tickets::NewTicket {
                    id: TicketId(ids.next()),
                    concert_id: concert.id,
                    user_id: UserId(ids.next()),
                    seat: domain::seat::SeatNo(group * 100 + round * group + i),
                    bought_at: clock.now(),
                })
                .collect();
            let t = Instant::now();
            let mut tx = store.begin().await.unwrap();
            let w = tx.insert_tickets(&tickets).await.unwrap();
            ti += t.elapsed();
            assert!(w.len() == group as usize);
            let t = Instant::now();
            tx.record_sales(&[(concert.id, group)], clock.now())
                .await
                .unwrap();
            tr += t.elapsed();
            let t = Instant::now();
            tx.commit().await.unwrap();
            tco += t.elapsed();
        }
        println!(
            "group {group}: insert {:?} record {:?} commit {:?}",
            ti / n,
            tr / n,
            tco / n
        );
    }
}
