use super::*;

fn document(capacity: u32, sold: impl IntoIterator<Item = u32>) -> PlanDocument {
    PlanDocument {
        concert_id: "c".to_owned(),
        concert_name: "Name".to_owned(),
        venue: "Venue".to_owned(),
        capacity,
        sold: sold.into_iter().collect(),
        ..PlanDocument::default()
    }
}

#[test]
fn plan_that_was_updated_is_the_one_that_is_drawn_anew() {
    for capacity in [1, 100, 10_000, 120_000] {
        let mut plan = SeatingPlan::new(document(capacity, [])).unwrap();
        for seats in [
            vec![0],
            vec![0, capacity - 1],
            vec![],
            (0..capacity).collect(),
        ] {
            let sold: SoldSeats = seats.iter().copied().collect();
            plan.update(sold, SoldSeats::new()).unwrap();
            let anew = plan_svg(&document(capacity, seats)).unwrap();
            assert_eq!(plan.svg(), anew, "{capacity}");
        }
    }
}

#[test]
fn sale_redraws_the_neighbours_only() {
    let mut plan = SeatingPlan::new(document(10_000, [])).unwrap();
    let chunks = plan.chunks.len();
    assert!(chunks > 10);
    assert_eq!(
        plan.update([17].into_iter().collect(), SoldSeats::new())
            .unwrap(),
        1
    );
    let far_apart: SoldSeats = [17, 9_999].into_iter().collect();
    assert_eq!(plan.update(far_apart.clone(), SoldSeats::new()).unwrap(), 1);
    assert_eq!(plan.update(far_apart, SoldSeats::new()).unwrap(), 0);
}

#[test]
fn first_held_seat_brings_its_entry_in_the_legend() {
    let mut plan = SeatingPlan::new(document(100, [1])).unwrap();
    let held: SoldSeats = [5].into_iter().collect();
    plan.update([1].into_iter().collect(), held.clone())
        .unwrap();
    let anew = PlanDocument {
        held,
        ..document(100, [1])
    };
    assert_eq!(plan.svg(), plan_svg(&anew).unwrap());
    assert!(String::from_utf8(plan.svg()).unwrap().contains("On hold"));
}

#[test]
fn chunks_cover_every_seat_and_dot_once() {
    for capacity in [0, 1, 999, 10_000, 96_000, 120_000, 1_000_000] {
        let field = Field::of_rows(Geometry::of(capacity));
        let dots = field.chunks.iter().flat_map(|chunk| chunk.dots.clone());
        assert!(dots.eq(0..field.dots.len()), "{capacity}");
        let seats = field.chunks.iter().flat_map(|chunk| chunk.seats.clone());
        assert!(seats.eq(0..capacity), "{capacity}");
    }
}

#[test]
fn sections_cover_every_seat_once() {
    for capacity in [0, 1, 999, 10_000, 1_000_000] {
        let sections = plan_sections(&document(capacity, []));
        let seats = sections.iter().flat_map(|section| section.seats.clone());
        assert!(seats.eq(0..capacity), "{capacity}");
    }
}
