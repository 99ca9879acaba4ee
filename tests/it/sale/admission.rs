//! Too much at once: who is not let in is told so before any work is done, and nobody who was let
//! in is given up.

use std::collections::BTreeMap;

use domain::ConcertId;
use domain::admission::Class;
use domain::ports::Stock;
use domain::seat::SeatNo;
use tests::{Answer, Home, Http, StoreGate, TestApp, eventually};
use tokio::task::JoinHandle;

use super::{assert_ledger, sold, tally};

/// The first of the built-in users.
const USER: &str = "00000000-0000-0000-0000-000000000001";

/// A house with a seat.
const HOUSE: &str = r#"{"name": "Small", "zones": [{"name": "Stalls", "rows": [{"row_number": "A",
    "position": {"x": 0, "y": 0},
    "seats": [{"seat_number": "1", "position": {"x": 0, "y": 0}}]}]}]}"#;

/// A server whose ledger stands behind a gate, with few places, and a client of this very server.
async fn start(gate: &StoreGate, change: fn(&mut domain::AdmissionLimits)) -> (TestApp, Http) {
    let app = TestApp::again(Home::new().await, gate.tweaks(), |config| {
        change(&mut config.admission);
    })
    .await;
    let http = Http::new(app.http.address());
    (app, http)
}

fn buyers(http: &Http, concert: &str, count: u32) -> Vec<JoinHandle<Answer>> {
    let buyer = |user| {
        let (http, concert) = (http.clone(), concert.to_owned());
        tokio::spawn(async move { http.buy(&concert, user).await })
    };
    (1..=count).map(buyer).collect()
}

pub(super) async fn until_inside(app: &TestApp, class: Class, count: usize) {
    let inside = || async { (app.context().inside(class) == count).then_some(()) };
    eventually("they are inside", inside).await;
}

pub(super) async fn answers(asked: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let answers = futures::future::join_all(asked).await;
    let answered = |answer: Result<_, _>| answer.expect("no buyer panics");
    answers.into_iter().map(answered).collect()
}

fn assert_shed(answer: &Answer, setting: &str) {
    answer.assert_problem(503);
    let detail = answer.string("/detail");
    assert!(detail.contains(setting), "{detail}");
    let wait = answer.headers["retry-after"].to_str().expect("digits");
    let seconds: u32 = wait.parse().expect("seconds");
    assert!((1..=30).contains(&seconds), "{wait}");
}

#[tests::every_engine]
async fn what_is_beyond_the_bound_is_refused_at_once_and_the_rest_is_sold() {
    let gate = StoreGate::open();
    let (app, http) = start(&gate, |limits| {
        limits.purchases_max = 20;
        limits.concert_share_percent = 100;
    })
    .await;
    let concert = http.create_concert("A night", 50).await;
    gate.set_open(false);
    let inside = buyers(&http, &concert, 20);
    until_inside(&app, Class::Purchases, 20).await;
    // The gate is still shut: whoever is answered now is so without the ledger.
    for shed in answers(buyers(&http, &concert, 30)).await {
        assert_shed(&shed, "admission.purchases_max");
    }
    assert_eq!(
        http.get(&format!("/api/v1/concerts/{concert}"))
            .await
            .status,
        200
    );
    gate.set_open(true);
    let mut bought = answers(inside).await;
    until_inside(&app, Class::Purchases, 0).await;
    for user in 1..=31 {
        bought.push(http.buy(&concert, user).await);
    }
    assert_eq!(tally(&bought), BTreeMap::from([(201, 50), (422, 1)]));
    assert_ledger(&app, &concert, &sold(&bought)).await;
    let metrics = http.get("/metrics").await.text();
    let counted = r#"ticketoverflow_shed_total{class="purchases",reason="full"}"#;
    assert!(metrics.contains(counted), "{metrics}");
    app.stop().await;
}

#[tests::every_engine]
async fn one_concert_leaves_places_to_the_others() {
    let gate = StoreGate::open();
    let (app, http) = start(&gate, |limits| {
        limits.purchases_max = 20;
        limits.concert_share_percent = 75;
    })
    .await;
    let hot = http.create_concert("Hot", 100).await;
    let quiet = http.create_concert("Quiet", 100).await;
    // From now on it is known that both are there.
    for concert in [&hot, &quiet] {
        http.bought(concert, 1).await;
    }
    gate.set_open(false);
    let mut inside = buyers(&http, &hot, 15);
    until_inside(&app, Class::Purchases, 15).await;
    for shed in answers(buyers(&http, &hot, 5)).await {
        assert_shed(&shed, "admission.concert_share_percent");
    }
    inside.extend(buyers(&http, &quiet, 5));
    until_inside(&app, Class::Purchases, 20).await;
    gate.set_open(true);
    assert_eq!(tally(&answers(inside).await), BTreeMap::from([(201, 20)]));
    app.stop().await;
}

/// A request and the status that it has when it is let in.
type Route = (Class, &'static str, String, String, u16);

/// A request of every route that wants a place.
fn routes(concert: &str, ticket: &str) -> Vec<Route> {
    use Class::{Changes, Downloads, Lists, Lookups, Plans, PrintOrders, Purchases};
    let order = format!(r#"{{"concert_id": "{concert}", "user_id": "{USER}"}}"#);
    let concert = format!("/api/v1/concerts/{concert}");
    let ticket = format!("/api/v1/tickets/{ticket}");
    let post = |class, path: &str, body: &str, status| {
        (class, "POST", path.to_owned(), body.to_owned(), status)
    };
    let get = |class, path: &str, status| (class, "GET", path.to_owned(), String::new(), status);
    vec![
        post(Purchases, "/api/v1/tickets", &order, 201),
        post(PrintOrders, &format!("{ticket}/print"), "", 202),
        get(Downloads, &format!("{ticket}/print"), 404),
        get(Downloads, &format!("{ticket}/print.pdf"), 404),
        get(Downloads, &format!("{ticket}/print.png"), 404),
        get(Plans, &format!("{concert}/seats"), 404),
        get(Plans, &format!("{concert}/seats/status"), 200),
        get(Lists, "/api/v1/tickets", 200),
        get(Lists, "/api/v1/concerts", 200),
        get(Lists, "/api/v1/layouts", 200),
        post(Changes, "/api/v1/layouts", HOUSE, 201),
        get(Lookups, &ticket, 200),
        get(Lookups, &concert, 200),
        get(Lookups, &format!("{concert}/show"), 200),
        (
            Changes,
            "PUT",
            format!("{concert}/show"),
            "{}".to_owned(),
            200,
        ),
        (Changes, "PUT", concert, "{}".to_owned(), 200),
    ]
}

#[tests::every_engine]
async fn every_class_has_places_of_its_own() {
    let gate = StoreGate::open();
    let (app, http) = start(&gate, |limits| {
        *limits = domain::AdmissionLimits {
            purchases_max: 1,
            concert_share_percent: 100,
            print_orders_max: 1,
            downloads_max: 1,
            plans_max: 1,
            lists_max: 1,
            lookups_max: 1,
            changes_max: 1,
            ..*limits
        };
    })
    .await;
    let concert = http.create_concert("A night", 100).await;
    let ticket = http.bought(&concert, 1).await;
    let routes = routes(&concert, &ticket);
    let json = [("content-type", "application/json")];
    for taken in Class::ALL {
        let pass = app.context().admit(taken).expect("the place is free");
        for (class, method, path, body, status) in &routes {
            // A plan that nobody draws would be waited for.
            if *class == Class::Plans && taken != Class::Plans {
                continue;
            }
            let answer = http.send(method, path, &json, body.clone()).await;
            if *class == taken {
                assert_shed(&answer, &format!("admission.{}_max", class.name()));
            } else {
                assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text());
            }
        }
        drop(pass);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn home_page_takes_a_place_among_the_lists() {
    let gate = StoreGate::open();
    let (app, http) = start(&gate, |limits| limits.lists_max = 1).await;
    let pass = app.context().admit(Class::Lists).expect("it is free");
    let page = http.get("/").await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.header("content-type").starts_with("text/html"));
    drop(pass);
    assert_eq!(http.get("/").await.status, 200);
    app.stop().await;
}

#[tests::every_engine]
async fn sold_out_is_believed_for_a_moment_and_a_seat_that_comes_back_is_sold() {
    let app = TestApp::start().await;
    let http = Http::new(app.http.address());
    let concert = http.create_concert("A night", 10).await;
    let id = ConcertId::parse(&concert).expect("an id");
    let counters = &app.context().counters;
    // Counters by which everything is sold, as another process may leave them, until somebody
    // rebuilds them from the ledger, where everything is free.
    let mut none_left = Stock::full(10);
    none_left.next = vec![SeatNo(10)];
    counters
        .load(id, none_left, None)
        .await
        .expect("they can be reached");
    assert_eq!(http.buy(&concert, 1).await.status, 422);
    let buy = || async { (http.buy(&concert, 1).await.status == 201).then_some(()) };
    eventually("the reconciler finds the seats", buy).await;
    for user in 2..=10 {
        http.bought(&concert, user).await;
    }
    assert_eq!(http.buy(&concert, 11).await.status, 422);
    app.stop().await;
}
