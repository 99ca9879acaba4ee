use super::*;

#[test]
fn axes_have_a_few_round_numbers() {
    let ticks = |unit, value| Axis::of(unit, std::iter::once(value)).ticks();
    assert_eq!(
        ticks(Unit::Count, 930.0),
        [0.0, 250.0, 500.0, 750.0, 1_000.0]
    );
    assert_eq!(ticks(Unit::Count, 9.0), [0.0, 5.0, 10.0]);
    assert_eq!(ticks(Unit::Count, 0.0), [0.0, 1.0]);
    assert_eq!(ticks(Unit::LogMs, 3.0), [1.0, 10.0]);
    assert!(ticks(Unit::Seconds, 0.0).len() < 8);
    let texts: Vec<_> = [0.25, 1.0, 12.5, 1_234.0]
        .map(|ms| Unit::LogMs.text(ms))
        .into();
    assert_eq!(texts, ["250 µs", "1 ms", "12.5 ms", "1.23 s"]);
    assert_eq!(
        [clock(7.0), clock(75.0), clock(3_700.0)],
        ["7 s", "1:15", "1:01 h"]
    );
}

#[test]
fn a_plot_is_xml_whatever_is_missing() {
    let series = |values: Vec<Option<f64>>| Series {
        name: "p99",
        class: "c1",
        values,
        look: Look::Area,
    };
    for values in [
        vec![],
        vec![None],
        vec![Some(1.0)],
        vec![Some(1.0), None, Some(0.0), Some(9.0)],
    ] {
        let html = lines("x", &[series(values)], 10.0, Unit::LogMs);
        roxmltree::Document::parse(&format!("<p>{html}</p>")).unwrap();
    }
    for bins in [&[][..], &[(1.0, 2.0, 3), (2.0, 4.0, 0)]] {
        let svg = bars("x", bins, &[("p50", "c1", 1.5)]);
        roxmltree::Document::parse(&svg).unwrap();
    }
}

#[test]
fn a_plot_says_its_figures_and_leaves_out_what_was_not_seen() {
    let series = |name, class, values: &[Option<f64>]| Series {
        name,
        class,
        values: values.to_vec(),
        look: Look::Line,
    };
    let all = [
        series("as the server says", "c1", &[Some(1.5), Some(3.0), None]),
        series("as fetched", "c3", &[None, None, None]),
    ];
    let html = lines("Age", &all, 3.0, Unit::Seconds);
    let label = "aria-label=\"Age: as the server says at most 3 s\"";
    assert!(
        html.contains(label) && !html.contains("as fetched"),
        "{html}"
    );
    let html = lines("Age", &all[1..], 3.0, Unit::Seconds);
    assert!(html.contains("aria-label=\"Age: no figures\""), "{html}");
    let html = bars("Latency", &[(1.0, 2.0, 3)], &[("half", "c1", 1.5)]);
    assert!(
        html.contains("aria-label=\"Latency: half 1.5 ms\""),
        "{html}"
    );
}
