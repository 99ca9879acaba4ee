//! The names of a house's zones, each where it hides no seat.

use domain::layout::Place;

use super::geometry::WIDTH;
use super::house::House;
use crate::scene::{Anchor, Colour, Item, Rect, Text, count};
use crate::text::{Weight, clean};

/// Zones that are named; more names than that would hide the seats.
const NAMES_MAX: usize = 200;
pub(super) const NAME_SIZE: f32 = 18.0;
/// The size of names where seats are nearer to each other than this.
const SMALL_NAME: f32 = 13.0;
const PITCH_NAMED_BESIDE: f32 = 9.0;
/// Seats of a house whose names may stand beside them: every place that is tried for a name is
/// compared with each seat. No house that has them this far apart has as many side by side.
const BESIDE_SEATS_MAX: u32 = 40_000;
/// Between a name and the seats that it stands beside.
const GAP: f32 = 8.0;
/// How far a name gives way to other zones, in distances of seats, and in how many steps.
const WAY_MAX: f32 = 1.5;
const STEPS: usize = 6;

/// Left, top, right and bottom, in pixels.
type Bounds = [f32; 4];

/// A zone as it is in the picture.
struct Spot {
    name: String,
    seats: Vec<[f32; 2]>,
    bounds: Bounds,
}

/// The names of the zones: above their seats or else below them. Where seats are small or too many,
/// or a zone has no room for its name beside it, all names stand in the middle of their zones, on
/// paper: a mixture would leave open which zone is meant.
pub(super) fn of_zones(house: &House) -> Vec<Item> {
    let zones = house.layout.zones.iter();
    let spots: Vec<Spot> = zones
        .map(|zone| {
            let seats = zone.seats.start as usize..zone.seats.end as usize;
            Spot::of(house, &zone.name, &house.layout.places[seats])
        })
        .collect();
    if house.pitch < PITCH_NAMED_BESIDE {
        return in_the_middle(&spots, SMALL_NAME);
    }
    let is_small = house.layout.seats() <= BESIDE_SEATS_MAX;
    let beside = is_small.then(|| beside(&spots, house.pitch)).flatten();
    beside.unwrap_or_else(|| in_the_middle(&spots, NAME_SIZE))
}

fn named(spots: &[Spot]) -> impl Iterator<Item = &Spot> {
    let named = |spot: &&Spot| !spot.name.is_empty() && !spot.seats.is_empty();
    spots.iter().filter(named).take(NAMES_MAX)
}

fn in_the_middle(spots: &[Spot], size: f32) -> Vec<Item> {
    let names = named(spots).flat_map(|spot| spot.in_the_middle(size));
    names.collect()
}

/// Every name where it hides neither a seat nor another name; none if one has no such place.
fn beside(spots: &[Spot], pitch: f32) -> Option<Vec<Item>> {
    let mut taken: Vec<Bounds> = Vec::new();
    let mut items = Vec::new();
    for spot in named(spots) {
        let free = |text: &Text| {
            let bounds = grown(bounds_of(text), 2.0);
            let is_clear = |other: &Bounds| !overlap(&bounds, other);
            let seats = grown(bounds, pitch * 0.5);
            bounds[0] >= 0.0
                && bounds[2] <= WIDTH
                && taken.iter().all(is_clear)
                && spots.iter().all(|spot| !spot.has_seat_in(&seats))
        };
        let text = spot.beside(pitch).find(free)?;
        taken.push(bounds_of(&text));
        items.push(Item::Text(text));
    }
    Some(items)
}

impl Spot {
    fn of(house: &House, name: &str, places: &[Place]) -> Self {
        let seats = places.iter().map(|place| house.place(place.x, place.y));
        let seats: Vec<_> = seats.collect();
        let start = [
            f32::INFINITY,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NEG_INFINITY,
        ];
        let bounds = seats.iter().fold(start, |[l, t, r, b], [x, y]| {
            [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
        });
        Self {
            name: clean(name).into_owned(),
            seats,
            bounds,
        }
    }

    /// The name above the seats, further and further away, and then below them. Those within its
    /// width count, so that a bent zone is named in its bow.
    fn beside(&self, pitch: f32) -> impl Iterator<Item = Text> {
        let middle = self.mean(0);
        let text = Text::label(&self.name, (middle, 0.0), NAME_SIZE, Weight::Bold);
        let half = f32::midpoint(width_of(&text), pitch);
        let near = self
            .seats
            .iter()
            .filter(|[x, _]| (x - middle).abs() <= half);
        let [mut top, mut bottom] = [f32::INFINITY, f32::NEG_INFINITY];
        for [_, y] in near {
            (top, bottom) = (top.min(*y), bottom.max(*y));
        }
        if top > bottom {
            [_, top, _, bottom] = self.bounds;
        }
        let text = text.anchored(Anchor::Middle).coloured(Colour::MUTED);
        let away = pitch * 0.5 + GAP;
        let ways = |start: f32, direction: f32| {
            let step = WAY_MAX * pitch / count(STEPS);
            (0..=STEPS).map(move |number| start + direction * step * count(number))
        };
        let above = ways(top - away, -1.0);
        let below = ways(bottom + away + NAME_SIZE * 0.75, 1.0);
        above.chain(below).map(move |y| text.clone().lowered(y))
    }

    /// The name over the seats, on paper.
    fn in_the_middle(&self, size: f32) -> Vec<Item> {
        let at = (self.mean(0), self.mean(1) + size * 0.35);
        let text = Text::label(&self.name, at, size, Weight::Bold).anchored(Anchor::Middle);
        let [left, top, right, bottom] = bounds_of(&text);
        let paper = Rect {
            x: left - 4.0,
            y: top,
            width: right - left + 8.0,
            height: bottom - top,
            radius: 4.0,
            colour: Colour::WHITE,
            stroke: None,
        };
        vec![Item::Rect(paper), Item::Text(text)]
    }

    fn mean(&self, axis: usize) -> f32 {
        let sum: f32 = self.seats.iter().map(|place| place[axis]).sum();
        sum / count(self.seats.len())
    }

    fn has_seat_in(&self, area: &Bounds) -> bool {
        let [left, top, right, bottom] = area;
        let is_in = |[x, y]: &[f32; 2]| x > left && x < right && y > top && y < bottom;
        overlap(&self.bounds, area) && self.seats.iter().any(is_in)
    }
}

/// Where the letters of a text that is anchored in its middle are.
fn bounds_of(text: &Text) -> Bounds {
    let (half, size) = (width_of(text) / 2.0, text.fitted.size);
    let (left, top) = (text.x - half, text.y - size);
    [left, top, text.x + half, top + size * 1.25]
}

fn grown([left, top, right, bottom]: Bounds, by: f32) -> Bounds {
    [left - by, top - by, right + by, bottom + by]
}

fn overlap(one: &Bounds, two: &Bounds) -> bool {
    one[0] <= two[2] && two[0] <= one[2] && one[1] <= two[3] && two[1] <= one[3]
}

fn width_of(text: &Text) -> f32 {
    text.lines().map(|(line, ..)| text.width_of(line)).sum()
}

#[cfg(test)]
mod tests {
    use domain::layout::Layout;
    use domain::layout::houses::{self, House as Kind};

    use super::*;

    #[test]
    fn no_name_of_a_house_with_large_seats_stands_on_a_seat() {
        for (kind, places) in [
            (Kind::Theatre, 1_200),
            (Kind::Theatre, 700),
            (Kind::Arena, 600),
        ] {
            let document = serde_json::to_vec(&houses::document(kind, places)).unwrap();
            let layout = Layout::parse(&document).unwrap();
            let house = House::of(&layout);
            assert!(house.pitch >= PITCH_NAMED_BESIDE, "{kind:?}");
            for item in of_zones(&house) {
                let Item::Text(text) = item else { continue };
                let bounds = bounds_of(&text);
                let seats = layout
                    .places
                    .iter()
                    .map(|place| house.place(place.x, place.y));
                let hidden = seats.filter(|[x, y]| {
                    *x > bounds[0] && *x < bounds[2] && *y > bounds[1] && *y < bounds[3]
                });
                let is_on_paper = text.colour == Colour::INK;
                assert!(is_on_paper || hidden.count() == 0, "{}", text.source);
            }
        }
    }

    #[test]
    fn theatre_names_its_zones_beside_them() {
        let document = serde_json::to_vec(&houses::document(Kind::Theatre, 1_200)).unwrap();
        let layout = Layout::parse(&document).unwrap();
        let items = of_zones(&House::of(&layout));
        assert_eq!(items.len(), layout.zones.len() - 1);
        let is_text = |item: &Item| matches!(item, Item::Text(_));
        assert!(items.iter().all(is_text), "a name hides seats");
    }

    #[test]
    fn house_of_too_many_seats_is_named_in_the_middle() {
        for (seats, is_on_paper) in [(BESIDE_SEATS_MAX, false), (BESIDE_SEATS_MAX + 1, true)] {
            // All in one place, so that there is room beside it.
            let layout = crate::plan::tests::single_seats(seats, 1, |_| [0.0, 0.0]);
            let items = of_zones(&House::of(&layout));
            let is_paper = |item: &Item| matches!(item, Item::Rect(_));
            assert_eq!(items.iter().any(is_paper), is_on_paper, "{seats}");
        }
    }
}
