use super::*;

fn sale(name: &str) -> Sale {
    let target = Target::at(&[([127, 0, 0, 1], 1).into()], "x", "/shop");
    let mut sale = Sale {
        target,
        users: vec!["u".into()],
        concerts: Vec::new(),
        came: Vec::new(),
        begun: Instant::now(),
        keeps_tickets: false,
        keeps_times: true,
    };
    let created = Created {
        id: "c".into(),
        name: name.into(),
        capacity: 100,
    };
    sale.add("elsa", created);
    sale
}

fn print(name: &str) -> Words {
    let svg = format!("<svg><desc>t</desc><text>{name}</text><text>Hall</text></svg>");
    Words::of(svg.as_bytes()).unwrap()
}

#[test]
fn a_name_is_compared_as_a_print_escapes_it() {
    let sale = sale("Rock & Roll");
    assert!(sale.is_fresh(0, Instant::now(), &print("Rock &amp; Roll")));
    assert!(!sale.is_fresh(0, Instant::now(), &print("Rock")));
}

#[test]
fn a_print_with_the_longer_name_of_before_is_stale() {
    let sale = sale("Elsa on Ice");
    sale.rename(0, "Elsa");
    // Until the change is answered both may show.
    assert!(sale.is_fresh(0, Instant::now(), &print("Elsa on Ice")));
    sale.renamed(0, "Elsa");
    let asked = Instant::now();
    assert!(sale.is_fresh(0, asked, &print("Elsa")));
    assert!(!sale.is_fresh(0, asked, &print("Elsa on Ice")));
}

#[test]
fn the_age_of_a_plan_counts_what_was_sold_before() {
    let sale = sale("Elsa on Ice");
    sale.take_up(0, 20);
    sale.acknowledge(0, "t");
    assert_eq!(sale.known(0), Some(21));
    let asked = Instant::now() + Duration::from_secs(5);
    let age_s = |shown| sale.plan_age(0, asked, shown).as_secs_f64().round();
    assert_eq!((age_s(0), age_s(20), age_s(21)), (5.0, 5.0, 0.0));
}
