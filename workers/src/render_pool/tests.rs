use std::sync::mpsc;

use chrono::NaiveDate;
use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status};
use domain::ids::{ConcertId, TicketId, UserId};
use domain::prints::Style;
use domain::seat::{Hall, SeatNo};
use domain::show::{Show, Terms};
use domain::sold::SoldSeats;
use domain::ticket::{Print, Ticket};
use domain::user::UserDirectory;
use uuid::Uuid;

use super::*;
use crate::DrawingPoolConfig;

/// A pool of a process that runs no jobs.
fn pool(render_threads: usize, renders_waiting_max: usize) -> Arc<RenderPool> {
    let none = DrawingPoolConfig {
        min_per_thread: 0,
        max_per_thread: 0,
    };
    Arc::new(RenderPool::new(&Config {
        render_threads,
        renders_waiting_max,
        prints: none,
        plans: none,
        ..Config::default()
    }))
}

#[test]
fn there_is_room_for_what_jobs_draw_however_many_threads_there_are() {
    for render_threads in [1, 100, 1_000] {
        let config = Config {
            render_threads,
            renders_waiting_max: 0,
            ..Config::default()
        };
        let jobs = 2 * config.places_max(Queue::Prints) + config.places_max(Queue::Plans);
        let places = RenderPool::new(&config).places.available_permits();
        assert!(places >= render_threads + jobs as usize, "{places}");
    }
}

fn concert() -> Arc<Concert> {
    Arc::new(Concert {
        id: ConcertId(Uuid::from_u128(1)),
        name: Name::parse("Ночь & <Tag>").unwrap(),
        venue: Name::parse("Hall").unwrap(),
        date: NaiveDate::from_ymd_opt(2028, 2, 29).unwrap(),
        capacity: 120,
        layout_id: None,
        status: Status::Active,
        version: 3,
        created_at: from_micros(0),
    })
}

fn print() -> PrintDrawing {
    let concert = concert();
    PrintDrawing {
        ticket: Ticket {
            id: TicketId(Uuid::from_u128(2)),
            concert_id: concert.id,
            user_id: UserId(Uuid::from_u128(3)),
            seat: SeatNo(17),
            bought_at: from_micros(0),
            print: Print::Pending,
            concert_version: 3,
        },
        holder: UserDirectory::generated().all()[0].clone(),
        seat: Hall::of(120).label(SeatNo(17)),
        show: Arc::default(),
        code: "A1B2".into(),
        style: Style::default(),
        concert,
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_ticket_is_drawn_in_every_format_with_its_id_in_the_description() {
    let pool = pool(2, 8);
    for (format, start) in [
        (Format::Svg, b"<".as_slice()),
        (Format::Pdf, b"%PDF"),
        (Format::Png, b"\x89PNG"),
    ] {
        let bytes = pool.ticket(print(), format).await.unwrap();
        assert!(bytes.starts_with(start), "{format:?}");
    }
    let svg = text(&pool.ticket(print(), Format::Svg).await.unwrap());
    assert!(svg.contains("<desc>00000000-0000-0000-0000-000000000002</desc>"));
}

#[tokio::test]
async fn ticket_of_a_cancelled_concert_says_so_in_the_buyers_language() {
    let pool = pool(1, 0);
    let drawing = |status| {
        let print = print();
        PrintDrawing {
            concert: Arc::new(Concert {
                status,
                ..Concert::clone(&print.concert)
            }),
            style: Style {
                language: "de",
                phone: false,
            },
            ..print
        }
    };
    for (status, is_said) in [
        (Status::Active, false),
        (Status::SoldOut, false),
        (Status::Cancelled, true),
    ] {
        let svg = text(&pool.ticket(drawing(status), Format::Svg).await.unwrap());
        assert_eq!(svg.contains(">ABGESAGT<"), is_said, "{status:?}");
    }
}

#[tokio::test]
async fn a_plan_shows_every_sold_range() {
    let drawing = PlanDrawing {
        concert: concert(),
        layout: None,
        show: Arc::default(),
        sold: SoldSeats::from_ranges([(0, 3), (5, 1), (119, 1)]),
        section: None,
    };
    let svg = text(&pool(1, 0).plan(drawing).await.unwrap());
    assert!(svg.contains("<desc>00000000-0000-0000-0000-000000000001|120|5</desc>"));
}

#[tokio::test]
async fn what_cannot_be_drawn_is_told_from_what_failed() {
    let pool = pool(1, 0);
    let beyond = PlanDrawing {
        concert: concert(),
        layout: None,
        show: Arc::default(),
        sold: SoldSeats::from_ranges([(0, 1), (500, 1)]),
        section: None,
    };
    let undrawable = pool.plan(beyond).await;
    assert!(
        matches!(undrawable, Err(RenderError::Undrawable(_))),
        "{undrawable:?}"
    );
    let panicked = pool
        .draw("ticket", Format::Svg, || panic!("on purpose"))
        .await;
    assert!(
        matches!(&panicked, Err(RenderError::Failed(why)) if why.contains("on purpose")),
        "{panicked:?}"
    );
    assert!(
        pool.ticket(print(), Format::Svg).await.is_ok(),
        "the thread is free again"
    );
}

#[tokio::test]
async fn a_drawing_beyond_those_that_may_wait_is_refused_at_once() {
    let pool = pool(1, 1);
    let (go, gate) = mpsc::channel::<()>();
    let draws = |gate: Option<mpsc::Receiver<()>>| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            pool.draw("ticket", Format::Svg, move || {
                if let Some(gate) = gate {
                    let _ = gate.recv();
                }
                Ok(Vec::new())
            })
            .await
        })
    };
    let running = draws(Some(gate));
    let waiting = draws(None);
    while pool.places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(draws(None).await.unwrap(), Err(RenderError::Busy)));
    go.send(()).unwrap();
    assert!(running.await.unwrap().is_ok() && waiting.await.unwrap().is_ok());
    assert!(draws(None).await.unwrap().is_ok());
}

fn branded(branding: Branding) -> RenderPool {
    RenderPool::new(&Config::default()).branded(branding)
}

fn terms(terms: &str) -> VenueBrand {
    VenueBrand {
        terms: Some(terms.to_owned()),
        ..VenueBrand::default()
    }
}

#[tokio::test]
async fn terms_are_those_of_the_show_or_its_venue_or_the_usual_ones() {
    let said = |venue: &str| Branding {
        usual: terms("Usual terms."),
        venues: [(venue.to_owned(), terms("Terms of the hall."))].into(),
        ..Branding::default()
    };
    let show = Show {
        terms: Terms::parse("Terms of the show."),
        ..Show::default()
    };
    let announced = PrintDrawing {
        show: Arc::new(show),
        ..print()
    };
    for (venue, drawing, expected) in [
        ("Another hall", print(), "Usual terms."),
        ("Hall", print(), "Terms of the hall."),
        ("Hall", announced, "Terms of the show."),
    ] {
        let pool = branded(said(venue));
        let svg = text(&pool.ticket(drawing, Format::Svg).await.unwrap());
        assert!(svg.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn missing_letterform_is_framed_or_refused_as_the_server_is_told() {
    for (on_missing, is_drawn) in [(OnMissing::Frame, true), (OnMissing::Refuse, false)] {
        let pool = branded(Branding {
            on_missing,
            ..Branding::default()
        });
        let mut drawing = print();
        drawing.holder.name.push('🎉');
        let drawn = pool.ticket(drawing, Format::Pdf).await;
        match drawn {
            Ok(_) => assert!(is_drawn),
            Err(RenderError::Undrawable(why)) => assert!(!is_drawn && why.contains("U+1F389")),
            Err(error) => panic!("{error}"),
        }
    }
}
