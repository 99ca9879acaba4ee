//! The page of a concert, in a browser that stays while seats are sold.

use serde_json::{Value, json};
use tests::TestApp;

use super::tab::Tab;

/// Two sections of ten seats.
fn house() -> Value {
    let seats = |zone: u32| {
        let seat = |number: u32| {
            json!({"seat_number": number.to_string(), "seat_guid": format!("{zone}-{number}"),
                   "category": "A", "position": {"x": 20 * number, "y": 60 * zone}})
        };
        (1..=10).map(seat).collect::<Vec<_>>()
    };
    let zone = |zone: u32, name: &str| {
        json!({"name": name, "position": {"x": 0, "y": 0}, "rows": [
            {"row_number": "A", "position": {"x": 0, "y": 0}, "seats": seats(zone)}]})
    };
    json!({"name": "Old Theatre", "categories": [{"name": "A", "color": "#00aa00"}],
           "zones": [zone(0, "Stalls"), zone(1, "Balcony & \"Boxes\"")]})
}

async fn concert(app: &TestApp) -> String {
    let layout = app.http.post("/api/v1/layouts", &house()).await;
    let body = json!({"name": "<i>Faust</i>", "venue": "Old Theatre", "date": "2030-01-01",
                      "capacity": 20, "status": "ACTIVE", "layout_id": layout.string("/id")});
    let concert = app.http.post("/api/v1/concerts", &body).await.string("/id");
    let show = json!({"prices": {"A": "€ 59.00"}});
    let path = format!("/api/v1/concerts/{concert}/show");
    assert_eq!(app.http.put(&path, &show).await.status, 200);
    concert
}

fn opened(app: &TestApp, concert: &str) -> Tab {
    Tab::open(&format!("{}/concerts/{concert}", app.http.base()))
}

const FREE_IN_SECTIONS: &str = "[...document.querySelectorAll('#sections span')]\
    .reduce((sum, words) => sum + (parseInt(words.textContent) || 0), 0)";

#[tokio::test(flavor = "multi_thread")]
async fn open_page_shows_seats_as_they_are_sold() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    app.http.bought(&concert, 1).await;
    app.http.bought(&concert, 2).await;
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| {
        tab.until("document.querySelectorAll('#sections button').length === 2");
        tab.until("element('summary').textContent === '18 of 20 seats left'");
        assert_eq!(
            tab.value("document.querySelector('h1').textContent"),
            "<i>Faust</i>"
        );
        tab.until("element('prices').textContent === 'A: € 59.00'");
        tab.until("picture.shown === 2");
        // A section is opened where it is in the picture.
        tab.value(
            "document.querySelector('[data-section=Stalls]').dispatchEvent(new MouseEvent('click'))",
        );
        tab.until("open?.seats.size === 10 && !element('detail').hidden");
        // The number of free seats in the section's picture would grow old.
        assert_eq!(
            tab.value("element('seats').querySelector('.count')"),
            Value::Null
        );
        tab.value("focusSeat(open.seats.values().toArray().at(-1))");
        assert_eq!(tab.value("element('change').textContent"), "");
    });
    for user in 3..=10 {
        app.http.bought(&concert, user).await;
    }
    tokio::task::block_in_place(|| tab.until(&format!("{FREE_IN_SECTIONS} === 10")));
    for user in 11..=20 {
        app.http.bought(&concert, user).await;
    }
    tokio::task::block_in_place(|| {
        tab.until("element('summary').textContent === 'Sold out'");
        let sold = "[...open.seats.values()].every((seat) => seat.classList.contains('sold') \
                    && seat.ariaLabel.endsWith(': sold'))";
        assert_eq!(tab.value(sold), true);
        assert_eq!(tab.value("element('left').textContent"), "sold out");
        assert_eq!(tab.value("element('status').textContent"), "Sold out");
        // The focused seat's change is announced, and shown.
        for words in ["change", "seat"] {
            let told = tab.value(&format!("element('{words}').textContent.split(': ')[1]"));
            assert_eq!(told, "sold", "{words}");
        }
        tab.until("picture.shown === 20");
        assert_eq!(tab.value("element('note').hidden"), true);
    });
    drop(tab);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_used_with_the_keyboard_and_rests_while_nobody_looks() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| {
        tab.until("document.querySelectorAll('#sections button').length === 2");
        tab.value("document.querySelectorAll('#sections button')[1].click()");
        tab.until("open?.seats.size === 10");
        assert_eq!(tab.value("document.activeElement.id"), "section");
        tab.value("element('seats').querySelector(\"[tabindex='0']\").focus()");
        let press = |key: &str| {
            format!(
                "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', \
                 {{key: '{key}', bubbles: true}})), document.activeElement.id"
            )
        };
        assert_eq!(tab.value(&press("ArrowRight")), "seat-11");
        let spoken = "Balcony & \"Boxes\", row A, seat 2 – € 59.00: free";
        assert_eq!(tab.value("element('seat').textContent"), spoken);
        assert_eq!(tab.value(&press("ArrowLeft")), "seat-10");
        tab.value(&press("Escape"));
        assert_eq!(tab.value("element('detail').hidden"), true);
        assert_eq!(
            tab.value("document.activeElement.textContent.includes('Boxes')"),
            true
        );
        // A hidden page has nothing planned; one that is looked at again asks at once.
        tab.until("timer !== 0");
        let hide = |hidden: bool| {
            format!(
                "Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}}), \
                 document.dispatchEvent(new Event('visibilitychange')), timer"
            )
        };
        assert_eq!(tab.value(&hide(true)), 0);
        tab.until("!running && timer === 0");
    });
    app.http.bought(&concert, 1).await;
    tokio::task::block_in_place(|| {
        assert_eq!(tab.value("sale.count"), 0);
        tab.value(
            "Object.defineProperty(document, 'hidden', {value: false, configurable: true}), \
                   document.dispatchEvent(new Event('visibilitychange'))",
        );
        tab.until("sale.count === 1");
    });
    drop(tab);
    app.stop().await;
}

/// Requests of the page that wait, or are refused, as an expression of the request's URL says.
fn hindered(when: &str, how: &str) -> String {
    format!(
        "window.unhindered ??= fetch, window.fetch = async (url, options) => {{ \
         if ({when}) {how}; return unhindered(url, options); }}, true"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_do_not_wait_for_a_picture_that_fails() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| {
        tab.until("picture.shown === 0 && !picture.running");
        let refused = "return new Response('', { status: 503 })";
        tab.value(&hindered("url.endsWith('/seats')", refused));
    });
    app.http.bought(&concert, 1).await;
    tokio::task::block_in_place(|| {
        tab.until("element('summary').textContent === '19 of 20 seats left'");
        tab.until("picture.failures > 0 && !element('drawing').hidden");
        assert_eq!(tab.value("element('note').hidden"), true);
        assert_eq!(tab.value("picture.shown"), 0);
        tab.value(&hindered("false", "return"));
        tab.until("picture.shown === 1 && element('drawing').hidden");
        // A picture that is shown is not read again.
        let same = "(async () => { await readPlan(); const shown = element('plan').firstChild; \
                    await readPlan(); return shown === element('plan').firstChild; })()";
        assert_eq!(tab.value(same), true);
    });
    drop(tab);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_section_that_was_asked_for_last_is_opened() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| {
        tab.until("sections.size === 2");
        tab.value("window.later = Promise.withResolvers(), true");
        tab.value(&hindered("url.endsWith('=Stalls')", "await later.promise"));
        let both = "window.first = openSection('Stalls'), sections.forEach((_, name) => { \
                    if (name !== 'Stalls') openSection(name); }), true";
        tab.value(both);
        tab.until("open?.name.startsWith('Balcony')");
        let late = "(async () => { later.resolve(); await first; return open.name; })()";
        assert_eq!(tab.value(late), "Balcony & \"Boxes\"");
        // What cannot be opened is told where sections are, not where the sale is.
        tab.value("openSection('Attic')");
        assert_eq!(tab.value("element('trouble').hidden"), false);
        assert_eq!(tab.value("element('note').hidden"), true);
        // A section that is too large has no button.
        let large = "addSection('Field', 0, 20, true), \
                     element('sections').lastChild.querySelector('button')";
        assert_eq!(tab.value(large), Value::Null);
    });
    drop(tab);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_concert_is_shown_and_not_followed() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    let path = format!("/api/v1/concerts/{concert}");
    let cancelled = app.http.put(&path, &json!({"status": "CANCELLED"})).await;
    assert_eq!(cancelled.status, 200);
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| {
        tab.until("sections.size === 2 && sale.version !== null && !running");
        assert_eq!(tab.value("element('status').textContent"), "Cancelled");
        assert_eq!(tab.value("timer"), 0);
    });
    drop(tab);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_says_when_the_service_is_away_and_asks_less_often() {
    let app = TestApp::start().await;
    let concert = concert(&app).await;
    let mut tab = tokio::task::block_in_place(|| opened(&app, &concert));
    tokio::task::block_in_place(|| tab.until("sale.version === '0'"));
    app.stop().await;
    tokio::task::block_in_place(|| {
        tab.until("failures >= 2 && wait >= 2 * POLL_MIN_MS");
        assert_eq!(tab.value("element('note').hidden"), false);
    });
}
