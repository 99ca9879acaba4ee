use super::*;

#[test]
fn axes_have_a_few_round_numbers() {
    let ticks = |unit, value| Axis::of(unit, std::iter::once(value)).ticks();
    assert_eq!(
        ticks(Unit::Count, 930.0),
        [0.0, 250.0, 500.0, 750.0, 1_000.0]
    );
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
