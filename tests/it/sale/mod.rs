//! On-sales: P1, never oversold; P2, never undersold.

mod admission;
mod crowds;
mod edges;
mod evictions;
mod health;
mod layouts;
mod lists;
mod loading;
mod lookups;
mod panics;
mod shared;
mod slow_clients;
mod storms;
mod unwritten;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use domain::{ConcertId, TicketId};
use tests::wait::DEADLINE;
use tests::{Answer, Http, TestApp};

/// A rest before the seats left are asked for again.
const HELD_PAUSE: Duration = Duration::from_millis(25);

/// Buys a ticket. A buyer who hears that the seats left are held by others (409), or that a busy
/// machine has no place (503), was sold nothing and not refused either, and asks again, as the
/// answer says.
async fn buy(http: &Http, concert: &str, user: u32) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = http.buy(concert, user).await;
        if !matches!(answer.status, 409 | 503) || begun.elapsed() > DEADLINE {
            return answer;
        }
        tokio::time::sleep(HELD_PAUSE).await;
    }
}

/// Buys for the built-in users of these numbers, all at once; the answers.
async fn rush(app: &TestApp, orders: impl IntoIterator<Item = (String, u32)>) -> Vec<Answer> {
    let orders = orders.into_iter().map(|(concert, user)| {
        let http = app.http.clone();
        tokio::spawn(async move { buy(&http, &concert, user).await })
    });
    let answers = futures::future::join_all(orders.collect::<Vec<_>>()).await;
    answers
        .into_iter()
        .map(|answer| answer.expect("no buyer panics"))
        .collect()
}

/// How many answers had each status.
fn tally(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        *tally.entry(answer.status).or_default() += 1;
    }
    tally
}

/// The ids in the answers that sold something.
fn sold(answers: &[Answer]) -> HashSet<String> {
    let sold: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    let ids: HashSet<_> = sold.iter().map(|answer| answer.string("/id")).collect();
    assert_eq!(ids.len(), sold.len(), "every ticket another one");
    ids
}

/// Asserts that these tickets, and no others, are the concert's, each on a seat of its own.
async fn assert_ledger(app: &TestApp, concert: &str, tickets: &HashSet<String>) {
    let list = app
        .http
        .get(&format!("/api/v1/tickets?concert_id={concert}"))
        .await
        .json();
    let list = list.as_array().expect("an array");
    let listed: HashSet<_> = list
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(&listed, tickets);
    let id = ConcertId::parse(concert).expect("a concert's id");
    let offer = domain::concerts::find(app.context(), id)
        .await
        .expect("the concert is there");
    assert_eq!(offer.sold as usize, tickets.len());
    let mut seats = BTreeSet::new();
    for ticket in tickets {
        let id = TicketId::parse(ticket).expect("a ticket's id");
        let ticket = domain::tickets::find(app.context(), id)
            .await
            .expect("it is there");
        assert!(ticket.seat.0 < offer.concert.capacity);
        assert!(seats.insert(ticket.seat), "{:?} is sold twice", ticket.seat);
    }
}
