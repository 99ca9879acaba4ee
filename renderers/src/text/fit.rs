//! Fits a text into a place: wraps it, makes it smaller, and at last cuts it.

use super::font::Weight;
use super::shape::{Line, Reading, Shape};

/// What does not begin a line of Japanese.
const CLOSING: &str = "、。）」』・ー！？ゃゅょっャュョッ";
/// What does not end one.
const OPENING: &str = "（「『";

/// Room for a text. Lengths in points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Sizes to try, largest first.
    pub(crate) sizes: &'static [f32],
    /// Down to this size a text is rather made smaller than divided into lines.
    pub(crate) line_size_min: f32,
    /// From one baseline to the next, in em.
    pub(crate) leading: f32,
    pub(crate) weight: Weight,
}

/// A text as it fits its place.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) lines: Vec<FittedLine>,
    /// In points.
    pub(crate) size: f32,
    /// From one baseline to the next, in points.
    pub(crate) leading: f32,
    /// False when the text was cut and ends in an ellipsis.
    pub(crate) complete: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct FittedLine {
    pub(crate) shaped: Line,
    /// The space that the line break swallowed, so that the lines together are the text.
    pub(crate) trailing: String,
}

/// An indivisible piece of the text while lines are sought.
struct Piece {
    start: usize,
    /// In em.
    advance: f32,
    is_space: bool,
    /// A line may end before this piece though no space is there.
    breaks_before: bool,
}

/// Fits `text`, which [`super::clean`] has seen. Takes the largest size at which it has room on
/// one line, or else on several, which are then made about equally long. At the smallest size
/// what has no room is cut.
pub(crate) fn fit(text: &str, place: &Place, reading: Reading) -> Fitted {
    // Lines of one text have one direction, also those that hold a foreign word only.
    let reading = reading.of(text);
    let whole = Line::directed(text, place.weight, reading);
    let smallest = place.sizes.last().copied().unwrap_or(1.0);
    let pieces = pieces(&whole);
    for size in place.sizes.iter().copied() {
        if size >= place.line_size_min && whole.width * size <= place.width {
            return fitted(vec![(whole, String::new())], size, place, true);
        }
    }
    for size in place.sizes.iter().copied() {
        let breaks = wrap(&pieces, place.width / size);
        if breaks.len() < lines_in(place, size) {
            let breaks = balance(&pieces, place.width / size, breaks);
            return fitted(
                shape_lines(text, &breaks, place, size, reading),
                size,
                place,
                true,
            );
        }
    }
    let mut breaks = wrap(&pieces, place.width / smallest);
    breaks.truncate(lines_in(place, smallest));
    let end = breaks.pop().unwrap_or(text.len());
    let mut lines = shape_lines(&text[..end], &breaks, place, smallest, reading);
    if let Some((last, trailing)) = lines.last_mut() {
        *last = cut(&last.text, place, smallest, reading);
        trailing.clear();
    }
    fitted(lines, smallest, place, false)
}

fn fitted(lines: Vec<(Line, String)>, size: f32, place: &Place, complete: bool) -> Fitted {
    let lines = lines
        .into_iter()
        .map(|(shaped, trailing)| FittedLine { shaped, trailing })
        .collect();
    Fitted {
        lines,
        size,
        leading: place.leading * size,
        complete,
    }
}

/// Lines of a size that the place's height holds, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive quotient of two lengths on a page"
)]
fn lines_in(place: &Place, size: f32) -> usize {
    (place.height / (place.leading * size)).max(1.0) as usize
}

fn pieces(line: &Line) -> Vec<Piece> {
    let mut clusters: Vec<_> = line.clusters.iter().collect();
    clusters.sort_by_key(|cluster| cluster.text.start);
    let mut before = None;
    clusters
        .into_iter()
        .map(|cluster| {
            let first = line.text[cluster.text.clone()].chars().next();
            let is_missing = matches!(cluster.shape, Shape::Missing(_));
            let now = Wide::of(first, is_missing);
            let closes = first.is_some_and(|c| CLOSING.contains(c));
            let breaks_before = now.may_begin_after(before.replace(now)) && !closes;
            Piece {
                start: cluster.text.start,
                advance: cluster.advance,
                is_space: line.text[cluster.text.clone()] == *" ",
                breaks_before,
            }
        })
        .collect()
}

/// Where a line may end in scripts that have no spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wide {
    /// A letter of a script that has them.
    No,
    /// A line may end before and after it.
    Yes,
    /// Katakana spell words from abroad, which stay whole.
    Katakana,
    /// A bracket that stays with what it opens.
    Opening,
}

impl Wide {
    fn of(character: Option<char>, is_missing: bool) -> Self {
        match character {
            Some(c) if OPENING.contains(c) => Self::Opening,
            Some('\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}') => Self::Katakana,
            Some(c) if is_missing || is_ideographic(c) => Self::Yes,
            _ => Self::No,
        }
    }

    /// Whether a line may begin with this one.
    fn may_begin_after(self, before: Option<Self>) -> bool {
        match (before, self) {
            (Some(Self::Opening), _)
            | (None | Some(Self::No), Self::No)
            | (Some(Self::Katakana), Self::Katakana) => false,
            (_, Self::No | Self::Yes | Self::Katakana | Self::Opening) => true,
        }
    }
}

/// Kana, ideographs and Hangul: a line may end between any two of them, but for [`Wide`]'s rules.
fn is_ideographic(character: char) -> bool {
    matches!(u32::from(character), 0x3005..=0x3007 | 0x3041..=0x9FFF | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0xFF01..=0xFF60 | 0x20000..=0x3134F)
}

/// Where new lines begin, in bytes, for lines of `width` em: after spaces, between ideographs,
/// and within a word only if the word alone is longer than a line.
fn wrap(pieces: &[Piece], width: f32) -> Vec<usize> {
    let mut breaks = Vec::new();
    // The line so far, and that part of it that would move to a new line with the next piece.
    let (mut used, mut word, mut word_start) = (0.0, 0.0, 0);
    let mut line_start = 0;
    for piece in pieces {
        if piece.breaks_before {
            (word, word_start) = (0.0, piece.start);
        }
        if piece.is_space {
            // Spaces at the end of a line hang over its edge.
            used += piece.advance;
            (word, word_start) = (0.0, piece.start + 1);
            continue;
        }
        if used + piece.advance > width && piece.start > line_start {
            if word_start > line_start {
                breaks.push(word_start);
                line_start = word_start;
                used = word;
            }
            if used + piece.advance > width && piece.start > line_start {
                breaks.push(piece.start);
                (line_start, word_start) = (piece.start, piece.start);
                (used, word) = (0.0, 0.0);
            }
        }
        used += piece.advance;
        word += piece.advance;
    }
    breaks
}

/// The same number of lines at the least width that allows it, so that no line is left short.
fn balance(pieces: &[Piece], width: f32, breaks: Vec<usize>) -> Vec<usize> {
    let (mut low, mut high, mut best) = (width * 0.5, width, breaks);
    for _ in 0..6 {
        let middle = f32::midpoint(low, high);
        let tried = wrap(pieces, middle);
        if tried.len() <= best.len() {
            (high, best) = (middle, tried);
        } else {
            low = middle;
        }
    }
    best
}

fn shape_lines(
    text: &str,
    breaks: &[usize],
    place: &Place,
    size: f32,
    reading: Reading,
) -> Vec<(Line, String)> {
    let mut lines = Vec::with_capacity(breaks.len() + 1);
    let mut start = 0;
    for end in breaks.iter().copied().chain([text.len()]) {
        let source = &text[start..end];
        let visible = source.trim_end_matches(' ');
        let mut line = Line::directed(visible, place.weight, reading);
        // Letters that were joined across the break have other widths alone.
        line.squeeze(place.width / size);
        lines.push((line, source[visible.len()..].to_owned()));
        start = end;
    }
    lines
}

/// As much of `text` as has room beside an ellipsis.
fn cut(text: &str, place: &Place, size: f32, reading: Reading) -> Line {
    let whole = Line::directed(text, place.weight, reading);
    let ellipsis = Line::shape("…", place.weight);
    let room = place.width / size - ellipsis.width;
    let pieces = pieces(&whole);
    let mut used = 0.0;
    let mut end = text.len();
    for piece in &pieces {
        if used + piece.advance > room {
            end = piece.start;
            break;
        }
        used += piece.advance;
    }
    let shortened = format!("{}…", text[..end].trim_end());
    let mut line = Line::directed(&shortened, place.weight, reading);
    line.squeeze(place.width / size);
    line
}
