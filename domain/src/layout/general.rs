//! Areas with a capacity: places that nobody has to themselves.

/// Times that places are moved closer together before they are put anywhere.
const ROUNDS_MAX: u32 = 40;

/// Places for so many people within an outline, evenly spread in rows. Where that cannot be, as in
/// an outline without an inside, the rest share its first corner.
pub(super) fn places(outline: &[[f32; 2]], capacity: usize) -> Vec<[f32; 2]> {
    let [left, top, right, bottom] = bounds(outline);
    let (width, height) = (right - left, bottom - top);
    #[expect(clippy::cast_precision_loss, reason = "at most a million places")]
    let mut step = (width * height / capacity.max(1) as f32).sqrt();
    let mut places = Vec::new();
    for _ in 0..ROUNDS_MAX {
        if !step.is_finite() || step <= 0.0 {
            break;
        }
        places = grid(outline, [left, top, right, bottom], step, capacity);
        if places.len() >= capacity {
            break;
        }
        step *= 0.95;
    }
    places.truncate(capacity);
    let corner = outline.first().copied().unwrap_or_default();
    places.resize(capacity, corner);
    places
}

fn grid(
    outline: &[[f32; 2]],
    [left, top, right, bottom]: [f32; 4],
    step: f32,
    most: usize,
) -> Vec<[f32; 2]> {
    let mut places = Vec::with_capacity(most);
    let mut y = top + step / 2.0;
    while y < bottom && places.len() < most {
        let mut x = left + step / 2.0;
        while x < right && places.len() < most {
            if is_inside(outline, [x, y]) {
                places.push([x, y]);
            }
            x += step;
        }
        y += step;
    }
    places
}

/// Whether a ray from the point leaves the outline an odd number of times.
fn is_inside(outline: &[[f32; 2]], [x, y]: [f32; 2]) -> bool {
    let ends = outline.iter().skip(1).chain(outline.first());
    let crossings = outline.iter().zip(ends).filter(|(from, to)| {
        let spans = (from[1] > y) != (to[1] > y);
        spans && x < (to[0] - from[0]) * (y - from[1]) / (to[1] - from[1]) + from[0]
    });
    crossings.count() % 2 == 1
}

fn bounds(outline: &[[f32; 2]]) -> [f32; 4] {
    let start = [
        f32::INFINITY,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NEG_INFINITY,
    ];
    outline.iter().fold(start, |[l, t, r, b], [x, y]| {
        [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_place_within_the_outline() {
        let triangle = [[0.0, 0.0], [100.0, 0.0], [0.0, 50.0]];
        for capacity in [0, 1, 7, 1_000] {
            let places = places(&triangle, capacity);
            assert_eq!(places.len(), capacity);
            assert!(
                places.iter().all(|place| is_inside(&triangle, *place)),
                "{capacity}"
            );
        }
    }

    #[test]
    fn outline_without_an_inside_ends() {
        assert_eq!(places(&[[1.0, 2.0]; 3], 5), vec![[1.0, 2.0]; 5]);
        assert_eq!(places(&[[0.0, 0.0], [9.0, 0.0], [5.0, 0.0]], 2).len(), 2);
    }
}
