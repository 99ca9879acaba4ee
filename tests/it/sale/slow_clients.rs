//! Clients that are slow, but do not stand still: they keep nothing from the others for long.

use std::time::Duration;

use cli::service::Tweaks;
use domain::ConcertId;
use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::{IdSource, SystemIds};
use serde_json::{Value, json};
use tests::{Home, Http, Raw, StoreGate, TestApp, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::lists::fill;

/// Enough that no buffer of the system holds their list: about 300 bytes each.
const TICKETS: u32 = 60_000;

/// Reads the list of tickets piece by piece, with a rest after each, until there is nothing more.
async fn read_slowly(http: &Http) -> Vec<u8> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 * 1_024).expect("a size");
    let mut stream = socket.connect(http.address()).await.expect("it listens");
    let request = "GET /api/v1/tickets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it reads");
    let (mut said, mut piece) = (Vec::new(), vec![0; 64 * 1_024]);
    // A connection that is cut is reset, and what had arrived may be lost.
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        said.extend_from_slice(&piece[..read]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    said
}

#[tests::every_engine]
async fn a_list_that_is_read_too_slowly_gives_its_place_back() {
    let app = TestApp::again(Home::new().await, Tweaks::default(), |config| {
        config.admission.lists_max = 1;
        config.api.write_stall_timeout_ms = 300;
        // Whoever has to be waited for is too slow.
        config.api.answer_bytes_per_s_min = 1 << 40;
    })
    .await;
    fill(app.context().store.as_ref(), TICKETS).await;
    let http = Http::new(app.http.address());
    let said = read_slowly(&http).await;
    assert!(said.starts_with(b"HTTP/1.1 200"));
    assert!(!said.ends_with(b"}]"), "it was given the whole list");
    let path = format!("/api/v1/tickets?user_id={}", tests::http::user_id(2));
    let listed = || async { (http.get(&path).await.status == 200).then_some(()) };
    eventually("the place of the list is free", listed).await;
    app.stop().await;
}

/// A house of so many rows of a hundred seats.
fn house(rows: usize) -> Value {
    let rows: Vec<_> = (0..rows)
        .map(|row| {
            let seats: Vec<_> = (0..100)
                .map(|n| json!({"seat_number": format!("{n}"), "position": {"x": n, "y": 0}}))
                .collect();
            json!({"row_number": format!("{row}"), "position": {"x": 0, "y": row}, "seats": seats})
        })
        .collect();
    json!({"name": "Hall", "zones": [{"rows": rows}]})
}

/// Somebody who has sent so many bytes of a layout, and will send no more for now.
async fn uploading(http: &Http, bytes: usize) -> Raw {
    let mut raw = Raw::connect(http.address()).await;
    let head = "POST /api/v1/layouts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    assert!(raw.send(head.as_bytes()).await);
    assert!(raw.send(&vec![b' '; bytes]).await);
    raw
}

/// A server with memory for a layout of a megabyte, and much patience.
async fn narrow() -> (TestApp, Http) {
    let app = TestApp::again(Home::new().await, Tweaks::default(), |config| {
        config.api.uploads_max = 1;
        config.api.layout_bytes_max = 1_000_000;
        config.api.body_read_timeout_ms = 600_000;
        config.api.drain_timeout_ms = 0;
    })
    .await;
    let http = Http::new(app.http.address());
    (app, http)
}

#[tests::every_engine]
async fn uploads_that_dribble_leave_room_for_others() {
    let (app, http) = narrow().await;
    let mut dribblers = Vec::new();
    for _ in 0..20 {
        dribblers.push(uploading(&http, 1_000).await);
    }
    // They are being read: whatever is sent later is answered later.
    let large = house(40);
    assert!(large.to_string().len() > 128 * 1_024);
    for _ in 0..3 {
        let kept = http.post("/api/v1/layouts", &large).await;
        assert_eq!(kept.status, 201, "{}", kept.text());
    }
    drop(dribblers);
    app.stop().await;
}

#[tests::every_engine]
async fn memory_that_uploads_have_filled_is_refused_to_large_ones_and_given_back() {
    let (app, http) = narrow().await;
    let filling = uploading(&http, 999_000).await;
    let (large, small) = (house(40), house(1));
    eventually("what has arrived is held", || async {
        let refused = http.post("/api/v1/layouts", &large).await;
        (refused.status == 503).then(|| {
            let problem = refused.assert_problem(503);
            let detail = problem["detail"].as_str().expect("a text");
            assert!(detail.contains("api.uploads_max"), "{detail}");
            assert_eq!(refused.header("retry-after"), "1");
        })
    })
    .await;
    assert_eq!(http.post("/api/v1/layouts", &small).await.status, 201);
    drop(filling);
    let kept =
        || async { (http.post("/api/v1/layouts", &large).await.status == 201).then_some(()) };
    eventually("there is room again", kept).await;
    app.stop().await;
}

#[tests::every_engine]
async fn home_page_costs_one_look_however_many_concerts_there_are() {
    let gate = StoreGate::before_readers();
    let app = TestApp::again(Home::new().await, gate.tweaks(), |_| {}).await;
    let mut tx = app.context().store.begin().await.expect("a transaction");
    for number in 0..1_200 {
        let concert = Concert {
            id: ConcertId(SystemIds.next()),
            name: Name::parse(&format!("Night {number}.")).expect("a name"),
            venue: Name::parse("Hall").expect("a venue"),
            date: parse_date("2031-05-17").expect("a day"),
            capacity: 10,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: from_micros(1_800_000_000_000_000),
        };
        tx.insert_concert(&concert).await.expect("it is written");
        // Ids of one millisecond have no order.
        if number == 1_187 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    tx.commit().await.expect("it is durable");
    let http = Http::new(app.http.address());
    let before = gate.reads();
    let page = http.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(gate.reads() - before, 1);
    let shown = page.text().matches("<li>").count();
    assert_eq!(shown, 12);
    for number in 1_188..1_200 {
        assert!(
            page.text().contains(&format!("Night {number}.")),
            "{number}"
        );
    }
    app.stop().await;
}
