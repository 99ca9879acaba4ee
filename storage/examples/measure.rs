//! Throwaway: what the store's calls cost.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::allow_attributes
)]
use chrono::TimeDelta;
use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::{IdSource, SystemIds};
use domain::job::*;
use domain::ports::*;
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::*;
use std::time::Instant;

fn cpu() -> f64 {
    let t = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<f64> = t
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|x| x.parse().unwrap_or(0.0))
        .collect();
    (f[10] + f[11]) / 100.0
}
#[derive(Clone, Copy)]
struct T(Instant, f64);
impl T {
    fn now() -> T {
        T(Instant::now(), cpu())
    }
    fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}
fn rate(name: &str, n: usize, start: T) {
    let s = start.elapsed().as_secs_f64();
    let c = cpu() - start.1;
    println!(
        "{name:34} {:>9.0}/s wall {:>9.0}/s cpu  {:.2} us cpu each",
        n as f64 / s,
        n as f64 / c,
        c / n as f64 * 1e6
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or("/tmp/measure".into()));
    let _ = std::fs::remove_dir_all(&dir);
    let opened = storage::open_embedded(&dir, storage::Access::Serve)
        .await
        .unwrap();
    let store = opened.store;
    let ids = SystemIds;
    let now = from_micros(1_800_000_000_000_000);
    let mut concerts = vec![];
    for _ in 0..4 {
        let c = Concert {
            id: ConcertId(ids.next()),
            name: Name::parse("n").unwrap(),
            venue: Name::parse("v").unwrap(),
            date: parse_date("2027-03-04").unwrap(),
            capacity: 1_000_000,
            status: Status::Active,
            version: 1,
            created_at: now,
        };
        let mut tx = store.begin().await.unwrap();
        tx.insert_concert(&c).await.unwrap();
        tx.commit().await.unwrap();
        concerts.push(c.id);
    }
    let mut all = vec![];
    for (ci, batch) in [(0usize, 128usize), (1, 500)] {
        let total = 200_000;
        let mut next: Vec<u32> = (0..64).map(|b| b * 15_625).collect();
        let mut seat = 0u64;
        let start = T::now();
        for _ in 0..total / batch {
            let tickets: Vec<_> = (0..batch)
                .map(|_| {
                    seat += 1;
                    let b = (domain::ids::mix(seat) % 64) as usize;
                    let s = next[b];
                    next[b] += 1;
                    NewTicket {
                        id: TicketId(ids.next()),
                        concert_id: concerts[ci],
                        user_id: UserId(uuid::Uuid::from_u128(
                            (domain::ids::mix(seat) % 5000) as u128,
                        )),
                        seat: SeatNo(s),
                        bought_at: now,
                    }
                })
                .collect();
            let mut tx = store.begin().await.unwrap();
            let ok = tx.insert_tickets(&tickets).await.unwrap();
            assert!(ok.iter().all(|x| *x));
            tx.record_sales(&[(concerts[ci], batch as u32)], now)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            all.extend(tickets.iter().map(|t| t.id));
        }
        rate(
            &format!("purchase tx, batch {batch}"),
            total / batch * batch,
            start,
        );
    }
    if std::env::args().nth(2).is_some() {
        return;
    }
    for batch in [1usize, 128, 500] {
        let n = if batch == 1 { 2000 } else { 50_000 };
        let start = T::now();
        for chunk in all[batch * 100..][..n].chunks(batch) {
            let mut tx = store.begin().await.unwrap();
            tx.request_prints(chunk).await.unwrap();
            tx.commit().await.unwrap();
        }
        rate(&format!("request_prints, batch {batch}"), n, start);
    }
    for batch in [128usize, 500] {
        let n = 100_000 / batch * batch;
        let start = T::now();
        for _ in 0..n / batch {
            let jobs: Vec<_> = (0..batch)
                .map(|_| NewJob::of(&Noop {}, JobId(ids.next()), now, now))
                .collect();
            let mut tx = store.begin().await.unwrap();
            tx.insert_jobs(&jobs).await.unwrap();
            tx.commit().await.unwrap();
        }
        rate(&format!("insert_jobs, batch {batch}"), n, start);
    }
    {
        let mut tx = store.read().await.unwrap();
        let start = T::now();
        let d = tx.count_jobs(now).await.unwrap();
        println!("count_jobs of 200k: {:?} {d:?}", start.elapsed());
    }
    let mut n = 0;
    let (mut tc, mut ts, mut tcc, mut tsc) = (0f64, 0f64, 0f64, 0f64);
    let whole = T::now();
    for batch in [500u32] {
        let mut rota = Rota::default();
        loop {
            let start = T::now();
            let request = ClaimRequest {
                queue: Queue::System,
                bands: rota.bands(batch, now),
                max: batch,
                worker: WorkerId(ids.next()),
                token: ClaimToken(ids.next()),
                now,
                until: now + TimeDelta::seconds(5),
            };
            let mut tx = store.begin().await.unwrap();
            let got = tx.claim_jobs(&request).await.unwrap();
            if got.jobs.is_empty() {
                break;
            }
            tc += start.elapsed().as_secs_f64();
            tx.commit().await.unwrap();
            tcc += start.elapsed().as_secs_f64();
            n += got.jobs.len();
            let settled: Vec<_> = got
                .jobs
                .iter()
                .map(|j| (j.claim, next(j, &Outcome::Done, &Policy::DEFAULT, now)))
                .collect();
            let start = T::now();
            let mut tx = store.begin().await.unwrap();
            let ok = tx.settle_jobs(&settled).await.unwrap();
            assert!(ok.iter().all(|x| *x));
            ts += start.elapsed().as_secs_f64();
            tx.commit().await.unwrap();
            tsc += start.elapsed().as_secs_f64();
        }
    }
    rate("claim -> settle, batch 500", n, whole);
    println!(
        "   claim {:.2} us (+commit {:.2}), settle {:.2} us (+commit {:.2})",
        tc / n as f64 * 1e6,
        tcc / n as f64 * 1e6,
        ts / n as f64 * 1e6,
        tsc / n as f64 * 1e6
    );
    let start = T::now();
    let k = 50_000;
    for i in 0..k {
        let id = all[(domain::ids::mix(i as u64) % all.len() as u64) as usize];
        store
            .read()
            .await
            .unwrap()
            .find_ticket(id)
            .await
            .unwrap()
            .unwrap();
    }
    rate("find_ticket, one after another", k, start);
    let start = T::now();
    let tasks: Vec<_> = (0..8)
        .map(|t| {
            let store = store.clone();
            let all = all.clone();
            tokio::spawn(async move {
                for i in 0..k / 8 {
                    let id = all[(domain::ids::mix((t * 1_000_000 + i) as u64) % all.len() as u64)
                        as usize];
                    store
                        .read()
                        .await
                        .unwrap()
                        .find_ticket(id)
                        .await
                        .unwrap()
                        .unwrap();
                }
            })
        })
        .collect();
    for t in tasks {
        t.await.unwrap();
    }
    rate("find_ticket, 8 at a time", k, start);
    let start = T::now();
    for _ in 0..50 {
        store
            .read()
            .await
            .unwrap()
            .list_sold(concerts[0], SeatNo(0), 10_000)
            .await
            .unwrap();
    }
    println!("list_sold 10,000: {:?}", start.elapsed() / 50);
    let start = T::now();
    let c = store
        .read()
        .await
        .unwrap()
        .count_sold(concerts[0], BucketPlan::of(1_000_000))
        .await
        .unwrap();
    println!(
        "count_sold of 200k: {:?} ({} buckets)",
        start.elapsed(),
        c.len()
    );
    let start = T::now();
    println!(
        "audit {:?} in {:?}",
        store
            .snapshot()
            .await
            .unwrap()
            .find_violations(3)
            .await
            .unwrap()
            .len(),
        start.elapsed()
    );
    println!(
        "wal {} MB",
        std::fs::metadata(dir.join("ledger.db-wal")).unwrap().len() >> 20
    );
    store.close().await;
    println!("wal left: {}", dir.join("ledger.db-wal").exists());
}
