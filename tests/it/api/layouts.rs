//! Seating layouts: uploaded, refused with the place of the mistake, and used by concerts.

use serde_json::{Value, json};
use tests::TestApp;
use tests::wait::eventually;

use super::NOBODY;

fn seat(x: u32, number: &str) -> Value {
    json!({"seat_number": number, "seat_guid": format!("{number}-{x}"), "category": "A",
           "position": {"x": x, "y": 0}})
}

/// Three seats in the stalls and one, for a wheelchair, on the balcony.
fn house() -> Value {
    let mut wheelchair = seat(7, "W1");
    wheelchair["kind"] = json!("accessible");
    json!({
        "name": "Old Theatre", "size": {"width": 300, "height": 200},
        "categories": [{"name": "A", "color": "#00aa00"}],
        "zones": [
            {"name": "Stalls", "position": {"x": 10, "y": 50}, "rows": [
                {"row_number": "12", "position": {"x": 0, "y": 0},
                 "seats": [seat(0, "1"), seat(20, "2"), seat(40, "3")]},
            ]},
            {"name": "Balcony & Boxes", "position": {"x": 10, "y": 150}, "rows": [
                {"row_number": "B", "position": {"x": 0, "y": 0}, "seats": [wheelchair]},
            ]},
        ],
    })
}

fn concert(layout: &str, capacity: u32) -> Value {
    json!({"name": "Faust", "venue": "Old Theatre", "date": "2030-01-01", "capacity": capacity,
           "status": "ACTIVE", "layout_id": layout})
}

async fn upload(app: &TestApp) -> String {
    let answer = app.http.post("/api/v1/layouts", &house()).await;
    assert_eq!(answer.status, 201);
    answer.string("/id")
}

#[tests::every_engine]
async fn layout_is_kept_as_it_was_uploaded() {
    let app = TestApp::start().await;
    assert_eq!(app.http.get("/api/v1/layouts").await.json(), json!([]));
    let answer = app.http.post("/api/v1/layouts", &house()).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let shown = json!({"id": id, "name": "Old Theatre", "seats": 4});
    assert_eq!((answer.status, answer.json()), (201, shown.clone()));
    assert_eq!(answer.header("content-type"), "application/json");
    let path = format!("/api/v1/layouts/{id}");
    assert_eq!(answer.header("location"), path);
    let document = app.http.get(&path).await;
    assert_eq!((document.status, document.json()), (200, house()));
    assert_eq!(app.http.get("/api/v1/layouts").await.json(), json!([shown]));
    for unknown in [NOBODY, "x"] {
        assert_eq!(
            app.http
                .get(&format!("/api/v1/layouts/{unknown}"))
                .await
                .status,
            404
        );
    }
    app.stop().await;
}

#[tests::every_engine]
async fn format_of_layouts_is_described() {
    let app = TestApp::start().await;
    let answer = app.http.get("/api/v1/layouts/schema").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["title"], "Seating layout");
    app.stop().await;
}

#[tests::every_engine]
async fn bad_layout_is_refused_with_the_place_of_the_mistake() {
    let app = TestApp::start().await;
    let mut twice = house();
    twice["zones"][0]["rows"][0]["seats"][1]["position"]["x"] = json!(0);
    let answer = app.http.post("/api/v1/layouts", &twice).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.json()["errors"][0]["pointer"],
        "/zones/0/rows/0/seats/1/position"
    );
    for document in [
        json!(null),
        json!([]),
        json!({}),
        json!({"name": "x", "zones": []}),
    ] {
        assert_eq!(
            app.http.post("/api/v1/layouts", &document).await.status,
            400,
            "{document}"
        );
    }
    assert_eq!(app.http.get("/api/v1/layouts").await.json(), json!([]));
    app.stop().await;
}

#[tests::every_engine]
async fn large_layout_is_taken_where_another_body_is_too_large() {
    let app = TestApp::start().await;
    let rows: Vec<_> = (0..100)
        .map(|row| {
            let seats: Vec<_> = (0..100)
                .map(|n| json!({"seat_number": format!("{n}"), "position": {"x": n, "y": 0}}))
                .collect();
            json!({"row_number": format!("{row}"), "position": {"x": 0, "y": row}, "seats": seats})
        })
        .collect();
    let large = json!({"name": "Hall", "zones": [{"rows": rows}]});
    assert!(large.to_string().len() > 256 * 1024);
    assert_eq!(
        app.http.post("/api/v1/layouts", &large).await.json()["seats"],
        10_000
    );
    assert_eq!(app.http.post("/api/v1/concerts", &large).await.status, 413);
    app.stop().await;
}

#[tests::every_engine]
async fn concert_needs_a_layout_that_exists_and_has_as_many_seats() {
    let app = TestApp::start().await;
    let layout = upload(&app).await;
    let cases = [
        concert(NOBODY, 4),
        concert("x", 4),
        concert(&layout, 5),
        concert(&layout, 3),
    ];
    for body in cases {
        let answer = app.http.post("/api/v1/concerts", &body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            "/layout_id",
            "{body}"
        );
    }
    let made = app
        .http
        .post("/api/v1/concerts", &concert(&layout, 4))
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json().get("layout_id"), None);
    app.stop().await;
}

#[tests::every_engine]
async fn tickets_and_plan_of_a_concert_show_its_layout() {
    let app = TestApp::start().await;
    let layout = upload(&app).await;
    let made = app
        .http
        .post("/api/v1/concerts", &concert(&layout, 4))
        .await
        .json();
    let concert_id = made["id"].as_str().unwrap();
    let order =
        json!({"concert_id": concert_id, "user_id": "00000000-0000-0000-0000-000000000001"});
    let mut seats = Vec::new();
    for _ in 0..4 {
        let ticket = app.http.post("/api/v1/tickets", &order).await.json();
        let print = format!("/api/v1/tickets/{}/print", ticket["id"].as_str().unwrap());
        app.http.post(&print, &json!({})).await;
        let svg = eventually("the print", || async {
            let answer = app.http.get(&print).await;
            (answer.status == 200).then(|| String::from_utf8(answer.body.to_vec()).unwrap())
        })
        .await;
        let names = [
            "Stalls, row 12, seat 1",
            "Stalls, row 12, seat 2",
            "Stalls, row 12, seat 3",
            "Balcony &amp; Boxes, row B, seat W1",
        ];
        seats.extend(names.into_iter().filter(|name| svg.contains(name)));
    }
    seats.sort_unstable();
    seats.dedup();
    assert_eq!(seats.len(), 4, "{seats:?}");
    let plan = format!("/api/v1/concerts/{concert_id}/seats");
    let svg = eventually("a plan that shows all sales", || async {
        let answer = app.http.get(&plan).await;
        let svg = String::from_utf8(answer.body.to_vec()).unwrap();
        svg.contains(&format!("<desc>{concert_id}|4|4</desc>"))
            .then_some(svg)
    })
    .await;
    for words in [
        "Stalls",
        "Balcony &amp; Boxes",
        "stroke-linecap=\"square\"",
        "wheelchairs",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    app.stop().await;
}
