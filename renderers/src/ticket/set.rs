//! Sets labels and texts in a ticket's language, colour and direction.

use domain::hours;
use domain::seat::SeatLabel;

use crate::document::TicketDocument;
use crate::language::{Labels, Language};
use crate::scene::{Anchor, Colour, Item, Picture, Rect, Role, Rule, Text};
use crate::text::{Place, Reading, Weight};

/// Space between the capitals of labels, in em. Wider looks finer, but PDF readers take it for
/// spaces between words.
const TRACKING: f32 = 0.09;

/// When the doors open, on the line of a label, with room for the label.
const DOORS: Place = Place {
    width: 196.0,
    height: 11.0,
    sizes: &[9.5, 9.0, 8.5, 8.0, 7.5, 7.0, 6.5],
    line_size_min: 6.5,
    leading: 1.14,
    weight: Weight::Regular,
};

/// A part of where to sit, with its heading.
pub(super) struct SeatCell<'a> {
    pub(super) label: &'static str,
    pub(super) value: &'a str,
}

pub(super) struct Setter {
    language: Language,
    reading: Reading,
    /// The colour of accents.
    pub(super) accent: Colour,
}

impl Setter {
    pub(super) fn of(document: &TicketDocument) -> Self {
        let language = document.language;
        let brand = document.brand.as_ref().and_then(|brand| brand.colour);
        Self {
            language,
            reading: if language.is_rtl() {
                Reading::RightToLeft
            } else {
                Reading::LeftToRight
            },
            accent: brand.map_or(Colour::ACCENT, |colour| Colour(colour.on_paper())),
        }
    }

    pub(super) fn labels(&self) -> &'static Labels {
        &self.language.words().labels
    }

    /// A small heading over a field: in capitals where the script has them.
    pub(super) fn label(&self, words: &str, at: (f32, f32)) -> Text {
        self.capitals(words, at, 7.0).coloured(Colour::MUTED)
    }

    /// Words of ours in capitals where the script has them.
    pub(super) fn capitals(&self, words: &str, at: (f32, f32), size: f32) -> Text {
        if self.language.has_capitals() {
            let words = words.to_uppercase();
            return Text::label(&words, at, size, Weight::Bold).tracked(TRACKING);
        }
        // Scripts without capitals need a little more height for the same weight on the page.
        Text::directed(words, at, size * 1.2, Weight::Bold, self.reading)
    }

    /// Words of ours on one line.
    pub(super) fn words(&self, words: &str, at: (f32, f32), size: f32, weight: Weight) -> Text {
        Text::directed(words, at, size, weight, self.reading)
    }

    /// A text that is made to fit its place.
    pub(super) fn text(&self, text: &str, at: (f32, f32), place: &Place) -> Text {
        Text::fitted_in(text, at, place, self.reading)
    }

    /// The name of the concert, with its last line at `at`.
    pub(super) fn title(&self, name: &str, at: (f32, f32), place: &Place) -> Text {
        let name = self.text(name, at, place).with_role(Role::Title).ranked(0);
        let rise = name.depth();
        name.lowered(-rise)
    }

    /// A text whose first line hangs below `at`.
    pub(super) fn hanging(&self, text: &str, at: (f32, f32), place: &Place) -> Text {
        let text = self.text(text, at, place);
        let drop = text.fitted.size * 0.95;
        text.lowered(drop)
    }

    /// The logo within `field`, or our own mark and name.
    pub(super) fn brand(&self, document: &TicketDocument, field: &Rect) -> Vec<Item> {
        let logo = document
            .brand
            .as_ref()
            .and_then(|brand| brand.logo.as_ref());
        let Some(logo) = logo else {
            return self.wordmark((field.x, field.y + field.height - 4.0));
        };
        let image = logo.image();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a logo has at most 4 million pixels"
        )]
        let [width, height] = [image.width as f32, image.height as f32];
        let scale = (field.width / width).min(field.height / height);
        vec![Item::Picture(Picture {
            x: field.x,
            y: field.y + (field.height - height * scale) / 2.0,
            width: width * scale,
            height: height * scale,
            image: image.clone(),
            spoken: document.venue.clone(),
        })]
    }

    /// A ticket with two bites, and the name beside it.
    fn wordmark(&self, (x, y): (f32, f32)) -> Vec<Item> {
        let block = |x, y, width, height, colour| {
            Item::Rect(Rect {
                x,
                y,
                width,
                height,
                radius: 1.0,
                colour,
                stroke: None,
            })
        };
        let name = Text::label("TICKETOVERFLOW", (x + 17.0, y), 8.5, Weight::Bold);
        vec![
            block(x, y - 7.5, 11.0, 9.0, self.accent),
            block(x + 6.8, y - 7.5, 1.0, 2.2, Colour::WHITE),
            block(x + 6.8, y - 4.1, 1.0, 2.2, Colour::WHITE),
            block(x + 6.8, y - 0.7, 1.0, 2.2, Colour::WHITE),
            Item::Text(name.tracked(TRACKING)),
        ]
    }

    /// Where to sit, part by part: section, row and seat, or the place where people stand.
    pub(super) fn seat_cells<'a>(&self, document: &'a TicketDocument) -> Vec<SeatCell<'a>> {
        let labels = self.labels();
        let section = document.seat_section.as_deref();
        let mut cells = Vec::with_capacity(3);
        if let Some(value) = section.filter(|section| !section.is_empty()) {
            let label = labels.section;
            cells.push(SeatCell { label, value });
        }
        if document.seat_row.is_empty() {
            let (label, value) = (labels.standing, document.seat_number.as_str());
            cells.push(SeatCell { label, value });
        } else {
            let (label, value) = (labels.row, document.seat_row.as_str());
            cells.push(SeatCell { label, value });
            let (label, value) = (labels.seat, document.seat_number.as_str());
            cells.push(SeatCell { label, value });
        }
        cells
    }

    /// The cells on a dark field: the section is as wide as all others together.
    pub(super) fn seat(&self, document: &TicketDocument, field: &Rect, place: &Place) -> Vec<Item> {
        let cells = self.seat_cells(document);
        let wide = cells.len() > 1 && document.seat_section.is_some();
        let half = field.width / 2.0;
        let mut items = Vec::new();
        let mut left = field.x;
        for (index, cell) in cells.iter().enumerate() {
            let width = match (wide, cells.len(), index) {
                (true, 3, 1 | 2) => half / 2.0,
                (_, 1, _) => field.width,
                _ => half,
            };
            if index > 0 {
                items.push(divider(left, field));
            }
            let inner = Place {
                width: width - 22.0,
                ..*place
            };
            let at = (left + 14.0, field.y + field.height - 11.0);
            let value = self.text(cell.value, at, &inner);
            let rise = value.depth();
            let rank = 40 + 2 * u8::try_from(index).expect("three cells");
            items.push(Item::Text(self.seat_label(
                cell.label,
                (left + 14.0, field.y + 16.0),
                rank,
            )));
            items.push(Item::Text(
                value
                    .lowered(-rise)
                    .coloured(Colour::WHITE)
                    .ranked(rank + 1),
            ));
            left += width;
        }
        items
    }

    fn seat_label(&self, words: &str, at: (f32, f32), rank: u8) -> Text {
        let label = self.capitals(words, at, 7.0);
        label.coloured(Colour::WHITE).ranked(rank)
    }

    /// The day, and the time if it is known.
    pub(super) fn date(&self, document: &TicketDocument) -> String {
        let date = self.language.date(document.date);
        match document.begins {
            Some(time) => format!("{date} · {}", self.language.time(time)),
            None => date,
        }
    }

    /// When the doors open, small, ending at `at`; with the day, if it is not the concert's.
    pub(super) fn doors(&self, document: &TicketDocument, at: (f32, f32)) -> Option<Text> {
        let (doors, label) = (document.doors?, self.labels().doors);
        let time = self.language.time(doors);
        let date = hours::doors_on(document.date, document.begins, doors);
        let text = if date == document.date {
            self.words(&format!("{label} {time}"), at, 9.5, Weight::Regular)
        } else {
            let day = self.language.near_date(date);
            self.text(&format!("{label} {day} · {time}"), at, &DOORS)
        };
        Some(text.anchored(Anchor::End).ranked(12))
    }

    /// Where to sit, in one line.
    pub(super) fn seat_line(&self, document: &TicketDocument) -> String {
        let SeatLabel {
            section,
            row,
            number,
        } = SeatLabel {
            section: document.seat_section.clone(),
            row: document.seat_row.clone(),
            number: document.seat_number.clone(),
        };
        self.language.seat(section.as_deref(), &row, &number)
    }

    /// The items as they stand on a page `width` points wide.
    pub(super) fn finish(&self, items: Vec<Item>, width: f32) -> Vec<Item> {
        if self.reading == Reading::LeftToRight {
            return items;
        }
        items.into_iter().map(|item| item.mirrored(width)).collect()
    }
}

fn divider(x: f32, field: &Rect) -> Item {
    Item::Rule(Rule {
        from: (x, field.y + 10.0),
        to: (x, field.y + field.height - 10.0),
        width: 0.75,
        colour: Colour::MUTED,
        dash: None,
    })
}

/// The day as computers write it, with the time and its zone if they are known.
pub(super) fn exact_date(document: &TicketDocument) -> String {
    let date = document.date.format("%Y-%m-%d");
    let zone = document.time_zone.as_ref();
    match (document.begins.map(|time| time.format("%H:%M")), zone) {
        (None, _) => date.to_string(),
        (Some(time), None) => format!("{date} {time}"),
        (Some(time), Some(zone)) => format!("{date} {time} ({zone})"),
    }
}

/// A text in the middle of its page.
pub(super) fn centred(text: Text) -> Text {
    text.anchored(Anchor::Middle)
}
