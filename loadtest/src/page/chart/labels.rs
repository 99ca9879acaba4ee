//! Where the labels of marks stand in a plot.

use super::{LEFT, WIDTH};

/// The room that a label takes.
const LABEL_WIDTH: f64 = 190.0;

/// Where the label of a mark stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Label {
    /// From above.
    pub(super) row: usize,
    /// On the left of its mark.
    pub(super) left: bool,
}

/// Rows for the labels of marks, so that no label lies over the line of another mark: a line begins
/// in the row of its own label. Near the right edge labels stand on the left, and those that might
/// reach so far, too.
pub(super) fn label_places(places: &[f64]) -> Vec<Label> {
    let is_right = |place: f64| place > WIDTH - LABEL_WIDTH;
    let any_right = places.iter().copied().any(is_right);
    let is_left = |place: f64| is_right(place) || (any_right && place > LEFT + LABEL_WIDTH);
    let mut labels = vec![Label::default(); places.len()];
    let (left, right): (Vec<_>, Vec<_>) = (0..places.len()).partition(|at| is_left(places[*at]));
    for (row, at) in left.iter().rev().chain(&right).enumerate() {
        let left = is_left(places[*at]);
        labels[*at] = Label { row, left };
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_lies_over_the_line_of_another_mark() {
        for places in [
            [100.0, 200.0, 300.0],
            [100.0, 600.0, 700.0],
            [400.0, 550.0, 700.0],
            [690.0, 695.0, 700.0],
            [300.0, 310.0, 531.0],
        ] {
            let labels = label_places(&places);
            for (at, label) in labels.iter().enumerate() {
                let reach = if label.left {
                    (places[at] - LABEL_WIDTH)..places[at]
                } else {
                    places[at]..(places[at] + LABEL_WIDTH)
                };
                assert!(
                    reach.start >= LEFT - 1.0 && reach.end <= WIDTH,
                    "{places:?}"
                );
                for (other, place) in places.iter().enumerate().filter(|(other, _)| *other != at) {
                    let begins_above = labels[other].row <= label.row;
                    assert!(
                        !(begins_above && reach.contains(place)),
                        "{places:?} {labels:?}"
                    );
                }
            }
        }
    }
}
